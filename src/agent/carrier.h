/*
 * carrier.h - the channel on which a program in a job sends blobs (runner/carrier.h): the agent's
 * end.
 *
 * carriers_take() for each channel that a task's process brings -> carriers_release(), which
 * forgets what is under way. A channel ends by itself when the program closes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CARRIER_H
#define AGENT_CARRIER_H

struct carrier;
struct err;
struct loop;
struct uploads;

enum { CARRIERS_MOST = 16 }; /* of one task */

/* Of a task. The zeroed struct is empty. */
struct carriers {
	struct carrier *first;
	unsigned count;
	unsigned turns; /* upload.h */
};

/* Owns: fd, also on failure. token is the task's, copied. Fails: ERR_LIMIT, ERR_INPUT (it is no
 * such socket). */
int carriers_take(struct carriers *carriers, struct loop *loop, struct uploads *uploads,
		  const char *token, int fd, struct err *err);

void carriers_release(struct carriers *carriers);

#endif
