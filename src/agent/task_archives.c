/*
 * task_archives.c - what a task's runner-archive asks of the agent: files for caches and layers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/caches.h"
#include "agent/downloads.h"
#include "agent/task_struct.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "task/layers.h"
#include "task/task_doc.h"

/* Who asks. Its value is text here, which may be written to; fd is what came along. */
struct asking {
	struct task *task;
	const struct control_request *request;
	char *text;
	int fd;
};

typedef void ask_fn(const struct asking *asking, struct control_reply *reply);

static void
say(struct control_reply *reply, const char *word)
{
	(void)snprintf(reply->text, sizeof(reply->text), "%s", word);
}

static void
answer(struct control_reply *reply, int rc, const struct err *err)
{
	if (rc == 0)
		say(reply, "ok");
	else if (rc == ERR_GONE)
		say(reply, "none");
	else
		control_refuse(reply, err->text);
}

/* "DIGEST REST": the digest is what is left of text. NULL, and refused, where it is not that. */
static char *
split_digest(const struct asking *asking, struct control_reply *reply)
{
	char *rest = strchr(asking->text, ' ');

	if (rest == NULL || asking->fd < 0) {
		control_refuse(reply, "an archive is saved by its digest, its name and its file");
		return NULL;
	}
	*rest++ = '\0';
	return rest;
}

/* --- caches --- */

static void
ask_cache_begin(const struct asking *asking, struct control_reply *reply)
{
	struct task *task = asking->task;
	struct err err = ERR_INIT;
	int rc = caches_begin(task->tasks->caches, task->doc->project_slug, asking->text,
			      &reply->fd, &err);

	answer(reply, rc, &err);
}

static void
ask_cache_save(const struct asking *asking, struct control_reply *reply)
{
	struct task *task = asking->task;
	char *key = split_digest(asking, reply);
	const struct cache_offer offer = {task->doc->project_slug, key, asking->text,
					  task->doc->cache_keep_ms, 0};
	struct err err = ERR_INIT;
	int rc;

	if (key == NULL)
		return;
	rc = caches_save(task->tasks->caches, &offer, asking->fd, &err);
	if (rc == 0)
		log_line(LOG_INFO, LOG_AT_TASK(task->id_text), "cache saved: %s", key);
	answer(reply, rc, &err);
}

static void
say_found(struct control_reply *reply, const struct cache_file *found)
{
	(void)snprintf(reply->text, sizeof(reply->text), "ok %s %llu %s", found->digest,
		       (unsigned long long)found->size, found->key);
}

/* What this host has; false: it is not here. */
typedef bool here_fn(struct task *task, const char *name, struct control_reply *reply);

static bool
is_cache_here(struct task *task, const char *key, struct control_reply *reply)
{
	struct cache_file found;
	struct err err = ERR_INIT;
	int rc = caches_find(task->tasks->caches, task->doc->project_slug, key, &found, &reply->fd,
			     &err);

	answer(reply, rc, &err);
	if (rc == 0)
		say_found(reply, &found);
	return rc != ERR_GONE;
}

static bool
is_layer_here(struct task *task, const char *name, struct control_reply *reply)
{
	struct cache_file found;
	struct err err = ERR_INIT;
	int rc = caches_get(task->tasks->layers, task->doc->project_slug, name, &found, &reply->fd,
			    &err);

	answer(reply, rc, &err);
	if (rc == 0)
		say_found(reply, &found);
	return rc != ERR_GONE;
}

/* It is not here: the hub may have it. */
static void
fetch(const struct asking *asking, enum blob_kind kind, here_fn *is_here,
      struct control_reply *reply)
{
	struct task *task = asking->task;
	const struct tasks_hooks *hooks = &task->tasks->hooks;
	struct download_spec spec = {
		.caches = kind == BLOB_CACHE ? task->tasks->caches : task->tasks->layers,
		.kind = kind,
		.project = task->doc->project_slug,
		.name = asking->text,
		.is_prefix = kind == BLOB_CACHE,
	};
	char why[DOWNLOADS_WHY_BYTES] = "";
	enum download_end end = DOWNLOAD_NONE;

	if (!task->doc->archives_at_hub || hooks->on_fetch == NULL)
		return; /* it stays at "none" */
	if (!hooks->on_fetch(hooks->arg, task, &spec, asking->request, reply, &end, why))
		return;
	if (end == DOWNLOAD_HERE)
		(void)is_here(task, asking->text, reply);
	else if (end == DOWNLOAD_FAILED)
		(void)snprintf(reply->text, sizeof(reply->text), "none %s", why);
}

static void
ask_cache_find(const struct asking *asking, struct control_reply *reply)
{
	if (!is_cache_here(asking->task, asking->text, reply))
		fetch(asking, BLOB_CACHE, is_cache_here, reply);
}

/* As it lies here, for the hub; "none" where it is for this host alone. */
static void
share(const struct asking *asking, struct caches *caches, const char *name,
      struct control_reply *reply)
{
	struct task *task = asking->task;
	struct cache_file found;
	struct err err = ERR_INIT;
	int rc = ERR_GONE;

	if (task->doc->archives_at_hub && task->tasks->hooks.on_channel != NULL)
		rc = caches_get(caches, task->doc->project_slug, name, &found, &reply->fd, &err);
	answer(reply, rc, &err);
	if (rc == 0)
		say_found(reply, &found);
}

static void
ask_cache_share(const struct asking *asking, struct control_reply *reply)
{
	share(asking, asking->task->tasks->caches, asking->text, reply);
}

static void
ask_cache_lose(const struct asking *asking, struct control_reply *reply)
{
	struct task *task = asking->task;

	caches_lose(task->tasks->caches, task->doc->project_slug, asking->text);
	say(reply, "ok");
}

/* --- layers --- */

static int
write_all(int fd, const struct buffer *bytes)
{
	size_t done = 0;
	ssize_t n = 0;

	for (; done < bytes->len && n >= 0; done += (size_t)n)
		n = write(fd, bytes->data + done, bytes->len - done);
	return n >= 0 && lseek(fd, 0, SEEK_SET) == 0 ? 0 : -1;
}

static void
ask_layer_list(const struct asking *asking, struct control_reply *reply)
{
	struct task *task = asking->task;
	struct buffer bytes = BUFFER_INIT;
	struct json *json;

	if (task->doc->workspace.count == 0) {
		say(reply, "none");
		return;
	}
	json = layers_write(&task->doc->workspace);
	json_write(&bytes, json);
	json_free(json);
	reply->fd = memfd_create("layers", MFD_CLOEXEC);
	if (reply->fd >= 0 && write_all(reply->fd, &bytes) == 0)
		say(reply, "ok");
	else
		control_refuse(reply, "the agent cannot make a list of the workspace's layers");
	buffer_release(&bytes);
}

/* The name of what a step of this task persists; NULL, and refused, when it persists nothing. */
static const char *
own_layer(const struct task *task, char name[LAYER_NAME_BYTES], const char *number,
	  struct control_reply *reply)
{
	struct err err = ERR_INIT;
	uint64_t step;

	if (text_parse_u64(number, task->doc->step_count - 1, &step, &err) < 0 ||
	    task->doc->steps[step].kind != STEP_PERSIST_TO_WORKSPACE) {
		control_refuse(reply, "this is no step that persists to the workspace");
		return NULL;
	}
	return layer_name(name, task->id_text, (uint32_t)step);
}

static void
ask_layer_begin(const struct asking *asking, struct control_reply *reply)
{
	struct task *task = asking->task;
	char room[LAYER_NAME_BYTES];
	const char *name = own_layer(task, room, asking->text, reply);
	struct err err = ERR_INIT;
	int rc;

	if (name == NULL)
		return;
	rc = caches_begin(task->tasks->layers, task->doc->project_slug, name, &reply->fd, &err);
	answer(reply, rc, &err);
}

static void
ask_layer_save(const struct asking *asking, struct control_reply *reply)
{
	struct task *task = asking->task;
	char room[LAYER_NAME_BYTES];
	const char *number = split_digest(asking, reply), *name;
	struct err err = ERR_INIT;
	int rc;

	name = number != NULL ? own_layer(task, room, number, reply) : NULL;
	if (name == NULL)
		return;
	rc = caches_save(task->tasks->layers,
			 &(struct cache_offer){task->doc->project_slug, name, asking->text, 0, 0},
			 asking->fd, &err);
	if (rc == 0)
		log_line(LOG_INFO, LOG_AT_TASK(task->id_text), "layer persisted: %s", name);
	answer(reply, rc, &err);
}

static void
ask_layer_find(const struct asking *asking, struct control_reply *reply)
{
	if (layers_find(&asking->task->doc->workspace, asking->text) == NULL)
		control_refuse(reply, "this is no layer of the task's workspace");
	else if (!is_layer_here(asking->task, asking->text, reply))
		fetch(asking, BLOB_WORKSPACE, is_layer_here, reply);
}

static void
ask_layer_share(const struct asking *asking, struct control_reply *reply)
{
	char room[LAYER_NAME_BYTES];
	const char *name = own_layer(asking->task, room, asking->text, reply);

	if (name != NULL)
		share(asking, asking->task->tasks->layers, name, reply);
}

static void
ask_layer_lose(const struct asking *asking, struct control_reply *reply)
{
	struct task *task = asking->task;

	if (layers_find(&task->doc->workspace, asking->text) != NULL)
		caches_lose(task->tasks->layers, task->doc->project_slug, asking->text);
	say(reply, "ok");
}

/* --- all --- */

static const struct {
	const char *verb;
	bool is_layer;
	ask_fn *ask;
} verbs[] = {
	{CONTROL_VERB_CACHE_BEGIN, false, ask_cache_begin},
	{CONTROL_VERB_CACHE_SAVE, false, ask_cache_save},
	{CONTROL_VERB_CACHE_FIND, false, ask_cache_find},
	{CONTROL_VERB_CACHE_LOSE, false, ask_cache_lose},
	{CONTROL_VERB_CACHE_SHARE, false, ask_cache_share},
	{CONTROL_VERB_LAYER_LIST, true, ask_layer_list},
	{CONTROL_VERB_LAYER_BEGIN, true, ask_layer_begin},
	{CONTROL_VERB_LAYER_SAVE, true, ask_layer_save},
	{CONTROL_VERB_LAYER_FIND, true, ask_layer_find},
	{CONTROL_VERB_LAYER_LOSE, true, ask_layer_lose},
	{CONTROL_VERB_LAYER_SHARE, true, ask_layer_share},
};

static void
ask(struct task *task, size_t verb, const struct control_request *request,
    struct control_reply *reply)
{
	struct asking asking = {.task = task, .request = request, .fd = request->fd};

	if (memchr(request->value, '\0', request->len) != NULL) {
		control_refuse(reply, "the name of an archive has no NUL");
	} else if (verbs[verb].is_layer ? task->tasks->layers == NULL
					: task->tasks->caches == NULL) {
		control_refuse(reply, verbs[verb].is_layer ? "this agent keeps no workspaces"
							   : "this agent keeps no caches");
	} else {
		asking.text = mem_strndup((const char *)request->value, request->len);
		verbs[verb].ask(&asking, reply);
		free(asking.text);
	}
}

bool
task_asks_archive(struct task *task, const struct control_request *request,
		  struct control_reply *reply)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (text_eq(request->verb, verbs[i].verb)) {
			ask(task, i, request, reply);
			return true;
		}
	return false;
}
