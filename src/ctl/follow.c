/*
 * follow.c - a pipeline of a hub, watched until it has ended, as facts for a display.
 *
 * A node is one parallel run of a job: one line of the display. Its facts wait in a
 * queue of its own until the output before them has been shown. One failed step's
 * output at a time is read again and printed; the pipeline's own output stands still
 * meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/display.h"
#include "ctl/outlet.h"
#include "ctl/records.h"
#include "format/json.h"

enum {
	FOLLOW_LINE_MOST_BYTES = 16 << 20, /* of the watch */
	FOLLOW_NODES_MOST = 20000,
	FOLLOW_STEPS_MOST = 1000,
	FOLLOW_KEY_BYTES = ID_TEXT_BYTES + 12,
};

enum fact_type { FACT_STEP_STARTED, FACT_STEP_ENDED, FACT_JOB_ENDED };

/* Something that happened to a node and was not shown yet. */
struct fact {
	enum fact_type type;
	uint32_t step, attempt;
	uint64_t output_bytes;
	struct step_end end; /* its strings are ours */
	enum job_look look;
	char *reason;
	uint64_t took_ms;
	struct fact *next;
};

struct node {
	char job[ID_TEXT_BYTES];
	unsigned index;
	char key[FOLLOW_KEY_BYTES]; /* "job id/index" */
	unsigned shown;		    /* its number in the display */
	char task[ID_TEXT_BYTES];   /* of the latest attempt */
	int64_t attempt;
	bool started, ended;	    /* facts of the current task have been queued */
	int64_t step;		    /* last that was shown to start; -1: none */
	uint32_t step_attempt;
	uint64_t *received;	    /* bytes of each step's current attempt shown so far */
	uint32_t *received_attempt;
	size_t received_count;
	struct fact *first, **end;
	bool has_failure;	    /* a step failed: what will be printed when the job ends so */
	struct fact failure;
	UT_hash_handle hh;	    /* by key */
};

struct task_of {
	char id[ID_TEXT_BYTES];
	struct node *node;
	UT_hash_handle hh;
};

/* A failed step's output that is to be printed. */
struct block {
	struct node *node;
	char task[ID_TEXT_BYTES];
	struct fact failure;
	uint64_t shown;
	struct block *next;
};

struct follow {
	struct api *api;
	struct display *display;
	struct outlet *outlet;
	void (*on_change)(void *arg);
	void *arg;
	char *pipeline;
	struct api_stream watch, output, block_stream;
	bool watch_ended, output_ended, block_stream_ended, paused;
	struct buffer line;
	struct records records, block_records;
	struct node *nodes;
	struct task_of *tasks;
	struct block *blocks, **blocks_end; /* the first is the one being printed */
	char outcome[32];
	struct err err;
};

static void advance(struct follow *follow, struct node *node);
static void blocks_want(struct follow *follow);

/* --- nodes ---------------------------------------------------------------------------- */

static enum job_look
look_of(const char *outcome)
{
	if (text_eq(outcome, "success"))
		return JOB_SUCCESS;
	if (text_eq(outcome, "canceled"))
		return JOB_CANCELED;
	if (text_eq(outcome, "not_run") || text_eq(outcome, "skipped"))
		return JOB_NOT_RUN;
	return JOB_FAILED;
}

static void
fact_release(struct fact *fact)
{
	free((void *)(uintptr_t)fact->end.step);
	free((void *)(uintptr_t)fact->end.outcome);
	free(fact->reason);
	memset(fact, 0, sizeof(*fact));
}

static void
fact_copy(struct fact *to, const struct fact *from)
{
	*to = *from;
	to->end.step = mem_strdup(from->end.step != NULL ? from->end.step : "");
	to->end.outcome = mem_strdup(from->end.outcome != NULL ? from->end.outcome : "");
	to->reason = from->reason != NULL ? mem_strdup(from->reason) : NULL;
	to->next = NULL;
}

static void
node_queue(struct follow *follow, struct node *node, const struct fact *fact)
{
	struct fact *copy = MEM_NEW(struct fact);

	fact_copy(copy, fact);
	*node->end = copy;
	node->end = &copy->next;
	advance(follow, node);
}

static struct node *
node_find(struct follow *follow, const char *job, unsigned index)
{
	char key[FOLLOW_KEY_BYTES];
	struct node *node;

	(void)snprintf(key, sizeof(key), "%.36s/%u", job, index);
	HASH_FIND_STR(follow->nodes, key, node);
	return node;
}

/* The display's name: the job's, with its workflow where there are several, with its index where it is parallel. */
static void
node_name(char *room, size_t size, const struct json *job, unsigned index, bool parallel)
{
	const char *name = json_get_str(job, "name");

	if (parallel)
		(void)snprintf(room, size, "%s/%u", name != NULL ? name : "?", index);
	else
		(void)snprintf(room, size, "%s", name != NULL ? name : "?");
}

static struct node *
node_of(struct follow *follow, const struct json *job, const char *id, unsigned index)
{
	struct node *node = node_find(follow, id, index), *first;
	char name[256];

	if (node != NULL || HASH_COUNT(follow->nodes) >= FOLLOW_NODES_MOST)
		return node;
	node = MEM_NEW(struct node);
	(void)snprintf(node->job, sizeof(node->job), "%s", id);
	(void)snprintf(node->key, sizeof(node->key), "%.36s/%u", id, index);
	node->index = index;
	node->step = -1;
	node->end = &node->first;
	node_name(name, sizeof(name), job, index, index > 0);
	node->shown = display_job(follow->display, name);
	HASH_ADD_STR(follow->nodes, key, node);
	first = index > 0 ? node_find(follow, id, 0) : NULL;
	if (first != NULL) {
		node_name(name, sizeof(name), job, 0, true);
		display_job_rename(follow->display, first->shown, name);
	}
	return node;
}

/* Where a step's bytes are counted; NULL for an index no task has. */
static uint64_t *
node_received(struct node *node, uint32_t step, uint32_t attempt)
{
	size_t count = node->received_count;

	if (step >= FOLLOW_STEPS_MOST)
		return NULL;
	if (step >= count) {
		count = step + 8;
		node->received = mem_resize(node->received, count, sizeof(*node->received));
		node->received_attempt =
			mem_resize(node->received_attempt, count, sizeof(*node->received_attempt));
		memset(node->received + node->received_count, 0,
		       (count - node->received_count) * sizeof(*node->received));
		memset(node->received_attempt + node->received_count, 0,
		       (count - node->received_count) * sizeof(*node->received_attempt));
		node->received_count = count;
	}
	if (attempt > node->received_attempt[step]) {
		node->received_attempt[step] = attempt;
		node->received[step] = 0;
	}
	return &node->received[step];
}

static void
node_free(struct node *node)
{
	struct fact *fact;

	while ((fact = node->first) != NULL) {
		node->first = fact->next;
		fact_release(fact);
		free(fact);
	}
	fact_release(&node->failure);
	free(node->received);
	free(node->received_attempt);
	free(node);
}

/* --- facts, in order with the output ---------------------------------------------------- */

/* All that the step printed has been shown, or no more will come. */
static bool
output_is_shown(struct follow *follow, struct node *node, const struct fact *fact)
{
	const uint64_t *received;

	if (follow->output_ended || fact->type != FACT_STEP_ENDED)
		return true;
	received = node_received(node, fact->step, fact->attempt);
	return received == NULL || *received >= fact->output_bytes ||
	       node->received_attempt[fact->step] > fact->attempt;
}

static bool
is_bad(const char *outcome)
{
	return !text_eq(outcome, "success") && !text_eq(outcome, "skipped") &&
	       !text_eq(outcome, "canceled") && !text_eq(outcome, "none");
}

/* The first step that failed and did not recover is the one that a person wants to see. */
static void
note_failure(struct node *node, const struct fact *fact)
{
	if (is_bad(fact->end.outcome)) {
		if (node->has_failure && node->failure.step != fact->step)
			return;
		fact_release(&node->failure);
		fact_copy(&node->failure, fact);
		node->has_failure = true;
	} else if (node->has_failure && node->failure.step == fact->step) {
		fact_release(&node->failure);
		node->has_failure = false;
	}
}

static void
queue_block(struct follow *follow, struct node *node)
{
	struct block *block = MEM_NEW(struct block);

	block->node = node;
	memcpy(block->task, node->task, sizeof(block->task));
	fact_copy(&block->failure, &node->failure);
	*follow->blocks_end = block;
	follow->blocks_end = &block->next;
}

static void
show_job_end(struct follow *follow, struct node *node, const struct fact *fact)
{
	char room[512];
	const char *reason = fact->reason;

	if (fact->look == JOB_FAILED && node->has_failure) {
		queue_block(follow, node);
		if (reason == NULL || reason[0] == '\0') {
			if (node->failure.end.exit_code >= 0 &&
			    text_eq(node->failure.end.outcome, "failed"))
				(void)snprintf(room, sizeof(room), "step '%s': exit code %d",
					       node->failure.end.step, node->failure.end.exit_code);
			else
				(void)snprintf(room, sizeof(room), "step '%s': %s",
					       node->failure.end.step, node->failure.end.outcome);
			reason = room;
		}
	}
	display_job_ended(follow->display, node->shown, fact->look, reason, fact->took_ms);
}

static void
show_fact(struct follow *follow, struct node *node, const struct fact *fact)
{
	switch (fact->type) {
	case FACT_STEP_STARTED:
		node->step = fact->step;
		node->step_attempt = fact->attempt;
		display_step_started(follow->display, node->shown, fact->end.step);
		return;
	case FACT_STEP_ENDED:
		note_failure(node, fact);
		display_step_ended(follow->display, node->shown, &fact->end);
		return;
	case FACT_JOB_ENDED:
		show_job_end(follow, node, fact);
		return;
	}
}

static void
advance(struct follow *follow, struct node *node)
{
	struct fact *fact;

	/* While a failure is printed in one piece nothing else is. */
	while (follow->blocks == NULL && (fact = node->first) != NULL &&
	       output_is_shown(follow, node, fact)) {
		node->first = fact->next;
		if (node->first == NULL)
			node->end = &node->first;
		show_fact(follow, node, fact);
		fact_release(fact);
		free(fact);
	}
}

static void
advance_all(struct follow *follow)
{
	struct node *node, *next;

	HASH_ITER(hh, follow->nodes, node, next)
		advance(follow, node);
}

/* --- the end --------------------------------------------------------------------------- */

static bool
all_is_shown(const struct follow *follow)
{
	const struct node *node;

	for (node = follow->nodes; node != NULL; node = node->hh.next)
		if (node->first != NULL)
			return false;
	return follow->blocks == NULL;
}

bool
follow_is_done(const struct follow *follow)
{
	if (follow->err.code < 0)
		return true;
	return follow->watch_ended && follow->output_ended && all_is_shown(follow);
}

int
follow_error(const struct follow *follow, struct err *err)
{
	if (follow->err.code < 0)
		*err = follow->err;
	return follow->err.code;
}

const char *
follow_outcome(const struct follow *follow)
{
	return follow->outcome[0] != '\0' ? follow->outcome : NULL;
}

static void
fail(struct follow *follow, const struct err *err)
{
	if (follow->err.code == 0)
		follow->err = *err;
	follow->on_change(follow->arg);
}

/* --- what changes: the watch -------------------------------------------------------------- */

/* Milliseconds from one RFC 3339 time to another, UINT64_MAX where one is missing. */
static uint64_t
between_ms(const char *from, const char *to)
{
	struct tm tm[2];
	const char *text[2] = {from, to}, *rest;
	int64_t ms[2];
	int i;

	for (i = 0; i < 2; i++) {
		if (text[i] == NULL)
			return UINT64_MAX;
		memset(&tm[i], 0, sizeof(tm[i]));
		rest = strptime(text[i], "%Y-%m-%dT%H:%M:%S", &tm[i]);
		if (rest == NULL)
			return UINT64_MAX;
		ms[i] = (int64_t)timegm(&tm[i]) * 1000;
		if (rest[0] == '.')
			ms[i] += (int64_t)(strtod(rest, NULL) * 1000 + 0.5);
	}
	return ms[1] >= ms[0] ? (uint64_t)(ms[1] - ms[0]) : UINT64_MAX;
}

static void
node_start(struct follow *follow, struct node *node)
{
	if (node->started)
		return;
	node->started = true;
	display_job_started(follow->display, node->shown, 0);
}

static void
node_end(struct follow *follow, struct node *node, const struct json *what)
{
	struct fact fact = {.type = FACT_JOB_ENDED,
			    .look = look_of(json_get_str(what, "outcome"))};
	const char *reason = json_get_str(what, "reason");

	if (node->ended)
		return;
	node->ended = true;
	fact.reason = (char *)(uintptr_t)reason;
	fact.took_ms = between_ms(json_get_str(what, "started_at"), json_get_str(what, "stopped_at"));
	if (fact.took_ms != UINT64_MAX)
		node_start(follow, node);
	node_queue(follow, node, &fact);
}

static void
enter_task(struct follow *follow, struct node *node, const char *id)
{
	struct task_of *known;

	HASH_FIND_STR(follow->tasks, id, known);
	if (known != NULL)
		return;
	known = MEM_NEW(struct task_of);
	(void)snprintf(known->id, sizeof(known->id), "%s", id);
	known->node = node;
	HASH_ADD_STR(follow->tasks, id, known);
}

/* A task that takes the place of an earlier one of the same node begins it anew. */
static void
renew_node(struct node *node, const char *id, int64_t attempt)
{
	bool is_new = strcmp(node->task, id) != 0;

	if (!is_new)
		return;
	(void)snprintf(node->task, sizeof(node->task), "%s", id);
	node->attempt = attempt;
	node->started = node->ended = false;
	node->step = -1;
	free(node->received);
	free(node->received_attempt);
	node->received = NULL;
	node->received_attempt = NULL;
	node->received_count = 0;
	fact_release(&node->failure);
	node->has_failure = false;
}

static void
take_task(struct follow *follow, const struct json *job, const char *job_id,
	  const struct json *task)
{
	const char *id = json_get_str(task, "id"), *state = json_get_str(task, "state");
	int64_t attempt = json_get_int(task, "attempt", 1);
	struct node *node;
	struct id parsed;

	node = node_of(follow, job, job_id, (unsigned)json_get_int(task, "node_index", 0) % 10000);
	if (node == NULL || !id_parse(&parsed, id != NULL ? id : "") || attempt < node->attempt)
		return;
	renew_node(node, id, attempt);
	enter_task(follow, node, id);
	if (json_get_str(task, "started_at") != NULL && !text_eq(state, "queued"))
		node_start(follow, node);
	if (text_eq(state, "ended"))
		node_end(follow, node, task);
}

static void
take_job(struct follow *follow, const struct json *job)
{
	const struct json *tasks = json_get(job, "tasks");
	const char *id = json_get_str(job, "id");
	struct node *node;
	struct id parsed;
	size_t i;

	if (id == NULL || !id_parse(&parsed, id))
		return;
	node = node_of(follow, job, id, 0);
	for (i = 0; i < json_count(tasks); i++)
		take_task(follow, job, id, json_at(tasks, i));
	/* A job that never had a task: not run, canceled while it waited, or of a kind that does not run. */
	if (node != NULL && node->task[0] == '\0' && text_eq(json_get_str(job, "state"), "ended"))
		node_end(follow, node, job);
}

static void
take_step(struct follow *follow, const struct json *line)
{
	const struct json *step = json_get(line, "step");
	const char *id = json_get_str(line, "task"), *name = json_get_str(step, "name");
	const char *outcome = json_get_str(step, "outcome");
	struct fact fact = {.type = FACT_STEP_STARTED};
	struct task_of *task = NULL;
	struct node *node;

	if (id != NULL)
		HASH_FIND_STR(follow->tasks, id, task);
	if (task == NULL || strcmp(task->node->task, id) != 0)
		return;
	node = task->node;
	node_start(follow, node);
	fact.step = (uint32_t)json_get_int(step, "index", 0);
	fact.attempt = (uint32_t)json_get_int(step, "attempt", 1);
	fact.end.step = name != NULL ? name : "";
	if (fact.step >= FOLLOW_STEPS_MOST)
		return;
	(void)node_received(node, fact.step, 0);
	if (!text_eq(json_get_str(step, "state"), "ended")) {
		node_queue(follow, node, &fact);
		return;
	}
	fact.type = FACT_STEP_ENDED;
	fact.output_bytes = (uint64_t)json_get_int(step, "output_bytes", 0);
	fact.end.outcome = outcome != NULL ? outcome : "failed";
	fact.end.exit_code = (int)json_get_int(step, "exit_code", -1);
	fact.end.signal = (int)json_get_int(step, "signal", 0);
	fact.end.wall_ms = (uint64_t)json_get_int(step, "wall_ms", 0);
	node_queue(follow, node, &fact);
}

static void
take_line(struct follow *follow, const struct json *line)
{
	const char *type = json_get_str(line, "type"), *outcome;

	if (text_eq(type, "job")) {
		take_job(follow, json_get(line, "job"));
	} else if (text_eq(type, "step")) {
		take_step(follow, line);
	} else if (text_eq(type, "waiting")) {
		if (json_get_str(line, "message") != NULL)
			display_note(follow->display, json_get_str(line, "message"));
	} else if (text_eq(type, "pipeline") && text_eq(json_get_str(line, "state"), "ended")) {
		outcome = json_get_str(line, "outcome");
		(void)snprintf(follow->outcome, sizeof(follow->outcome), "%s",
			       outcome != NULL ? outcome : "failed");
	}
}

static void
on_watch_data(void *arg, const void *bytes, size_t len)
{
	struct follow *follow = arg;
	struct err err = ERR_INIT;
	const unsigned char *newline;
	struct json *line;
	size_t n;

	if (buffer_append(&follow->line, bytes, len, &err) < 0) {
		fail(follow, &err);
		return;
	}
	while (follow->line.len > 0 && follow->err.code == 0 &&
	       (newline = memchr(follow->line.data, '\n', follow->line.len)) != NULL) {
		n = (size_t)(newline - follow->line.data);
		if (n > 0 && json_parse(&line, follow->line.data, n, &err) < 0 &&
		    err_wrap(&err, "reading the hub's watch") < 0) {
			fail(follow, &err);
			return;
		}
		if (n > 0) {
			take_line(follow, line);
			json_free(line);
		}
		buffer_consume(&follow->line, n + 1);
	}
	follow_want(follow);
}

static void
on_watch_ended(void *arg, const struct err *err)
{
	struct follow *follow = arg;
	struct err own = ERR_INIT;

	if (err == NULL && follow->outcome[0] == '\0' &&
	    err_set(&own, ERR_AGAIN, "the hub ended its watch before the pipeline had ended") < 0)
		err = &own;
	if (err != NULL) {
		fail(follow, err);
		return;
	}
	follow->watch_ended = true;
	follow_want(follow);
}

/* --- what jobs print ------------------------------------------------------------------- */

/* False: it has to wait for what the watch will say, for room, or for the block that is being printed. */
static bool
take_record(void *arg, const struct output_record *record, const void *bytes)
{
	struct follow *follow = arg;
	char id[ID_TEXT_BYTES];
	struct task_of *task;
	struct node *node;
	uint64_t *received;

	if (follow->blocks != NULL || outlet_is_full(follow->outlet))
		return false;
	HASH_FIND_STR(follow->tasks, id_text(id, &record->task), task);
	if (task == NULL)
		return follow->watch_ended;
	node = task->node;
	if (strcmp(node->task, id) != 0)
		return true; /* of an attempt that is history */
	if ((int64_t)record->step > node->step && !follow->watch_ended)
		return false;
	received = node_received(node, record->step, record->attempt);
	if (received == NULL || record->attempt < node->received_attempt[record->step] ||
	    record->offset + record->raw_len <= *received)
		return true;
	display_output(follow->display, node->shown, bytes, record->raw_len);
	*received = record->offset + record->raw_len;
	advance(follow, node);
	return true;
}

static void
on_output_data(void *arg, const void *bytes, size_t len)
{
	struct follow *follow = arg;
	struct err err = ERR_INIT;

	if (records_feed(&follow->records, bytes, len, &err) < 0)
		fail(follow, &err);
	else
		follow_want(follow);
}

static void
on_output_ended(void *arg, const struct err *err)
{
	struct follow *follow = arg;

	if (err != NULL) {
		fail(follow, err);
		return;
	}
	follow->output.call = NULL;
	follow->output_ended = follow->records.held.len == 0;
	follow_want(follow);
}

/* --- a failed step's output, once more ---------------------------------------------------- */

static bool
take_block_record(void *arg, const struct output_record *record, const void *bytes)
{
	struct follow *follow = arg;
	struct block *block = follow->blocks;

	if (outlet_is_full(follow->outlet))
		return false;
	if (record->step != block->failure.step || record->attempt != block->failure.attempt)
		return true;
	if (record->offset + record->raw_len <= block->shown)
		return true;
	display_failure_output(follow->display, bytes, record->raw_len);
	block->shown = record->offset + record->raw_len;
	return true;
}

static void
on_block_data(void *arg, const void *bytes, size_t len)
{
	struct follow *follow = arg;
	struct err err = ERR_INIT;

	if (records_feed(&follow->block_records, bytes, len, &err) < 0)
		fail(follow, &err);
	else
		follow_want(follow);
}

static void
on_block_ended(void *arg, const struct err *err)
{
	struct follow *follow = arg;

	if (err != NULL) {
		fail(follow, err);
		return;
	}
	follow->block_stream_ended = true;
	follow_want(follow);
}

static void
block_start(struct follow *follow)
{
	struct block *block = follow->blocks;
	LOCAL_FREE char *path = NULL;
	char step[16];
	struct err err = ERR_INIT;

	(void)snprintf(step, sizeof(step), "%u", block->failure.step);
	path = api_path("/api/runner/v1/tasks/%s/output?step=%s&follow=1", block->task, step);
	follow->block_stream_ended = false;
	display_failure_begin(follow->display, block->node->shown, &block->failure.end);
	if (records_init(&follow->block_records, take_block_record, follow, &err) < 0 ||
	    api_stream_start(&follow->block_stream, follow->api, path, RUNNER_OUTPUT_TYPE,
			     on_block_data, on_block_ended, follow, &err) < 0)
		fail(follow, &err);
}

static void
block_end(struct follow *follow)
{
	struct block *block = follow->blocks;

	api_stream_stop(&follow->block_stream);
	records_release(&follow->block_records);
	display_failure_end(follow->display);
	follow->blocks = block->next;
	if (follow->blocks == NULL)
		follow->blocks_end = &follow->blocks;
	fact_release(&block->failure);
	free(block);
}

/* The first block is under way while its reader is there. */
static bool
block_is_open(const struct follow *follow)
{
	return follow->block_records.reader != NULL;
}

static void
blocks_want(struct follow *follow)
{
	const struct block *block;

	while ((block = follow->blocks) != NULL && follow->err.code == 0) {
		if (!block_is_open(follow)) {
			block_start(follow);
		} else if (block->shown >= block->failure.output_bytes ||
			   (follow->block_stream_ended && follow->block_records.held.len == 0)) {
			block_end(follow);
			advance_all(follow);
		} else {
			return;
		}
	}
}

/* --- going on ------------------------------------------------------------------------------ */

/* What was held back gets its chance. */
static void
feed_held(struct follow *follow)
{
	struct err err = ERR_INIT;

	if (block_is_open(follow) && records_feed(&follow->block_records, NULL, 0, &err) < 0)
		fail(follow, &err);
	blocks_want(follow);
	if (records_feed(&follow->records, NULL, 0, &err) < 0)
		fail(follow, &err);
	blocks_want(follow);
}

static void
pause_streams(struct follow *follow)
{
	bool full = outlet_is_full(follow->outlet);

	if (full || follow->blocks != NULL || records_is_stopped(&follow->records))
		api_stream_pause(&follow->output);
	else
		api_stream_resume(&follow->output);
	if (full)
		api_stream_pause(&follow->block_stream);
	else
		api_stream_resume(&follow->block_stream);
}

void
follow_want(struct follow *follow)
{
	if (follow->err.code < 0 || follow->records.feeding || follow->block_records.feeding)
		return;
	blocks_want(follow);
	feed_held(follow);
	/* The stream has ended and what it had brought is shown now. */
	if (follow->output.call == NULL && follow->records.held.len == 0)
		follow->output_ended = true;
	if (follow->output_ended)
		advance_all(follow);
	blocks_want(follow);
	pause_streams(follow);
	follow->on_change(follow->arg);
}

/* --- life --------------------------------------------------------------------------------- */

int
follow_start(struct follow **out, const struct follow_options *options, struct err *err)
{
	struct follow *follow = MEM_NEW(struct follow);
	LOCAL_FREE char *watch = api_path("/api/runner/v1/pipelines/%s/watch", options->pipeline);
	LOCAL_FREE char *output =
		api_path("/api/runner/v1/pipelines/%s/output?follow=1", options->pipeline);

	follow->api = options->api;
	follow->display = options->display;
	follow->outlet = options->outlet;
	follow->on_change = options->on_change;
	follow->arg = options->arg;
	follow->pipeline = mem_strdup(options->pipeline);
	follow->blocks_end = &follow->blocks;
	buffer_init(&follow->line, FOLLOW_LINE_MOST_BYTES);
	if (records_init(&follow->records, take_record, follow, err) < 0 ||
	    api_stream_start(&follow->watch, follow->api, watch, NULL, on_watch_data,
			     on_watch_ended, follow, err) < 0 ||
	    api_stream_start(&follow->output, follow->api, output, RUNNER_OUTPUT_TYPE,
			     on_output_data, on_output_ended, follow, err) < 0) {
		follow_free(follow);
		return err->code;
	}
	*out = follow;
	return 0;
}

void
follow_free(struct follow *follow)
{
	struct node *node, *next_node;
	struct task_of *task, *next_task;
	struct block *block;

	if (follow == NULL)
		return;
	api_stream_stop(&follow->watch);
	api_stream_stop(&follow->output);
	api_stream_stop(&follow->block_stream);
	records_release(&follow->records);
	records_release(&follow->block_records);
	buffer_release(&follow->line);
	HASH_ITER(hh, follow->tasks, task, next_task) {
		HASH_DEL(follow->tasks, task);
		free(task);
	}
	HASH_ITER(hh, follow->nodes, node, next_node) {
		HASH_DEL(follow->nodes, node);
		node_free(node);
	}
	while ((block = follow->blocks) != NULL) {
		follow->blocks = block->next;
		fact_release(&block->failure);
		free(block);
	}
	free(follow->pipeline);
	free(follow);
}
