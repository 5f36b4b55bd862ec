/*
 * cpu_list.h - sets of CPUs as the kernel writes them: "0-3,64-67".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CPU_LIST_H
#define AGENT_CPU_LIST_H

#include <sched.h>

struct buffer;
struct err;

enum { CPU_LIST_MOST_BYTES = 8192 }; /* every other one of CPU_SETSIZE, and a NUL */

/* A newline may end it; "" is the empty set. Fails: ERR_INPUT; ERR_LIMIT for a CPU from CPU_SETSIZE
 * on. */
int cpu_list_parse(const char *text, cpu_set_t *cpus, struct err *err);

void cpu_list_put(struct buffer *out, const cpu_set_t *cpus);

#endif
