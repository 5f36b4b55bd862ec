/*
 * step.h - what the steps of runner-archive have in common: they ask the agent, and tell the job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_STEP_H
#define ARCHIVE_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "format/digest.h"
#include "helper/control_client.h"

struct err;

/* A line of the step's output, and a warning. */
void step_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void step_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Ask the agent for something that a text names; fd goes along (-1: none). */
enum control_result
step_ask(const char *verb, const char *value, int fd, struct control_answer *answer);

/* What was not granted, as an error; returns its code. */
int step_refused(enum control_result result, const struct control_answer *answer, struct err *err);

/* As many threads as the task has processors. */
unsigned step_threads(void);

uint64_t step_now_ms(void); /* monotonic */

/* What the agent says of an archive: "DIGEST SIZE NAME"; a name may be missing. */
struct step_archive {
	char digest[DIGEST_TEXT_BYTES];
	uint64_t size;
	const char *name; /* in the answer */
};

bool step_read_archive(struct step_archive *archive, const struct control_answer *answer);

/*
 * The archive that the agent has found, with its file at its beginning. Where it is damaged *intact
 * is false: that is told ("WHAT 'NAME' is damaged"), and the agent removes it (verb lose). Fails:
 * ERR_HOST.
 */
int step_take_archive(struct step_archive *archive, const struct control_answer *found,
		      const char *what, const char *lose, bool *intact, struct err *err);

#endif
