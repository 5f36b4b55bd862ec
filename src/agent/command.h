/*
 * command.h - what a step executes: arguments, environment, directory, sealed for runner-init.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_COMMAND_H
#define AGENT_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/ceilings.h"
#include "agent/environment.h"
#include "task/task_doc.h"

struct arena;
struct err;
struct mirrors;
struct session_open;
struct work_dir;

enum {
	COMMAND_INLINE_MOST_BYTES = 120 * 1024
}; /* a longer one is a file: execve(2), MAX_ARG_STRLEN */

/* All in the arena that it was made with. */
struct command {
	bool no_new_privs; /* runner-init takes care of it; behind a prefix circleci-agent does */
	const char *cwd;
	const char *const *argv, *const *env;
	const uint64_t *filter; /* of system calls, as in wire/spec.h; the caller's */
	uint32_t filter_count;
	struct ceilings ceilings;
};

/* What the host contributes: found out once. */
struct command_host {
	const char *const *shell; /* where neither step nor task names one */
	const char *search_path;  /* circleci-agent's directory first */
	const char *control_path; /* the control socket; the owner's, NULL: there is none */
	const char *user;
	const char *archiver; /* runner-archive; NULL: it was not found */
	const char *helper;	      /* circleci-agent; NULL: there is none */
	const char *known_hosts;      /* the owner's, as tasks_settings; NULL: none */
	const struct mirrors *mirrors; /* the owner's; NULL: none */
	const char *const *prefix;     /* the owner's; words that start every command; NULL: none */
};

void command_host_init(struct command_host *host, struct arena *arena);

/* Has this agent an engine for such steps? */
bool command_can_make(enum step_kind kind);

/*
 * What a step of the document executes. A long command is written to a file in the work directory.
 * of_host: what the host adds to its environment, below all that the document says.
 * Fails: ERR_LIMIT, ERR_HOST.
 */
int command_make(struct command *out, struct arena *arena, const struct command_host *host,
		 const struct task_doc *doc, uint32_t step, uint32_t attempt,
		 const struct work_dir *work, const struct env_layer *of_host, struct err *err);

/*
 * What a person executes in the task, in the environment and the directory of that step. Through a
 * shell, so that what the steps left in BASH_ENV holds. Fails: ERR_LIMIT; ERR_INPUT when the host
 * starts commands through a prefix, which has no room for a terminal.
 */
int command_make_session(struct command *out, struct arena *arena, const struct command_host *host,
			 const struct task_doc *doc, uint32_t step, const struct work_dir *work,
			 const struct env_layer *of_host, const struct session_open *open,
			 struct err *err);

/*
 * A sealed memfd that holds it (wire/spec.h); *fd is the caller's. Fails: ERR_INPUT when it passes
 * one of execve(2)'s limits; ERR_HOST.
 */
int command_seal(const struct command *command, int *fd, struct err *err);

#endif
