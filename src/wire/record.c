/*
 * record.c - pack and unpack the records of init.log.
 *
 * The fields of a record are those of a message: a row walked in order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "wire/record.h"

#include <stddef.h>
#include <string.h>

#include "base/assert.h"
#include "base/crc32c.h"
#include "wire/bytes.h"
#include "wire/message.h"

enum { HEAD_BYTES = 8, CHECK_AT = RECORD_BYTES - 4 };

/* A record of these types is the message's body behind a record's head. */
static enum message_type
type_of_message(enum record_type type)
{
	return type == RECORD_STEP_EXITED ? MESSAGE_STEP_EXITED : MESSAGE_STEP_FAILED_TO_START;
}

static void
body_pack(uint8_t *body, const struct record *record)
{
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES];
	struct message message = {.type = type_of_message(record->type)};
	size_t len;

	if (record->type == RECORD_STEP_EXITED)
		message.step_exited = record->exited;
	else
		message.step_failed_to_start = record->failed;
	len = message_pack(bytes, &message) - SUPERVISOR_HEAD_BYTES;
	assert(HEAD_BYTES + len <= CHECK_AT);
	memcpy(body, bytes + SUPERVISOR_HEAD_BYTES, len);
}

static const char *
body_unpack(struct record *record, const uint8_t *body)
{
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES];
	const struct message_kind *kind = message_kind(type_of_message(record->type));
	size_t len = message_size(kind);
	struct message message;
	const char *wrong;

	bytes[0] = SUPERVISOR_VERSION;
	bytes[1] = (uint8_t)kind->type;
	bytes_put(bytes + 2, len, 2);
	memcpy(bytes + SUPERVISOR_HEAD_BYTES, body, len - SUPERVISOR_HEAD_BYTES);
	wrong = message_unpack(&message, MESSAGE_FROM_INIT, bytes, len, 0);
	if (wrong != NULL)
		return wrong;
	if (record->type == RECORD_STEP_EXITED)
		record->exited = message.step_exited;
	else
		record->failed = message.step_failed_to_start;
	return NULL;
}

void
record_pack(uint8_t room[RECORD_BYTES], const struct record *record)
{
	uint8_t *body = room + HEAD_BYTES;

	memset(room, 0, RECORD_BYTES);
	room[0] = SUPERVISOR_VERSION;
	room[1] = (uint8_t)record->type;
	bytes_put(room + 4, record->sequence, 4);
	if (record->type == RECORD_END) {
		bytes_put(body, record->end.reason, 4);
		bytes_put(body + 4, record->end.left, 4);
		bytes_put(body + 8, record->end.ended_ms, 8);
	} else {
		body_pack(body, record);
	}
	bytes_put(room + CHECK_AT, crc32c(0, room, CHECK_AT), 4);
}

const char *
record_unpack(struct record *record, const uint8_t bytes[RECORD_BYTES])
{
	const uint8_t *body = bytes + HEAD_BYTES;
	struct record found = {.type = bytes[1], .sequence = (uint32_t)bytes_get(bytes + 4, 4)};
	const char *wrong = NULL;

	if (bytes_get(bytes + CHECK_AT, 4) != crc32c(0, bytes, CHECK_AT))
		return "its checksum does not fit";
	if (bytes[0] != SUPERVISOR_VERSION)
		return "its version is not ours";
	switch (found.type) {
	case RECORD_END:
		found.end.reason = (uint32_t)bytes_get(body, 4);
		found.end.left = (uint32_t)bytes_get(body + 4, 4);
		found.end.ended_ms = bytes_get(body + 8, 8);
		break;
	case RECORD_STEP_EXITED:
	case RECORD_STEP_FAILED:
		wrong = body_unpack(&found, body);
		break;
	default:
		wrong = "its type is not known";
	}
	if (wrong == NULL)
		*record = found;
	return wrong;
}
