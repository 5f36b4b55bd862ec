/*
 * output.c - what tasks print, to those who read: of one task, or of a whole pipeline as it comes.
 *
 * A feed is one task with a mark for each (step, attempt) that says how far the reader
 * has it. A feed of an active task is read mark by mark, up to what the hub has, since steps
 * may print side by side; one whose task is history, from one end to the other. One
 * read of the store is under way at a time, and only when the client has taken what is queued: what a
 * reader costs does not grow with what it does not read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "hub/api/output_form.h"
#include "hub/api/people.h"
#include "hub/hub.h"
#include "hub/states.h"
#include "http/server.h"

enum {
	OUTPUT_MAGIC = 0x6f757470,
	OUTPUT_QUEUE_MOST_BYTES = 256 * 1024, /* not taken by the client: stop reading */
	OUTPUT_PIECE_BYTES = 256 * 1024,      /* of frames, and */
	OUTPUT_PIECE_RAW_BYTES = 1 << 20,     /* of what they hold, in one read */
	OUTPUT_TASKS_PIECE = 200,	      /* of a pipeline that is history, in one read */
};

struct mark {
	uint32_t step, attempt;
	uint64_t sent;
};

struct feed {
	struct id task;
	struct mark *marks;
	size_t mark_count;
	bool is_wanted;	  /* in the list of those that may have something to read */
	bool is_history;  /* the store alone knows it; read from one end to the other */
	uint32_t step, attempt; /* history: go on there */
	uint64_t from;
	struct feed *next;
	UT_hash_handle hh;
};

struct output_stream {
	uint32_t magic;
	struct call *call; /* NULL: the client has gone, a read is under way */
	struct output_form *form;
	struct watcher watcher;
	struct id pipeline, task;
	bool whole_pipeline;
	bool follow;
	bool one_step;
	uint32_t step, attempt; /* one_step: only that, and only this attempt where not 0 */
	uint64_t from;
	bool started, reading;
	bool listing; /* more tasks of a pipeline that is history are to be listed */
	size_t listed;
	struct feed *feeds, *wanted, **wanted_end;
	struct feed *current; /* of the read under way */
	struct buffer out;
};

static void output_want(struct output_stream *stream);

/* --- life -------------------------------------------------------------------------------------------- */

static void
stream_free(struct output_stream *stream)
{
	struct feed *feed, *next;

	watcher_stop(&stream->watcher);
	HASH_ITER(hh, stream->feeds, feed, next) {
		HASH_DEL(stream->feeds, feed);
		free(feed->marks);
		free(feed);
	}
	output_form_free(stream->form);
	buffer_release(&stream->out);
	OBJ_WIPE(stream);
	free(stream);
}

static void
on_close(struct call *call)
{
	struct output_stream *stream = call->user;

	OBJ_CHECK(stream, OUTPUT_MAGIC);
	stream->call = NULL;
	watcher_stop(&stream->watcher);
	call_drop(call);
	if (!stream->reading)
		stream_free(stream);
}

static void
finish(struct output_stream *stream)
{
	struct call *call = stream->call;

	stream->call = NULL;
	call_stream_end(call);
	stream_free(stream);
}

static void
on_drain(struct call *call)
{
	output_want(call->user);
}

static void
start_reply(struct output_stream *stream)
{
	struct http_request *request = stream->call->request;

	if (stream->started)
		return;
	stream->started = true;
	if (request != NULL) {
		http_reply_add_header(request, "vary", "accept, accept-encoding");
		if (output_form_kind(stream->form) == OUTPUT_ZSTD)
			http_reply_add_header(request, "content-encoding", "zstd");
	}
	call_stream_start(stream->call, 200, output_form_type(stream->form));
	call_stream_on_drain(stream->call, on_drain);
}

/* --- feeds ---------------------------------------------------------------------------------------------- */

static struct feed *
feed_of(struct output_stream *stream, const struct id *task)
{
	struct feed *feed;

	HASH_FIND(hh, stream->feeds, task, sizeof(*task), feed);
	if (feed != NULL)
		return feed;
	feed = MEM_NEW(struct feed);
	feed->task = *task;
	HASH_ADD(hh, stream->feeds, task, sizeof(feed->task), feed);
	return feed;
}

static void
feed_want(struct output_stream *stream, struct feed *feed)
{
	if (feed->is_wanted)
		return;
	feed->is_wanted = true;
	feed->next = NULL;
	*stream->wanted_end = feed;
	stream->wanted_end = &feed->next;
}

static void
feed_unwant_first(struct output_stream *stream)
{
	struct feed *feed = stream->wanted;

	feed->is_wanted = false;
	stream->wanted = feed->next;
	if (stream->wanted == NULL)
		stream->wanted_end = &stream->wanted;
}

static struct mark *
feed_mark(struct output_stream *stream, struct feed *feed, uint32_t step, uint32_t attempt)
{
	struct mark *mark;
	size_t i;

	for (i = feed->mark_count; i > 0; i--)
		if (feed->marks[i - 1].step == step && feed->marks[i - 1].attempt == attempt)
			return &feed->marks[i - 1];
	feed->marks = mem_resize(feed->marks, feed->mark_count + 1, sizeof(*feed->marks));
	mark = &feed->marks[feed->mark_count++];
	/* "from" is of the first attempt asked for. */
	*mark = (struct mark){step, attempt, 0};
	if (stream->one_step && attempt == (stream->attempt != 0 ? stream->attempt : 1))
		mark->sent = stream->from;
	return mark;
}

static bool
is_asked_for(const struct output_stream *stream, uint32_t step, uint32_t attempt)
{
	if (!stream->one_step)
		return true;
	return step == stream->step && (stream->attempt == 0 || attempt == stream->attempt);
}

/* A place of an active task where the hub has more than the reader. */
static struct mark *
feed_lack(struct output_stream *stream, struct feed *feed, const struct task *task)
{
	const struct position *position;
	struct mark *mark;
	size_t i;

	for (i = 0; i < task->position_count; i++) {
		position = &task->positions[i];
		if (!is_asked_for(stream, position->step, position->attempt))
			continue;
		mark = feed_mark(stream, feed, position->step, position->attempt);
		if (mark->sent < position->offset)
			return mark;
	}
	return NULL;
}

/* --- reading ---------------------------------------------------------------------------------------------- */

static bool
is_full(const struct output_stream *stream)
{
	return call_stream_queued(stream->call) > OUTPUT_QUEUE_MOST_BYTES;
}

/* One record. False: it is damaged, and the stream is broken off. */
static bool
send_record(struct output_stream *stream, struct feed *feed, const struct output_row *row,
	    const unsigned char *frame)
{
	struct mark *mark = feed_mark(stream, feed, row->step, row->attempt);
	struct err err = ERR_INIT;

	feed->step = row->step;
	feed->attempt = row->attempt;
	feed->from = row->offset + row->raw_len;
	if (!is_asked_for(stream, row->step, row->attempt) || feed->from <= mark->sent)
		return true;
	if (output_form_add(stream->form, &stream->out, row, frame, mark->sent, &err) < 0) {
		log_error("cannot send output: %s", err.text);
		return false;
	}
	mark->sent = feed->from;
	return true;
}

static bool
send_records(struct output_stream *stream, struct feed *feed, const struct store_op *op)
{
	const unsigned char *frame = op->bytes;
	size_t i;

	buffer_clear(&stream->out);
	for (i = 0; i < op->count; i++) {
		if (!send_record(stream, feed, &op->outputs[i], frame))
			return false;
		frame += op->outputs[i].frame_len;
	}
	if (stream->out.len > 0)
		(void)call_stream_write(stream->call, stream->out.data, stream->out.len);
	return true;
}

static void
on_records(void *arg, struct store_op *op)
{
	struct output_stream *stream = arg;
	struct feed *feed = stream->current;

	OBJ_CHECK(stream, OUTPUT_MAGIC);
	stream->reading = false;
	if (stream->call == NULL) {
		stream_free(stream);
		return;
	}
	start_reply(stream);
	if (!send_records(stream, feed, op)) {
		struct call *call = stream->call;

		stream->call = NULL;
		call_stream_abort(call);
		stream_free(stream);
		return;
	}
	if (feed->is_history ? op->more : op->count > 0)
		feed_want(stream, feed);
	output_want(stream);
}

static void
read_output(struct output_stream *stream, struct feed *feed, bool one_step, uint32_t step,
	    uint32_t attempt, uint64_t from)
{
	struct store_op *op = store_op_new(STORE_READ_OUTPUT);

	op->output_query.task = feed->task;
	op->output_query.one_step = one_step;
	op->output_query.step = step;
	op->output_query.attempt = attempt;
	op->output_query.from = from;
	op->output_query.most_bytes = OUTPUT_PIECE_BYTES;
	op->output_query.most_raw_bytes = OUTPUT_PIECE_RAW_BYTES;
	stream->current = feed;
	stream->reading = true;
	store_submit(stream->call->hub->store, op, on_records, stream);
}

/* Begin a read of the first feed that lacks something. False: none does. */
static bool
read_next(struct output_stream *stream)
{
	const struct task *task;
	struct feed *feed;
	struct mark *mark;

	while ((feed = stream->wanted) != NULL) {
		feed_unwant_first(stream);
		if (feed->is_history) {
			read_output(stream, feed, stream->one_step, feed->step, feed->attempt,
				    feed->from);
			return true;
		}
		task = model_task(&stream->call->hub->model, &feed->task);
		mark = task != NULL ? feed_lack(stream, feed, task) : NULL;
		if (mark != NULL) {
			read_output(stream, feed, true, mark->step, mark->attempt, mark->sent);
			return true;
		}
	}
	return false;
}

/* --- tasks of a pipeline that is history ------------------------------------------------------------------ */

static void
add_history(struct output_stream *stream, const struct id *task)
{
	struct feed *feed = feed_of(stream, task);

	feed->is_history = true;
	if (stream->one_step) {
		feed->step = stream->step;
		feed->attempt = stream->attempt;
		feed->from = stream->from;
	}
	feed_want(stream, feed);
}

/* A pipeline without tasks, or no pipeline. */
static void
on_pipeline(void *arg, struct store_op *op)
{
	struct output_stream *stream = arg;

	OBJ_CHECK(stream, OUTPUT_MAGIC);
	stream->reading = false;
	if (stream->call == NULL) {
		stream_free(stream);
	} else if (op->count == 0) {
		people_not_found(stream->call, "pipeline");
		stream_free(stream);
	} else {
		stream->listing = false;
		output_want(stream);
	}
}

static void
on_none(struct output_stream *stream)
{
	struct store_op *op;

	if (!stream->whole_pipeline) {
		people_not_found(stream->call, "task");
		stream_free(stream);
		return;
	}
	op = people_list(STORE_LIST_PIPELINES, 1);
	op->query.by_id = true;
	op->query.id = stream->pipeline;
	stream->reading = true;
	store_submit(stream->call->hub->store, op, on_pipeline, stream);
}

static void
on_tasks(void *arg, struct store_op *op)
{
	struct output_stream *stream = arg;
	size_t i;

	OBJ_CHECK(stream, OUTPUT_MAGIC);
	stream->reading = false;
	if (stream->call == NULL) {
		stream_free(stream);
		return;
	}
	if (op->count == 0 && stream->listed == 0) {
		on_none(stream);
		return;
	}
	for (i = 0; i < op->count; i++)
		add_history(stream, &op->tasks[i].id);
	stream->listed += op->count;
	stream->listing = op->more;
	output_want(stream);
}

static void
list_tasks(struct output_stream *stream)
{
	struct store_op *op = people_list(STORE_LIST_TASKS, OUTPUT_TASKS_PIECE);

	op->query.by_pipeline = stream->whole_pipeline;
	op->query.pipeline = stream->pipeline;
	op->query.by_id = !stream->whole_pipeline;
	op->query.id = stream->task;
	op->query.skip = stream->listed;
	stream->reading = true;
	store_submit(stream->call->hub->store, op, on_tasks, stream);
}

/* --- going on ------------------------------------------------------------------------------------------------ */

/* No more will come, as far as the model knows. */
static bool
is_complete(const struct output_stream *stream)
{
	const struct pipeline *pipeline = stream->watcher.pipeline;
	const struct task *task;
	size_t i, j, k;

	if (pipeline == NULL || !stream->follow)
		return true;
	if (!stream->whole_pipeline) {
		task = model_task(pipeline->model, &stream->task);
		return task == NULL || task_output_is_complete(task);
	}
	if (pipeline->row.state != PIPELINE_ENDED)
		return false;
	for (i = 0; i < pipeline->workflow_count; i++)
		for (j = 0; j < pipeline->workflows[i]->job_count; j++)
			for (k = 0; k < pipeline->workflows[i]->jobs[j]->task_count; k++)
				if (!task_output_is_complete(pipeline->workflows[i]->jobs[j]->tasks[k]))
					return false;
	return true;
}

/* Read on, if there is something to read and room for it; end when all is sent. */
static void
output_want(struct output_stream *stream)
{
	if (stream->reading || (stream->started && is_full(stream)))
		return;
	if (read_next(stream))
		return;
	if (stream->listing) {
		list_tasks(stream);
		return;
	}
	start_reply(stream);
	if (is_complete(stream))
		finish(stream);
}

static void
on_change(void *arg, const struct change *change)
{
	struct output_stream *stream = arg;

	OBJ_CHECK(stream, OUTPUT_MAGIC);
	if (change->task != NULL &&
	    (stream->whole_pipeline || id_eq(&change->task->row.id, &stream->task)))
		feed_want(stream, feed_of(stream, &change->task->row.id));
	output_want(stream);
}

/* --- the requests ---------------------------------------------------------------------------------------------- */

static struct output_stream *
stream_new(struct call *call, enum output_form_kind kind)
{
	struct output_stream *stream = MEM_NEW(struct output_stream);
	const char *follow = call_query(call, "follow");
	struct err err = ERR_INIT;

	stream->magic = OUTPUT_MAGIC;
	stream->call = call;
	stream->wanted_end = &stream->wanted;
	stream->follow = follow != NULL && !text_eq(follow, "0") && !text_eq(follow, "false");
	if (output_form_new(&stream->form, kind, &err) < 0) {
		call_reply_err(call, &err);
		stream_free(stream);
		return NULL;
	}
	call->user = stream;
	return stream;
}

/* The pipeline is in memory: hear of what comes, and send what is there. */
static void
begin_active(struct output_stream *stream, struct pipeline *pipeline)
{
	const struct job *job;
	size_t i, j, k;

	watcher_start(&stream->watcher, pipeline, on_change, stream);
	if (!stream->whole_pipeline) {
		feed_want(stream, feed_of(stream, &stream->task));
		return;
	}
	for (i = 0; i < pipeline->workflow_count; i++)
		for (j = 0; j < pipeline->workflows[i]->job_count; j++) {
			job = pipeline->workflows[i]->jobs[j];
			for (k = 0; k < job->task_count; k++)
				if (job->tasks[k]->position_count > 0)
					feed_want(stream, feed_of(stream, &job->tasks[k]->row.id));
		}
}

static void
begin(struct output_stream *stream, struct pipeline *pipeline)
{
	call_on_close(stream->call, on_close);
	if (pipeline != NULL)
		begin_active(stream, pipeline);
	else
		stream->listing = true;
	output_want(stream);
}

static void
pipeline_output(struct call *call)
{
	struct output_stream *stream;
	struct id id;

	if (!call_var_id(call, 0, &id))
		return;
	stream = stream_new(call, OUTPUT_RECORDS);
	if (stream == NULL)
		return;
	stream->whole_pipeline = true;
	stream->pipeline = id;
	begin(stream, model_pipeline(&call->hub->model, &id));
}

/* step=, attempt=, from=. False: the reply is sent. */
static bool
read_choice(struct call *call, struct output_stream *choice)
{
	const char *step = call_query(call, "step");
	int64_t number, attempt, from;

	if (!people_number(call, "step", 0, RUNNER_TASK_STEPS_MOST, &number) ||
	    !people_number(call, "attempt", 0, MODEL_ATTEMPTS_MOST, &attempt) ||
	    !people_number(call, "from", 0, INT64_MAX, &from))
		return false;
	choice->one_step = step != NULL && step[0] != '\0';
	choice->step = (uint32_t)number;
	choice->attempt = (uint32_t)attempt;
	choice->from = (uint64_t)from;
	if (choice->one_step || (attempt == 0 && from == 0))
		return true;
	call_reply_message(call, 400, "'attempt' and 'from' are of one step: say 'step', too");
	return false;
}

static void
task_output(struct call *call)
{
	struct output_stream *stream, choice = {0};
	enum output_form_kind kind;
	const struct task *task;
	struct id id;

	if (!call_var_id(call, 0, &id) || !read_choice(call, &choice))
		return;
	kind = output_form_choose(http_request_header(call->request, "accept"),
				  http_request_header(call->request, "accept-encoding"));
	stream = stream_new(call, kind);
	if (stream == NULL)
		return;
	stream->task = id;
	stream->one_step = choice.one_step;
	stream->step = choice.step;
	stream->attempt = choice.attempt;
	stream->from = choice.from;
	task = model_task(&call->hub->model, &id);
	begin(stream, task != NULL ? task->job->workflow->pipeline : NULL);
}

const struct route output_routes[] = {
	{"GET", "/api/runner/v1/pipelines/{id}/output", WHO_PERSON, pipeline_output},
	{"GET", "/api/runner/v1/tasks/{id}/output", WHO_PERSON, task_output},
	{NULL, NULL, WHO_ANYONE, NULL},
};
