/*
 * job_hook.c - a program of the administrator's that runs beside a task: one run of it.
 *
 * Its end is the end of its process. What lies in the pipe then is read; whoever else holds the
 * other end is not waited for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/job_hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/child.h"
#include "loop/loop.h"

enum { HOOK_MAGIC = 0x400c0a11, READ_BYTES = 4096, READS_AT_END = 64, REASON_BYTES = 256 };

struct job_hook {
	uint32_t magic;
	struct child child;
	struct watch watch;
	int pipe_fd;
	struct timer timer; /* its time; then the grace */
	const char *name, *task;
	uint64_t timeout_ms;
	uint32_t grace_ms;
	bool stopping, late; /* TERM is sent; because its time was over */
	char line[JOB_HOOK_LINE_BYTES + 1], last[JOB_HOOK_LINE_BYTES + 1];
	size_t len;
	unsigned lines;
	job_hook_end_fn *on_end;
	void *arg;
};

int
job_hook_find(char path[PATH_MAX], const char *dir, const char *name, struct err *err)
{
	struct stat st;

	(void)snprintf(path, PATH_MAX, "%s/%s", dir, name);
	if (stat(path, &st) != 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : err_sys(err, "cannot look at the hook '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INPUT, "the hook '%s' is no file", path);
	if ((st.st_mode & S_IWOTH) != 0)
		return err_set(err, ERR_INPUT, "the hook '%s' can be written by everybody", path);
	if (access(path, X_OK) != 0)
		return err_set(err, ERR_INPUT, "the hook '%s' cannot be executed: run chmod +x",
			       path);
	return 1;
}

/* --- output ------------------------------------------------------------------------------------
 */

static void
end_line(struct job_hook *hook)
{
	size_t i;

	hook->line[hook->len] = '\0';
	for (i = 0; i < hook->len; i++)
		if ((unsigned char)hook->line[i] < ' ' || hook->line[i] == 0x7f)
			hook->line[i] = ' ';
	if (hook->len > 0)
		memcpy(hook->last, hook->line, hook->len + 1);
	if (++hook->lines <= JOB_HOOK_LINES_MOST)
		log_line(LOG_INFO, LOG_AT_TASK(hook->task), "%s: %s", hook->name, hook->line);
	else if (hook->lines == JOB_HOOK_LINES_MOST + 1)
		log_line(LOG_WARN, LOG_AT_TASK(hook->task),
			 "%s: has printed %d lines, what follows is not shown", hook->name,
			 JOB_HOOK_LINES_MOST);
	hook->len = 0;
}

static void
take_bytes(struct job_hook *hook, const char *bytes, size_t n)
{
	for (; n > 0; n--, bytes++) {
		if (*bytes != '\n')
			hook->line[hook->len++] = *bytes;
		if (*bytes == '\n' || hook->len == JOB_HOOK_LINE_BYTES)
			end_line(hook);
	}
}

/* True: there may be more. */
static bool
read_some(struct job_hook *hook)
{
	char bytes[READ_BYTES];
	ssize_t n = read(hook->pipe_fd, bytes, sizeof(bytes));

	if (n > 0)
		take_bytes(hook, bytes, (size_t)n);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		watch_stop(&hook->watch);
	return n > 0;
}

static void
on_output(void *arg, unsigned events)
{
	struct job_hook *hook = arg;

	(void)events;
	OBJ_CHECK(hook, HOOK_MAGIC);
	(void)read_some(hook);
}

/* --- its end ------------------------------------------------------------------------------------
 */

static void
say_end(const struct job_hook *hook, int status, char reason[REASON_BYTES])
{
	char room[24];
	int n;

	if (hook->late)
		n = snprintf(reason, REASON_BYTES, "the %s hook ran longer than %s", hook->name,
			     text_duration(room, hook->timeout_ms));
	else if (WIFSIGNALED(status))
		n = snprintf(reason, REASON_BYTES, "the %s hook was ended by signal %d", hook->name,
			     WTERMSIG(status));
	else
		n = snprintf(reason, REASON_BYTES, "the %s hook ended with status %d", hook->name,
			     WEXITSTATUS(status));
	if (hook->last[0] != '\0' && n > 0 && n < REASON_BYTES)
		(void)snprintf(reason + n, REASON_BYTES - (size_t)n, ": %.150s", hook->last);
}

static void
on_hook_exit(void *arg, int status, const struct rusage *usage)
{
	struct job_hook *hook = arg;
	char reason[REASON_BYTES];
	unsigned i;

	(void)usage;
	OBJ_CHECK(hook, HOOK_MAGIC);
	timer_stop(&hook->timer);
	for (i = 0; i < READS_AT_END && read_some(hook); i++)
		continue;
	if (hook->len > 0)
		end_line(hook);
	watch_stop(&hook->watch);
	say_end(hook, status, reason);
	hook->on_end(hook->arg, status == 0 && !hook->late ? NULL : reason);
}

/* The whole group: the child is not reaped yet, so its number is nobody else's. */
static void
send_signal(const struct job_hook *hook, int signo)
{
	if (child_is_running(&hook->child))
		(void)kill(-hook->child.pid, signo);
}

void
job_hook_stop(struct job_hook *hook)
{
	if (hook == NULL || hook->stopping)
		return;
	OBJ_CHECK(hook, HOOK_MAGIC);
	hook->stopping = true;
	send_signal(hook, SIGTERM);
	timer_start_ms(&hook->timer, hook->grace_ms);
}

static void
on_timer(void *arg)
{
	struct job_hook *hook = arg;

	OBJ_CHECK(hook, HOOK_MAGIC);
	if (hook->stopping) {
		send_signal(hook, SIGKILL);
		return;
	}
	hook->late = true;
	job_hook_stop(hook);
}

/* --- life ---------------------------------------------------------------------------------------
 */

static int
start_child(struct job_hook *hook, struct loop *loop, const struct job_hook_spec *spec,
	    struct err *err)
{
	char *argv[] = {(char *)(uintptr_t)spec->path, NULL};
	struct child_fd fds[2];
	struct child_spec child = {.path = spec->path,
				   .argv = argv,
				   .envp = spec->envp,
				   .cwd = "/",
				   .fds = fds,
				   .fd_count = 2,
				   .flags = CHILD_NEW_SESSION | CHILD_DIES_WITH_US,
				   .cgroup_fd = spec->cgroup_fd};
	int ends[2], rc;

	child.flags |= spec->cgroup_fd >= 0 ? CHILD_IN_CGROUP : 0;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, "cannot make a pipe for the %s hook", spec->name);
	hook->pipe_fd = ends[0];
	fds[0] = (struct child_fd){ends[1], STDOUT_FILENO};
	fds[1] = (struct child_fd){ends[1], STDERR_FILENO};
	rc = fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0
		     ? err_sys(err, "cannot set up the pipe of the %s hook", spec->name)
		     : watch_start(&hook->watch, loop, ends[0], WATCH_READ, on_output, hook, err);
	if (rc == 0)
		rc = child_start(&hook->child, loop, &child, on_hook_exit, hook, err);
	(void)close(ends[1]);
	return rc;
}

int
job_hook_start(struct job_hook **out, struct loop *loop, const struct job_hook_spec *spec,
	       job_hook_end_fn *on_end, void *arg, struct err *err)
{
	struct job_hook *hook = MEM_NEW(struct job_hook);
	int rc;

	hook->magic = HOOK_MAGIC;
	hook->child = (struct child)CHILD_INIT;
	hook->pipe_fd = -1;
	hook->name = spec->name;
	hook->task = spec->task;
	hook->timeout_ms = spec->timeout_ms;
	hook->grace_ms = spec->grace_ms;
	hook->on_end = on_end;
	hook->arg = arg;
	timer_init(&hook->timer, loop, on_timer, hook);
	rc = start_child(hook, loop, spec, err);
	if (rc < 0) {
		job_hook_free(hook);
		return rc;
	}
	timer_start_ms(&hook->timer, spec->timeout_ms);
	*out = hook;
	return 0;
}

void
job_hook_free(struct job_hook *hook)
{
	if (hook == NULL)
		return;
	OBJ_CHECK(hook, HOOK_MAGIC);
	send_signal(hook, SIGKILL);
	child_release(&hook->child);
	watch_stop(&hook->watch);
	if (hook->pipe_fd >= 0)
		(void)close(hook->pipe_fd);
	timer_release(&hook->timer);
	OBJ_WIPE(hook);
	free(hook);
}
