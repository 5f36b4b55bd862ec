/*
 * router.h - which request goes to which function, and what every function is given.
 *
 * One row a route, in tables that end with a row whose method is NULL; api/routes.c
 * lists the tables. The router checks method, path and token before a handler runs.
 *
 * A handler gets a call and must end it, now or later, with exactly one of the
 * call_reply_*() functions (or, streaming, call_stream_end()). When the client goes away first the call lives on until
 * then and the reply goes nowhere, so a handler that waits for the store needs no care; one
 * that holds a request open sets call_on_close() and ends the call there by call_drop().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_ROUTER_H
#define HUB_API_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"

struct buffer;
struct err;
struct http_request;
struct http_peer;
struct hub;
struct json;
struct store_op;
struct token;

enum { ROUTE_VARS_MOST = 6 };

enum route_who {
	WHO_ANYONE,
	WHO_AGENT,  /* a resource class token: call->token */
	WHO_TASK,   /* a task token that is valid for its present lease: call->task */
	WHO_PERSON, /* a personal token: call->token, call_login() */
	WHO_BROWSER, /* likewise; a browser is told to ask for it */
};

struct call {
	uint32_t magic;
	struct hub *hub;
	struct http_request *request;	 /* NULL once the client has gone */
	const struct route *route;
	char *vars[ROUTE_VARS_MOST]; /* values of {names} in the pattern, decoded, in their order; owned */
	const struct token *token;	 /* valid in the handler only */
	char login[200];		 /* of the person; "" otherwise */
	struct id task;			 /* WHO_TASK */
	uint32_t task_epoch;
	void *user;			 /* the handler's own */
	void (*on_close)(struct call *call);
	void (*on_drain)(struct call *call);
};

typedef void route_fn(struct call *call);

/*
 * pattern: parts between '/', each literal or "{name}"; "{slug}" takes a project slug, written as one part with %2F or as
 * three parts; "{name...}", the last, takes one part and all behind it. The first row that fits wins.
 */
struct route {
	const char *method;
	const char *pattern;
	enum route_who who;
	route_fn *handle;
};

/* The tables; a table ends with a row whose method is NULL. */
extern const struct route agent_routes[];
extern const struct route blob_routes[], blob_get_routes[];
/* Their bodies are streamed: a handler is called when the head is there, and takes what follows as it comes. */
extern const struct route blob_bytes_routes[], session_routes[];
extern const struct route *const route_tables[]; /* ends with NULL: api/routes.c */

/* The server's handler; arg is the struct hub. */
void router_handle(void *arg, struct http_request *request);
/* Its http_streams_fn. */
bool router_streams(void *arg, struct http_request *request);

/* --- what a handler asks ---------------------------------------------------------------- */

/* Parse the body as JSON; it must be an object (an empty body counts as {}). Fails: ERR_INPUT. The caller frees *out. */
int call_body(struct call *call, struct json **out, struct err *err);
const char *call_query(struct call *call, const char *name); /* NULL when absent */
/* As an id. False (and the reply is sent: 404) when it is none. */
bool call_var_id(struct call *call, size_t idx, struct id *out);
const struct http_peer *call_peer(struct call *call); /* while the client is there */

/* --- the reply: each ends the call -------------------------------------------------------- */

/* Frees json. */
void call_reply_json(struct call *call, int status, struct json *json);
void call_reply_empty(struct call *call, int status);
/* {"message": ...} */
void call_reply_message(struct call *call, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The status that fits err->code (input 400, gone 410, limit 413, again 503, host 500) with its text and hint. */
void call_reply_err(struct call *call, const struct err *err);
void call_reply_bytes(struct call *call, int status, const char *type, const void *bytes, size_t len);
/* The same after everything so far is durable: the reply waits for the commit. Frees json. */
void call_reply_json_after_commit(struct call *call, int status, struct json *json);
void call_reply_empty_after_commit(struct call *call, int status);

/* --- held and streamed ---------------------------------------------------------------------- */

/* fn runs when the client goes away before the reply; it must end the call by call_drop(), now or later. */
void call_on_close(struct call *call, void (*fn)(struct call *call));
void call_drop(struct call *call);

/* Streaming is http/server.h's; the call stays to the end of it. write returns false when the client has gone. */
void call_stream_start(struct call *call, int status, const char *type);
bool call_stream_write(struct call *call, const void *bytes, size_t len);
size_t call_stream_queued(const struct call *call);
void call_stream_on_drain(struct call *call, void (*fn)(struct call *call));
void call_stream_end(struct call *call);
void call_stream_abort(struct call *call); /* the client sees that it is incomplete */

#endif
