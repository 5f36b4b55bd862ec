/*
 * ends.h - the descriptors between a process and the agent: a step's pipe, a session's terminal or pipes.
 *
 * What is ours is non-blocking and goes to the agent; what is theirs is the process's, and belongs to
 * its user, or /dev/stdout could not be opened again (pipefs checks the owner, devpts too).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_ENDS_H
#define SUPERVISOR_ENDS_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/supervisor.h"

struct ends {
	int theirs[3]; /* standard input, output and error; -1 as input: /dev/null; one may stand twice */
	int ours[SUPERVISOR_FDS_MOST]; /* as STEP_STARTED hands them over */
	size_t count;		       /* of ours */
	bool is_terminal;	       /* theirs is to be the controlling terminal */
};

/* session NULL: a step's. False, and errno says why, with nothing left open. */
bool ends_make(struct ends *ends, const struct message_start_step *start,
	       const struct message_start_session *session);
void ends_close_theirs(struct ends *ends);
void ends_close_ours(struct ends *ends);

#endif
