/*
 * api.h - a hub as the commands see it: questions and answers in JSON, and streams.
 *
 * api_open() or api_open_at() -> api_get(), api_call(), api_stream_*() -> api_close().
 * A question runs the loop until its answer is there, so code reads from top to
 * bottom; watches, timers and children of the caller are served meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_API_H
#define CTL_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/client.h"

struct api;
struct buffer;
struct err;
struct json;
struct loop;

enum { API_TOKEN_MAX_BYTES = 4096 };

/* Some option or variable names a hub. */
bool api_is_named(void);

/* The token in the first line of file ('-' is standard input); the caller frees. Fails: ERR_HOST.
 */
int api_read_token(char **out, const char *file, struct err *err);

/* To the hub of the global options and the environment, with a loop of its own. Fails: ERR_INPUT,
 * ERR_HOST with a hint. */
int api_open(struct api **out, struct err *err);
/* The same with a token of one's own; NULL: as api_open(). It is copied. */
int api_open_as(struct api **out, const char *token, struct err *err);
/* The URL that it goes to. */
const char *api_url(const struct api *api);
/* To that hub with that token; both are copied. */
int api_open_at(struct api **out, struct loop *loop, const char *url, const char *token,
		struct err *err);
void api_close(struct api *api); /* NULL is fine */
struct loop *api_loop(const struct api *api);

/*
 * After its connection was lost: connect again. No question or stream may be under way. Fails as
 * api_open(); it may be tried again.
 */
int api_renew(struct api *api, struct err *err);

/*
 * Ask and wait. body NULL: none. *out (may be NULL when nothing is asked for) is the caller's; it
 * is NULL for an answer without a body. Fails: ERR_INPUT (the hub says the request is wrong; *out
 * may hold its answer all the same), ERR_GONE (no such thing, or not in a state for this), ERR_HOST
 * (token refused), ERR_AGAIN (not reached, or not now).
 */
int api_call(struct api *api, const char *method, const char *path, const struct json *body,
	     struct json **out, struct err *err);
int api_get(struct api *api, const char *path, struct json **out, struct err *err);

/*
 * A path from pieces: each "%s" in fmt takes a string, percent-encoded; each "%p" one as it is. The
 * caller frees.
 */
char *api_path(const char *fmt, ...);

/* A reply that comes bit by bit. ended(arg, NULL) at its end; a status of 400 or above is an error.
 */
typedef void api_data_fn(void *arg, const void *bytes, size_t len);
typedef void api_ended_fn(void *arg, const struct err *err);

struct api_stream {
	struct http_call *call; /* NULL: none under way */
	http_call_body_fn *body; /* of an exchange */
	api_data_fn *on_data;
	api_ended_fn *on_ended;
	void *arg;
	int status;
	char *refusal; /* the body of a refusal, as far as it has come */
	size_t refusal_len;
};

/* accept NULL: JSON lines. */
int
api_stream_start(struct api_stream *stream, struct api *api, const char *path, const char *accept,
		 api_data_fn *on_data, api_ended_fn *on_ended, void *arg, struct err *err);
/* The bytes from there on of something that has that entity tag. */
int api_stream_part(struct api_stream *stream, struct api *api, const char *path, uint64_t from, const char *etag,
		    api_data_fn *on_data, api_ended_fn *on_ended, void *arg, struct err *err);
/*
 * A POST whose body is given bit by bit while its reply comes: body is called with arg, and again after
 * api_stream_body_want() when it had nothing.
 */
int api_stream_exchange(struct api_stream *stream, struct api *api, const char *path, const char *type,
			http_call_body_fn *body, api_data_fn *on_data, api_ended_fn *on_ended,
			void *arg, struct err *err);
void api_stream_body_want(struct api_stream *stream);
/* on_ended does not run any more. A zeroed struct is fine. */
void api_stream_stop(struct api_stream *stream);
void api_stream_pause(struct api_stream *stream);
void api_stream_resume(struct api_stream *stream);

/* What a reply of that status and body comes to: 0 below 400. */
int api_judge(int status, const char *body, size_t len, struct err *err);

#endif
