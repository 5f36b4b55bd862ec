/*
 * output.h - a step's bytes on their way from its pipe to the task's spool.
 *
 * pipe -> one splice(2) into the step's memfd at offset = its size -> a chunk read once
 * -> zstd frame -> record in the spool (the commit) -> punched out of the memfd.
 * output_start() -> [output_say()] -> output_drain() when the step's main process has
 * ended -> output_release(). After a crash output_start() with the memfd that was found
 * goes on where the spool ends: what lies between is the next chunk.
 *
 * A pipe that prints is looked at by a timer, not by the poller, so that short lines cost a
 * wake-up every few milliseconds and not one each. Outputs whose time has come take turns, so that
 * many noisy ones do not keep the loop from sending what they print. A chunk is closed at 64 KiB,
 * 50 ms after its first byte when the step was quiet before, 250 ms when not, or at the end. While
 * the spool has no room, or this output has its share of a short memory (agent/press.h), nothing is
 * taken out of the pipe and the step waits in write(2).
 *
 * Where limits say so (agent/output_limit.h) bytes are dropped instead of committed, and one line
 * stands for them. A drop goes on to the end of a line, so that masking goes on where no secret can
 * have begun. Bytes that were dropped and not yet told of are holes in the memfd behind what the
 * spool has: a later runnerd sees them there.
 *
 * Between reading a chunk and packing it secrets become "****" (task/mask.h). What may be the
 * beginning of one is not committed, so it stays in the memfd; it goes when more shows that it is
 * none, at the step's end, or after OUTPUT_KEPT_MS without more. Offsets here are those of what the
 * step wrote; those of what readers see are the spool's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_OUTPUT_H
#define AGENT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/output_limit.h"
#include "loop/loop.h"
#include "loop/turns.h"
#include "task/mask.h"

struct err;
struct press;
struct rate;
struct spool;

enum {
	OUTPUT_TURN_BYTES = 256 * 1024, /* most taken from one pipe in one turn */
	OUTPUT_QUIET_MS = 50,		/* a chunk's age when it is closed */
	OUTPUT_BUSY_MS = 250,
	OUTPUT_KEPT_MS = 1000,	 /* so long what may be the beginning of a secret waits for more */
	OUTPUT_LINE_BYTES = 200, /* of the last line that is kept for status, NUL included */
};

struct output_hooks {
	void *arg;
	void (*on_record)(void *arg);  /* the spool has one more */
	void (*on_drained)(void *arg); /* once after output_drain() had returned false */
	void (*on_ended)(
		void *arg); /* nobody holds the write end any more, and all is in the spool */
	void (*on_failed)(void *arg, const struct err *err); /* it cannot go on; stopped */
};

struct output {
	uint32_t magic;
	uint32_t step, attempt;
	struct press *press;
	struct spool *spool;
	struct output_hooks hooks;
	struct mask *mask; /* borrowed; NULL: nothing to mask */
	struct mask_carry carry;
	struct rate *rate;  /* borrowed; NULL: as fast as it prints */
	char *last_line;    /* OUTPUT_LINE_BYTES; borrowed */
	int pipe_fd;	    /* owned; -1: none */
	int memfd;	    /* owned */
	uint64_t size;	    /* of the memfd: offset of the next byte */
	uint64_t committed; /* so many of them are in the spool, or dropped */
	uint64_t dropped;   /* of these, the last so many: the line that says so is owed */
	uint64_t kept_size; /* size when the rest may have been the beginning of a secret */
	uint64_t punched;   /* pages below were given back */
	uint64_t drain_to;
	uint64_t close_us; /* when the open chunk is to be closed; 0: there is none */
	uint64_t read_us;  /* last look at the pipe */
	uint64_t moved_us; /* when it last printed, or was started */
	uint64_t hold_us;  /* its rate lets nothing be taken before */
	size_t grown;	   /* bytes that its pipe was given */
	bool found_full;   /* once, its pipe */
	unsigned pace_ms;  /* between two looks */
	bool ended;	   /* end of file was seen */
	bool ready;	   /* the poller said so */
	bool draining, polled, blocked, failed;
	bool moved;   /* something has been taken out of the pipe: not yet by us, of one that was found */
	bool waiting; /* for memory that others hold */
	bool cut;     /* a limit is reached: what comes is dropped */
	struct watch watch;
	struct timer timer;
	struct turn turn;
};

/*
 * Begin. pipe_fd may be -1 (nothing comes but output_say()). Owns: both descriptors, also on
 * failure. last_line, mask and spool outlive it. No hook is called from inside. Fails: ERR_HOST,
 * also when the memfd ends before the spool does.
 */
int output_start(struct output *output, struct press *press, struct spool *spool, struct mask *mask,
		 uint32_t step, uint32_t attempt, int pipe_fd, int memfd, char *last_line,
		 const struct output_hooks *hooks, struct err *err);
void output_release(struct output *output);

/* From now on it is read no faster than this allows; the step waits in write(2). What waits at the
 * end of the step's main process is taken at once. */
void output_set_rate(struct output *output, struct rate *rate);

/* Add text of the agent's own to the step's output, behind what was read so far, and commit it. */
int output_say(struct output *output, const char *text, struct err *err);

/*
 * Take all that waits in the pipe now and commit it. True when that is done; else the spool has no
 * room and on_drained comes later. What comes afterwards is taken as before, until on_ended.
 */
bool output_drain(struct output *output);

/* The spool has room again. */
void output_resume(struct output *output);

/* Nobody holds the write end any more and everything is in the spool. */
bool output_is_ended(const struct output *output);

/* Is it kept from reading by a full spool, or by what others hold? Its silence is not the step's
 * then. */
bool output_is_blocked(const struct output *output);

/* Waits something in its pipe that has not been taken yet? A loop that was held up, or a process that
 * was stopped, finds its timers due before it has read. */
bool output_is_late(const struct output *output);

#endif
