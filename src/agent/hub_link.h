/*
 * hub_link.h - the one connection to the hub, and what every request on it carries.
 *
 * hub_link_new() -> hub_post() any number of times -> hub_link_free(). A request
 * carries the agent's id, the protocol's version and a bearer token; its answer is
 * read here, so that a callback gets either a JSON document or an error whose code
 * says what to do. Nothing is sent while the connection is down: senders look at
 * hub_link_is_up() and are called by on_up. An outage is one warning, its end one
 * line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_HUB_LINK_H
#define AGENT_HUB_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/id.h"

struct buffer;
struct err;
struct hub_link;
struct hub_request;
struct iovec;
struct json;
struct loop;
struct tls_context;

/* What is asked of a hub. */
#define HUB_POSTS(X)                                          \
	X(CLAIM, claim, "/api/v3/runner/claim")               \
	X(UNCLAIM, unclaim, "/api/v3/runner/unclaim")         \
	X(HEARTBEAT, heartbeat, "/api/v3/runner/heartbeat")   \
	X(EVENTS, events, "/api/v3/runner/events")            \
	X(OUTPUT, output, "/api/v3/runner/output")            \
	X(CONTINUE, continue, "/api/v2/pipeline/continue")    \
	X(IDENTITY, identity, "/api/v3/runner/oidc")          \
	X(BLOBS, blobs, "/api/v3/runner/blobs")               \
	X(TESTS, tests, "/api/v3/runner/tests")               \
	X(TIMINGS, timings, "/api/v3/runner/tests/timings")   \
	X(FAILED_TESTS, failed_tests, "/api/v3/runner/tests/failed") \
	X(SESSION, session, "/api/v3/runner/sessions")

#define X(NAME, name, path) HUB_POST_##NAME,
enum hub_post_kind { HUB_POSTS(X) HUB_POST_COUNT };
#undef X

extern const char *const hub_post_names[HUB_POST_COUNT];

struct hub_link_settings {
	const char *url;	       /* borrowed */
	const struct tls_context *tls; /* for https://; NULL: the system's store. Borrowed */
	const char *proxy;	       /* NULL: none; borrowed */
	const char *bind_address;      /* NULL: any; borrowed */
	const char *name;	       /* of this agent, for people; borrowed */
	struct id agent;
	void (*on_up)(void *arg); /* requests can be sent now */
	void (*on_down)(void *arg); /* not any more, or a try was in vain */
	void *arg;
};

/* Begins to connect. Fails: ERR_INPUT (url), ERR_HOST. */
int hub_link_new(struct hub_link **out, struct loop *loop, const struct hub_link_settings *settings,
		 struct err *err);
/* Forgets every request (no done). NULL is fine. */
void hub_link_free(struct hub_link *link);

bool hub_link_is_up(const struct hub_link *link);
/* Since when it is down, in loop_now_us(); 0 when it is up. */
uint64_t hub_link_down_since_us(const struct hub_link *link);
/* What the last try to connect came to; "" when it is up or none has ended. */
const char *hub_link_down_why(const struct hub_link *link);
/* "unix:/run/hub.sock": for logs. */
const char *hub_link_text(const struct hub_link *link);

/* What was sent since the start, and what was tried in vain. */
struct hub_link_counters {
	uint64_t connects;
	struct {
		uint64_t requests, failures, body_bytes;
	} kinds[HUB_POST_COUNT];
};

struct hub_link_counters hub_link_counters(const struct hub_link *link);

/* Bearer token of requests that name none; copied. */
void hub_link_set_token(struct hub_link *link, const char *token);

/* Is it down? Then try to connect now, not when the wait is over. */
void hub_link_hurry(struct hub_link *link);

/* {"id", "name", "version", "os", "arch", "slots"}: the member "agent" of a claim; of others just
 * the id. */
struct json *hub_link_identity(const struct hub_link *link, unsigned slots);
struct json *hub_link_identity_short(const struct hub_link *link);

struct hub_answer {
	int status;		 /* 0 when there was no answer */
	uint64_t retry_after_ms; /* 0: the hub did not say */
	const struct json *json; /* NULL for an empty body; borrowed for the call */
};

/*
 * The end of a request, once. err NULL: a status of 2xx. Else err->code is ERR_AGAIN (send it again
 * later: no connection, no time, 429, 5xx) or ERR_INPUT (the hub refuses it: answer->status says
 * how).
 */
typedef void hub_done_fn(void *arg, const struct err *err, const struct hub_answer *answer);

/* Bytes of a streamed body: http_call_body_fn. */
typedef ssize_t hub_body_fn(void *arg, void *room, size_t room_len, bool *end, struct err *err);
/* The same out of a pipe: http_call_splice_fn. */
typedef size_t hub_splice_fn(void *arg, int into, size_t len, bool *end);
/* Bytes of a reply's body, in order. */
typedef void hub_data_fn(void *arg, const void *bytes, size_t len);

struct hub_post {
	enum hub_post_kind kind;
	const char *method;	  /* NULL: POST */
	const char *path;	  /* NULL: the kind's */
	const char *token;	  /* NULL: the link's */
	const char *content_type; /* NULL: application/json */
	struct buffer *body; /* taken: empty when hub_post() returns, also where it fails; or */
	const struct iovec *pieces; /* its pieces: borrowed, the array too, until done or cancel */
	size_t pieces_len;	    /* bytes of them together */
	hub_body_fn *body_read; /* a streamed body instead, which lets all else go before it, */
	bool is_prompt;		/* unless a person waits for each of its bytes */
	hub_splice_fn *body_splice; /* with it; NULL: there is no pipe */
	hub_data_fn *on_data;	/* takes the body of a 2xx, which is no JSON then */
	void *stream_arg;
	uint64_t from; /* of what is asked for, from that byte on */
	uint64_t timeout_ms;
};

/*
 * Send a request. Calls: done once, from the loop, never after hub_request_cancel().
 * Fails: ERR_AGAIN when the connection is down; ERR_LIMIT.
 */
int hub_post(struct hub_request **out, struct hub_link *link, const struct hub_post *post,
	     hub_done_fn *done, void *arg, struct err *err);
/* body_read has more to give. */
void hub_request_body_want(struct hub_request *request);
/* Back-pressure: no on_data until resume. */
void hub_request_pause(struct hub_request *request);
void hub_request_resume(struct hub_request *request);
/* Reset and forget; NULL is fine. */
void hub_request_cancel(struct hub_request *request);

/* A JSON document as the body of a post; takes json. */
void hub_body(struct buffer *body, struct json *json);

#endif
