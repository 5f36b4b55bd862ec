/*
 * press.c - what all outputs of this host share: the packer, and memory under one ceiling.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/press.h"

#include <malloc.h>
#include <string.h>

#include "agent/spool.h"
#include "base/err.h"
#include "format/frame.h"
#include "loop/pipe.h"
#include "runner/protocol.h"

_Static_assert(RUNNER_RECORD_HEADER_BYTES + RUNNER_RECORD_FRAME_MOST_BYTES <= CHUNK_MOST_BYTES,
	       "a record fits one chunk");
_Static_assert((int)PRESS_KEPT_BYTES < (int)SLAB_LEAST_BYTES, "something is left for memfds");

/* The last time nothing was in use: what tasks and requests left in the heap goes as well. */
static void
on_trim(void *arg)
{
	struct press *press = arg;

	if (slab_trim(press->slab))
		timer_start_ms(&press->trim, PRESS_TRIM_MS);
	else
		(void)malloc_trim(0);
}

int
press_init(struct press *press, struct loop *loop, int zstd_level, size_t memory_bytes,
	   struct err *err)
{
	memset(press, 0, sizeof(*press));
	press->loop = loop;
	if (frame_packer_new(&press->packer, zstd_level, err) < 0)
		return err->code;
	if (slab_new(&press->slab, memory_bytes, err) < 0) {
		frame_packer_free(press->packer);
		return err->code;
	}
	press->pipes_most = pipe_user_bytes() / 4;
	timer_init(&press->trim, loop, on_trim, press);
	turns_init(&press->turns, loop);
	return 0;
}

void
press_release(struct press *press)
{
	turns_release(&press->turns);
	timer_release(&press->trim);
	slab_free(press->slab);
	frame_packer_free(press->packer);
	memset(press, 0, sizeof(*press));
}

/* --- memory --- */

void
press_want_trim(struct press *press)
{
	if (!timer_is_on(&press->trim))
		timer_start_ms(&press->trim, PRESS_TRIM_MS);
}

struct chunk *
press_take(struct press *press, size_t size)
{
	press_want_trim(press);
	return slab_take(press->slab, size);
}

void
press_hold(struct press *press, uint64_t before, uint64_t after)
{
	if (after > before)
		slab_charge(press->slab, (size_t)(after - before));
	else if (after < before)
		slab_discharge(press->slab, (size_t)(before - after));
}

static size_t
whole_pages(size_t bytes)
{
	return bytes & ~(size_t)4095;
}

/* Half of what memfds may hold together: anybody's, or divided. */
static size_t
half(const struct press *press)
{
	return whole_pages((slab_use(press->slab).limit_bytes - PRESS_KEPT_BYTES) / 2);
}

size_t
press_allowance(const struct press *press, uint64_t holds)
{
	size_t held = slab_use(press->slab).charged_bytes, common = half(press);
	size_t share = whole_pages(common / PRESS_SHARES);

	if (share < PRESS_SHARE_LEAST_BYTES)
		share = PRESS_SHARE_LEAST_BYTES;
	share = holds < share ? share - (size_t)holds : 0;
	common = held < common ? common - held : 0;
	return common > share ? common : share;
}

bool
press_is_short(const struct press *press)
{
	return slab_use(press->slab).charged_bytes >= half(press);
}

/* --- pipes --- */

size_t
press_grow_pipe(struct press *press, int pipe_fd)
{
	if (press->pipes_grown + PRESS_PIPE_BYTES > press->pipes_most ||
	    !pipe_grow(pipe_fd, 2 * PRESS_PIPE_BYTES))
		return 0;
	press->pipes_grown += PRESS_PIPE_BYTES;
	return PRESS_PIPE_BYTES;
}

void
press_shrink_pipe(struct press *press, size_t bytes)
{
	press->pipes_grown -= bytes;
}

/* --- lines --- */

typedef unsigned char lanes __attribute__((vector_size(16)));

enum { LANES = sizeof(lanes), LANE_MOST = 255 };

/* Lane by lane, as often as a lane can count: a quarter of what memchr(3) takes for short lines. */
static uint32_t
count_some(const unsigned char *bytes, size_t blocks)
{
	lanes sums = {0}, block;
	const lanes newlines = (lanes){0} + (unsigned char)'\n';
	uint32_t lines = 0;
	size_t i;

	for (i = 0; i < blocks; i++) {
		memcpy(&block, bytes + i * LANES, LANES);
		sums -= (lanes)(block == newlines);
	}
	for (i = 0; i < LANES; i++)
		lines += sums[i];
	return lines;
}

static uint32_t
count_lines(const unsigned char *bytes, size_t len)
{
	uint32_t lines = 0;
	size_t blocks;

	for (; len >= LANES; bytes += blocks * LANES, len -= blocks * LANES) {
		blocks = len / LANES < LANE_MOST ? len / LANES : LANE_MOST;
		lines += count_some(bytes, blocks);
	}
	for (; len > 0; len--)
		lines += *bytes++ == '\n';
	return lines;
}

/* --- records --- */

int
press_append(struct press *press, struct spool *spool, struct spool_chunk *to,
	     const struct chunk *text, struct err *err)
{
	size_t most = RUNNER_RECORD_HEADER_BYTES + frame_bound(text->len);
	struct chunk *record = press_take(press, most);
	int rc;

	if (record == NULL)
		return err_set(err, ERR_LIMIT, "output memory is used up for now");
	to->record = record->bytes;
	to->raw_len = text->len;
	to->lines = count_lines(text->bytes, text->len);
	to->frame_len =
		(uint32_t)frame_pack(press->packer, record->bytes + RUNNER_RECORD_HEADER_BYTES,
				     record->size - RUNNER_RECORD_HEADER_BYTES, text->bytes,
				     text->len);
	rc = spool_append(spool, to, err);
	chunk_unref(record);
	if (rc < 0)
		return rc;
	press->bytes += to->raw_len;
	press->records++;
	press->frame_bytes += to->frame_len;
	return 0;
}
