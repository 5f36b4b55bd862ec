/*
 * search.c - a reply that carries the lines of a task's output in which a pattern is found.
 *
 * Everything here runs in the loop but run_compile() and run_piece(), which touch what is theirs
 * alone while they run: the pattern until it is compiled, a piece until it has been searched.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/search.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "hub/api/output_stream.h"
#include "hub/api/people.h"
#include "hub/api/search_pattern.h"
#include "hub/api/search_piece.h"
#include "hub/hub.h"
#include "http/server.h"
#include "loop/worker.h"

enum {
	SEARCH_MAGIC = 0x67726570,
	SEARCH_AHEAD = 2 * SEARCH_THREADS_MOST, /* pieces that are read, and not yet handed out */
	/* Of one: a read of the smallest records makes ten pieces. */
	SEARCH_WORKS_MOST = 4 * SEARCH_AHEAD,
	SEARCH_QUEUE_MOST_BYTES = 256 * 1024, /* not taken by the client: hand out no more */
	SEARCH_READ_BYTES = 512 * 1024,	      /* of frames, and */
	SEARCH_READ_RAW_BYTES = 2 << 20,      /* of what they hold, in one read */
};

/* A piece on its way from the store to the reader. */
struct stage {
	struct search *search;
	struct search_piece *piece;
	struct work work;
	bool has_run;
	struct err err;
	struct stage *next;
};

struct search {
	uint32_t magic;
	struct call *call; /* NULL: the client has gone, or has its answer */
	struct hub *hub;
	char *text;
	bool ignore_case;
	struct search_pattern *pattern;
	struct work compile;
	struct err err;			 /* of compiling it */
	uint32_t attempt;		 /* of the step: only this; 0: all */
	struct store_output_query query; /* where the next read begins */
	bool started;			 /* the reply is */
	bool reading, all_read;
	struct search_cutter cutter;
	struct stage *first, **end; /* in the order of the output */
	unsigned ahead, running;    /* stages; works that threads may touch */
	atomic_bool is_cancelled;
};

static void search_want(struct search *search);

/* --- life --------------------------------------------------------------------------------- */

static void
stage_drop_first(struct search *search)
{
	struct stage *stage = search->first;

	search->first = stage->next;
	if (search->first == NULL)
		search->end = &search->first;
	search->ahead--;
	search_piece_free(stage->piece);
	free(stage);
}

/* When nobody waits for it any more and nothing of it is under way. */
static void
free_if_over(struct search *search)
{
	if (search->call != NULL || search->reading || search->running > 0)
		return;
	while (search->first != NULL)
		stage_drop_first(search);
	search_piece_free(search_cutter_end(&search->cutter));
	search_pattern_free(search->pattern);
	free(search->text);
	search->hub->searches--;
	OBJ_WIPE(search);
	free(search);
}

/* The call, for its last reply; what is still under way ends soon. */
static struct call *
take_call(struct search *search)
{
	struct call *call = search->call;

	search->call = NULL;
	atomic_store_explicit(&search->is_cancelled, true, memory_order_relaxed);
	return call;
}

static void
on_close(struct call *call)
{
	struct search *search = call->user;

	OBJ_CHECK(search, SEARCH_MAGIC);
	call_drop(take_call(search));
	free_if_over(search);
}

static void
on_drain(struct call *call)
{
	search_want(call->user);
}

static void
start_reply(struct search *search)
{
	if (search->started)
		return;
	search->started = true;
	call_stream_start(search->call, 200, "application/x-ndjson");
	call_stream_on_drain(search->call, on_drain);
}

/* A reply that has begun can only say it in a line of its own. */
static void
fail(struct search *search, struct err *err)
{
	struct call *call = take_call(search);
	struct buffer line = BUFFER_INIT;
	struct json *json;

	if (err->code == ERR_HOST)
		log_error("cannot search output: %s", err->text);
	else
		err->code = ERR_INPUT; /* the pattern is to blame */
	if (!search->started) {
		call_reply_err(call, err);
	} else {
		json = json_new_object();
		json_put_str(json, "message", err->text);
		json_write(&line, json);
		buffer_puts(&line, "\n");
		(void)call_stream_write(call, line.data, line.len);
		call_stream_end(call);
		json_free(json);
		buffer_release(&line);
	}
	free_if_over(search);
}

static void
finish(struct search *search)
{
	start_reply(search);
	call_stream_end(take_call(search));
	free_if_over(search);
}

/* --- pieces ------------------------------------------------------------------------------- */

static void
run_piece(void *arg)
{
	struct stage *stage = arg;

	(void)!search_piece_run(stage->piece, stage->search->pattern, &stage->search->is_cancelled,
				&stage->err);
}

static void
on_piece(void *arg)
{
	struct stage *stage = arg;
	struct search *search = stage->search;

	OBJ_CHECK(search, SEARCH_MAGIC);
	stage->has_run = true;
	search->running--;
	search_want(search);
}

static void
submit(struct search *search, struct work *work)
{
	struct err err = ERR_INIT;
	int rc = worker_submit(search->hub->searchers, work, &err);

	assert(rc == 0); /* as many may wait as all searches can have */
	search->running++;
}

static void
stage_add(struct search *search, struct search_piece *piece)
{
	struct stage *stage;

	if (piece == NULL)
		return;
	stage = MEM_NEW(struct stage);
	stage->search = search;
	stage->piece = piece;
	stage->work = (struct work){NULL, run_piece, on_piece, stage, NULL};
	*search->end = stage;
	search->end = &stage->next;
	search->ahead++;
	submit(search, &stage->work);
}

/* What the first one found goes out; when that was not all, it is searched on. False: it failed,
 * and all has ended. */
static bool
hand_out_first(struct search *search)
{
	struct stage *stage = search->first;
	struct buffer *found = &stage->piece->found;

	if (found->len > 0) {
		start_reply(search);
		(void)call_stream_write(search->call, found->data, found->len);
		buffer_clear(found);
	}
	if (stage->err.code < 0) {
		fail(search, &stage->err);
		return false;
	}
	if (stage->piece->is_over) {
		stage_drop_first(search);
		return true;
	}
	stage->has_run = false;
	submit(search, &stage->work);
	return true;
}

/* --- reading ------------------------------------------------------------------------------ */

static void
on_records(void *arg, struct store_op *op)
{
	struct search *search = arg;
	const unsigned char *frame = op->bytes;
	size_t i;

	OBJ_CHECK(search, SEARCH_MAGIC);
	search->reading = false;
	if (search->call == NULL) {
		free_if_over(search);
		return;
	}
	search->all_read = !op->more;
	for (i = 0; i < op->count; i++) {
		const struct output_row *row = &op->outputs[i];

		/* They come in order: behind it are later ones alone. */
		if (search->attempt != 0 && row->attempt != search->attempt) {
			search->all_read = true;
			break;
		}
		stage_add(search, search_cutter_add(&search->cutter, row, frame));
		frame += row->frame_len;
		search->query.step = row->step;
		search->query.attempt = row->attempt;
		search->query.from = row->offset + row->raw_len;
	}
	if (search->all_read)
		stage_add(search, search_cutter_end(&search->cutter));
	search_want(search);
}

static void
read_more(struct search *search)
{
	struct store_op *op = store_op_new(STORE_READ_OUTPUT);

	op->output_query = search->query;
	search->reading = true;
	store_submit(search->hub->store, op, on_records, search);
}

/* Whatever there is to do now. It may be the end of the search. */
static void
search_want(struct search *search)
{
	if (search->call == NULL) {
		free_if_over(search);
		return;
	}
	while (search->first != NULL && search->first->has_run) {
		if (search->started && call_stream_queued(search->call) > SEARCH_QUEUE_MOST_BYTES)
			break;
		if (!hand_out_first(search))
			return;
	}
	if (!search->all_read && !search->reading && search->ahead < SEARCH_AHEAD)
		read_more(search);
	else if (search->all_read && search->first == NULL)
		finish(search);
}

/* --- the beginning ------------------------------------------------------------------------ */

static void
on_task(void *arg, struct store_op *op)
{
	struct search *search = arg;
	struct call *call;

	OBJ_CHECK(search, SEARCH_MAGIC);
	search->reading = false;
	if (search->call != NULL && op->count == 0) {
		call = take_call(search);
		people_not_found(call, "task");
	} else if (search->call != NULL && op->tasks[0].output_deleted) {
		call = take_call(search);
		call_reply_message(call, 410, "%s", output_deleted_text);
	}
	search_want(search);
}

static void
run_compile(void *arg)
{
	struct search *search = arg;

	(void)!search_pattern_new(&search->pattern, search->text, search->ignore_case,
				  &search->err);
}

static void
on_compiled(void *arg)
{
	struct search *search = arg;
	struct store_op *op;

	OBJ_CHECK(search, SEARCH_MAGIC);
	search->running--;
	if (search->call == NULL) {
		free_if_over(search);
		return;
	}
	if (search->err.code < 0) {
		fail(search, &search->err);
		return;
	}
	op = people_one(STORE_LIST_TASKS, &search->query.task);
	search->reading = true;
	store_submit(search->hub->store, op, on_task, search);
}

/* False: the reply is sent. */
static bool
read_query(struct call *call, struct store_output_query *query)
{
	const char *text = call_query(call, "step");
	int64_t step, attempt;
	struct id id;

	if (!call_var_id(call, 0, &id) ||
	    !people_number(call, "step", 0, RUNNER_TASK_STEPS_MOST, &step) ||
	    !people_number(call, "attempt", 0, MODEL_ATTEMPTS_MOST, &attempt))
		return false;
	*query = (struct store_output_query){.task = id,
					     .one_step = text != NULL && text[0] != '\0',
					     .step = (uint32_t)step,
					     .attempt = (uint32_t)attempt,
					     .most_bytes = SEARCH_READ_BYTES,
					     .most_raw_bytes = SEARCH_READ_RAW_BYTES};
	if (query->one_step || attempt == 0)
		return true;
	call_reply_message(call, 400, "'attempt' is of one step: say 'step', too");
	return false;
}

static void
task_output_grep(struct call *call)
{
	const char *pattern = call_query(call, "pattern");
	const char *ignore_case = call_query(call, "ignore_case");
	struct store_output_query query;
	struct search *search;

	if (!read_query(call, &query))
		return;
	if (pattern == NULL) {
		call_reply_message(call, 400, "'pattern' is missing: the expression to search for");
		return;
	}
	if (call->hub->searches == SEARCHES_MOST) {
		call_reply_message(call, 503, "%d searches are under way: try again later",
				   SEARCHES_MOST);
		return;
	}
	call->hub->searches++;
	search = MEM_NEW(struct search);
	search->magic = SEARCH_MAGIC;
	search->call = call;
	search->hub = call->hub;
	search->text = mem_strdup(pattern);
	search->ignore_case = text_eq(ignore_case, "1") || text_eq(ignore_case, "true");
	search->attempt = query.attempt;
	search->query = query;
	search->end = &search->first;
	search->compile = (struct work){NULL, run_compile, on_compiled, search, NULL};
	call->user = search;
	call_on_close(call, on_close);
	submit(search, &search->compile);
}

const struct route search_routes[] = {
	{"GET", "/api/runner/v1/tasks/{id}/output/grep", WHO_PERSON, task_output_grep},
	{NULL, NULL, WHO_ANYONE, NULL},
};

int
search_start_threads(struct hub *hub, struct err *err)
{
	unsigned threads = 1;
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		threads = (unsigned)CPU_COUNT(&cpus);
	if (threads > SEARCH_THREADS_MOST)
		threads = SEARCH_THREADS_MOST;
	return worker_new(&hub->searchers, hub->loop, threads, SEARCHES_MOST * SEARCH_WORKS_MOST,
			  err);
}
