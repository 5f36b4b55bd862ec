/*
 * output_stream.c - a reply that carries output.
 *
 * A feed is one task with a mark for each (step, attempt) that says how far the reader
 * has it. A feed of an active task is read mark by mark, up to what the hub has, since steps
 * may print side by side; one whose task is history, from one end to the other. One
 * read of the store is under way at a time, and only when the client has taken what is queued: what
 * a reader costs does not grow with what it does not read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/output_stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/api/people.h"
#include "hub/hub.h"
#include "hub/states.h"
#include "http/server.h"

enum {
	STREAM_MAGIC = 0x6f757470,
	STREAM_QUEUE_MOST_BYTES = 256 * 1024, /* not taken by the client: stop reading */
	STREAM_PIECE_BYTES = 256 * 1024,      /* of frames, and */
	STREAM_PIECE_RAW_BYTES = 1 << 20,     /* of what they hold, in one read */
	STREAM_PACKED_RAW_BYTES =
		128 * 1024, /* the same where it is packed anew: 2 ms of the loop */
	STREAM_INDEX_PIECE_RAW_BYTES = 64 << 20, /* the same where only its index is read */
	STREAM_TASKS_PIECE = 200,		 /* of a pipeline that is history, in one read */
	STREAM_KEEP_ALIVE_MS = 15 * 1000,
};

const char output_deleted_text[] =
	"the output of this task was deleted: it was older than output is kept here";

static void output_want(struct output_stream *stream);

/* --- life
 * -------------------------------------------------------------------------------------------- */

void
output_stream_free(struct output_stream *stream)
{
	struct feed *feed, *next;

	stream->hub->readers--;
	watcher_stop(&stream->watcher);
	HASH_ITER (hh, stream->feeds, feed, next) {
		HASH_DEL(stream->feeds, feed);
		marks_release(&feed->marks);
		free(feed);
	}
	output_form_free(stream->form);
	timer_release(&stream->keep_alive);
	marks_release(&stream->have);
	buffer_release(&stream->out);
	OBJ_WIPE(stream);
	free(stream);
}

static void
on_close(struct call *call)
{
	struct output_stream *stream = call->user;

	OBJ_CHECK(stream, STREAM_MAGIC);
	stream->call = NULL;
	watcher_stop(&stream->watcher);
	call_drop(call);
	if (!stream->reading)
		output_stream_free(stream);
}

static void
on_drain(struct call *call)
{
	output_want(call->user);
}

/* Whoever stands between drops a connection on which nothing moves. */
static void
on_keep_alive(void *arg)
{
	static const char comment[] = ": keep-alive\n\n";
	struct output_stream *stream = arg;

	OBJ_CHECK(stream, STREAM_MAGIC);
	timer_start_ms(&stream->keep_alive, STREAM_KEEP_ALIVE_MS);
	if (stream->call != NULL && call_stream_queued(stream->call) == 0)
		(void)call_stream_write(stream->call, comment, sizeof(comment) - 1);
}

static void
start_events(struct output_stream *stream)
{
	static const char retry[] = "retry: 1000\n\n";

	(void)call_stream_write(stream->call, retry, sizeof(retry) - 1);
	timer_start_ms(&stream->keep_alive, STREAM_KEEP_ALIVE_MS);
}

static void
start_reply(struct output_stream *stream)
{
	struct http_request *request = stream->call->request;
	const char *encoding = output_form_encoding(stream->form);

	if (stream->started)
		return;
	stream->started = true;
	if (request != NULL) {
		http_reply_add_header(request, "vary", "accept, accept-encoding");
		if (encoding != NULL)
			http_reply_add_header(request, "content-encoding", encoding);
		if (output_form_kind(stream->form) == OUTPUT_EVENTS)
			http_reply_add_header(request, "cache-control", "no-store");
	}
	call_stream_start(stream->call, stream->status, output_form_type(stream->form));
	call_stream_on_drain(stream->call, on_drain);
	if (output_form_kind(stream->form) == OUTPUT_EVENTS)
		start_events(stream);
}

/* --- feeds
 * ---------------------------------------------------------------------------------------------- */

static struct feed *
feed_of(struct output_stream *stream, const struct id *task)
{
	struct feed *feed;

	HASH_FIND(hh, stream->feeds, task, sizeof(*task), feed);
	if (feed != NULL)
		return feed;
	feed = MEM_NEW(struct feed);
	feed->task = *task;
	marks_copy(&feed->marks, &stream->have);
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
	uint32_t first = stream->attempt != 0 ? stream->attempt : stream->first_attempt;
	struct mark *mark = marks_find(&feed->marks, step, attempt);

	if (mark != NULL)
		return mark;
	/* "from" is of the first attempt asked for. */
	return marks_add(&feed->marks, step, attempt,
			 stream->one_step && attempt == first ? stream->from : 0);
}

static bool
is_asked_for(const struct output_stream *stream, uint32_t step, uint32_t attempt)
{
	if (!stream->one_step)
		return true;
	if (stream->attempt != 0)
		return step == stream->step && attempt == stream->attempt;
	return step == stream->step && attempt >= stream->first_attempt;
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

/* --- reading
 * ---------------------------------------------------------------------------------------------- */

static bool
is_full(const struct output_stream *stream)
{
	return call_stream_queued(stream->call) > STREAM_QUEUE_MOST_BYTES;
}

/* The id of the event to come: all that the reader has then. */
static void
put_event_id(struct output_stream *stream, struct feed *feed, bool is_end)
{
	feed->marks.is_end = is_end;
	buffer_puts(&stream->out, "id: ");
	marks_write(&feed->marks, &stream->out);
	buffer_puts(&stream->out, "\n");
}

/* What of a record belongs to what is asked for: from *from up to *until. */
static int
choose_part(struct output_stream *stream, const struct output_row *row, const unsigned char *frame,
	    uint64_t sent, size_t *from, size_t *until, struct err *err)
{
	uint64_t end = row->offset + row->raw_len;
	const unsigned char *bytes;

	*from = sent > row->offset ? (size_t)(sent - row->offset) : 0;
	*until = row->raw_len;
	if (stream->until < end)
		*until = stream->until > row->offset ? (size_t)(stream->until - row->offset) : 0;
	stream->is_over = stream->until <= end;
	if (!line_window_cuts(&stream->lines, row->lines)) {
		if (!line_window_pass(&stream->lines, row->lines))
			*until = *from;
		return 0;
	}
	if (output_form_bytes(stream->form, row, frame, &bytes, err) < 0)
		return err->code;
	line_window_cut(&stream->lines, bytes, row->raw_len, from, until);
	stream->is_over = stream->is_over || line_window_is_over(&stream->lines);
	return 0;
}

static int
add_record(struct output_stream *stream, struct feed *feed, struct mark *mark,
	   const struct output_row *row, const unsigned char *frame, struct err *err)
{
	uint64_t sent = mark->sent;
	size_t from, until;
	int rc;

	rc = choose_part(stream, row, frame, sent, &from, &until, err);
	if (rc < 0)
		return rc;
	mark->sent = row->offset + row->raw_len;
	if (from < until && output_form_kind(stream->form) == OUTPUT_EVENTS)
		put_event_id(stream, feed, false);
	return output_form_add(stream->form, &stream->out, row, frame, from, until, err);
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
	if (add_record(stream, feed, mark, row, frame, &err) < 0) {
		log_error("cannot send output: %s", err.text);
		return false;
	}
	return true;
}

static bool
send_records(struct output_stream *stream, struct feed *feed, const struct store_op *op)
{
	const unsigned char *frame = op->bytes;
	size_t i;

	buffer_clear(&stream->out);
	for (i = 0; i < op->count && !stream->is_over; i++) {
		if (!send_record(stream, feed, &op->outputs[i], frame))
			return false;
		if (frame != NULL)
			frame += op->outputs[i].frame_len;
	}
	output_form_flush(stream->form, &stream->out);
	if (stream->out.len > 0)
		(void)call_stream_write(stream->call, stream->out.data, stream->out.len);
	return true;
}

static void
on_records(void *arg, struct store_op *op)
{
	struct output_stream *stream = arg;
	struct feed *feed = stream->current;

	OBJ_CHECK(stream, STREAM_MAGIC);
	stream->reading = false;
	if (stream->call == NULL) {
		output_stream_free(stream);
		return;
	}
	if (op->is_deleted && !stream->started && !stream->whole_pipeline) {
		call_reply_message(stream->call, 410, "%s", output_deleted_text);
		output_stream_free(stream);
		return;
	}
	start_reply(stream);
	if (!send_records(stream, feed, op)) {
		struct call *call = stream->call;

		stream->call = NULL;
		call_stream_abort(call);
		output_stream_free(stream);
		return;
	}
	if (feed->is_history ? op->more : op->count > 0)
		feed_want(stream, feed);
	output_want(stream);
}

static size_t
piece_raw_bytes(const struct output_stream *stream)
{
	switch (output_form_kind(stream->form)) {
	case OUTPUT_GZIP:
	case OUTPUT_EVENTS:
		return STREAM_PACKED_RAW_BYTES;
	case OUTPUT_INDEX:
		return STREAM_INDEX_PIECE_RAW_BYTES;
	case OUTPUT_RECORDS:
	case OUTPUT_ZSTD:
	case OUTPUT_PLAIN:
		break;
	}
	return STREAM_PIECE_RAW_BYTES;
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
	op->output_query.most_bytes = STREAM_PIECE_BYTES;
	op->output_query.most_raw_bytes = piece_raw_bytes(stream);
	op->output_query.index_only = output_form_kind(stream->form) == OUTPUT_INDEX;
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

/* --- tasks of a pipeline that is history
 * ------------------------------------------------------------------ */

static void
add_history(struct output_stream *stream, const struct id *task)
{
	struct feed *feed = feed_of(stream, task);

	feed->is_history = true;
	if (stream->one_step) {
		feed->step = stream->step;
		feed->attempt = stream->attempt != 0 ? stream->attempt : stream->first_attempt;
		feed->from = stream->from;
	}
	feed_want(stream, feed);
}

/* A pipeline without tasks, or no pipeline. */
static void
on_pipeline(void *arg, struct store_op *op)
{
	struct output_stream *stream = arg;

	OBJ_CHECK(stream, STREAM_MAGIC);
	stream->reading = false;
	if (stream->call == NULL) {
		output_stream_free(stream);
	} else if (!people_found(stream->call, op, "pipeline")) {
		output_stream_free(stream);
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
		output_stream_free(stream);
		return;
	}
	op = people_one(STORE_LIST_PIPELINES, &stream->pipeline);
	stream->reading = true;
	store_submit(stream->call->hub->store, op, on_pipeline, stream);
}

static void
on_tasks(void *arg, struct store_op *op)
{
	struct output_stream *stream = arg;
	size_t i;

	OBJ_CHECK(stream, STREAM_MAGIC);
	stream->reading = false;
	if (stream->call == NULL) {
		output_stream_free(stream);
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
	struct store_op *op = people_list(STORE_LIST_TASKS, STREAM_TASKS_PIECE);

	op->query.by_pipeline = stream->whole_pipeline;
	op->query.pipeline = stream->pipeline;
	op->query.by_id = !stream->whole_pipeline;
	op->query.id = stream->task;
	op->query.skip = stream->listed;
	stream->reading = true;
	store_submit(stream->call->hub->store, op, on_tasks, stream);
}

static void
finish(struct output_stream *stream)
{
	struct call *call = stream->call;

	buffer_clear(&stream->out);
	if (output_form_kind(stream->form) == OUTPUT_EVENTS)
		put_event_id(stream, feed_of(stream, &stream->task), true);
	output_form_end(stream->form, &stream->out);
	if (stream->out.len > 0)
		(void)call_stream_write(call, stream->out.data, stream->out.len);
	stream->call = NULL;
	call_stream_end(call);
	output_stream_free(stream);
}

/* --- going on
 * ------------------------------------------------------------------------------------------------
 */

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
				if (!task_output_is_complete(
					    pipeline->workflows[i]->jobs[j]->tasks[k]))
					return false;
	return true;
}

/* Read on, if there is something to read and room for it; end when all is sent. */
static void
output_want(struct output_stream *stream)
{
	if (stream->reading || (stream->started && is_full(stream)))
		return;
	if (!stream->is_over && read_next(stream))
		return;
	if (!stream->is_over && stream->listing) {
		list_tasks(stream);
		return;
	}
	start_reply(stream);
	if (stream->is_over || is_complete(stream))
		finish(stream);
}

static void
on_change(void *arg, const struct change *change)
{
	struct output_stream *stream = arg;

	OBJ_CHECK(stream, STREAM_MAGIC);
	if (change->task != NULL &&
	    (stream->whole_pipeline || id_eq(&change->task->row.id, &stream->task)))
		feed_want(stream, feed_of(stream, &change->task->row.id));
	output_want(stream);
}

/* --- the beginning
 * ---------------------------------------------------------------------------------------------- */

struct output_stream *
output_stream_new(struct call *call, enum output_form_kind kind)
{
	struct output_stream *stream;
	struct err err = ERR_INIT;

	if (call->hub->readers == OUTPUT_READERS_MOST) {
		call_reply_message(call, 503, "%d readers have output already: try again later",
				   OUTPUT_READERS_MOST);
		return NULL;
	}
	stream = MEM_NEW(struct output_stream);
	stream->magic = STREAM_MAGIC;
	stream->call = call;
	stream->hub = call->hub;
	stream->hub->readers++;
	stream->wanted_end = &stream->wanted;
	stream->first_attempt = 1;
	stream->until = UINT64_MAX;
	stream->lines = (struct line_window)LINE_WINDOW_ALL;
	stream->status = 200;
	timer_init(&stream->keep_alive, call->hub->loop, on_keep_alive, stream);
	if (output_form_new(&stream->form, kind, &err) < 0) {
		call_reply_err(call, &err);
		output_stream_free(stream);
		return NULL;
	}
	return stream;
}

/*
 * What a task of a pipeline that is in memory has printed. Nothing more comes of one whose output
 * is closed, and how far it came is not in memory after the hub has been started again: it is
 * history.
 */
static void
begin_task(struct output_stream *stream, const struct task *task)
{
	if (task->row.state == HUB_ENDED && !task->row.output_open)
		add_history(stream, &task->row.id);
	else
		feed_want(stream, feed_of(stream, &task->row.id));
}

/* The pipeline is in memory: hear of what comes, and send what is there. */
static void
begin_active(struct output_stream *stream, struct pipeline *pipeline)
{
	const struct job *job;
	size_t i, j, k;

	watcher_start(&stream->watcher, pipeline, on_change, stream);
	if (!stream->whole_pipeline) {
		begin_task(stream, model_task(pipeline->model, &stream->task));
		return;
	}
	for (i = 0; i < pipeline->workflow_count; i++)
		for (j = 0; j < pipeline->workflows[i]->job_count; j++) {
			job = pipeline->workflows[i]->jobs[j];
			for (k = 0; k < job->task_count; k++)
				begin_task(stream, job->tasks[k]);
		}
}

/* Of a task that is active, or its pipeline; NULL for history. */
static struct pipeline *
active_pipeline(const struct output_stream *stream)
{
	struct model *model = &stream->call->hub->model;
	const struct task *task;

	if (stream->whole_pipeline)
		return model_pipeline(model, &stream->pipeline);
	task = model_task(model, &stream->task);
	return task != NULL ? task->job->workflow->pipeline : NULL;
}

void
output_stream_begin(struct output_stream *stream)
{
	struct pipeline *pipeline = active_pipeline(stream);

	stream->call->user = stream;
	call_on_close(stream->call, on_close);
	if (pipeline != NULL)
		begin_active(stream, pipeline);
	else
		stream->listing = true;
	output_want(stream);
}
