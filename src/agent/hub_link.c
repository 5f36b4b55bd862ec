/*
 * hub_link.c - the one connection to the hub, and what every request on it carries.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/hub_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "http/client.h"
#include "http/url.h"
#include "loop/loop.h"
#include "runner/protocol.h"

enum {
	LINK_MAGIC = 0x6c696e6b,
	REQUEST_MAGIC = 0x72657175,
	BEARER_BYTES = 1024,
	RETRY_AFTER_MOST_S = 600,
	REFUSAL_MOST_BYTES = 64 << 10,
	FAILURES_TOLD = 2, /* one behind another; a single one is a mishap */
	REASONS_TOLD = 8,  /* of one outage */
};

struct hub_link {
	uint32_t magic;
	struct loop *loop;
	struct http_client *client;
	struct hub_request *requests;
	struct hub_link_settings settings;
	char text[URL_MAX_BYTES];
	char agent_text[ID_TEXT_BYTES];
	char machine[65]; /* of uname(2) */
	char *token;
	uint64_t down_us;	     /* 0: up */
	char down_why[256];	     /* what the last try came to; "": up, or none has ended */
	bool told_slow;		     /* that the tries are as rare as they get */
	uint32_t told[REASONS_TOLD]; /* digests of the reasons told since it is down */
	unsigned told_count;
	unsigned in_row[HUB_POST_COUNT]; /* so many have failed, one behind another */
	unsigned protocol;		 /* of the hub, as last logged; 0: none yet */
	struct hub_link_counters counters;
};

const char *const hub_post_names[HUB_POST_COUNT] = {
#define X(NAME, name, path) [HUB_POST_##NAME] = #name,
	HUB_POSTS(X)
#undef X
};

static const char *const paths[HUB_POST_COUNT] = {
#define X(NAME, name, path) [HUB_POST_##NAME] = (path),
	HUB_POSTS(X)
#undef X
};

struct hub_request {
	uint32_t magic;
	struct hub_link *link;
	enum hub_post_kind kind;
	struct http_call *call;
	struct buffer body;
	hub_body_fn *body_read;
	hub_splice_fn *body_splice;
	hub_data_fn *on_data;
	void *stream_arg;
	int status;	       /* of a streamed reply */
	struct buffer refused; /* the body of one that is no 2xx */
	hub_done_fn *done;
	void *arg;
	struct hub_request *next, **prev;
};

/* --- up and down -------------------------------------------------------------------------- */

static void
on_up(void *arg)
{
	struct hub_link *link = arg;
	char room[24];

	OBJ_CHECK(link, LINK_MAGIC);
	if (link->down_us > 0)
		log_info("connected to the hub at %s again after %s", link->text,
			 text_duration(room, (loop_now_us(link->loop) - link->down_us) / 1000));
	else
		log_info("connected to the hub at %s", link->text);
	link->counters.connects++;
	link->down_us = 0;
	link->down_why[0] = '\0';
	link->told_slow = false;
	link->told_count = 0;
	link->settings.on_up(link->settings.arg);
}

/* Is it one that this outage has not had? One that comes and goes is told once. */
static bool
is_new_reason(struct hub_link *link, const char *text)
{
	uint32_t digest = crc32c(0, text, strlen(text));
	unsigned i;

	for (i = 0; i < link->told_count; i++)
		if (link->told[i] == digest)
			return false;
	if (link->told_count == REASONS_TOLD)
		return false;
	link->told[link->told_count++] = digest;
	return true;
}

/* Said when it begins, when the reason becomes another, and once more when the waits have become
 * long. */
static void
on_down(void *arg, const struct err *err, uint64_t retry_ms)
{
	struct hub_link *link = arg;
	bool is_slow = retry_ms >= HTTP_BACKOFF_MOST_MS / 2;
	bool is_new;
	char room[24];

	OBJ_CHECK(link, LINK_MAGIC);
	(void)snprintf(link->down_why, sizeof(link->down_why), "%.250s", err->text);
	if (retry_ms < 1000)
		(void)snprintf(room, sizeof(room), "%u ms", (unsigned)retry_ms);
	else
		text_duration(room, retry_ms);
	is_new = is_new_reason(link, err->text);
	if (is_new || (is_slow && !link->told_slow))
		log_warn("hub at %s is %saway: %s; tasks go on, next try in %s%s%s%s", link->text,
			 link->down_us > 0 ? "still " : "", err->text, room,
			 is_slow ? ", and so on" : ", then less often",
			 err->hint != NULL ? "; hint: " : "", err->hint != NULL ? err->hint : "");
	link->told_slow = link->told_slow || is_slow;
	if (link->down_us == 0)
		link->down_us = loop_now_us(link->loop);
	link->settings.on_down(link->settings.arg);
}

/* --- life ----------------------------------------------------------------------------------- */

static int
name_hub(struct hub_link *link, struct err *err)
{
	struct url url;

	if (url_parse(&url, link->settings.url, err) < 0)
		return err->code;
	url_text(link->text, &url);
	return 0;
}

int
hub_link_new(struct hub_link **out, struct loop *loop, const struct hub_link_settings *settings,
	     struct err *err)
{
	struct hub_link *link = MEM_NEW(struct hub_link);
	struct http_client_options options = {.url = settings->url,
					      .tls = settings->tls,
					      .proxy = settings->proxy,
					      .bind_address = settings->bind_address,
					      .user_agent = "runnerd/" RUNNER_VERSION,
					      .on_up = on_up,
					      .on_down = on_down,
					      .arg = link};
	struct utsname names;

	link->magic = LINK_MAGIC;
	link->loop = loop;
	link->settings = *settings;
	link->token = mem_strdup("");
	id_text(link->agent_text, &settings->agent);
	if (uname(&names) == 0)
		(void)snprintf(link->machine, sizeof(link->machine), "%s", names.machine);
	if (name_hub(link, err) < 0 || http_client_new(&link->client, loop, &options, err) < 0) {
		free(link->token);
		free(link);
		return err->code;
	}
	*out = link;
	return 0;
}

static void
request_free(struct hub_request *request)
{
	*request->prev = request->next;
	if (request->next != NULL)
		request->next->prev = request->prev;
	buffer_release(&request->body);
	buffer_release(&request->refused);
	OBJ_WIPE(request);
	free(request);
}

void
hub_link_free(struct hub_link *link)
{
	if (link == NULL)
		return;
	OBJ_CHECK(link, LINK_MAGIC);
	http_client_free(link->client);
	while (link->requests != NULL)
		request_free(link->requests);
	free(link->token);
	OBJ_WIPE(link);
	free(link);
}

bool
hub_link_is_up(const struct hub_link *link)
{
	return http_client_is_up(link->client);
}

uint64_t
hub_link_down_since_us(const struct hub_link *link)
{
	return link->down_us;
}

const char *
hub_link_down_why(const struct hub_link *link)
{
	return link->down_why;
}

const char *
hub_link_text(const struct hub_link *link)
{
	return link->text;
}

struct hub_link_counters
hub_link_counters(const struct hub_link *link)
{
	return link->counters;
}

void
hub_link_set_token(struct hub_link *link, const char *token)
{
	free(link->token);
	link->token = mem_strdup(token);
}

void
hub_link_hurry(struct hub_link *link)
{
	http_client_hurry(link->client);
}

struct json *
hub_link_identity_short(const struct hub_link *link)
{
	struct json *agent = json_new_object();

	json_put_str(agent, "id", link->agent_text);
	return agent;
}

struct json *
hub_link_identity(const struct hub_link *link, unsigned slots)
{
	struct json *agent = hub_link_identity_short(link);

	json_put_str(agent, "name", link->settings.name);
	json_put_str(agent, "version", RUNNER_VERSION);
	json_put_str(agent, "os", "linux");
	json_put_str(agent, "arch", link->machine);
	json_put_int(agent, "slots", slots);
	return agent;
}

void
hub_body(struct buffer *body, struct json *json)
{
	json_write(body, json);
	json_free(json);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void
note_protocol(struct hub_link *link, const struct http_reply *reply)
{
	const char *text = http_header_get(reply->headers, reply->header_count, "runner-protocol");
	struct err err = ERR_INIT;
	uint64_t version;

	if (text == NULL || text_parse_u64(text, 1000000, &version, &err) < 0 ||
	    version == link->protocol)
		return;
	link->protocol = (unsigned)version;
	if (version != RUNNER_PROTOCOL)
		log_warn("hub speaks protocol %u, this agent speaks %d: upgrade the older of the "
			 "two",
			 link->protocol, RUNNER_PROTOCOL);
}

static uint64_t
retry_after_ms(const struct http_reply *reply)
{
	const char *text = http_header_get(reply->headers, reply->header_count, "retry-after");
	struct err err = ERR_INIT;
	uint64_t seconds;

	if (text == NULL || text_parse_u64(text, RETRY_AFTER_MOST_S, &seconds, &err) < 0)
		return 0;
	return seconds * 1000;
}

static int
refusal(const struct hub_link *link, int status, const struct json *json, struct err *err)
{
	const char *text = json_get_str(json, "message");
	bool says_why = text != NULL && text[0] != '\0';
	int code = status == 429 || status >= 500 ? ERR_AGAIN : ERR_INPUT;

	return err_set(err, code, "hub at %s answers %d%s%.300s", link->text, status,
		       says_why ? ": " : "", says_why ? text : "");
}

static bool
is_success(int status)
{
	return status >= 200 && status <= 299;
}

static int
read_reply(struct hub_link *link, const struct http_reply *reply, const struct buffer *refused,
	   struct json **json, struct err *err)
{
	struct err bad = ERR_INIT;
	int rc = 0;

	*json = NULL;
	if (reply->len > 0)
		rc = json_parse(json, reply->body, reply->len, &bad);
	else if (refused->len > 0)
		rc = json_parse(json, refused->data, refused->len, &bad);
	if (!is_success(reply->status))
		return refusal(link, reply->status, *json, err);
	if (rc < 0)
		return err_set(err, ERR_AGAIN, "hub at %s answers with what is no JSON: %.300s",
			       link->text, bad.text);
	return 0;
}

/* Of what is sent again and again: told when it is no single mishap, and when it works again. What
 * a lost connection takes with it is on_down()'s to tell, what is refused the sender's. */
static void
note_outcome(struct hub_link *link, enum hub_post_kind kind, const struct err *err)
{
	if (err->code == ERR_INPUT || (err->code != 0 && !hub_link_is_up(link)))
		return;
	if (err->code != 0) {
		if (++link->in_row[kind] == FAILURES_TOLD)
			log_warn("%s: %s; sending again with longer and longer waits",
				 hub_post_names[kind], err->text);
		return;
	}
	if (link->in_row[kind] >= FAILURES_TOLD)
		log_info("%s: the hub at %s takes it again", hub_post_names[kind], link->text);
	link->in_row[kind] = 0;
}

static void
on_reply(void *arg, const struct err *failed, const struct http_reply *reply)
{
	struct hub_request *request = arg;
	struct hub_link *link = request->link;
	struct hub_answer answer = {0, 0, NULL};
	struct err err = ERR_INIT;
	struct json *json = NULL;
	enum hub_post_kind kind = request->kind;
	hub_done_fn *done = request->done;
	void *done_arg = request->arg;

	OBJ_CHECK(request, REQUEST_MAGIC);
	if (failed != NULL) {
		err = *failed;
	} else {
		note_protocol(link, reply);
		answer.status = reply->status;
		answer.retry_after_ms = retry_after_ms(reply);
		(void)read_reply(link, reply, &request->refused, &json, &err);
		answer.json = json;
	}
	request_free(request);
	if (err.code != 0)
		link->counters.kinds[kind].failures++;
	if (kind == HUB_POST_CLAIM || kind == HUB_POST_HEARTBEAT || kind == HUB_POST_EVENTS ||
	    kind == HUB_POST_OUTPUT)
		note_outcome(link, kind, &err);
	done(done_arg, err.code != 0 ? &err : NULL, &answer);
	json_free(json);
}

/* --- requests -----------------------------------------------------------------------------------
 */

static ssize_t
on_body_read(void *arg, void *room, size_t room_len, bool *end, struct err *err)
{
	struct hub_request *request = arg;
	ssize_t n;

	OBJ_CHECK(request, REQUEST_MAGIC);
	n = request->body_read(request->stream_arg, room, room_len, end, err);
	if (n > 0)
		request->link->counters.kinds[request->kind].body_bytes += (uint64_t)n;
	return n;
}

static size_t
on_body_splice(void *arg, int into, size_t len, bool *end)
{
	struct hub_request *request = arg;
	size_t n;

	OBJ_CHECK(request, REQUEST_MAGIC);
	n = request->body_splice(request->stream_arg, into, len, end);
	request->link->counters.kinds[request->kind].body_bytes += n;
	return n;
}

void
hub_request_body_want(struct hub_request *request)
{
	OBJ_CHECK(request, REQUEST_MAGIC);
	http_call_body_want(request->call);
}

static void
on_head(void *arg, const struct http_reply *reply)
{
	struct hub_request *request = arg;

	OBJ_CHECK(request, REQUEST_MAGIC);
	request->status = reply->status;
}

static void
on_data(void *arg, const void *bytes, size_t len)
{
	struct hub_request *request = arg;

	OBJ_CHECK(request, REQUEST_MAGIC);
	if (is_success(request->status))
		request->on_data(request->stream_arg, bytes, len);
	else if (request->refused.len + len <= REFUSAL_MOST_BYTES)
		buffer_putn(&request->refused, bytes, len);
}

void
hub_request_pause(struct hub_request *request)
{
	OBJ_CHECK(request, REQUEST_MAGIC);
	http_call_pause(request->call);
}

void
hub_request_resume(struct hub_request *request)
{
	OBJ_CHECK(request, REQUEST_MAGIC);
	http_call_resume(request->call);
}

static int
start_call(struct hub_request *request, const struct hub_post *post, struct err *err)
{
	struct hub_link *link = request->link;
	char bearer[BEARER_BYTES], version[16], range[40];
	struct http_header headers[] = {
		{"authorization", bearer},
		{"content-type",
		 post->content_type != NULL ? post->content_type : "application/json"},
		{"runner-protocol", version},
		{"runner-agent", link->agent_text},
		{"range", range},
	};
	struct http_call_spec spec = {
		.method = post->method != NULL ? post->method : "POST",
		.path = post->path != NULL ? post->path : paths[post->kind],
		.headers = headers,
		.header_count = sizeof(headers) / sizeof(headers[0]) - (post->from == 0),
		.body = request->body.data,
		.pieces = post->pieces,
		.body_len = post->pieces != NULL ? post->pieces_len : request->body.len,
		.body_read = post->body_read != NULL ? on_body_read : NULL,
		.body_splice = post->body_splice != NULL ? on_body_splice : NULL,
		.is_bulk = post->body_read != NULL && !post->is_prompt,
		.on_head = on_head,
		.on_data = post->on_data != NULL ? on_data : NULL,
		.stream_arg = request,
		.reply_limit = RUNNER_JSON_MOST_BYTES,
		.timeout_ms = post->timeout_ms,
	};

	(void)snprintf(bearer, sizeof(bearer), "Bearer %s",
		       post->token != NULL ? post->token : link->token);
	(void)snprintf(version, sizeof(version), "%d", RUNNER_PROTOCOL);
	(void)snprintf(range, sizeof(range), "bytes=%llu-", (unsigned long long)post->from);
	link->counters.kinds[post->kind].requests++;
	link->counters.kinds[post->kind].body_bytes += spec.body_len;
	return http_call_start(&request->call, link->client, &spec, on_reply, request, err);
}

int
hub_post(struct hub_request **out, struct hub_link *link, const struct hub_post *post,
	 hub_done_fn *done, void *arg, struct err *err)
{
	struct hub_request *request = MEM_NEW(struct hub_request);
	int rc;

	OBJ_CHECK(link, LINK_MAGIC);
	request->magic = REQUEST_MAGIC;
	request->link = link;
	request->kind = post->kind;
	request->done = done;
	request->arg = arg;
	request->body_read = post->body_read;
	request->body_splice = post->body_splice;
	request->on_data = post->on_data;
	request->stream_arg = post->stream_arg;
	if (post->body != NULL) {
		request->body = *post->body;
		memset(post->body, 0, sizeof(*post->body));
	}
	request->next = link->requests;
	request->prev = &link->requests;
	if (request->next != NULL)
		request->next->prev = &request->next;
	link->requests = request;
	rc = start_call(request, post, err);
	if (rc < 0)
		request_free(request);
	else
		*out = request;
	return rc;
}

void
hub_request_cancel(struct hub_request *request)
{
	if (request == NULL)
		return;
	OBJ_CHECK(request, REQUEST_MAGIC);
	http_call_cancel(request->call);
	request_free(request);
}
