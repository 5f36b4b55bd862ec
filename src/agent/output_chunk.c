/*
 * output_chunk.c - a chunk of what a step wrote: masked, compressed, committed.
 *
 * A chunk is read with pread(2): mapping it costs 8 us where 100 bytes read cost 1, and 18
 * where 64 KiB cost 7.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/output_chunk.h"

#include <errno.h>
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

/* Where the secret begins that was released so far: the next runnerd masks its rest by it. */
static uint64_t
begun_at(const struct output *output)
{
	size_t carried = mask_carried(output->mask, &output->carry);

	return output->committed > carried ? output->committed - carried : 0;
}

void
output_punch(struct output *output)
{
	uint64_t to = begun_at(output) & ~(uint64_t)PAGE_MASK, before = output_holds(output);
	struct err err = ERR_INIT;

	if (to <= output->punched ||
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

/* What is begun where the next chunk begins: an earlier runnerd may have released it, or other
 * secrets have been added since. Pages that were given back read as zeros, and nothing began in
 * them. */
static int
recall(struct output *output, struct err *err)
{
	unsigned char before[MASK_RECALL_BYTES];
	size_t len =
		output->committed < sizeof(before) ? (size_t)output->committed : sizeof(before);
	ssize_t n;

	if (mask_is_carried(output->mask, &output->carry))
		return 0;
	n = pread(output->memfd, before, len, (off_t)(output->committed - len));
	if (n < 0)
		return err_sys(err, "cannot read a step's output");
	mask_recall(output->mask, before, (size_t)n, &output->carry);
	return 0;
}

/* Behind half a chunk the line may come that says that nothing follows. */
static size_t
line_room(size_t len)
{
	return len <= PRESS_CHUNK_BYTES / 2 ? OUTPUT_LIMIT_LINE_BYTES : 0;
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
	if (recall(output, err) < 0)
		return err->code;
	masked = press_take(output->press, raw->len + MASK_STARS + line_room(raw->len));
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

/* How much to take at once: less where masking may lengthen it, or the last line come behind it. */
static size_t
next_len(const struct output *output, uint64_t left)
{
	uint64_t pending = output->size - output->committed;
	size_t most = PRESS_CHUNK_BYTES - (mask_is_empty(output->mask) ? 0 : MASK_STARS);

	if (left < PRESS_CHUNK_BYTES)
		most = PRESS_CHUNK_BYTES / 2;
	return pending < most ? (size_t)pending : most;
}

/* The next bytes that are not in the spool, as the step wrote them; left: how many may be kept. */
static int
read_chunk(struct output *output, uint64_t left, struct chunk **text, struct err *err)
{
	size_t len = next_len(output, left);
	struct chunk *raw = press_take(output->press, len + line_room(len));
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

/* --- what is not kept --- */

static void
note_handled(struct output *output, uint64_t len)
{
	output->committed += len;
	output_punch(output);
}

static void
drop(struct output *output, uint64_t len)
{
	output->press->dropped += len;
	if (!output->cut)
		output->dropped += len;
	note_handled(output, len);
}

bool
output_owes_line(const struct output *output)
{
	return output->dropped > 0 && (output->ended || output->draining) &&
	       output->committed == output->size;
}

/* text becomes a record; the step wrote it as source_len bytes. */
static int
append(struct output *output, const struct chunk *text, uint64_t source_len, struct err *err)
{
	struct spool_chunk chunk = {.step = output->step,
				    .attempt = output->attempt,
				    .source_len = (uint32_t)source_len,
				    .time_ms = clock_unix_ms()};
	int rc = press_append(output->press, output->spool, &chunk, text, err);

	if (rc < 0)
		return rc;
	keep_last_line(output->last_line, text->bytes, text->len);
	output->hooks.on_record(output->hooks.arg);
	return 0;
}

static int
append_line(struct output *output, const char *line, size_t len, uint64_t source_len,
	    struct err *err)
{
	struct chunk *text = press_take(output->press, len);
	int rc;

	if (text == NULL)
		return err_set(err, ERR_LIMIT, "output memory is used up for now");
	memcpy(text->bytes, line, len);
	text->len = (uint32_t)len;
	rc = append(output, text, source_len, err);
	chunk_unref(text);
	return rc;
}

int
output_add_line(struct output *output, const char *text, struct err *err)
{
	return append_line(output, text, strlen(text), 0, err);
}

/* One line for all that was dropped; a record says 4 GiB at most. */
static int
tell_of_gap(struct output *output, struct err *err)
{
	uint64_t dropped = output->dropped < UINT32_MAX ? output->dropped : UINT32_MAX;
	char line[OUTPUT_LIMIT_LINE_BYTES];
	int rc = append_line(output, line, output_limit_gap_line(line, dropped), dropped, err);

	if (rc == 0)
		output->dropped -= dropped;
	return rc;
}

/* There is room again. raw is what follows: a drop goes on to the end of its line. */
static int
end_gap(struct output *output, const struct chunk *raw, struct err *err)
{
	const unsigned char *newline = memchr(raw->bytes, '\n', raw->len);

	output->carry = (struct mask_carry){0}; /* it is of what stood before the gap */
	drop(output, newline != NULL ? (size_t)(newline - raw->bytes) + 1 : raw->len);
	if (newline == NULL && !output_owes_line(output))
		return 0;
	return tell_of_gap(output, err);
}

int
output_find_gap(struct output *output, struct err *err)
{
	off_t hole, data;

	if (output->committed == output->size)
		return 0;
	hole = lseek(output->memfd, (off_t)output->committed, SEEK_HOLE);
	if (hole < 0)
		return err_sys(err, "cannot look for what was dropped of a step's output");
	if ((uint64_t)hole >= output->size)
		return 0;
	data = lseek(output->memfd, hole, SEEK_DATA);
	if (data < 0 && errno != ENXIO)
		return err_sys(err, "cannot look for what was dropped of a step's output");
	output->dropped = (data < 0 ? output->size : (uint64_t)data) - output->committed;
	output->committed += output->dropped;
	return 0;
}

/* The last of it that is kept and the line that says so are one record: a crash leaves both or
 * none. text is not shared with anybody. */
static int
cut(struct output *output, struct chunk *text, uint64_t left, size_t taken, struct err *err)
{
	int rc;

	text->len = (uint32_t)left;
	text->len +=
		(uint32_t)output_limit_cut_line((char *)text->bytes + left, &output->press->limits,
						output->spool, output->step, output->attempt);
	rc = append(output, text, 0, err);
	if (rc < 0)
		return rc;
	output->cut = true;
	drop(output, taken);
	return 0;
}

/* --- a chunk --- */

static int
keep(struct output *output, struct chunk **text, uint64_t left, struct err *err)
{
	size_t taken;
	int rc = mask_chunk(output, text, &taken, err);

	if (rc < 0 || taken == 0)
		return rc;
	if ((*text)->len > left)
		return cut(output, *text, left, taken, err);
	rc = append(output, *text, taken, err);
	if (rc == 0)
		note_handled(output, taken);
	return rc;
}

static int
take_chunk(struct output *output, struct err *err)
{
	uint64_t left = output_limit_left(&output->press->limits, output->spool, output->step,
					  output->attempt);
	struct chunk *text = NULL;
	int rc;

	if (spool_is_full(output->spool))
		return err_set(err, ERR_LIMIT, "the task's spool is full");
	if (output_owes_line(output))
		return tell_of_gap(output, err);
	rc = read_chunk(output, left, &text, err);
	if (rc == 0 && output->dropped > 0)
		rc = end_gap(output, text, err);
	else if (rc == 0)
		rc = keep(output, &text, left, err);
	chunk_unref(text);
	return rc;
}

int
output_commit_chunk(struct output *output, struct err *err)
{
	int rc = output->cut ? ERR_LIMIT : take_chunk(output, err);

	if (rc != ERR_LIMIT)
		return rc;
	if (!output->cut && (!output->press->limits.drops_when_full || !output->spool->dry ||
			     output_owes_line(output)))
		return rc;
	drop(output, output->size - output->committed);
	return 0;
}
