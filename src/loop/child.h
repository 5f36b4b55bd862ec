/*
 * child.h - a process of ours: started without fork, known by pidfd, reaped once.
 *
 * child_start() vforks by clone(2) (no page table is copied, however large we are) and
 * execs before it returns, so an exec error is the call's error. The end comes as a
 * callback. A child's output is not its end: whoever reads its pipes knows that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_CHILD_H
#define LOOP_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "loop/loop.h"

struct err;

/* status as wait(2) gives it. The child is reaped; signal calls are harmless no-ops from here on. */
typedef void child_exit_fn(void *arg, int status, const struct rusage *usage);

struct child_fd {
	int from; /* ours */
	int to;	  /* what it is called in the child: 0..15 */
};

enum child_flag {
	CHILD_NEW_SESSION = 1 << 0,	/* setsid: a terminal's Ctrl-C does not reach it */
	CHILD_DIES_WITH_US = 1 << 1,	/* PR_SET_PDEATHSIG SIGKILL */
	CHILD_NEW_PID_NS = 1 << 2,	/* it is PID 1 of a PID namespace, with a mount namespace */
	CHILD_NEW_USER_NS = 1 << 3,	/* in a user namespace that maps our own ids to themselves;
					   it keeps CAP_SYS_ADMIN, CAP_DAC_OVERRIDE and CAP_NET_ADMIN
					   there over its exec */
	CHILD_IDLE_IO = 1 << 4,		/* disks serve it when nobody else wants them */
	CHILD_NEW_IPC_NS = 1 << 5,	/* in an IPC and a UTS namespace */
	CHILD_NEW_NET_NS = 1 << 6,	/* in a network namespace, where nothing is up */
	CHILD_IN_CGROUP = 1 << 7,	/* it begins in the control group of cgroup_fd */
	CHILD_SETTLES_SIGNALS = 1 << 8, /* it begins with all signals blocked, and ignored which we ignore */
};

struct child_spec {
	const char *path;	     /* of the program, no PATH search */
	char *const *argv, *const *envp; /* envp NULL: our own environment */
	const char *cwd;	     /* NULL: ours */
	const struct child_fd *fds;  /* everything else is closed by close-on-exec */
	size_t fd_count;	     /* at most CHILD_FD_MOST; 0..2 not named are /dev/null */
	unsigned flags;		     /* enum child_flag */
	int cgroup_fd;		     /* with CHILD_IN_CGROUP: a cgroup.procs, open for writing */
};

enum { CHILD_FD_MOST = 8 };

struct child {
	struct watch watch;
	int pidfd; /* -1 when there is none */
	pid_t pid;
	child_exit_fn *on_exit;
	void *arg;
};

#define CHILD_INIT {.pidfd = -1}

/*
 * Start it. On success the child runs and on_exit will be called once; NULL: nobody is told.
 * Fails: ERR_HOST with the path when it cannot be executed or a namespace is refused; ERR_LIMIT
 * when there is no room for one more process.
 */
int child_start(struct child *child, struct loop *loop, const struct child_spec *spec,
		child_exit_fn *on_exit, void *arg, struct err *err);

/* One that somebody else has made for us (CLONE_PARENT). */
struct child_born {
	pid_t pid;
	int pidfd; /* the child's from here on, also on failure */
};

/* Go on with it as with one that was started. Fails: ERR_HOST, ERR_LIMIT; it runs then, unwatched. */
int child_adopt(struct child *child, struct loop *loop, const struct child_born *born,
		child_exit_fn *on_exit, void *arg, struct err *err);

/* By pidfd: never hits another process. ERR_GONE when it has ended. */
int child_signal(struct child *child, int signo, struct err *err);
bool child_is_running(const struct child *child);

/*
 * Wait for its end here and now, and forget it: for a program's start, not for a loop that runs. on_exit is
 * not called. *status as wait(2) gives it. Fails: ERR_HOST when ms have passed; it is killed then.
 */
int child_wait(struct child *child, unsigned ms, int *status, struct err *err);

/* How many run: started here, neither ended nor forgotten. */
unsigned child_count(void);

/* Forget it without waiting (it goes on); on_exit is not called any more. */
void child_release(struct child *child);

/* Path of a program of ours: beside our own executable, else in libexecdir or sbindir. ERR_HOST with these places. */
int child_find_program(char *room, size_t size, const char *name, struct err *err);

/* The first of paths, which ends with a NULL, that can be executed: one of the host's. NULL: none. */
const char *child_host_program(const char *const paths[]);

#endif
