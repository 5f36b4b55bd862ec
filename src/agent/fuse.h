/*
 * fuse.h - a resource class whose tasks fail by the host's fault, one after the other, is paused.
 *
 * fuses_new() -> fuses_note() for each end -> fuses_free(). A pause says itself in the class
 * (struct slots_class, paused), ends by itself, and is twice as long when the first task after it
 * fails so again. Any other end of a task shows that the class works.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_FUSE_H
#define AGENT_FUSE_H

#include <stdbool.h>
#include <stdint.h>

struct fuses;
struct loop;
struct slots;

enum { FUSE_PAUSE_MOST_MS = 3600 * 1000 };

struct fuse_settings {
	unsigned most;	   /* failures in a row; 0: never paused */
	uint64_t pause_ms; /* the first time; FUSE_PAUSE_MOST_MS is the longest, or it if that is
			      longer */
	void *arg;
	void (*on_change)(void *arg); /* a class is paused, or is not any more; from the loop */
};

/* slots are borrowed. */
struct fuses *
fuses_new(struct loop *loop, struct slots *slots, const struct fuse_settings *settings);
void fuses_free(struct fuses *fuses); /* NULL is fine */

/* A task of a class has ended, as an infrastructure failure with this reason, or otherwise. */
void fuses_note(struct fuses *fuses, unsigned class, bool failed, const char *reason);

/* Every class is as new: a person says so, or the settings are read again. */
void fuses_reset(struct fuses *fuses, const char *why);

#endif
