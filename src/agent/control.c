/*
 * control.c - the socket at which processes of jobs ask for something (runner/control.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/packet.h"

#define CONTROL_PLACE CONTROL_DIR_NAME "/" CONTROL_SOCKET_NAME

enum {
	PEERS_MOST = 256,
	HELD_MOST = 192, /* of these; others have room to ask */
	ACCEPTS_A_TURN = 8,
	BACKLOG = 128,
	HOLD_LOOK_MS = 1000,
};

struct peer {
	struct control *control;
	struct watch watch;
	int fd; /* -1: free */
	uint64_t number;
	uint64_t held_us; /* since when its answer is; 0: it has not asked yet */
};

struct control {
	struct loop *loop;
	control_fn *fn;
	void *arg;
	char *dir, *path;
	int fd;
	struct watch watch;
	struct peer peers[PEERS_MOST];
	uint64_t count; /* of all that ever came */
	size_t held;
	struct timer look; /* at those that are held */
	unsigned char request[CONTROL_REQUEST_MOST_BYTES + 1];
};

void
control_refuse(struct control_reply *reply, const char *sentence)
{
	(void)snprintf(reply->text, sizeof(reply->text), "no %.1200s", sentence);
}

static void
drop(struct peer *peer)
{
	watch_stop(&peer->watch);
	if (peer->fd >= 0)
		(void)close(peer->fd);
	peer->fd = -1;
	if (peer->held_us != 0)
		peer->control->held--;
	peer->held_us = 0;
}

int
control_send(int socket, const char *text, int fd)
{
	const struct iovec piece = {(void *)(uintptr_t)text, strlen(text)};

	return packet_send(socket, &piece, &fd, fd >= 0 ? 1 : 0, MSG_DONTWAIT) < 0 ? -1 : 0;
}

static void
hold(struct peer *peer)
{
	struct control *control = peer->control;

	peer->held_us = loop_now_us(control->loop);
	control->held++;
	if (!timer_is_on(&control->look))
		timer_start_ms(&control->look, HOLD_LOOK_MS);
}

/* Who has waited long asks again: so it knows that we are there. */
static void
on_look(void *arg)
{
	static const struct control_reply wait = {.text = "wait", .fd = -1};
	struct control *control = arg;
	uint64_t now = loop_now_us(control->loop);
	size_t i;

	for (i = 0; i < PEERS_MOST; i++) {
		struct peer *peer = &control->peers[i];

		if (peer->held_us == 0 ||
		    now - peer->held_us < CONTROL_HOLD_MS * UINT64_C(1000))
			continue;
		(void)control_send(peer->fd, wait.text, wait.fd);
		drop(peer);
	}
	if (control->held > 0)
		timer_start_ms(&control->look, HOLD_LOOK_MS);
}

bool
control_answer(const struct control_ticket *ticket, const struct control_reply *reply)
{
	struct control *control = ticket->control;
	size_t i;

	for (i = 0; control != NULL && i < PEERS_MOST; i++) {
		struct peer *peer = &control->peers[i];

		if (peer->held_us == 0 || peer->number != ticket->peer)
			continue;
		(void)control_send(peer->fd, reply->text, reply->fd);
		drop(peer);
		if (reply->fd >= 0)
			(void)close(reply->fd);
		return true;
	}
	return false;
}

/* request[0..len) is a verb, a newline and a value; fd came along, or is -1. */
static void
answer(struct peer *peer, size_t len, int fd)
{
	struct control *control = peer->control;
	unsigned char *newline = memchr(control->request, '\n', len);
	struct control_reply reply = {.text = "no this is no request", .fd = -1};
	struct ucred who;
	socklen_t size = sizeof(who);

	if (newline != NULL && getsockopt(peer->fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0) {
		struct control_request request = {.pid = who.pid,
						  .uid = who.uid,
						  .verb = (const char *)control->request,
						  .value = newline + 1,
						  .fd = fd};

		*newline = '\0';
		request.len = len - (size_t)(request.value - control->request);
		if (control->held < HELD_MOST)
			request.ticket = (struct control_ticket){control, peer->number};
		control->fn(control->arg, &request, &reply);
	}
	if (reply.is_held) {
		hold(peer);
		return;
	}
	(void)control_send(peer->fd, reply.text, reply.fd);
	if (reply.fd >= 0)
		(void)close(reply.fd);
}

static void
on_peer(void *arg, unsigned events)
{
	struct peer *peer = arg;
	struct packet packet;
	ssize_t n = packet_receive(&packet, peer->fd, peer->control->request,
				   sizeof(peer->control->request), MSG_DONTWAIT);
	int fd = packet_take_only(&packet);
	bool was_held = peer->held_us != 0;

	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	/* One that is held has nothing more to ask. */
	if (n > 0 && !was_held)
		answer(peer, (size_t)n, fd);
	if (fd >= 0)
		(void)close(fd);
	if (was_held || peer->held_us == 0)
		drop(peer);
}

/* A free place, or that of the one that has been silent longest; not all are held. */
static struct peer *
find_place(struct control *control)
{
	struct peer *oldest = NULL;
	size_t i;

	for (i = 0; i < PEERS_MOST; i++) {
		struct peer *peer = &control->peers[i];

		if (peer->fd < 0)
			return peer;
		if (peer->held_us == 0 && (oldest == NULL || peer->number < oldest->number))
			oldest = peer;
	}
	drop(oldest);
	return oldest;
}

static void
on_listener(void *arg, unsigned events)
{
	struct control *control = arg;
	struct err err = ERR_INIT;
	struct peer *peer;
	int i, fd;

	(void)events;
	for (i = 0; i < ACCEPTS_A_TURN; i++) {
		fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		peer = find_place(control);
		peer->fd = fd;
		peer->number = ++control->count;
		if (watch_start(&peer->watch, control->loop, fd, WATCH_READ, on_peer, peer, &err) <
		    0) {
			log_warn("%s", err.text);
			drop(peer);
		}
	}
}

static int
bind_in(int fd, int dir_fd, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	/* However long the directory's path is. */
	(void)snprintf(address.sun_path, sizeof(address.sun_path),
		       "/proc/self/fd/%d/" CONTROL_PLACE, dir_fd);
	if (mkdirat(dir_fd, CONTROL_DIR_NAME, 0711) != 0 && errno != EEXIST)
		return err_sys(err, "cannot make the control socket's directory");
	(void)unlink(address.sun_path);
	/* Whoever runs as a job's user may connect: descent decides who is heard. */
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(address.sun_path, 0666) != 0 || listen(fd, BACKLOG) != 0)
		return err_sys(err, "cannot make the control socket");
	/* Where tasks of an earlier runnerd look for it. */
	(void)unlinkat(dir_fd, CONTROL_SOCKET_NAME, 0);
	(void)symlinkat(CONTROL_PLACE, dir_fd, CONTROL_SOCKET_NAME);
	return 0;
}

int
control_new(struct control **out, struct loop *loop, const char *dir, int dir_fd, control_fn *fn,
	    void *arg, struct err *err)
{
	struct control *control = MEM_NEW(struct control);
	size_t i;
	int rc;

	for (i = 0; i < PEERS_MOST; i++)
		control->peers[i] = (struct peer){.control = control, .fd = -1};
	control->loop = loop;
	control->fn = fn;
	control->arg = arg;
	timer_init(&control->look, loop, on_look, control);
	control->dir = mem_printf("%s/" CONTROL_DIR_NAME, dir);
	control->path = mem_printf("%s/" CONTROL_PLACE, dir);
	control->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	rc = control->fd < 0 ? err_sys(err, "cannot make the control socket")
			     : bind_in(control->fd, dir_fd, err);
	if (rc == 0)
		rc = watch_start(&control->watch, loop, control->fd, WATCH_READ, on_listener,
				 control, err);
	if (rc < 0) {
		control_free(control);
		return rc;
	}
	*out = control;
	return 0;
}

void
control_free(struct control *control)
{
	size_t i;

	if (control == NULL)
		return;
	for (i = 0; i < PEERS_MOST; i++)
		drop(&control->peers[i]);
	timer_release(&control->look);
	watch_stop(&control->watch);
	if (control->fd >= 0)
		(void)close(control->fd);
	(void)unlink(control->path);
	free(control->path);
	free(control->dir);
	free(control);
}

const char *
control_dir(const struct control *control)
{
	return control->dir;
}

const char *
control_path(const struct control *control)
{
	return control->path;
}

int
control_map_sealed(const struct control_request *request, size_t most, void **out, size_t *len,
		   struct err *err)
{
	const int wanted = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	int seals = fcntl(request->fd, F_GET_SEALS);
	struct stat st;

	*out = NULL;
	*len = 0;
	if (seals < 0 || (seals & wanted) != wanted || fstat(request->fd, &st) != 0)
		return err_set(err, ERR_INPUT, "what is sent comes in a sealed memfd");
	if ((uint64_t)st.st_size > most)
		return err_set(err, ERR_LIMIT, "what is sent is larger than %zu bytes", most);
	if (st.st_size == 0)
		return 0;
	*out = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, request->fd, 0);
	if (*out == MAP_FAILED) {
		*out = NULL;
		return err_sys(err, "cannot read what is sent");
	}
	*len = (size_t)st.st_size;
	return 0;
}
