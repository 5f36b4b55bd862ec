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
#include "agent/task_struct.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "task/layers.h"
#include "task/task_doc.h"

/* A request's value is text here, which may be written to; fd is what came along. */
typedef void ask_fn(struct task *task, char *text, int fd, struct control_reply *reply);

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
split_digest(char *text, int fd, struct control_reply *reply)
{
	char *rest = strchr(text, ' ');

	if (rest == NULL || fd < 0) {
		control_refuse(reply, "an archive is saved by its digest, its name and its file");
		return NULL;
	}
	*rest++ = '\0';
	return rest;
}

/* --- caches --- */

static void
ask_cache_begin(struct task *task, char *key, int fd, struct control_reply *reply)
{
	struct err err = ERR_INIT;
	int rc = caches_begin(task->tasks->caches, task->doc->project_slug, key, &reply->fd, &err);

	(void)fd;
	answer(reply, rc, &err);
}

static void
ask_cache_save(struct task *task, char *text, int fd, struct control_reply *reply)
{
	char *key = split_digest(text, fd, reply);
	const struct cache_offer offer = {task->doc->project_slug, key, text, task->doc->cache_keep_ms};
	struct err err = ERR_INIT;
	int rc;

	if (key == NULL)
		return;
	rc = caches_save(task->tasks->caches, &offer, fd, &err);
	if (rc == 0)
		log_line(LOG_INFO, LOG_AT_TASK(task->id_text), "cache saved: %s", key);
	answer(reply, rc, &err);
}

/* A key a line; the first for which there is any. */
static void
ask_cache_find(struct task *task, char *keys, int fd, struct control_reply *reply)
{
	struct cache_file found;
	struct err err = ERR_INIT;
	char *rest = keys, *key;
	int rc = ERR_GONE;

	(void)fd;
	while (rc == ERR_GONE && (key = strsep(&rest, "\n")) != NULL) {
		err = (struct err)ERR_INIT;
		rc = caches_find(task->tasks->caches, task->doc->project_slug, key, &found,
				 &reply->fd, &err);
	}
	answer(reply, rc, &err);
	if (rc == 0)
		(void)snprintf(reply->text, sizeof(reply->text), "ok %s %llu %s", found.digest,
			       (unsigned long long)found.size, found.key);
}

static void
ask_cache_lose(struct task *task, char *key, int fd, struct control_reply *reply)
{
	(void)fd;
	caches_lose(task->tasks->caches, task->doc->project_slug, key);
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
ask_layer_list(struct task *task, char *text, int fd, struct control_reply *reply)
{
	struct buffer bytes = BUFFER_INIT;
	struct json *json;

	(void)text;
	(void)fd;
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
ask_layer_begin(struct task *task, char *number, int fd, struct control_reply *reply)
{
	char room[LAYER_NAME_BYTES];
	const char *name = own_layer(task, room, number, reply);
	struct err err = ERR_INIT;
	int rc;

	(void)fd;
	if (name == NULL)
		return;
	rc = caches_begin(task->tasks->layers, task->doc->project_slug, name, &reply->fd, &err);
	answer(reply, rc, &err);
}

static void
ask_layer_save(struct task *task, char *text, int fd, struct control_reply *reply)
{
	char room[LAYER_NAME_BYTES];
	const char *number = split_digest(text, fd, reply), *name;
	struct err err = ERR_INIT;
	int rc;

	name = number != NULL ? own_layer(task, room, number, reply) : NULL;
	if (name == NULL)
		return;
	rc = caches_save(task->tasks->layers,
			 &(struct cache_offer){task->doc->project_slug, name, text, 0}, fd, &err);
	if (rc == 0)
		log_line(LOG_INFO, LOG_AT_TASK(task->id_text), "layer persisted: %s", name);
	answer(reply, rc, &err);
}

static void
ask_layer_find(struct task *task, char *name, int fd, struct control_reply *reply)
{
	struct cache_file found;
	struct err err = ERR_INIT;
	int rc;

	(void)fd;
	if (layers_find(&task->doc->workspace, name) == NULL) {
		control_refuse(reply, "this is no layer of the task's workspace");
		return;
	}
	rc = caches_get(task->tasks->layers, task->doc->project_slug, name, &found, &reply->fd,
			&err);
	answer(reply, rc, &err);
	if (rc == 0)
		(void)snprintf(reply->text, sizeof(reply->text), "ok %s %llu", found.digest,
			       (unsigned long long)found.size);
}

static void
ask_layer_lose(struct task *task, char *name, int fd, struct control_reply *reply)
{
	(void)fd;
	if (layers_find(&task->doc->workspace, name) != NULL)
		caches_lose(task->tasks->layers, task->doc->project_slug, name);
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
	{CONTROL_VERB_LAYER_LIST, true, ask_layer_list},
	{CONTROL_VERB_LAYER_BEGIN, true, ask_layer_begin},
	{CONTROL_VERB_LAYER_SAVE, true, ask_layer_save},
	{CONTROL_VERB_LAYER_FIND, true, ask_layer_find},
	{CONTROL_VERB_LAYER_LOSE, true, ask_layer_lose},
};

static void
ask(struct task *task, size_t verb, const struct control_request *request,
    struct control_reply *reply)
{
	char *text;

	if (memchr(request->value, '\0', request->len) != NULL) {
		control_refuse(reply, "the name of an archive has no NUL");
	} else if (verbs[verb].is_layer ? task->tasks->layers == NULL
					: task->tasks->caches == NULL) {
		control_refuse(reply, verbs[verb].is_layer ? "this agent keeps no workspaces"
							   : "this agent keeps no caches");
	} else {
		text = mem_strndup((const char *)request->value, request->len);
		verbs[verb].ask(task, text, request->fd, reply);
		free(text);
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
