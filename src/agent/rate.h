/*
 * rate.h - a bucket of tokens: how much may be taken now, and when there will be more.
 *
 * It fills evenly and holds what comes in in one second, so that who was quiet may print that much
 * at once. Knows no clock: times are the caller's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_RATE_H
#define AGENT_RATE_H

#include <stdint.h>

enum { RATE_LEAST_BYTES = 1024 }; /* slower is not worth waking up for */

struct rate {
	uint64_t per_second; /* 0: no limit */
	uint64_t tokens;
	uint64_t filled_us; /* when tokens was counted */
};

/* A full bucket. */
void rate_init(struct rate *rate, uint64_t per_second, uint64_t now_us);

/* How much may be taken now; UINT64_MAX without a limit. */
uint64_t rate_room(struct rate *rate, uint64_t now_us);

/* So much was taken: more than there is room for makes a debt of nothing. */
void rate_spend(struct rate *rate, uint64_t bytes);

/* When something worth waking up for may be taken: not before now_us. */
uint64_t rate_due_us(const struct rate *rate, uint64_t now_us);

#endif
