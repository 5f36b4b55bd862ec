/*
 * tasks.c - all tasks of this host, and what they share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/caches.h"
#include "agent/cgroup_tree.h"
#include "agent/launcher.h"
#include "agent/mirrors.h"
#include "agent/aftermath.h"
#include "agent/recovery.h"
#include "agent/shelters.h"
#include "agent/state_dir.h"
#include "agent/task_struct.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/json.h"
#include "loop/clock.h"
#include "runner/state_dir.h"
#include "task/mask.h"
#include "task/task_doc.h"

/* --- one task comes --- */

static int
store_document(struct task *task, const struct json *document, struct err *err)
{
	struct buffer text = BUFFER_INIT;
	int rc;

	json_write(&text, document);
	rc = state_dir_write(task->dir_fd, STATE_DOCUMENT_NAME, text.data, text.len, err);
	buffer_release(&text);
	return rc;
}

/* The record that makes it ours: without it a restart removes what else is there. */
static int
journal_claim(struct task *task, struct err *err)
{
	struct journal_record record;
	int rc = journal_create(&task->journal, task->dir_fd, &task->id, task->epoch, err);

	if (rc < 0)
		return rc;
	journal_record_init(&record, JOURNAL_CLAIMED);
	return journal_append(&task->journal, &record, err);
}

static int
store_task(struct task *task, const struct json *document, struct err *err)
{
	struct state_dir *dir = task->tasks->settings.state_dir;
	int rc = state_dir_make_task(dir, &task->id, &task->dir_fd, err);

	if (rc < 0)
		return rc;
	rc = store_document(task, document, err);
	if (rc == 0)
		rc = journal_claim(task, err);
	if (rc < 0)
		state_dir_remove_task(dir, &task->id, task->dir_fd);
	return rc;
}

static size_t
count_of(const char *const *values)
{
	size_t n = 0;

	while (values != NULL && values[n] != NULL)
		n++;
	return n;
}

/* What the document, and this host, want masked: mostly the same for all tasks of a project, but for
 * the last ones of the document. */
static struct mask *
make_mask(struct task *task)
{
	struct tasks *tasks = task->tasks;
	const struct task_doc *doc = task->doc;
	size_t of_doc = count_of(doc->mask), of_host = count_of(tasks->settings.mask), i;
	size_t shared = of_doc - doc->mask_own;
	const char **values = MEM_NEW_ARRAY(const char *, shared + of_host + 1);
	struct mask *mask;

	for (i = 0; i < shared; i++)
		values[i] = doc->mask[i];
	for (i = 0; i < of_host; i++)
		values[shared + i] = tasks->settings.mask[i];
	mask = mask_new_of(&tasks->mask_sets, values, shared + of_host, doc->mask + shared,
			   doc->mask_own);
	free(values);
	return mask;
}

void
task_read_document(struct task *task, const struct json *document)
{
	struct err err = ERR_INIT;

	task->doc_version = json_get_int(document, "version", 0);
	if (task_doc_parse(&task->doc, document, &err) < 0) {
		task->doc = NULL;
		(void)snprintf(task->reason, sizeof(task->reason),
			       "the task document cannot be read: %.150s", err.text);
		return;
	}
	task->mask = make_mask(task);
	task->lease_ms = task->doc->lease_ms;
	free(task->resource_class);
	task->resource_class = mem_strdup(task->doc->resource_class);
	free(task->job_name);
	task->job_name = mem_strdup(task->doc->job_name);
}

void
tasks_hold(struct tasks *tasks, struct task *task)
{
	HASH_ADD(hh, tasks->by_id, id, sizeof(task->id), task);
	if (task->state != TASK_DONE && task->state != TASK_UNCLAIMED)
		tasks->running++;
}

int
tasks_add(struct task **out, struct tasks *tasks, const struct json *document, struct err *err)
{
	struct task *task;
	struct id id;
	uint32_t epoch;
	const char *token;
	int rc;

	OBJ_CHECK(tasks, TASKS_MAGIC);
	if (!task_doc_identity(document, &id, &epoch, &token))
		return err_set(err, ERR_INPUT, "a task document has no id, epoch or token");
	if (tasks_find(tasks, &id) != NULL)
		return err_set(err, ERR_GONE, "the task is here already");
	task = task_alloc(tasks, &id, epoch);
	free(task->token);
	task->token = mem_strdup(token);
	task_read_document(task, document);
	rc = store_task(task, document, err);
	if (rc < 0) {
		task_dispose(task);
		return rc;
	}
	task_open_spool(task);
	task_name_work_dir(task);
	tasks_hold(tasks, task);
	tasks->counters.claimed++;
	press_want_trim(&tasks->press); /* what the reply took that brought it */
	log_line(LOG_INFO, LOG_AT_TASK(task->id_text), "state claimed: %s", task->job_name);
	*out = task;
	return 0;
}

/* --- one task goes --- */

static void
remove_task(struct tasks *tasks, struct task *task)
{
	HASH_DEL(tasks->by_id, task);
	tasks->resting -= task->resting;
	log_line(LOG_DEBUG, LOG_AT_TASK(task->id_text), "removed");
	tasks->hooks.on_removed(tasks->hooks.arg, task);
	spool_remove(&task->spool);
	journal_release(&task->journal);
	state_dir_remove_task(tasks->settings.state_dir, &task->id, task->dir_fd);
	task_dispose(task);
	press_want_trim(&tasks->press);
}

static void
on_reap(void *arg)
{
	struct tasks *tasks = arg;
	struct task *task, *next;

	OBJ_CHECK(tasks, TASKS_MAGIC);
	for (task = tasks->by_id; task != NULL; task = next) {
		next = task->hh.next;
		if (task->removable)
			remove_task(tasks, task);
	}
}

/* --- life --- */

/* What its jobs save for others. */
static int
open_archives(struct tasks *tasks, struct err *err)
{
	const struct tasks_settings *settings = &tasks->settings;
	int rc = 0;

	if (settings->cache_dir != NULL)
		rc = caches_new(&tasks->caches, tasks->loop, CACHES_OF_JOBS, settings->cache_dir,
				settings->cache_most_bytes, err);
	if (rc == 0 && settings->workspace_dir != NULL)
		rc = caches_new(&tasks->layers, tasks->loop, CACHES_OF_WORKSPACES,
				settings->workspace_dir, settings->workspace_most_bytes, err);
	return rc;
}

static void
init_command_host(struct tasks *tasks)
{
	arena_init(&tasks->arena, 0);
	command_host_init(&tasks->command_host, &tasks->arena);
	if (tasks->settings.launcher != NULL)
		tasks->command_host.user = LAUNCHER_USER_NAME;
	tasks->command_host.control_path = control_path(tasks->control);
	tasks->command_host.known_hosts = tasks->settings.known_hosts;
	tasks->command_host.mirrors = tasks->mirrors;
	tasks->command_host.prefix = tasks->settings.command_prefix;
}

/* Last of all: what is tried is what tasks will have. */
static int
open_shelters(struct tasks *tasks, struct err *err)
{
	const struct shelter_host host = {
		.ours = tasks->settings.ours,
		.work_dir = tasks->settings.work_dir,
		.control_dir = control_dir(tasks->control),
		.mirrors = mirrors_path(tasks->mirrors),
		.known_hosts = tasks->settings.known_hosts,
		.search_path = tasks->command_host.search_path,
		.archiver = tasks->command_host.archiver,
		.helper = tasks->command_host.helper,
		.home = tasks->settings.launcher == NULL ? shelter_home() : tasks->settings.slot_home,
		.is_slots = tasks->settings.launcher != NULL,
		.overlays = true,
	};

	return shelters_new(&tasks->shelters, tasks->loop, tasks->settings.isolations, &host,
			    &tasks->work_dirs, tasks->settings.launcher, err);
}

int
tasks_new(struct tasks **out, struct loop *loop, const struct tasks_settings *settings,
	  const struct tasks_hooks *hooks, struct err *err)
{
	struct tasks *tasks = MEM_NEW(struct tasks);
	int rc;

	tasks->magic = TASKS_MAGIC;
	tasks->loop = loop;
	tasks->settings = *settings;
	if (tasks->settings.grace_ms == 0)
		tasks->settings.grace_ms = SUPERVISOR_GRACE_MS;
	tasks->hooks = *hooks;
	rc = mirrors_new(&tasks->mirrors, loop, settings, err);
	if (rc < 0)
		goto no_mirrors;
	rc = press_init(&tasks->press, loop, settings->zstd_level,
			       settings->output_most_bytes, err);
	if (rc < 0)
		goto no_press;
	tasks->press.limits = settings->limits;
	rc = open_archives(tasks, err);
	if (rc < 0)
		goto no_archives;
	rc = work_dirs_init(&tasks->work_dirs, loop, settings->work_dir, err);
	if (rc < 0)
		goto no_work_dirs;
	rc = control_new(&tasks->control, loop, settings->work_dir, tasks->work_dirs.fd,
			 tasks_control, tasks, err);
	if (rc < 0)
		goto no_work_dirs;
	work_dirs_use_launcher(&tasks->work_dirs, settings->launcher, settings->wants_disk);
	if (settings->launcher != NULL)
		slot_users_init(&tasks->slot_users, (uint32_t)launcher_uid(settings->launcher, 0),
				launcher_slots(settings->launcher), settings->open_from);
	init_command_host(tasks);
	rc = open_shelters(tasks, err);
	if (rc < 0)
		goto no_shelters;
	later_init(&tasks->reap, loop, on_reap, tasks);
	*out = tasks;
	return 0;

no_shelters:
	slot_users_release(&tasks->slot_users);
	arena_release(&tasks->arena);
	control_free(tasks->control);
no_work_dirs:
	work_dirs_release(&tasks->work_dirs);
no_archives:
	caches_free(tasks->layers);
	caches_free(tasks->caches);
	press_release(&tasks->press);
no_press:
	mirrors_free(tasks->mirrors);
no_mirrors:
	free(tasks);
	return rc;
}

void
tasks_free(struct tasks *tasks)
{
	struct task *task, *next;

	if (tasks == NULL)
		return;
	OBJ_CHECK(tasks, TASKS_MAGIC);
	for (task = tasks->by_id; task != NULL; task = next) {
		next = task->hh.next;
		HASH_DEL(tasks->by_id, task);
		task_dispose(task);
	}
	later_release(&tasks->reap);
	control_free(tasks->control);
	work_dirs_release(&tasks->work_dirs);
	caches_free(tasks->layers);
	caches_free(tasks->caches);
	press_release(&tasks->press);
	slot_users_release(&tasks->slot_users);
	shelters_free(tasks->shelters);
	mirrors_free(tasks->mirrors);
	arena_release(&tasks->arena);
	OBJ_WIPE(tasks);
	free(tasks);
}

int
tasks_recover(struct tasks *tasks, size_t *count, struct err *err)
{
	int rc;

	OBJ_CHECK(tasks, TASKS_MAGIC);
	if (tasks->settings.is_after_restart)
		aftermath_clear(tasks);
	rc = recovery_run(tasks, count, err);
	if (rc == 0 && tasks->settings.cgroups != NULL)
		cgroup_tree_sweep(tasks->settings.cgroups);
	return rc;
}

/* --- queries --- */

struct task *
tasks_find(struct tasks *tasks, const struct id *id)
{
	struct task *task;

	HASH_FIND(hh, tasks->by_id, id, sizeof(*id), task);
	return task;
}

struct task *
tasks_next(struct tasks *tasks, struct task *after)
{
	return after == NULL ? tasks->by_id : after->hh.next;
}

size_t
tasks_count(const struct tasks *tasks)
{
	return HASH_COUNT(tasks->by_id) - tasks->resting;
}

size_t
tasks_running(const struct tasks *tasks)
{
	return tasks->running;
}

unsigned
tasks_stuck(const struct tasks *tasks)
{
	return tasks->stuck;
}

struct press *
tasks_press(struct tasks *tasks)
{
	return &tasks->press;
}

const struct tasks_counters *
tasks_counters(struct tasks *tasks)
{
	tasks->counters.output_bytes = tasks->press.bytes;
	tasks->counters.output_records = tasks->press.records;
	tasks->counters.frame_bytes = tasks->press.frame_bytes;
	tasks->counters.output_dropped = tasks->press.dropped;
	return &tasks->counters;
}

void
tasks_measure_output(struct tasks *tasks, struct tasks_output *output)
{
	int64_t now_ms = clock_unix_ms(), oldest_ms = now_ms, ms;
	struct task *task = NULL;

	*output = (struct tasks_output){.memory = slab_use(tasks->press.slab)};
	while ((task = tasks_next(tasks, task)) != NULL) {
		output->spool_bytes += task->spool.bytes;
		output->spool_disk_bytes += task->spool.stored;
		ms = spool_oldest_ms(&task->spool);
		if (ms != 0 && ms < oldest_ms)
			oldest_ms = ms;
	}
	output->oldest_unsent_ms = (uint64_t)(now_ms - oldest_ms);
}

const char *
tasks_isolation(const struct tasks *tasks)
{
	return shelters_level(tasks->shelters);
}
