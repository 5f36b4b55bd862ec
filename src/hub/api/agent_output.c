/*
 * agent_output.c - POST /api/v3/runner/output: records of many tasks, stored as they came.
 *
 * A record is checked by its checksums and its place, never decompressed.
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
#include "hub/hub.h"
#include "hub/progress.h"
#include "hub/store/store.h"
#include "task/output_record.h"

/* A (task, step, attempt) that the request names, and what it is told. */
struct place {
	struct id task;
	uint32_t step, attempt;
	uint64_t offset;
	enum progress progress;
	char message[160];
};

struct batch {
	struct call *call;
	struct id agent;
	struct buffer bytes; /* records to store */
	struct output_row *rows;
	size_t row_count, row_room;
	struct place *places;
	size_t place_count, place_room;
	bool is_told;	 /* something is refused, and the log says so */
	struct err stop; /* why the body was not read to its end; code 0: it was */
};

static struct place *
place_of(struct batch *batch, const struct output_record *record)
{
	struct place *place;
	size_t i;

	for (i = batch->place_count; i > 0; i--) {
		place = &batch->places[i - 1];
		if (place->step == record->step && place->attempt == record->attempt &&
		    id_eq(&place->task, &record->task))
			return place;
	}
	if (batch->place_count == batch->place_room) {
		batch->place_room = batch->place_room == 0 ? 16 : batch->place_room * 2;
		batch->places = mem_resize(batch->places, batch->place_room, sizeof(*place));
	}
	place = &batch->places[batch->place_count++];
	memset(place, 0, sizeof(*place));
	place->task = record->task;
	place->step = record->step;
	place->attempt = record->attempt;
	return place;
}

static void
store_record(struct batch *batch, const struct output_record *record, const unsigned char *bytes)
{
	struct output_row *row;

	if (batch->row_count == batch->row_room) {
		batch->row_room = batch->row_room == 0 ? 16 : batch->row_room * 2;
		batch->rows = mem_resize(batch->rows, batch->row_room, sizeof(*row));
	}
	row = &batch->rows[batch->row_count++];
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
		.at = batch->bytes.len + RUNNER_RECORD_HEADER_BYTES,
	};
	buffer_putn(&batch->bytes, bytes, RUNNER_RECORD_HEADER_BYTES + record->frame_len);
}

/* An agent could fill the disk with lines of the log: there is one for a request. */
static void
refuse(struct batch *batch, const struct output_record *record, const struct err *err)
{
	struct place *place = place_of(batch, record);
	char id[ID_TEXT_BYTES];

	if (place->progress == PROGRESS_REFUSED)
		return;
	place->progress = PROGRESS_REFUSED;
	snprintf(place->message, sizeof(place->message), "%.159s", err->text);
	if (batch->is_told)
		return;
	batch->is_told = true;
	log_line(LOG_WARN, LOG_AT_STEP(id_text(id, &record->task), record->step), "output is refused: %s",
		 err->text);
}

static void
take_record(struct batch *batch, const struct output_record *record, const unsigned char *bytes)
{
	struct place *place = place_of(batch, record);
	struct model *model = &batch->call->hub->model;
	struct err err = ERR_INIT;
	enum progress progress;
	uint64_t offset;
	bool is_new;

	/* What follows a refused record of the same step cannot be stored before it. */
	if (place->progress == PROGRESS_REFUSED)
		return;
	progress = progress_output(model, &batch->agent, record, &offset, &is_new, &err);
	place->offset = offset;
	if (progress == PROGRESS_REFUSED)
		refuse(batch, record, &err);
	else
		place->progress = progress;
	if (!is_new)
		return;
	store_record(batch, record, bytes);
	progress_output_position(model, record);
}

/* False: the rest of the body cannot be read. */
static bool
read_record(struct batch *batch, const unsigned char **bytes, size_t *len)
{
	const unsigned char *frame = NULL;
	struct output_record record;
	struct err err = ERR_INIT;
	int rc = output_record_unpack(&record, &frame, *bytes, *len, &err);
	size_t size;

	if (rc < 0 && frame == NULL) {
		batch->stop = err;
		return false;
	}
	size = RUNNER_RECORD_HEADER_BYTES + (size_t)record.frame_len;
	/* A frame that holds other than its header says could never be read back. */
	if (rc == 0)
		rc = frame_check(record.raw_len, frame, record.frame_len, &err);
	if (rc < 0)
		refuse(batch, &record, &err);
	else
		take_record(batch, &record, *bytes);
	*bytes += size;
	*len -= size;
	return true;
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
submit(struct batch *batch)
{
	struct store_op *op = store_op_new(STORE_ADD_OUTPUT);
	struct model *model = &batch->call->hub->model;
	size_t i;

	op->output.len = batch->bytes.len;
	op->output.bytes = (unsigned char *)buffer_take_text(&batch->bytes);
	op->output.rows = batch->rows;
	op->output.count = batch->row_count;
	batch->rows = NULL;
	store_submit(batch->call->hub->store, op, NULL, NULL);
	/* An ended task is complete now, perhaps: its file is made behind this write. */
	for (i = 0; i < batch->place_count; i++)
		progress_output_submitted(model, &batch->places[i].task);
}

static void
reply(struct batch *batch)
{
	struct json *body = json_new_object(), *positions = json_new_array();
	size_t i;

	for (i = 0; i < batch->place_count; i++)
		json_push(positions, write_place(&batch->places[i]));
	json_put(body, "positions", positions);
	if (batch->stop.code != 0)
		json_put_str(body, "message", batch->stop.text);
	call_reply_json_after_commit(batch->call, 200, body);
}

static void
take_body(struct batch *batch)
{
	const unsigned char *bytes;
	size_t len;

	bytes = (const unsigned char *)http_request_body(batch->call->request, &len);
	while (len > 0 && read_record(batch, &bytes, &len))
		;
	/* Not a single record could be read: the sender is told so plainly. */
	if (batch->place_count == 0 && batch->stop.code == ERR_INPUT) {
		call_reply_err(batch->call, &batch->stop);
		return;
	}
	if (batch->row_count > 0)
		submit(batch);
	reply(batch);
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
	struct batch batch = {.call = call, .bytes = BUFFER_INIT, .stop = ERR_INIT};
	bool is_refused;

	if (!is_acceptable(call, &batch.agent))
		return;
	(void)agent_of_call(call, &batch.agent, &is_refused);
	if (is_refused)
		return;
	take_body(&batch);
	buffer_release(&batch.bytes);
	free(batch.rows);
	free(batch.places);
}
