/*
 * mirrors.h - bare git repositories that the tasks of this host share, each brought up to date once
 * for however many tasks ask at the same time.
 *
 * A mirror is of one project and URL: no project's job reaches another's by it. A child of ours
 * updates it with the task's own keys; a checkout only reads it, and what it makes of it is
 * independent. Updates hold a lock, so several runnerds may share a directory.
 *
 * A process asks again, when it is told to, until the answer is not MIRROR_WAIT; an update that
 * began after the task came holds everything that the task may want. Mirrors that were not used for
 * mirrors_age_ms are removed, and the least recently used while all are larger than allowed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_MIRRORS_H
#define AGENT_MIRRORS_H

#include <stdint.h>

#include "runner/control.h"

struct arena;
struct control_reply;
struct control_request;
struct err;
struct loop;
struct mirrors;
struct task_doc;
struct tasks_settings;

struct mirror_need {
	const struct task_doc *doc;
	uint64_t since_us; /* an update that began earlier may be too old */
};

enum mirror_answer {
	MIRROR_READY,
	MIRROR_WAIT,
	MIRROR_NONE, /* why is set: the repository is to be taken from where it lies */
};

/*
 * *out is NULL where settings->mirrors is. The directory is made. Settings' texts are borrowed.
 * Fails: ERR_HOST.
 */
int mirrors_new(struct mirrors **out, struct loop *loop, const struct tasks_settings *settings,
		struct err *err);
/* Updates that run are ended. NULL is fine. */
void mirrors_free(struct mirrors *mirrors);

/* The directory, which tasks may only read; NULL: there is none. */
const char *mirrors_path(const struct mirrors *mirrors);
/* Of the mirror a document's checkout uses, in the arena; NULL when it uses none: no git, a path of
 * this host, no mirrors. */
const char *
mirrors_path_of(const struct mirrors *mirrors, struct arena *arena, const struct task_doc *doc);

/* Never blocks. Where a process waits reply says so, at once or later; it is untouched otherwise. */
enum mirror_answer mirrors_ask(struct mirrors *mirrors, const struct mirror_need *need,
			       const struct control_request *request, struct control_reply *reply,
			       char why[CONTROL_REPLY_MOST_BYTES]);
/* It could not be read: the next update looks it through, and makes it anew. */
void mirrors_doubt(struct mirrors *mirrors, const struct mirror_need *need);

#endif
