/*
 * attach.c - "attach": a terminal, or a command, in a job's task, wherever it runs.
 *
 * One request: what is typed goes in its body, what is printed comes in its reply, both as
 * frames (task/session_frame.h). Nothing blocks but this terminal: what standard output does
 * not take holds up the reply, what the task does not take holds up standard input.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/job.h"
#include "ctl/job_task.h"
#include "ctl/outlet.h"
#include "ctl/say.h"
#include "ctl/screen.h"
#include "ctl/terminal.h"
#include "format/json.h"
#include "loop/loop.h"
#include "runner/exit.h"
#include "task/session_frame.h"

static int attach(int argc, char **argv);

static const struct option attach_options[] = {
	{"last-failed", 0, NULL, "the project's job that failed last"},
	{"attempt", 0, "N", "where it ran more than once: this attempt (default: the last)"},
	{"node", 0, "N", "where it runs on several nodes: this one"},
	{"no-terminal", 'T', NULL, "no terminal: standard input, output and error as they are"},
	{NULL, 0, NULL, NULL},
};

const struct command attach_command = {"attach", "JOB [-- COMMAND [ARGUMENT...]]",
				       "open a shell, or run a command, inside a job's task",
				       attach_options, attach};

enum { TYPED_BYTES = 4096, OUT_MOST_BYTES = 64 * 1024, SIGNAL_COUNT = 7, SIGNAL_EXIT_BASE = 128 };

struct attach {
	struct job_ref ref;
	struct task_choice choice;
	bool no_terminal, is_terminal;
	struct api *api;
	struct loop *loop;
	struct api_stream stream;
	struct buffer inbox; /* a frame that is not whole */
	struct buffer out;   /* frames for the task */
	struct outlet outlets[2];
	struct watch input;
	bool input_is_file, input_ended; /* a file is read when there is room, it cannot be waited for */
	struct escape escape;
	struct signal_watch signals[SIGNAL_COUNT];
	int stopped_by; /* a signal; 0: none */
	struct timer beat;
	uint64_t heard_us;
	bool began, has_exit, over;
	struct session_exit exit;
	struct err err; /* code 0: none */
};

static void want_input(struct attach *at);

/* --- the end --------------------------------------------------------------------------------- */

static void
finish(struct attach *at)
{
	at->over = true;
	loop_stop(at->loop);
}

/* Break it off; the task's end is hung up by that. */
static void
leave(struct attach *at)
{
	api_stream_stop(&at->stream);
	finish(at);
}

static void
on_ended(void *arg, const struct err *err)
{
	struct attach *at = arg;

	if (err != NULL && !at->has_exit)
		at->err = *err;
	finish(at);
}

/* --- from the task --------------------------------------------------------------------------- */

static int
take_frame(struct attach *at, const struct session_frame *frame)
{
	switch (frame->type) {
	case SESSION_STARTED:
		at->began = true;
		want_input(at);
		break;
	case SESSION_OUTPUT:
	case SESSION_ERRORS:
		outlet_put(&at->outlets[frame->type == SESSION_ERRORS], frame->bytes, frame->len);
		break;
	case SESSION_EXITED:
		at->has_exit = true;
		return session_read_exit(&at->exit, frame, &at->err);
	case SESSION_REFUSED:
		at->has_exit = true;
		at->exit.end = SESSION_ENDED_UNKNOWN;
		session_read_refusal(at->exit.text, frame);
		break;
	default:
		break; /* BEAT */
	}
	return 0;
}

static bool
is_full(const struct attach *at)
{
	return outlet_is_full(&at->outlets[0]) || outlet_is_full(&at->outlets[1]);
}

static void
on_data(void *arg, const void *bytes, size_t len)
{
	struct attach *at = arg;
	struct session_frame frame;
	size_t used;
	int rc;

	at->heard_us = loop_now_us(at->loop);
	buffer_putn(&at->inbox, bytes, len);
	while ((rc = session_frame_next(&frame, &used, SESSION_FROM_AGENT, at->inbox.data,
					at->inbox.len, &at->err)) > 0) {
		rc = take_frame(at, &frame);
		if (rc < 0)
			break;
		buffer_consume(&at->inbox, used);
	}
	if (rc < 0)
		leave(at);
	else if (is_full(at))
		api_stream_pause(&at->stream);
}

static void
on_room(void *arg)
{
	struct attach *at = arg;

	if (!is_full(at))
		api_stream_resume(&at->stream);
}

/* --- to the task ----------------------------------------------------------------------------- */

static ssize_t
on_body(void *arg, void *room, size_t room_len, bool *end, struct err *err)
{
	struct attach *at = arg;
	size_t n = at->out.len < room_len ? at->out.len : room_len;

	(void)end;
	(void)err;
	if (n > 0) {
		memcpy(room, at->out.data, n);
		buffer_consume(&at->out, n);
	}
	if (at->began)
		want_input(at);
	return (ssize_t)n;
}

static void
end_input(struct attach *at)
{
	watch_stop(&at->input);
	at->input_ended = true;
	session_frame_put(&at->out, SESSION_CLOSE, "", 0);
	api_stream_body_want(&at->stream);
}

static void
take_typed(struct attach *at, const char *typed, size_t len)
{
	char room[TYPED_BYTES + 1];

	if (!at->is_terminal) {
		session_frame_put(&at->out, SESSION_INPUT, typed, len);
	} else if (escape_filter(&at->escape, typed, len, room, &len)) {
		(void)!err_set(&at->err, ERR_GONE, "left by '~.'");
		leave(at);
		return;
	} else if (len > 0) {
		session_frame_put(&at->out, SESSION_INPUT, room, len);
	}
	api_stream_body_want(&at->stream);
}

static void
read_input(struct attach *at)
{
	char typed[TYPED_BYTES];
	ssize_t n = read(STDIN_FILENO, typed, sizeof(typed));

	if (n > 0)
		take_typed(at, typed, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		end_input(at);
}

static void
on_input(void *arg, unsigned events)
{
	struct attach *at = arg;

	(void)events;
	read_input(at);
	if (!at->over)
		want_input(at);
}

/* Read on while what was read before has gone. */
static void
want_input(struct attach *at)
{
	struct err ignored = ERR_INIT;
	bool has_room = at->out.len < OUT_MOST_BYTES;

	if (at->input_ended)
		return;
	if (watch_is_on(&at->input)) {
		watch_want(&at->input, has_room ? WATCH_READ : 0);
		return;
	}
	if (!at->input_is_file && watch_start(&at->input, at->loop, STDIN_FILENO, WATCH_READ,
					      on_input, at, &ignored) < 0)
		at->input_is_file = true;
	while (at->input_is_file && !at->input_ended && at->out.len < OUT_MOST_BYTES)
		read_input(at);
}

static void
on_beat(void *arg)
{
	struct attach *at = arg;

	if (loop_now_us(at->loop) - at->heard_us >= SESSION_SILENT_MS * 1000ull) {
		(void)!err_set(&at->err, ERR_AGAIN, "nothing has come from the task for %d s",
			       SESSION_SILENT_MS / 1000);
		leave(at);
		return;
	}
	timer_start_ms(&at->beat, SESSION_BEAT_MS);
	session_frame_put(&at->out, SESSION_ALIVE, "", 0);
	api_stream_body_want(&at->stream);
}

/* --- signals --------------------------------------------------------------------------------- */

static void
tell_size(struct attach *at)
{
	unsigned rows = 24, cols = 80;

	screen_size(STDIN_FILENO, &rows, &cols);
	session_put_resize(&at->out, (uint16_t)rows, (uint16_t)cols);
	api_stream_body_want(&at->stream);
}

/* A terminal's keys are sent as they are; a signal is of somebody who wants this program to end. */
static void
on_signal(void *arg, int signo)
{
	struct attach *at = arg;

	if (signo == SIGWINCH) {
		if (at->is_terminal)
			tell_size(at);
		return;
	}
	if (at->is_terminal || at->stopped_by != 0) {
		at->stopped_by = signo;
		leave(at);
		return;
	}
	if (signo != SIGUSR1 && signo != SIGUSR2)
		at->stopped_by = signo;
	session_put_signal(&at->out, signo);
	api_stream_body_want(&at->stream);
}

static int
watch_signals(struct attach *at, struct err *err)
{
	static const int signals[SIGNAL_COUNT] = {SIGWINCH, SIGTERM, SIGINT, SIGHUP,
						  SIGQUIT,  SIGUSR1, SIGUSR2};
	size_t i;

	for (i = 0; i < SIGNAL_COUNT; i++)
		if (signal_start(&at->signals[i], at->loop, signals[i], on_signal, at, err) < 0)
			return err->code;
	return 0;
}

/* --- one session ------------------------------------------------------------------------------- */

static int
put_open(struct attach *at, char **argv, int argc, struct err *err)
{
	const char *term = getenv("TERM");
	unsigned rows = 24, cols = 80;
	struct session_open open = {.is_terminal = at->is_terminal,
				    .term = term != NULL && strlen(term) <= SESSION_TERM_MOST_BYTES
						    ? term
						    : ""};

	screen_size(STDIN_FILENO, &rows, &cols);
	open.rows = (uint16_t)(rows < SESSION_SIDE_MOST ? rows : SESSION_SIDE_MOST);
	open.cols = (uint16_t)(cols < SESSION_SIDE_MOST ? cols : SESSION_SIDE_MOST);
	return session_put_open(&at->out, &open, argc > 0 ? (const char *const *)argv : NULL, err);
}

static int
open_session(struct attach *at, char **argv, int argc, struct err *err)
{
	char task[ID_TEXT_BYTES], job[256];
	LOCAL_FREE char *path = NULL;
	int rc;

	rc = job_task_find(task, job, sizeof(job), at->api, &at->ref, &at->choice, err);
	if (rc == 0)
		rc = put_open(at, argv, argc, err);
	if (rc == 0)
		rc = watch_signals(at, err);
	if (rc < 0)
		return rc;
	path = api_path("/api/runner/v1/tasks/%s/attach", task);
	rc = api_stream_exchange(&at->stream, at->api, path, "application/vnd.runner.session", on_body,
				 on_data, on_ended, at, err);
	if (rc == 0 && at->is_terminal) {
		say_note("attached to job '%s'; Enter, then '~.' leaves it", job);
		rc = terminal_make_raw(STDIN_FILENO, err);
	}
	return rc;
}

/* It never makes its reader wait, and cannot be waited for. */
static bool
is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || (S_ISCHR(st.st_mode) && isatty(fd) != 1));
}

/* Standard output may be slower than the task. */
static void
write_rest(struct attach *at)
{
	bool stop = false;

	outlet_finish(&at->outlets[0], &stop);
	outlet_finish(&at->outlets[1], &stop);
}

/* The command's own status; what kept it from one is always the same. */
static int
judge(struct attach *at)
{
	struct err err = ERR_INIT;

	if (at->err.code != 0)
		err = at->err;
	else if (at->has_exit && at->exit.end == SESSION_ENDED_BY_EXIT)
		return (int)at->exit.number;
	else if (at->has_exit && at->exit.end == SESSION_ENDED_BY_SIGNAL)
		return SIGNAL_EXIT_BASE + (int)at->exit.number;
	else if (at->has_exit)
		(void)!err_set(&err, ERR_GONE, "%s", at->exit.text);
	else if (at->stopped_by != 0)
		return SIGNAL_EXIT_BASE + at->stopped_by;
	else
		(void)!err_set(&err, ERR_GONE, "the hub ended it without a word");
	(void)say_error(&err);
	return EXIT_REFUSED;
}

static int
run_session(struct attach *at, char **argv, int argc)
{
	struct err err = ERR_INIT;
	size_t i;

	at->loop = api_loop(at->api);
	at->heard_us = loop_now_us(at->loop);
	at->input_is_file = is_file(STDIN_FILENO);
	outlet_init(&at->outlets[0], at->loop, STDOUT_FILENO, on_room, at);
	outlet_init(&at->outlets[1], at->loop, STDERR_FILENO, on_room, at);
	timer_init(&at->beat, at->loop, on_beat, at);
	if (open_session(at, argv, argc, &err) < 0) {
		at->err = err;
	} else {
		timer_start_ms(&at->beat, SESSION_BEAT_MS);
		while (!at->over)
			loop_run(at->loop);
		write_rest(at);
	}
	terminal_restore();
	api_stream_stop(&at->stream);
	watch_stop(&at->input);
	timer_release(&at->beat);
	for (i = 0; i < SIGNAL_COUNT; i++)
		signal_stop(&at->signals[i]);
	outlet_release(&at->outlets[0]);
	outlet_release(&at->outlets[1]);
	buffer_release(&at->inbox);
	buffer_release(&at->out);
	return judge(at);
}

static int
set_attach(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct attach *at = arg;

	if (text_eq(option->name, "no-terminal")) {
		at->no_terminal = true;
		return 0;
	}
	if (text_eq(option->name, "node"))
		return task_choice_set(&at->choice, value, err);
	return job_ref_set(&at->ref, option, value, err);
}

static int
attach(int argc, char **argv)
{
	struct attach at = {.escape = ESCAPE_INIT};
	struct err err = ERR_INIT;
	int count, named, status;

	status = args_read(&attach_command, argc, argv, &count, set_attach, &at);
	if (status != ARGS_GO)
		return status;
	named = at.ref.last_failed ? 0 : 1;
	status = job_ref_check(&attach_command, &at.ref, count < named ? count : named, argv);
	if (status != ARGS_GO)
		return status;
	at.is_terminal = !at.no_terminal && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
	if (api_open(&at.api, &err) < 0)
		return say_error(&err);
	argv[count] = NULL; /* behind the words are those that were options */
	status = run_session(&at, argv + named, count - named);
	api_close(at.api);
	return status;
}
