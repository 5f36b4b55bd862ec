/*
 * host.c - the executor that starts runner-init on this host, best isolation first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/executors/host.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cpu_list.h"
#include "agent/executor.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "runner/supervisor.h"

enum { HOST_MAGIC = 0x4057e8ec };

struct kind {
	const char *word;
	const char *says;
	unsigned flags;
};

static const struct kind kinds[] = {
	{"namespace", "PID namespace", CHILD_NEW_PID_NS},
	{"namespace", "PID namespace in a user namespace", CHILD_NEW_PID_NS | CHILD_NEW_USER_NS},
	{"none", "subreaper", 0},
};

enum { KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]) };

struct host_executor {
	struct executor executor; /* first: it is what others hold */
	uint32_t magic;
	size_t kind, last; /* to try next; no further than last */
	bool found;	   /* kind works */
	struct child probe;
	const char *read_only;
	char path[PATH_MAX];
};

static struct host_executor *
host_of(const struct executor *executor)
{
	struct host_executor *host = (struct host_executor *)(uintptr_t)executor;

	OBJ_CHECK(host, HOST_MAGIC);
	return host;
}

/* It has started no step yet, and what it starts inherits them. A host that takes a CPU away goes on. */
static void
pin(const struct child *child, const char *cpu_list)
{
	struct err err = ERR_INIT;
	cpu_set_t cpus;

	if (cpu_list_parse(cpu_list, &cpus, &err) < 0 || sched_setaffinity(child->pid, sizeof(cpus), &cpus) != 0)
		log_warn("a task is not pinned to CPUs %.100s: %s", cpu_list,
			 err.code != 0 ? err.text : strerror(errno));
}

static int
start_as(struct host_executor *host, const struct kind *kind, struct child *child,
	 struct loop *loop, const struct executor_start *start, child_exit_fn *on_exit, void *arg,
	 struct err *err)
{
	char orphan_ms[16] = "0";
	char *argv[] = {(char *)"runner-init",
			(char *)"--task",
			(char *)"--orphan-ms",
			orphan_ms,
			NULL,
			NULL,
			NULL};
	char *envp[] = {NULL};
	struct child_fd fds[2];
	struct child_spec spec = {.path = host->path,
				  .argv = argv,
				  .envp = envp,
				  .cwd = "/",
				  .fds = fds,
				  .flags = CHILD_NEW_SESSION | kind->flags};

	if (start != NULL) {
		(void)snprintf(orphan_ms, sizeof(orphan_ms), "%u", start->orphan_ms);
		fds[0] = (struct child_fd){start->listen_fd, SUPERVISOR_LISTEN_FD};
		fds[1] = (struct child_fd){start->dir_fd, SUPERVISOR_DIR_FD};
		spec.fd_count = 2;
	}
	if (host->read_only != NULL) {
		argv[4] = (char *)"--read-only";
		argv[5] = (char *)(uintptr_t)host->read_only;
	}
	if (child_start(child, loop, &spec, on_exit, arg, err) < 0)
		return err->code;
	if (start != NULL && start->cpu_list != NULL)
		pin(child, start->cpu_list);
	return 0;
}

/* Go down the list until one works, and stay there: a host does not change its mind. */
static int
host_start(struct executor *executor, struct child *child, struct loop *loop,
	   const struct executor_start *start, child_exit_fn *on_exit, void *arg, struct err *err)
{
	struct host_executor *host = host_of(executor);
	int rc;

	for (;;) {
		const struct kind *kind = &kinds[host->kind];

		rc = start_as(host, kind, child, loop, start, on_exit, arg, err);
		if (rc == 0 && !host->found)
			log_info("tasks are held together by a %s", kind->says);
		if (rc == 0)
			host->found = true;
		if (rc != ERR_HOST || host->found || host->kind == host->last)
			return rc;
		log_debug("no %s on this host: %s", kind->says, err->text);
		host->kind++;
	}
}

static const char *
host_isolation(const struct executor *executor)
{
	return kinds[host_of(executor)->kind].says;
}

static void
host_free(struct executor *executor)
{
	struct host_executor *host = host_of(executor);

	child_release(&host->probe);
	OBJ_WIPE(host);
	free(host);
}

static int
choose_kinds(struct host_executor *host, const char *word, struct err *err)
{
	size_t i;

	host->last = KIND_COUNT - 1;
	if (word == NULL || text_eq(word, "auto"))
		return 0;
	host->kind = KIND_COUNT;
	for (i = KIND_COUNT; i-- > 0;)
		if (text_eq(word, kinds[i].word)) {
			if (host->kind == KIND_COUNT)
				host->last = i;
			host->kind = i;
		}
	if (host->kind == KIND_COUNT)
		return err_set(err, ERR_INPUT,
			       "isolation '%s' is not known: it is auto, namespace or none", word);
	return 0;
}

int
host_executor_new(struct executor **out, const char *isolation, const char *read_only,
		  struct err *err)
{
	struct host_executor *host = MEM_NEW(struct host_executor);
	int rc;

	host->executor = (struct executor){"host", host_start, host_isolation, host_free};
	host->magic = HOST_MAGIC;
	host->probe = (struct child)CHILD_INIT;
	host->read_only = read_only;
	rc = choose_kinds(host, isolation, err);
	if (rc == 0)
		rc = child_find_program(host->path, sizeof(host->path), "runner-init", err);
	if (rc < 0) {
		free(host);
		return rc;
	}
	*out = &host->executor;
	return 0;
}

static void
on_probe_exit(void *arg, int status, const struct rusage *usage)
{
	(void)arg; /* without a task it says so and ends: that it began is all we asked */
	(void)status;
	(void)usage;
}

int
host_executor_probe(struct executor *executor, struct loop *loop, struct err *err)
{
	struct host_executor *host = host_of(executor);

	if (host->found)
		return 0;
	return host_start(executor, &host->probe, loop, NULL, on_probe_exit, host, err);
}
