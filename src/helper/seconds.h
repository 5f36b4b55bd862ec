/*
 * seconds.h - how long a test took, as the many writers of JUnit XML have it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HELPER_SECONDS_H
#define HELPER_SECONDS_H

#include <stdint.h>

enum { SECONDS_MOST = 2000000 }; /* three weeks; more is cut */

/* Microseconds of "12.5", "1,234.5", "0,25", "1e-05"; 0 of what is no number. */
uint64_t seconds_us(const char *text);

#endif
