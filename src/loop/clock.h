/*
 * clock.h - the one place that asks the kernel what time it is.
 *
 * Code inside a loop asks loop_now_us(), which does not change within a turn.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_CLOCK_H
#define LOOP_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in microseconds: the same for every process of the host. */
uint64_t clock_monotonic_us(void);

/* Unix time in milliseconds. */
int64_t clock_unix_ms(void);

#endif
