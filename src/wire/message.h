/*
 * message.h - pack and unpack what runnerd and runner-init say to one another.
 *
 * Bytes only: sockets and descriptors are the caller's. No heap. The messages and
 * their limits are include/runner/supervisor.h; here is one table of them, from which
 * packing, unpacking and the test of doc/supervisor-messages.md are made.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/supervisor.h"

struct message {
	enum message_type type;
	union {
#define X(NAME, name, number, sender, least, most) struct message_##name name;
		SUPERVISOR_MESSAGES(X)
#undef X
	};
};

enum message_sender { MESSAGE_FROM_AGENT, MESSAGE_FROM_INIT };

struct message_field {
	const char *name;
	uint16_t at;   /* in struct message */
	uint8_t bytes; /* 4 or 8, here and on the wire */
};

struct message_kind {
	const char *name;
	enum message_type type;
	enum message_sender sender;
	uint8_t fds_least, fds_most;
	uint8_t field_count;
	const struct message_field *fields; /* in wire order */
};

/* Every message, in the contract's order. */
extern const struct message_kind message_kinds[];
extern const size_t message_kind_count;

/* NULL when there is no such type. */
const struct message_kind *message_kind(unsigned type);
/* "START_STEP"; "unknown" when there is no such type. */
const char *message_name(unsigned type);

/* Bytes on the wire, head included. */
size_t message_size(const struct message_kind *kind);

/* Write message into room; returns its length. message->type must be one of ours. */
size_t message_pack(uint8_t room[SUPERVISOR_MESSAGE_MOST_BYTES], const struct message *message);

/*
 * Read one packet that sender has sent with fd_count descriptors. *message is untouched on failure.
 * Returns NULL, or what is wrong with it: a static clause ("its length is not that of its type").
 */
const char *message_unpack(struct message *message, enum message_sender sender, const void *bytes,
			   size_t len, size_t fd_count);

/* Words of the contract's lists; "unknown" for a number outside. */
const char *message_step_state_name(unsigned state); /* enum init_step */
const char *message_why_name(unsigned why);	     /* enum step_why */
const char *message_end_name(unsigned reason);	     /* enum supervisor_end */
const char *message_fault_name(unsigned what);	     /* enum supervisor_fault */
/* "execute the step's program": follows "cannot". */
const char *message_fault_sentence(unsigned what);

#endif
