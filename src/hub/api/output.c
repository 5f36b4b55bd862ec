/*
 * output.c - requests for what tasks print: which part of it, in which form.
 *
 * A request for one step that does not follow is first looked up in the index, which says how
 * much there is: the reply is of exactly that, has a length where it can have one, and an
 * entity tag. Output only grows, so (task, step, attempt, size) names its bytes for ever.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "hub/api/output_stream.h"
#include "hub/api/people.h"
#include "hub/hub.h"
#include "http/range.h"
#include "http/server.h"

enum { ETAG_BYTES = 120 };

/* --- what is asked for ---------------------------------------------------------------------- */

static bool
is_yes(struct call *call, const char *name)
{
	const char *value = call_query(call, name);

	return value != NULL && !text_eq(value, "0") && !text_eq(value, "false");
}

/* from_line=N, or -N for the last N. False: the reply is sent. */
static bool
read_line(struct call *call, int64_t *line)
{
	const char *text = call_query(call, "from_line");
	bool is_last = text != NULL && text[0] == '-';
	struct err err = ERR_INIT;
	uint64_t number = 0;

	*line = 0;
	if (text == NULL || text[0] == '\0')
		return true;
	if (text_parse_u64(is_last ? text + 1 : text, INT64_MAX - 1, &number, &err) == 0 &&
	    number > 0) {
		*line = is_last ? -(int64_t)number : (int64_t)number;
		return true;
	}
	call_reply_message(
		call, 400,
		"'from_line' must be a line's number from 1 on, or -N for the last N lines");
	return false;
}

/* What the reader has: "have", or what an event stream that is asked for again says. */
static bool
read_have(struct call *call, struct output_stream *stream)
{
	const char *have = call_query(call, "have");
	struct err err = ERR_INIT;

	if (have == NULL && output_form_kind(stream->form) == OUTPUT_EVENTS)
		have = http_request_header(call->request, "last-event-id");
	if (have == NULL || marks_read(&stream->have, have, &err) == 0)
		return true;
	call_reply_err(call, &err);
	return false;
}

static bool
read_numbers(struct call *call, struct output_stream *stream, int64_t *line)
{
	int64_t step, attempt, from, bytes, lines;

	if (!people_number(call, "step", 0, RUNNER_TASK_STEPS_MOST, &step) ||
	    !people_number(call, "attempt", 0, MODEL_ATTEMPTS_MOST, &attempt) ||
	    !people_number(call, "from", 0, INT64_MAX, &from) ||
	    !people_number(call, "bytes", -1, INT64_MAX, &bytes) ||
	    !people_number(call, "lines", -1, INT64_MAX, &lines) || !read_line(call, line))
		return false;
	stream->step = (uint32_t)step;
	stream->attempt = (uint32_t)attempt;
	stream->from = (uint64_t)from;
	if (bytes >= 0)
		stream->until = (uint64_t)from + (uint64_t)bytes;
	if (lines >= 0)
		stream->lines.left = (uint64_t)lines;
	stream->is_over = bytes == 0 || lines == 0;
	return true;
}

/* False: the reply is sent. */
static bool
check_choice(struct call *call, const struct output_stream *stream, int64_t line)
{
	bool by_bytes = stream->from != 0 || stream->until != UINT64_MAX;
	bool by_lines = line != 0 || stream->lines.left != LINES_ALL;

	if (!stream->one_step && (stream->attempt != 0 || by_bytes || by_lines))
		call_reply_message(call, 400,
				   "'attempt', 'from', 'bytes', 'from_line' and 'lines' are of one "
				   "step: say 'step', too");
	else if (by_bytes && by_lines)
		call_reply_message(call, 400,
				   "a part is one of bytes or one of lines, not of both");
	else if (by_lines && output_form_kind(stream->form) == OUTPUT_INDEX)
		call_reply_message(call, 400,
				   "the index is of records: a part of it is one of bytes");
	else
		return true;
	return false;
}

/* --- its name, and the part of it that is wanted
 * ----------------------------------------------------- */

/* Of the whole in this form: a part has the same. */
static void
write_etag(char room[ETAG_BYTES], const struct output_stream *stream, const struct store_seek *seek)
{
	char id[ID_TEXT_BYTES];

	(void)snprintf(room, ETAG_BYTES, "\"%s.%u.%u.%llu.%d\"", id_text(id, &stream->task),
		       stream->step, seek->attempt, (unsigned long long)seek->size,
		       (int)output_form_kind(stream->form));
}

static void
add_number(struct http_request *request, const char *name, uint64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	http_reply_add_header(request, name, text);
}

/* "Range:" is of the bytes as they were printed: a form that packs them ignores it, as it may.
 * False: the reply is sent. */
static bool
take_range(struct output_stream *stream, const struct store_seek *seek, const char *etag)
{
	struct http_request *request = stream->call->request;
	const char *range = http_request_header(request, "range");
	char text[80];

	if (output_form_kind(stream->form) != OUTPUT_PLAIN || stream->from != 0 ||
	    stream->until != seek->size || seek->size == 0 ||
	    !http_if_range_holds(http_request_header(request, "if-range"), etag))
		return true;
	switch (http_range_read(range, seek->size, &stream->from, &stream->until)) {
	case HTTP_RANGE_ALL:
		return true;
	case HTTP_RANGE_PART:
		stream->status = 206;
		(void)snprintf(text, sizeof(text), "bytes %llu-%llu/%llu",
			       (unsigned long long)stream->from,
			       (unsigned long long)stream->until - 1,
			       (unsigned long long)seek->size);
		http_reply_add_header(request, "content-range", text);
		return true;
	case HTTP_RANGE_NONE:
		break;
	}
	(void)snprintf(text, sizeof(text), "bytes */%llu", (unsigned long long)seek->size);
	http_reply_add_header(request, "content-range", text);
	call_reply_message(stream->call, 416, "the output has %llu bytes",
			   (unsigned long long)seek->size);
	return false;
}

/* Where the part begins that was sought, and where all of it ends. */
static void
apply_seek(struct output_stream *stream, const struct store_seek *seek)
{
	if (stream->attempt == 0 && seek->line != 0 && seek->size > 0)
		stream->first_attempt = seek->attempt;
	if (seek->line != 0) {
		stream->from = seek->offset;
		stream->lines.skip = seek->newlines;
	}
	/* Followed, it grows; of several attempts, this is but the last. */
	if (stream->follow ||
	    (stream->attempt == 0 && seek->first_attempt != seek->attempt && seek->line == 0))
		return;
	if (seek->size > 0)
		stream->attempt = seek->attempt;
	if (stream->until > seek->size)
		stream->until = seek->size;
}

/* False: the reply is sent. */
static bool
name_reply(struct output_stream *stream, const struct store_seek *seek)
{
	struct http_request *request = stream->call->request;
	const char *named = http_request_header(request, "if-none-match");
	char etag[ETAG_BYTES];

	if (stream->follow || stream->attempt != seek->attempt || seek->size == 0)
		return true;
	write_etag(etag, stream, seek);
	http_reply_add_header(request, "etag", etag);
	if (http_etag_is_named(named, etag)) {
		call_reply_empty(stream->call, 304);
		return false;
	}
	http_reply_add_header(request, "accept-ranges", "bytes");
	if (seek->line == 0 && stream->lines.left == LINES_ALL && !take_range(stream, seek, etag))
		return false;
	if (stream->from >= stream->until)
		stream->is_over = true;
	if (output_form_kind(stream->form) == OUTPUT_PLAIN && seek->line == 0 &&
	    stream->lines.left == LINES_ALL)
		add_number(request, "content-length",
			   stream->is_over ? 0 : stream->until - stream->from);
	return true;
}

/* --- looking it up
 * ---------------------------------------------------------------------------------------- */

static void submit_seek(struct output_stream *stream, const struct store_seek *seek);

static void
on_seek(void *arg, struct store_op *op)
{
	struct output_stream *stream = arg;
	struct call *call = stream->call;

	if (call->request == NULL) {
		output_stream_free(stream);
		call_drop(call);
		return;
	}
	if (!op->seek.is_done) {
		submit_seek(stream, &op->seek);
		return;
	}
	apply_seek(stream, &op->seek);
	if (name_reply(stream, &op->seek))
		output_stream_begin(stream);
	else
		output_stream_free(stream);
}

static void
submit_seek(struct output_stream *stream, const struct store_seek *seek)
{
	struct store_op *op = store_op_new(STORE_SEEK_OUTPUT);

	op->seek = *seek;
	store_submit(stream->call->hub->store, op, on_seek, stream);
}

/* A reader that began with a later attempt wants none before it when it asks again. */
static void
skip_earlier_attempts(struct output_stream *stream)
{
	uint32_t first = UINT32_MAX;
	size_t i;

	for (i = 0; i < stream->have.count; i++)
		if (stream->have.list[i].step == stream->step && stream->have.list[i].attempt < first)
			first = stream->have.list[i].attempt;
	if (stream->one_step && first != UINT32_MAX)
		stream->first_attempt = first;
}

static void
begin(struct output_stream *stream, int64_t line)
{
	struct store_seek seek = {.task = stream->task,
				  .step = stream->step,
				  .attempt = stream->attempt,
				  .line = line};

	if (stream->have.is_end) {
		/* An EventSource that is told "no content" does not ask again. */
		call_reply_empty(stream->call, 204);
		output_stream_free(stream);
	} else if (stream->one_step && stream->have.count == 0 && (line != 0 || !stream->follow)) {
		submit_seek(stream, &seek);
	} else {
		skip_earlier_attempts(stream);
		output_stream_begin(stream);
	}
}

static void
answer(struct call *call, enum output_form_kind kind)
{
	const char *step = call_query(call, "step");
	struct output_stream *stream;
	int64_t line;
	struct id id;

	if (!call_var_id(call, 0, &id))
		return;
	stream = output_stream_new(call, kind);
	if (stream == NULL)
		return;
	stream->task = id;
	stream->follow = is_yes(call, "follow");
	stream->one_step = step != NULL && step[0] != '\0';
	if (read_numbers(call, stream, &line) && check_choice(call, stream, line) &&
	    read_have(call, stream))
		begin(stream, line);
	else
		output_stream_free(stream);
}

static void
task_output(struct call *call)
{
	answer(call, output_form_choose(http_request_header(call->request, "accept"),
					http_request_header(call->request, "accept-encoding")));
}

static void
task_output_index(struct call *call)
{
	answer(call, OUTPUT_INDEX);
}

static void
pipeline_output(struct call *call)
{
	struct output_stream *stream;
	struct id id;

	if (!call_var_id(call, 0, &id))
		return;
	stream = output_stream_new(call, OUTPUT_RECORDS);
	if (stream == NULL)
		return;
	stream->whole_pipeline = true;
	stream->pipeline = id;
	stream->follow = is_yes(call, "follow");
	output_stream_begin(stream);
}

const struct route output_routes[] = {
	{"GET", "/api/runner/v1/pipelines/{id}/output", WHO_PERSON, pipeline_output},
	{"GET", "/api/runner/v1/tasks/{id}/output", WHO_PERSON, task_output},
	{"GET", "/api/runner/v1/tasks/{id}/output/index", WHO_PERSON, task_output_index},
	{NULL, NULL, WHO_ANYONE, NULL},
};
