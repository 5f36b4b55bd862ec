/*
 * cgroup_tree.h - the part of the host's control groups (version 2) that is runnerd's.
 *
 *	BASE/agent/		  each runner-init, runner-launcher: no task's limit holds for them
 *	BASE/tasks/		  the tasks (cgroup.h)
 *
 * BASE is the group that runnerd was started in, when it is runnerd's alone; runnerd and what it starts are
 * in BASE/agent then. As a service of systemd it is the group of a second one beside it, for A/NAME.service
 * A/NAME-tasks.service: systemd starts runnerd anew in the group of its service itself, which the kernel refuses
 * (EBUSY) while controllers are handed down from there, and they are while a task runs. runnerd stays in its own then.
 * Or BASE is named. Only one runnerd works below a BASE, and what it finds there and does not know it ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CGROUP_TREE_H
#define AGENT_CGROUP_TREE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "loop/loop.h"

struct cgroup;
struct err;

#define CGROUP_MOUNT "/sys/fs/cgroup"

/* Controllers that tasks are held by. X(NAME, name) */
#define CGROUP_CONTROLLERS(X)                                                                      \
	X(MEMORY, memory)                                                                          \
	X(PIDS, pids)                                                                              \
	X(CPU, cpu)                                                                                \
	X(CPUSET, cpuset)                                                                          \
	X(IO, io)

enum cgroup_controller {
#define X(NAME, name) CGROUP_##NAME,
	CGROUP_CONTROLLERS(X)
#undef X
		CGROUP_CONTROLLER_COUNT,
};

struct cgroup_tree {
	uint32_t magic;
	struct loop *loop;
	int base_fd;	      /* locked: nobody else works here */
	int agent_fd, tasks_fd;
	bool beside;	      /* BASE is another service's: children must be moved there */
	unsigned controllers; /* bits 1 << enum cgroup_controller */
	char path[PATH_MAX];  /* of BASE below CGROUP_MOUNT */
	int notify_fd;	      /* inotify: of every task's memory.events */
	struct watch notify;
	struct timer look;    /* at who is large, while a task with a limit runs */
	struct cgroup *groups;
};

/*
 * Find BASE, enter its group for the agent, and hand the controllers down. where is "auto" (the group
 * that we are in, or that beside it) or BASE below the mount point, which is made if absent.
 * Fails: ERR_HOST with what this host lacks: no version 2, no right, other processes in BASE, no second service;
 * ERR_AGAIN when another runnerd works there. Nothing is changed then.
 */
int cgroup_tree_new(struct cgroup_tree **out, struct loop *loop, const char *where,
		    struct err *err);
/* Hand it all over to this user, who we are about to become. Fails: ERR_HOST. */
int cgroup_tree_give(struct cgroup_tree *tree, uid_t uid, gid_t gid, struct err *err);
/*
 * Move a child of ours to BASE/agent, before it has children itself. Nothing where we are in it. Fails: ERR_HOST
 * (runner-launcher's children are born there, and it is to be moved while we are root).
 */
int cgroup_tree_adopt(struct cgroup_tree *tree, pid_t pid, struct err *err);
/* Could it be had? The same questions, nothing is changed; *path is BASE. Fails: likewise. */
int cgroup_tree_probe(const char *where, char path[PATH_MAX], struct err *err);

/* The groups stay, and what is in them. NULL is fine. */
void cgroup_tree_free(struct cgroup_tree *tree);

/* End and remove what an earlier runnerd has left and no task of ours has taken up. */
void cgroup_tree_sweep(struct cgroup_tree *tree);

bool cgroup_tree_has(const struct cgroup_tree *tree, enum cgroup_controller controller);
/* "memory, pids, cpu": for people; "" when there is none. Returns room. */
const char *cgroup_tree_controllers(const struct cgroup_tree *tree, char room[64]);

#endif
