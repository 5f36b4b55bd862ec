/*
 * dial.c - from a URL to a connected descriptor, without blocking.
 *
 * resolving -> connecting to one address after the other -> done. Everything begins in
 * a callback of the loop, so that done() never runs inside dial_start().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "http/transport.h"
#include "http/url.h"
#include "loop/loop.h"

enum { DIAL_MAGIC = 0x4449414c };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

struct dial {
	uint32_t magic;
	struct loop *loop;
	struct url url;
	union address from; /* sa_family AF_UNSPEC: any */
	dial_done_fn *done;
	void *arg;
	struct later begin;
	struct timer deadline;
	struct watch watch; /* of the connecting descriptor */
	int fd;
	struct evdns_base *dns;
	struct evdns_getaddrinfo_request *request;
	bool canceled; /* while evdns still owes us its callback */
	union address addresses[DIAL_ADDRESSES_MAX];
	size_t count;
	size_t next;
	struct err last; /* why the address before did not work */
};

static void try_next(struct dial *dial);

/* No callback to the caller any more, no descriptor. */
static void
dial_stop(struct dial *dial)
{
	later_stop(&dial->begin);
	timer_release(&dial->deadline);
	watch_stop(&dial->watch);
	if (dial->fd >= 0)
		(void)close(dial->fd);
	dial->fd = -1;
}

static void
dial_free(struct dial *dial)
{
	if (dial->dns != NULL)
		evdns_base_free(dial->dns, 0);
	later_release(&dial->begin);
	OBJ_WIPE(dial);
	free(dial);
}

/* evdns calls back even for a canceled request, later: the memory stays until after that. */
static void
dial_end(struct dial *dial)
{
	dial_stop(dial);
	if (dial->request != NULL) {
		dial->canceled = true;
		evdns_getaddrinfo_cancel(dial->request);
		return;
	}
	dial_free(dial);
}

static void
dial_finish(struct dial *dial, const struct err *err)
{
	dial_done_fn *done = dial->done;
	void *arg = dial->arg;
	struct err copy = ERR_INIT;
	int fd = -1;

	if (err != NULL) {
		copy = *err;
	} else {
		fd = dial->fd;
		dial->fd = -1;
	}
	dial_end(dial);
	done(arg, err != NULL ? &copy : NULL, fd);
}

static void
on_dial_deadline(void *arg)
{
	struct dial *dial = arg;
	struct err err = ERR_INIT;

	OBJ_CHECK(dial, DIAL_MAGIC);
	if (dial->request != NULL)
		(void)!err_set(&err, ERR_AGAIN, "no answer from the name servers for '%s'",
			       dial->url.host);
	else
		(void)!err_set(&err, ERR_AGAIN, "no answer in time");
	dial_finish(dial, &err);
}

/* --- connecting --- */

static socklen_t
address_len(const union address *address)
{
	switch (address->any.sa_family) {
	case AF_INET:
		return sizeof(address->v4);
	case AF_INET6:
		return sizeof(address->v6);
	default:
		return sizeof(address->local);
	}
}

/* By errno; returns the code. */
static int
refused(struct err *err)
{
	int sys = errno;

	(void)!err_sys(err, "cannot connect");
	if (sys == ECONNREFUSED || sys == ENOENT)
		(void)err_hint(err, "is the server running, and is this its address?");
	return err->code;
}

static void
on_dial_writable(void *arg, unsigned events)
{
	struct dial *dial = arg;
	int error = 0;
	socklen_t len = sizeof(error);

	(void)events;
	OBJ_CHECK(dial, DIAL_MAGIC);
	if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error == 0) {
		watch_stop(&dial->watch);
		dial_finish(dial, NULL);
		return;
	}
	errno = error;
	(void)!refused(&dial->last);
	try_next(dial);
}

static int
connect_to(struct dial *dial, const union address *address, struct err *err)
{
	int family = address->any.sa_family;

	dial->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (dial->fd < 0)
		return err_sys(err, "cannot make a socket");
	if (family != AF_UNIX) {
		transport_tune_tcp(dial->fd);
		if (dial->from.any.sa_family == family &&
		    bind(dial->fd, &dial->from.any, address_len(&dial->from)) < 0)
			return err_sys(err, "cannot connect from the address to bind to");
	}
	if (connect(dial->fd, &address->any, address_len(address)) < 0 && errno != EINPROGRESS)
		return refused(err);
	return watch_start(&dial->watch, dial->loop, dial->fd, WATCH_WRITE, on_dial_writable, dial,
			   err);
}

static void
try_next(struct dial *dial)
{
	while (dial->next < dial->count) {
		watch_stop(&dial->watch);
		if (dial->fd >= 0)
			(void)close(dial->fd);
		dial->fd = -1;
		if (connect_to(dial, &dial->addresses[dial->next++], &dial->last) == 0)
			return;
	}
	dial_finish(dial, &dial->last);
}

/* --- resolving --- */

static void
add_address(struct dial *dial, const struct evutil_addrinfo *info)
{
	union address *address = &dial->addresses[dial->count];

	if (dial->count == DIAL_ADDRESSES_MAX || info->ai_addrlen > sizeof(*address) ||
	    (info->ai_family != AF_INET && info->ai_family != AF_INET6))
		return;
	if (dial->from.any.sa_family != AF_UNSPEC && dial->from.any.sa_family != info->ai_family)
		return;
	memcpy(address, info->ai_addr, info->ai_addrlen);
	if (info->ai_family == AF_INET)
		address->v4.sin_port = htons(dial->url.port);
	else
		address->v6.sin6_port = htons(dial->url.port);
	dial->count++;
}

static void
explain_name(struct dial *dial, int result)
{
	if (result == 0)
		(void)!err_set(&dial->last, ERR_AGAIN,
			       "the name '%s' has no address of the family to connect from",
			       dial->url.host);
	else if (result == EVUTIL_EAI_NONAME || result == EVUTIL_EAI_NODATA)
		(void)!err_set(
			&dial->last, ERR_AGAIN,
			"the name '%s' is known neither to the name servers nor to /etc/hosts",
			dial->url.host);
	else
		(void)!err_set(&dial->last, ERR_AGAIN, "cannot resolve the name '%s': %s",
			       dial->url.host, evutil_gai_strerror(result));
}

static void
on_dial_addresses(int result, struct evutil_addrinfo *list, void *arg)
{
	struct dial *dial = arg;
	struct evutil_addrinfo *info;

	OBJ_CHECK(dial, DIAL_MAGIC);
	dial->request = NULL;
	for (info = list; info != NULL && !dial->canceled; info = info->ai_next)
		add_address(dial, info);
	if (list != NULL)
		evutil_freeaddrinfo(list);
	if (dial->count == 0 && !dial->canceled)
		explain_name(dial, result);
	/* Not at once: evdns may call back from inside evdns_getaddrinfo(), and must not be freed
	 * from its callback. */
	later_want(&dial->begin);
}

static void
resolve(struct dial *dial)
{
	struct evutil_addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
	struct evdns_getaddrinfo_request *request;

	dial->dns = evdns_base_new(loop_base(dial->loop), EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (dial->dns == NULL) {
		(void)!err_set(&dial->last, ERR_LIMIT, "no memory to resolve '%s'", dial->url.host);
		dial_finish(dial, &dial->last);
		return;
	}
	/* A file that is missing leaves the other's answers; no server at all is the result's
	 * error. */
	(void)evdns_base_resolv_conf_parse(dial->dns, DNS_OPTIONS_ALL & ~DNS_OPTION_HOSTSFILE,
					   "/etc/resolv.conf");
	(void)evdns_base_load_hosts(dial->dns, "/etc/hosts");
	dial->request = NULL;
	request =
		evdns_getaddrinfo(dial->dns, dial->url.host, NULL, &hints, on_dial_addresses, dial);
	if (request != NULL)
		dial->request = request;
}

/* A Unix socket or a numeric address needs no resolving. */
static bool
address_known(struct dial *dial)
{
	union address *address = &dial->addresses[0];

	if (dial->url.scheme == URL_UNIX) {
		address->local.sun_family = AF_UNIX;
		memcpy(address->local.sun_path, dial->url.socket, strlen(dial->url.socket) + 1);
	} else if (inet_pton(AF_INET, dial->url.host, &address->v4.sin_addr) == 1) {
		address->v4.sin_family = AF_INET;
		address->v4.sin_port = htons(dial->url.port);
	} else if (inet_pton(AF_INET6, dial->url.host, &address->v6.sin6_addr) == 1) {
		address->v6.sin6_family = AF_INET6;
		address->v6.sin6_port = htons(dial->url.port);
	} else {
		return false;
	}
	dial->count = 1;
	return true;
}

static void
on_dial_begin(void *arg)
{
	struct dial *dial = arg;

	OBJ_CHECK(dial, DIAL_MAGIC);
	if (dial->canceled)
		dial_free(dial);
	else if (dial->count > 0 || dial->dns != NULL || address_known(dial))
		try_next(dial);
	else
		resolve(dial);
}

static int
set_from(struct dial *dial, const char *text, struct err *err)
{
	dial->from.any.sa_family = AF_UNSPEC;
	if (text == NULL)
		return 0;
	if (inet_pton(AF_INET, text, &dial->from.v4.sin_addr) == 1) {
		dial->from.any.sa_family = AF_INET;
		return 0;
	}
	if (inet_pton(AF_INET6, text, &dial->from.v6.sin6_addr) == 1) {
		dial->from.any.sa_family = AF_INET6;
		return 0;
	}
	return err_set(err, ERR_INPUT, "'%.100s' is no numeric address to connect from", text);
}

int
dial_start(struct dial **out, struct loop *loop, const struct url *url, const char *bind_address,
	   uint64_t timeout_ms, dial_done_fn *done, void *arg, struct err *err)
{
	struct dial *dial = MEM_NEW(struct dial);

	dial->magic = DIAL_MAGIC;
	dial->loop = loop;
	dial->url = *url;
	dial->fd = -1;
	dial->done = done;
	dial->arg = arg;
	if (set_from(dial, bind_address, err) < 0) {
		free(dial);
		return err->code;
	}
	timer_init(&dial->deadline, loop, on_dial_deadline, dial);
	timer_start_ms(&dial->deadline, timeout_ms);
	later_init(&dial->begin, loop, on_dial_begin, dial);
	later_want(&dial->begin);
	*out = dial;
	return 0;
}

void
dial_cancel(struct dial *dial)
{
	if (dial == NULL)
		return;
	OBJ_CHECK(dial, DIAL_MAGIC);
	dial_end(dial);
}
