/*
 * private.h - a hub and an agent of our own for the time of one command.
 *
 * private_start() -> private_url(), private_token() -> private_stop() -> private_free().
 * The contract with both programs is doc/local-run.md. Calls run the loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_PRIVATE_H
#define CTL_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct loop;
struct private_pair;

struct private_options {
	unsigned slots;
	const char *isolation;	     /* runnerd's; NULL: the strongest that this host has */
	bool keep_failed;
	const char *cache_dir;	     /* of the agent; NULL: one that goes with the pair */
	const bool *stop;	     /* a signal has come: do not start any further */
	const bool *hurry;	     /* another one: do not wait for a good end */
	void (*on_death)(void *arg); /* one of the two has ended unasked */
	void *arg;
};

/* Fails: ERR_HOST (a program is missing, no directory, one of them does not start), ERR_GONE when
 * stopped. */
int private_start(struct private_pair **out, struct loop *loop,
		  const struct private_options *options, struct err *err);

const char *private_url(const struct private_pair *pair);
/* The level that jobs have: "namespace" or "none". */
const char *private_isolation(struct private_pair *pair);
const char *private_token(const struct private_pair *pair);
/* The file that has it. */
const char *private_token_file(const struct private_pair *pair);

/* 0 while both live; else which one has ended and how. */
int private_check(const struct private_pair *pair, struct err *err);

/* The end of the log of the program that has died, to standard error. */
void private_show_log(const struct private_pair *pair);

/* Kill both at once. */
void private_kill(struct private_pair *pair);

/*
 * End both and everything they started, and remove the directories, but the work directories when
 * keep is true. Fails: ERR_HOST when something does not go.
 */
int private_stop(struct private_pair *pair, bool keep, struct err *err);

/* Where the work directories are: what --keep-failed keeps. */
const char *private_work_dir(const struct private_pair *pair);

void private_free(struct private_pair *pair); /* NULL is fine */

#endif
