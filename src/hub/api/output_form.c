/*
 * output_form.c - records of output in the form a reader asked for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/output_form.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "format/frame.h"
#include "hub/store/store.h"
#include "runner/protocol.h"
#include "task/output_record.h"

struct output_form {
	enum output_form_kind kind;
	struct frame_reader *reader; /* PLAIN, and where a record is cut */
	struct frame_packer *packer; /* ZSTD: a record that is cut */
	unsigned char raw[RUNNER_RECORD_RAW_MOST_BYTES];
};

/* Whether a list such as "gzip;q=0.5, zstd" names word, other than with a weight of 0. */
static bool
list_names(const char *list, const char *word)
{
	size_t len = strlen(word), n;
	const char *weight;

	while (list != NULL && *list != '\0') {
		list += strspn(list, " \t,");
		n = strcspn(list, ",");
		if (strncasecmp(list, word, len) == 0 && strcspn(list, " \t;,") == len) {
			weight = memchr(list, '=', n);
			return weight == NULL || strtod(weight + 1, NULL) > 0;
		}
		list += n;
	}
	return false;
}

enum output_form_kind
output_form_choose(const char *accept, const char *accept_encoding)
{
	if (list_names(accept, RUNNER_OUTPUT_TYPE))
		return OUTPUT_RECORDS;
	return list_names(accept_encoding, "zstd") ? OUTPUT_ZSTD : OUTPUT_PLAIN;
}

int
output_form_new(struct output_form **out, enum output_form_kind kind, struct err *err)
{
	struct output_form *form = MEM_NEW(struct output_form);

	form->kind = kind;
	if (kind == OUTPUT_RECORDS ||
	    (frame_reader_new(&form->reader, err) == 0 &&
	     (kind == OUTPUT_PLAIN ||
	      frame_packer_new(&form->packer, FRAME_LEVEL_DEFAULT, err) == 0))) {
		*out = form;
		return 0;
	}
	output_form_free(form);
	return err->code;
}

void
output_form_free(struct output_form *form)
{
	if (form == NULL)
		return;
	frame_reader_free(form->reader);
	frame_packer_free(form->packer);
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
	return form->kind == OUTPUT_RECORDS ? RUNNER_OUTPUT_TYPE : "text/plain; charset=utf-8";
}

static void
add_header(struct buffer *out, const struct output_row *row)
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
}

static int
add_packed(struct output_form *form, struct buffer *out, const unsigned char *bytes, size_t len,
	   struct err *err)
{
	void *room;

	if (buffer_reserve(out, frame_bound(len), &room, err) < 0)
		return err->code;
	buffer_grew(out, frame_pack(form->packer, room, frame_bound(len), bytes, len));
	return 0;
}

int
output_form_add(struct output_form *form, struct buffer *out, const struct output_row *row,
		const unsigned char *frame, uint64_t from, struct err *err)
{
	uint64_t cut = from > row->offset ? from - row->offset : 0;

	if (cut >= row->raw_len)
		return 0;
	if (form->kind == OUTPUT_RECORDS)
		add_header(out, row);
	if (form->kind == OUTPUT_RECORDS || (form->kind == OUTPUT_ZSTD && cut == 0)) {
		buffer_putn(out, frame, row->frame_len);
		return 0;
	}
	if (row->raw_len > sizeof(form->raw))
		return err_set(err, ERR_INPUT, "a record of %u bytes is larger than any can be",
			       row->raw_len);
	if (frame_unpack(form->reader, form->raw, row->raw_len, frame, row->frame_len, err) < 0)
		return err_wrap(err, "output of step %u at offset %llu", row->step,
				(unsigned long long)row->offset);
	if (form->kind == OUTPUT_ZSTD)
		return add_packed(form, out, form->raw + cut, row->raw_len - cut, err);
	buffer_putn(out, form->raw + cut, row->raw_len - cut);
	return 0;
}
