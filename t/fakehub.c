/*
 * fakehub.c - a scripted control plane for tests of the agent.
 *
 *   fakehub --listen ADDRESS --dir DIR [--script FILE] [--control FIFO]
 *
 * It speaks the agent's part of doc/api.md, hands out the tasks of its script and
 * misbehaves where the script says so. What it receives is kept as files:
 * DIR/NAME/step-N.out (output, decompressed), DIR/NAME/events (one JSON object a
 * line), for the task called NAME. It keeps its promises strictly: an event or a
 * record that is not the next one is not stored, and one that comes twice is
 * counted, so that a test can compare. One line of log for each happening.
 * Lines written to the FIFO are run like the script's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/text.h"
#include "fakehub.h"
#include "format/digest.h"
#include "format/frame.h"
#include "format/json.h"
#include "http/listener.h"
#include "http/server.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "runner/exit.h"
#include "runner/protocol.h"
#include "task/output_record.h"

enum { BODY_MOST_BYTES = 16 << 20, LINE_MOST_BYTES = 64 << 10, RELISTEN_MS = 20 };

enum task_place { PLACE_QUEUED, PLACE_LEASED, PLACE_ENDED };

struct task {
	char name[NAME_BYTES];
	struct id id;
	char id_text[ID_TEXT_BYTES];
	struct json *doc;
	enum task_place place;
	struct id claim; /* that took it */
	int64_t epoch;
	uint32_t seq;	   /* last event stored */
	uint64_t *offsets; /* of each step's output */
	size_t step_count;
	bool canceled, told, gone;
	struct task *next; /* in the order they were added */
	UT_hash_handle hh, hh_name;
};

/* A request that is answered later. */
struct held {
	struct hub *hub;
	struct http_request *req;
	enum kind kind;
	struct json *body;
	struct buffer reply; /* made already: it is only delayed */
	bool made;
	enum action action;
	struct timer timer;
	struct held *next, **prev;
};

struct hub {
	struct loop *loop;
	struct http_server *server;
	const char *address, *dir, *control;
	struct task *by_id, *by_name, *first, **last;
	struct rule *rules;
	struct held *held;
	char *tokens[TOKENS_MOST];
	unsigned token_count;
	unsigned protocol;
	unsigned counts[KIND_COUNT];
	unsigned tasks, ended, repeated_events, repeated_records, gaps;
	uint64_t first_claim_us;
	bool discard;
	unsigned down_ms; /* 0: only drop the connections */
	struct later restart;
	struct timer back;
	struct frame_reader *reader;
	struct watch control_watch;
	int control_fd;
	struct buffer control_line;
	struct signal_watch term, interrupt;
};

static struct hub *the_hub; /* of option and signal functions */

/* --- tasks ------------------------------------------------------------------------------ */

void
hub_name_id(const char *name, struct id *id)
{
	unsigned char digest[DIGEST_BYTES];

	if (id_parse(id, name))
		return;
	digest_sha256(digest, name, strlen(name));
	memcpy(id->bytes, digest, ID_BYTES);
}

static struct task *
find_named(struct hub *hub, const char *name)
{
	struct task *task;

	HASH_FIND(hh_name, hub->by_name, name, strlen(name), task);
	return task;
}

static struct task *
find_task(struct hub *hub, const char *id_text)
{
	struct task *task;
	struct id id;

	if (id_text == NULL || !id_parse(&id, id_text))
		return NULL;
	HASH_FIND(hh, hub->by_id, &id, sizeof(id), task);
	return task;
}

static void want_claims(struct hub *hub);

/* A name that is known gets the new document (unset). */
int
hub_add_task(struct hub *hub, const char *name, struct json *doc, struct err *err)
{
	struct task *task = find_named(hub, name);

	if (task != NULL) {
		json_free(task->doc);
		task->doc = doc;
		return 0;
	}
	if (strlen(name) >= NAME_BYTES) {
		json_free(doc);
		return err_set(err, ERR_LIMIT, "the name '%.80s' is too long", name);
	}
	task = MEM_NEW(struct task);
	(void)snprintf(task->name, sizeof(task->name), "%s", name);
	if (!id_parse(&task->id, json_get_str(doc, "id") != NULL ? json_get_str(doc, "id") : ""))
		hub_name_id(name, &task->id);
	id_text(task->id_text, &task->id);
	task->doc = doc;
	*hub->last = task;
	hub->last = &task->next;
	HASH_ADD(hh, hub->by_id, id, sizeof(task->id), task);
	HASH_ADD_KEYPTR(hh_name, hub->by_name, task->name, strlen(task->name), task);
	hub->tasks++;
	want_claims(hub);
	return 0;
}

struct json *
hub_task_doc(struct hub *hub, const char *name)
{
	struct task *task = find_named(hub, name);

	return task != NULL && task->place == PLACE_QUEUED ? task->doc : NULL;
}

static void
append_file(struct hub *hub, const struct task *task, const char *file, const void *bytes,
	    size_t len)
{
	char path[4096];
	int fd;

	if (hub->discard)
		return;
	(void)snprintf(path, sizeof(path), "%s/%s", hub->dir, task->name);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		log_error("cannot make %s: %s", path, strerror(errno));
	(void)snprintf(path, sizeof(path), "%s/%s/%s", hub->dir, task->name, file);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		log_error("cannot write %s: %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
}

static uint64_t *
step_offset(struct task *task, uint32_t step)
{
	if (step >= task->step_count) {
		task->offsets = mem_resize(task->offsets, step + 1, sizeof(*task->offsets));
		memset(task->offsets + task->step_count, 0,
		       (step + 1 - task->step_count) * sizeof(*task->offsets));
		task->step_count = step + 1;
	}
	return &task->offsets[step];
}

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

static void
write_json(struct buffer *reply, struct json *json)
{
	json_write(reply, json);
	json_free(json);
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
give_task(struct hub *hub, struct task *task, const struct id *claim, struct json *list)
{
	if (task->place == PLACE_QUEUED) {
		task->place = PLACE_LEASED;
		task->claim = *claim;
		task->epoch = json_get_int(task->doc, "epoch", 1);
		log_info("task %s leased", task->name);
	}
	if (hub->first_claim_us == 0)
		hub->first_claim_us = clock_monotonic_us();
	json_push(list, json_ref(task->doc));
}

/* The same claim gets the same tasks; else as many as there is room for. */
static unsigned
make_claim(struct hub *hub, const struct json *body, struct buffer *reply)
{
	struct json *object = json_new_object(), *list = json_new_array();
	int64_t room = json_get_int(json_get(body, "free"), "slots", 0);
	const char *claim_text = json_get_str(body, "claim_id");
	struct task *task;
	struct id claim;
	unsigned given;

	if (claim_text == NULL || !id_parse(&claim, claim_text))
		memset(&claim, 0, sizeof(claim));
	for (task = hub->first; task != NULL; task = task->next)
		if (task->place == PLACE_LEASED && id_eq(&task->claim, &claim))
			give_task(hub, task, &claim, list);
	if (json_count(list) == 0 && json_get_int(body, "wait_ms", 0) > 0)
		for (task = hub->first; task != NULL && room > 0; task = task->next)
			if (task->place == PLACE_QUEUED) {
				give_task(hub, task, &claim, list);
				room--;
			}
	given = (unsigned)json_count(list);
	json_put(object, "tasks", list);
	write_json(reply, object);
	return given;
}

static void
answer_held(struct held *held, const struct buffer *reply)
{
	struct hub *hub = held->hub;
	struct http_request *req = held->req;

	send_reply(hub, req, held->action, 0, reply);
	held_free(held);
}

static void
want_claims(struct hub *hub)
{
	struct held *held, *next;
	struct buffer reply;

	for (held = hub->held; held != NULL; held = next) {
		next = held->next;
		if (held->kind != KIND_CLAIM || held->made)
			continue;
		memset(&reply, 0, sizeof(reply));
		if (make_claim(hub, held->body, &reply) > 0)
			answer_held(held, &reply);
		buffer_release(&reply);
	}
}

/* --- heartbeat ------------------------------------------------------------------------------ */

/* Says whether there is something the agent was not told yet. */
static bool
make_heartbeat(struct hub *hub, const struct json *body, struct buffer *reply)
{
	struct json *object = json_new_object(), *list = json_new_array(), *item, *asked;
	struct task *task;
	bool fresh = false;
	size_t i;

	for (i = 0; i < json_count(json_get(body, "tasks")); i++) {
		asked = json_at(json_get(body, "tasks"), i);
		task = find_task(hub, json_get_str(asked, "task"));
		if (task != NULL && !task->gone && !task->canceled && task->place == PLACE_LEASED)
			continue;
		item = json_new_object();
		json_put_str(item, "task", json_get_str(asked, "task"));
		json_put_int(item, "epoch", json_get_int(asked, "epoch", 0));
		if (task != NULL && !task->gone && task->place == PLACE_LEASED) {
			json_put_str(item, "state", "cancel");
			json_put_str(item, "reason", "canceled by the script");
			fresh = fresh || !task->told;
			task->told = true;
		} else {
			json_put_str(item, "state", "gone");
			fresh = true;
		}
		json_push(list, item);
	}
	json_put_int(object, "lease_ms", RUNNER_LEASE_MS);
	json_put(object, "tasks", list);
	write_json(reply, object);
	return fresh;
}

static void
want_heartbeats(struct hub *hub)
{
	struct held *held, *next;
	struct buffer reply;

	for (held = hub->held; held != NULL; held = next) {
		next = held->next;
		if (held->kind != KIND_HEARTBEAT || held->made)
			continue;
		memset(&reply, 0, sizeof(reply));
		if (make_heartbeat(hub, held->body, &reply))
			answer_held(held, &reply);
		buffer_release(&reply);
	}
}

int
hub_cancel_task(struct hub *hub, const char *name, struct err *err)
{
	struct task *task = find_named(hub, name);

	if (task == NULL)
		return err_set(err, ERR_INPUT, "there is no task '%s'", name);
	log_info("task %s cancel asked", name);
	task->canceled = true;
	want_heartbeats(hub);
	return 0;
}

int
hub_take_task(struct hub *hub, const char *name, struct err *err)
{
	struct task *task = find_named(hub, name);

	if (task == NULL)
		return err_set(err, ERR_INPUT, "there is no task '%s'", name);
	log_info("task %s taken away", name);
	task->gone = true;
	want_heartbeats(hub);
	return 0;
}

/* --- events ---------------------------------------------------------------------------------- */

static void
log_stored_event(struct hub *hub, struct task *task, const struct json *event)
{
	const char *type = json_get_str(event, "type"), *outcome = json_get_str(event, "outcome");
	int step = (int)json_get_int(event, "step", -1);

	if (step >= 0)
		log_info("task %s step %d %s%s%s", task->name, step, type,
			 outcome != NULL ? " " : "", outcome != NULL ? outcome : "");
	else
		log_info("task %s %s%s%s", task->name, type, outcome != NULL ? " " : "",
			 outcome != NULL ? outcome : "");
	if (!text_eq(type, "ended"))
		return;
	task->place = PLACE_ENDED;
	if (++hub->ended == hub->tasks)
		log_info("all %u tasks ended, %llu ms after the first claim", hub->tasks,
			 (unsigned long long)(clock_monotonic_us() - hub->first_claim_us) / 1000);
}

static void
store_event(struct hub *hub, struct task *task, const struct json *event)
{
	struct buffer line = BUFFER_INIT;
	int64_t seq = json_get_int(event, "seq", 0);

	if (seq <= task->seq)
		hub->repeated_events++;
	if (seq != (int64_t)task->seq + 1)
		return;
	task->seq++;
	json_write(&line, event);
	buffer_puts(&line, "\n");
	append_file(hub, task, "events", line.data, line.len);
	buffer_release(&line);
	log_stored_event(hub, task, event);
}

static bool
task_is_gone(const struct task *task, int64_t epoch)
{
	return task == NULL || task->gone || task->epoch != epoch || task->place == PLACE_QUEUED;
}

static void
make_events(struct hub *hub, const struct json *body, struct buffer *reply)
{
	struct json *object = json_new_object(), *list = json_new_array(), *item, *event, *events;
	const char *id;
	struct task *task;
	size_t i;

	events = json_get(body, "events");
	for (i = 0; i < json_count(events); i++) {
		event = json_at(events, i);
		id = json_get_str(event, "task");
		task = find_task(hub, id);
		if (!task_is_gone(task, json_get_int(event, "epoch", 0)))
			store_event(hub, task, event);
		if (i + 1 < json_count(events) &&
		    text_eq(json_get_str(json_at(events, i + 1), "task"), id))
			continue;
		item = json_new_object();
		json_put_str(item, "task", id);
		json_put_int(item, "seq", task != NULL ? task->seq : 0);
		json_put_str(item, "state",
			     task_is_gone(task, json_get_int(event, "epoch", 0)) ? "gone" : "ok");
		json_push(list, item);
	}
	json_put(object, "tasks", list);
	write_json(reply, object);
}

/* --- output ---------------------------------------------------------------------------------- */

static const char *
store_record(struct hub *hub, struct task *task, const struct output_record *record,
	     const unsigned char *frame)
{
	uint64_t *offset = step_offset(task, record->step), end = record->offset + record->raw_len;
	static unsigned char raw[RUNNER_RECORD_RAW_MOST_BYTES];
	struct err err = ERR_INIT;
	char file[32];

	if (record->offset > *offset) {
		hub->gaps++;
		log_info("task %s step %u gap: output at %llu, %llu stored", task->name,
			 record->step, (unsigned long long)record->offset,
			 (unsigned long long)*offset);
		return "gap";
	}
	if (end <= *offset) {
		hub->repeated_records++;
		return "ok";
	}
	if (frame_unpack(hub->reader, raw, record->raw_len, frame, record->frame_len, &err) < 0) {
		log_error("task %s step %u: %s", task->name, record->step, err.text);
		return "refused";
	}
	(void)snprintf(file, sizeof(file), "step-%u.out", record->step);
	append_file(hub, task, file, raw + (*offset - record->offset), (size_t)(end - *offset));
	*offset = end;
	return "ok";
}

static void
put_position(struct json *list, const struct output_record *record, struct task *task,
	     const char *state)
{
	struct json *item = json_new_object();
	char text[ID_TEXT_BYTES];

	json_put_str(item, "task", id_text(text, &record->task));
	json_put_int(item, "step", record->step);
	json_put_int(item, "offset", task != NULL ? (int64_t)*step_offset(task, record->step) : 0);
	json_put_str(item, "state", state);
	json_push(list, item);
}

static bool
same_stream(const struct output_record *a, const struct output_record *b)
{
	return id_eq(&a->task, &b->task) && a->step == b->step;
}

/* One position for each run of records of one (task, step): its last state, or the first that is
 * not ok. */
static void
make_output(struct hub *hub, const unsigned char *bytes, size_t len, struct buffer *reply)
{
	struct json *object = json_new_object(), *list = json_new_array();
	struct output_record record, last;
	const unsigned char *frame;
	struct err err = ERR_INIT;
	const char *state = NULL, *now;
	struct task *task = NULL;
	char text[ID_TEXT_BYTES];

	while (len > 0) {
		if (output_record_unpack(&record, &frame, bytes, len, &err) < 0) {
			log_warn("output of an agent: %s", err.text);
			break;
		}
		if (state != NULL && !same_stream(&record, &last)) {
			put_position(list, &last, task, state);
			state = NULL;
		}
		task = find_task(hub, id_text(text, &record.task));
		now = task_is_gone(task, record.epoch) ? "gone"
						       : store_record(hub, task, &record, frame);
		state = state == NULL || text_eq(state, "ok") ? now : state;
		last = record;
		bytes += RUNNER_RECORD_HEADER_BYTES + record.frame_len;
		len -= RUNNER_RECORD_HEADER_BYTES + record.frame_len;
	}
	if (state != NULL)
		put_position(list, &last, task, state);
	json_put(object, "positions", list);
	write_json(reply, object);
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
		(void)make_claim(held->hub, held->body, &reply);
	else
		(void)make_heartbeat(held->hub, held->body, &reply);
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
		return make_claim(hub, body, reply) > 0 || !wait;
	case KIND_HEARTBEAT:
		log_debug("heartbeat for %zu tasks", json_count(json_get(body, "tasks")));
		return make_heartbeat(hub, body, reply) || !wait;
	case KIND_EVENTS:
		make_events(hub, body, reply);
		return true;
	case KIND_OUTPUT:
		log_debug("output of %zu bytes", len);
		make_output(hub, (const unsigned char *)bytes, len, reply);
		return true;
	case KIND_UNCLAIM:
		task = find_task(hub, json_get_str(body, "task_id"));
		if (task != NULL && task->place == PLACE_LEASED) {
			log_info("task %s unclaimed", task->name);
			task->place = PLACE_QUEUED;
			want_claims(hub);
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
release_tasks(struct hub *hub)
{
	struct task *task, *next;

	HASH_CLEAR(hh, hub->by_id);
	HASH_CLEAR(hh_name, hub->by_name);
	for (task = hub->first; task != NULL; task = next) {
		next = task->next;
		json_free(task->doc);
		free(task->offsets);
		free(task);
	}
}

static void
release(struct hub *hub)
{
	struct rule *rule;

	http_server_free(hub->server);
	release_tasks(hub);
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
