/*
 * filter.h - the system calls that an isolated job cannot make, compiled once for all of them.
 *
 * A short list of what reaches beyond a task, or is there to reach into the kernel, and that builds
 * do not need. Everything else is allowed: debuggers, sandboxes of browsers and build tools, and
 * namespaces of a job's own work. A call of the list fails with EPERM. runner-init loads the filter
 * in each step, behind no_new_privs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_FILTER_H
#define AGENT_FILTER_H

#include <stdint.h>

struct err;
struct filter;

/* Fails: ERR_HOST. */
int filter_new(struct filter **out, struct err *err);
void filter_free(struct filter *filter); /* NULL is fine */

/* Its instructions, struct sock_filter as 8 bytes each (wire/spec.h), and their number. */
const uint64_t *filter_code(const struct filter *filter, uint32_t *count);

/* Name and reason of the n-th call of the list; NULL behind the last. */
const char *filter_denied(unsigned n, const char **why);

#endif
