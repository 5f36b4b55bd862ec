/*
 * state_dir.h - the run directory: its lock, the agent's id, a directory for each task.
 *
 * Names and rights are include/runner/state_dir.h and doc/state-directory.md. It belongs in
 * tmpfs: what lies here must outlive runnerd, not the host.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_STATE_DIR_H
#define AGENT_STATE_DIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/id.h"

struct buffer;
struct err;

struct state_dir {
	int fd;		 /* the run directory */
	int lock_fd;	 /* held while open */
	int tasks_fd;	 /* tasks/ */
	char *path;	 /* absolute */
	struct id agent; /* made at the first start, then the same */
	bool is_renewed; /* it was not here: what was is lost, as after the host's restart */
};

#define STATE_DIR_INIT                                                                             \
	{                                                                                          \
		.fd = -1, .lock_fd = -1, .tasks_fd = -1                                            \
	}

/*
 * Open, or make (0700), the directory and take its lock. path must be absolute. earlier: who the agent was before
 * what was here was lost, used where nothing is; NULL: it is a new one then.
 * Fails: ERR_AGAIN when another runnerd holds the lock; ERR_HOST otherwise, also when the
 * directory belongs to another user or others may write to it.
 */
int state_dir_open(struct state_dir *dir, const char *path, const struct id *earlier, struct err *err);
void state_dir_release(struct state_dir *dir);

/* Make tasks/<id> (0700) and open it. Fails: ERR_GONE when it exists; ERR_HOST, ERR_LIMIT. */
int state_dir_make_task(struct state_dir *dir, const struct id *task, int *fd, struct err *err);

/* Open tasks/<id>. Fails: ERR_GONE when there is none. */
int state_dir_open_task(struct state_dir *dir, const struct id *task, int *fd, struct err *err);

/* Unlink what may lie in a task's directory, then it. fd may be -1. */
void state_dir_remove_task(struct state_dir *dir, const struct id *task, int fd);

/* Ids of the tasks that are there; the caller frees *ids. Names that are no id are passed over. */
int state_dir_list_tasks(struct state_dir *dir, struct id **ids, size_t *count, struct err *err);

/* Whole small files in a task's directory: the document. Writing is one open, one write, one close.
 */
int state_dir_write(int dir_fd, const char *name, const void *bytes, size_t len, struct err *err);
int state_dir_read(int dir_fd, const char *name, size_t most, struct buffer *out, struct err *err);

#endif
