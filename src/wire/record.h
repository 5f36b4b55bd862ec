/*
 * record.h - pack and unpack the records of init.log in a task's state directory.
 *
 * The file is a row of records of RECORD_BYTES each, appended by runner-init alone:
 * version, type, 2 bytes 0, sequence number (4 bytes, from 0), the fields of the struct
 * as in a message, zeros, and CRC-32C of all before it in the last 4 bytes. A torn record
 * at the end (power loss) is one that does not check; nothing follows it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WIRE_RECORD_H
#define WIRE_RECORD_H

#include <stdint.h>

#include "runner/supervisor.h"

struct record {
	enum record_type type;
	uint32_t sequence;
	union {
		struct message_step_exited exited;	    /* RECORD_STEP_EXITED */
		struct message_step_failed_to_start failed; /* RECORD_STEP_FAILED */
		struct record_end end;			    /* RECORD_END */
	};
};

void record_pack(uint8_t room[RECORD_BYTES], const struct record *record);

/* Returns NULL, or what is wrong with it: a static clause. *record is untouched then. */
const char *record_unpack(struct record *record, const uint8_t bytes[RECORD_BYTES]);

#endif
