/*
 * output_chunk.c - a chunk of what a step wrote: masked, compressed, committed.
 *
 * A chunk is read with pread(2): mapping it costs 8 us where 100 bytes read cost 1, and 18
 * where 64 KiB cost 7.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/output_chunk.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/output.h"
#include "agent/spool.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/frame.h"
#include "loop/clock.h"
#include "loop/pipe.h"
#include "runner/protocol.h"

enum { PUNCH_BYTES = 65536, PAGE_MASK = 4095 };

/* --- the press --- */

int
output_press_init(struct output_press *press, struct loop *loop, int zstd_level, uint64_t held_most,
		  struct err *err)
{
	int rc;

	memset(press, 0, sizeof(*press));
	rc = frame_packer_new(&press->packer, zstd_level, err);
	if (rc < 0)
		return rc;
	press->loop = loop;
	press->held_most = held_most;
	press->raw = mem_zalloc(1, OUTPUT_CHUNK_BYTES);
	press->masked = mem_zalloc(1, OUTPUT_CHUNK_BYTES);
	press->record_size = RUNNER_RECORD_HEADER_BYTES + frame_bound(OUTPUT_CHUNK_BYTES);
	press->record = mem_zalloc(1, press->record_size);
	return 0;
}

void
output_press_release(struct output_press *press)
{
	frame_packer_free(press->packer);
	free(press->raw);
	free(press->masked);
	free(press->record);
	memset(press, 0, sizeof(*press));
}

static uint32_t
count_lines(const unsigned char *bytes, size_t len)
{
	uint32_t lines = 0;
	size_t i;

	for (i = 0; i < len; i++)
		lines += bytes[i] == '\n';
	return lines;
}

/* The last line with anything in it, made fit for a status line; a chunk of empty lines changes
 * nothing. */
static void
keep_last_line(char *room, const unsigned char *bytes, size_t len)
{
	const unsigned char *start;
	size_t n, i;

	while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
		len--;
	if (len == 0)
		return;
	start = memrchr(bytes, '\n', len);
	start = start != NULL ? start + 1 : bytes;
	n = (size_t)(bytes + len - start);
	if (n > OUTPUT_LINE_BYTES - 1)
		n = OUTPUT_LINE_BYTES - 1;
	n = text_utf8_prefix((const char *)start, n);
	for (i = 0; i < n; i++)
		room[i] = start[i] < ' ' || start[i] == 0x7f ? ' ' : (char)start[i];
	room[n] = '\0';
}

/* bytes[0..len) become one record of the spool; the step wrote them as source_len. */
static int
press_chunk(struct output *output, const unsigned char *bytes, size_t len, size_t source_len,
	    struct err *err)
{
	struct output_press *press = output->press;
	struct spool_chunk chunk = {.step = output->step,
				    .attempt = output->attempt,
				    .raw_len = (uint32_t)len,
				    .lines = count_lines(bytes, len),
				    .source_len = (uint32_t)source_len,
				    .time_ms = clock_unix_ms(),
				    .record = press->record};
	int rc;

	chunk.frame_len =
		(uint32_t)frame_pack(press->packer, press->record + RUNNER_RECORD_HEADER_BYTES,
				     press->record_size - RUNNER_RECORD_HEADER_BYTES, bytes, len);
	rc = spool_append(output->spool, &chunk, err);
	if (rc < 0)
		return rc;
	keep_last_line(output->last_line, bytes, len);
	press->bytes += len;
	press->records++;
	press->frame_bytes += chunk.frame_len;
	return 0;
}

/* --- memfd to spool --- */

void
output_note_size(struct output *output, uint64_t size)
{
	output->press->held += size - output->size;
	output->size = size;
}

void
output_punch(struct output *output)
{
	uint64_t to = output->committed & ~(uint64_t)PAGE_MASK;
	struct err err = ERR_INIT;

	if (to < output->punched + PUNCH_BYTES)
		return;
	if (pipe_memfd_punch(output->memfd, output->punched, to, &err) < 0)
		return; /* memory only; the memfd goes with the step */
	output->press->held -= to - output->punched;
	output->punched = to;
}

bool
output_is_final(const struct output *output)
{
	return output->ended || output->draining ||
	       loop_now_us(output->press->loop) >= output->moved_us + OUTPUT_KEPT_MS * 1000ull;
}

/*
 * Mask press->raw[0..*len) where there are secrets. *len becomes what that took; the rest stays in
 * the memfd. A mask may be longer than what is left of a released secret: it has room, since a
 * chunk is read shorter then.
 */
static const unsigned char *
mask_chunk(struct output *output, size_t *len, size_t *masked_len)
{
	struct output_press *press = output->press;
	bool all = output->committed + *len == output->size;
	size_t taken;

	*masked_len = *len;
	if (mask_is_empty(output->mask))
		return press->raw;
	*masked_len = mask_apply(output->mask, press->raw, *len, all && output_is_final(output),
				 &output->carry, press->masked, &taken);
	if (taken < *len && all)
		output->kept_size = output->size;
	*len = taken;
	return press->masked;
}

int
output_commit_chunk(struct output *output, struct err *err)
{
	uint64_t pending = output->size - output->committed;
	size_t most = OUTPUT_CHUNK_BYTES - (mask_is_empty(output->mask) ? 0 : MASK_STARS);
	size_t len = pending < most ? (size_t)pending : most, masked_len;
	const unsigned char *bytes;
	ssize_t n;
	int rc;

	if (spool_is_full(output->spool))
		return err_set(err, ERR_LIMIT, "the task's spool is full");
	n = pread(output->memfd, output->press->raw, len, (off_t)output->committed);
	if (n < 0)
		return err_sys(err, "cannot read a step's output");
	if ((size_t)n != len)
		return err_set(err, ERR_HOST, "a step's output has become shorter");
	bytes = mask_chunk(output, &len, &masked_len);
	if (len == 0)
		return 0;
	rc = press_chunk(output, bytes, masked_len, len, err);
	if (rc < 0)
		return rc;
	output->committed += len;
	output_punch(output);
	output->hooks.on_record(output->hooks.arg);
	return 0;
}
