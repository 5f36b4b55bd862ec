/*
 * work_dir.h - the directories a task works in, and their removal without waiting.
 *
 * <work>/<id>/home is its HOME (its project directory below), <id>/tmp its TMPDIR,
 * <id>/bash_env the file that its steps share; <id>/upper and <id>/overlay hold what it has changed in the
 * user's HOME, where that is laid over. What a job leaves just as it was made is
 * renamed to <work>/spare-N and is a later task's: there are never more spares than there were
 * tasks at one time. Else removal unlinks what is known and empty at once; where a job has
 * left more, an rm(1) does it, one at a time for the whole host, in the idle I/O class; the slot is
 * free meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_WORK_DIR_H
#define AGENT_WORK_DIR_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/skeleton.h"
#include "loop/child.h"
#include "loop/loop.h"

struct err;
struct launcher;
struct loop;
struct swept_dir;
struct work_dir;

/* All of them: where they lie, and the queue of removals. */
struct work_dirs {
	struct loop *loop;
	char *path;
	int fd;
	struct skeleton skeleton;
	struct launcher *launcher; /* whose work making and deleting is; NULL: ours. Borrowed */
	bool holds_disk; /* tasks to what their class has of it: work_dirs_use_launcher() */
	unsigned spares; /* spare-0 up to this */
	struct child rm;
	struct timer again;			 /* when rm could not be started */
	struct work_dir *waiting, **waiting_end; /* to be removed */
	struct work_dir *removing;		 /* those that rm was given */
	struct swept_dir *swept;		 /* of tasks that are no more, of both of these */
};

struct work_dir {
	struct work_dir *next;
	int slot; /* whose user it is made for; where there is a launcher */
	uint64_t disk_bytes; /* the most that it is to hold, where something holds it to that; 0: any */
	char *name; /* in work_dirs: the task's id */
	char *path, *home, *tmp, *bash_env;
	char *upper, *overlay; /* what is changed in home where that is the user's; overlayfs' own */
	bool doubtful; /* the owner's: a process of the task may be left, so no other task gets it */
	bool queued;
	void (*on_gone)(void *arg);
	void *arg;
};

/* path is absolute and made if absent; spares found there are removed. Fails: ERR_HOST, ERR_INPUT. */
int work_dirs_init(struct work_dirs *dirs, struct loop *loop, const char *path, struct err *err);
/* Removes the spares. An rm that runs goes on. */
void work_dirs_release(struct work_dirs *dirs);

/*
 * Where tasks have users of their own (NULL: they have ours) it makes them from now on, and they are held to
 * their disk if the file system can. wants_disk: it is logged where nothing holds them to it.
 */
void work_dirs_use_launcher(struct work_dirs *dirs, struct launcher *launcher, bool wants_disk);

/*
 * Remove those that nothing has touched since the time (Unix, ms) that the host was started: no task of now is in them,
 * of whatever agent. How many they are.
 */
unsigned work_dirs_sweep(struct work_dirs *dirs, int64_t before_ms);

/* Name the directories of a task, without making them. */
void work_dir_init(struct work_dir *work, const struct work_dirs *dirs, const char *name);
/* Make them; those that are there already are no error. Fails: ERR_HOST, ERR_LIMIT. */
int work_dir_make(struct work_dir *work, struct work_dirs *dirs, struct err *err);

/*
 * Its HOME is home, with changes of its own: makes upper and overlay, but for tasks that have users of their
 * own, for whom runner-init does. Fails: ERR_HOST, ERR_LIMIT.
 */
int work_dir_lay_over(struct work_dir *work, const struct work_dirs *dirs, const char *home,
		      struct err *err);
/* Has it been? An earlier runnerd may have done it. */
bool work_dir_is_laid_over(const struct work_dir *work);

/*
 * Remove them, or keep them for another task. True when they are gone already; else on_gone
 * comes once rm has ended (also when it could not remove everything, which it logs).
 */
bool work_dir_remove(struct work_dir *work, struct work_dirs *dirs, void (*on_gone)(void *arg),
		     void *arg);
/* It stays for people to look at: from now on it is ours, and no job's. */
void work_dir_keep(struct work_dir *work, struct work_dirs *dirs);
/* The same, waited for: for a program's start. What cannot be removed is logged. */
void work_dir_discard(struct work_dir *work, struct work_dirs *dirs);
/* Frees the names. Must not be queued for removal. */
void work_dir_release(struct work_dir *work);

#endif
