/*
 * control_client.h - the job's end of the task's control socket (runner/control.h).
 *
 * For small programs of ours that run as a job's steps; nothing is printed here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HELPER_CONTROL_CLIENT_H
#define HELPER_CONTROL_CLIENT_H

#include <stddef.h>

#include "runner/control.h"

enum control_result {
	CONTROL_OK,
	CONTROL_NONE,	 /* there is no such thing; the text may say why that is not sure */
	CONTROL_REFUSED, /* the answer's text says why */
	CONTROL_SILENT,	 /* no agent answered within CONTROL_RETRY_MS, or this is no step: the text
			    says so */
};

struct control_question {
	const char *verb;
	const void *value;
	size_t len;
	int fd; /* goes along, and stays the caller's; -1: none */
	void (*on_still)(
		void); /* every half minute that the agent is at it; NULL: nobody is told */
};

struct control_answer {
	char text[CONTROL_REPLY_MOST_BYTES]; /* behind "ok " or "no " */
	int fd;				     /* that came along; the caller's; -1: none */
};

/*
 * Ask the agent and wait for its answer: for as long as it says that it is at it, and up to
 * CONTROL_RETRY_MS while it does not answer, since it is being restarted perhaps.
 */
enum control_result
control_ask(const struct control_question *question, struct control_answer *answer);

#endif
