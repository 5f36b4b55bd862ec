/*
 * outbox.c - output of all tasks goes to the hub in batches.
 *
 * A batch is a few chunks of the slab, each with whole records; they go to the socket, or
 * into TLS, from where they are, and are given back with the answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/outbox.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "agent/hub_link.h"
#include "agent/pace.h"
#include "agent/press.h"
#include "agent/spool.h"
#include "agent/task.h"
#include "agent/tasks.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "loop/loop.h"
#include "runner/protocol.h"

enum {
	OUTBOX_MAGIC = 0x6f757462,
	RECORD_MOST_BYTES = RUNNER_RECORD_HEADER_BYTES + RUNNER_RECORD_FRAME_MOST_BYTES,
	OUTBOX_CHUNKS_MOST = 6, /* a chunk may end before the next record, and so one has room */
	BALK_MS = 200, /* what the host refuses now, like one more descriptor, it may grant later */
	BALKS_MOST = 150,
};

struct outbox {
	uint32_t magic;
	struct hub_link *link;
	struct tasks *tasks;
	void (*on_stored)(void *arg);
	void *arg;
	struct hub_request *request;		  /* under way */
	struct chunk *chunks[OUTBOX_CHUNKS_MOST]; /* the batch */
	struct iovec pieces[OUTBOX_CHUNKS_MOST];  /* the same, for the request */
	size_t count;				  /* of them */
	size_t len;				  /* their bytes together */
	struct pace pace;
	struct timer again; /* while spools balk */
	struct id turn;	    /* the task that goes first in the next batch */
	bool has_turn;
	char refused[512]; /* why, as last said; "" when all is well */
};

static void on_pace(void *arg);

static void on_again(void *arg);

/* Its bytes are in the spools still. */
static void
drop_batch(struct outbox *outbox)
{
	while (outbox->count > 0)
		chunk_unref(outbox->chunks[--outbox->count]);
	outbox->len = 0;
}

struct outbox *
outbox_new(struct loop *loop, struct hub_link *link, struct tasks *tasks,
	   void (*on_stored)(void *arg), void *arg)
{
	struct outbox *outbox = MEM_NEW(struct outbox);

	outbox->magic = OUTBOX_MAGIC;
	outbox->link = link;
	outbox->tasks = tasks;
	outbox->on_stored = on_stored;
	outbox->arg = arg;
	pace_init(&outbox->pace, loop, OUTBOX_GAP_MS, on_pace, outbox);
	timer_init(&outbox->again, loop, on_again, outbox);
	return outbox;
}

void
outbox_free(struct outbox *outbox)
{
	if (outbox == NULL)
		return;
	OBJ_CHECK(outbox, OUTBOX_MAGIC);
	hub_request_cancel(outbox->request);
	drop_batch(outbox);
	pace_release(&outbox->pace);
	timer_release(&outbox->again);
	OBJ_WIPE(outbox);
	free(outbox);
}

/* --- the answer ------------------------------------------------------------------------------ */

/* Nothing of this stream will ever be stored: let it go, so that the task can end. */
static void
give_up_stream(struct task *task, uint32_t step, uint32_t attempt, const char *why)
{
	if (task_outcome(task) != OUTCOME_INFRA_FAIL)
		log_line(LOG_ERROR, LOG_AT_STEP(task_id_text(task), step), "%s", why);
	task_fail(task, why);
	task_output_acked(task, step, attempt, UINT64_MAX);
}

/* What the hub has once acknowledged is not here any more. */
static uint64_t
acked_so_far(struct task *task, uint32_t step, uint32_t attempt)
{
	const struct spool *spool = task_spool(task);
	size_t i;

	for (i = 0; i < spool->stream_count; i++)
		if (spool->streams[i].step == step && spool->streams[i].attempt == attempt)
			return spool->streams[i].acked;
	return 0;
}

/* What was sent begins behind what the hub has: an error, so that the next try waits. */
static int
note_gap(struct task *task, uint32_t step, uint32_t attempt, uint64_t offset, struct err *err)
{
	if (offset < acked_so_far(task, step, attempt)) {
		give_up_stream(task, step, attempt,
			       "the hub has lost output that it had acknowledged");
		return 0;
	}
	task_output_acked(task, step, attempt, offset);
	return err_set(err, ERR_INPUT,
		       "the hub has output of task %s, step %u, up to %llu alone and was sent what "
		       "follows",
		       task_id_text(task), (unsigned)step, (unsigned long long)offset);
}

/*
 * One place of the answer. ERR_INPUT when it cannot be: not of this shape, or beyond what there
 * ever was. Of a task or an attempt that is over nothing is left to be noted.
 */
static int
note_position(struct outbox *outbox, const struct json *item, struct err *err)
{
	const char *id_of = json_get_str(item, "task"), *state = json_get_str(item, "state");
	int64_t step = json_get_int(item, "step", -1), attempt = json_get_int(item, "attempt", -1);
	int64_t offset = json_get_int(item, "offset", -1);
	const char *message = json_get_str(item, "message");
	char why[RUNNER_REASON_BYTES];
	struct task *task;
	struct id id;

	if (id_of == NULL || !id_parse(&id, id_of) || state == NULL || step < 0 ||
	    step > UINT32_MAX || attempt < 1 || attempt > UINT32_MAX || offset < 0)
		return err_set(err, ERR_INPUT,
			       "the hub's answer to output has a position that cannot be read");
	task = tasks_find(outbox->tasks, &id);
	if (task == NULL)
		return 0;
	if (text_eq(state, "gone")) {
		task_forget(task, "the hub takes no more output of it");
	} else if (text_eq(state, "refused")) {
		(void)snprintf(why, sizeof(why), "the hub refuses its output: %.150s",
			       message != NULL ? message : "it says no more");
		give_up_stream(task, (uint32_t)step, (uint32_t)attempt, why);
	} else if (!text_eq(state, "ok") && !text_eq(state, "gap")) {
		return err_set(err, ERR_INPUT,
			       "the hub's answer to output has the unknown state '%.20s'", state);
	} else if ((uint64_t)offset >
		   spool_end(task_spool(task), (uint32_t)step, (uint32_t)attempt)) {
		return err_set(
			err, ERR_INPUT,
			"the hub says it has more output of task %s than there was in step %u",
			task_id_text(task), (unsigned)step);
	} else if (text_eq(state, "gap")) {
		return note_gap(task, (uint32_t)step, (uint32_t)attempt, (uint64_t)offset, err);
	} else {
		task_output_acked(task, (uint32_t)step, (uint32_t)attempt, (uint64_t)offset);
	}
	return 0;
}

/* Every place that the answer has; the first that cannot be is told once all are noted. */
static int
note_positions(struct outbox *outbox, const struct json *list, struct err *err)
{
	struct err wrong = ERR_INIT;
	int rc = 0;
	size_t i;

	if (!json_is_array(list))
		return err_set(err, ERR_INPUT, "the hub's answer to output has no positions");
	for (i = 0; i < json_count(list); i++)
		if (note_position(outbox, json_at(list, i), rc < 0 ? &wrong : err) < 0)
			rc = ERR_INPUT;
	return rc;
}

/* Something was handed out, and the answer that should have told of it did not. */
static bool
is_passed_over(const struct outbox *outbox)
{
	struct task *task = NULL;

	while ((task = tasks_next(outbox->tasks, task)) != NULL)
		if (!task_is_dropped(task) && spool_is_waiting(task_spool(task)))
			return true;
	return false;
}

static void
rewind_all(struct outbox *outbox)
{
	struct task *task = NULL;

	while ((task = tasks_next(outbox->tasks, task)) != NULL)
		if (!task_is_dropped(task))
			spool_rewind(task_spool(task));
}

static void
failed(struct outbox *outbox, const struct err *err, const struct hub_answer *answer)
{
	uint64_t wait_ms = pace_failed(&outbox->pace, answer->retry_after_ms);

	rewind_all(outbox);
	if (err->code != ERR_INPUT) {
		log_debug("output: %s; again in %llu ms", err->text, (unsigned long long)wait_ms);
		return;
	}
	if (text_eq(outbox->refused, err->text))
		return;
	log_error("output: %s; sending again with longer and longer waits", err->text);
	(void)snprintf(outbox->refused, sizeof(outbox->refused), "%s", err->text);
}

static void
on_delivered(void *arg, const struct err *err, const struct hub_answer *answer)
{
	struct outbox *outbox = arg;
	struct err wrong = ERR_INIT;
	int rc;

	OBJ_CHECK(outbox, OUTBOX_MAGIC);
	outbox->request = NULL;
	drop_batch(outbox);
	if (err != NULL) {
		failed(outbox, err, answer);
		return;
	}
	rc = note_positions(outbox, json_get(answer->json, "positions"), &wrong);
	if (rc == 0 && is_passed_over(outbox))
		rc = err_set(&wrong, ERR_INPUT,
			     "the hub's answer passes over output that was sent");
	if (rc == 0) {
		(void)pace_ok(&outbox->pace);
		outbox->refused[0] = '\0';
	} else {
		failed(outbox, &wrong, answer);
	}
	outbox->on_stored(outbox->arg);
	outbox_want(outbox);
}

/* --- the batch ---------------------------------------------------------------------------------
 */

static bool
has_output(struct task *task)
{
	const struct spool *spool = task_spool(task);

	return !task_is_dropped(task) && spool_has_unsent(spool) && !spool->balks;
}

/* What it holds cannot be read: the task ends without it, and what it prints on is not kept. */
static void
give_up_spool(struct task *task)
{
	struct spool *spool = task_spool(task);
	size_t i;

	task_fail(task, "its spooled output cannot be read");
	spool_discard(spool); /* or it would be read, and told of, with the next batch again */
	for (i = spool->stream_count; i > 0; i--)
		if (i <= spool->stream_count)
			task_output_acked(task, spool->streams[i - 1].step,
					  spool->streams[i - 1].attempt, UINT64_MAX);
}

/* What is damaged, or lost with the disk, stays so. What the host refuses is asked for again, and
 * holds up no other. */
static bool
may_be_read_later(struct outbox *outbox, struct task *task, const struct err *err)
{
	struct spool *spool = task_spool(task);

	if (err->code == ERR_INPUT || spool->lost != 0 || spool->balked == BALKS_MOST)
		return false;
	if (spool->balked++ == 0)
		log_line(LOG_WARN, LOG_AT_TASK(task_id_text(task)),
			 "cannot read its output for now: %s; trying again for %d s", err->text,
			 BALKS_MOST * BALK_MS / 1000);
	spool->balks = true;
	if (!timer_is_on(&outbox->again))
		timer_start_ms(&outbox->again, BALK_MS);
	return true;
}

static void
on_again(void *arg)
{
	struct outbox *outbox = arg;
	struct task *task = NULL;

	OBJ_CHECK(outbox, OUTBOX_MAGIC);
	while ((task = tasks_next(outbox->tasks, task)) != NULL)
		task_spool(task)->balks = false;
	outbox_want(outbox);
}

static uint64_t
unsent_of_all(struct outbox *outbox)
{
	struct task *task = NULL;
	uint64_t bytes = 0;

	while ((task = tasks_next(outbox->tasks, task)) != NULL)
		bytes += has_output(task) ? task_spool(task)->unsent : 0;
	return bytes;
}

/* One more chunk, the first one no larger than is needed. NULL: enough, or memory is short. */
static struct chunk *
add_chunk(struct outbox *outbox)
{
	uint64_t size = outbox->count == 0 ? unsent_of_all(outbox) : CHUNK_MOST_BYTES;
	struct chunk *chunk;

	if (outbox->count == OUTBOX_CHUNKS_MOST)
		return NULL;
	chunk = press_take(tasks_press(outbox->tasks),
			   size < CHUNK_MOST_BYTES ? (size_t)size : CHUNK_MOST_BYTES);
	if (chunk != NULL)
		outbox->chunks[outbox->count++] = chunk;
	return chunk;
}

/* Whole records of one task, up to share bytes, behind what is in the last chunk. */
static size_t
read_into(struct outbox *outbox, struct task *task, size_t share)
{
	struct chunk *chunk = outbox->chunks[outbox->count - 1];
	size_t room = chunk->size - chunk->len, len;
	struct err err = ERR_INIT;

	if (spool_unsent(task_spool(task), chunk->bytes + chunk->len, share < room ? share : room,
			 &len, &err) < 0) {
		if (may_be_read_later(outbox, task, &err))
			return 0;
		log_line(LOG_ERROR, LOG_AT_TASK(task_id_text(task)), "cannot read its output: %s",
			 err.text);
		give_up_spool(task);
		return 0;
	}
	task_spool(task)->balked = 0;
	chunk->len += (uint32_t)len;
	outbox->len += len;
	return len;
}

/* Take what fits into share from one task; a record that the last chunk has no room for begins a
 * new one. False when the batch has no room for it either. */
static bool
take_from(struct outbox *outbox, struct task *task, size_t share)
{
	if (outbox->count > 0 && (read_into(outbox, task, share) > 0 || !has_output(task)))
		return true;
	if (add_chunk(outbox) == NULL)
		return false;
	if (read_into(outbox, task, share) > 0)
		return true;
	chunk_unref(outbox->chunks[--outbox->count]);
	return !has_output(task);
}

static struct task *
first_task(struct outbox *outbox)
{
	struct task *task = outbox->has_turn ? tasks_find(outbox->tasks, &outbox->turn) : NULL;

	return task != NULL ? task : tasks_next(outbox->tasks, NULL);
}

/* One round over all tasks, each with its share. False when nothing was taken, or the batch is
 * full.
 */
static bool
take_round(struct outbox *outbox, size_t share)
{
	struct task *first = first_task(outbox), *task = first;
	size_t before = outbox->len, left;
	bool room = true;

	do {
		left = OUTBOX_BATCH_BYTES - outbox->len;
		if (left < RUNNER_RECORD_HEADER_BYTES)
			break;
		if (has_output(task))
			room = take_from(outbox, task, share < left ? share : left);
		task = tasks_next(outbox->tasks, task);
		if (task == NULL)
			task = tasks_next(outbox->tasks, NULL);
		outbox->turn = *task_id(task);
		outbox->has_turn = true;
	} while (room && task != first);
	return room && outbox->len > before;
}

static size_t
count_noisy(struct outbox *outbox)
{
	struct task *task = NULL;
	size_t count = 0;

	while ((task = tasks_next(outbox->tasks, task)) != NULL)
		count += has_output(task) ? 1 : 0;
	return count;
}

/* What quiet tasks have printed goes first, whole and in half a batch at most: a backlog of others
 * does not hold it up. */
static void
take_fresh(struct outbox *outbox)
{
	struct task *task = NULL;

	while (outbox->len < OUTBOX_BATCH_BYTES / 2 &&
	       (task = tasks_next(outbox->tasks, task)) != NULL)
		if (has_output(task) && task_spool(task)->unsent <= OUTBOX_FRESH_BYTES)
			take_from(outbox, task, OUTBOX_FRESH_BYTES);
}

/* A share is at least one record; what quiet tasks leave goes to the others in further rounds.
 * False when something waits for memory. */
static bool
fill(struct outbox *outbox)
{
	size_t noisy, share, i;

	take_fresh(outbox);
	noisy = count_noisy(outbox);
	share = noisy > 0 ? OUTBOX_BATCH_BYTES / noisy : 0;
	if (share < RECORD_MOST_BYTES)
		share = RECORD_MOST_BYTES;
	while (noisy > 0 && take_round(outbox, share))
		continue;
	for (i = 0; i < outbox->count; i++)
		outbox->pieces[i] =
			(struct iovec){outbox->chunks[i]->bytes, outbox->chunks[i]->len};
	return outbox->len > 0 || count_noisy(outbox) == 0;
}

static void
on_pace(void *arg)
{
	struct outbox *outbox = arg;
	struct hub_post post = {.kind = HUB_POST_OUTPUT,
				.content_type = RUNNER_OUTPUT_TYPE,
				.pieces = outbox->pieces,
				.timeout_ms = OUTBOX_REPLY_MS};
	struct err err = ERR_INIT;

	OBJ_CHECK(outbox, OUTBOX_MAGIC);
	if (outbox->request != NULL || !hub_link_is_up(outbox->link))
		return;
	if (!fill(outbox))
		(void)pace_failed(&outbox->pace, 0);
	if (outbox->len == 0)
		return;
	log_debug("batch of %zu bytes of output", outbox->len);
	pace_sent(&outbox->pace);
	post.pieces_len = outbox->len;
	if (hub_post(&outbox->request, outbox->link, &post, on_delivered, outbox, &err) < 0) {
		log_debug("output: %s", err.text);
		drop_batch(outbox);
		rewind_all(outbox);
		(void)pace_failed(&outbox->pace, 0);
	}
}

void
outbox_want(struct outbox *outbox)
{
	OBJ_CHECK(outbox, OUTBOX_MAGIC);
	if (outbox->request == NULL && unsent_of_all(outbox) >= OUTBOX_BATCH_BYTES)
		pace_hurry(&outbox->pace);
	else
		pace_want(&outbox->pace);
}

void
outbox_resume(struct outbox *outbox)
{
	OBJ_CHECK(outbox, OUTBOX_MAGIC);
	pace_resume(&outbox->pace);
	pace_want(&outbox->pace);
}
