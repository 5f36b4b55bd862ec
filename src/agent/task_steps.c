/*
 * task_steps.c - the steps of one task: which is next, how each begins and ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/shelters.h"
#include "agent/task_struct.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "loop/clock.h"
#include "task/names.h"
#include "task/task_doc.h"

enum {
	COMMAND_ARENA_BYTES = 24 << 20, /* three times what a specification may hold */
	STEPS_KEPT_MOST = 96,		/* below SUPERVISOR_STEPS_MOST */
	EXIT_SIGNAL_BASE = 128,
	BLOCK_BYTES = 512, /* of getrusage(2)'s */
};

#define AT(task, step) LOG_AT_STEP((task)->id_text, (step)->index)

/* --- the list --- */

struct step *
task_find_step(struct task *task, uint32_t index, uint32_t attempt)
{
	struct step *step;

	for (step = task->steps; step != NULL; step = step->next)
		if (step->index == index && step->attempt == attempt)
			return step;
	return NULL;
}

static void
on_step_record(void *arg)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	task->tasks->hooks.on_output(task->tasks->hooks.arg, task);
}

static void
on_step_change(void *arg)
{
	task_want(arg);
}

static bool
on_step_stopping(void *arg, struct step *step)
{
	struct task *task = arg;
	struct journal_record record;

	OBJ_CHECK(task, TASK_MAGIC);
	journal_record_init(&record, JOURNAL_STEP_STOPPING);
	record.step = step->index;
	record.attempt = step->attempt;
	record.outcome = step->stopping;
	record.output_bytes = step->output.size;
	(void)snprintf(record.reason, sizeof(record.reason), "%s", step->reason);
	if (!task_journal_append(task, &record))
		return false;
	log_line(LOG_INFO, AT(task, step), "step stopping: %s", step->reason);
	return true;
}

static void
on_step_failed(void *arg, const struct err *err)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	task_judge(task, OUTCOME_INFRA_FAIL, err->text);
	task_want(task);
}

struct step *
task_add_step(struct task *task, uint32_t index, uint32_t attempt)
{
	const struct step_hooks hooks = {task, on_step_record, on_step_change, on_step_stopping,
					 on_step_failed};
	const struct step_place place = {.task = task->id_text,
					 .supervisor = &task->supervisor,
					 .press = &task->tasks->press,
					 .spool = &task->spool,
					 .mask = task->mask,
					 .rate = &task->rate,
					 .last_line = task->last_line,
					 .grace_ms = task->tasks->settings.grace_ms};
	struct step *step = step_new(&place, index, attempt, &task->doc->steps[index], &hooks);

	step->next = task->steps;
	task->steps = step;
	if (!step->doc->background)
		task->current = step;
	return step;
}

void
task_free_steps(struct task *task)
{
	struct step *step;

	while ((step = task->steps) != NULL) {
		task->steps = step->next;
		step_free(step);
	}
	task->current = NULL;
}

void
task_ack_steps(struct task *task)
{
	struct step *step;

	for (step = task->steps; step != NULL; step = step->next)
		step_ack(step);
}

void
task_tidy_steps(struct task *task)
{
	struct step **at = &task->steps, *step;
	unsigned kept = 0;

	while ((step = *at) != NULL) {
		/* The newest are first: beyond the limit the oldest are let go, survivors or not.
		 */
		if (!step->ended || (!step_is_quiet(step) && kept < STEPS_KEPT_MOST)) {
			kept++;
			at = &step->next;
			continue;
		}
		step_ack(step);
		*at = step->next;
		step_free(step);
	}
}

bool
task_steps_are_quiet(const struct task *task)
{
	const struct step *step;

	for (step = task->steps; step != NULL; step = step->next)
		if (!step->ended || !step_is_quiet(step))
			return false;
	return true;
}

bool
task_steps_have_ended(const struct task *task)
{
	const struct step *step;

	for (step = task->steps; step != NULL; step = step->next)
		if (!step->ended)
			return false;
	return true;
}

bool
task_drain_steps(struct task *task)
{
	struct step *step;
	bool all = true;

	for (step = task->steps; step != NULL; step = step->next)
		if (step->has_output && !output_drain(&step->output))
			all = false;
	return all;
}

void
task_lose_steps(struct task *task, const char *reason)
{
	struct step *step;

	for (step = task->steps; step != NULL; step = step->next)
		step_note_lost(step, reason);
}

/* --- the beginning of a step --- */

/* 0 when the time is over. */
static uint64_t
time_left_ms(const struct task *task)
{
	uint64_t limit = task->doc->max_run_time_ms, most = task->tasks->settings.max_run_time_ms;
	int64_t used = ((int64_t)loop_now_us(task->tasks->loop) - task->running_us) / 1000;

	if (most > 0 && most < limit)
		limit = most;
	if (used < 0)
		used = 0; /* the host was restarted, or the clock set back */
	return (uint64_t)used < limit ? limit - (uint64_t)used : 0;
}

static void
judge_timed_out(struct task *task)
{
	char reason[RUNNER_REASON_BYTES], room[24];
	uint64_t limit = task->doc->max_run_time_ms, most = task->tasks->settings.max_run_time_ms;

	if (most > 0 && most < limit)
		limit = most;
	(void)snprintf(reason, sizeof(reason), "the task ran longer than %s",
		       text_duration(room, limit));
	task_judge(task, OUTCOME_TIMEDOUT, reason);
}

/* Behind a prefix it is the prefix's program that gives up privileges, and a filter cannot come before. */
void
task_bound(const struct task *task, struct command *command)
{
	const struct tasks *tasks = task->tasks;
	bool bounds = shelters_bounds_steps(tasks->shelters, task->resource_class);

	task_choose_ceilings(task, &command->ceilings);
	if (tasks->command_host.prefix != NULL)
		return;
	if (!bounds || task->sheltered || task->slot >= 0)
		command->no_new_privs = bounds;
	if (bounds && (task->sheltered || task->slot >= 0))
		command->filter = shelters_filter(tasks->shelters, &command->filter_count);
}

struct env_layer
task_host_environment(struct task *task, struct arena *arena)
{
	const struct tasks_hooks *hooks = &task->tasks->hooks;
	struct env_layer of_host = {NULL, 0};

	if (hooks->on_environment != NULL)
		of_host.vars = hooks->on_environment(hooks->arg, task, arena, &of_host.count);
	return of_host;
}

static int
make_command(struct task *task, const struct step *step, struct arena *arena, struct command *command,
	     struct err *err)
{
	const struct env_layer of_host = task_host_environment(task, arena);

	return command_make(command, arena, &task->tasks->command_host, task->doc, step->index, step->attempt,
			    &task->work, &of_host, err);
}

static int
ask(struct task *task, struct step *step, uint64_t deadline_ms, struct err *err)
{
	struct arena arena;
	struct command command;
	unsigned flags = step->doc->background ? START_BACKGROUND : 0u;
	int spec_fd = -1, cgroup_fd = -1, rc;

	arena_init(&arena, COMMAND_ARENA_BYTES);
	rc = make_command(task, step, &arena, &command, err);
	if (rc == 0)
		task_bound(task, &command);
	if (rc == 0)
		rc = command_seal(&command, &spec_fd, err);
	if (rc == 0 && command.no_new_privs)
		flags |= START_NO_NEW_PRIVS;
	if (rc == 0)
		rc = task_enter_cgroup(task, step, &cgroup_fd, err);
	if (rc == 0)
		rc = step_begin(step, spec_fd, cgroup_fd, deadline_ms, task->tasks->settings.orphan_ms, flags,
				err);
	if (spec_fd >= 0)
		(void)close(spec_fd);
	if (cgroup_fd >= 0)
		(void)close(cgroup_fd);
	arena_release(&arena);
	return rc;
}

void
task_ask_step(struct task *task, struct step *step)
{
	uint64_t left = time_left_ms(task);
	struct err err = ERR_INIT;
	int rc = ask(task, step, left > 0 ? left : 1, &err);

	if (rc < 0)
		step_note_failed(step, err.text, rc != ERR_INPUT && rc != ERR_LIMIT);
}

void
task_fault_sentence(char room[RUNNER_REASON_BYTES], struct task *task, const struct step *step,
		    const struct message_step_failed_to_start *failed)
{
	struct arena arena;
	struct command command = {.argv = NULL};
	struct err err = ERR_INIT;
	const char *name = NULL;

	arena_init(&arena, COMMAND_ARENA_BYTES);
	if (make_command(task, step, &arena, &command, &err) == 0) {
		if (failed->what == FAULT_EXEC)
			name = command.argv[0];
		else if (failed->what == FAULT_CWD_MAKE || failed->what == FAULT_CWD_ENTER)
			name = command.cwd;
	}
	(void)snprintf(room, RUNNER_REASON_BYTES, "cannot %s%s%.100s%s%s%s",
		       message_fault_sentence(failed->what), name != NULL ? " '" : "",
		       name != NULL ? name : "", name != NULL ? "'" : "",
		       failed->sys != 0 ? ": " : "",
		       failed->sys != 0 ? strerror((int)failed->sys) : "");
	arena_release(&arena);
}

static bool
begin_step(struct task *task)
{
	struct sequence *sequence = &task->sequence;
	struct journal_record record;
	struct step *step;

	if (time_left_ms(task) == 0) {
		judge_timed_out(task);
		return true;
	}
	journal_record_init(&record, JOURNAL_STEP_STARTED);
	record.step = sequence->step;
	record.attempt = sequence->attempt;
	if (!task_journal_append(task, &record))
		return false;
	step = task_add_step(task, sequence->step, sequence->attempt);
	if (step->doc->background)
		sequence_pass(sequence);
	log_line(LOG_INFO, AT(task, step), "step started: %s", step->doc->name);
	task_ask_step(task, step);
	return true;
}

static bool
skip_step(struct task *task)
{
	struct journal_record record;

	journal_record_init(&record, JOURNAL_STEP_ENDED);
	record.step = task->sequence.step;
	record.attempt = 1;
	record.outcome = OUTCOME_SKIPPED;
	if (!task_journal_append(task, &record))
		return false;
	log_line(LOG_DEBUG, LOG_AT_STEP(task->id_text, task->sequence.step), "step skipped");
	sequence_pass(&task->sequence);
	return true;
}

bool
task_next_step(struct task *task)
{
	uint64_t left_ms;
	int64_t wait_ms;

	switch (sequence_next(&task->sequence, task->doc)) {
	case SEQUENCE_SKIP:
		return skip_step(task);
	case SEQUENCE_START:
		wait_ms = task->sequence.again_ms - clock_unix_ms();
		left_ms = time_left_ms(task);
		if (task->sequence.again_ms == 0 || wait_ms <= 0 || left_ms == 0)
			return begin_step(task);
		timer_start_ms(&task->timer, (uint64_t)wait_ms < left_ms ? (uint64_t)wait_ms : left_ms);
		return false;
	case SEQUENCE_FINISH:
		return false;
	}
	UNREACHABLE();
}

/* --- the end of a step --- */

static enum outcome
outcome_of(const struct task *task, const struct step *step)
{
	bool itself = !step->no_status && step->exit.why == STEP_ENDED_BY_ITSELF;

	if (step->stopping != OUTCOME_NONE)
		return step->stopping;
	if (itself && WIFEXITED(step->exit.status))
		return WEXITSTATUS(step->exit.status) == 0 ? OUTCOME_SUCCESS : OUTCOME_FAILED;
	if (!step->no_status && step->exit.why == STEP_ENDED_BY_DEADLINE)
		return OUTCOME_TIMEDOUT;
	if (task->verdict != OUTCOME_NONE)
		return task->verdict;
	if (step->doc->background && task->state == TASK_FINISHING)
		return OUTCOME_SUCCESS; /* it ended with the task, as it was meant to */
	return OUTCOME_FAILED;
}

static void
fill_end(struct task *task, const struct step *step, struct journal_record *record)
{
	const struct message_step_exited *exit = &step->exit;

	journal_record_init(record, JOURNAL_STEP_ENDED);
	record->step = step->index;
	record->attempt = step->attempt;
	record->outcome = outcome_of(task, step);
	record->output_bytes = step_output_bytes(step);
	memcpy(record->reason, step->reason, sizeof(record->reason));
	if (step->no_status)
		return;
	if (WIFEXITED(exit->status))
		record->exit_code = WEXITSTATUS(exit->status);
	if (WIFSIGNALED(exit->status)) {
		record->signal = WTERMSIG(exit->status);
		record->exit_code = EXIT_SIGNAL_BASE + record->signal;
	}
	record->wall_ms = exit->ended_ms > exit->started_ms ? exit->ended_ms - exit->started_ms : 0;
	record->user_us = exit->utime_us;
	record->system_us = exit->stime_us;
	record->max_rss_bytes = exit->maxrss_kib * 1024;
	record->read_bytes = exit->in_blocks * BLOCK_BYTES;
	record->write_bytes = exit->out_blocks * BLOCK_BYTES;
	record->time_ms = (int64_t)exit->ended_ms;
	task_account_step(task, step, record);
}

static void
log_end(const struct task *task, const struct step *step, const struct journal_record *record)
{
	char room[24];

	if (step->no_status)
		log_line(LOG_INFO, AT(task, step), "step ended: %s: %s",
			 outcome_name(record->outcome), record->reason);
	else if (record->signal != 0)
		log_line(LOG_INFO, AT(task, step), "step ended: %s, signal %d after %s",
			 outcome_name(record->outcome), record->signal,
			 text_duration(room, record->wall_ms));
	else
		log_line(LOG_INFO, AT(task, step), "step ended: %s, exit %d after %s",
			 outcome_name(record->outcome), record->exit_code,
			 text_duration(room, record->wall_ms));
}

/* What its end means for the rest. */
static void
note_end(struct task *task, const struct journal_record *record)
{
	sequence_note_end(&task->sequence, task->doc, record->step, record->attempt,
			  record->outcome, record->time_ms);
	if (record->outcome == OUTCOME_TIMEDOUT)
		judge_timed_out(task);
	else if (record->outcome == OUTCOME_INFRA_FAIL)
		task_judge(task, OUTCOME_INFRA_FAIL, record->reason);
}

static void
end_step(struct task *task, struct step *step)
{
	struct journal_record record;

	fill_end(task, step, &record);
	if (!task_journal_append(task, &record))
		return;
	step->ended = true;
	log_end(task, step, &record);
	if (task->current == step)
		task->current = NULL;
	note_end(task, &record);
	if (task->state == TASK_RUNNING)
		later_want(&task->tidy);
}

void
task_end_steps(struct task *task)
{
	struct step *step;

	for (step = task->steps; step != NULL; step = step->next)
		if (!step->ended && step_is_over(step))
			end_step(task, step);
}
