/*
 * client.c - one HTTP/2 connection to one server, kept up.
 *
 * resting (retry timer) -> dialing (dial, tunnel) -> coming up (link without "up") -> up. Any
 * failure leads to client_down(), the one place that decides about the next attempt.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/assert.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/client_private.h"
#include "http/dial.h"
#include "http/tls.h"
#include "http/tunnel.h"

/* A connection that lived so long, or brought so much across, starts the backoff anew. */
enum { STEADY_US = 5 * 1000 * 1000, STEADY_BYTES = 256 * 1024 };

static void client_connect(void *arg);

/* --- going down --- */

/* Half of the delay is certain, half is chance: agents of a hub that restarts do not come all at
 * once. */
static uint64_t
next_delay(struct http_client *client)
{
	uint64_t most = client->options.backoff_most_ms;
	uint64_t delay = client->backoff_ms;
	struct id id;

	client->backoff_ms = delay * 2 < most ? delay * 2 : most;
	id_random(&id);
	return delay / 2 + (((uint64_t)id.bytes[0] << 8 | id.bytes[1]) * (delay / 2)) / 65535;
}

/*
 * A line that is cut every few seconds, or every few MB, is worth to be taken up again at once:
 * what it carries is kept. A server that takes connections and drops them is not.
 */
static void
judge_link(const struct http_link *link)
{
	struct http_client *client = link->client;

	if (!link->up)
		return;
	if (loop_now_us(client->loop) - link->up_since_us >= STEADY_US ||
	    h2_moved_bytes(link->h2) >= STEADY_BYTES)
		client->backoff_ms = HTTP_BACKOFF_FIRST_MS;
}

/* The last thing a caller does: on_down may free the client. */
static void
client_down(struct http_client *client, const struct err *err)
{
	uint64_t delay_ms = 0;

	client->last = *err;
	if (client->options.give_up) {
		client->gave_up = true;
		calls_fail_waiting(client, true, err);
	} else {
		delay_ms = next_delay(client);
		if (!client->draining)
			timer_start_ms(&client->retry, delay_ms);
		calls_fail_waiting(client, false, err);
	}
	later_want(&client->turn);
	if (client->options.on_down != NULL)
		client->options.on_down(client->options.arg, &client->last, delay_ms);
}

static void
link_free(struct http_link *link)
{
	struct http_client *client = link->client;

	if (client->current == link)
		client->current = NULL;
	else
		DL_DELETE(client->leaving, link);
	h2_free(link->h2);
	timer_release(&link->timer);
	OBJ_WIPE(link);
	free(link);
}

static void
link_lost(struct http_link *link, struct err *err)
{
	struct http_client *client = link->client;
	bool was_current = client->current == link;

	if (link->up)
		(void)!err_wrap(err, "the connection to '%s' was lost", client->name);
	else
		(void)!err_wrap(err, "cannot reach '%s'", client->name);
	calls_fail_link(link, err);
	if (was_current)
		judge_link(link);
	link_free(link);
	if (was_current)
		client_down(client, err);
	else
		later_want(&client->turn);
}

/* --- events of a connection --- */

static void
on_link_end(void *arg, const struct err *cause)
{
	struct http_link *link = arg;
	struct err err = ERR_INIT;

	OBJ_CHECK(link, LINK_MAGIC);
	if (cause != NULL)
		err = *cause;
	else
		(void)!err_set(&err, ERR_AGAIN, "it was closed in order");
	link_lost(link, &err);
}

static void
on_link_open(void *arg)
{
	struct http_link *link = arg;
	struct http_client *client = link->client;

	OBJ_CHECK(link, LINK_MAGIC);
	link->up = true;
	link->up_since_us = loop_now_us(client->loop);
	timer_start_ms(&link->timer, client->options.ping_ms);
	later_want(&client->turn);
	log_debug("http: connected to %s", client->name);
	if (client->options.on_up != NULL)
		client->options.on_up(client->options.arg);
}

/* The server takes no new streams here. What is open may end; the next connection is begun
 * meanwhile. */
static void
on_link_goaway(void *arg, uint32_t code)
{
	struct http_link *link = arg;
	struct http_client *client = link->client;
	struct err err = ERR_INIT;

	OBJ_CHECK(link, LINK_MAGIC);
	if (client->current != link)
		return;
	judge_link(link);
	client->current = NULL;
	DL_APPEND(client->leaving, link);
	(void)!err_set(&err, ERR_AGAIN,
		       code == NGHTTP2_NO_ERROR ? "'%s' is shutting down"
						: "'%s' closes the connection: %s",
		       client->name, nghttp2_http2_strerror(code));
	client_down(client, &err);
}

static void
on_link_pong(void *arg)
{
	struct http_link *link = arg;

	OBJ_CHECK(link, LINK_MAGIC);
	link->ping_us = 0;
	timer_start_ms(&link->timer, link->client->options.ping_ms);
}

static void
on_link_timer(void *arg)
{
	struct http_link *link = arg;
	const struct http_client_options *options = &link->client->options;
	uint64_t now_us, heard_us;
	struct err err = ERR_INIT;

	OBJ_CHECK(link, LINK_MAGIC);
	if (!link->up) {
		(void)!err_set(&err, ERR_AGAIN, "no HTTP/2 answer within %u ms",
			       (unsigned)options->connect_ms);
		link_lost(link, &err);
		return;
	}
	now_us = loop_now_us(link->client->loop);
	heard_us = h2_heard_us(link->h2);
	if (link->ping_us != 0 && heard_us <= link->ping_us) {
		(void)!err_set(&err, ERR_AGAIN, "no answer to a PING within %u ms",
			       (unsigned)options->pong_ms);
		link_lost(link, &err);
		return;
	}
	link->ping_us = 0;
	if (link->count == 0 && now_us - heard_us < (uint64_t)options->ping_ms * 1000) {
		timer_start_us(&link->timer,
			       (uint64_t)options->ping_ms * 1000 - (now_us - heard_us));
		return;
	}
	link->ping_us = now_us;
	h2_ping(link->h2);
	timer_start_ms(&link->timer, options->pong_ms);
}

void
link_left(struct http_link *link)
{
	/* A connection that saw GOAWAY ends by itself; h2 looks when it has a turn. */
	if (link->client->current != link)
		h2_want(link->h2);
}

static const struct h2_events link_events = {
	.on_open = on_link_open,
	.on_goaway = on_link_goaway,
	.on_pong = on_link_pong,
	.on_end = on_link_end,
	.on_header = call_on_header,
	.on_headers = call_on_headers,
	.on_data = call_on_data,
	.on_message = call_on_message,
	.on_close = call_on_close,
};

/* --- coming up --- */

static int
link_start(struct http_client *client, int fd, struct err *err)
{
	struct http_link *link = MEM_NEW(struct http_link);
	struct h2_config config = {
		.fd = fd,
		.tls = client->url.scheme == URL_HTTPS ? client->tls : NULL,
		.host = client->url.host,
		.events = &link_events,
		.arg = link,
	};

	link->magic = LINK_MAGIC;
	link->client = client;
	if (h2_new(&link->h2, client->loop, &config, err) < 0) {
		free(link);
		return err_wrap(err, "cannot reach '%s'", client->name);
	}
	timer_init(&link->timer, client->loop, on_link_timer, link);
	timer_start_ms(&link->timer, client->options.connect_ms);
	client->current = link;
	return 0;
}

static void
on_tunneled(void *arg, const struct err *cause, int fd)
{
	struct http_client *client = arg;
	struct err err = ERR_INIT;

	OBJ_CHECK(client, CLIENT_MAGIC);
	client->tunnel = NULL;
	if (cause != NULL) {
		err = *cause;
		(void)!err_wrap(&err, "cannot reach '%s'", client->name);
		client_down(client, &err);
	} else if (link_start(client, fd, &err) < 0) {
		client_down(client, &err);
	}
}

static void
on_dialed(void *arg, const struct err *cause, int fd)
{
	struct http_client *client = arg;
	struct err err = ERR_INIT;
	char room[URL_MAX_BYTES];

	OBJ_CHECK(client, CLIENT_MAGIC);
	client->dial = NULL;
	if (cause != NULL) {
		err = *cause;
		if (client->has_proxy)
			(void)!err_wrap(&err, "proxy '%s'", url_text(room, &client->proxy));
		(void)!err_wrap(&err, "cannot reach '%s'", client->name);
		client_down(client, &err);
	} else if (!client->has_proxy) {
		if (link_start(client, fd, &err) < 0)
			client_down(client, &err);
	} else if (tunnel_start(&client->tunnel, client->loop, fd, &client->url,
				client->options.connect_ms, on_tunneled, client, &err) < 0) {
		client_down(client, &err);
	}
}

/* Fails: ERR_INPUT when the address to connect from is none. */
static int
dial_again(struct http_client *client, struct err *err)
{
	return dial_start(&client->dial, client->loop,
			  client->has_proxy ? &client->proxy : &client->url, client->bind_address,
			  client->options.connect_ms, on_dialed, client, err);
}

static void
client_connect(void *arg)
{
	struct http_client *client = arg;
	struct err err = ERR_INIT;

	OBJ_CHECK(client, CLIENT_MAGIC);
	if (client->dial != NULL || client->tunnel != NULL || client->current != NULL ||
	    client->gave_up || client->draining)
		return;
	if (dial_again(client, &err) < 0)
		client_down(client, &err);
}

static void
client_wipe(struct http_client *client)
{
	OBJ_WIPE(client);
	free(client);
}

static void
finish_drain(struct http_client *client)
{
	void (*on_drained)(void *arg) = client->on_drained;

	if (!client->draining || client->calls > 0)
		return;
	if (client->current != NULL && client->current->up) {
		struct http_link *link = client->current;

		client->current = NULL;
		DL_APPEND(client->leaving, link);
		h2_shutdown(link->h2);
	}
	if (client->leaving != NULL)
		return;
	client->on_drained = NULL;
	if (on_drained != NULL)
		on_drained(client->drain_arg);
}

static void
on_client_turn(void *arg)
{
	struct http_client *client = arg;

	OBJ_CHECK(client, CLIENT_MAGIC);
	client->busy++;
	calls_submit(client);
	calls_deliver(client);
	calls_tell(client);
	if (!client->freed)
		finish_drain(client);
	client->busy--;
	if (client->freed)
		client_wipe(client);
}

/* --- life --- */

static int
prepare_tls(struct http_client *client, struct err *err)
{
	struct tls_client_options none = {NULL, NULL, NULL, NULL};

	client->tls = client->options.tls;
	if (client->url.scheme != URL_HTTPS || client->tls != NULL)
		return 0;
	if (tls_client_new(&client->own_tls, &none, err) < 0)
		return err->code;
	client->tls = client->own_tls;
	return 0;
}

/* A Unix socket is reached directly, whatever the proxy. */
static int
prepare_proxy(struct http_client *client, struct err *err)
{
	const char *proxy = client->options.proxy;

	if (proxy == NULL || client->url.scheme == URL_UNIX)
		return 0;
	if (url_parse(&client->proxy, proxy, err) < 0)
		return err_wrap(err, "the proxy's address");
	if (client->proxy.scheme != URL_HTTP || client->proxy.path[0] != '\0')
		return err_set(err, ERR_INPUT,
			       "a proxy's address is http://HOST:PORT, not '%.200s'", proxy);
	client->has_proxy = true;
	return 0;
}

static void
take_options(struct http_client *client, const struct http_client_options *options)
{
	const char *agent = options->user_agent;

	client->options = *options;
	if (client->options.ping_ms == 0)
		client->options.ping_ms = HTTP_PING_MS;
	if (client->options.pong_ms == 0)
		client->options.pong_ms = HTTP_PONG_MS;
	if (client->options.connect_ms == 0)
		client->options.connect_ms = HTTP_CONNECT_MS;
	if (client->options.backoff_most_ms == 0)
		client->options.backoff_most_ms = HTTP_BACKOFF_MOST_MS;
	client->backoff_ms = HTTP_BACKOFF_FIRST_MS;
	client->user_agent = mem_strdup(agent != NULL ? agent : "runner/" RUNNER_VERSION);
	if (options->bind_address != NULL)
		client->bind_address = mem_strdup(options->bind_address);
}

int
http_client_new(struct http_client **out, struct loop *loop,
		const struct http_client_options *options, struct err *err)
{
	struct http_client *client = MEM_NEW(struct http_client);

	client->magic = CLIENT_MAGIC;
	client->loop = loop;
	take_options(client, options);
	if (url_parse(&client->url, options->url, err) < 0 ||
	    http_header_check("user-agent", client->user_agent, err) < 0 ||
	    prepare_tls(client, err) < 0 || prepare_proxy(client, err) < 0)
		goto fail;
	(void)url_text(client->name, &client->url);
	(void)url_authority(client->authority, &client->url);
	(void)!err_set(&client->last, ERR_AGAIN, "not connected to '%s' yet", client->name);
	later_init(&client->turn, loop, on_client_turn, client);
	timer_init(&client->retry, loop, client_connect, client);
	if (dial_again(client, err) < 0)
		goto fail;
	*out = client;
	return 0;

fail:
	http_client_free(client);
	return err->code;
}

void
http_client_free(struct http_client *client)
{
	if (client == NULL)
		return;
	OBJ_CHECK(client, CLIENT_MAGIC);
	calls_forget(client->waiting);
	calls_forget(client->finished);
	while (client->leaving != NULL || client->current != NULL) {
		struct http_link *link =
			client->current != NULL ? client->current : client->leaving;

		calls_forget(link->calls);
		link_free(link);
	}
	dial_cancel(client->dial);
	tunnel_cancel(client->tunnel);
	later_release(&client->turn);
	timer_release(&client->retry);
	tls_free(client->own_tls);
	free(client->bind_address);
	free(client->user_agent);
	client->freed = true;
	if (client->busy == 0)
		client_wipe(client);
}

void
http_client_drain(struct http_client *client, void (*on_closed)(void *arg), void *arg)
{
	struct err err = ERR_INIT;

	OBJ_CHECK(client, CLIENT_MAGIC);
	client->draining = true;
	client->on_drained = on_closed;
	client->drain_arg = arg;
	timer_stop(&client->retry);
	if (!http_client_is_up(client)) {
		(void)!err_set(&err, ERR_AGAIN, "the connection to '%s' is being closed",
			       client->name);
		calls_fail_waiting(client, true, &err);
	}
	later_want(&client->turn);
}

bool
http_client_is_up(const struct http_client *client)
{
	return client->current != NULL && client->current->up;
}

size_t
http_client_calls(const struct http_client *client)
{
	return client->calls;
}

void
http_client_hurry(struct http_client *client)
{
	OBJ_CHECK(client, CLIENT_MAGIC);
	client->backoff_ms = HTTP_BACKOFF_FIRST_MS;
	if (timer_is_on(&client->retry))
		timer_start_us(&client->retry, 0);
}
