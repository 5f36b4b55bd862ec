/*
 * journal_record.h - pack and unpack the records of a task's journal.
 *
 * A record is JOURNAL_RECORD_BYTES long; doc/state-directory.md has its layout. No heap.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WIRE_JOURNAL_RECORD_H
#define WIRE_JOURNAL_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "runner/protocol.h"
#include "runner/state_dir.h"
#include "runner/states.h"

struct journal_record {
	enum journal_type type;
	uint32_t number; /* from 1, without gaps */
	uint32_t seq;	 /* of the event, from 1 without gaps; 0: it is none. ACKED: the position */
	int64_t time_ms; /* Unix time */
	uint32_t step, attempt;
	enum outcome outcome;  /* STEP_STOPPING, STEP_ENDED, VERDICT, DONE */
	int32_t exit_code;     /* -1: none */
	int32_t signal;	       /* 0: none */
	uint64_t output_bytes; /* STEP_ENDED; STEP_STOPPING: size of the step's memfd then */
	uint64_t wall_ms, user_us, system_us, max_rss_bytes;
	uint64_t peak_bytes; /* of memory, of all its processes; 0: not known */
	uint64_t read_bytes, write_bytes; /* of disks */
	char reason[RUNNER_REASON_BYTES]; /* NUL-terminated */
};

/* Set *record to one of this type with nothing in it. */
void journal_record_init(struct journal_record *record, enum journal_type type);

void journal_record_pack(uint8_t room[JOURNAL_RECORD_BYTES], const struct journal_record *record);

/* Returns NULL, or what is wrong with it: a static clause. *record is untouched then. */
const char *
journal_record_unpack(struct journal_record *record, const uint8_t bytes[JOURNAL_RECORD_BYTES]);

/* The version of one that is whole and that a later program has written; 0: it is none. */
unsigned journal_record_newer(const uint8_t bytes[JOURNAL_RECORD_BYTES]);

/* "step_started"; "unknown" for a number outside. */
const char *journal_type_name(enum journal_type type);

/* The event that a record of this type is: false when it is none. */
bool journal_type_event(enum journal_type type, enum event_type *event);

#endif
