/*
 * clock.c - what time it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/clock.h"

#include <time.h>

static uint64_t
read_ms(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now); /* cannot fail for these two */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t
clock_now_ms(void)
{
	return read_ms(CLOCK_MONOTONIC) + 1;
}

uint64_t
clock_unix_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

uint64_t
clock_earlier(uint64_t a, uint64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}
