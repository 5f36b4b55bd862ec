/*
 * check.h - what this host can do for runnerd, found out by trying.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CHECK_H
#define AGENT_CHECK_H

#include <stdbool.h>

struct buffer;
struct settings;

/* The oldest kernel with every call that runnerd and runner-init make: close_range(2) came with it.
 */
enum { CHECK_KERNEL_MAJOR = 5, CHECK_KERNEL_MINOR = 9 };

/*
 * Append one line for each thing looked at: "ok", "no" (runnerd cannot work without it) or "--" (it
 * does without, and the line says what is lost). True when there is no "no".
 */
bool check_host(const struct settings *settings, struct buffer *out);

#endif
