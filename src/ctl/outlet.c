/*
 * outlet.c - standard output without ever blocking the loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/outlet.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

static void on_outlet_flush(void *arg);

/* pipe(7): a pipe that polls writable has room for PIPE_BUF bytes. A file takes any amount. */
static size_t
piece_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? OUTLET_ROOM_BYTES : PIPE_BUF;
}

void
outlet_init(struct outlet *outlet, struct loop *loop, int fd, loop_fn *on_room, void *arg)
{
	*outlet = (struct outlet){
		.loop = loop, .fd = fd, .piece = piece_of(fd), .on_room = on_room, .arg = arg};
	later_init(&outlet->flush, loop, on_outlet_flush, outlet);
}

void
outlet_release(struct outlet *outlet)
{
	watch_stop(&outlet->watch);
	later_release(&outlet->flush);
	buffer_release(&outlet->pending);
}

static bool
takes_more(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};

	return poll(&poll_fd, 1, 0) == 1;
}

static void
break_off(struct outlet *outlet, int why)
{
	outlet->failed = why;
	buffer_release(&outlet->pending);
}

static void
write_pending(struct outlet *outlet)
{
	size_t len;
	ssize_t n;

	while (outlet->pending.len > 0 && takes_more(outlet->fd)) {
		len = outlet->pending.len < outlet->piece ? outlet->pending.len : outlet->piece;
		n = write(outlet->fd, outlet->pending.data, len);
		if (n >= 0)
			buffer_consume(&outlet->pending, (size_t)n);
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			break_off(outlet, errno);
	}
}

static void
on_outlet_writable(void *arg, unsigned events)
{
	(void)events;
	on_outlet_flush(arg);
}

static void
on_outlet_flush(void *arg)
{
	struct outlet *outlet = arg;
	struct err ignored = ERR_INIT;

	write_pending(outlet);
	if (outlet->pending.len == 0)
		watch_stop(&outlet->watch);
	else if (!watch_is_on(&outlet->watch) &&
		 watch_start(&outlet->watch, outlet->loop, outlet->fd, WATCH_WRITE,
			     on_outlet_writable, outlet, &ignored) < 0)
		break_off(outlet, EIO); /* neither writable nor can be waited for */
	if (outlet->was_full && outlet->pending.len <= OUTLET_ROOM_BYTES) {
		outlet->was_full = false;
		if (outlet->on_room != NULL)
			outlet->on_room(outlet->arg);
	}
	if (outlet->pending.len == 0)
		loop_stop(outlet->loop); /* outlet_finish() may wait */
}

void
outlet_put(struct outlet *outlet, const void *bytes, size_t len)
{
	if (outlet->failed != 0 || len == 0)
		return;
	buffer_putn(&outlet->pending, bytes, len);
	if (outlet->pending.len > OUTLET_FULL_BYTES)
		outlet->was_full = true;
	later_want(&outlet->flush);
}

bool
outlet_is_full(const struct outlet *outlet)
{
	return outlet->was_full;
}

bool
outlet_is_empty(const struct outlet *outlet)
{
	return outlet->pending.len == 0;
}

bool
outlet_has_failed(const struct outlet *outlet, struct err *err)
{
	if (outlet->failed != 0 && outlet->failed != EPIPE) {
		errno = outlet->failed;
		(void)!err_sys(err, "cannot write to standard output");
	}
	return outlet->failed != 0;
}

void
outlet_finish(struct outlet *outlet, const bool *stop)
{
	while (!outlet_is_empty(outlet) && !*stop)
		loop_run(outlet->loop);
}
