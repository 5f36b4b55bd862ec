/*
 * serial.c - serial groups: jobs of one organization that run one at a time.
 *
 * A group exists while a job holds it or waits for it. Who is next is started in a later of
 * the loop, so that the end of a job never starts another from within.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/serial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "compile/plan.h"
#include "hub/states.h"

struct serial_group {
	char *key; /* "OWNER NAME" */
	struct job *holder;
	struct job *queue; /* first come, first served */
	char sentence[128];
	UT_hash_handle hh;
};

static struct model *
model_of(const struct job *job)
{
	return job->workflow->pipeline->model;
}

static bool
is_type(const struct job *job, enum plan_job_type type)
{
	return strcmp(job->row.type, plan_job_type_name(type)) == 0;
}

/* --- groups ------------------------------------------------------------------------------ */

static struct serial_group *
group_of(const struct job *job)
{
	struct model *model = model_of(job);
	char owner[HUB_NAME_BYTES];
	struct serial_group *group;
	char *key;

	secrets_owner_of(owner, job->row.project_slug);
	key = mem_printf("%s %s", owner, job->row.serial_group);
	HASH_FIND_STR(model->serial_groups, key, group);
	if (group != NULL) {
		free(key);
		return group;
	}
	group = MEM_NEW(struct serial_group);
	group->key = key;
	(void)snprintf(group->sentence, sizeof(group->sentence),
		       "another job has serial group '%.80s'", job->row.serial_group);
	HASH_ADD_KEYPTR(hh, model->serial_groups, group->key, strlen(group->key), group);
	return group;
}

static void
group_free(struct model *model, struct serial_group *group)
{
	HASH_DEL(model->serial_groups, group);
	free(group->key);
	free(group);
}

static void
hold(struct serial_group *group, struct job *job)
{
	assert(group->holder == NULL);
	group->holder = job;
	job->serial = group;
	log_info("job '%s' of pipeline %lld has serial group '%s'", job->row.name,
		 (long long)job->row.pipeline_number, job->row.serial_group);
}

static void
enqueue(struct serial_group *group, struct job *job)
{
	DL_APPEND2(group->queue, job, serial_prev, serial_next);
	job->serial = group;
	job->is_serial_waiting = true;
	model_want_clock(model_of(job), model_of(job)->mono_ms(model_of(job)) + SERIAL_WAIT_MS);
}

static void
dequeue(struct serial_group *group, struct job *job)
{
	DL_DELETE2(group->queue, job, serial_prev, serial_next);
	job->is_serial_waiting = false;
}

/* --- entering ------------------------------------------------------------------------------ */

static bool
is_later(const struct job *other, const struct job *job)
{
	return other->workflow->pipeline->project == job->workflow->pipeline->project &&
	       other->row.pipeline_number > job->row.pipeline_number;
}

static bool
is_overtaken(const struct serial_group *group, const struct job *job)
{
	const struct job *other;

	if (group->holder != NULL && is_later(group->holder, job))
		return true;
	for (other = group->queue; other != NULL; other = other->serial_next)
		if (is_later(other, job))
			return true;
	return false;
}

enum serial
serial_enter(struct job *job)
{
	struct serial_group *group;

	if (job->row.serial_group == NULL || is_type(job, PLAN_JOB_UNLOCK))
		return SERIAL_RUN;
	if (job->is_serial_waiting)
		return SERIAL_WAIT;
	group = group_of(job);
	if (is_overtaken(group, job))
		return SERIAL_SKIP;
	if (group->holder == NULL && group->queue == NULL) {
		hold(group, job);
		return SERIAL_RUN;
	}
	enqueue(group, job);
	job->row.queued_ms = model_of(job)->unix_ms();
	job_touch(job);
	log_info("job '%s' of pipeline %lld waits: %s", job->row.name,
		 (long long)job->row.pipeline_number, group->sentence);
	return SERIAL_WAIT;
}

const char *
serial_waiting(const struct job *job)
{
	return job->is_serial_waiting ? job->serial->sentence : NULL;
}

const struct job *
serial_holder(const struct job *job)
{
	assert(job->is_serial_waiting);
	return job->serial->holder;
}

unsigned
serial_before(const struct job *job)
{
	const struct job *other;
	unsigned n = 0;

	assert(job->is_serial_waiting);
	for (other = job->serial->queue; other != job; other = other->serial_next)
		n++;
	return n;
}

/* --- leaving ------------------------------------------------------------------------------- */

struct job *
serial_lock_of(const struct job *unlock)
{
	const struct workflow *workflow = unlock->workflow;
	struct job *lock = NULL;
	size_t i;

	if (!is_type(unlock, PLAN_JOB_UNLOCK))
		return NULL;
	/* The compiler writes lock, members, end and unlock in this order, and groups do not nest. */
	for (i = 0; i < workflow->job_count && workflow->jobs[i] != unlock; i++)
		if (is_type(workflow->jobs[i], PLAN_JOB_LOCK))
			lock = workflow->jobs[i];
	return lock;
}

static void
give_back(struct job *holder)
{
	struct serial_group *group = holder->serial;

	assert(group->holder == holder);
	group->holder = NULL;
	holder->serial = NULL;
	later_want(&model_of(holder)->serial);
}

void
serial_leave(struct job *job)
{
	struct job *lock = serial_lock_of(job);

	if (lock != NULL && lock->serial != NULL && !lock->is_serial_waiting)
		give_back(lock);
	if (job->serial == NULL)
		return;
	if (job->is_serial_waiting) {
		dequeue(job->serial, job);
		job->serial = NULL;
		later_want(&model_of(job)->serial);
	} else if (!is_type(job, PLAN_JOB_LOCK) || job->row.outcome != OUTCOME_SUCCESS) {
		give_back(job);
	}
}

void
serial_run(struct model *model)
{
	struct serial_group *group, *next;
	struct job *job;

	HASH_ITER (hh, model->serial_groups, group, next) {
		if (group->holder != NULL)
			continue;
		job = group->queue;
		if (job == NULL) {
			group_free(model, group);
			continue;
		}
		dequeue(group, job);
		hold(group, job);
		job_begin(job);
	}
}

void
serial_check(struct model *model)
{
	int64_t now = model->unix_ms();
	struct serial_group *group, *next_group;
	struct job *job, *next;

	HASH_ITER (hh, model->serial_groups, group, next_group)
		for (job = group->queue; job != NULL; job = next) {
			int64_t left = job->row.queued_ms + SERIAL_WAIT_MS - now;

			next = job->serial_next;
			if (left <= 0)
				job_enter(job, JOB_ENDED, OUTCOME_CANCELED,
					  "it waited five hours for its serial group");
			else
				model_want_clock(model, model->mono_ms(model) + (uint64_t)left);
		}
}

/* --- life ------------------------------------------------------------------------------------ */

static bool
is_open_lock(const struct job *lock)
{
	const struct workflow *workflow = lock->workflow;
	size_t i;

	for (i = 0; i < workflow->job_count; i++)
		if (serial_lock_of(workflow->jobs[i]) == lock)
			return workflow->jobs[i]->row.state != JOB_ENDED;
	return false;
}

static bool
holds(const struct job *job)
{
	if (job->row.state == JOB_QUEUED || job->row.state == JOB_RUNNING)
		return true;
	return is_type(job, PLAN_JOB_LOCK) && job->row.state == JOB_ENDED &&
	       job->row.outcome == OUTCOME_SUCCESS && is_open_lock(job);
}

static int
compare_arrival(const struct job *a, const struct job *b)
{
	if (a->row.queued_ms != b->row.queued_ms)
		return a->row.queued_ms < b->row.queued_ms ? -1 : 1;
	return a->row.number < b->row.number ? -1 : a->row.number > b->row.number;
}

void
serial_load(struct model *model)
{
	struct serial_group *group, *next_group;
	struct job *job, *next;

	HASH_ITER (hh, model->jobs, job, next) {
		if (job->row.serial_group == NULL || is_type(job, PLAN_JOB_UNLOCK))
			continue;
		if (job->row.state == JOB_BLOCKED && job->row.queued_ms != 0)
			enqueue(group_of(job), job);
		else if (holds(job) && group_of(job)->holder == NULL)
			hold(group_of(job), job);
	}
	HASH_ITER (hh, model->serial_groups, group, next_group)
		DL_SORT2(group->queue, compare_arrival, serial_prev, serial_next);
	later_want(&model->serial);
}

void
serial_release(struct model *model)
{
	struct serial_group *group, *next;

	HASH_ITER (hh, model->serial_groups, group, next)
		group_free(model, group);
}
