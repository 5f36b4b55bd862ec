/*
 * supervisor.h - the runner-init of one task: its process and what it says.
 *
 * supervisor_start() for a new task, supervisor_find() for one that an earlier runnerd left:
 * both give HELLO, one on_step_state for each step it holds, on_ready, then news. The end
 * of the process is on_gone, once, after everything it has said.
 * supervisor_send() may be called before HELLO has come.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_SUPERVISOR_H
#define AGENT_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/init_socket.h"
#include "loop/child.h"
#include "wire/message.h"

struct err;
struct executor;
struct executor_start;

struct supervisor_hooks {
	void *arg;
	const char *task; /* its id, for the log; borrowed */
	/* Descriptors belong to the callee; -1 where there is none. */
	void (*on_step_state)(void *arg, const struct message_step_state *state, int pipe_fd,
			      int memfd);
	void (*on_ready)(void *arg); /* all of the above has come: after every connection */
	void (*on_step_started)(void *arg, const struct message_step_started *started, int pipe_fd);
	/* Of a session (SUPERVISOR_SESSION_ATTEMPT); descriptors as above. */
	void (*on_session_started)(void *arg, uint32_t session, const int *fds, size_t fd_count);
	void (*on_step_failed)(void *arg, const struct message_step_failed_to_start *failed);
	void (*on_step_exited)(void *arg, const struct message_step_exited *exited);
	void (*on_empty)(void *arg, uint32_t left);
	void (*on_error)(void *arg, const struct message_error *error);
	/* No process is left but where there is no PID namespace. reason is NULL after a QUIT that
	 * went well. */
	void (*on_gone)(void *arg, const char *reason);
	/* It is to be killed and we have no right to: it is another user. NULL: that cannot be. */
	void (*on_stuck)(void *arg);
};

struct supervisor {
	uint32_t magic;
	struct loop *loop;
	int dir_fd; /* borrowed */
	struct supervisor_hooks hooks;
	struct init_socket socket;
	struct child child; /* started by us */
	struct watch found; /* else: pidfd of the one that was found */
	int found_fd;
	struct timer again;   /* to connect once more */
	unsigned connects;    /* in a row that brought no HELLO */
	uint32_t states_owed; /* STEP_STATEs that HELLO has promised */
	uint32_t flags;	      /* enum hello_flag, once said_hello */
	uint32_t quit_grace_ms;
	bool said_hello, quit_sent, alive;
};

/*
 * Start runner-init for the task whose state directory how names, and connect. listen_fd is filled
 * here. It goes on without an agent for orphan_ms: from its first moment, since we may be killed in
 * ours. Fails: ERR_HOST, ERR_LIMIT; nothing runs then.
 */
int supervisor_start(struct supervisor *supervisor, struct loop *loop, struct executor *executor,
		     const struct executor_start *how, const struct supervisor_hooks *hooks,
		     struct err *err);

/*
 * Connect to one that runs already; where the host refuses that now it is tried again for some
 * seconds, then on_gone comes. Fails: ERR_GONE, none runs.
 */
int supervisor_find(struct supervisor *supervisor, struct loop *loop, int dir_fd,
		    const struct supervisor_hooks *hooks, struct err *err);

void supervisor_send(struct supervisor *supervisor, const struct message *message, const int *fds,
		     size_t fd_count);
/* Does it know sessions? One that an older runnerd started does not. */
bool supervisor_has_sessions(const struct supervisor *supervisor);

/* QUIT: end everything and itself. It is said again on a new connection. */
void supervisor_quit(struct supervisor *supervisor, uint32_t grace_ms);

/* SIGKILL for runner-init itself, when it does not answer; one that has not said who it is:
 * on_gone, now. */
void supervisor_kill(struct supervisor *supervisor);

bool supervisor_is_alive(const struct supervisor *supervisor);
/* 0 when it is not alive, or has not spoken since we found it. */
pid_t supervisor_pid(const struct supervisor *supervisor);
/* Does its end take every process of the task with it? */
bool supervisor_has_namespace(const struct supervisor *supervisor);

/* Has it said that its task has a shelter (runner/shelter.h)? */
bool supervisor_is_sheltered(const struct supervisor *supervisor);

/* Let go; it goes on. A zeroed struct is fine. No hook is called any more. */
void supervisor_release(struct supervisor *supervisor);

/* Can init.log be read? Fails: ERR_HOST when a later runner-init has written it; ERR_INPUT. */
int supervisor_check_log(int dir_fd, struct err *err);

/*
 * What the END record of init.log says, as a sentence, when there is one that explains an end
 * without us; NULL otherwise.
 */
const char *supervisor_last_words(int dir_fd);

#endif
