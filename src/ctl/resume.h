/*
 * resume.h - a stream that goes on by itself when its connection is cut.
 *
 * resume_init() -> resume_want() when a stream has ended with an error: true means that again()
 * runs when it is worth a try, on a new connection -> resume_progress() whenever something new has
 * come -> resume_release().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_RESUME_H
#define CTL_RESUME_H

#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"

struct api;
struct api_stream;
struct err;

enum {
	RESUME_FIRST_MS = 250,
	RESUME_MOST_MS = 10 * 1000,
	RESUME_PATIENCE_MS = 10 * 60 * 1000, /* without anything new: it is given up */
	RESUME_FRUITLESS_MOST = 10, /* the hub answers, breaks off, and nothing new comes */
};

struct resume {
	struct api *api;
	struct timer timer;
	loop_fn *again;
	void *arg;
	uint64_t delay_ms;  /* of the next try */
	uint64_t lost_us;   /* when; 0: it is not */
	unsigned fruitless; /* answers that brought nothing */
};

/* again must start all streams anew; api is borrowed. */
void resume_init(struct resume *resume, struct api *api, loop_fn *again, void *arg);
void resume_release(struct resume *resume); /* a zeroed struct is fine */

/*
 * A stream has ended with err. False: that is final (the hub refused it, or it was tried long
 * enough). The other streams are to be stopped at once, too.
 */
bool resume_want(struct resume *resume, const struct api_stream *stream, const struct err *err);

/* again() will run. */
bool resume_is_waiting(const struct resume *resume);

void resume_progress(struct resume *resume);

#endif
