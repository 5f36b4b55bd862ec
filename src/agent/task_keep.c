/*
 * task_keep.c - failed tasks that are kept for people to look at.
 *
 * The task's file STATE_KEEP_NAME has a record for each change, the last that checks counts: so a
 * later runnerd knows what was asked for, and until when.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/task_keep.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/state_dir.h"
#include "agent/state_version.h"
#include "agent/task_struct.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "loop/clock.h"
#include "runner/session.h"
#include "runner/state_dir.h"
#include "wire/bytes.h"

enum { FILE_MOST_BYTES = 64 * 1024, TIMER_MOST_MS = 3600 * 1000 };

#define AT(task) LOG_AT_TASK((task)->id_text)

/* --- the file ------------------------------------------------------------------------------ */

static void
pack(uint8_t room[KEEP_RECORD_BYTES], const struct keep *keep)
{
	bytes_put(room, KEEP_VERSION, 4);
	bytes_put(room + 8, keep->asked_ms, 8);
	bytes_put(room + 16, (uint64_t)keep->since_ms, 8);
	bytes_put(room + 24, (uint64_t)keep->until_ms, 8);
	bytes_put(room + 4, crc32c(0, room + 8, KEEP_RECORD_BYTES - 8), 4);
}

/* One that does not check says nothing; of a later version what comes behind it may be of another size. */
static int
unpack(struct keep *keep, const uint8_t *bytes, struct err *err)
{
	uint64_t version = bytes_get(bytes, 4);

	if (version > KEEP_VERSION)
		return state_version_check(STATE_KEEP_NAME, version, KEEP_VERSION, err);
	if (version == 0 || bytes_get(bytes + 4, 4) != crc32c(0, bytes + 8, KEEP_RECORD_BYTES - 8))
		return 0;
	keep->asked_ms = bytes_get(bytes + 8, 8);
	keep->since_ms = (int64_t)bytes_get(bytes + 16, 8);
	keep->until_ms = (int64_t)bytes_get(bytes + 24, 8);
	return 0;
}

static int
write_keep(struct task *task, struct err *err)
{
	LOCAL_FD fd = openat(task->dir_fd, STATE_KEEP_NAME, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	uint8_t record[KEEP_RECORD_BYTES];

	pack(record, &task->keep);
	if (fd < 0 || write(fd, record, sizeof(record)) != (ssize_t)sizeof(record))
		return err_sys(err, "cannot note that the task is kept");
	task->tasks->keep_changes++;
	return 0;
}

int
task_recover_keep(struct task *task, struct err *err)
{
	struct buffer bytes = BUFFER_INIT;
	struct err unread = ERR_INIT;
	size_t at;
	int rc = 0;

	if (faccessat(task->dir_fd, STATE_KEEP_NAME, F_OK, 0) != 0)
		return 0;
	if (state_dir_read(task->dir_fd, STATE_KEEP_NAME, FILE_MOST_BYTES, &bytes, &unread) < 0)
		log_line(LOG_WARN, AT(task), "%s: it is not kept", unread.text);
	for (at = 0; at + KEEP_RECORD_BYTES <= bytes.len && rc == 0; at += KEEP_RECORD_BYTES)
		rc = unpack(&task->keep, bytes.data + at, err);
	buffer_release(&bytes);
	return rc;
}

/* --- how long -------------------------------------------------------------------------------- */

/* Milliseconds that it is to be kept if it ended so; 0: not at all. */
static uint64_t
time_for(const struct task *task, enum outcome outcome)
{
	const struct tasks_settings *settings = &task->tasks->settings;

	if (outcome == OUTCOME_SUCCESS || task->dropped || task->doc == NULL || !task->prepared ||
	    settings->keep_most == 0)
		return 0;
	if (task->keep.asked_ms > 0)
		return task->keep.asked_ms;
	return outcome == OUTCOME_CANCELED ? 0 : settings->keep_failed_ms;
}

static uint64_t
time_left_ms(const struct task *task)
{
	int64_t left = task->keep.until_ms - clock_unix_ms();

	return left > 0 ? (uint64_t)left : 0;
}

/* Who dies with runnerd does so when kept, too. */
static void
tell_runner_init(struct task *task)
{
	struct message message = {.type = MESSAGE_ORPHAN_POLICY};
	uint64_t left = time_left_ms(task);

	if (task->tasks->settings.orphan_ms != 0)
		message.orphan_policy.orphan_ms =
			left < SUPERVISOR_ORPHAN_KEEP ? (uint32_t)left : SUPERVISOR_ORPHAN_KEEP - 1;
	if (supervisor_is_alive(&task->supervisor))
		supervisor_send(&task->supervisor, &message, NULL, 0);
}

static void
wait_on(struct task *task)
{
	uint64_t left = time_left_ms(task);

	timer_start_ms(&task->keep_timer, left < TIMER_MOST_MS ? left + 1 : TIMER_MOST_MS);
}

bool
task_is_kept(const struct task *task)
{
	return task->keep.until_ms != 0;
}

/* --- the end of it ----------------------------------------------------------------------------- */

static void
let_go(struct task *task, const char *why)
{
	struct err err = ERR_INIT;

	log_line(LOG_INFO, AT(task), "kept no longer: %s", why);
	task->keep.asked_ms = 0;
	task->keep.until_ms = 0;
	if (write_keep(task, &err) < 0)
		log_line(LOG_WARN, AT(task), "%s", err.text);
	timer_stop(&task->keep_timer);
	task_end_sessions(task, "the task is kept no longer");
	if (supervisor_is_alive(&task->supervisor))
		task_quit_supervisor(task);
	task_want(task);
}

static void
on_keep_timer(void *arg)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	if (time_left_ms(task) > 0)
		wait_on(task);
	else
		let_go(task, "its time is over");
}

static struct task *
oldest_kept(struct tasks *tasks, size_t *count)
{
	struct task *task, *oldest = NULL;

	*count = 0;
	for (task = tasks->by_id; task != NULL; task = task->hh.next) {
		if (!task_is_kept(task))
			continue;
		++*count;
		if (oldest == NULL || task->keep.since_ms < oldest->keep.since_ms)
			oldest = task;
	}
	return oldest;
}

bool
tasks_evict_kept(struct tasks *tasks, const char *why)
{
	struct task *oldest;
	size_t count;

	OBJ_CHECK(tasks, TASKS_MAGIC);
	oldest = oldest_kept(tasks, &count);
	if (oldest != NULL)
		let_go(oldest, why);
	return oldest != NULL;
}

/* --- its beginning ----------------------------------------------------------------------------- */

void
task_init_keep(struct task *task)
{
	timer_init(&task->keep_timer, task->tasks->loop, on_keep_timer, task);
}

bool
task_will_be_kept(const struct task *task, enum outcome outcome)
{
	return time_for(task, outcome) > 0;
}

void
task_begin_keep(struct task *task, enum outcome outcome)
{
	uint64_t ms = time_for(task, outcome);
	struct err err = ERR_INIT;
	char room[24];

	task->keep.since_ms = clock_unix_ms();
	task->keep.until_ms = task->keep.since_ms + (int64_t)ms;
	if (write_keep(task, &err) < 0) {
		log_line(LOG_WARN, AT(task), "%s: it is not kept", err.text);
		task->keep = (struct keep){0, 0, 0};
		return;
	}
	log_line(LOG_INFO, AT(task), "kept for %s: '%s'%s", text_duration(room, ms), task->work.path,
		 supervisor_is_alive(&task->supervisor) ? "" : ", without its namespaces");
	tell_runner_init(task);
	wait_on(task);
}

/* Where that is not kept up the oldest goes. */
void
task_bound_kept(struct tasks *tasks)
{
	size_t count;

	while (oldest_kept(tasks, &count) != NULL && count > tasks->settings.keep_most &&
	       tasks_evict_kept(tasks, "there are as many newer ones as may be kept"))
		;
}

void
task_resume_keep(struct task *task)
{
	struct err err = ERR_INIT;

	/* It is there, too, where runnerd was killed between the end of the task and what notes that it is kept. */
	if (task_find_supervisor(task, &err) < 0 && task_is_kept(task))
		log_line(LOG_INFO, AT(task), "its runner-init is gone: %s", err.text);
	if (task_is_kept(task))
		timer_start_us(&task->keep_timer, 1);
	else if (supervisor_is_alive(&task->supervisor))
		task_quit_supervisor(task);
}

int
task_keep(struct task *task, uint64_t ms, struct err *err)
{
	struct keep before = task->keep;

	OBJ_CHECK(task, TASK_MAGIC);
	if (ms > SESSION_KEEP_MOST_S * 1000ull)
		return err_set(err, ERR_LIMIT, "a task is kept for %d s at most", SESSION_KEEP_MOST_S);
	if (ms > 0 && task->tasks->settings.keep_most == 0)
		return err_set(err, ERR_LIMIT, "this agent keeps no tasks");
	if (task->state == TASK_DONE && !task_is_kept(task))
		return err_set(err, ERR_GONE, "the task has ended, and is not kept");
	if (task_is_kept(task) && ms == 0) {
		let_go(task, "a person has released it");
		return 0;
	}
	task->keep.asked_ms = ms;
	if (task_is_kept(task))
		task->keep.until_ms = clock_unix_ms() + (int64_t)ms;
	if (write_keep(task, err) < 0) {
		task->keep = before;
		return err->code;
	}
	if (task_is_kept(task)) {
		tell_runner_init(task);
		wait_on(task);
	}
	return 0;
}

const struct keep *
task_keep_of(const struct task *task)
{
	return &task->keep;
}

bool
task_is_resting(const struct task *task)
{
	return task->resting;
}

uint64_t
tasks_keep_changes(const struct tasks *tasks)
{
	return tasks->keep_changes;
}
