/*
 * watching.c - a pipeline on a terminal, or in a file, until it has ended: display, outlet and
 * follow put together.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/watching.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/diag.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/display.h"
#include "ctl/follow.h"
#include "ctl/outlet.h"
#include "ctl/say.h"
#include "ctl/screen.h"
#include "format/json.h"
#include "loop/loop.h"
#include "runner/exit.h"

struct watching {
	struct loop *loop;
	struct outlet outlet;
	struct display *display;
	struct follow *follow;
	struct timer tick;
	bool redraws;
};

static uint64_t
now_us(void *arg)
{
	struct watching *watching = arg;

	return loop_now_us(watching->loop);
}

static void
put(void *arg, const void *bytes, size_t len)
{
	struct watching *watching = arg;

	outlet_put(&watching->outlet, bytes, len);
}

static void
size(void *arg, unsigned *rows, unsigned *columns)
{
	const struct watching *watching = arg;

	screen_size(watching->outlet.fd, rows, columns);
}

/* A screen that does not take what we send is not sent more. */
static void
on_tick(void *arg)
{
	struct watching *watching = arg;

	if (outlet_is_empty(&watching->outlet))
		display_tick(watching->display);
	timer_start_ms(&watching->tick, DISPLAY_TICK_MS);
}

static void
on_change(void *arg)
{
	struct watching *watching = arg;

	if (follow_is_done(watching->follow))
		loop_stop(watching->loop);
}

static void
on_room(void *arg)
{
	struct watching *watching = arg;

	if (watching->follow != NULL)
		follow_want(watching->follow);
}

int
watching_start(struct watching **out, struct api *api, const char *pipeline, int fd, bool resumes,
	       struct err *err)
{
	struct loop *loop = api_loop(api);
	struct watching *watching = MEM_NEW(struct watching);
	struct display_place place = {now_us, put, size, watching};
	struct follow_options options = {
		.api = api, .pipeline = pipeline, .resumes = resumes, .on_change = on_change, .arg = watching};
	enum display_kind kind = screen_redraws(fd) ? DISPLAY_TERMINAL : DISPLAY_PLAIN;

	if (globals()->quiet)
		kind = DISPLAY_QUIET;
	watching->loop = loop;
	outlet_init(&watching->outlet, loop, fd, on_room, watching);
	watching->display = display_new(kind, screen_has_colour(fd), &place);
	timer_init(&watching->tick, loop, on_tick, watching);
	options.display = watching->display;
	options.outlet = &watching->outlet;
	if (follow_start(&watching->follow, &options, err) < 0) {
		watching_free(watching);
		return err->code;
	}
	if (kind == DISPLAY_TERMINAL)
		timer_start_ms(&watching->tick, DISPLAY_TICK_MS);
	*out = watching;
	return 0;
}

void
watching_free(struct watching *watching)
{
	if (watching == NULL)
		return;
	follow_free(watching->follow);
	timer_release(&watching->tick);
	display_free(watching->display);
	outlet_release(&watching->outlet);
	free(watching);
}

bool
watching_is_done(const struct watching *watching)
{
	return follow_is_done(watching->follow);
}

int
watching_error(const struct watching *watching, struct err *err)
{
	return follow_error(watching->follow, err);
}

void
watching_note(struct watching *watching, const char *text)
{
	display_note(watching->display, text);
}

int
watching_finish(struct watching *watching, const bool *stop)
{
	bool succeeded = text_eq(follow_outcome(watching->follow), "success");

	timer_stop(&watching->tick);
	display_summary(watching->display);
	outlet_finish(&watching->outlet, stop);
	return succeeded ? EXIT_OK : EXIT_NO;
}

int
watching_run(struct api *api, const char *pipeline)
{
	struct watching *watching;
	struct err err = ERR_INIT;
	bool stop = false;
	int status;

	if (watching_start(&watching, api, pipeline, STDOUT_FILENO, true, &err) < 0)
		return say_error(&err);
	while (!watching_is_done(watching))
		loop_run(api_loop(api));
	if (watching_error(watching, &err) == 0) {
		status = watching_finish(watching, &stop);
	} else {
		if (err.code == ERR_AGAIN && err.hint == NULL)
			err_hint(
				&err,
				"the pipeline goes on: runnerctl pipeline watch ID shows it again");
		status = say_error(&err);
	}
	watching_free(watching);
	return status;
}

void
watching_print_diagnostics(const struct json *answer)
{
	const struct json *list = json_get(answer, "diagnostics");
	bool colour = screen_has_colour(STDERR_FILENO);
	struct buffer text = BUFFER_INIT;
	struct diag diag;
	size_t i;

	for (i = 0; i < json_count(list); i++) {
		diag_read(&diag, json_at(list, i));
		diag_print(&diag, &text, colour);
	}
	say_foreign(&text);
	buffer_release(&text);
}
