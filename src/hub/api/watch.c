/*
 * watch.c - "pipelines/{id}/watch": every change of a pipeline, one JSON line each.
 *
 * A stream is either up to date, then each change is written as it is told, or behind, then what
 * it lacks is read from the store, a piece at a time, when the client has taken what is
 * queued. A reader that stops reading therefore costs one piece, and the same way serves
 * a watch begun late, gone on with ("after") or begun after the end.
 *
 * A reader hears of a task before its steps: where rows have moved on since, the task is
 * introduced as it once was queued.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "hub/api/people.h"
#include "hub/api/views.h"
#include "hub/hub.h"
#include "task/names.h"

enum {
	WATCH_MAGIC = 0x77617463,
	WATCH_QUEUE_MOST_BYTES = 256 * 1024, /* not taken by the client: fall behind */
	WATCH_PIECE = 500,		     /* rows of one read */
};

/* A task the reader has heard of. */
struct told_task {
	struct id id;
	UT_hash_handle hh;
};

/* A class whose jobs wait for an agent, as the reader knows. */
struct told_class {
	char *name;
	struct told_class *next;
};

struct watch_stream {
	uint32_t magic;
	struct call *call; /* NULL: the client has gone, a read is under way */
	struct id pipeline;
	struct watcher watcher;
	uint64_t sent;	/* the reader has all up to this number */
	bool started;	/* the reply has begun */
	bool behind;	/* the store has more than was sent */
	bool reading;	/* an operation of the store is under way */
	bool stale;	/* what waits may have changed unheard */
	struct told_task *tasks;
	struct told_class *classes;
	struct buffer line;
};

static void stream_want(struct watch_stream *stream);

/* --- life ------------------------------------------------------------------------------------------ */

static void
forget_told(struct watch_stream *stream)
{
	struct told_task *task, *next_task;
	struct told_class *class;

	HASH_ITER(hh, stream->tasks, task, next_task) {
		HASH_DEL(stream->tasks, task);
		free(task);
	}
	while ((class = stream->classes) != NULL) {
		stream->classes = class->next;
		free(class->name);
		free(class);
	}
}

static void
stream_free(struct watch_stream *stream)
{
	watcher_stop(&stream->watcher);
	forget_told(stream);
	buffer_release(&stream->line);
	OBJ_WIPE(stream);
	free(stream);
}

/* The client has gone. What is being read comes back to nobody. */
static void
on_close(struct call *call)
{
	struct watch_stream *stream = call->user;

	OBJ_CHECK(stream, WATCH_MAGIC);
	stream->call = NULL;
	watcher_stop(&stream->watcher);
	call_drop(call);
	if (!stream->reading)
		stream_free(stream);
}

static void
finish(struct watch_stream *stream)
{
	struct call *call = stream->call;

	stream->call = NULL;
	call_stream_end(call);
	stream_free(stream);
}

/* --- lines ----------------------------------------------------------------------------------------- */

static struct json *
line_new(uint64_t seq, const char *type)
{
	struct json *line = json_new_object();

	json_put_int(line, "seq", (int64_t)seq);
	json_put_str(line, "type", type);
	return line;
}

static void
send_line(struct watch_stream *stream, struct json *line)
{
	buffer_clear(&stream->line);
	json_write(&stream->line, line);
	buffer_puts(&stream->line, "\n");
	json_free(line);
	(void)call_stream_write(stream->call, stream->line.data, stream->line.len);
}

/* job with those of its tasks that the line is about. */
static void
send_job(struct watch_stream *stream, uint64_t seq, const struct job_row *job,
	 const struct task_row *task)
{
	struct json *line = line_new(seq, "job"), *tasks = json_new_array();
	struct json *view = view_job(job, people_waiting(stream->call, &job->id));

	if (task != NULL)
		json_push(tasks, view_task(task));
	json_put(view, "tasks", tasks);
	json_put(line, "job", view);
	send_line(stream, line);
}

/* True when the reader had not heard of it before. */
static bool
note_task(struct watch_stream *stream, const struct id *id)
{
	struct told_task *told;

	HASH_FIND(hh, stream->tasks, id, sizeof(*id), told);
	if (told != NULL)
		return false;
	told = MEM_NEW(struct told_task);
	told->id = *id;
	HASH_ADD(hh, stream->tasks, id, sizeof(told->id), told);
	return true;
}

/* As it was queued: how far it has come since is told in its turn. */
static void
introduce(struct watch_stream *stream, const struct job_row *job, const struct task_row *task)
{
	struct task_row queued = *task;
	struct job_row begun = *job;

	if (!note_task(stream, &task->id))
		return;
	queued.state = HUB_QUEUED;
	queued.outcome = OUTCOME_NONE;
	queued.reason[0] = queued.agent_name[0] = '\0';
	queued.epoch = 0;
	queued.leased_ms = queued.started_ms = queued.ended_ms = 0;
	begun.state = JOB_QUEUED;
	begun.outcome = OUTCOME_NONE;
	begun.reason[0] = begun.by[0] = '\0';
	begun.started_ms = begun.ended_ms = 0;
	send_job(stream, stream->sent, &begun, &queued);
}

static void
send_step(struct watch_stream *stream, uint64_t seq, const struct job_row *job,
	  const struct task_row *task, const struct step_row *step)
{
	struct json *line = line_new(seq, "step");

	introduce(stream, job, task);
	view_put_id(line, "task", &task->id);
	view_put_id(line, "job", &job->id);
	json_put(line, "step", view_step(step));
	send_line(stream, line);
}

static void
send_workflow(struct watch_stream *stream, uint64_t seq, const struct workflow_row *row)
{
	struct json *line = line_new(seq, "workflow"), *workflow = json_new_object();

	view_put_id(workflow, "id", &row->id);
	json_put_str(workflow, "name", row->name);
	json_put_str(workflow, "state", workflow_state_name(row->state));
	json_put_str(workflow, "outcome",
		     row->state == WORKFLOW_ENDED ? outcome_name(row->outcome) : NULL);
	json_put_time(workflow, "created_at", row->created_ms);
	json_put_time(workflow, "stopped_at", row->ended_ms);
	json_put(line, "workflow", workflow);
	send_line(stream, line);
}

static void
send_pipeline(struct watch_stream *stream, uint64_t seq, const struct pipeline_row *row)
{
	struct json *line = line_new(seq, "pipeline");

	view_put_id(line, "id", &row->id);
	json_put_int(line, "number", row->number);
	json_put_str(line, "state", pipeline_state_name(row->state));
	json_put_str(line, "outcome",
		     row->state == PIPELINE_ENDED ? outcome_name(row->outcome) : NULL);
	send_line(stream, line);
}

/* --- classes without an agent ------------------------------------------------------------------------ */

static void
send_waiting(struct watch_stream *stream, uint64_t seq, const char *class, const char *message)
{
	struct json *line = line_new(seq, "waiting");

	json_put_str(line, "resource_class", class);
	json_put_str(line, "message", message);
	send_line(stream, line);
}

/* Many jobs wait for one class: the reader is told once. */
static void
tell_waiting(struct watch_stream *stream, uint64_t seq, const char *class, const char *message)
{
	struct told_class **at, *told;

	if (class == NULL)
		class = "";
	for (at = &stream->classes; *at != NULL; at = &(*at)->next)
		if (strcmp((*at)->name, class) == 0)
			break;
	told = *at;
	if ((told != NULL) == (message != NULL))
		return;
	if (told != NULL) {
		*at = told->next;
		free(told->name);
		free(told);
	} else {
		told = MEM_NEW(struct told_class);
		told->name = mem_strdup(class);
		told->next = stream->classes;
		stream->classes = told;
	}
	send_waiting(stream, seq, class, message);
}

static bool
still_waits(const struct pipeline *pipeline, const char *class)
{
	const struct job *job;
	size_t i, j;

	for (i = 0; i < pipeline->workflow_count; i++)
		for (j = 0; j < pipeline->workflows[i]->job_count; j++) {
			job = pipeline->workflows[i]->jobs[j];
			if (job->waiting != NULL && text_eq(job->row.resource_class, class))
				return true;
		}
	return false;
}

/* After a time of not hearing: what waits now, and what no longer does. */
static void
tell_all_waiting(struct watch_stream *stream)
{
	const struct pipeline *pipeline = stream->watcher.pipeline;
	struct told_class *told, *next;
	const struct job *job;
	size_t i, j;

	stream->stale = false;
	if (pipeline == NULL)
		return;
	for (told = stream->classes; told != NULL; told = next) {
		next = told->next;
		if (!still_waits(pipeline, told->name))
			tell_waiting(stream, stream->sent, told->name, NULL);
	}
	for (i = 0; i < pipeline->workflow_count; i++)
		for (j = 0; j < pipeline->workflows[i]->job_count; j++) {
			job = pipeline->workflows[i]->jobs[j];
			if (job->waiting != NULL)
				tell_waiting(stream, stream->sent, job->row.resource_class,
					     job->waiting);
		}
}

/* --- behind: from the store ------------------------------------------------------------------------------ */

static bool
is_full(const struct watch_stream *stream)
{
	return call_stream_queued(stream->call) > WATCH_QUEUE_MOST_BYTES;
}

static void
send_change(struct watch_stream *stream, const struct store_change *change)
{
	if (change->workflow != NULL) {
		send_workflow(stream, change->seq, change->workflow);
	} else if (change->step != NULL) {
		send_step(stream, change->seq, change->job, change->task, change->step);
	} else {
		if (change->task != NULL)
			(void)note_task(stream, &change->task->id);
		send_job(stream, change->seq, change->job, change->task);
	}
	stream->sent = change->seq;
}

static void
send_changes(struct watch_stream *stream, const struct store_op *op)
{
	size_t i;

	for (i = 0; i < op->count && !is_full(stream); i++)
		send_change(stream, &op->changes[i]);
	if (i < op->count || op->more)
		stream->behind = true;
}

static void
on_drain(struct call *call)
{
	stream_want(call->user);
}

static void
on_changes(void *arg, struct store_op *op)
{
	struct watch_stream *stream = arg;

	OBJ_CHECK(stream, WATCH_MAGIC);
	stream->reading = false;
	if (stream->call == NULL) {
		stream_free(stream);
		return;
	}
	if (!op->found) {
		people_not_found(stream->call, "pipeline");
		stream_free(stream);
		return;
	}
	if (!stream->started) {
		stream->started = true;
		call_stream_start(stream->call, 200, "application/x-ndjson");
		call_stream_on_drain(stream->call, on_drain);
	}
	send_changes(stream, op);
	if (!stream->behind && op->pipelines[0].state == PIPELINE_ENDED) {
		send_pipeline(stream, op->pipelines[0].seq, &op->pipelines[0]);
		finish(stream);
		return;
	}
	if (!stream->behind && stream->stale)
		tell_all_waiting(stream);
	stream_want(stream);
}

/* Read on, if there is something to read and room for it. */
static void
stream_want(struct watch_stream *stream)
{
	struct store_op *op;

	if (!stream->behind || stream->reading || (stream->started && is_full(stream)))
		return;
	stream->behind = false;
	stream->reading = true;
	op = store_op_new(STORE_LIST_CHANGES);
	op->change_query.pipeline = stream->pipeline;
	op->change_query.after = stream->sent;
	op->change_query.limit = WATCH_PIECE;
	store_submit(stream->call->hub->store, op, on_changes, stream);
}

/* --- up to date: as it is told ------------------------------------------------------------------------------- */

static void
send_live(struct watch_stream *stream, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_PIPELINE:
		send_pipeline(stream, change->seq, &change->pipeline->row);
		break;
	case CHANGE_WORKFLOW:
		send_workflow(stream, change->seq, &change->workflow->row);
		break;
	case CHANGE_JOB:
		send_job(stream, change->seq, &change->job->row, NULL);
		break;
	case CHANGE_TASK:
		(void)note_task(stream, &change->task->row.id);
		send_job(stream, change->seq, &change->job->row, &change->task->row);
		break;
	case CHANGE_STEP:
		send_step(stream, change->seq, &change->job->row, &change->task->row,
			  &change->step->row);
		break;
	case CHANGE_WAITING:
		tell_waiting(stream, change->seq, change->resource_class, change->message);
		break;
	case CHANGE_OUTPUT:
		return;
	}
	stream->sent = change->seq;
}

static void
on_change(void *arg, const struct change *change)
{
	struct watch_stream *stream = arg;

	OBJ_CHECK(stream, WATCH_MAGIC);
	if (change->kind == CHANGE_OUTPUT)
		return;
	if (stream->reading || stream->behind || is_full(stream)) {
		stream->behind = true;
		stream->stale = stream->stale || change->kind == CHANGE_WAITING;
		stream_want(stream);
		return;
	}
	if (change->seq <= stream->sent)
		return;
	send_live(stream, change);
	if (change->kind == CHANGE_PIPELINE && change->pipeline->row.state == PIPELINE_ENDED)
		finish(stream);
}

/* --- the request ---------------------------------------------------------------------------------------------- */

static void
watch_pipeline(struct call *call)
{
	struct watch_stream *stream;
	struct pipeline *pipeline;
	struct id id;
	int64_t after;

	if (!call_var_id(call, 0, &id) || !people_number(call, "after", 0, INT64_MAX, &after))
		return;
	stream = MEM_NEW(struct watch_stream);
	stream->magic = WATCH_MAGIC;
	stream->call = call;
	stream->pipeline = id;
	stream->sent = (uint64_t)after;
	stream->behind = stream->stale = true;
	call->user = stream;
	call_on_close(call, on_close);
	pipeline = model_pipeline(&call->hub->model, &id);
	if (pipeline != NULL)
		watcher_start(&stream->watcher, pipeline, on_change, stream);
	stream_want(stream);
}

const struct route watch_routes[] = {
	{"GET", "/api/runner/v1/pipelines/{id}/watch", WHO_PERSON, watch_pipeline},
	{NULL, NULL, WHO_ANYONE, NULL},
};
