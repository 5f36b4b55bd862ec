/*
 * fakehub.c - a scripted control plane for tests of the agent.
 *
 *   fakehub --listen ADDRESS --dir DIR [--script FILE] [--control FIFO]
 *
 * It speaks the agent's part of doc/api.md, hands out the tasks of its script and
 * misbehaves where the script says so. What it receives is kept as files:
 * DIR/NAME/step-N.out (output, decompressed; step-N.A.out of a later attempt A), DIR/NAME/events
 * (one JSON object a line), for the task called NAME. It keeps its promises strictly: an event or a
 * record that is not the next one is not stored, and one that comes twice is
 * counted, so that a test can compare. One line of log for each happening.
 * Lines written to the FIFO are run like the script's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/text.h"
#include "fakehub.h"
#include "format/frame.h"
#include "format/json.h"
#include "http/listener.h"
#include "http/server.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "runner/exit.h"
#include "runner/protocol.h"

enum {
	BODY_MOST_BYTES = 16 << 20,
	RELISTEN_MS = 20,
	FLOOD_PIECE_BYTES = 64 * 1024,
	FLOOD_QUEUE_BYTES = 1 << 20,
};

static struct hub *the_hub; /* of option and signal functions */

/* --- answering --------------------------------------------------------------------------- */

static void
on_restart(void *arg)
{
	struct hub *hub = arg;

	http_server_free(hub->server);
	hub->server = NULL;
	timer_start_ms(&hub->back, hub->down_ms > 0 ? hub->down_ms : RELISTEN_MS);
}

void
hub_go_down(struct hub *hub, unsigned ms)
{
	log_info("down for %u ms", ms);
	hub->down_ms = ms;
	later_want(&hub->restart);
}

void
hub_come_back(struct hub *hub)
{
	if (hub->server == NULL)
		timer_start_us(&hub->back, 1);
}

void
hub_drop(struct hub *hub)
{
	log_info("dropping every connection");
	hub->down_ms = 0;
	later_want(&hub->restart);
}

static void
send_reply(struct hub *hub, struct http_request *req, enum action action, unsigned ms,
	   const struct buffer *reply)
{
	char version[16];

	(void)snprintf(version, sizeof(version), "%u", hub->protocol);
	http_reply_add_header(req, "Runner-Protocol", version);
	if (action == ACTION_LOSE || action == ACTION_DOWN) {
		http_reply_start(req, 200, "application/json");
		http_reply_abort(req);
		if (action == ACTION_DOWN)
			hub_go_down(hub, ms);
		return;
	}
	if (reply->len == 0)
		http_reply(req, 204, NULL, "", 0);
	else
		http_reply(req, 200, "application/json", reply->data, reply->len);
}

static void
held_free(struct held *held)
{
	timer_release(&held->timer);
	json_free(held->body);
	buffer_release(&held->reply);
	*held->prev = held->next;
	if (held->next != NULL)
		held->next->prev = held->prev;
	free(held);
}

static void
on_held_close(void *arg)
{
	struct held *held = arg;

	log_debug("%s: the agent went away", kind_names[held->kind]);
	held_free(held);
}

/* --- claim -------------------------------------------------------------------------------- */

static bool
token_is_known(const struct hub *hub, const char *token)
{
	unsigned i;

	for (i = 0; i < hub->token_count; i++)
		if (text_eq(hub->tokens[i], token))
			return true;
	return hub->token_count == 0;
}
static void
answer_held(struct held *held, const struct buffer *reply)
{
	struct hub *hub = held->hub;
	struct http_request *req = held->req;

	send_reply(hub, req, held->action, 0, reply);
	held_free(held);
}

void
hub_want_claims(struct hub *hub)
{
	struct held *held, *next;
	struct buffer reply;

	for (held = hub->held; held != NULL; held = next) {
		next = held->next;
		if (held->kind != KIND_CLAIM || held->made)
			continue;
		memset(&reply, 0, sizeof(reply));
		if (hub_make_claim(hub, held->body, &reply) > 0)
			answer_held(held, &reply);
		buffer_release(&reply);
	}
}

void
hub_want_heartbeats(struct hub *hub)
{
	struct held *held, *next;
	struct buffer reply;

	for (held = hub->held; held != NULL; held = next) {
		next = held->next;
		if (held->kind != KIND_HEARTBEAT || held->made)
			continue;
		memset(&reply, 0, sizeof(reply));
		if (hub_make_heartbeat(hub, held->body, &reply))
			answer_held(held, &reply);
		buffer_release(&reply);
	}
}

/* --- requests --------------------------------------------------------------------------------- */

static const struct rule *
match_rule(const struct hub *hub, enum kind kind)
{
	const struct rule *rule;

	for (rule = hub->rules; rule != NULL; rule = rule->next)
		if (rule->kind == kind && hub->counts[kind] >= rule->from &&
		    hub->counts[kind] <= rule->to)
			return rule;
	return NULL;
}

static void
hold(struct hub *hub, struct held *held, struct http_request *req, uint64_t ms, loop_fn *fn)
{
	held->hub = hub;
	held->req = req;
	held->next = hub->held;
	held->prev = &hub->held;
	if (held->next != NULL)
		held->next->prev = &held->next;
	hub->held = held;
	timer_init(&held->timer, hub->loop, fn, held);
	timer_start_ms(&held->timer, ms);
	http_request_on_close(req, on_held_close, held);
}

static void
on_held_due(void *arg)
{
	struct held *held = arg;
	struct buffer reply = BUFFER_INIT;

	if (held->made) {
		send_reply(held->hub, held->req, ACTION_NONE, 0, &held->reply);
		held_free(held);
		return;
	}
	if (held->kind == KIND_CLAIM)
		(void)hub_make_claim(held->hub, held->body, &reply);
	else
		(void)hub_make_heartbeat(held->hub, held->body, &reply);
	answer_held(held, &reply);
	buffer_release(&reply);
}

/* The same claim sent again takes the place of the one that is held. */
static void
replace_claim(struct hub *hub, const struct json *body)
{
	struct held *held, *next;
	struct buffer none = BUFFER_INIT;

	for (held = hub->held; held != NULL; held = next) {
		next = held->next;
		if (held->kind == KIND_CLAIM && !held->made &&
		    text_eq(json_get_str(held->body, "claim_id"), json_get_str(body, "claim_id"))) {
			buffer_puts(&none, "{\"tasks\":[]}");
			answer_held(held, &none);
			buffer_release(&none);
		}
	}
}

/* Make the reply; false when the request is to be held until there is something to say. */
static bool
make_reply(struct hub *hub, enum kind kind, const struct json *body, const char *bytes, size_t len,
	   struct buffer *reply)
{
	bool wait = json_get_int(body, "wait_ms", 0) > 0;
	struct task *task;

	switch (kind) {
	case KIND_CLAIM:
		replace_claim(hub, body);
		log_info("claim for %lld slots",
			 (long long)json_get_int(json_get(body, "free"), "slots", 0));
		return hub_make_claim(hub, body, reply) > 0 || !wait;
	case KIND_HEARTBEAT:
		log_debug("heartbeat for %zu tasks", json_count(json_get(body, "tasks")));
		return hub_make_heartbeat(hub, body, reply) || !wait;
	case KIND_EVENTS:
		hub_make_events(hub, body, reply);
		return true;
	case KIND_OUTPUT:
		hub_make_output(hub, (const unsigned char *)bytes, len, reply);
		return true;
	case KIND_UNCLAIM:
		task = hub_find_task(hub, json_get_str(body, "task_id"));
		if (task != NULL && task->place == PLACE_LEASED) {
			log_info("task %s unclaimed", task->name);
			task->place = PLACE_QUEUED;
			hub_want_claims(hub);
		}
		return true;
	case KIND_COUNT:
		break;
	}
	UNREACHABLE();
}

static void
answer(struct hub *hub, struct http_request *req, enum kind kind, const struct rule *rule,
       struct json *body)
{
	enum action action = rule != NULL ? rule->action : ACTION_NONE;
	struct buffer reply = BUFFER_INIT;
	struct held *held;
	const char *bytes;
	size_t len;
	bool made;

	bytes = http_request_body(req, &len);
	made = make_reply(hub, kind, body, bytes, len, &reply);
	if (!made || action == ACTION_DELAY) {
		held = MEM_NEW(struct held);
		held->kind = kind;
		held->body = json_ref(body);
		held->made = made;
		held->action = action == ACTION_DELAY ? ACTION_NONE : action;
		if (made)
			held->reply = reply;
		else
			buffer_release(&reply);
		hold(hub, held, req,
		     made ? rule->number : (uint64_t)json_get_int(body, "wait_ms", 0), on_held_due);
		return;
	}
	send_reply(hub, req, action, rule != NULL ? rule->number : 0, &reply);
	buffer_release(&reply);
}

static bool
token_is_good(struct hub *hub, enum kind kind, const char *bearer, const struct json *body)
{
	const struct json *classes = json_get(body, "classes");
	size_t i;

	if (kind == KIND_UNCLAIM)
		return true;
	for (i = 0; i < json_count(classes); i++)
		if (!token_is_known(hub, json_get_str(json_at(classes, i), "token")))
			return false;
	return bearer != NULL && text_starts(bearer, "Bearer ") && token_is_known(hub, bearer + 7);
}

/* --- a reply that is too long ------------------------------------------------------------- */

struct flood {
	struct http_request *req;
	unsigned left; /* pieces to come */
	bool is_endless;
};

static void
on_flood_close(void *arg)
{
	log_info("the agent breaks off a reply that is too long");
	free(arg);
}

static void
pour(void *arg)
{
	static char blanks[FLOOD_PIECE_BYTES];
	struct flood *flood = arg;

	memset(blanks, ' ', sizeof(blanks));
	while (flood->left > 0) {
		flood->left -= flood->is_endless ? 0 : 1;
		if (http_reply_write(flood->req, blanks, sizeof(blanks)) >= FLOOD_QUEUE_BYTES)
			return;
	}
	http_reply_end(flood->req);
	free(flood);
}

static void
begin_flood(struct http_request *req, unsigned mib)
{
	struct flood *flood = MEM_NEW(struct flood);

	flood->req = req;
	flood->is_endless = mib == 0;
	flood->left = mib == 0 ? 1 : mib * ((1 << 20) / FLOOD_PIECE_BYTES);
	http_request_on_close(req, on_flood_close, flood);
	http_reply_start(req, 200, "application/json");
	http_reply_on_drain(req, pour, flood);
	pour(flood);
}

static void
on_kept_close(void *arg)
{
	(void)arg;
}

/* True when the rule ends the matter. */
static bool
obey_first(struct hub *hub, struct http_request *req, const struct rule *rule)
{
	struct err err = ERR_INIT;

	switch (rule->action) {
	case ACTION_STATUS:
		http_reply_message(req, (int)rule->number, "%s", rule->text);
		return true;
	case ACTION_BODY:
		http_reply(req, 200, "application/json", rule->text, strlen(rule->text));
		return true;
	case ACTION_CUT:
		http_reply_start(req, 200, "application/json");
		(void)http_reply_write(req, rule->text, strlen(rule->text));
		http_reply_abort(req);
		return true;
	case ACTION_FLOOD:
		begin_flood(req, rule->number);
		return true;
	case ACTION_DROP:
		http_request_on_close(req, on_kept_close, NULL);
		hub_drop(hub);
		return true;
	case ACTION_SAY:
		if (script_line(hub, rule->text, &err) < 0)
			log_error("script: %s", err.text);
		return false;
	case ACTION_NONE:
	case ACTION_LOSE:
	case ACTION_DELAY:
	case ACTION_DOWN:
		return false;
	}
	UNREACHABLE();
}

static enum kind
kind_of(struct http_request *req)
{
	static const char prefix[] = "/api/v3/runner/";
	const char *path = http_request_path(req);
	enum kind kind;

	if (!text_starts(path, prefix) || !text_eq(http_request_method(req), "POST"))
		return KIND_COUNT;
	for (kind = KIND_CLAIM; kind < KIND_COUNT; kind++)
		if (text_eq(path + sizeof(prefix) - 1, kind_names[kind]))
			break;
	return kind;
}

static void
on_request(void *arg, struct http_request *req)
{
	struct hub *hub = arg;
	enum kind kind = kind_of(req);
	const struct rule *rule;
	struct json *body = NULL;
	struct err err = ERR_INIT;
	const char *bytes;
	size_t len;

	if (kind == KIND_COUNT) {
		http_reply_message(req, 404, "no such path");
		return;
	}
	hub->counts[kind]++;
	rule = match_rule(hub, kind);
	if (rule != NULL && obey_first(hub, req, rule))
		return;
	bytes = http_request_body(req, &len);
	if (kind != KIND_OUTPUT && json_parse(&body, bytes, len, &err) < 0)
		http_reply_message(req, 400, "%s", err.text);
	else if (!token_is_good(hub, kind, http_request_header(req, "authorization"), body))
		http_reply_message(req, 401, "the token of class 1 is not known here");
	else if (http_request_header(req, "runner-protocol") == NULL)
		http_reply_message(req, 400, "Runner-Protocol is missing");
	else
		answer(hub, req, kind, rule, body);
	json_free(body);
}

/* --- the rest of the script's verbs --------------------------------------------------------------
 */

void
hub_add_rule(struct hub *hub, struct rule *rule)
{
	struct rule **at = &hub->rules;

	while (*at != NULL)
		at = &(*at)->next;
	*at = rule;
}

void
hub_add_token(struct hub *hub, const char *token)
{
	assert(hub->token_count < TOKENS_MOST);
	hub->tokens[hub->token_count++] = mem_strdup(token);
}

void
hub_set_protocol(struct hub *hub, unsigned version)
{
	hub->protocol = version;
}

void
hub_set_discard(struct hub *hub)
{
	hub->discard = true;
}

void
hub_log_stats(struct hub *hub)
{
	const unsigned *counts = hub->counts;

	log_info("stats tasks=%u ended=%u claim=%u heartbeat=%u events=%u output=%u unclaim=%u "
		 "repeated-events=%u repeated-records=%u gaps=%u",
		 hub->tasks, hub->ended, counts[KIND_CLAIM], counts[KIND_HEARTBEAT],
		 counts[KIND_EVENTS], counts[KIND_OUTPUT], counts[KIND_UNCLAIM],
		 hub->repeated_events, hub->repeated_records, hub->gaps);
}

/* --- program
 * --------------------------------------------------------------------------------------- */

static int
serve(struct hub *hub, struct err *err)
{
	struct http_server_options options = {
		.handler = on_request, .arg = hub, .body_max_bytes = BODY_MOST_BYTES};
	struct listener *listener;

	if (listener_open(&listener, hub->address, err) < 0)
		return err->code;
	if (http_server_new(&hub->server, hub->loop, &options, err) < 0) {
		listener_free(listener);
		return err->code;
	}
	log_info("ready at %s", listener_text(listener));
	return http_server_listen(hub->server, listener, NULL, err);
}

static void
on_back(void *arg)
{
	struct hub *hub = arg;
	struct err err = ERR_INIT;

	if (serve(hub, &err) < 0) {
		log_error("cannot come back: %s", err.text);
		loop_stop(hub->loop);
	}
}

static void
run_line(struct hub *hub, const char *line)
{
	struct err err = ERR_INIT;

	if (script_line(hub, line, &err) < 0) {
		log_error("line '%s': %s", line, err.text);
		exit(EXIT_USAGE);
	}
}

static void
on_control(void *arg, unsigned events)
{
	struct hub *hub = arg;
	struct buffer *held = &hub->control_line;
	char bytes[4096], *line;
	const char *end;
	ssize_t n = read(hub->control_fd, bytes, sizeof(bytes));

	(void)events;
	if (n <= 0)
		return;
	buffer_putn(held, bytes, (size_t)n);
	while (held->len > 0 && (end = memchr(held->data, '\n', held->len)) != NULL) {
		line = mem_strndup((const char *)held->data,
				   (size_t)((const unsigned char *)end - held->data));
		buffer_consume(held, strlen(line) + 1);
		run_line(hub, line);
		free(line);
	}
}

/* Open for reading and writing, so that it has no end while writers come and go. */
static int
open_control(struct hub *hub, struct err *err)
{
	hub->control_fd = open(hub->control, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (hub->control_fd < 0)
		return err_sys(err, "cannot open '%s'", hub->control);
	return watch_start(&hub->control_watch, hub->loop, hub->control_fd, WATCH_READ, on_control,
			   hub, err);
}

static int
run_script(struct hub *hub, const char *path, struct err *err)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	if (file == NULL)
		return err_sys(err, "cannot open script '%s'", path);
	while (getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		run_line(hub, line);
	}
	free(line);
	(void)fclose(file);
	return 0;
}

static void
on_signal(void *arg, int signo)
{
	struct hub *hub = arg;

	(void)signo;
	hub_log_stats(hub);
	loop_stop(hub->loop);
}

static const struct option options[] = {
	{"listen", 0, "ADDRESS", "where to listen: unix:PATH or ADDRESS:PORT"},
	{"dir", 0, "DIR", "where to keep what is received"},
	{"script", 0, "FILE", "lines to run before listening"},
	{"control", 0, "FIFO", "lines to run when they come"},
	{"debug", 0, NULL, "log every request"},
	{"quiet", 0, NULL, "log warnings only"},
	{NULL, 0, NULL, NULL},
};

struct arguments {
	const char *script;
	enum log_level level;
};

static int
set_option(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct arguments *arguments = arg;

	(void)err;
	if (text_eq(option->name, "listen"))
		the_hub->address = value;
	else if (text_eq(option->name, "dir"))
		the_hub->dir = value;
	else if (text_eq(option->name, "script"))
		arguments->script = value;
	else if (text_eq(option->name, "control"))
		the_hub->control = value;
	else
		arguments->level = text_eq(option->name, "debug") ? LOG_DEBUG : LOG_WARN;
	return 0;
}

static int
start(struct hub *hub, const char *script, struct err *err)
{
	if (hub->address == NULL || hub->dir == NULL)
		return err_set(err, ERR_INPUT, "--listen and --dir are needed");
	if (loop_new(&hub->loop, err) < 0 || frame_reader_new(&hub->reader, err) < 0)
		return err->code;
	later_init(&hub->restart, hub->loop, on_restart, hub);
	timer_init(&hub->back, hub->loop, on_back, hub);
	if (script != NULL && run_script(hub, script, err) < 0)
		return err->code;
	if (hub->control != NULL && open_control(hub, err) < 0)
		return err->code;
	if (signal_start(&hub->term, hub->loop, SIGTERM, on_signal, hub, err) < 0 ||
	    signal_start(&hub->interrupt, hub->loop, SIGINT, on_signal, hub, err) < 0)
		return err->code;
	return serve(hub, err);
}

static void
release(struct hub *hub)
{
	struct rule *rule;

	http_server_free(hub->server);
	hub_release_tasks(hub);
	while ((rule = hub->rules) != NULL) {
		hub->rules = rule->next;
		free(rule->text);
		free(rule);
	}
	while (hub->token_count > 0)
		free(hub->tokens[--hub->token_count]);
	later_release(&hub->restart);
	timer_release(&hub->back);
	watch_stop(&hub->control_watch);
	signal_stop(&hub->term);
	signal_stop(&hub->interrupt);
	buffer_release(&hub->control_line);
	frame_reader_free(hub->reader);
	loop_free(hub->loop);
	if (hub->control_fd >= 0)
		(void)close(hub->control_fd);
}

int
main(int argc, char **argv)
{
	struct hub hub = {.protocol = RUNNER_PROTOCOL, .control_fd = -1};
	struct arguments arguments = {NULL, LOG_INFO};
	struct err err = ERR_INIT;
	int operands;

	the_hub = &hub;
	hub.last = &hub.first;
	if (options_parse(options, argc - 1, argv + 1, &operands, set_option, &arguments, &err) <
	    0) {
		fprintf(stderr, "fakehub: %s\n", err.text);
		return EXIT_USAGE;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	log_setup(arguments.level, false, clock_unix_ms);
	if (start(&hub, arguments.script, &err) < 0) {
		fprintf(stderr, "fakehub: %s\n", err.text);
		return EXIT_REFUSED;
	}
	loop_run(hub.loop);
	release(&hub);
	return EXIT_OK;
}
