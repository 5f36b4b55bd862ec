/*
 * why.h - why a job is where it is: a word for programs, a sentence for people.
 *
 * It asks what decides: the scheduler of what a job requires and of what an agent has room
 * for, its serial group of whose turn it is. why_job() -> struct why -> why_release().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_WHY_H
#define HUB_WHY_H

#include "base/buffer.h"

struct job;
struct job_row;

#define WHY_REASONS(X)            \
	X(ENDED, ended)           \
	X(RUNNING, running)       \
	X(APPROVAL, approval)     \
	X(REQUIRES, requires)     \
	X(SERIAL, serial_group)   \
	X(NO_AGENT, no_agent)     \
	X(STOPPED, agents_stopped) /* a person has paused or drained them */ \
	X(FULL, agents_full)      \
	X(HELD, agents_held)      /* their hosts, or the class there, take none for now */ \
	X(KEPT, room_kept)        /* for an older task that needs more of it */ \
	X(SILENT, agents_silent) /* some have free slots and ask for nothing */ \
	X(NEXT, next)            /* it is about to be given out */

#define X(upper, name) WHY_##upper,
enum why_reason { WHY_REASONS(X) WHY_REASON_COUNT };
#undef X

struct why {
	enum why_reason reason;
	struct buffer text; /* a sentence, as errors are: without a full stop */
	/* Of a queued job: tasks of its class that go before its first, and the class's agents that are connected. */
	unsigned before, agents;
	unsigned slots, taken; /* of these agents */
};

void why_job(struct why *why, const struct job *job);
/* Of a job that the store alone knows: it has ended. */
void why_ended(struct why *why, const struct job_row *row);
void why_release(struct why *why);

const char *why_reason_name(enum why_reason reason);

#endif
