/*
 * grep.c - the lines of a task's output in which a pattern is found, on standard output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/grep.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/clean.h"
#include "ctl/outlet.h"
#include "ctl/say.h"
#include "ctl/screen.h"
#include "format/json.h"
#include "loop/loop.h"

/* A line of 64 KiB (search_piece.h) of which each byte is written as an escape, and then some. */
enum { GREP_LINE_MOST_BYTES = 512 * 1024 };

struct grep {
	const struct grep_options *options;
	struct loop *loop;
	struct outlet outlet;
	struct api_stream stream;
	struct buffer held, out, cleaned;
	bool is_terminal, has_colour;
	bool has_names; /* more than one step is searched */
	bool has_parts; /* of lines too long to be shown whole */
	bool ended;
	uint64_t *found;
	int rc;
	struct err err;
};

/* --- one line ----------------------------------------------------------------------------- */

static const char *
step_name(const struct grep *grep, int64_t index)
{
	const struct json *steps = json_get(grep->options->task, "steps");
	const char *name;
	size_t i;

	for (i = 0; i < json_count(steps); i++)
		if (json_get_int(json_at(steps, i), "index", -1) == index) {
			name = json_get_str(json_at(steps, i), "name");
			return name != NULL ? name : "";
		}
	return "";
}

static void
put_text(struct buffer *out, const struct json *line)
{
	const char *text = json_get_str(line, "text"), *base64 = json_get_str(line, "base64");
	LOCAL_FREE char *bytes = NULL;
	size_t size;

	if (text != NULL) {
		buffer_puts(out, text);
	} else if (base64 != NULL) {
		size = strlen(base64);
		bytes = mem_resize(NULL, size + 1, 1);
		buffer_putn(out, bytes, text_unbase64(bytes, size, base64));
	}
	buffer_puts(out, "\n");
}

/* To a terminal each line stands for itself: the next one does not have its colour. */
static void
print(struct grep *grep)
{
	struct clean_stream clean = {.colour = grep->has_colour};

	if (!grep->is_terminal) {
		outlet_put(&grep->outlet, grep->out.data, grep->out.len);
		return;
	}
	buffer_clear(&grep->cleaned);
	clean_stream_feed(&clean, grep->out.data, grep->out.len, &grep->cleaned);
	if (clean.coloured)
		buffer_puts(&grep->cleaned, "\033[0m");
	outlet_put(&grep->outlet, grep->cleaned.data, grep->cleaned.len);
}

static void
take_line(struct grep *grep, const struct json *line)
{
	const char *message = json_get_str(line, "message"), *time = json_get_str(line, "time");

	if (message != NULL) {
		grep->rc = err_set(&grep->err, ERR_INPUT, "%s", message);
		return;
	}
	buffer_clear(&grep->out);
	if (grep->options->timestamps)
		buffer_printf(&grep->out, "%s ", time != NULL ? time : "");
	if (grep->has_names)
		buffer_printf(&grep->out, "%s:", step_name(grep, json_get_int(line, "step", 0)));
	buffer_printf(&grep->out, "%lld:", (long long)json_get_int(line, "line", 0));
	put_text(&grep->out, line);
	print(grep);
	grep->has_parts |= json_get_bool(line, "truncated", false);
	++*grep->found;
}

/* --- the stream --------------------------------------------------------------------------- */

static void
take_lines(struct grep *grep)
{
	const unsigned char *newline;
	struct json *line;
	size_t n;

	while (grep->rc == 0 && !outlet_is_full(&grep->outlet) && grep->held.len > 0 &&
	       (newline = memchr(grep->held.data, '\n', grep->held.len)) != NULL) {
		n = (size_t)(newline - grep->held.data);
		grep->rc = json_parse(&line, grep->held.data, n, &grep->err);
		if (grep->rc == 0) {
			take_line(grep, line);
			json_free(line);
		}
		buffer_consume(&grep->held, n + 1);
	}
}

static void
feed(struct grep *grep, const void *bytes, size_t len)
{
	buffer_putn(&grep->held, bytes, len);
	take_lines(grep);
	if (grep->rc == 0 && !outlet_is_full(&grep->outlet) &&
	    grep->held.len > GREP_LINE_MOST_BYTES)
		grep->rc = err_set(&grep->err, ERR_HOST, "the hub sends a line that is too long");
	if (grep->rc < 0 || outlet_has_failed(&grep->outlet, &grep->err))
		loop_stop(grep->loop);
	else if (outlet_is_full(&grep->outlet))
		api_stream_pause(&grep->stream);
	else
		api_stream_resume(&grep->stream);
}

static void
on_data(void *arg, const void *bytes, size_t len)
{
	feed(arg, bytes, len);
}

static void
on_ended(void *arg, const struct err *err)
{
	struct grep *grep = arg;

	grep->ended = true;
	if (err != NULL && grep->rc == 0) {
		grep->err = *err;
		grep->rc = err->code;
	}
	loop_stop(grep->loop);
}

static void
on_room(void *arg)
{
	struct grep *grep = arg;

	feed(grep, NULL, 0);
	/* What had come before the end has found room now, perhaps the last of it. */
	loop_stop(grep->loop);
}

/* --- life --------------------------------------------------------------------------------- */

static int
start_stream(struct grep *grep, struct err *err)
{
	const struct grep_options *options = grep->options;
	LOCAL_FREE char *path = api_path("/api/runner/v1/tasks/%s/output/grep?pattern=%s%p%p%p",
					 json_get_str(options->task, "id"), options->pattern,
					 options->ignore_case ? "&ignore_case=1" : "",
					 options->step != NULL ? "&step=" : "",
					 options->step != NULL ? options->step : "");

	return api_stream_start(&grep->stream, options->api, path, NULL, on_data, on_ended, grep,
				err);
}

static void
print_all(struct grep *grep)
{
	bool never = false;

	while (grep->rc == 0 && !outlet_has_failed(&grep->outlet, &grep->err) &&
	       !(grep->ended && grep->held.len == 0))
		loop_run(grep->loop);
	outlet_finish(&grep->outlet, &never);
	if (grep->rc == 0 && outlet_has_failed(&grep->outlet, &grep->err))
		grep->rc = grep->err.code;
	if (grep->has_parts)
		say_note("of lines longer than 64 KiB only parts are shown, and searched one by "
			 "one");
}

static void
grep_release(struct grep *grep)
{
	api_stream_stop(&grep->stream);
	outlet_release(&grep->outlet);
	buffer_release(&grep->held);
	buffer_release(&grep->out);
	buffer_release(&grep->cleaned);
}

int
grep_run(const struct grep_options *options, uint64_t *found, struct err *err)
{
	struct grep grep = {.options = options,
			    .loop = api_loop(options->api),
			    .is_terminal = isatty(STDOUT_FILENO) == 1,
			    .has_colour = screen_has_colour(STDOUT_FILENO),
			    .found = found};
	int rc;

	grep.has_names = options->step == NULL && json_count(json_get(options->task, "steps")) > 1;
	outlet_init(&grep.outlet, grep.loop, STDOUT_FILENO, on_room, &grep);
	rc = start_stream(&grep, err);
	if (rc == 0)
		print_all(&grep);
	if (grep.rc < 0)
		*err = grep.err;
	rc = rc < 0 ? rc : grep.rc;
	grep_release(&grep);
	return rc;
}
