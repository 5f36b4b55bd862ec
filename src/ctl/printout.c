/*
 * printout.c - a task's output, or a step's, on standard output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/printout.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/clean.h"
#include "ctl/outlet.h"
#include "ctl/records.h"
#include "ctl/resume.h"
#include "ctl/screen.h"
#include "loop/loop.h"
#include "task/output_marks.h"

struct printout {
	const struct printout_options *options;
	struct loop *loop;
	struct outlet outlet;
	struct records records;
	struct api_stream stream;
	struct resume resume;
	struct marks printed;
	bool is_terminal;
	struct clean_stream clean; /* to a terminal */
	struct buffer cleaned, out;
	bool in_line; /* the last byte was not the end of a line */
	bool ended;
	int rc;
	struct err err;
};

/* --- bytes -------------------------------------------------------------------------------- */

/* A time at the beginning of each line. */
static void
stamp(struct printout *printout, int64_t time_ms, const unsigned char *bytes, size_t len)
{
	const unsigned char *end = bytes + len, *newline;
	char time[32];
	size_t n;

	(void)text_time(time, time_ms);
	for (; bytes < end; bytes += n) {
		newline = memchr(bytes, '\n', (size_t)(end - bytes));
		n = newline != NULL ? (size_t)(newline - bytes) + 1 : (size_t)(end - bytes);
		if (!printout->in_line)
			buffer_printf(&printout->out, "%s ", time);
		buffer_putn(&printout->out, bytes, n);
		printout->in_line = newline == NULL;
	}
}

static void
print(struct printout *printout, int64_t time_ms, const unsigned char *bytes, size_t len)
{
	if (printout->is_terminal) {
		buffer_clear(&printout->cleaned);
		clean_stream_feed(&printout->clean, bytes, len, &printout->cleaned);
		bytes = printout->cleaned.data;
		len = printout->cleaned.len;
	}
	if (printout->options->timestamps) {
		buffer_clear(&printout->out);
		stamp(printout, time_ms, bytes, len);
		bytes = printout->out.data;
		len = printout->out.len;
	}
	outlet_put(&printout->outlet, bytes, len);
}

/* A stream that was asked for again may bring what it had brought. */
static bool
take_record(void *arg, const struct output_record *record, const void *bytes)
{
	struct printout *printout = arg;
	uint64_t end = record->offset + record->raw_len;
	struct mark *mark;
	size_t skip = 0;

	if (outlet_is_full(&printout->outlet))
		return false;
	mark = marks_find(&printout->printed, record->step, record->attempt);
	if (mark == NULL)
		mark = marks_add(&printout->printed, record->step, record->attempt, 0);
	if (mark->sent >= end)
		return true;
	if (mark->sent > record->offset)
		skip = (size_t)(mark->sent - record->offset);
	mark->sent = end;
	resume_progress(&printout->resume);
	print(printout, record->time_ms, (const unsigned char *)bytes + skip,
	      record->raw_len - skip);
	return true;
}

/* --- the stream --------------------------------------------------------------------------- */

static void
feed(struct printout *printout, const void *bytes, size_t len)
{
	if (printout->rc == 0)
		printout->rc = records_feed(&printout->records, bytes, len, &printout->err);
	if (printout->rc < 0)
		loop_stop(printout->loop);
	else if (records_is_stopped(&printout->records))
		api_stream_pause(&printout->stream);
	else
		api_stream_resume(&printout->stream);
}

static void
on_data(void *arg, const void *bytes, size_t len)
{
	feed(arg, bytes, len);
}

static void
on_ended(void *arg, const struct err *err)
{
	struct printout *printout = arg;

	if (err != NULL && resume_want(&printout->resume, &printout->stream, err))
		return;
	printout->ended = true;
	if (err != NULL) {
		printout->err = *err;
		printout->rc = err->code;
	}
	loop_stop(printout->loop);
}

static void
on_room(void *arg)
{
	struct printout *printout = arg;

	feed(printout, NULL, 0);
	/* What had come before the end has found room now, perhaps the last of it. */
	loop_stop(printout->loop);
}

static char *
make_path(const struct printout *printout)
{
	const struct printout_options *options = printout->options;
	LOCAL_FREE char *path = api_path("/api/runner/v1/tasks/%s/output", options->task);
	struct buffer text = BUFFER_INIT, have = BUFFER_INIT;

	buffer_printf(&text, "%s?follow=%d", path, options->follow ? 1 : 0);
	if (options->step != NULL)
		buffer_printf(&text, "&step=%s", options->step);
	if (options->since_line != 0)
		buffer_printf(&text, "&from_line=%lld", (long long)options->since_line);
	marks_write(&printout->printed, &have);
	if (have.len > 0)
		buffer_printf(&text, "&have=%s", buffer_text(&have));
	buffer_release(&have);
	return buffer_take_text(&text);
}

static int
start_stream(struct printout *printout, struct err *err)
{
	LOCAL_FREE char *path = make_path(printout);

	return api_stream_start(&printout->stream, printout->options->api, path, RUNNER_OUTPUT_TYPE,
				on_data, on_ended, printout, err);
}

/* What had come and was not printed comes again. */
static void
on_again(void *arg)
{
	struct printout *printout = arg;

	buffer_clear(&printout->records.held);
	printout->rc = start_stream(printout, &printout->err);
	if (printout->rc < 0)
		loop_stop(printout->loop);
}

/* --- life --------------------------------------------------------------------------------- */

static void
printout_release(struct printout *printout)
{
	api_stream_stop(&printout->stream);
	resume_release(&printout->resume);
	records_release(&printout->records);
	outlet_release(&printout->outlet);
	marks_release(&printout->printed);
	buffer_release(&printout->cleaned);
	buffer_release(&printout->out);
	free(printout);
}

static void
print_all(struct printout *printout)
{
	static const unsigned char plain[] = "\033[0m";
	bool never = false;

	while (printout->rc == 0 && !(printout->ended && printout->records.held.len == 0) &&
	       !outlet_has_failed(&printout->outlet, &printout->err))
		loop_run(printout->loop);
	if (printout->clean.coloured)
		outlet_put(&printout->outlet, plain, sizeof(plain) - 1);
	outlet_finish(&printout->outlet, &never);
	if (printout->rc == 0 && outlet_has_failed(&printout->outlet, &printout->err))
		printout->rc = printout->err.code;
}

int
printout_run(const struct printout_options *options, struct err *err)
{
	struct printout *printout = MEM_NEW(struct printout);
	int rc;

	printout->options = options;
	printout->loop = api_loop(options->api);
	printout->is_terminal = isatty(STDOUT_FILENO) == 1;
	printout->clean.colour = screen_has_colour(STDOUT_FILENO);
	outlet_init(&printout->outlet, printout->loop, STDOUT_FILENO, on_room, printout);
	resume_init(&printout->resume, options->api, on_again, printout);
	rc = records_init(&printout->records, take_record, printout, err);
	if (rc == 0)
		rc = start_stream(printout, err);
	if (rc == 0)
		print_all(printout);
	if (printout->rc < 0)
		*err = printout->err;
	rc = rc < 0 ? rc : printout->rc;
	printout_release(printout);
	return rc;
}
