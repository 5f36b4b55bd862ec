/*
 * message.c - pack and unpack what runnerd and runner-init say to one another.
 *
 * A message is a row of fields; packing and unpacking walk the row. The structs hold
 * each field in the width it has on the wire.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "wire/message.h"

#include <string.h>

#include "base/assert.h"
#include "wire/bytes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FIELD(kind, field)                                                                         \
	{                                                                                          \
#		field, offsetof(struct message, kind.field),                                      \
			sizeof(((struct message *)NULL)->kind.field)                               \
	}

static const struct message_field start_step_fields[] = {
	FIELD(start_step, step),     FIELD(start_step, attempt),     FIELD(start_step, flags),
	FIELD(start_step, uid),	     FIELD(start_step, gid),	     FIELD(start_step, orphan_ms),
	FIELD(start_step, grace_ms), FIELD(start_step, deadline_ms),
};
static const struct message_field signal_step_fields[] = {
	FIELD(signal_step, step),
	FIELD(signal_step, attempt),
	FIELD(signal_step, signo),
};
static const struct message_field kill_all_fields[] = {FIELD(kill_all, grace_ms)};
static const struct message_field orphan_policy_fields[] = {FIELD(orphan_policy, orphan_ms)};
static const struct message_field ack_step_fields[] = {
	FIELD(ack_step, step),
	FIELD(ack_step, attempt),
};
static const struct message_field quit_fields[] = {FIELD(quit, grace_ms)};
static const struct message_field start_session_fields[] = {
	FIELD(start_session, session), FIELD(start_session, flags), FIELD(start_session, uid),
	FIELD(start_session, gid),     FIELD(start_session, rows),  FIELD(start_session, cols),
};
static const struct message_field hello_fields[] = {
	FIELD(hello, flags),	 FIELD(hello, pid),	   FIELD(hello, steps),
	FIELD(hello, orphan_ms), FIELD(hello, started_ms),
};
static const struct message_field step_state_fields[] = {
	FIELD(step_state, step),  FIELD(step_state, attempt), FIELD(step_state, state),
	FIELD(step_state, flags), FIELD(step_state, pid),     FIELD(step_state, started_ms),
};
static const struct message_field step_started_fields[] = {
	FIELD(step_started, step),
	FIELD(step_started, attempt),
	FIELD(step_started, pid),
	FIELD(step_started, started_ms),
};
static const struct message_field step_failed_to_start_fields[] = {
	FIELD(step_failed_to_start, step),
	FIELD(step_failed_to_start, attempt),
	FIELD(step_failed_to_start, what),
	FIELD(step_failed_to_start, sys),
};
static const struct message_field step_exited_fields[] = {
	FIELD(step_exited, step),	FIELD(step_exited, attempt),
	FIELD(step_exited, status),	FIELD(step_exited, why),
	FIELD(step_exited, started_ms), FIELD(step_exited, ended_ms),
	FIELD(step_exited, utime_us),	FIELD(step_exited, stime_us),
	FIELD(step_exited, maxrss_kib), FIELD(step_exited, in_blocks),
	FIELD(step_exited, out_blocks),
};
static const struct message_field empty_fields[] = {FIELD(empty, left)};
static const struct message_field error_fields[] = {
	FIELD(error, what),
	FIELD(error, sys),
	FIELD(error, step),
};

const struct message_kind message_kinds[] = {
#define X(NAME, name, number, sender, least, most)                                                 \
	{#NAME,	 MESSAGE_##NAME,       MESSAGE_FROM_##sender, (least),                             \
	 (most), COUNT(name##_fields), name##_fields},
	SUPERVISOR_MESSAGES(X)
#undef X
};
const size_t message_kind_count = COUNT(message_kinds);

const struct message_kind *
message_kind(unsigned type)
{
	size_t i;

	for (i = 0; i < message_kind_count; i++)
		if (message_kinds[i].type == type)
			return &message_kinds[i];
	return NULL;
}

const char *
message_name(unsigned type)
{
	const struct message_kind *kind = message_kind(type);

	return kind == NULL ? "unknown" : kind->name;
}

size_t
message_size(const struct message_kind *kind)
{
	size_t size = SUPERVISOR_HEAD_BYTES;
	size_t i;

	for (i = 0; i < kind->field_count; i++)
		size += kind->fields[i].bytes;
	return size;
}

static uint64_t
field_get(const struct message *message, const struct message_field *field)
{
	const char *at = (const char *)message + field->at;
	uint64_t wide;
	uint32_t narrow;

	if (field->bytes == sizeof(narrow)) {
		memcpy(&narrow, at, sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, at, sizeof(wide));
	return wide;
}

static void
field_set(struct message *message, const struct message_field *field, uint64_t wide)
{
	char *at = (char *)message + field->at;
	uint32_t narrow = (uint32_t)wide;

	if (field->bytes == sizeof(narrow))
		memcpy(at, &narrow, sizeof(narrow));
	else
		memcpy(at, &wide, sizeof(wide));
}

size_t
message_pack(uint8_t room[SUPERVISOR_MESSAGE_MOST_BYTES], const struct message *message)
{
	const struct message_kind *kind = message_kind(message->type);
	uint8_t *at = room + SUPERVISOR_HEAD_BYTES;
	size_t i, size;

	assert(kind != NULL);
	size = message_size(kind);
	assert(size <= SUPERVISOR_MESSAGE_MOST_BYTES);
	room[0] = SUPERVISOR_VERSION;
	room[1] = (uint8_t)kind->type;
	bytes_put(room + 2, size, 2);
	for (i = 0; i < kind->field_count; i++) {
		bytes_put(at, field_get(message, &kind->fields[i]), kind->fields[i].bytes);
		at += kind->fields[i].bytes;
	}
	return size;
}

static const char *
head_check(const struct message_kind **kind, enum message_sender sender, const uint8_t *head,
	   size_t len)
{
	if (len < SUPERVISOR_HEAD_BYTES)
		return "it is shorter than its head";
	if (head[0] != SUPERVISOR_VERSION)
		return "its version is not ours";
	*kind = message_kind(head[1]);
	if (*kind == NULL)
		return "its type is not known";
	if ((*kind)->sender != sender)
		return "its type is one that the other side sends";
	if (bytes_get(head + 2, 2) != len || message_size(*kind) != len)
		return "its length is not that of its type";
	return NULL;
}

const char *
message_unpack(struct message *message, enum message_sender sender, const void *bytes, size_t len,
	       size_t fd_count)
{
	const uint8_t *at = bytes;
	const struct message_kind *kind;
	const char *wrong = head_check(&kind, sender, at, len);
	size_t i;

	if (wrong != NULL)
		return wrong;
	if (fd_count < kind->fds_least || fd_count > kind->fds_most)
		return "its number of descriptors is not that of its type";
	memset(message, 0, sizeof(*message));
	message->type = kind->type;
	at += SUPERVISOR_HEAD_BYTES;
	for (i = 0; i < kind->field_count; i++) {
		field_set(message, &kind->fields[i], bytes_get(at, kind->fields[i].bytes));
		at += kind->fields[i].bytes;
	}
	return NULL;
}

const char *
message_step_state_name(unsigned state)
{
	static const char *const names[] = {
#define X(NAME, name) #name,
		SUPERVISOR_STEP_STATES(X)
#undef X
	};

	return state < COUNT(names) ? names[state] : "unknown";
}

const char *
message_why_name(unsigned why)
{
	static const char *const names[] = {
#define X(NAME, name) #name,
		SUPERVISOR_WHYS(X)
#undef X
	};

	return why < COUNT(names) ? names[why] : "unknown";
}

const char *
message_end_name(unsigned reason)
{
	static const char *const names[] = {
#define X(NAME, name) #name,
		SUPERVISOR_ENDS(X)
#undef X
	};

	return reason < COUNT(names) ? names[reason] : "unknown";
}

static const struct {
	const char *name, *sentence;
} faults[] = {
#define X(NAME, name, sentence) {#name, sentence},
	SUPERVISOR_FAULTS(X)
#undef X
};

const char *
message_fault_name(unsigned what)
{
	return what < COUNT(faults) ? faults[what].name : "unknown";
}

const char *
message_fault_sentence(unsigned what)
{
	return what < COUNT(faults) ? faults[what].sentence
				    : "do something this program does not know";
}
