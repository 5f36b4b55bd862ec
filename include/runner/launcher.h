/*
 * launcher.h - what runnerd and its runner-launcher must agree on.
 *
 * The launcher has root's rights and a fixed vocabulary. A request is one struct in one packet of the
 * SOCK_SEQPACKET socket that both were born with, descriptors beside it by SCM_RIGHTS; each is
 * answered, in their order, by one struct. Both come from one build on one host, so the structs
 * travel as they are. What is not used in a request is 0.
 *
 * The first answer is unasked: it says that the launcher is ready, or why it is not.
 *
 * What takes time is done by a child of runnerd's own (CLONE_PARENT): the answer brings its pid and
 * its pidfd, and wait(2) its status. So the launcher remembers nothing and never waits.
 *
 * doc/architecture.md says who has which rights, runner-launcher(8) what each request does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUNNER_LAUNCHER_H
#define RUNNER_LAUNCHER_H

#include <stdint.h>

enum {
	LAUNCHER_VERSION = 2,
	LAUNCHER_FD = 3,      /* its end of the socket */
	LAUNCHER_WORK_FD = 4, /* the directory of work directories */
	LAUNCHER_FDS_MOST = 3,
	LAUNCHER_SLOTS_MOST = 4096,
	LAUNCHER_TASK_BYTES = 16, /* a task's id: base/id.h */
	LAUNCHER_CPU_BYTES = 128, /* a cpu_set_t */
};

#define LAUNCHER_USER_NAME "runner" /* what a slot's user is called inside its task */

/*
 * X(NAME, name, fields, descriptors at least if there are any, at most); fields: enum launcher_field, what it uses.
 *
 * START       runner-init for a slot: its listening socket, the task's state directory and, where it has one,
 *             its shelter (runner/shelter.h), or none of them to see whether it can be started. A child.
 * MAKE        a task's work directory, given to a slot, and held to so much of the disk
 * KEEP        take it from its slot: it is runnerd's
 * REMOVE      delete it with all that is in it. A child; status 0 when it is gone.
 * KILL        SIGKILL for every process of a slot
 * CLEAN       the same until none is left, then what the slot has left in public places. A child;
 *             status 0, or LAUNCHER_EXIT_LEFT when processes are left that cannot be ended, or
 *             LAUNCHER_EXIT_FILES when files are.
 */
#define LAUNCHER_VERBS(X)                                                                          \
	X(START, start, LAUNCHER_HAS_SLOT | LAUNCHER_HAS_LEVEL | LAUNCHER_HAS_TASK, 2, 3)          \
	X(MAKE, make, LAUNCHER_HAS_SLOT | LAUNCHER_HAS_TASK | LAUNCHER_HAS_DISK, 0, 0)             \
	X(KEEP, keep, LAUNCHER_HAS_TASK, 0, 0)                                                     \
	X(REMOVE, remove, LAUNCHER_HAS_TASK, 0, 0)                                                 \
	X(KILL, kill, LAUNCHER_HAS_SLOT, 0, 0)                                                     \
	X(CLEAN, clean, LAUNCHER_HAS_SLOT, 0, 0)

enum launcher_field {
	LAUNCHER_HAS_SLOT = 1 << 0,
	LAUNCHER_HAS_LEVEL = 1 << 1, /* and orphan_ms, and cpus */
	LAUNCHER_HAS_TASK = 1 << 2,
	LAUNCHER_HAS_DISK = 1 << 3,
};

enum launcher_verb {
	LAUNCHER_NO_VERB,
#define X(NAME, name, fields, least, most) LAUNCHER_##NAME,
	LAUNCHER_VERBS(X)
#undef X
	LAUNCHER_VERB_COUNT,
};

/* What holds a task, beside its slot's user id. */
enum launcher_level {
	LAUNCHER_LEVEL_USER,	  /* nothing */
	LAUNCHER_LEVEL_NAMESPACE, /* PID, mount, IPC and UTS namespaces */
	LAUNCHER_LEVEL_ALONE,	  /* and a network namespace, where nothing is up */
	LAUNCHER_LEVEL_COUNT,
};

/* Locked by the byte, fcntl(2): one for each user id that some launcher of the host has. */
#define LAUNCHER_LOCK_PATH "/run/runner-launcher.lock"

enum { LAUNCHER_EXIT_LEFT = 3, LAUNCHER_EXIT_FILES = 4 };

/* What could not be done. X(NAME, name, sentence): it follows "cannot", or stands alone. */
#define LAUNCHER_FAULTS(X)                                                                         \
	X(NONE, none, "")                                                                          \
	X(REQUEST, request, "understand what runnerd asks")                                        \
	X(RIGHTS, rights, "give up rights that it does not need")                                  \
	X(USERS, users, "have the slots' users: another runnerd on this host has some of them")     \
	X(LOCK, lock, "lock the slots' users in /run")                                             \
	X(HOME, home, "show the slots' HOME as their users' own")                                  \
	X(PROCESS, process, "make a process")                                                      \
	X(SESSION, session, "start a session")                                                     \
	X(DESCRIPTORS, descriptors, "place descriptors")                                           \
	X(EXEC, exec, "execute runner-init")                                                       \
	X(DIRECTORY, directory, "make the work directory")                                         \
	X(OWNER, owner, "give the work directory to its user")                                     \
	X(QUOTA, quota, "hold the work directory to its disk")                                     \
	X(FOREIGN, foreign, "use the work directory: it belongs to somebody else")                 \
	X(KILL, kill, "end the slot's processes")

enum launcher_fault {
#define X(NAME, name, sentence) LAUNCHER_FAULT_##NAME,
	LAUNCHER_FAULTS(X)
#undef X
	LAUNCHER_FAULT_COUNT,
};

struct launcher_request {
	uint32_t version; /* LAUNCHER_VERSION */
	uint32_t verb;	  /* enum launcher_verb */
	uint32_t slot;	  /* below the number of slots the launcher was started with */
	uint32_t level;	  /* enum launcher_level */
	uint32_t orphan_ms; /* how long runner-init goes on without an agent */
	uint32_t disk_mib;  /* the most that the work directory holds; 0: any */
	uint8_t task[LAUNCHER_TASK_BYTES];
	uint8_t cpus[LAUNCHER_CPU_BYTES]; /* the only ones, if the host has them; all 0: any */
};

struct launcher_answer {
	uint32_t version;
	uint32_t fault; /* enum launcher_fault; 0: done, or begun */
	uint32_t sys;	/* errno, or 0 */
	int32_t pid;	/* with the pidfd beside it; 0: none */
};

#endif
