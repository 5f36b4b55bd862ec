/*
 * state_dir.h - names in runnerd's run directory and in the state directory of a task.
 *
 * doc/state-directory.md says what each holds. All are made with mode 0600, directories
 * with 0700; init.sock and init.log are named in runner/supervisor.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUNNER_STATE_DIR_H
#define RUNNER_STATE_DIR_H

#include "runner/supervisor.h"

#define STATE_LOCK_NAME	    "lock"
#define STATE_AGENT_NAME    "agent.id"
#define STATE_TASKS_NAME    "tasks"
#define STATE_SOCKET_NAME   "agent.sock"
#define STATE_DOCUMENT_NAME "task.json"
#define STATE_JOURNAL_NAME  "journal"
#define STATE_JOURNAL_NEW_NAME "journal.new" /* while one that cannot be read is replaced */
#define STATE_MASKS_NAME    "masks"
#define STATE_HOLDING_NAME  "holding"
#define STATE_KEEP_NAME	    "keep" /* how long it is to be kept when it has failed */
#define STATE_HOOKS_NAME    "hooks" /* a letter for each start of a hook: p, f, e */
#define STATE_USER_NAME	    "user" /* of the task's slot: its number */
#define SPOOL_OWNER_NAME    "owner" /* on the disk, beside tasks: the run directory's path */
#define STATE_SPOOL_PREFIX  "spool." /* followed by the segment's number, 8 digits, from 1 */

/* In the run directory. X(NAME, "name") */
#define STATE_DIR_NAMES(X)           \
	X(LOCK, STATE_LOCK_NAME)     \
	X(AGENT, STATE_AGENT_NAME)   \
	X(TASKS, STATE_TASKS_NAME)   \
	X(AGENT_SOCKET, STATE_SOCKET_NAME)

/* In tasks/<id>. X(NAME, "name") */
#define STATE_TASK_NAMES(X)              \
	X(DOCUMENT, STATE_DOCUMENT_NAME) \
	X(JOURNAL, STATE_JOURNAL_NAME)   \
	X(JOURNAL_NEW, STATE_JOURNAL_NEW_NAME) \
	X(SPOOL, STATE_SPOOL_PREFIX)     \
	X(MASKS, STATE_MASKS_NAME)       \
	X(HOOKS, STATE_HOOKS_NAME)       \
	X(KEEP, STATE_KEEP_NAME)         \
	X(HOLDING, STATE_HOLDING_NAME)   \
	X(USER, STATE_USER_NAME)         \
	X(SOCKET, SUPERVISOR_SOCKET_NAME) \
	X(LOG, SUPERVISOR_LOG_NAME)

enum {
	JOURNAL_VERSION = 4, /* 3, whose RUNNING has no monotonic time, 2, without peak, read and write bytes too, and 1, without HALTED too, are read */
	JOURNAL_RECORD_BYTES = 320,
	AGENT_ID_VERSION = 1,
	HOLDING_VERSION = 1,
	HOOKS_VERSION = 1,
	USER_VERSION = 1,
	SPOOL_OWNER_VERSION = 1,
	KEEP_VERSION = 1,
	KEEP_RECORD_BYTES = 32,
	MASKS_VERSION = 1,
	MASKS_HEAD_BYTES = 8,	/* magic, version */
	MASKS_RECORD_BYTES = 8, /* length, CRC-32C; then the value */
	SPOOL_VERSION = 3,
	SPOOL_HEAD_BYTES = 32,	 /* of a segment, before its streams */
	SPOOL_STREAM_BYTES = 32,   /* step, attempt, end offset, source's end offset, flags */
	SPOOL_STREAM_1_BYTES = 16, /* of version 1: step, attempt, end offset */
	SPOOL_STREAM_2_BYTES = 24, /* of version 2: without the flags */
	SPOOL_STREAM_CUT = 1,      /* flag: nothing more of what the step writes is kept */
};

#define SPOOL_MAGIC 0x314c5053u /* "SPL1" */
#define MASKS_MAGIC 0x314b534du /* "MSK1" */

/*
 * What a record of the journal says. X(NAME, name, event): event is the enum event_type's name
 * that it is reported as, or NONE.
 */
#define JOURNAL_TYPES(X)                          \
	X(CLAIMED, claimed, NONE)                 \
	X(PREPARING, preparing, PREPARING)        \
	X(RUNNING, running, RUNNING)              \
	X(STEP_STARTED, step_started, STEP_STARTED) \
	X(STEP_STOPPING, step_stopping, NONE)     \
	X(STEP_ENDED, step_ended, STEP_ENDED)     \
	X(VERDICT, verdict, NONE)                 \
	X(FINISHING, finishing, FINISHING)        \
	X(DONE, done, ENDED)                      \
	X(UNCLAIMED, unclaimed, NONE)             \
	X(DROPPED, dropped, NONE)                 \
	X(ACKED, acked, NONE)                     \
	X(HALTED, halted, NONE)

enum journal_type {
	JOURNAL_NO_TYPE,
#define X(NAME, name, event) JOURNAL_##NAME,
	JOURNAL_TYPES(X)
#undef X
	JOURNAL_TYPE_COUNT,
};

#endif
