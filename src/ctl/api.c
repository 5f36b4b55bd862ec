/*
 * api.c - a hub as the commands see it: questions and answers in JSON, and streams.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/api.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/args.h"
#include "ctl/login.h"
#include "format/json.h"
#include "http/tls.h"
#include "http/url.h"
#include "loop/loop.h"

enum { API_TIMEOUT_MS = 120 * 1000, API_REFUSAL_MAX_BYTES = 64 * 1024 };

struct api {
	struct loop *loop;
	bool owns_loop;
	struct http_client *client;
	struct tls_context *tls;
	char *token;
	char *url;
};

/* --- where the hub is and who we are ------------------------------------------------ */

/* NULL: nobody says. */
static const char *
named_url(void)
{
	const char *url = globals()->hub;

	if (url == NULL)
		url = getenv("RUNNER_HUB");
	if (url == NULL || url[0] == '\0')
		url = getenv("CIRCLE_HOST");
	return url != NULL && url[0] != '\0' ? url : NULL;
}

bool
api_is_named(void)
{
	return named_url() != NULL;
}

static const char *
hub_url(struct err *err)
{
	const char *url = named_url();

	if (url != NULL)
		return url;
	if (err_set(err, ERR_HOST, "no hub is named") < 0)
		err_hint(err, "give --hub URL or set RUNNER_HUB; 'runnerctl run' needs no hub");
	return NULL;
}

int
api_read_token(char **out, const char *file, struct err *err)
{
	LOCAL_FD opened = -1;
	char room[API_TOKEN_MAX_BYTES + 1];
	int fd = STDIN_FILENO;
	size_t len = 0;
	ssize_t n;

	if (!text_eq(file, "-")) {
		fd = opened = open(file, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return err_sys(err, "cannot open token file '%s'", file);
	}
	while (len < sizeof(room) - 1 && (n = read(fd, room + len, sizeof(room) - 1 - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read token file '%s'", file);
		len += (size_t)n;
	}
	room[len] = '\0';
	room[strcspn(room, "\r\n")] = '\0';
	if (room[0] == '\0' || len == sizeof(room) - 1)
		return err_set(err, ERR_HOST,
			       "token file '%s' must hold one token in its first line", file);
	*out = mem_strdup(room);
	return 0;
}

/* For the hub of that URL. */
static int
find_token(char **out, const char *url, struct err *err)
{
	const char *token = getenv("CIRCLE_TOKEN");

	if (globals()->token_file != NULL)
		return api_read_token(out, globals()->token_file, err);
	if (token != NULL && token[0] != '\0') {
		*out = mem_strdup(token);
		return 0;
	}
	if (login_read(out, url, err) < 0)
		return err->code;
	if (*out != NULL)
		return 0;
	err->code = err_set(err, ERR_HOST, "no token is given");
	return err_hint(err,
			"give --token-file FILE, set CIRCLE_TOKEN, or keep one: runnerctl login");
}

static int
connect_anew(struct api *api, struct err *err)
{
	struct http_client_options options = {.url = api->url,
					      .tls = api->tls,
					      .give_up = true,
					      .user_agent = "runnerctl/" RUNNER_VERSION};

	return http_client_new(&api->client, api->loop, &options, err);
}

int
api_renew(struct api *api, struct err *err)
{
	http_client_free(api->client);
	api->client = NULL;
	return connect_anew(api, err);
}

static int
api_new(struct api **out, struct loop *loop, const char *url, char *token,
	const struct tls_client_options *trust, struct err *err)
{
	struct api *api = MEM_NEW(struct api);

	api->loop = loop;
	api->token = token;
	api->url = mem_strdup(url);
	if (trust->cacert != NULL || trust->fingerprint != NULL) {
		if (tls_client_new(&api->tls, trust, err) < 0)
			goto failed;
	}
	if (connect_anew(api, err) < 0)
		goto failed;
	*out = api;
	return 0;

failed:
	api_close(api);
	return err->code;
}

int
api_open_at(struct api **out, struct loop *loop, const char *url, const char *token,
	    struct err *err)
{
	static const struct tls_client_options no_trust;

	return api_new(out, loop, url, mem_strdup(token), &no_trust, err);
}

int
api_open(struct api **out, struct err *err)
{
	return api_open_as(out, NULL, err);
}

/* A token goes over no network in clear text. */
static int
check_url(const char *text, struct err *err)
{
	struct url url;

	if (url_parse(&url, text, err) < 0)
		return err->code;
	if (url.scheme != URL_HTTP || url_is_local(&url))
		return 0;
	err->code = err_set(err, ERR_HOST, "plain HTTP is for loopback addresses only");
	return err_hint(err, "give https://");
}

int
api_open_as(struct api **out, const char *own, struct err *err)
{
	struct tls_client_options trust = {.cacert = globals()->cacert,
					   .fingerprint = globals()->hub_fingerprint};
	const char *url = hub_url(err);
	LOCAL_FREE char *full = NULL;
	struct loop *loop;
	char *token;

	if (url == NULL)
		return err->code;
	/* CIRCLE_HOST may be a bare host name, as CircleCI's own tools take it. */
	full = strchr(url, ':') == NULL ? mem_printf("https://%s", url) : mem_strdup(url);
	if (check_url(full, err) < 0)
		return err_wrap(err, "hub '%s'", full);
	if (own != NULL)
		token = mem_strdup(own);
	else if (find_token(&token, full, err) < 0)
		return err->code;
	if (loop_new(&loop, err) < 0) {
		free(token);
		return err->code;
	}
	if (api_new(out, loop, full, token, &trust, err) < 0) {
		loop_free(loop);
		return err_wrap(err, "hub '%s'", full);
	}
	(*out)->owns_loop = true;
	return 0;
}

const char *
api_url(const struct api *api)
{
	return api->url;
}

void
api_close(struct api *api)
{
	if (api == NULL)
		return;
	http_client_free(api->client);
	tls_free(api->tls);
	if (api->owns_loop)
		loop_free(api->loop);
	free(api->token);
	free(api->url);
	free(api);
}

struct loop *
api_loop(const struct api *api)
{
	return api->loop;
}

char *
api_path(const char *fmt, ...)
{
	struct buffer path = BUFFER_INIT;
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt != '\0'; fmt++) {
		if (fmt[0] == '%' && fmt[1] == 's')
			url_encode(&path, va_arg(ap, const char *));
		else if (fmt[0] == '%' && fmt[1] == 'p')
			buffer_puts(&path, va_arg(ap, const char *));
		else
			buffer_putn(&path, fmt, 1);
		if (fmt[0] == '%')
			fmt++;
	}
	va_end(ap);
	return buffer_take_text(&path);
}

/* --- what a reply means -------------------------------------------------------------- */

static int
code_of_status(int status)
{
	switch (status) {
	case 401:
	case 403:
		return ERR_HOST;
	case 404:
	case 409:
	case 410:
		return ERR_GONE;
	case 429:
		return ERR_AGAIN;
	default:
		return status < 500 ? ERR_INPUT : ERR_AGAIN;
	}
}

static const char *
hint_of_status(int status)
{
	if (status == 401)
		return "the hub does not know this token: runnerctl token create makes one";
	if (status == 403)
		return "this token does not reach that: ask for one that does";
	return NULL;
}

int
api_judge(int status, const char *body, size_t len, struct err *err)
{
	static char hint[256]; /* err->hint is static text; the last refusal's is the one that is
				  shown */
	struct err ignored = ERR_INIT;
	struct json *json = NULL;
	const char *message, *said;
	int rc;

	if (status < 400)
		return 0;
	(void)json_parse(&json, body, len, &ignored);
	message = json_get_str(json, "message");
	said = json_get_str(json, "hint");
	rc = message != NULL ? err_set(err, code_of_status(status), "%s", message)
			     : err_set(err, code_of_status(status),
				       "the hub answered with status %d", status);
	if (said != NULL) {
		(void)snprintf(hint, sizeof(hint), "%s", said);
		err_hint(err, hint);
	} else {
		err_hint(err, hint_of_status(status));
	}
	json_free(json);
	return rc;
}

/* --- question and answer ------------------------------------------------------------- */

struct question {
	struct loop *loop;
	struct http_call *call;
	bool done;
	int rc;
	struct json **out;
	struct err *err;
};

static void
on_answer(void *arg, const struct err *err, const struct http_reply *reply)
{
	struct question *question = arg;
	struct err ignored = ERR_INIT;

	question->call = NULL;
	question->done = true;
	loop_stop(question->loop);
	if (err != NULL) {
		*question->err = *err;
		question->rc = err->code;
		return;
	}
	question->rc = api_judge(reply->status, reply->body, reply->len, question->err);
	if (question->out == NULL || reply->len == 0)
		return;
	if (question->rc < 0)
		(void)json_parse(question->out, reply->body, reply->len, &ignored);
	else if (json_parse(question->out, reply->body, reply->len, question->err) < 0)
		question->rc = err_wrap(question->err, "reading the hub's answer");
}

int
api_call(struct api *api, const char *method, const char *path, const struct json *body,
	 struct json **out, struct err *err)
{
	struct question question = {.loop = api->loop, .out = out, .err = err};
	struct buffer text = BUFFER_INIT;
	struct http_header headers[] = {{"circle-token", api->token},
					{"accept", "application/json"},
					{"content-type", "application/json"}};
	struct http_call_spec spec = {.method = method,
				      .path = path,
				      .headers = headers,
				      .header_count = body != NULL ? 3 : 2,
				      .timeout_ms = API_TIMEOUT_MS,
				      .wait = true};

	if (out != NULL)
		*out = NULL;
	if (body != NULL) {
		json_write(&text, body);
		spec.body = text.data;
		spec.body_len = text.len;
	}
	question.rc =
		http_call_start(&question.call, api->client, &spec, on_answer, &question, err);
	if (question.rc == 0)
		while (!question.done)
			loop_run(api->loop);
	buffer_release(&text);
	return question.rc;
}

int
api_get(struct api *api, const char *path, struct json **out, struct err *err)
{
	return api_call(api, "GET", path, NULL, out, err);
}

/* --- streams ------------------------------------------------------------------------- */

static void
on_stream_head(void *arg, const struct http_reply *reply)
{
	struct api_stream *stream = arg;

	stream->status = reply->status;
}

static void
on_stream_data(void *arg, const void *bytes, size_t len)
{
	struct api_stream *stream = arg;

	if (stream->status < 400) {
		stream->on_data(stream->arg, bytes, len);
		return;
	}
	if (len > API_REFUSAL_MAX_BYTES - stream->refusal_len)
		len = API_REFUSAL_MAX_BYTES - stream->refusal_len;
	stream->refusal = mem_resize(stream->refusal, stream->refusal_len + len + 1, 1);
	memcpy(stream->refusal + stream->refusal_len, bytes, len);
	stream->refusal_len += len;
}

static void
on_stream_done(void *arg, const struct err *err, const struct http_reply *reply)
{
	struct api_stream *stream = arg;
	struct err own = ERR_INIT;

	stream->call = NULL;
	if (err == NULL && api_judge(reply->status, stream->refusal, stream->refusal_len, &own) < 0)
		err = &own;
	free(stream->refusal);
	stream->refusal = NULL;
	stream->refusal_len = 0;
	stream->on_ended(stream->arg, err);
}

int
api_stream_start(struct api_stream *stream, struct api *api, const char *path, const char *accept,
		 api_data_fn *on_data, api_ended_fn *on_ended, void *arg, struct err *err)
{
	struct http_header headers[] = {{"circle-token", api->token},
					{"accept", accept != NULL ? accept : "application/json"}};
	struct http_call_spec spec = {.path = path,
				      .headers = headers,
				      .header_count = 2,
				      .on_head = on_stream_head,
				      .on_data = on_stream_data,
				      .stream_arg = stream,
				      .wait = true};

	memset(stream, 0, sizeof(*stream));
	stream->on_data = on_data;
	stream->on_ended = on_ended;
	stream->arg = arg;
	return http_call_start(&stream->call, api->client, &spec, on_stream_done, stream, err);
}

int
api_stream_part(struct api_stream *stream, struct api *api, const char *path, uint64_t from, const char *etag,
		api_data_fn *on_data, api_ended_fn *on_ended, void *arg, struct err *err)
{
	char range[40];
	struct http_header headers[] = {
		{"circle-token", api->token}, {"accept", "*/*"}, {"range", range}, {"if-range", etag}};
	struct http_call_spec spec = {.path = path,
				      .headers = headers,
				      .header_count = from > 0 ? 4 : 2,
				      .on_head = on_stream_head,
				      .on_data = on_stream_data,
				      .stream_arg = stream,
				      .wait = true};

	(void)snprintf(range, sizeof(range), "bytes=%llu-", (unsigned long long)from);
	memset(stream, 0, sizeof(*stream));
	stream->on_data = on_data;
	stream->on_ended = on_ended;
	stream->arg = arg;
	return http_call_start(&stream->call, api->client, &spec, on_stream_done, stream, err);
}

static ssize_t
on_stream_body(void *arg, void *room, size_t room_len, bool *end, struct err *err)
{
	struct api_stream *stream = arg;

	return stream->body(stream->arg, room, room_len, end, err);
}

int
api_stream_exchange(struct api_stream *stream, struct api *api, const char *path, const char *type,
		    http_call_body_fn *body, api_data_fn *on_data, api_ended_fn *on_ended, void *arg,
		    struct err *err)
{
	struct http_header headers[] = {
		{"circle-token", api->token}, {"accept", type}, {"content-type", type}};
	struct http_call_spec spec = {.method = "POST",
				      .path = path,
				      .headers = headers,
				      .header_count = 3,
				      .body_read = on_stream_body,
				      .on_head = on_stream_head,
				      .on_data = on_stream_data,
				      .stream_arg = stream,
				      .wait = true};

	memset(stream, 0, sizeof(*stream));
	stream->body = body;
	stream->on_data = on_data;
	stream->on_ended = on_ended;
	stream->arg = arg;
	return http_call_start(&stream->call, api->client, &spec, on_stream_done, stream, err);
}

void
api_stream_body_want(struct api_stream *stream)
{
	if (stream->call != NULL)
		http_call_body_want(stream->call);
}

void
api_stream_stop(struct api_stream *stream)
{
	http_call_cancel(stream->call);
	stream->call = NULL;
	free(stream->refusal);
	stream->refusal = NULL;
	stream->refusal_len = 0;
}

void
api_stream_pause(struct api_stream *stream)
{
	if (stream->call != NULL)
		http_call_pause(stream->call);
}

void
api_stream_resume(struct api_stream *stream)
{
	if (stream->call != NULL)
		http_call_resume(stream->call);
}
