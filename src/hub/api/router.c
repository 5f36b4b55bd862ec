/*
 * router.c - which request goes to which function, and who may ask.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/server.h"
#include "hub/api/call.h"
#include "hub/hub.h"
#include "hub/tokens.h"

/* --- paths --------------------------------------------------------------------------------- */

struct match {
	const struct http_request *request;
	size_t at; /* segment of the request */
	char *vars[ROUTE_VARS_MOST];
	size_t count;
};

static void
match_clear(struct match *match)
{
	while (match->count > 0) {
		free(match->vars[--match->count]);
		/* A later row may have fewer, and what is there is the call's. */
		match->vars[match->count] = NULL;
	}
	match->at = 0;
}

/* One part with slashes in it, or three parts. */
static bool
match_slug(struct match *match)
{
	const char *one = http_request_segment(match->request, match->at), *two, *three;

	if (one == NULL)
		return false;
	if (strchr(one, '/') != NULL) {
		match->vars[match->count++] = mem_strdup(one);
		match->at++;
		return true;
	}
	two = http_request_segment(match->request, match->at + 1);
	three = http_request_segment(match->request, match->at + 2);
	if (two == NULL || three == NULL)
		return false;
	match->vars[match->count++] = mem_printf("%s/%s/%s", one, two, three);
	match->at += 3;
	return true;
}

/* All that is left, with its slashes. */
static bool
match_rest(struct match *match)
{
	struct buffer rest = BUFFER_INIT;
	const char *part;

	while ((part = http_request_segment(match->request, match->at)) != NULL) {
		buffer_printf(&rest, "%s%s", rest.len > 0 ? "/" : "", part);
		match->at++;
	}
	if (rest.len == 0)
		return false;
	match->vars[match->count++] = buffer_take_text(&rest);
	return true;
}

static bool
match_part(struct match *match, const char *part, size_t len)
{
	const char *segment;

	if (len == 6 && memcmp(part, "{slug}", 6) == 0)
		return match_slug(match);
	if (len > 5 && memcmp(part + len - 4, "...}", 4) == 0)
		return match_rest(match);
	segment = http_request_segment(match->request, match->at);
	if (segment == NULL)
		return false;
	match->at++;
	if (part[0] == '{') {
		assert(match->count < ROUTE_VARS_MOST);
		match->vars[match->count++] = mem_strdup(segment);
		return true;
	}
	return strlen(segment) == len && memcmp(segment, part, len) == 0;
}

static bool
match_path(struct match *match, const char *pattern)
{
	while (*pattern == '/') {
		const char *part = pattern + 1;
		size_t len = strcspn(part, "/");

		if (!match_part(match, part, len))
			return false;
		pattern = part + len;
	}
	return match->at == http_request_segments(match->request);
}

/* HEAD is GET without its bytes, which the server leaves out (RFC 9110, 9.3.2). */
static bool
takes(const struct route *route, const char *method)
{
	return strcmp(route->method, method) == 0 ||
	       (strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static void
note_allowed(struct buffer *allowed, const char *method)
{
	if (allowed->len > 0 && strstr(buffer_text(allowed), method) != NULL)
		return;
	buffer_printf(allowed, "%s%s", allowed->len > 0 ? ", " : "", method);
	if (strcmp(method, "GET") == 0)
		note_allowed(allowed, "HEAD");
}

/* NULL: none; allowed: the methods that the path has, when it is known. */
static const struct route *
find_route(struct match *match, struct buffer *allowed)
{
	const char *method = http_request_method(match->request);
	const struct route *route;
	size_t i;

	for (i = 0; route_tables[i] != NULL; i++)
		for (route = route_tables[i]; route->method != NULL; route++) {
			if (match_path(match, route->pattern)) {
				if (takes(route, method))
					return route;
				note_allowed(allowed, route->method);
			}
			match_clear(match);
		}
	return NULL;
}

static bool
is_in(const struct route *route, struct http_request *request)
{
	struct match match = {.request = request};
	bool fits = false;

	for (; !fits && route->method != NULL; route++) {
		fits = strcmp(route->method, http_request_method(request)) == 0 &&
		       match_path(&match, route->pattern);
		match_clear(&match);
	}
	return fits;
}

bool
router_streams(void *arg, struct http_request *request)
{
	(void)arg;
	return is_in(blob_bytes_routes, request) || is_in(session_routes, request);
}

/* --- who asks -------------------------------------------------------------------------------- */

/* The user name of HTTP Basic (RFC 7617) is the token. */
static const char *
basic_user(char *room, size_t size, const char *text)
{
	room[text_unbase64(room, size - 1, text)] = '\0';
	room[strcspn(room, ":")] = '\0';
	return room;
}

static const char *
bearer(const struct http_request *request)
{
	const char *value = http_request_header(request, "authorization");

	if (value == NULL || strncasecmp(value, "bearer ", 7) != 0)
		return NULL;
	return value + 7;
}

static bool
admit_agent(struct call *call)
{
	call->token = token_find(&call->hub->model, TOKEN_CLASS, bearer(call->request));
	if (call->token != NULL)
		return true;
	call_reply_message(call, 401, "a resource class token is needed, and this is none of ours");
	return false;
}

static bool
admit_task(struct call *call)
{
	const char *text = bearer(call->request);
	struct task *task;

	if (text == NULL || !task_token_read(text, &call->hub->key, &call->task, &call->task_epoch)) {
		call_reply_message(call, 401, "a task token is needed, and this is none of ours");
		return false;
	}
	task = model_task(&call->hub->model, &call->task);
	if (task == NULL || task->row.epoch != call->task_epoch || task->row.state == HUB_ENDED) {
		call_reply_message(call, 410, "the task is over, or has been given to another agent");
		return false;
	}
	return true;
}

/*
 * A browser that is asked shows a form for it, and sends what it was told with whatever it asks below that path, for other
 * sites' pages too: so it is asked only where there is nothing but to read.
 */
static void
refuse_person(struct call *call)
{
	if (call->route->who == WHO_BROWSER)
		http_reply_add_header(call->request, "www-authenticate",
				      "Basic realm=\"a personal token, as user name\", charset=\"UTF-8\"");
	call_reply_message(call, 401, "a personal token is needed, and this is none of ours");
}

static bool
admit_person(struct call *call)
{
	const char *text = http_request_header(call->request, "circle-token");
	const char *basic = http_request_header(call->request, "authorization");
	char user[256];

	if (text == NULL)
		text = bearer(call->request);
	if (text == NULL && basic != NULL && strncasecmp(basic, "basic ", 6) == 0)
		text = basic_user(user, sizeof(user), basic + 6);
	call->token = token_find(&call->hub->model, TOKEN_PERSON, text);
	if (call->token == NULL) {
		if (token_find(&call->hub->model, TOKEN_CLASS, text) != NULL)
			call_reply_message(call, 403, "a resource class token does not reach this");
		else
			refuse_person(call);
		return false;
	}
	snprintf(call->login, sizeof(call->login), "%s", call->token->row.name);
	return true;
}

/* An agent says which protocol it speaks; we serve our own version and the one before. */
static bool
admit_protocol(struct call *call)
{
	const char *text = http_request_header(call->request, "runner-protocol");
	struct err err = ERR_INIT;
	uint64_t version = 0;
	char ours[16];

	snprintf(ours, sizeof(ours), "%d", RUNNER_PROTOCOL);
	http_reply_add_header(call->request, "runner-protocol", ours);
	if (text == NULL || text_parse_u64(text, UINT32_MAX, &version, &err) < 0) {
		call_reply_message(call, 400, "header 'Runner-Protocol' must say which version you speak");
		return false;
	}
	if (version > RUNNER_PROTOCOL || version + 1 < RUNNER_PROTOCOL) {
		call_reply_message(call, 400, "this hub speaks protocol %d and %d, you speak %llu",
				   RUNNER_PROTOCOL, RUNNER_PROTOCOL - 1, (unsigned long long)version);
		return false;
	}
	if (version < RUNNER_PROTOCOL)
		log_warn("%s speaks protocol %llu, which is old: upgrade it",
			 http_request_peer(call->request)->text, (unsigned long long)version);
	return true;
}

static bool
admit(struct call *call)
{
	switch (call->route->who) {
	case WHO_ANYONE:
		return true;
	case WHO_AGENT:
		return admit_protocol(call) && admit_agent(call);
	case WHO_TASK:
		return admit_task(call);
	case WHO_PERSON:
	case WHO_BROWSER:
		return admit_person(call);
	}
	UNREACHABLE();
}

/* A reply with 405 says what may be asked (RFC 9110, 15.5.6). */
static void
refuse(struct http_request *request, struct buffer *allowed)
{
	if (allowed->len == 0) {
		http_reply_message(request, 404, "there is no such path");
		return;
	}
	http_reply_add_header(request, "allow", buffer_text(allowed));
	http_reply_message(request, 405, "this path does not take %s",
			   http_request_method(request));
}

void
router_handle(void *arg, struct http_request *request)
{
	struct match match = {.request = request};
	const struct route *route;
	struct call *call;
	struct buffer allowed = BUFFER_INIT;

	route = find_route(&match, &allowed);
	if (route == NULL)
		refuse(request, &allowed);
	buffer_release(&allowed);
	if (route == NULL)
		return;
	call = call_new(arg, request, route);
	memcpy(call->vars, match.vars, sizeof(match.vars));
	if (admit(call))
		route->handle(call);
}
