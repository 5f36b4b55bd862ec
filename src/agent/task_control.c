/*
 * task_control.c - what a task's processes ask of the agent, and whose they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/continuation.h"
#include "agent/identity.h"
#include "agent/mirrors.h"
#include "agent/task_masks.h"
#include "agent/task_struct.h"
#include "agent/test_errands.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "task/mask.h"
#include "task/secret_forms.h"

enum {
	ANCESTORS_MOST = 256,
	LOOKS_MOST = 3, /* a parent may end while we look */
	ASKS_A_SECOND = 100,
	STAT_BYTES = 512,
};

/* --- whose process it is --- */

/* 0 when there is no such process. */
static pid_t
parent_of(pid_t pid)
{
	char path[32], room[STAT_BYTES], *at;
	LOCAL_FD fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, room, sizeof(room) - 1) : -1;
	if (n <= 0)
		return 0;
	room[n] = '\0';
	at = strrchr(room, ')'); /* a name may hold anything; behind it: state, parent */
	return at != NULL && strlen(at) > 4 ? (pid_t)atoi(at + 4) : 0;
}

static struct task *
task_of_init(struct tasks *tasks, pid_t pid)
{
	struct task *task;

	for (task = tasks->by_id; task != NULL; task = task->hh.next)
		if (supervisor_is_alive(&task->supervisor) && task->supervisor.socket.peer == pid)
			return task;
	return NULL;
}

static struct task *
task_of_process(struct tasks *tasks, pid_t pid)
{
	struct task *task;
	int look, i;

	for (look = 0; look < LOOKS_MOST; look++) {
		pid_t at = pid;

		for (i = 0; i < ANCESTORS_MOST && at > 1; i++) {
			task = task_of_init(tasks, at);
			if (task != NULL)
				return task;
			at = parent_of(at);
		}
	}
	return NULL;
}

/* Right after a restart not every runner-init has said who it is. */
static bool
waits_for_inits(const struct tasks *tasks)
{
	const struct task *task;

	for (task = tasks->by_id; task != NULL; task = task->hh.next)
		if (task->state == TASK_RUNNING && task->supervisor.socket.peer == 0)
			return true;
	return false;
}

/* --- what it asks --- */

static void
say(struct control_reply *reply, const char *word)
{
	(void)snprintf(reply->text, sizeof(reply->text), "%s", word);
}

int
task_mask_value(struct task *task, const void *value, size_t len, struct err *err)
{
	if (!secret_is_one(value, len))
		return err_set(err, ERR_INPUT,
			       "a value of less than 4 bytes, true and false are not masked");
	if (task_masks_append(task->dir_fd, value, len, &task->masks_bytes, err) < 0)
		return err->code;
	return mask_add(task->mask, value, len, err);
}

struct mask *
task_mask(struct task *task)
{
	return task->mask;
}

static void
ask_mask(struct task *task, const unsigned char *value, size_t len,
	 struct control_reply *reply)
{
	struct err err = ERR_INIT;

	if (task_mask_value(task, value, len, &err) < 0)
		control_refuse(reply, err.text);
	else
		say(reply, "ok");
}

static void
ask_halt(struct task *task, struct control_reply *reply)
{
	struct journal_record record;

	if (!task->sequence.halted) {
		journal_record_init(&record, JOURNAL_HALTED);
		record.step = task->sequence.step;
		if (!task_journal_append(task, &record)) {
			control_refuse(reply, "the agent cannot write the task's journal");
			return;
		}
		task->sequence.halted = true;
		log_line(LOG_INFO, LOG_AT_TASK(task->id_text), "halted: no further step runs");
	}
	say(reply, "ok");
}

static void
ask_mirror(struct task *task, const struct control_request *request, struct control_reply *reply)
{
	const struct mirror_need need = {task->doc, task->claimed_us};
	char why[CONTROL_REPLY_MOST_BYTES];

	if (request->len > 0) {
		mirrors_doubt(task->tasks->mirrors, &need);
		say(reply, "ok");
		return;
	}
	switch (mirrors_ask(task->tasks->mirrors, &need, request, reply, why)) {
	case MIRROR_READY:
		say(reply, "ok");
		break;
	case MIRROR_WAIT:
		break;
	case MIRROR_NONE:
		control_refuse(reply, why);
		break;
	}
}

/* The key of a setup pipeline; NULL in every other job. */
static const char *
continuation_key(const struct task_doc *doc)
{
	size_t i;

	for (i = 0; i < doc->environment_count; i++)
		if (text_eq(doc->environment[i].name, "CIRCLE_CONTINUATION_KEY"))
			return doc->environment[i].value;
	return NULL;
}

static void
ask_continue(struct task *task, const struct control_request *request, struct control_reply *reply)
{
	const struct tasks_hooks *hooks = &task->tasks->hooks;
	const char *key = continuation_key(task->doc);

	if (hooks->on_errand == NULL)
		control_refuse(reply, "this agent has no hub");
	else if (key == NULL)
		control_refuse(reply, "this job belongs to no setup pipeline: nothing can be continued");
	else
		hooks->on_errand(hooks->arg, task, &continuation_errand, key, request, reply);
}

/* What the task's token alone proves. False: it is another verb. */
static bool
asks_hub(struct task *task, const struct control_request *request, struct control_reply *reply)
{
	static const struct {
		const char *verb;
		const struct errand_kind *kind;
	} verbs[] = {
		{CONTROL_VERB_IDENTITY, &identity_errand},
		{CONTROL_VERB_TESTS_STORE, &tests_store_errand},
		{CONTROL_VERB_TESTS_TIMINGS, &tests_timings_errand},
		{CONTROL_VERB_TESTS_FAILED, &tests_failed_errand},
	};
	const struct tasks_hooks *hooks = &task->tasks->hooks;
	size_t i, count = sizeof(verbs) / sizeof(verbs[0]);

	for (i = 0; i < count && !text_eq(request->verb, verbs[i].verb); i++)
		;
	if (i == count)
		return false;
	if (hooks->on_errand == NULL)
		control_refuse(reply, "this agent has no hub");
	else
		hooks->on_errand(hooks->arg, task, verbs[i].kind, task->doc->token, request, reply);
	return true;
}

/* The descriptor is the request's, and goes with it. */
static void
ask_carry(struct task *task, int fd, struct control_reply *reply)
{
	const struct tasks_hooks *hooks = &task->tasks->hooks;
	int channel = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	struct err err = ERR_INIT;

	if (channel < 0) {
		control_refuse(reply, "blobs are sent on a socket that comes with the request");
	} else if (hooks->on_channel == NULL) {
		(void)close(channel);
		control_refuse(reply, "this agent has no hub");
	} else if (hooks->on_channel(hooks->arg, task, channel, &err) < 0) {
		control_refuse(reply, err.text);
	} else {
		say(reply, "ok");
	}
}

/* --- who asks what --- */

static bool
asks_too_often(struct task *task)
{
	uint64_t now = loop_now_us(task->tasks->loop);

	if (now - task->asked_us > 1000000) {
		task->asked_us = now;
		task->asked = 0;
	}
	return ++task->asked > ASKS_A_SECOND;
}

void
tasks_control(void *arg, const struct control_request *request, struct control_reply *reply)
{
	struct task *task = task_of_process(arg, request->pid);

	if (task == NULL && waits_for_inits(arg))
		say(reply, "later");
	else if (task == NULL || !task_is_user(task, request->uid))
		control_refuse(reply, "this process belongs to no task of this agent");
	else if (task->state != TASK_RUNNING)
		control_refuse(reply, "the task does not run any more");
	else if (asks_too_often(task))
		say(reply, "later");
	else if (text_eq(request->verb, CONTROL_VERB_MASK))
		ask_mask(task, request->value, request->len, reply);
	else if (text_eq(request->verb, CONTROL_VERB_HALT))
		ask_halt(task, reply);
	else if (text_eq(request->verb, CONTROL_VERB_MIRROR))
		ask_mirror(task, request, reply);
	else if (text_eq(request->verb, CONTROL_VERB_CONTINUE))
		ask_continue(task, request, reply);
	else if (text_eq(request->verb, CONTROL_VERB_CARRY))
		ask_carry(task, request->fd, reply);
	else if (!asks_hub(task, request, reply) && !task_asks_archive(task, request, reply))
		control_refuse(reply, "this agent does not know the request");
}
