/*
 * agent_output.c - POST /api/v3/runner/output: records of many tasks, stored as they came.
 *
 * A thread looks at the records (output_batch.h), the loop at their places. Requests of one
 * connection are looked at in the order in which they came.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/frame.h"
#include "format/json.h"
#include "http/server.h"
#include "hub/api/agent.h"
#include "hub/api/output_batch.h"
#include "hub/hub.h"
#include "hub/progress.h"
#include "hub/store/store.h"
#include "loop/worker.h"
#include "task/output_record.h"

enum { BATCHES_WAITING_MOST = 256 }; /* to be looked at; each is 1 MiB at most */

/* A (task, step, attempt) that the request names, and what it is told. */
struct place {
	struct id task;
	uint32_t step, attempt;
	uint64_t offset;
	enum progress progress;
	char message[160];
};

/* One request. */
struct receipt {
	struct call *call;
	struct id agent;
	char *body; /* owned */
	size_t body_len;
	struct work work;
	struct output_batch batch;
	struct buffer bytes; /* records to store */
	struct output_row *rows;
	size_t row_count, row_room;
	struct place *places;
	size_t place_count, place_room;
	bool is_told; /* something is refused, and the log says so */
};

static struct place *
place_of(struct receipt *receipt, const struct output_record *record)
{
	struct place *place;
	size_t i;

	for (i = receipt->place_count; i > 0; i--) {
		place = &receipt->places[i - 1];
		if (place->step == record->step && place->attempt == record->attempt &&
		    id_eq(&place->task, &record->task))
			return place;
	}
	if (receipt->place_count == receipt->place_room) {
		receipt->place_room = receipt->place_room == 0 ? 16 : receipt->place_room * 2;
		receipt->places = mem_resize(receipt->places, receipt->place_room, sizeof(*place));
	}
	place = &receipt->places[receipt->place_count++];
	memset(place, 0, sizeof(*place));
	place->task = record->task;
	place->step = record->step;
	place->attempt = record->attempt;
	return place;
}

static void
store_record(struct receipt *receipt, const struct output_record *record, const unsigned char *bytes)
{
	struct output_row *row;

	if (receipt->row_count == receipt->row_room) {
		receipt->row_room = receipt->row_room == 0 ? 16 : receipt->row_room * 2;
		receipt->rows = mem_resize(receipt->rows, receipt->row_room, sizeof(*row));
	}
	row = &receipt->rows[receipt->row_count++];
	*row = (struct output_row){
		.task = record->task,
		.step = record->step,
		.attempt = record->attempt,
		.epoch = record->epoch,
		.offset = record->offset,
		.time_ms = record->time_ms,
		.raw_len = record->raw_len,
		.lines = record->lines,
		.frame_len = record->frame_len,
		.frame_crc = record->frame_crc,
		.at = receipt->bytes.len + RUNNER_RECORD_HEADER_BYTES,
	};
	buffer_putn(&receipt->bytes, bytes, RUNNER_RECORD_HEADER_BYTES + record->frame_len);
}

/* An agent could fill the disk with lines of the log: there is one for a request. */
static void
refuse(struct receipt *receipt, const struct output_record *record, const char *why)
{
	struct place *place = place_of(receipt, record);
	char id[ID_TEXT_BYTES];

	if (place->progress == PROGRESS_REFUSED)
		return;
	place->progress = PROGRESS_REFUSED;
	snprintf(place->message, sizeof(place->message), "%.159s", why);
	if (receipt->is_told)
		return;
	receipt->is_told = true;
	log_line(LOG_WARN, LOG_AT_STEP(id_text(id, &record->task), record->step), "output is refused: %s",
		 why);
}

static void
take_record(struct receipt *receipt, const struct output_record *record, const unsigned char *bytes)
{
	struct place *place = place_of(receipt, record);
	struct model *model = &receipt->call->hub->model;
	struct err err = ERR_INIT;
	enum progress progress;
	uint64_t offset;
	bool is_new;

	/* What follows a refused record of the same step cannot be stored before it. */
	if (place->progress == PROGRESS_REFUSED)
		return;
	progress = progress_output(model, &receipt->agent, record, &offset, &is_new, &err);
	place->offset = offset;
	if (progress == PROGRESS_REFUSED)
		refuse(receipt, record, err.text);
	else
		place->progress = progress;
	if (!is_new)
		return;
	store_record(receipt, record, bytes);
	progress_output_position(model, record);
}

static const char *
state_name(enum progress progress)
{
	switch (progress) {
	case PROGRESS_OK:
		return "ok";
	case PROGRESS_GAP:
		return "gap";
	case PROGRESS_GONE:
		return "gone";
	case PROGRESS_REFUSED:
		return "refused";
	}
	return "refused";
}

static struct json *
write_place(const struct place *place)
{
	struct json *item = json_new_object();
	char id[ID_TEXT_BYTES];

	json_put_str(item, "task", id_text(id, &place->task));
	json_put_int(item, "step", place->step);
	json_put_int(item, "attempt", place->attempt);
	json_put_int(item, "offset", (int64_t)place->offset);
	json_put_str(item, "state", state_name(place->progress));
	if (place->progress == PROGRESS_REFUSED)
		json_put_str(item, "message", place->message);
	return item;
}

static void
submit(struct receipt *receipt)
{
	struct store_op *op = store_op_new(STORE_ADD_OUTPUT);
	struct model *model = &receipt->call->hub->model;
	size_t i;

	op->output.len = receipt->bytes.len;
	op->output.bytes = (unsigned char *)buffer_take_text(&receipt->bytes);
	op->output.rows = receipt->rows;
	op->output.count = receipt->row_count;
	receipt->rows = NULL;
	store_submit(receipt->call->hub->store, op, NULL, NULL);
	/* An ended task is complete now, perhaps: its file is made behind this write. */
	for (i = 0; i < receipt->place_count; i++)
		progress_output_submitted(model, &receipt->places[i].task);
}

static void
reply(struct receipt *receipt)
{
	struct json *body = json_new_object(), *positions = json_new_array();
	size_t i;

	for (i = 0; i < receipt->place_count; i++)
		json_push(positions, write_place(&receipt->places[i]));
	json_put(body, "positions", positions);
	if (receipt->batch.stop.code != 0)
		json_put_str(body, "message", receipt->batch.stop.text);
	call_reply_json_after_commit(receipt->call, 200, body);
}

static void
take_batch(struct receipt *receipt)
{
	const struct output_batch *batch = &receipt->batch;
	const struct output_item *item;

	/* Not a single record could be read: the sender is told so plainly. */
	if (batch->count == 0 && batch->stop.code == ERR_INPUT) {
		call_reply_err(receipt->call, &batch->stop);
		return;
	}
	for (item = batch->items; item < batch->items + batch->count; item++)
		if (item->fault != NULL)
			refuse(receipt, &item->record, item->fault);
		else
			take_record(receipt, &item->record, item->bytes);
	if (receipt->row_count > 0)
		submit(receipt);
	reply(receipt);
}

/* --- the request ---------------------------------------------------------------------------- */

static void
receipt_free(struct receipt *receipt)
{
	output_batch_release(&receipt->batch);
	buffer_release(&receipt->bytes);
	free(receipt->rows);
	free(receipt->places);
	free(receipt->body);
	free(receipt);
}

static void
on_look(void *arg)
{
	struct receipt *receipt = arg;

	output_batch_read(&receipt->batch, receipt->call->hub->inspector_reader,
			  (const unsigned char *)receipt->body, receipt->body_len);
}

static void
on_looked(void *arg)
{
	struct receipt *receipt = arg;

	take_batch(receipt);
	receipt_free(receipt);
}

static bool
is_acceptable(struct call *call, struct id *agent)
{
	const char *type = http_request_header(call->request, "content-type");
	const char *text = http_request_header(call->request, "runner-agent");
	size_t len;

	(void)http_request_body(call->request, &len);
	if (type == NULL || strcmp(type, RUNNER_OUTPUT_TYPE) != 0)
		call_reply_message(call, 400, "the body must be of type %s", RUNNER_OUTPUT_TYPE);
	else if (text == NULL || !id_parse(agent, text))
		call_reply_message(call, 400, "header 'Runner-Agent' must be the agent's id");
	else if (len > RUNNER_OUTPUT_MOST_BYTES)
		call_reply_message(call, 413, "the body has %zu bytes, %d are allowed", len,
				   RUNNER_OUTPUT_MOST_BYTES);
	else
		return true;
	return false;
}

void
handle_output(struct call *call)
{
	struct receipt *receipt;
	struct err err = ERR_INIT;
	struct id agent;
	bool is_refused;

	if (!is_acceptable(call, &agent))
		return;
	(void)agent_of_call(call, &agent, &is_refused);
	if (is_refused)
		return;
	receipt = MEM_NEW(struct receipt);
	receipt->call = call;
	receipt->agent = agent;
	receipt->body = http_request_take_body(call->request, &receipt->body_len);
	receipt->work = (struct work){.run = on_look, .done = on_looked, .arg = receipt};
	buffer_init(&receipt->bytes, 0);
	if (worker_submit(call->hub->inspector, &receipt->work, &err) == 0)
		return;
	call_reply_err(call, &err);
	receipt_free(receipt);
}

int
output_start_inspector(struct hub *hub, struct err *err)
{
	int rc = frame_reader_new(&hub->inspector_reader, err);

	return rc < 0 ? rc : worker_new(&hub->inspector, hub->loop, 1, BATCHES_WAITING_MOST, err);
}
