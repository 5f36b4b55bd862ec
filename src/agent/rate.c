/*
 * rate.c - a bucket of tokens: how much may be taken now, and when there will be more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/rate.h"

enum { SECOND_US = 1000000, WORTH_BYTES = 4096 };

void
rate_init(struct rate *rate, uint64_t per_second, uint64_t now_us)
{
	*rate = (struct rate){per_second, per_second, now_us};
}

uint64_t
rate_room(struct rate *rate, uint64_t now_us)
{
	uint64_t gone = now_us - rate->filled_us, more;

	if (rate->per_second == 0)
		return UINT64_MAX;
	if (gone > SECOND_US)
		gone = SECOND_US;
	more = gone * rate->per_second / SECOND_US;
	if (more == 0)
		return rate->tokens; /* the time is not used up: it counts next time */
	rate->tokens += more;
	if (rate->tokens > rate->per_second)
		rate->tokens = rate->per_second;
	rate->filled_us = now_us;
	return rate->tokens;
}

void
rate_spend(struct rate *rate, uint64_t bytes)
{
	rate->tokens -= bytes < rate->tokens ? bytes : rate->tokens;
}

uint64_t
rate_due_us(const struct rate *rate, uint64_t now_us)
{
	uint64_t worth = WORTH_BYTES, due;

	if (worth > rate->per_second)
		worth = rate->per_second;
	if (rate->tokens >= worth)
		return now_us;
	due = rate->filled_us + (worth - rate->tokens) * SECOND_US / rate->per_second + 1;
	return due > now_us ? due : now_us;
}
