/*
 * session.h - a person's terminal in a task: between a request at the hub and a process of the task.
 *
 * session_start() -> its request at the hub is open -> OPEN comes -> session_begin_fn asks runner-init
 * for the process -> session_note_*() -> bytes both ways -> EXITED. What is on its way is bounded both
 * ways, and whoever does not read holds up only this. It holds no slot and no end: when the task
 * ends, or the connection, it ends (session_end()). session_is_over() then, and session_free().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "wire/message.h"

struct err;
struct hub_link;
struct loop;
struct session;
struct session_open;

enum { SESSIONS_OF_TASK_MOST = 24, SESSION_WHO_BYTES = 128 };

/* What the hub says of one that a person waits for. */
struct session_order {
	struct id session;
	const char *who; /* for the log */
};

/* By their numbers. */
struct sessions {
	struct session *slots[SESSIONS_OF_TASK_MOST]; /* NULL: free */
};

struct session_hooks {
	void *arg;
	const char *task; /* its id, for the log, until session_start() returns; NULL: none is known */
	/* Ask runner-init for the process. Fails: with the sentence that the person is told. */
	int (*on_open)(void *arg, struct session *session, const struct session_open *open,
		       struct err *err);
	/* The person is gone, or the process's signal is asked for. */
	void (*on_signal)(void *arg, struct session *session, int signo);
	/* session_is_over(): the owner takes it off its list and frees it, from the loop. */
	void (*on_over)(void *arg, struct session *session);
};

/* refusal: what the person is told in place of a session; NULL. number names it to runner-init. */
struct session *session_start(struct loop *loop, struct hub_link *link,
			      const struct session_order *order, uint32_t number,
			      const char *refusal, const struct session_hooks *hooks);
void session_free(struct session *session); /* nothing is told any more; NULL is fine */

uint32_t session_number(const struct session *session);
bool session_has_process(const struct session *session);

/* News from runner-init. Owns: fds. */
void session_note_started(struct session *session, const int *fds, size_t fd_count);
void session_note_failed(struct session *session, const char *sentence);
void session_note_exited(struct session *session, const struct message_step_exited *exited);
/* Its process is gone with runner-init, or with the connection to it. */
void session_note_lost(struct session *session, const char *sentence);

/* End it now: the person is told the sentence; the process is hung up. */
void session_end(struct session *session, const char *sentence);

#endif
