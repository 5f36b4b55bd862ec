/*
 * search_piece.c - output in pieces that can be searched side by side.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/search_piece.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/frame.h"
#include "format/json.h"
#include "hub/api/output_unpack.h"
#include "hub/api/search_pattern.h"
#include "loop/clock.h"

enum {
	LINES_BETWEEN_LOOKS = 64, /* at the clock, and whether it is cancelled */
	UTF8_MOST_BYTES = 4,
};

/* --- cutting ------------------------------------------------------------------------------ */

static struct search_piece *
piece_new(uint64_t first_line)
{
	struct search_piece *piece = MEM_NEW(struct search_piece);

	buffer_init(&piece->frames, 0);
	buffer_init(&piece->found, 0);
	piece->first_line = first_line;
	return piece;
}

void
search_piece_free(struct search_piece *piece)
{
	if (piece == NULL)
		return;
	free(piece->rows);
	buffer_release(&piece->frames);
	buffer_release(&piece->found);
	free(piece);
}

static void
piece_add(struct search_piece *piece, const struct output_row *row, const void *frame)
{
	if (piece->count == piece->room) {
		piece->room = piece->room == 0 ? 32 : 2 * piece->room;
		piece->rows = mem_resize(piece->rows, piece->room, sizeof(piece->rows[0]));
	}
	piece->rows[piece->count++] = *row;
	buffer_putn(&piece->frames, frame, row->frame_len);
	piece->raw_len += row->raw_len;
}

static bool
piece_has(const struct search_piece *piece, size_t factor)
{
	return piece->raw_len >= factor * SEARCH_PIECE_RAW_BYTES ||
	       piece->count >= factor * SEARCH_PIECE_ROWS;
}

/* A piece that begins with this record; how, is the caller's to say. */
static struct search_piece *
piece_begin(struct search_cutter *cutter, uint64_t line, const struct output_row *row,
	    const void *frame)
{
	struct search_piece *piece = piece_new(line);

	piece_add(piece, row, frame);
	cutter->piece = piece;
	cutter->line = line + row->lines;
	return piece;
}

struct search_piece *
search_cutter_add(struct search_cutter *cutter, const struct output_row *row, const void *frame)
{
	struct search_piece *piece = cutter->piece;

	if (piece == NULL || piece->rows[0].step != row->step ||
	    piece->rows[0].attempt != row->attempt) {
		(void)piece_begin(cutter, 1, row, frame);
		return piece;
	}
	if (piece_has(piece, SEARCH_PIECE_MOST_FACTOR)) {
		piece->ends_in_line = true;
		piece_begin(cutter, cutter->line, row, frame)->begins_in_line = true;
		return piece;
	}
	piece_add(piece, row, frame);
	if (piece_has(piece, 1) && row->lines > 0) {
		piece->ends_behind_newline = true;
		piece_begin(cutter, cutter->line, row, frame)->begins_behind_newline = true;
		return piece;
	}
	cutter->line += row->lines;
	return NULL;
}

struct search_piece *
search_cutter_end(struct search_cutter *cutter)
{
	struct search_piece *piece = cutter->piece;

	*cutter = (struct search_cutter){.piece = NULL};
	return piece;
}

/* --- searching ---------------------------------------------------------------------------- */

/* A line, or a part of one. */
struct part {
	const unsigned char *bytes;
	size_t at, len;	   /* at: in the bytes of the piece's records */
	bool begins, ends; /* the line begins, ends with it */
};

/* What a run has besides the piece. */
struct run {
	struct search_piece *piece;
	struct frame_reader *reader;
	struct search_matcher *matcher;
	unsigned char *raw; /* of the piece's records */
	size_t until;
	size_t row, row_end; /* the record that the last part found lies in, and its end in raw */
};

/* What a record lacks that says it had one does not matter: both neighbours see it alike. */
static size_t
behind_newline(const unsigned char *bytes, size_t len)
{
	const unsigned char *newline = memchr(bytes, '\n', len);

	return newline != NULL ? (size_t)(newline - bytes) + 1 : len;
}

static void
unpack(struct run *run)
{
	const struct search_piece *piece = run->piece;
	const unsigned char *frame = piece->frames.data;
	size_t i, at = 0;

	for (i = 0; i < piece->count; i++) {
		const struct output_row *row = &piece->rows[i];

		(void)output_unpack(run->reader, row, frame, run->raw + at);
		at += row->raw_len;
		frame += row->frame_len;
	}
}

/* Where the piece begins and ends. */
static void
find_ends(struct run *run)
{
	struct search_piece *piece = run->piece;
	size_t last_len = piece->rows[piece->count - 1].raw_len;
	size_t last_at = piece->raw_len - last_len;

	run->until = piece->raw_len;
	if (piece->ends_behind_newline)
		run->until = last_at + behind_newline(run->raw + last_at, last_len);
	if (piece->is_begun)
		return;
	piece->is_begun = true;
	piece->line = piece->first_line;
	piece->in_line = piece->begins_in_line;
	if (piece->begins_behind_newline) {
		piece->at = behind_newline(run->raw, piece->rows[0].raw_len);
		piece->line++;
	}
}

/* The next one; the piece goes behind it. */
static struct part
next_part(struct run *run)
{
	struct search_piece *piece = run->piece;
	struct part part = {run->raw + piece->at, piece->at, run->until - piece->at,
			    !piece->in_line, true};
	size_t most = SEARCH_LINE_MOST_BYTES, seen = part.len < most + 1 ? part.len : most + 1;
	const unsigned char *newline = memchr(part.bytes, '\n', seen);

	if (newline != NULL) {
		part.len = (size_t)(newline - part.bytes);
		piece->line++;
	} else if (part.len > most) {
		part.len = text_utf8_prefix((const char *)part.bytes, most);
		if (part.len <= most - UTF8_MOST_BYTES)
			part.len = most; /* it is no text: no character is cut */
		part.ends = false;
	} else {
		part.ends = !piece->ends_in_line;
	}
	piece->at += part.len + (newline != NULL ? 1 : 0);
	piece->in_line = !part.ends;
	return part;
}

/* The record in which a part begins. */
static const struct output_row *
row_of(struct run *run, size_t at)
{
	const struct output_row *rows = run->piece->rows;

	while (run->row_end <= at && run->row + 1 < run->piece->count)
		run->row_end += rows[++run->row].raw_len;
	return &rows[run->row];
}

static void
add_found(struct run *run, const struct part *part, uint64_t line)
{
	const struct output_row *row = row_of(run, part->at);
	struct json *json = json_new_object();

	json_put_int(json, "step", row->step);
	json_put_int(json, "attempt", row->attempt);
	json_put_int(json, "line", (int64_t)line);
	json_put_int(json, "offset", (int64_t)(run->piece->rows[0].offset + part->at));
	json_put_time(json, "time", row->time_ms);
	if (!part->begins || !part->ends)
		json_put_bool(json, "truncated", true);
	json_put_bytes(json, part->bytes, part->len);
	json_write(&run->piece->found, json);
	buffer_puts(&run->piece->found, "\n");
	json_free(json);
}

static int
search_part(struct run *run, struct err *err)
{
	uint64_t line = run->piece->line;
	struct part part = next_part(run);
	int rc;

	rc = search_matcher_finds(run->matcher, part.bytes, part.len, part.begins, part.ends, err);
	if (rc > 0)
		add_found(run, &part, line);
	else if (rc < 0)
		return err_wrap(err, "line %llu of step %u", (unsigned long long)line,
				run->piece->rows[0].step);
	return 0;
}

static int
search(struct run *run, const atomic_bool *is_cancelled, struct err *err)
{
	struct search_piece *piece = run->piece;
	uint64_t begin = clock_monotonic_us();
	unsigned parts;

	for (parts = 1; piece->at < run->until; parts++) {
		if (piece->found.len >= SEARCH_FOUND_MOST_BYTES)
			return 0;
		if (search_part(run, err) < 0)
			return err->code;
		if (parts % LINES_BETWEEN_LOOKS != 0)
			continue;
		if (atomic_load_explicit(is_cancelled, memory_order_relaxed))
			break;
		if (clock_monotonic_us() - begin > SEARCH_RUN_MOST_MS * 1000)
			return err_set(
				err, ERR_LIMIT,
				"the pattern costs too much: a megabyte takes longer than %d "
				"seconds",
				SEARCH_RUN_MOST_MS / 1000);
	}
	piece->is_over = true;
	return 0;
}

int
search_piece_run(struct search_piece *piece, const struct search_pattern *pattern,
		 const atomic_bool *is_cancelled, struct err *err)
{
	struct run run = {.piece = piece, .row_end = piece->rows[0].raw_len};
	int rc;

	rc = frame_reader_new(&run.reader, err);
	if (rc == 0)
		rc = search_matcher_new(&run.matcher, pattern, err);
	if (rc == 0) {
		run.raw = mem_resize(NULL, piece->raw_len + 1, 1);
		unpack(&run);
		find_ends(&run);
		rc = search(&run, is_cancelled, err);
	}
	free(run.raw);
	search_matcher_free(run.matcher);
	frame_reader_free(run.reader);
	return rc;
}
