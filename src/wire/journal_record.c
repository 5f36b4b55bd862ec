/*
 * journal_record.c - pack and unpack the records of a task's journal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "wire/journal_record.h"

#include <string.h>

#include "base/crc32c.h"
#include "wire/bytes.h"

/* Where the fields lie: doc/state-directory.md. */
enum {
	AT_VERSION = 0,
	AT_TYPE = 1,
	AT_OUTCOME = 2,
	AT_NUMBER = 4,
	AT_SEQ = 8,
	AT_STEP = 12,
	AT_ATTEMPT = 16,
	AT_EXIT_CODE = 20,
	AT_SIGNAL = 24,
	AT_TIME = 32,
	AT_OUTPUT = 40,
	AT_WALL = 48,
	AT_USER = 56,
	AT_SYSTEM = 64,
	AT_MAX_RSS = 72,
	AT_REASON = 80,
	AT_PEAK = 280,
	AT_READ = 288,
	AT_WRITE = 296,
	AT_CRC = JOURNAL_RECORD_BYTES - 4,
};

_Static_assert(AT_REASON + RUNNER_REASON_BYTES <= AT_PEAK, "a reason fits into a record");

static const char *const type_names[JOURNAL_TYPE_COUNT] = {[JOURNAL_NO_TYPE] = "none",
#define X(NAME, name, event) [JOURNAL_##NAME] = #name,
							   JOURNAL_TYPES(X)
#undef X
};

enum { EVENT_NONE = -1 };

static const int type_events[JOURNAL_TYPE_COUNT] = {[JOURNAL_NO_TYPE] = EVENT_NONE,
#define X(NAME, name, event) [JOURNAL_##NAME] = EVENT_##event,
						    JOURNAL_TYPES(X)
#undef X
};

void
journal_record_init(struct journal_record *record, enum journal_type type)
{
	memset(record, 0, sizeof(*record));
	record->type = type;
	record->exit_code = -1;
}

void
journal_record_pack(uint8_t room[JOURNAL_RECORD_BYTES], const struct journal_record *record)
{
	memset(room, 0, JOURNAL_RECORD_BYTES);
	room[AT_VERSION] = JOURNAL_VERSION;
	room[AT_TYPE] = (uint8_t)record->type;
	room[AT_OUTCOME] = (uint8_t)record->outcome;
	bytes_put(room + AT_NUMBER, record->number, 4);
	bytes_put(room + AT_SEQ, record->seq, 4);
	bytes_put(room + AT_STEP, record->step, 4);
	bytes_put(room + AT_ATTEMPT, record->attempt, 4);
	bytes_put(room + AT_EXIT_CODE, (uint32_t)record->exit_code, 4);
	bytes_put(room + AT_SIGNAL, (uint32_t)record->signal, 4);
	bytes_put(room + AT_TIME, (uint64_t)record->time_ms, 8);
	bytes_put(room + AT_OUTPUT, record->output_bytes, 8);
	bytes_put(room + AT_WALL, record->wall_ms, 8);
	bytes_put(room + AT_USER, record->user_us, 8);
	bytes_put(room + AT_SYSTEM, record->system_us, 8);
	bytes_put(room + AT_MAX_RSS, record->max_rss_bytes, 8);
	memcpy(room + AT_REASON, record->reason, strnlen(record->reason, RUNNER_REASON_BYTES - 1));
	bytes_put(room + AT_PEAK, record->peak_bytes, 8);
	bytes_put(room + AT_READ, record->read_bytes, 8);
	bytes_put(room + AT_WRITE, record->write_bytes, 8);
	bytes_put(room + AT_CRC, crc32c(0, room, AT_CRC), 4);
}

static const char *
check(const uint8_t *bytes)
{
	if (bytes_get(bytes + AT_CRC, 4) != crc32c(0, bytes, AT_CRC))
		return "its checksum is wrong";
	if (bytes[AT_VERSION] < 1 || bytes[AT_VERSION] > JOURNAL_VERSION)
		return "it has a version that this runnerd does not read";
	if (bytes[AT_TYPE] == JOURNAL_NO_TYPE || bytes[AT_TYPE] >= JOURNAL_TYPE_COUNT)
		return "its type is not known";
	if (bytes[AT_OUTCOME] >= OUTCOME_COUNT)
		return "its outcome is not known";
	if (bytes[AT_REASON + RUNNER_REASON_BYTES - 1] != 0)
		return "its reason has no end";
	return NULL;
}

const char *
journal_record_unpack(struct journal_record *record, const uint8_t bytes[JOURNAL_RECORD_BYTES])
{
	const char *wrong = check(bytes);

	if (wrong != NULL)
		return wrong;
	record->type = (enum journal_type)bytes[AT_TYPE];
	record->outcome = (enum outcome)bytes[AT_OUTCOME];
	record->number = (uint32_t)bytes_get(bytes + AT_NUMBER, 4);
	record->seq = (uint32_t)bytes_get(bytes + AT_SEQ, 4);
	record->step = (uint32_t)bytes_get(bytes + AT_STEP, 4);
	record->attempt = (uint32_t)bytes_get(bytes + AT_ATTEMPT, 4);
	record->exit_code = (int32_t)bytes_get(bytes + AT_EXIT_CODE, 4);
	record->signal = (int32_t)bytes_get(bytes + AT_SIGNAL, 4);
	record->time_ms = (int64_t)bytes_get(bytes + AT_TIME, 8);
	record->output_bytes = bytes_get(bytes + AT_OUTPUT, 8);
	record->wall_ms = bytes_get(bytes + AT_WALL, 8);
	record->user_us = bytes_get(bytes + AT_USER, 8);
	record->system_us = bytes_get(bytes + AT_SYSTEM, 8);
	record->max_rss_bytes = bytes_get(bytes + AT_MAX_RSS, 8);
	record->peak_bytes = bytes_get(bytes + AT_PEAK, 8);
	record->read_bytes = bytes_get(bytes + AT_READ, 8);
	record->write_bytes = bytes_get(bytes + AT_WRITE, 8);
	memcpy(record->reason, bytes + AT_REASON, RUNNER_REASON_BYTES);
	return NULL;
}

unsigned
journal_record_newer(const uint8_t bytes[JOURNAL_RECORD_BYTES])
{
	if (bytes[AT_VERSION] <= JOURNAL_VERSION ||
	    bytes_get(bytes + AT_CRC, 4) != crc32c(0, bytes, AT_CRC))
		return 0;
	return bytes[AT_VERSION];
}

const char *
journal_type_name(enum journal_type type)
{
	return (unsigned)type < JOURNAL_TYPE_COUNT ? type_names[type] : "unknown";
}

bool
journal_type_event(enum journal_type type, enum event_type *event)
{
	if ((unsigned)type >= JOURNAL_TYPE_COUNT || type_events[type] == EVENT_NONE)
		return false;
	*event = (enum event_type)type_events[type];
	return true;
}
