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

#include "agent/mirrors.h"
#include "agent/task_masks.h"
#include "agent/task_struct.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
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
refuse(char *reply, const char *sentence)
{
	(void)snprintf(reply, CONTROL_REPLY_MOST_BYTES, "no %.240s", sentence);
}

static void
ask_mask(struct task *task, const unsigned char *value, size_t len, char *reply)
{
	struct err err = ERR_INIT;

	if (!secret_is_one(value, len)) {
		refuse(reply, "a value of less than 4 bytes, true and false are not masked");
		return;
	}
	if (task_masks_append(task->dir_fd, value, len, &task->masks_bytes, &err) < 0 ||
	    mask_add(task->mask, value, len, &err) < 0) {
		refuse(reply, err.text);
		return;
	}
	(void)strcpy(reply, "ok");
}

static void
ask_halt(struct task *task, char *reply)
{
	struct journal_record record;

	if (!task->sequence.halted) {
		journal_record_init(&record, JOURNAL_HALTED);
		record.step = task->sequence.step;
		if (!task_journal_append(task, &record)) {
			refuse(reply, "the agent cannot write the task's journal");
			return;
		}
		task->sequence.halted = true;
		log_line(LOG_INFO, LOG_AT_TASK(task->id_text), "halted: no further step runs");
	}
	(void)strcpy(reply, "ok");
}

static void
ask_mirror(struct task *task, const unsigned char *value, size_t len, char *reply)
{
	const struct mirror_need need = {task->doc, task->claimed_us};
	char why[CONTROL_REPLY_MOST_BYTES];

	if (len > 0) {
		mirrors_doubt(task->tasks->mirrors, &need);
		(void)strcpy(reply, "ok");
		(void)value;
		return;
	}
	switch (mirrors_ask(task->tasks->mirrors, &need, why)) {
	case MIRROR_READY:
		(void)strcpy(reply, "ok");
		break;
	case MIRROR_WAIT:
		(void)strcpy(reply, "wait");
		break;
	case MIRROR_NONE:
		refuse(reply, why);
		break;
	}
}

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
tasks_control(void *arg, pid_t pid, const char *verb, const unsigned char *value, size_t len,
	      char reply[CONTROL_REPLY_MOST_BYTES])
{
	struct task *task = task_of_process(arg, pid);

	if (task == NULL && waits_for_inits(arg))
		(void)strcpy(reply, "later");
	else if (task == NULL)
		refuse(reply, "this process belongs to no task of this agent");
	else if (task->state != TASK_RUNNING)
		refuse(reply, "the task does not run any more");
	else if (asks_too_often(task))
		(void)strcpy(reply, "later");
	else if (text_eq(verb, CONTROL_VERB_MASK))
		ask_mask(task, value, len, reply);
	else if (text_eq(verb, CONTROL_VERB_HALT))
		ask_halt(task, reply);
	else if (text_eq(verb, CONTROL_VERB_MIRROR))
		ask_mirror(task, value, len, reply);
	else
		refuse(reply, "this agent does not know the request");
}
