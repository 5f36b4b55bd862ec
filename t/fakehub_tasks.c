/*
 * fakehub_tasks.c - the tasks of a scripted control plane, and what requests do to them.
 *
 * Decides and stores; no connection is known here. An event or a record that is not the
 * next one is not stored, and one that comes twice is counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "fakehub.h"
#include "format/digest.h"
#include "format/frame.h"
#include "format/json.h"
#include "loop/clock.h"
#include "task/output_record.h"

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

struct task *
hub_find_task(struct hub *hub, const char *id_text)
{
	struct task *task;
	struct id id;

	if (id_text == NULL || !id_parse(&id, id_text))
		return NULL;
	HASH_FIND(hh, hub->by_id, &id, sizeof(id), task);
	return task;
}

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
	hub_want_claims(hub);
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

/* Of one attempt of a step. */
static uint64_t *
stream_offset(struct task *task, const struct output_record *record)
{
	size_t at = (size_t)record->step * ATTEMPTS_MOST + record->attempt % ATTEMPTS_MOST;

	if (at >= task->stream_count) {
		task->offsets = mem_resize(task->offsets, at + 1, sizeof(*task->offsets));
		memset(task->offsets + task->stream_count, 0,
		       (at + 1 - task->stream_count) * sizeof(*task->offsets));
		task->stream_count = at + 1;
	}
	return &task->offsets[at];
}

static void
write_json(struct buffer *reply, struct json *json)
{
	json_write(reply, json);
	json_free(json);
}

/* --- claim -------------------------------------------------------------------------------- */

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

/* Slots are all that it looks at, but for classes that the agent wants nothing of. */
static bool
wants_something(const struct json *body)
{
	const struct json *classes = json_get(body, "classes");
	size_t i;

	for (i = 0; i < json_count(classes); i++)
		if (json_get_str(json_at(classes, i), "paused") == NULL)
			return true;
	if (i > 0)
		log_info("every class is paused");
	return i == 0;
}

/* The same claim gets the same tasks; else as many as there is room for. */
unsigned
hub_make_claim(struct hub *hub, const struct json *body, struct buffer *reply)
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
	if (json_count(list) == 0 && json_get_int(body, "wait_ms", 0) > 0 && wants_something(body))
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

/* --- heartbeat ------------------------------------------------------------------------------ */

/* Says whether there is something the agent was not told yet. */
bool
hub_make_heartbeat(struct hub *hub, const struct json *body, struct buffer *reply)
{
	struct json *object = json_new_object(), *list = json_new_array(), *item, *asked;
	struct task *task;
	bool fresh = false;
	size_t i;

	for (i = 0; i < json_count(json_get(body, "tasks")); i++) {
		asked = json_at(json_get(body, "tasks"), i);
		task = hub_find_task(hub, json_get_str(asked, "task"));
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

int
hub_cancel_task(struct hub *hub, const char *name, struct err *err)
{
	struct task *task = find_named(hub, name);

	if (task == NULL)
		return err_set(err, ERR_INPUT, "there is no task '%s'", name);
	log_info("task %s cancel asked", name);
	task->canceled = true;
	hub_want_heartbeats(hub);
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
	hub_want_heartbeats(hub);
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

void
hub_make_events(struct hub *hub, const struct json *body, struct buffer *reply)
{
	struct json *object = json_new_object(), *list = json_new_array(), *item, *event, *events;
	const char *id;
	struct task *task;
	size_t i;

	events = json_get(body, "events");
	for (i = 0; i < json_count(events); i++) {
		event = json_at(events, i);
		id = json_get_str(event, "task");
		task = hub_find_task(hub, id);
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
	uint64_t *offset = stream_offset(task, record), end = record->offset + record->raw_len;
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
	if (record->attempt <= 1)
		(void)snprintf(file, sizeof(file), "step-%u.out", record->step);
	else
		(void)snprintf(file, sizeof(file), "step-%u.%u.out", record->step, record->attempt);
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
	json_put_int(item, "attempt", record->attempt);
	json_put_int(item, "offset", task != NULL ? (int64_t)*stream_offset(task, record) : 0);
	json_put_str(item, "state", state);
	json_push(list, item);
}

static bool
same_stream(const struct output_record *a, const struct output_record *b)
{
	return id_eq(&a->task, &b->task) && a->step == b->step && a->attempt == b->attempt;
}

/* Is it the first record of a task in this request? */
static bool
is_first_of(const struct hub *hub, struct task *task)
{
	if (task == NULL || task->batch == hub->counts[KIND_OUTPUT])
		return false;
	task->batch = hub->counts[KIND_OUTPUT];
	return true;
}

/* One position for each run of records of one (task, step): its last state, or the first that is
 * not ok. */
void
hub_make_output(struct hub *hub, const unsigned char *bytes, size_t len, struct buffer *reply)
{
	struct json *object = json_new_object(), *list = json_new_array();
	struct output_record record, last;
	const unsigned char *frame;
	struct err err = ERR_INIT;
	const char *state = NULL, *now;
	struct task *task = NULL;
	char text[ID_TEXT_BYTES];
	unsigned records = 0, tasks = 0;
	size_t all = len;

	while (len > 0) {
		if (output_record_unpack(&record, &frame, bytes, len, &err) < 0) {
			log_warn("output of an agent: %s", err.text);
			break;
		}
		if (record.step >= STEPS_MOST) {
			log_warn("output of an agent: it has a step %u", record.step);
			break;
		}
		if (state != NULL && !same_stream(&record, &last)) {
			put_position(list, &last, task, state);
			state = NULL;
		}
		task = hub_find_task(hub, id_text(text, &record.task));
		records++;
		tasks += is_first_of(hub, task);
		now = task_is_gone(task, record.epoch) ? "gone"
						       : store_record(hub, task, &record, frame);
		state = state == NULL || text_eq(state, "ok") ? now : state;
		last = record;
		bytes += RUNNER_RECORD_HEADER_BYTES + record.frame_len;
		len -= RUNNER_RECORD_HEADER_BYTES + record.frame_len;
	}
	if (state != NULL)
		put_position(list, &last, task, state);
	log_debug("output of %zu bytes: %u records of %u tasks", all, records, tasks);
	json_put(object, "positions", list);
	write_json(reply, object);
}

void
hub_release_tasks(struct hub *hub)
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
