/*
 * clock.h - what time it is: the one place of runner-init that asks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_CLOCK_H
#define SUPERVISOR_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in milliseconds, never 0: 0 stands for "no moment". */
uint64_t clock_now_ms(void);

/* Unix time in milliseconds. */
uint64_t clock_unix_ms(void);

/* The earlier of two moments, where 0 is none. */
uint64_t clock_earlier(uint64_t a, uint64_t b);

#endif
