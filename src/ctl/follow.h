/*
 * follow.h - a pipeline of a hub, watched until it has ended, as facts for a display.
 *
 * follow_start() -> on_change() whenever something has changed -> follow_is_done() ->
 * follow_free(). Two streams feed it: what changes (watch) and what the jobs print. They
 * are brought together again here: a step's end is shown when all it printed has
 * been shown, its output not before it has begun.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_FOLLOW_H
#define CTL_FOLLOW_H

#include <stdbool.h>

struct api;
struct display;
struct err;
struct follow;
struct outlet;

struct follow_options {
	struct api *api;
	const char *pipeline; /* id */
	struct display *display;
	struct outlet *outlet; /* where the display writes: its filling stops the streams */
	bool resumes;	       /* a connection that is cut is made again, and all goes on */
	void (*on_change)(void *arg);
	void *arg;
};

/* All of options is borrowed until follow_free(); pipeline is copied. */
int follow_start(struct follow **out, const struct follow_options *options, struct err *err);
void follow_free(struct follow *follow); /* NULL is fine */

/* The pipeline has ended and all of it has been shown, or it cannot be followed any more. */
bool follow_is_done(const struct follow *follow);
/* 0, or why it could not be followed to its end. */
int follow_error(const struct follow *follow, struct err *err);
/* "success", "failed", ...; NULL while it is not known. */
const char *follow_outcome(const struct follow *follow);

/* The outlet has room again. */
void follow_want(struct follow *follow);

#endif
