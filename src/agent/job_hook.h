/*
 * job_hook.h - a program of the administrator's that runs beside a task: one run of it.
 *
 * job_hook_find() -> job_hook_start() -> on_end, once, from the loop -> job_hook_free(), also from
 * inside on_end. The program is a child of runnerd in a session of its own and dies with runnerd.
 * What it prints goes to the log line by line. When its time is over, or job_hook_stop() was
 * called, its process group gets TERM, and KILL after the grace.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_JOB_HOOK_H
#define AGENT_JOB_HOOK_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct err;
struct job_hook;
struct loop;

enum {
	JOB_HOOK_LINE_BYTES = 1024, /* a longer one is cut into several */
	JOB_HOOK_LINES_MOST = 1000, /* of one run; what follows is read and dropped */
};

/* Texts but name and task are borrowed for the call of job_hook_start() only. */
struct job_hook_spec {
	const char *path;
	const char *name; /* "pre-job": for messages; borrowed for its life */
	const char *task; /* id, for the log; borrowed for its life */
	char *const *envp;
	uint64_t timeout_ms;
	uint32_t grace_ms;
	int cgroup_fd; /* its group's cgroup.procs, open for writing; -1: none */
};

/* reason is NULL when it has exited with 0; else a sentence, with the last line it has printed. */
typedef void job_hook_end_fn(void *arg, const char *reason);

/*
 * Is there such a program in dir? 1 with its path, 0 when there is none.
 * Fails: ERR_INPUT for one that cannot be executed, is no file, or that everybody may write.
 */
int job_hook_find(char path[PATH_MAX], const char *dir, const char *name, struct err *err);

/* Fails: ERR_HOST, ERR_LIMIT when it cannot be started; on_end is not called then. */
int job_hook_start(struct job_hook **out, struct loop *loop, const struct job_hook_spec *spec,
		   job_hook_end_fn *on_end, void *arg, struct err *err);

/* End it before its time. Twice is harmless; NULL is fine. */
void job_hook_stop(struct job_hook *hook);

/* Kills what still runs; on_end is not called any more. NULL is fine. */
void job_hook_free(struct job_hook *hook);

#endif
