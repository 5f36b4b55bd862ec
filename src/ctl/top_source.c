/*
 * top_source.c - what a host or a hub is doing: who is asked.
 *
 * An agent is asked over the socket in its run directory, whose rights leave it to its user and
 * root; a run directory's path may be longer than a socket's, so it is gone by way of a
 * descriptor.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/top.h"
#include "ctl/usage.h"
#include "format/json.h"
#include "loop/loop.h"
#include "runner/state_dir.h"

enum { URL_BYTES = 64 };

/* As runnerd has it. */
static char *
default_run_dir(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *home = getenv("HOME");

	if (geteuid() == 0)
		return mem_strdup("/run/runnerd");
	if (runtime != NULL && *runtime == '/')
		return mem_printf("%s/runnerd", runtime);
	return mem_printf("%s/.local/state/runner/run",
			  home != NULL && *home == '/' ? home : "/tmp");
}

static int
refuse_dir(const char *run_dir, struct err *err)
{
	(void)!err_sys(err, "no runnerd can be asked in '%s'", run_dir);
	if (errno == EACCES)
		return err_hint(err, "only its own user and root may: try sudo");
	return err_hint(err, "name its run directory with --run-dir, or a hub with --hub");
}

static int
open_agent(struct top_source *source, const char *run_dir, struct err *err)
{
	struct loop *loop;
	char url[URL_BYTES];

	source->is_agent = true;
	source->run_dir = mem_strdup(run_dir);
	source->dir_fd = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (source->dir_fd < 0 || faccessat(source->dir_fd, STATE_SOCKET_NAME, F_OK, 0) != 0)
		return refuse_dir(run_dir, err);
	(void)snprintf(url, sizeof(url), "unix:/proc/self/fd/%d/" STATE_SOCKET_NAME,
		       source->dir_fd);
	if (loop_new(&loop, err) < 0)
		return err->code;
	if (api_open_at(&source->api, loop, url, "", err) < 0)
		return err->code;
	return 0;
}

static bool
has_agent(const char *run_dir)
{
	LOCAL_FREE char *path = mem_printf("%s/" STATE_SOCKET_NAME, run_dir);

	return access(path, F_OK) == 0;
}

int
top_source_open(struct top_source *source, const char *run_dir, struct err *err)
{
	LOCAL_FREE char *usual = default_run_dir();
	int rc;

	*source = (struct top_source){.dir_fd = -1};
	if (run_dir == NULL && globals()->hub == NULL && has_agent(usual))
		run_dir = usual;
	rc = run_dir != NULL ? open_agent(source, run_dir, err) : api_open(&source->api, err);
	if (rc < 0)
		top_source_close(source);
	return rc;
}

int
top_source_open_agent(struct top_source *source, const char *run_dir, struct err *err)
{
	LOCAL_FREE char *usual = default_run_dir();
	int rc;

	*source = (struct top_source){.dir_fd = -1};
	rc = open_agent(source, run_dir != NULL ? run_dir : usual, err);
	if (rc < 0)
		top_source_close(source);
	return rc;
}

void
top_source_close(struct top_source *source)
{
	struct loop *loop = source->api != NULL ? api_loop(source->api) : NULL;

	api_close(source->api);
	if (source->is_agent)
		loop_free(loop);
	if (source->dir_fd >= 0)
		(void)close(source->dir_fd);
	free(source->run_dir);
	*source = (struct top_source){.dir_fd = -1};
}

struct loop *
top_source_loop(const struct top_source *source)
{
	return api_loop(source->api);
}

/* --- an agent ------------------------------------------------------------------------------- */

static void
put_usage(struct json *task, const struct usage_sum *sums, size_t count)
{
	pid_t pid = (pid_t)json_get_int(task, "supervisor_pid", 0);
	size_t i;

	for (i = 0; pid > 0 && i < count; i++) {
		if (sums[i].root != pid || sums[i].processes == 0)
			continue;
		json_put_int(task, "cpu_ms", (int64_t)sums[i].cpu_ms);
		json_put_int(task, "memory_bytes", (int64_t)sums[i].memory_bytes);
		json_put_int(task, "processes", sums[i].processes);
		if (!sums[i].knows_disks)
			continue;
		json_put_int(task, "read_bytes", (int64_t)sums[i].read_bytes);
		json_put_int(task, "write_bytes", (int64_t)sums[i].write_bytes);
	}
}

static void
add_usage(struct json *tasks)
{
	size_t count = json_count(tasks), i, roots = 0;
	struct usage_sum *sums = MEM_NEW_ARRAY(struct usage_sum, count + 1);
	int64_t pid;

	for (i = 0; i < count; i++) {
		pid = json_get_int(json_at(tasks, i), "supervisor_pid", 0);
		if (pid > 0)
			sums[roots++].root = (pid_t)pid;
	}
	usage_measure(sums, roots);
	for (i = 0; i < count; i++)
		put_usage(json_at(tasks, i), sums, roots);
	free(sums);
}

static int
ask_agent(struct top_source *source, struct json **out, struct err *err)
{
	if (api_get(source->api, "/state", out, err) < 0) {
		json_free(*out);
		*out = NULL;
		return err_wrap(err, "asking the runnerd of '%s'", source->run_dir);
	}
	add_usage(json_get(*out, "tasks"));
	return 0;
}

/* --- a hub ----------------------------------------------------------------------------------- */

static int
ask_list(struct api *api, const char *path, struct json *into, const char *name, struct err *err)
{
	struct json *answer = NULL;
	int rc = api_get(api, path, &answer, err);

	if (rc == 0 && json_is_array(json_get(answer, "items")))
		json_put(into, name, json_ref(json_get(answer, "items")));
	json_free(answer);
	return rc;
}

static int
ask_hub(struct top_source *source, struct json **out, struct err *err)
{
	struct json *all = json_new_object(), *status = NULL;
	int rc = api_get(source->api, "/api/runner/v1/status", &status, err);

	if (rc == 0)
		json_put(all, "hub", status);
	else
		json_free(status);
	if (rc == 0)
		rc = ask_list(source->api, "/api/v3/runner", all, "agents", err);
	if (rc == 0)
		rc = ask_list(source->api, "/api/runner/v1/tasks?state=leased&limit=1000", all,
			      "tasks", err);
	if (rc < 0)
		json_free(all);
	else
		*out = all;
	return rc;
}

int
top_source_ask(struct top_source *source, struct json **out, struct err *err)
{
	*out = NULL;
	return source->is_agent ? ask_agent(source, out, err) : ask_hub(source, out, err);
}
