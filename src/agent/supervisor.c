/*
 * supervisor.c - the runner-init of one task: its process and what it says.
 *
 * Two descriptors tell of its end, the socket and the pidfd, in either order. The pidfd
 * counts; what the socket still holds is read first. A socket that closes while the process
 * lives is connected again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/executor.h"
#include "agent/state_version.h"
#include "base/assert.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "wire/record.h"

enum {
	SUPERVISOR_MAGIC = 0x5b9e7a11,
	CONNECT_AGAIN_MS = 200,
	CONNECTS_MOST = 25,
	REASON_BYTES = 128,
};

/* --- what it says --- */

static void
close_fds(const int *fds, size_t count)
{
	while (count > 0)
		(void)close(fds[--count]);
}

static void
ready_if_told(struct supervisor *supervisor)
{
	if (supervisor->states_owed == 0)
		supervisor->hooks.on_ready(supervisor->hooks.arg);
}

static int
open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static void on_found_end(void *arg, unsigned events);

/* Does a descriptor tell of its end? */
static bool
is_watched(const struct supervisor *supervisor)
{
	return child_is_running(&supervisor->child) || supervisor->found_fd >= 0;
}

/*
 * The process at the other end, by pidfd. Its pid came with a packet; the socket still being open
 * after pidfd_open says that it was not another's by then.
 */
static int
watch_found(struct supervisor *supervisor, struct err *err)
{
	struct pollfd poll_fd = {.fd = supervisor->socket.fd};

	if (is_watched(supervisor))
		return 0;
	if (supervisor->socket.peer <= 0)
		return err_set(err, ERR_HOST, "cannot tell which process runner-init is");
	supervisor->found_fd = open_pidfd(supervisor->socket.peer);
	if (supervisor->found_fd < 0)
		return err_sys(err, "cannot watch runner-init, process %d",
			       (int)supervisor->socket.peer);
	if (poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLHUP) != 0)
		return err_set(err, ERR_GONE, "runner-init has just ended");
	return watch_start(&supervisor->found, supervisor->loop, supervisor->found_fd, WATCH_READ,
			   on_found_end, supervisor, err);
}

static void gone(struct supervisor *supervisor, const char *reason);

/* What the host refuses now it may grant later: another connection brings another HELLO. */
static void
watch_later(struct supervisor *supervisor, const struct err *err)
{
	if (supervisor->found_fd >= 0)
		(void)close(supervisor->found_fd);
	supervisor->found_fd = -1;
	if (err->code != ERR_GONE && supervisor->connects < CONNECTS_MOST) {
		log_line(LOG_WARN, LOG_AT_TASK(supervisor->hooks.task), "%s; trying again in %d ms",
			 err->text, CONNECT_AGAIN_MS);
		init_socket_close(&supervisor->socket);
		timer_start_ms(&supervisor->again, CONNECT_AGAIN_MS);
		return;
	}
	/* The task goes on without it; it must not go on without the task. */
	supervisor_quit(supervisor, SUPERVISOR_NO_GRACE);
	gone(supervisor, err->text);
}

static void
handle_hello(struct supervisor *supervisor, const struct message_hello *hello)
{
	struct err err = ERR_INIT;

	supervisor->said_hello = true;
	supervisor->flags = hello->flags;
	supervisor->states_owed = hello->steps;
	if (watch_found(supervisor, &err) < 0) {
		watch_later(supervisor, &err);
		return;
	}
	supervisor->connects = 0;
	ready_if_told(supervisor);
}

static void
handle_step_state(struct supervisor *supervisor, const struct message_step_state *state,
		  const int *fds, size_t fd_count)
{
	int pipe_fd = fd_count > 0 ? fds[0] : -1, memfd = fd_count > 1 ? fds[1] : -1;

	supervisor->hooks.on_step_state(supervisor->hooks.arg, state, pipe_fd, memfd);
	if (supervisor->states_owed > 0) {
		supervisor->states_owed--;
		ready_if_told(supervisor);
	}
}

static void
handle_started(struct supervisor *supervisor, const struct message_step_started *started,
	       const int *fds, size_t fd_count)
{
	const struct supervisor_hooks *hooks = &supervisor->hooks;

	if (started->attempt == SUPERVISOR_SESSION_ATTEMPT) {
		hooks->on_session_started(hooks->arg, started->step, fds, fd_count);
		return;
	}
	close_fds(fds + 1, fd_count - 1);
	hooks->on_step_started(hooks->arg, started, fds[0]);
}

static void
on_message(void *arg, const struct message *message, const int *fds, size_t fd_count)
{
	struct supervisor *supervisor = arg;
	const struct supervisor_hooks *hooks = &supervisor->hooks;

	OBJ_CHECK(supervisor, SUPERVISOR_MAGIC);
	switch (message->type) {
	case MESSAGE_HELLO:
		handle_hello(supervisor, &message->hello);
		return;
	case MESSAGE_STEP_STATE:
		handle_step_state(supervisor, &message->step_state, fds, fd_count);
		return;
	case MESSAGE_STEP_STARTED:
		handle_started(supervisor, &message->step_started, fds, fd_count);
		return;
	case MESSAGE_STEP_FAILED_TO_START:
		hooks->on_step_failed(hooks->arg, &message->step_failed_to_start);
		return;
	case MESSAGE_STEP_EXITED:
		hooks->on_step_exited(hooks->arg, &message->step_exited);
		return;
	case MESSAGE_EMPTY:
		hooks->on_empty(hooks->arg, message->empty.left);
		return;
	case MESSAGE_ERROR:
		hooks->on_error(hooks->arg, &message->error);
		return;
	case MESSAGE_START_STEP:
	case MESSAGE_SIGNAL_STEP:
	case MESSAGE_KILL_ALL:
	case MESSAGE_ORPHAN_POLICY:
	case MESSAGE_ACK_STEP:
	case MESSAGE_QUIT:
	case MESSAGE_START_SESSION:
		close_fds(fds, fd_count);
		return; /* message_unpack() gives us none of our own */
	}
	UNREACHABLE();
}

/* --- its end --- */

static void
gone(struct supervisor *supervisor, const char *reason)
{
	if (!supervisor->alive)
		return;
	init_socket_read(&supervisor->socket);
	if (!supervisor->alive)
		return; /* what it had said last was its end */
	supervisor->alive = false;
	init_socket_close(&supervisor->socket);
	watch_stop(&supervisor->found);
	timer_stop(&supervisor->again);
	supervisor->hooks.on_gone(supervisor->hooks.arg, reason);
}

static void
on_child_exit(void *arg, int status, const struct rusage *usage)
{
	struct supervisor *supervisor = arg;
	char reason[REASON_BYTES];
	const char *words;

	(void)usage;
	OBJ_CHECK(supervisor, SUPERVISOR_MAGIC);
	words = status == 0 && supervisor->quit_sent ? NULL
						     : supervisor_last_words(supervisor->dir_fd);
	if (words != NULL)
		(void)snprintf(reason, sizeof(reason), "%s", words);
	else if (WIFSIGNALED(status))
		(void)snprintf(reason, sizeof(reason), "runner-init was killed by signal %d",
			       WTERMSIG(status));
	else
		(void)snprintf(reason, sizeof(reason), "runner-init ended with status %d",
			       WEXITSTATUS(status));
	gone(supervisor, status == 0 && supervisor->quit_sent ? NULL : reason);
}

/* Not our child: nobody tells us its status. */
static void
on_found_end(void *arg, unsigned events)
{
	struct supervisor *supervisor = arg;
	const char *words;

	(void)events;
	OBJ_CHECK(supervisor, SUPERVISOR_MAGIC);
	words = supervisor_last_words(supervisor->dir_fd);
	if (words == NULL && !supervisor->quit_sent)
		words = "runner-init was killed";
	gone(supervisor, supervisor->quit_sent ? NULL : words);
}

/* --- connecting --- */

static void on_closed(void *arg, const struct err *err);

static void
send_quit(struct supervisor *supervisor)
{
	struct message message = {.type = MESSAGE_QUIT, .quit = {supervisor->quit_grace_ms}};

	supervisor_send(supervisor, &message, NULL, 0);
}

/* A QUIT that an earlier connection may have lost is said again. */
static int
connect_socket(struct supervisor *supervisor, struct err *err)
{
	struct init_socket_hooks hooks = {supervisor, on_message, on_closed};
	int rc;

	supervisor->connects++;
	rc = init_socket_connect(&supervisor->socket, supervisor->dir_fd, supervisor->loop, &hooks,
				 err);
	if (rc == 0 && supervisor->quit_sent)
		send_quit(supervisor);
	return rc;
}

static void
on_again(void *arg)
{
	struct supervisor *supervisor = arg;
	struct err err = ERR_INIT;

	int rc;

	OBJ_CHECK(supervisor, SUPERVISOR_MAGIC);
	rc = connect_socket(supervisor, &err);
	if (rc == 0)
		return;
	if (rc == ERR_GONE && !is_watched(supervisor))
		gone(supervisor, supervisor->quit_sent ? NULL : err.text);
	else if (supervisor->connects < CONNECTS_MOST)
		timer_start_ms(&supervisor->again, CONNECT_AGAIN_MS);
	else if (is_watched(supervisor))
		supervisor_kill(supervisor); /* its end comes by its pidfd */
	else
		gone(supervisor, err.text);
}

static void
on_closed(void *arg, const struct err *err)
{
	struct supervisor *supervisor = arg;

	OBJ_CHECK(supervisor, SUPERVISOR_MAGIC);
	if (err != NULL)
		log_line(LOG_WARN, LOG_AT_TASK(supervisor->hooks.task), "%s", err->text);
	if (err != NULL)
		supervisor->connects = CONNECTS_MOST;
	if (supervisor->alive && (!supervisor->quit_sent || !is_watched(supervisor)))
		timer_start_ms(&supervisor->again, CONNECT_AGAIN_MS);
}

static void
supervisor_init(struct supervisor *supervisor, struct loop *loop, int dir_fd,
		const struct supervisor_hooks *hooks)
{
	memset(supervisor, 0, sizeof(*supervisor));
	supervisor->magic = SUPERVISOR_MAGIC;
	supervisor->loop = loop;
	supervisor->dir_fd = dir_fd;
	supervisor->hooks = *hooks;
	supervisor->socket = (struct init_socket)INIT_SOCKET_INIT;
	supervisor->child = (struct child)CHILD_INIT;
	supervisor->found_fd = -1;
	supervisor->alive = true;
	timer_init(&supervisor->again, loop, on_again, supervisor);
}

int
supervisor_start(struct supervisor *supervisor, struct loop *loop, struct executor *executor,
		 const struct executor_start *how, const struct supervisor_hooks *hooks,
		 struct err *err)
{
	struct executor_start start = *how;
	int rc;

	start.listen_fd = -1;
	supervisor_init(supervisor, loop, start.dir_fd, hooks);
	rc = init_socket_listen(&start.listen_fd, start.dir_fd, err);
	if (rc == 0)
		rc = executor->start(executor, &supervisor->child, loop, &start, on_child_exit,
				     supervisor, err);
	if (rc == 0)
		rc = connect_socket(supervisor, err);
	if (start.listen_fd >= 0)
		(void)close(start.listen_fd);
	if (rc < 0) {
		if (child_is_running(&supervisor->child))
			supervisor_kill(supervisor);
		supervisor_release(supervisor);
	}
	return rc;
}

int
supervisor_find(struct supervisor *supervisor, struct loop *loop, int dir_fd,
		const struct supervisor_hooks *hooks, struct err *err)
{
	int rc;

	supervisor_init(supervisor, loop, dir_fd, hooks);
	rc = connect_socket(supervisor, err);
	if (rc == ERR_GONE) {
		supervisor_release(supervisor);
		return rc;
	}
	if (rc < 0) /* what the host refuses now it may grant later */
		timer_start_ms(&supervisor->again, CONNECT_AGAIN_MS);
	return 0;
}

/* --- verbs --- */

void
supervisor_send(struct supervisor *supervisor, const struct message *message, const int *fds,
		size_t fd_count)
{
	OBJ_CHECK(supervisor, SUPERVISOR_MAGIC);
	init_socket_send(&supervisor->socket, message, fds, fd_count);
}

void
supervisor_quit(struct supervisor *supervisor, uint32_t grace_ms)
{
	supervisor->quit_sent = true;
	supervisor->quit_grace_ms = grace_ms;
	send_quit(supervisor);
}

void
supervisor_kill(struct supervisor *supervisor)
{
	int fd = supervisor->found_fd;

	if (supervisor->magic != SUPERVISOR_MAGIC)
		return;
	if (!is_watched(supervisor)) {
		gone(supervisor,
		     "runner-init does not answer, and which process it is cannot be told");
		return;
	}
	if (fd < 0)
		fd = supervisor->child.pidfd;
	if (syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0)
		return;
	if (errno == EPERM && supervisor->hooks.on_stuck != NULL)
		supervisor->hooks.on_stuck(supervisor->hooks.arg);
	else
		log_line(LOG_WARN, LOG_AT_TASK(supervisor->hooks.task),
			 "cannot kill runner-init: %s", strerror(errno));
}

pid_t
supervisor_pid(const struct supervisor *supervisor)
{
	if (!supervisor->alive)
		return 0;
	return child_is_running(&supervisor->child) ? supervisor->child.pid
						    : supervisor->socket.peer;
}

bool
supervisor_is_alive(const struct supervisor *supervisor)
{
	return supervisor->magic == SUPERVISOR_MAGIC && supervisor->alive;
}

bool
supervisor_has_namespace(const struct supervisor *supervisor)
{
	return supervisor->said_hello && (supervisor->flags & HELLO_PID_NAMESPACE) != 0;
}

bool
supervisor_has_sessions(const struct supervisor *supervisor)
{
	return supervisor->said_hello && (supervisor->flags & HELLO_SESSIONS) != 0;
}

bool
supervisor_is_sheltered(const struct supervisor *supervisor)
{
	return supervisor->said_hello && (supervisor->flags & HELLO_SHELTERED) != 0;
}

void
supervisor_release(struct supervisor *supervisor)
{
	if (supervisor->magic != SUPERVISOR_MAGIC)
		return;
	init_socket_close(&supervisor->socket);
	child_release(&supervisor->child);
	watch_stop(&supervisor->found);
	if (supervisor->found_fd >= 0)
		(void)close(supervisor->found_fd);
	timer_release(&supervisor->again);
	OBJ_WIPE(supervisor);
}

int
supervisor_check_log(int dir_fd, struct err *err)
{
	LOCAL_FD fd = openat(dir_fd, SUPERVISOR_LOG_NAME, O_RDONLY | O_CLOEXEC);
	uint8_t version;

	if (fd < 0 || read(fd, &version, 1) != 1)
		return 0;
	return state_version_check(SUPERVISOR_LOG_NAME, version, SUPERVISOR_VERSION, err);
}

const char *
supervisor_last_words(int dir_fd)
{
	static const char *const words[SUPERVISOR_END_COUNT] = {
		[SUPERVISOR_END_QUIT] = NULL,
		[SUPERVISOR_END_ORPHANED] =
			"no runnerd came back in time, so runner-init ended the task",
		[SUPERVISOR_END_SIGNALED] = "runner-init was told to end by a signal",
		[SUPERVISOR_END_BROKEN] = "runner-init found itself broken",
	};
	uint8_t bytes[RECORD_BYTES];
	struct record record;
	int fd = openat(dir_fd, SUPERVISOR_LOG_NAME, O_RDONLY | O_CLOEXEC);
	off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
	ssize_t n = -1;

	if (size >= RECORD_BYTES)
		n = pread(fd, bytes, sizeof(bytes), size - size % RECORD_BYTES - RECORD_BYTES);
	if (fd >= 0)
		(void)close(fd);
	if (n != RECORD_BYTES || record_unpack(&record, bytes) != NULL ||
	    record.type != RECORD_END || record.end.reason >= SUPERVISOR_END_COUNT)
		return NULL;
	return words[record.end.reason];
}
