/*
 * output_chunk.c - a chunk of what a step wrote: masked, compressed, committed.
 *
 * A chunk is read with pread(2): mapping it costs 8 us where 100 bytes read cost 1, and 18
 * where 64 KiB cost 7.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/output_chunk.h"

#include <string.h>
#include <unistd.h>

#include "agent/output.h"
#include "agent/press.h"
#include "agent/spool.h"
#include "base/err.h"
#include "base/text.h"
#include "loop/clock.h"
#include "loop/pipe.h"

enum { PUNCH_BYTES = 65536, PAGE_MASK = 4095 };

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

/* --- memfd to spool --- */

uint64_t
output_holds(const struct output *output)
{
	return ((output->size + PAGE_MASK) & ~(uint64_t)PAGE_MASK) - output->punched;
}

void
output_note_size(struct output *output, uint64_t size)
{
	uint64_t before = output_holds(output);

	output->size = size;
	press_hold(output->press, before, output_holds(output));
}

void
output_punch(struct output *output)
{
	uint64_t to = output->committed & ~(uint64_t)PAGE_MASK, before = output_holds(output);
	struct err err = ERR_INIT;

	if (to == output->punched ||
	    (to < output->punched + PUNCH_BYTES && !press_is_short(output->press)))
		return;
	if (pipe_memfd_punch(output->memfd, output->punched, to, &err) < 0)
		return; /* memory only; the memfd goes with the step */
	output->punched = to;
	press_hold(output->press, before, output_holds(output));
}

bool
output_is_final(const struct output *output)
{
	return output->ended || output->draining ||
	       loop_now_us(output->press->loop) >= output->moved_us + OUTPUT_KEPT_MS * 1000ull;
}

/*
 * What the next bytes of the memfd become: *text is another chunk where there are secrets, and
 * *taken says how many bytes it stands for; the rest stays in the memfd. A mask may be longer than
 * what is left of a released secret: it has room, since a chunk is read shorter then.
 */
static int
mask_chunk(struct output *output, struct chunk **text, size_t *taken, struct err *err)
{
	struct chunk *raw = *text, *masked;
	bool all = output->committed + raw->len == output->size;

	*taken = raw->len;
	if (mask_is_empty(output->mask))
		return 0;
	masked = press_take(output->press, raw->len + MASK_STARS);
	if (masked == NULL)
		return err_set(err, ERR_LIMIT, "output memory is used up for now");
	masked->len = (uint32_t)mask_apply(output->mask, raw->bytes, raw->len,
					   all && output_is_final(output), &output->carry,
					   masked->bytes, taken);
	if (*taken < raw->len && all)
		output->kept_size = output->size;
	chunk_unref(raw);
	*text = masked;
	return 0;
}

/* The next bytes that are not in the spool, as the step wrote them. */
static int
read_chunk(struct output *output, struct chunk **text, struct err *err)
{
	uint64_t pending = output->size - output->committed;
	size_t most = PRESS_CHUNK_BYTES - (mask_is_empty(output->mask) ? 0 : MASK_STARS);
	size_t len = pending < most ? (size_t)pending : most;
	struct chunk *raw = press_take(output->press, len);
	ssize_t n;

	if (raw == NULL)
		return err_set(err, ERR_LIMIT, "output memory is used up for now");
	*text = raw;
	n = pread(output->memfd, raw->bytes, len, (off_t)output->committed);
	if (n < 0)
		return err_sys(err, "cannot read a step's output");
	if ((size_t)n != len)
		return err_set(err, ERR_HOST, "a step's output has become shorter");
	raw->len = (uint32_t)len;
	return 0;
}

static int
append(struct output *output, const struct chunk *text, size_t taken, struct err *err)
{
	struct spool_chunk chunk = {.step = output->step,
				    .attempt = output->attempt,
				    .source_len = (uint32_t)taken,
				    .time_ms = clock_unix_ms()};
	int rc;

	if (taken == 0)
		return 0;
	rc = press_append(output->press, output->spool, &chunk, text, err);
	if (rc < 0)
		return rc;
	keep_last_line(output->last_line, text->bytes, text->len);
	output->committed += taken;
	output_punch(output);
	output->hooks.on_record(output->hooks.arg);
	return 0;
}

int
output_commit_chunk(struct output *output, struct err *err)
{
	struct chunk *text = NULL;
	size_t taken;
	int rc;

	if (spool_is_full(output->spool))
		return err_set(err, ERR_LIMIT, "the task's spool is full");
	rc = read_chunk(output, &text, err);
	if (rc == 0)
		rc = mask_chunk(output, &text, &taken, err);
	if (rc == 0)
		rc = append(output, text, taken, err);
	chunk_unref(text);
	return rc;
}
