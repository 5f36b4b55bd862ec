/*
 * launcher.h - runnerd's end of runner-launcher: what needs root's rights (runner/launcher.h).
 *
 * launcher_new() while we are root, then we become another user, then the verbs, in any order. Each is
 * a question and its answer, for which we wait: the launcher does at once, or has a child do,
 * whatever it is asked. Children are ours.
 *
 * Where it ends nothing can be started any more: on_end, and runnerd must be started anew. Tasks go on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_LAUNCHER_H
#define AGENT_LAUNCHER_H

#include <sched.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/id.h"
#include "loop/child.h"
#include "runner/launcher.h"

struct err;
struct launcher;
struct loop;

struct launcher_settings {
	uint32_t first_uid, slots; /* slot n is user first_uid + n */
	uid_t agent_uid;	   /* who we become */
	gid_t agent_gid;
	int work_fd;		/* borrowed for the call */
	const char *work_dir;	/* its path */
	const char *home;	/* what tasks may have as their users' HOME; NULL: nothing of the host's */
};

/* Owns: copies what it needs. Fails: ERR_HOST. */
int launcher_new(struct launcher **out, struct loop *loop, const struct launcher_settings *settings,
		 void (*on_end)(void *arg), void *arg, struct err *err);
/* It ends. NULL is fine. */
void launcher_free(struct launcher *launcher);

pid_t launcher_pid(const struct launcher *launcher);
/* How many slots there are; the user of one; the group of all. */
uint32_t launcher_slots(const struct launcher *launcher);
uid_t launcher_uid(const struct launcher *launcher, uint32_t slot);

struct launcher_start {
	uint32_t slot;
	enum launcher_level level;
	const struct id *task;
	int listen_fd, dir_fd; /* both -1: only to see whether it begins */
	int shelter_fd;	       /* -1: none */
	uint32_t orphan_ms;
	const cpu_set_t *cpus; /* NULL: any */
};

/* Whom to tell of a child's end; as for child_start(). */
struct launcher_child {
	struct child *child;
	child_exit_fn *on_exit;
	void *arg;
};

/* All fail with ERR_HOST and what was refused; ERR_GONE when the launcher has ended. */
int launcher_start_init(struct launcher *launcher, const struct launcher_start *start,
			const struct launcher_child *child, struct err *err);
/* disk_bytes: the most that it holds; 0: any, also where nothing could hold it to that (agent/quota.h). */
int launcher_make_place(struct launcher *launcher, uint32_t slot, const struct id *task,
			uint64_t disk_bytes, struct err *err);
int launcher_keep_place(struct launcher *launcher, const struct id *task, struct err *err);
int launcher_remove_place(struct launcher *launcher, const struct id *task,
			  const struct launcher_child *child, struct err *err);
int launcher_kill_slot(struct launcher *launcher, uint32_t slot, struct err *err);
int launcher_clean_slot(struct launcher *launcher, uint32_t slot,
			const struct launcher_child *child, struct err *err);

#endif
