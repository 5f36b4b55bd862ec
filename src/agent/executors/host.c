/*
 * host.c - the executor that starts runner-init on this host, best isolation first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/executors/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cpu_list.h"
#include "agent/executor.h"
#include "base/assert.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "runner/shelter.h"
#include "runner/supervisor.h"

enum { HOST_MAGIC = 0x4057e8ec, PROBE_MS = 10 * 1000 };

struct kind {
	const char *word;
	const char *says;
	unsigned flags;
};

static const struct kind kinds[] = {
	{"namespace", "PID namespace", CHILD_NEW_PID_NS | CHILD_NEW_IPC_NS},
	{"namespace", "PID namespace in a user namespace",
	 CHILD_NEW_PID_NS | CHILD_NEW_IPC_NS | CHILD_NEW_USER_NS},
	{"none", "subreaper", 0},
};

enum { KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]) };

struct host_executor {
	struct executor executor; /* first: it is what others hold */
	uint32_t magic;
	size_t kind, last; /* to try next; no further than last */
	bool found;	   /* kind works */
	struct child probe;
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

static bool
has_mounts(const struct kind *kind)
{
	return (kind->flags & CHILD_NEW_PID_NS) != 0;
}

static int
start_as(struct host_executor *host, const struct kind *kind, struct child *child,
	 struct loop *loop, const struct executor_start *start, child_exit_fn *on_exit, void *arg,
	 struct err *err)
{
	char orphan_ms[16];
	char *argv[6] = {(char *)"runner-init", (char *)"--task", (char *)"--orphan-ms", orphan_ms};
	char *envp[] = {NULL};
	struct child_fd fds[3];
	struct child_spec spec = {.path = host->path,
				  .argv = argv,
				  .envp = envp,
				  .cwd = "/",
				  .fds = fds,
				  .flags = CHILD_NEW_SESSION | CHILD_SETTLES_SIGNALS | kind->flags};

	(void)snprintf(orphan_ms, sizeof(orphan_ms), "%u", start->orphan_ms);
	if (start->probe_fd >= 0) {
		argv[1] = (char *)"--probe";
		fds[spec.fd_count++] = (struct child_fd){start->probe_fd, STDERR_FILENO};
	} else {
		fds[spec.fd_count++] = (struct child_fd){start->listen_fd, SUPERVISOR_LISTEN_FD};
		fds[spec.fd_count++] = (struct child_fd){start->dir_fd, SUPERVISOR_DIR_FD};
	}
	if (start->shelter_fd >= 0 && has_mounts(kind)) {
		argv[4] = (char *)"--shelter";
		fds[spec.fd_count++] = (struct child_fd){start->shelter_fd, SHELTER_FD};
		spec.flags |= start->has_network ? 0 : CHILD_NEW_NET_NS;
	}
	if (child_start(child, loop, &spec, on_exit, arg, err) < 0)
		return err->code;
	if (start->cpu_list != NULL)
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

static bool
host_shelters(const struct executor *executor)
{
	return has_mounts(&kinds[host_of(executor)->kind]);
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
host_executor_new(struct executor **out, const char *isolation, struct err *err)
{
	struct host_executor *host = MEM_NEW(struct host_executor);
	int rc;

	host->executor = (struct executor){"host", host_start, host_isolation, host_shelters, host_free};
	host->magic = HOST_MAGIC;
	host->probe = (struct child)CHILD_INIT;
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

/* --- what this host allows ---------------------------------------------------------------- */

/* What it said of itself, or that it said nothing. */
static int
probe_said(int fd, int status, struct err *err)
{
	char text[256];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (status == 0)
		return 0;
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return err_set(err, ERR_HOST, "runner-init cannot %s",
		       text[0] != '\0' ? text : "say what this host allows");
}

static int
probe_kind(struct host_executor *host, struct loop *loop, int shelter_fd, bool has_network,
	   struct err *err)
{
	struct executor_start start = {.shelter_fd = shelter_fd, .has_network = has_network};
	int said[2], status, rc;

	if (pipe2(said, O_CLOEXEC) != 0)
		return err_sys(err, "cannot make a pipe");
	start.probe_fd = said[1];
	rc = start_as(host, &kinds[host->kind], &host->probe, loop, &start, NULL, NULL, err);
	(void)close(said[1]);
	if (rc == 0)
		rc = child_wait(&host->probe, PROBE_MS, &status, err);
	if (rc == 0)
		rc = probe_said(said[0], status, err);
	(void)close(said[0]);
	return rc;
}

/* Which switch of the kernel it is that says no, as far as one can be read. */
static const char *
namespace_hint(void)
{
	static const struct {
		const char *path;
		int closed;
		const char *hint;
	} switches[] = {
		{"/proc/sys/kernel/unprivileged_userns_clone", '0',
		 "set sysctl kernel.unprivileged_userns_clone to 1, start runnerd as root, or say "
		 "isolation none"},
		{"/proc/sys/user/max_user_namespaces", '0',
		 "set sysctl user.max_user_namespaces to some thousands, start runnerd as root, or "
		 "say isolation none"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1',
		 "set sysctl kernel.apparmor_restrict_unprivileged_userns to 0, start runnerd as "
		 "root, or say isolation none"},
	};
	size_t i;

	for (i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		LOCAL_FD fd = open(switches[i].path, O_RDONLY | O_CLOEXEC);
		char first = '\0';

		if (fd >= 0 && read(fd, &first, 1) == 1 && first == switches[i].closed)
			return switches[i].hint;
	}
	return "in a container, allow user namespaces and mounts in them, or say isolation none";
}

int
host_executor_probe(struct executor *executor, struct loop *loop, int shelter_fd, bool has_network,
		    struct err *err)
{
	struct host_executor *host = host_of(executor);
	int rc;

	for (;;) {
		rc = probe_kind(host, loop, shelter_fd, has_network, err);
		if (rc == 0)
			host->found = true;
		if (rc == 0 || host->found || host->kind == host->last)
			break;
		log_debug("no %s on this host: %s", kinds[host->kind].says, err->text);
		host->kind++;
	}
	if (rc < 0 && has_mounts(&kinds[host->last]))
		err_hint(err, namespace_hint());
	return rc;
}
