/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GREETING_H
#define GREETING_H

#include <stddef.h>

/* Write "Hello, NAME!" to room; returns its length, or 0 when it does not fit. */
size_t greeting(char *room, size_t size, const char *name);

#endif
