/*
 * lookout.c - what can be seen of the agent from outside.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/lookout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/metrics.h"
#include "agent/state_view.h"
#include "agent/uplink.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "format/openmetrics.h"
#include "http/h1.h"
#include "http/listener.h"
#include "http/server.h"
#include "runner/state_dir.h"

enum { LOOKOUT_MAGIC = 0x6c6f6f6b, STATE_CLIENTS_MOST = 32, ADDRESS_BYTES = 160 };

struct lookout {
	uint32_t magic;
	struct lookout_sight sight;
	struct http_server *state;
	struct h1_server *metrics; /* NULL: not asked for */
};

/* --- scrapers ------------------------------------------------------------------------------- */

static void
put_health(struct lookout *lookout, struct h1_reply *reply)
{
	(void)lookout;
	buffer_puts(&reply->body, "ok\n"); /* the loop turns: who asks hears us */
}

static void
put_readiness(struct lookout *lookout, struct h1_reply *reply)
{
	char room[HINDRANCE_WHY_BYTES];

	if (uplink_why_not_ready(lookout->sight.uplink, room) == NULL) {
		buffer_puts(&reply->body, "ok\n");
		return;
	}
	reply->status = 503;
	buffer_printf(&reply->body, "not ready: %s\n", room);
}

static void
put_metrics(struct lookout *lookout, struct h1_reply *reply)
{
	reply->content_type = OPENMETRICS_TYPE;
	metrics_write(&lookout->sight, &reply->body);
}

static const struct {
	const char *path;
	void (*put)(struct lookout *lookout, struct h1_reply *reply);
} pages[] = {
	{"/metrics", put_metrics},
	{"/healthz", put_health},
	{"/readyz", put_readiness},
};

static void
on_scrape(void *arg, const char *path, struct h1_reply *reply)
{
	struct lookout *lookout = arg;
	size_t i;

	OBJ_CHECK(lookout, LOOKOUT_MAGIC);
	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (text_eq(path, pages[i].path)) {
			pages[i].put(lookout, reply);
			return;
		}
	}
	reply->status = 404;
	buffer_puts(&reply->body, "there are /metrics, /healthz and /readyz here\n");
}

/* --- runnerctl top -------------------------------------------------------------------------- */

static void
on_state_request(void *arg, struct http_request *req)
{
	struct lookout *lookout = arg;
	struct buffer body = BUFFER_INIT;
	struct json *view;
	size_t len;

	OBJ_CHECK(lookout, LOOKOUT_MAGIC);
	if (!text_eq(http_request_method(req), "GET") ||
	    !text_eq(http_request_path(req), "/state")) {
		http_reply_message(req, 404, "there is GET /state here");
		return;
	}
	view = state_view_make(&lookout->sight);
	json_write(&body, view);
	json_free(view);
	len = body.len;
	http_reply_take(req, 200, "application/json", buffer_take_text(&body), len);
}

/* By way of the directory's descriptor: its path may be longer than a socket's may be. */
static int
serve_state(struct lookout *lookout, int run_dir_fd, struct err *err)
{
	struct http_server_options options = {.handler = on_state_request,
					      .arg = lookout,
					      .body_max_bytes = 1024,
					      .connections_max = STATE_CLIENTS_MOST};
	struct listener *listener;
	char address[ADDRESS_BYTES];

	(void)snprintf(address, sizeof(address), "unix:/proc/self/fd/%d/" STATE_SOCKET_NAME,
		       run_dir_fd);
	/* The directory's lock is ours: a child that a killed runnerd was just starting may have the
	 * old one open for a moment. */
	(void)unlinkat(run_dir_fd, STATE_SOCKET_NAME, 0);
	if (listener_open(&listener, address, err) < 0)
		return err_wrap(err, "the run directory's socket");
	if (http_server_new(&lookout->state, lookout->sight.loop, &options, err) < 0) {
		listener_free(listener);
		return err->code;
	}
	return http_server_listen(lookout->state, listener, NULL, err);
}

/* --- life ------------------------------------------------------------------------------------ */

int
lookout_new(struct lookout **out, const struct lookout_sight *sight, int run_dir_fd,
	    const char *metrics, struct err *err)
{
	struct lookout *lookout = MEM_NEW(struct lookout);

	lookout->magic = LOOKOUT_MAGIC;
	lookout->sight = *sight;
	if (serve_state(lookout, run_dir_fd, err) < 0 ||
	    (metrics != NULL && h1_server_open(&lookout->metrics, lookout->sight.loop, metrics,
					       on_scrape, lookout, err) < 0)) {
		lookout_free(lookout);
		return err->code;
	}
	*out = lookout;
	return 0;
}

void
lookout_free(struct lookout *lookout)
{
	if (lookout == NULL)
		return;
	OBJ_CHECK(lookout, LOOKOUT_MAGIC);
	http_server_free(lookout->state);
	h1_server_free(lookout->metrics);
	OBJ_WIPE(lookout);
	free(lookout);
}
