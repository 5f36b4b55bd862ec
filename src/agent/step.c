/*
 * step.c - one attempt of one step: its process as runner-init tells it, and its output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/step.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/press.h"
#include "agent/spool.h"
#include "agent/supervisor.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/pipe.h"
#include "task/mask.h"
#include "task/task_doc.h"

enum { STEP_MAGIC = 0x57e9a6e4, STALLED_US = 2000000 };

/* --- no output for too long, and the end by signals --- */

/* Seconds with as many decimals as are needed. */
static void
seconds_text(char *room, size_t size, unsigned ms)
{
	int n = snprintf(room, size, "%u.%03u", ms / 1000, ms % 1000);

	while (n > 0 && room[n - 1] == '0')
		n--;
	if (n > 0 && room[n - 1] == '.')
		n--;
	room[n] = '\0';
}

/* As Go writes a duration: 1h0m0s, 10m0s, 1.5s, 300ms. */
const char *
step_silence_text(char room[RUNNER_REASON_BYTES], uint64_t limit_ms)
{
	unsigned hours = (unsigned)(limit_ms / 3600000),
		 minutes = (unsigned)(limit_ms / 60000 % 60);
	char length[64], seconds[32];

	seconds_text(seconds, sizeof(seconds), (unsigned)(limit_ms % 60000));
	if (hours > 0)
		(void)snprintf(length, sizeof(length), "%uh%um%ss", hours, minutes, seconds);
	else if (minutes > 0)
		(void)snprintf(length, sizeof(length), "%um%ss", minutes, seconds);
	else if (limit_ms >= 1000)
		(void)snprintf(length, sizeof(length), "%ss", seconds);
	else
		(void)snprintf(length, sizeof(length), "%ums", (unsigned)limit_ms);
	(void)snprintf(room, RUNNER_REASON_BYTES,
		       "Too long with no output (exceeded %s): context deadline exceeded", length);
	return room;
}

static void
send_signal(struct step *step, int signo)
{
	struct message message = {.type = MESSAGE_SIGNAL_STEP,
				  .signal_step = {step->index, step->attempt, (uint32_t)signo}};

	supervisor_send(step->supervisor, &message, NULL, 0);
}

static void
terminate(struct step *step)
{
	send_signal(step, SIGTERM);
	timer_start_ms(&step->timer, step->grace_ms);
}

static void
keep_reason(struct step *step, enum outcome outcome, const char *reason)
{
	step->stopping = outcome;
	(void)snprintf(step->reason, sizeof(step->reason), "%s", reason);
	mask_text(step->mask, step->reason);
}

static void
say(struct step *step, const char *text)
{
	struct err err = ERR_INIT;
	char line[RUNNER_REASON_BYTES + 2];

	(void)snprintf(line, sizeof(line), "%s\n", text);
	if (output_say(&step->output, line, &err) < 0)
		log_line(LOG_WARN, LOG_AT_STEP(step->task, step->index), "%s", err.text);
}

void
step_stop(struct step *step, enum outcome outcome, const char *reason)
{
	OBJ_CHECK(step, STEP_MAGIC);
	keep_reason(step, outcome, reason);
	if (step->has_output)
		say(step, reason);
	terminate(step);
}

/* Its text went to the memfd right after the journal had its size: has the memfd grown, it is
 * there. */
void
step_stop_again(struct step *step)
{
	OBJ_CHECK(step, STEP_MAGIC);
	if (step->has_output && step->output.size == step->stop_size)
		say(step, step->reason);
	terminate(step);
}

static uint64_t
silence_left_us(const struct step *step, uint64_t limit_us)
{
	uint64_t now = loop_now_us(step->press->loop), silent = now - step->output.moved_us;

	if (output_is_blocked(&step->output) || output_is_late(&step->output))
		return limit_us; /* it is we who do not read */
	return silent < limit_us ? limit_us - silent : 0;
}

static void
on_timer(void *arg)
{
	struct step *step = arg;
	uint64_t limit_ms, left;

	OBJ_CHECK(step, STEP_MAGIC);
	if (step->exited)
		return;
	if (step->stopping != OUTCOME_NONE) {
		send_signal(step, SIGKILL);
		return;
	}
	limit_ms = step->doc->no_output_timeout_ms;
	if (step->timer.late_us > STALLED_US) /* a paused container: nobody could print, and nobody looked */
		step->output.moved_us = loop_now_us(step->press->loop);
	left = silence_left_us(step, limit_ms * 1000);
	if (left > 0) {
		timer_start_us(&step->timer, left);
		return;
	}
	step->stopping = OUTCOME_FAILED;
	step->stop_size = step->output.size;
	(void)step_silence_text(step->reason, limit_ms);
	if (step->hooks.on_stopping(step->hooks.arg, step)) {
		char reason[RUNNER_REASON_BYTES];

		memcpy(reason, step->reason, sizeof(reason));
		step_stop(step, OUTCOME_FAILED, reason);
		return;
	}
	step->stopping = OUTCOME_NONE;
	timer_start_ms(&step->timer, 1000); /* the journal has no room: ask again */
}

/* A checkout has the limit of a run step that names none; a background step has none. */
static void
watch_silence(struct step *step)
{
	if (!step->doc->background && step->doc->no_output_timeout_ms > 0)
		timer_start_ms(&step->timer, step->doc->no_output_timeout_ms);
}

/* --- output --- */

static void
on_output_record(void *arg)
{
	struct step *step = arg;

	OBJ_CHECK(step, STEP_MAGIC);
	step->hooks.on_record(step->hooks.arg);
}

static void
on_output_drained(void *arg)
{
	struct step *step = arg;

	OBJ_CHECK(step, STEP_MAGIC);
	step->drained = step->exited;
	step->hooks.on_change(step->hooks.arg);
}

static void
on_output_ended(void *arg)
{
	struct step *step = arg;

	OBJ_CHECK(step, STEP_MAGIC);
	step->hooks.on_change(step->hooks.arg);
}

static void
on_output_failed(void *arg, const struct err *err)
{
	struct step *step = arg;

	OBJ_CHECK(step, STEP_MAGIC);
	step->hooks.on_failed(step->hooks.arg, err);
}

/* Owns both descriptors, also on failure. */
static int
start_output(struct step *step, int pipe_fd, int memfd, struct err *err)
{
	struct output_hooks hooks = {step, on_output_record, on_output_drained, on_output_ended,
				     on_output_failed};
	int rc = output_start(&step->output, step->press, step->spool, step->mask, step->index,
			      step->attempt, pipe_fd, memfd, step->last_line, &hooks, err);

	step->has_output = rc == 0;
	if (step->has_output)
		output_set_rate(&step->output, step->rate);
	return rc;
}

static void
drain(struct step *step)
{
	if (!step->has_output || output_drain(&step->output))
		step->drained = true;
	step->hooks.on_change(step->hooks.arg);
}

/* --- news --- */

int
step_adopt(struct step *step, int pipe_fd, int memfd, struct err *err)
{
	OBJ_CHECK(step, STEP_MAGIC);
	if (step->has_output) { /* told again on a new connection: ours are the same */
		if (pipe_fd >= 0)
			(void)close(pipe_fd);
		if (memfd >= 0)
			(void)close(memfd);
		return 0;
	}
	step->asked = step->started = true;
	if (memfd < 0) { /* it could not start: there is room for the sentence that says so */
		return step->memfd >= 0 ? 0 : pipe_memfd_new(&step->memfd, "output", err);
	}
	if (start_output(step, pipe_fd, memfd, err) < 0)
		return err->code;
	if (!step->ended)
		watch_silence(step);
	return 0;
}

void
step_note_started(struct step *step, int pipe_fd)
{
	struct err err = ERR_INIT;
	int memfd = step->memfd;

	OBJ_CHECK(step, STEP_MAGIC);
	if (step->has_output || memfd < 0) {
		(void)close(pipe_fd);
		return;
	}
	step->memfd = -1;
	step->started = true;
	if (start_output(step, pipe_fd, memfd, &err) < 0) {
		step->hooks.on_failed(step->hooks.arg, &err);
		return;
	}
	watch_silence(step);
}

void
step_note_exited(struct step *step, const struct message_step_exited *exited)
{
	OBJ_CHECK(step, STEP_MAGIC);
	if (step->exited)
		return;
	timer_stop(&step->timer);
	step->exit = *exited;
	step->exited = true;
	drain(step);
}

void
step_note_failed(struct step *step, const char *sentence, bool of_host)
{
	struct err err = ERR_INIT;
	int memfd;

	OBJ_CHECK(step, STEP_MAGIC);
	if (step->exited)
		return;
	timer_stop(&step->timer);
	if (!step->has_output && step->memfd < 0 &&
	    pipe_memfd_new(&step->memfd, "output", &err) < 0)
		log_line(LOG_WARN, LOG_AT_STEP(step->task, step->index), "%s", err.text);
	memfd = step->memfd;
	keep_reason(step, of_host ? OUTCOME_INFRA_FAIL : OUTCOME_FAILED, sentence);
	step->no_status = step->exited = true;
	/* Where the spool has the sentence already an earlier runnerd has said it. */
	if (!step->has_output && memfd >= 0 &&
	    spool_end(step->spool, step->index, step->attempt) == 0) {
		step->memfd = -1;
		if (start_output(step, -1, memfd, &err) < 0)
			log_line(LOG_WARN, LOG_AT_STEP(step->task, step->index), "%s", err.text);
	}
	if (step->has_output && step->output.size == 0)
		say(step, sentence);
	drain(step);
}

void
step_note_lost(struct step *step, const char *reason)
{
	OBJ_CHECK(step, STEP_MAGIC);
	if (!step->exited) {
		timer_stop(&step->timer);
		if (step->stopping == OUTCOME_NONE)
			keep_reason(step, OUTCOME_INFRA_FAIL, reason);
		step->exited = true;
		step->no_status = true; /* there is no status to tell */
	}
	if (!step->drained)
		drain(step);
}

void
step_ack(struct step *step)
{
	struct message message = {.type = MESSAGE_ACK_STEP,
				  .ack_step = {step->index, step->attempt}};

	OBJ_CHECK(step, STEP_MAGIC);
	if (step->acked)
		return;
	step->acked = true;
	if (supervisor_is_alive(step->supervisor))
		supervisor_send(step->supervisor, &message, NULL, 0);
}

bool
step_is_over(const struct step *step)
{
	return step->exited && step->drained;
}

bool
step_is_quiet(const struct step *step)
{
	return step_is_over(step) && (!step->has_output || output_is_ended(&step->output));
}

uint64_t
step_output_bytes(const struct step *step)
{
	return spool_end(step->spool, step->index, step->attempt);
}

/* --- life --- */

struct step *
step_new(const struct step_place *place, uint32_t index, uint32_t attempt,
	 const struct task_step *doc, const struct step_hooks *hooks)
{
	struct step *step = MEM_NEW(struct step);

	step->magic = STEP_MAGIC;
	step->index = index;
	step->attempt = attempt;
	step->doc = doc;
	step->task = place->task;
	step->supervisor = place->supervisor;
	step->press = place->press;
	step->spool = place->spool;
	step->mask = place->mask;
	step->rate = place->rate;
	step->last_line = place->last_line;
	step->grace_ms = place->grace_ms;
	step->hooks = *hooks;
	step->memfd = -1;
	timer_init(&step->timer, place->press->loop, on_timer, step);
	return step;
}

void
step_free(struct step *step)
{
	if (step == NULL)
		return;
	OBJ_CHECK(step, STEP_MAGIC);
	timer_release(&step->timer);
	if (step->has_output)
		output_release(&step->output);
	if (step->memfd >= 0)
		(void)close(step->memfd);
	OBJ_WIPE(step);
	free(step);
}

int
step_begin(struct step *step, int spec_fd, int cgroup_fd, uint64_t deadline_ms, uint32_t orphan_ms,
	   uint32_t start_flags, struct err *err)
{
	struct message message = {.type = MESSAGE_START_STEP};
	int fds[3], rc;

	OBJ_CHECK(step, STEP_MAGIC);
	rc = pipe_memfd_new(&step->memfd, "output", err);
	if (rc < 0)
		return rc;
	message.start_step = (struct message_start_step){.step = step->index,
							 .attempt = step->attempt,
							 .flags = start_flags | (cgroup_fd >= 0 ? START_IN_CGROUP : 0u),
							 .orphan_ms = orphan_ms,
							 .grace_ms = step->grace_ms,
							 .deadline_ms = deadline_ms};
	fds[0] = spec_fd;
	fds[1] = step->memfd;
	fds[2] = cgroup_fd;
	supervisor_send(step->supervisor, &message, fds, cgroup_fd >= 0 ? 3 : 2);
	step->asked = true;
	return 0;
}
