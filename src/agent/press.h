/*
 * press.h - what all outputs of this host share: the packer, and memory under one ceiling.
 *
 * press_init() -> outputs hold and let go, take chunks and press them into records ->
 * press_release().
 *
 * The ceiling (--output-memory) covers the chunks that bytes pass through, those of a batch on its
 * way to the hub, and the pages of all steps' memfds. A part is set aside for chunks, so that
 * pressing and sending go on whatever waits. Of the rest one half is for whoever needs it; the
 * other is divided, so that each output has its share whatever others hold. So it is the noisiest
 * that waits, its pipe full, while others print on. A share is a fixed one: what an output holds
 * cannot be taken from it when more come.
 *
 * Memory that is not used any more goes back to the kernel within PRESS_TRIM_MS or twice that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_PRESS_H
#define AGENT_PRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/output_limit.h"
#include "base/slab.h"
#include "loop/loop.h"
#include "loop/turns.h"

struct err;
struct frame_packer;
struct spool;
struct spool_chunk;

enum {
	PRESS_CHUNK_BYTES = 65536, /* most that becomes one record */
	PRESS_PIPE_BYTES = 65536,  /* room of a pipe as it is made */
	PRESS_TRIM_MS = 2000,
	/* Set aside for chunks: three that one output works with, the rest for a batch. */
	PRESS_CHUNKS_KEPT = 9,
	PRESS_KEPT_BYTES = PRESS_CHUNKS_KEPT * CHUNK_MOST_BYTES,
	PRESS_SHARES = 512, /* more outputs than that, or a ceiling below 13 MiB: */
	/* each has so much all the same: a page that is begun, the beginning of a secret before it
	   that was released, and one page more. */
	PRESS_SHARE_LEAST_BYTES = 12288,
};

struct press {
	struct loop *loop;
	struct frame_packer *packer;
	struct slab *slab;
	struct timer trim;
	struct turns turns;		      /* at reading and pressing */
	size_t pipes_grown, pipes_most;	      /* bytes that pipes were given, and may be */
	struct output_limits limits;	      /* all zero: none */
	uint64_t bytes, records, frame_bytes; /* counted since the start */
	uint64_t dropped;		      /* bytes of steps' that were not kept */
};

/* Fails: ERR_INPUT (level), ERR_LIMIT (memory_bytes: see slab.h), ERR_HOST. */
int press_init(struct press *press, struct loop *loop, int zstd_level, size_t memory_bytes,
	       struct err *err);
/* Every output must have let go, every chunk have been given back. */
void press_release(struct press *press);

/* slab_take() for the log path: NULL when there is no room now. */
struct chunk *press_take(struct press *press, size_t size);

/* Something else went that took memory, a task: give it back to the kernel when all is quiet. */
void press_want_trim(struct press *press);

/* An output whose memfd held `before` bytes of pages holds `after`. */
void press_hold(struct press *press, uint64_t before, uint64_t after);
/* How many bytes more one that holds so many may hold; 0: let go of something first, or wait. */
size_t press_allowance(const struct press *press, uint64_t holds);
/* Should everybody let go of what can be committed? */
bool press_is_short(const struct press *press);

/*
 * Give a pipe that was found full twice its room, once. It makes reading one noisy step some
 * percent cheaper (doc/performance.md). All pipes together get a quarter of what their user may
 * have at most: the job's own count too. Returns how much was added, for press_shrink_pipe() when
 * it is closed; 0 when it stays as it is.
 */
size_t press_grow_pipe(struct press *press, int pipe_fd);
void press_shrink_pipe(struct press *press, size_t bytes);

/*
 * Press text (chunk->len bytes, at most PRESS_CHUNK_BYTES) into a record at the end of its stream:
 * the commit. *to says which one, when, and how many of the step's bytes these were; the rest of it
 * is filled here. Fails: as spool_append(); ERR_LIMIT also when there is no memory now.
 */
int press_append(struct press *press, struct spool *spool, struct spool_chunk *to,
		 const struct chunk *text, struct err *err);

#endif
