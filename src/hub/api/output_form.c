/*
 * output_form.c - records of output in the form a reader asked for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/output_form.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/frame.h"
#include "format/gzip.h"
#include "format/json.h"
#include "hub/api/output_unpack.h"
#include "hub/store/store.h"
#include "http/accept.h"
#include "runner/protocol.h"
#include "task/output_record.h"

static const char events_type[] = "text/event-stream";

struct output_form {
	enum output_form_kind kind;
	struct frame_reader *reader;
	struct frame_packer *packer;   /* NULL until a record is cut */
	struct gzip_packer *gzip;      /* GZIP */
	const unsigned char *unpacked; /* the frame that raw is of */
	bool is_begun;		       /* something has been added */
	bool is_told;		       /* a frame was damaged, and the log says so */
	unsigned char raw[RUNNER_RECORD_RAW_MOST_BYTES];
	unsigned char frame[RUNNER_RECORD_FRAME_MOST_BYTES];
};

enum output_form_kind
output_form_choose(const char *accept, const char *accept_encoding)
{
	static const enum output_form_kind kinds[] = {[HTTP_IDENTITY] = OUTPUT_PLAIN,
						      [HTTP_GZIP] = OUTPUT_GZIP,
						      [HTTP_ZSTD] = OUTPUT_ZSTD};

	if (http_accept_weight(accept, RUNNER_OUTPUT_TYPE) > 0)
		return OUTPUT_RECORDS;
	if (http_accept_weight(accept, events_type) > 0)
		return OUTPUT_EVENTS;
	return kinds[http_accept_coding(accept_encoding)];
}

int
output_form_new(struct output_form **out, enum output_form_kind kind, struct err *err)
{
	struct output_form *form = MEM_NEW(struct output_form);

	form->kind = kind;
	if (frame_reader_new(&form->reader, err) < 0 ||
	    (kind == OUTPUT_GZIP && gzip_packer_new(&form->gzip, err) < 0)) {
		output_form_free(form);
		return err->code;
	}
	*out = form;
	return 0;
}

void
output_form_free(struct output_form *form)
{
	if (form == NULL)
		return;
	frame_reader_free(form->reader);
	frame_packer_free(form->packer);
	gzip_packer_free(form->gzip);
	free(form);
}

enum output_form_kind
output_form_kind(const struct output_form *form)
{
	return form->kind;
}

const char *
output_form_type(const struct output_form *form)
{
	switch (form->kind) {
	case OUTPUT_RECORDS:
		return RUNNER_OUTPUT_TYPE;
	case OUTPUT_EVENTS:
		return events_type;
	case OUTPUT_INDEX:
		return "application/x-ndjson";
	case OUTPUT_ZSTD:
	case OUTPUT_GZIP:
	case OUTPUT_PLAIN:
		break;
	}
	return "text/plain; charset=utf-8";
}

const char *
output_form_encoding(const struct output_form *form)
{
	if (form->kind == OUTPUT_ZSTD)
		return "zstd";
	return form->kind == OUTPUT_GZIP ? "gzip" : NULL;
}

/* Once a reader: a disk that has damaged one may have damaged thousands. */
static void
tell_damage(struct output_form *form, const struct output_row *row)
{
	char id[ID_TEXT_BYTES];

	if (form->is_told)
		return;
	form->is_told = true;
	log_line(LOG_ERROR, LOG_AT_STEP(id_text(id, &row->task), row->step),
		 "output is damaged on the disk, at offset %llu", (unsigned long long)row->offset);
}

int
output_form_bytes(struct output_form *form, const struct output_row *row,
		  const unsigned char *frame, const unsigned char **out, struct err *err)
{
	*out = form->raw;
	if (form->unpacked == frame)
		return 0;
	form->unpacked = NULL;
	if (row->raw_len > sizeof(form->raw))
		return err_set(err, ERR_INPUT, "a record of %u bytes is larger than any can be",
			       row->raw_len);
	if (!output_unpack(form->reader, row, frame, form->raw))
		tell_damage(form, row);
	form->unpacked = frame;
	return 0;
}

static void
add_record(struct buffer *out, const struct output_row *row, const unsigned char *frame)
{
	struct output_record record = {
		.task = row->task,
		.epoch = row->epoch,
		.step = row->step,
		.attempt = row->attempt,
		.offset = row->offset,
		.time_ms = row->time_ms,
		.raw_len = row->raw_len,
		.frame_len = row->frame_len,
		.lines = row->lines,
		.frame_crc = row->frame_crc,
		.source_len = row->raw_len, /* what the step wrote is the agent's affair */
	};
	unsigned char header[RUNNER_RECORD_HEADER_BYTES];

	output_record_pack(&record, header);
	buffer_putn(out, header, sizeof(header));
	buffer_putn(out, frame, row->frame_len);
}

static uint32_t
count_newlines(const unsigned char *bytes, size_t len)
{
	const unsigned char *end = bytes + len;
	uint32_t count = 0;

	while (bytes < end && (bytes = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL) {
		bytes++;
		count++;
	}
	return count;
}

/* A part of a record becomes one of its own. */
static int
add_packed(struct output_form *form, struct buffer *out, const struct output_row *row,
	   const unsigned char *bytes, size_t from, size_t until, struct err *err)
{
	struct output_row part = *row;

	if (form->packer == NULL && frame_packer_new(&form->packer, FRAME_LEVEL_DEFAULT, err) < 0)
		return err->code;
	assert(frame_bound(until - from) <= sizeof(form->frame));
	part.frame_len = (uint32_t)frame_pack(form->packer, form->frame, sizeof(form->frame),
					      bytes + from, until - from);
	if (form->kind == OUTPUT_ZSTD) {
		buffer_putn(out, form->frame, part.frame_len);
		return 0;
	}
	part.offset += from;
	part.raw_len = (uint32_t)(until - from);
	part.lines = count_newlines(bytes + from, until - from);
	part.frame_crc = crc32c(0, form->frame, part.frame_len);
	add_record(out, &part, form->frame);
	return 0;
}

/* {"step","attempt","offset","time"}: where and when. */
static struct json *
place_json(const struct output_row *row, size_t from)
{
	struct json *json = json_new_object();

	json_put_int(json, "step", row->step);
	json_put_int(json, "attempt", row->attempt);
	json_put_int(json, "offset", (int64_t)(row->offset + from));
	json_put_time(json, "time", row->time_ms);
	return json;
}

/* Output may be any bytes and a character may lie in two records: what is no text goes as base64. */
static void
add_event(struct buffer *out, const struct output_row *row, const unsigned char *bytes, size_t from,
	  size_t until)
{
	struct json *json = place_json(row, from);

	json_put_bytes(json, bytes + from, until - from);
	buffer_puts(out, "data: ");
	json_write(out, json);
	buffer_puts(out, "\n\n");
	json_free(json);
}

static void
add_index(struct buffer *out, const struct output_row *row, size_t from, size_t until)
{
	struct json *json = place_json(row, from);

	json_put_int(json, "bytes", (int64_t)(until - from));
	json_put_int(json, "lines", row->lines);
	json_write(out, json);
	buffer_puts(out, "\n");
	json_free(json);
}

static bool
add_as_stored(struct output_form *form, struct buffer *out, const struct output_row *row,
	      const unsigned char *frame, size_t from, size_t until)
{
	bool is_all = from == 0 && until == row->raw_len;

	if (form->kind == OUTPUT_INDEX) {
		add_index(out, row, from, until);
		return true;
	}
	if ((form->kind != OUTPUT_RECORDS && form->kind != OUTPUT_ZSTD) || !is_all ||
	    !output_is_whole(row, frame))
		return false;
	if (form->kind == OUTPUT_RECORDS)
		add_record(out, row, frame);
	else
		buffer_putn(out, frame, row->frame_len);
	return true;
}

int
output_form_add(struct output_form *form, struct buffer *out, const struct output_row *row,
		const unsigned char *frame, size_t from, size_t until, struct err *err)
{
	const unsigned char *bytes;

	if (from >= until)
		return 0;
	form->is_begun = true;
	if (add_as_stored(form, out, row, frame, from, until))
		return 0;
	assert(until <= row->raw_len);
	if (output_form_bytes(form, row, frame, &bytes, err) < 0)
		return err->code;
	switch (form->kind) {
	case OUTPUT_RECORDS:
	case OUTPUT_ZSTD:
		return add_packed(form, out, row, bytes, from, until, err);
	case OUTPUT_GZIP:
		gzip_add(form->gzip, out, bytes + from, until - from);
		return 0;
	case OUTPUT_EVENTS:
		add_event(out, row, bytes, from, until);
		return 0;
	case OUTPUT_PLAIN:
	case OUTPUT_INDEX:
		break;
	}
	buffer_putn(out, bytes + from, until - from);
	return 0;
}

void
output_form_flush(struct output_form *form, struct buffer *out)
{
	/* Another frame may come to lie where this one was. */
	form->unpacked = NULL;
	if (form->kind == OUTPUT_GZIP)
		gzip_flush(form->gzip, out);
}

void
output_form_end(struct output_form *form, struct buffer *out)
{
	/* RFC 8878, 3.1: one segment of no bytes, in one last block without any. */
	static const unsigned char empty_frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0};

	if (form->kind == OUTPUT_GZIP)
		gzip_end(form->gzip, out);
	else if (form->kind == OUTPUT_ZSTD && !form->is_begun)
		buffer_putn(out, empty_frame, sizeof(empty_frame));
	else if (form->kind == OUTPUT_EVENTS)
		buffer_puts(out, "event: end\ndata: {}\n\n");
}
