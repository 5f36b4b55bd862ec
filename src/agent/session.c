/*
 * session.c - a person's terminal in a task: between a request at the hub and a process of the task.
 *
 * Frames (task/session_frame.h) come in the request's reply and go in its body. A terminal's one
 * descriptor is held twice, so that input and output are two things here whatever they are
 * made of. The process's end is told by runner-init; what it had written by then is read
 * before the person is told of it. Nothing of what passes is kept anywhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/hub_link.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "task/session_frame.h"

enum {
	SESSION_MAGIC = 0x73657373,
	READ_BYTES = 16 * 1024,
	OUT_MOST_BYTES = 64 * 1024,   /* of frames that wait for the hub: beyond, nothing is read */
	INPUT_MOST_BYTES = 64 * 1024, /* of bytes that wait for the process: beyond, none are taken */
	KILL_AFTER_MS = SUPERVISOR_SESSION_GRACE_MS,
};

enum session_state {
	SESSION_OPENING, /* the person's OPEN is to come */
	SESSION_ASKED,	 /* runner-init is to start it */
	SESSION_RUNNING,
	SESSION_DRAINING, /* it has ended; what it had written is to be read */
	SESSION_TOLD,	  /* the last frame is on its way */
};

/* One way out of the process. */
struct outlet {
	int fd; /* -1: closed */
	struct watch watch;
	enum session_type type;
};

struct session {
	uint32_t magic;
	struct loop *loop;
	struct session_hooks hooks;
	uint32_t number;
	char id_text[ID_TEXT_BYTES], task[ID_TEXT_BYTES]; /* task: "": not known */
	char who[SESSION_WHO_BYTES];
	enum session_state state;
	struct hub_request *request; /* NULL: over */
	bool has_process;	     /* asked for, and not known to have ended */
	bool is_terminal, input_closes, paused;
	struct winsize size; /* of the terminal, as last heard */
	int input_fd; /* -1: closed */
	struct watch input_watch;
	struct outlet outlets[2]; /* output; errors, without a terminal */
	struct buffer inbox;	  /* frames from the person that are not whole */
	struct buffer input;	  /* for the process */
	struct buffer out;	  /* frames for the person */
	struct session_exit exit;
	struct timer beat, kill;
	struct later over;
	uint64_t heard_us;
	int64_t began_ms; /* Unix time; 0: there was no process */
};

static void session_want(struct session *session);

/* --- life ---------------------------------------------------------------------------------- */

static void
close_input(struct session *session)
{
	watch_stop(&session->input_watch);
	if (session->input_fd >= 0)
		(void)close(session->input_fd);
	session->input_fd = -1;
	buffer_clear(&session->input);
}

static void
close_outlet(struct outlet *outlet)
{
	watch_stop(&outlet->watch);
	if (outlet->fd >= 0)
		(void)close(outlet->fd);
	outlet->fd = -1;
}

/* The kernel hangs up who is in a terminal's foreground. */
static void
close_all(struct session *session)
{
	close_input(session);
	close_outlet(&session->outlets[0]);
	close_outlet(&session->outlets[1]);
}

void
session_free(struct session *session)
{
	if (session == NULL)
		return;
	OBJ_CHECK(session, SESSION_MAGIC);
	hub_request_cancel(session->request);
	close_all(session);
	timer_release(&session->beat);
	timer_release(&session->kill);
	later_release(&session->over);
	buffer_release(&session->inbox);
	buffer_release(&session->input);
	buffer_release(&session->out);
	OBJ_WIPE(session);
	free(session);
}

uint32_t
session_number(const struct session *session)
{
	return session->number;
}

bool
session_has_process(const struct session *session)
{
	return session->has_process;
}

static void
on_over(void *arg)
{
	struct session *session = arg;

	OBJ_CHECK(session, SESSION_MAGIC);
	session->hooks.on_over(session->hooks.arg, session);
}

static void
over_if_done(struct session *session)
{
	if (session->request == NULL && !session->has_process)
		later_want(&session->over);
}

static struct log_at
log_at(const struct session *session)
{
	return LOG_AT_TASK(session->task[0] != '\0' ? session->task : NULL);
}

/* The audit line: who, in which task, from when to when, how it ended. */
static void
log_end(const struct session *session)
{
	char from[32], until[32], room[SESSION_TEXT_MOST_BYTES + 32];

	if (session->began_ms == 0)
		log_line(LOG_INFO, log_at(session),
			 "session %s of '%s' did not begin: %s", session->id_text, session->who,
			 session_exit_text(room, &session->exit));
	else
		log_line(LOG_INFO, log_at(session),
			 "session %s of '%s' from %s to %s ended: %s", session->id_text, session->who,
			 text_time(from, session->began_ms), text_time(until, clock_unix_ms()),
			 session_exit_text(room, &session->exit));
}

/* --- the end ------------------------------------------------------------------------------- */

/* The last frame: how it ended is known. */
static void
tell_end(struct session *session)
{
	if (session->state == SESSION_TOLD)
		return;
	session->state = SESSION_TOLD;
	session_put_exit(&session->out, &session->exit);
	log_end(session);
	close_all(session);
	if (session->request != NULL)
		hub_request_body_want(session->request);
}

/* The process may not take a hang-up. */
static void
hang_up(struct session *session)
{
	close_all(session);
	if (!session->has_process)
		return;
	session->hooks.on_signal(session->hooks.arg, session, SIGHUP);
	timer_start_ms(&session->kill, KILL_AFTER_MS);
}

static void
on_kill(void *arg)
{
	struct session *session = arg;

	OBJ_CHECK(session, SESSION_MAGIC);
	if (session->has_process)
		session->hooks.on_signal(session->hooks.arg, session, SIGKILL);
}

static void
fill_exit(struct session *session, enum session_end end, uint32_t number, const char *sentence)
{
	session->exit.end = end;
	session->exit.number = number;
	(void)snprintf(session->exit.text, sizeof(session->exit.text), "%s", sentence);
}

void
session_end(struct session *session, const char *sentence)
{
	OBJ_CHECK(session, SESSION_MAGIC);
	if (session->state != SESSION_TOLD) {
		fill_exit(session, SESSION_ENDED_UNKNOWN, 0, sentence);
		tell_end(session);
	}
	hang_up(session);
}

static void
refuse(struct session *session, const char *sentence)
{
	session->state = SESSION_TOLD;
	fill_exit(session, SESSION_ENDED_UNKNOWN, 0, sentence);
	log_end(session);
	session_put_refusal(&session->out, sentence);
	if (session->request != NULL)
		hub_request_body_want(session->request);
}

/* --- from the process to the person ---------------------------------------------------------- */

static bool
has_room(const struct session *session)
{
	return session->out.len < OUT_MOST_BYTES;
}

/* True when there is nothing more to read now. A terminal that nobody has open any more says EIO. */
static bool
read_outlet(struct session *session, struct outlet *outlet)
{
	uint8_t room[READ_BYTES];
	ssize_t n;

	while (outlet->fd >= 0) {
		if (!has_room(session))
			return false;
		n = read(outlet->fd, room, sizeof(room));
		if (n > 0)
			session_frame_put(&session->out, outlet->type, room, (size_t)n);
		else if (n < 0 && errno == EAGAIN)
			return true;
		else if (n == 0 || errno != EINTR)
			close_outlet(outlet);
	}
	return true;
}

static void
on_outlet(void *arg, unsigned events)
{
	struct session *session = arg;

	(void)events;
	OBJ_CHECK(session, SESSION_MAGIC);
	session_want(session);
}

static void
want_outlet(struct session *session, struct outlet *outlet)
{
	unsigned events = has_room(session) ? WATCH_READ : 0;
	struct err err = ERR_INIT;

	if (outlet->fd < 0)
		return;
	if (watch_is_on(&outlet->watch))
		watch_want(&outlet->watch, events);
	else if (watch_start(&outlet->watch, session->loop, outlet->fd, events, on_outlet, session,
			     &err) < 0)
		session_end(session, err.text);
}

/* Read what there is room for; tell the end once the process has ended and all of it is read. */
static void
session_want(struct session *session)
{
	size_t before = session->out.len;
	bool dry;

	if (session->state != SESSION_RUNNING && session->state != SESSION_DRAINING)
		return;
	dry = read_outlet(session, &session->outlets[0]);
	dry = read_outlet(session, &session->outlets[1]) && dry;
	if (session->out.len > before && session->request != NULL)
		hub_request_body_want(session->request);
	if (session->state == SESSION_DRAINING && dry) {
		tell_end(session);
		return;
	}
	want_outlet(session, &session->outlets[0]);
	want_outlet(session, &session->outlets[1]);
}

static ssize_t
on_body(void *arg, void *room, size_t room_len, bool *end, struct err *err)
{
	struct session *session = arg;
	size_t n = session->out.len < room_len ? session->out.len : room_len;
	bool was_full = !has_room(session);

	(void)err;
	OBJ_CHECK(session, SESSION_MAGIC);
	if (n > 0) {
		memcpy(room, session->out.data, n);
		buffer_consume(&session->out, n);
	}
	*end = session->state == SESSION_TOLD && session->out.len == 0;
	if (was_full && has_room(session))
		session_want(session);
	return (ssize_t)n;
}

/* --- from the person to the process ---------------------------------------------------------- */

static void
pause_if_full(struct session *session)
{
	bool full = session->input.len >= INPUT_MOST_BYTES;

	if (session->request == NULL || full == session->paused)
		return;
	session->paused = full;
	if (full)
		hub_request_pause(session->request);
	else
		hub_request_resume(session->request);
}

static void
write_input(struct session *session)
{
	ssize_t n = 0;

	while (session->input_fd >= 0 && session->input.len > 0) {
		n = write(session->input_fd, session->input.data, session->input.len);
		if (n > 0)
			buffer_consume(&session->input, (size_t)n);
		else if (n < 0 && errno == EAGAIN)
			break;
		else if (n < 0 && errno != EINTR)
			close_input(session); /* it reads no more, which may be as it should */
	}
	if (session->input.len == 0 && session->input_closes)
		close_input(session);
}

static void
on_input(void *arg, unsigned events)
{
	struct session *session = arg;

	(void)events;
	OBJ_CHECK(session, SESSION_MAGIC);
	write_input(session);
	if (watch_is_on(&session->input_watch) && session->input.len == 0)
		watch_want(&session->input_watch, 0);
	pause_if_full(session);
}

static void
take_input(struct session *session, const uint8_t *bytes, size_t len)
{
	struct err err = ERR_INIT;

	if (session->input_fd < 0 && session->state >= SESSION_RUNNING)
		return;
	buffer_putn(&session->input, bytes, len);
	if (session->state < SESSION_RUNNING)
		return;
	write_input(session);
	if (session->input.len == 0)
		return;
	if (watch_is_on(&session->input_watch))
		watch_want(&session->input_watch, WATCH_WRITE);
	else if (watch_start(&session->input_watch, session->loop, session->input_fd, WATCH_WRITE,
			     on_input, session, &err) < 0)
		session_end(session, err.text);
}

static void
take_resize(struct session *session, uint16_t rows, uint16_t cols)
{
	session->size = (struct winsize){.ws_row = rows, .ws_col = cols};
	if (session->is_terminal && session->input_fd >= 0)
		(void)ioctl(session->input_fd, TIOCSWINSZ, &session->size);
}

static void
take_open(struct session *session, const struct session_frame *frame)
{
	struct err err = ERR_INIT;
	struct session_open open;

	if (session_read_open(&open, frame, &err) < 0 ||
	    session->hooks.on_open(session->hooks.arg, session, &open, &err) < 0) {
		refuse(session, err.text);
		return;
	}
	session->is_terminal = open.is_terminal;
	take_resize(session, open.rows, open.cols);
	session->has_process = true;
	session->state = SESSION_ASKED;
}

static void
take_close(struct session *session)
{
	if (session->is_terminal)
		return; /* its end is a character */
	session->input_closes = true;
	write_input(session);
}

static int
take_frame(struct session *session, const struct session_frame *frame, struct err *err)
{
	uint16_t rows = 0, cols = 0;
	int signo = 0, rc = 0;

	if (session->state == SESSION_OPENING) {
		take_open(session, frame);
		return 0;
	}
	switch (frame->type) {
	case SESSION_INPUT:
		take_input(session, frame->bytes, frame->len);
		break;
	case SESSION_CLOSE:
		take_close(session);
		break;
	case SESSION_RESIZE:
		rc = session_read_resize(&rows, &cols, frame, err);
		if (rc == 0)
			take_resize(session, rows, cols);
		break;
	case SESSION_SIGNAL:
		rc = session_read_signal(&signo, frame, err);
		if (rc == 0 && session->state == SESSION_RUNNING)
			session->hooks.on_signal(session->hooks.arg, session, signo);
		break;
	case SESSION_OPEN:
		rc = err_set(err, ERR_INPUT, "a session is opened once");
		break;
	default:
		break; /* ALIVE; others were refused by session_frame_next() */
	}
	return rc;
}

static void
on_data(void *arg, const void *bytes, size_t len)
{
	struct session *session = arg;
	struct session_frame frame;
	struct err err = ERR_INIT;
	size_t used;
	int rc = 0;

	OBJ_CHECK(session, SESSION_MAGIC);
	session->heard_us = loop_now_us(session->loop);
	buffer_putn(&session->inbox, bytes, len);
	while (session->state != SESSION_TOLD && rc >= 0) {
		rc = session_frame_next(&frame, &used, SESSION_FROM_PERSON, session->inbox.data,
					session->inbox.len, &err);
		if (rc == 0)
			break;
		if (rc > 0)
			rc = take_frame(session, &frame, &err);
		if (rc >= 0)
			buffer_consume(&session->inbox, used);
	}
	if (rc < 0)
		session_end(session, err.text);
	pause_if_full(session);
}

/* --- the request ----------------------------------------------------------------------------- */

static void
on_done(void *arg, const struct err *err, const struct hub_answer *answer)
{
	struct session *session = arg;
	char sentence[SESSION_TEXT_MOST_BYTES];

	(void)answer;
	OBJ_CHECK(session, SESSION_MAGIC);
	session->request = NULL;
	timer_stop(&session->beat);
	if (session->state != SESSION_TOLD) {
		(void)snprintf(sentence, sizeof(sentence), "the person's end is gone%s%.300s",
			       err != NULL ? ": " : "", err != NULL ? err->text : "");
		session_end(session, sentence);
	}
	over_if_done(session);
}

static void
on_beat(void *arg)
{
	struct session *session = arg;

	OBJ_CHECK(session, SESSION_MAGIC);
	if (loop_now_us(session->loop) - session->heard_us >= SESSION_SILENT_MS * 1000ull) {
		hub_request_cancel(session->request);
		on_done(session, NULL, NULL);
		return;
	}
	timer_start_ms(&session->beat, SESSION_BEAT_MS);
	session_frame_put(&session->out, SESSION_BEAT, "", 0);
	hub_request_body_want(session->request);
}

struct session *
session_start(struct loop *loop, struct hub_link *link, const struct session_order *order,
	      uint32_t number, const char *refusal, const struct session_hooks *hooks)
{
	struct session *session = MEM_NEW(struct session);
	char path[96];
	struct hub_post post = {.kind = HUB_POST_SESSION,
				.path = path,
				.content_type = "application/vnd.runner.session",
				.body_read = on_body,
				.is_prompt = true,
				.on_data = on_data,
				.stream_arg = session};
	struct err err = ERR_INIT;

	session->magic = SESSION_MAGIC;
	session->loop = loop;
	session->hooks = *hooks;
	session->number = number;
	session->input_fd = -1;
	session->outlets[0] = (struct outlet){.fd = -1, .type = SESSION_OUTPUT};
	session->outlets[1] = (struct outlet){.fd = -1, .type = SESSION_ERRORS};
	session->heard_us = loop_now_us(loop);
	(void)id_text(session->id_text, &order->session);
	(void)snprintf(session->who, sizeof(session->who), "%s", order->who);
	if (hooks->task != NULL)
		(void)snprintf(session->task, sizeof(session->task), "%s", hooks->task);
	timer_init(&session->beat, loop, on_beat, session);
	timer_init(&session->kill, loop, on_kill, session);
	later_init(&session->over, loop, on_over, session);
	(void)snprintf(path, sizeof(path), "/api/v3/runner/sessions/%s", session->id_text);
	if (refusal != NULL)
		refuse(session, refusal);
	if (hub_post(&session->request, link, &post, on_done, session, &err) == 0)
		timer_start_ms(&session->beat, SESSION_BEAT_MS);
	else if (session->state != SESSION_TOLD)
		session_end(session, err.text);
	over_if_done(session);
	return session;
}

/* --- news from runner-init ------------------------------------------------------------------- */

/* A terminal is one descriptor: it is held once for each way. */
static bool
take_fds(struct session *session, const int *fds, size_t fd_count)
{
	session->input_fd = fds[0];
	if (session->is_terminal && fd_count == 1) {
		session->outlets[0].fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
		return session->outlets[0].fd >= 0;
	}
	if (fd_count > 1)
		session->outlets[0].fd = fds[1];
	if (fd_count > 2)
		session->outlets[1].fd = fds[2];
	return fd_count == 3;
}

void
session_note_started(struct session *session, const int *fds, size_t fd_count)
{
	struct buffer early = BUFFER_INIT;
	bool taken;

	OBJ_CHECK(session, SESSION_MAGIC);
	taken = take_fds(session, fds, fd_count);
	if (session->state != SESSION_ASKED) { /* the person has gone meanwhile */
		hang_up(session);
		return;
	}
	session->began_ms = clock_unix_ms();
	session->state = SESSION_RUNNING;
	log_line(LOG_INFO, log_at(session), "session %s of '%s' began%s",
		 session->id_text, session->who, session->is_terminal ? ", with a terminal" : "");
	if (!taken) {
		session_end(session, "the agent has no descriptor left for it");
		return;
	}
	take_resize(session, session->size.ws_row, session->size.ws_col);
	session_frame_put(&session->out, SESSION_STARTED, "", 0);
	hub_request_body_want(session->request);
	early = session->input;
	session->input = (struct buffer)BUFFER_INIT;
	take_input(session, early.data, early.len);
	write_input(session);
	buffer_release(&early);
	session_want(session);
}

void
session_note_failed(struct session *session, const char *sentence)
{
	OBJ_CHECK(session, SESSION_MAGIC);
	session->has_process = false;
	if (session->state != SESSION_TOLD)
		refuse(session, sentence);
	over_if_done(session);
}

void
session_note_exited(struct session *session, const struct message_step_exited *exited)
{
	int status = (int)exited->status;

	OBJ_CHECK(session, SESSION_MAGIC);
	session->has_process = false;
	timer_stop(&session->kill);
	if (session->state == SESSION_RUNNING) {
		if (WIFSIGNALED(status))
			fill_exit(session, SESSION_ENDED_BY_SIGNAL, (uint32_t)WTERMSIG(status), "");
		else
			fill_exit(session, SESSION_ENDED_BY_EXIT, (uint32_t)WEXITSTATUS(status), "");
		session->state = SESSION_DRAINING;
		session_want(session);
	}
	over_if_done(session);
}

void
session_note_lost(struct session *session, const char *sentence)
{
	OBJ_CHECK(session, SESSION_MAGIC);
	session->has_process = false;
	session_end(session, sentence);
	over_if_done(session);
}
