/*
 * capture.c - run a program to its end and keep what it prints on standard output.
 *
 * The end is two events in either order: the process has ended, the pipe is empty. A
 * background process of the program's that holds the pipe does not keep us.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/err.h"
#include "loop/child.h"
#include "loop/loop.h"

struct capturing {
	struct loop *loop;
	struct child child;
	struct watch watch;
	int fd;
	struct buffer *out;
	int *status;
	bool exited;
	int rc;
	struct err *err;
};

static int
find_program(char room[PATH_MAX], const char *name, struct err *err)
{
	const char *path = getenv("PATH"), *end;

	if (strchr(name, '/') != NULL) {
		(void)snprintf(room, PATH_MAX, "%s", name);
		return 0;
	}
	for (path = path != NULL ? path : "/usr/local/bin:/usr/bin:/bin"; *path != '\0';
	     path = *end == ':' ? end + 1 : end) {
		end = strchrnul(path, ':');
		(void)snprintf(room, PATH_MAX, "%.*s/%s", (int)(end - path), path, name);
		if (access(room, X_OK) == 0)
			return 0;
	}
	return err_set(err, ERR_HOST, "cannot find the program '%s' in PATH", name);
}

/* Take what waits. */
static void
drain(struct capturing *c)
{
	struct err ignored = ERR_INIT;
	char bytes[4096];
	ssize_t n;

	while ((n = read(c->fd, bytes, sizeof(bytes))) > 0) {
		if (c->rc < 0)
			continue;
		c->rc = buffer_append(c->out, bytes, (size_t)n, c->err);
		if (c->rc < 0)
			(void)child_signal(&c->child, SIGKILL, &ignored);
	}
	if (n == 0)
		watch_stop(&c->watch);
}

static void
on_capture_readable(void *arg, unsigned events)
{
	(void)events;
	drain(arg);
}

static void
on_capture_exit(void *arg, int status, const struct rusage *usage)
{
	struct capturing *c = arg;

	(void)usage;
	drain(c);
	*c->status = status;
	c->exited = true;
	loop_stop(c->loop);
}

int
capture(struct loop *loop, char *const *argv, const char *cwd, struct buffer *out, int *status,
	struct err *err)
{
	struct capturing c = {
		.loop = loop, .child = CHILD_INIT, .out = out, .status = status, .err = err};
	struct child_spec spec = {.argv = argv, .cwd = cwd, .flags = CHILD_DIES_WITH_US};
	struct child_fd to_stdout = {.to = STDOUT_FILENO};
	char path[PATH_MAX];
	int ends[2];

	c.rc = find_program(path, argv[0], err);
	if (c.rc < 0)
		return c.rc;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, "cannot make a pipe for '%s'", argv[0]);
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	c.fd = ends[0];
	to_stdout.from = ends[1];
	spec.path = path;
	spec.fds = &to_stdout;
	spec.fd_count = 1;
	c.rc = watch_start(&c.watch, loop, c.fd, WATCH_READ, on_capture_readable, &c, err);
	if (c.rc == 0)
		c.rc = child_start(&c.child, loop, &spec, on_capture_exit, &c, err);
	(void)close(ends[1]);
	if (c.rc == 0)
		while (!c.exited)
			loop_run(loop);
	watch_stop(&c.watch);
	(void)close(c.fd);
	return c.rc;
}
