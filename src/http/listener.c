/*
 * listener.c - a socket that waits for clients.
 *
 * A stale socket file is found by connecting to it: refused means nobody listens. The
 * file is bound under a umask that leaves it to its owner alone from the first moment.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/loop.h"

enum { LISTENER_MAGIC = 0x4c535452, ACCEPT_PER_TURN = 64, PAUSE_MS = 1000 };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

struct listener {
	uint32_t magic;
	int fd;
	union address address;
	socklen_t address_len;
	char text[LISTENER_TEXT_BYTES];
	dev_t dev; /* of the socket file we made: another's is not removed */
	ino_t ino;
	struct watch watch;
	struct timer pause; /* no descriptors left: accept again a little later */
	listener_accept_fn *fn;
	void *arg;
};

/* --- the address --- */

static int
refuse(struct err *err, const char *text)
{
	(void)!err_set(err, ERR_INPUT, "'%.120s' is no address to listen on", text);
	return err_hint(
		err,
		"give unix:PATH, ADDRESS:PORT with a numeric address, localhost:PORT or *:PORT");
}

static int
parse_unix(struct listener *listener, const char *path, struct err *err)
{
	struct sockaddr_un *local = &listener->address.local;
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(local->sun_path))
		return err_set(err, ERR_LIMIT, "socket path '%.120s' must have 1 to %zu bytes",
			       path, sizeof(local->sun_path) - 1);
	local->sun_family = AF_UNIX;
	memcpy(local->sun_path, path, len + 1);
	listener->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	return 0;
}

/* Of both kinds where the kernel has both. */
static const char *
every_address(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno == EAFNOSUPPORT ? "0.0.0.0" : "::";
	(void)close(fd);
	return "::";
}

static int
parse_tcp(struct listener *listener, const char *text, struct err *err)
{
	const char *colon = strrchr(text, ':');
	struct err number = ERR_INIT;
	char host[64];
	uint64_t port;
	size_t len;

	if (colon == NULL || text_parse_u64(colon + 1, 65535, &port, &number) < 0)
		return refuse(err, text);
	len = (size_t)(colon - text);
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(host))
		return refuse(err, text);
	memcpy(host, text, len);
	host[len] = '\0';
	if (strcmp(host, "localhost") == 0)
		(void)snprintf(host, sizeof(host), "127.0.0.1");
	if (strcmp(host, "*") == 0)
		(void)snprintf(host, sizeof(host), "%s", every_address());
	if (inet_pton(AF_INET, host, &listener->address.v4.sin_addr) == 1) {
		listener->address.v4.sin_family = AF_INET;
		listener->address.v4.sin_port = htons((uint16_t)port);
		listener->address_len = sizeof(listener->address.v4);
	} else if (inet_pton(AF_INET6, host, &listener->address.v6.sin6_addr) == 1) {
		listener->address.v6.sin6_family = AF_INET6;
		listener->address.v6.sin6_port = htons((uint16_t)port);
		listener->address_len = sizeof(listener->address.v6);
	} else {
		return refuse(err, text);
	}
	return 0;
}

/* --- binding --- */

/* Remove a socket file whose server is gone; anything else there stays and bind() will say so. */
static int
remove_stale(const struct listener *listener, struct err *err)
{
	const char *path = listener->address.local.sun_path;
	struct stat st;
	int fd, rc;

	if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return 0;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, "cannot make a socket");
	rc = connect(fd, &listener->address.any, listener->address_len);
	if (rc < 0 && errno == ECONNREFUSED) {
		rc = unlink(path);
		(void)close(fd);
		return rc < 0 && errno != ENOENT ? err_sys(err, "cannot remove '%s'", path) : 0;
	}
	(void)close(fd);
	return err_set(err, ERR_HOST, "cannot listen on 'unix:%s': another process listens there",
		       path);
}

static int
bind_unix(struct listener *listener, const char *text, struct err *err)
{
	mode_t mask;
	struct stat st;
	int rc;

	if (remove_stale(listener, err) < 0)
		return err->code;
	mask = umask(0177);
	rc = bind(listener->fd, &listener->address.any, listener->address_len);
	(void)umask(mask);
	if (rc < 0)
		return err_sys(err, "cannot listen on '%s'", text);
	if (lstat(listener->address.local.sun_path, &st) == 0) {
		listener->dev = st.st_dev;
		listener->ino = st.st_ino;
	}
	(void)snprintf(listener->text, sizeof(listener->text), "%s", text);
	return 0;
}

static int
bind_tcp(struct listener *listener, const char *text, struct err *err)
{
	char host[INET6_ADDRSTRLEN];
	int on = 1, off = 0;

	(void)setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (listener->address.any.sa_family == AF_INET6)
		(void)setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(listener->fd, &listener->address.any, listener->address_len) < 0)
		return err_sys(err, "cannot listen on '%s'", text);
	listener->address_len = sizeof(listener->address);
	if (getsockname(listener->fd, &listener->address.any, &listener->address_len) < 0)
		return err_sys(err, "cannot learn the port of '%s'", text);
	if (listener->address.any.sa_family == AF_INET)
		(void)inet_ntop(AF_INET, &listener->address.v4.sin_addr, host, sizeof(host));
	else
		(void)inet_ntop(AF_INET6, &listener->address.v6.sin6_addr, host, sizeof(host));
	(void)snprintf(listener->text, sizeof(listener->text),
		       listener->address.any.sa_family == AF_INET ? "%s:%u" : "[%s]:%u", host,
		       (unsigned)listener_port(listener));
	return 0;
}

int
listener_open(struct listener **out, const char *address, struct err *err)
{
	struct listener *listener = MEM_NEW(struct listener);
	bool local = text_starts(address, "unix:");

	listener->magic = LISTENER_MAGIC;
	listener->fd = -1;
	if ((local ? parse_unix(listener, address + strlen("unix:"), err)
		   : parse_tcp(listener, address, err)) < 0)
		goto fail;
	listener->fd = socket(listener->address.any.sa_family,
			      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0) {
		(void)!err_sys(err, "cannot make a socket for '%s'", address);
		goto fail;
	}
	if ((local ? bind_unix(listener, address, err) : bind_tcp(listener, address, err)) < 0)
		goto fail;
	if (listen(listener->fd, LISTENER_BACKLOG) < 0) {
		(void)!err_sys(err, "cannot listen on '%s'", address);
		goto fail;
	}
	*out = listener;
	return 0;

fail:
	listener_free(listener);
	return err->code;
}

static void
remove_file(const struct listener *listener)
{
	struct stat st;

	if (listener->ino != 0 && lstat(listener->address.local.sun_path, &st) == 0 &&
	    st.st_dev == listener->dev && st.st_ino == listener->ino)
		(void)unlink(listener->address.local.sun_path);
}

void
listener_free(struct listener *listener)
{
	if (listener == NULL)
		return;
	OBJ_CHECK(listener, LISTENER_MAGIC);
	listener_stop(listener);
	remove_file(listener);
	if (listener->fd >= 0)
		(void)close(listener->fd);
	OBJ_WIPE(listener);
	free(listener);
}

/* --- questions --- */

bool
listener_is_unix(const struct listener *listener)
{
	return listener->address.any.sa_family == AF_UNIX;
}

bool
listener_is_public(const struct listener *listener)
{
	if (listener_is_unix(listener))
		return false;
	if (listener->address.any.sa_family == AF_INET)
		return (ntohl(listener->address.v4.sin_addr.s_addr) >> 24) != 127;
	return !IN6_IS_ADDR_LOOPBACK(&listener->address.v6.sin6_addr);
}

uint16_t
listener_port(const struct listener *listener)
{
	switch (listener->address.any.sa_family) {
	case AF_INET:
		return ntohs(listener->address.v4.sin_port);
	case AF_INET6:
		return ntohs(listener->address.v6.sin6_port);
	default:
		return 0;
	}
}

const char *
listener_text(const struct listener *listener)
{
	return listener->text;
}

int
listener_fd(const struct listener *listener)
{
	return listener->fd;
}

/* --- accepting --- */

static void
pause_accepting(struct listener *listener)
{
	log_warn("cannot accept on %s: %s; trying again in %d ms", listener->text, strerror(errno),
		 PAUSE_MS);
	watch_want(&listener->watch, 0);
	timer_start_ms(&listener->pause, PAUSE_MS);
}

static void
on_listener_pause(void *arg)
{
	struct listener *listener = arg;

	OBJ_CHECK(listener, LISTENER_MAGIC);
	watch_want(&listener->watch, WATCH_READ);
}

static void
on_listener_ready(void *arg, unsigned events)
{
	struct listener *listener = arg;
	int i, fd;

	(void)events;
	OBJ_CHECK(listener, LISTENER_MAGIC);
	for (i = 0; i < ACCEPT_PER_TURN && watch_is_on(&listener->watch); i++) {
		fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			listener->fn(listener->arg, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			pause_accepting(listener);
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

int
listener_start(struct listener *listener, struct loop *loop, listener_accept_fn *fn, void *arg,
	       struct err *err)
{
	listener->fn = fn;
	listener->arg = arg;
	if (watch_start(&listener->watch, loop, listener->fd, WATCH_READ, on_listener_ready,
			listener, err) < 0)
		return err->code;
	timer_init(&listener->pause, loop, on_listener_pause, listener);
	return 0;
}

void
listener_stop(struct listener *listener)
{
	watch_stop(&listener->watch);
	timer_release(&listener->pause);
}
