/*
 * actions.c - what people ask of what is active: cancel, approve.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/actions.h"

#include <stdio.h>

#include "base/err.h"
#include "hub/dispatch.h"
#include "hub/states.h"

static void
task_cancel(struct task *task, const char *by)
{
	char reason[RUNNER_REASON_BYTES];

	if (task->row.state == HUB_QUEUED) {
		snprintf(reason, sizeof(reason), "canceled by %.150s", by);
		task->is_abandoned = true;
		task_enter(task, HUB_ENDED, OUTCOME_CANCELED, reason);
		return;
	}
	if (task->row.state != HUB_LEASED || task->row.cancel_by[0] != '\0')
		return;
	snprintf(task->row.cancel_by, sizeof(task->row.cancel_by), "%s", by[0] != '\0' ? by : "?");
	task_remember(task, "canceling", task->row.cancel_by);
	task_touch(task);
	if (task->agent->heartbeat != NULL)
		task->agent->heartbeat->hurry(task->agent->heartbeat);
}

static void
cancel(struct job *job, const char *by)
{
	char reason[RUNNER_REASON_BYTES];
	size_t i;

	if (job->row.state == JOB_ENDED)
		return;
	snprintf(job->row.by, sizeof(job->row.by), "%s", by);
	if (job->row.state == JOB_BLOCKED || job->row.state == JOB_ON_HOLD) {
		snprintf(reason, sizeof(reason), "canceled by %.150s", by);
		job_enter(job, JOB_ENDED, OUTCOME_CANCELED, reason);
		return;
	}
	job_touch(job);
	for (i = 0; i < job->task_count; i++)
		task_cancel(job->tasks[i], by);
}

int
job_cancel(struct job *job, const char *by, struct err *err)
{
	if (job->row.state == JOB_ENDED)
		return err_set(err, ERR_GONE, "job '%s' has ended", job->row.name);
	cancel(job, by);
	return 0;
}

int
workflow_cancel(struct workflow *workflow, const char *by, struct err *err)
{
	size_t i;

	if (workflow->row.state == WORKFLOW_ENDED)
		return err_set(err, ERR_GONE, "workflow '%s' has ended", workflow->row.name);
	snprintf(workflow->row.canceled_by, sizeof(workflow->row.canceled_by), "%s", by);
	workflow_touch(workflow);
	/* The end of one job must not start the next before that one is canceled, too. */
	workflow->is_advancing = true;
	for (i = 0; i < workflow->job_count; i++)
		cancel(workflow->jobs[i], by);
	workflow->is_advancing = false;
	workflow_advance(workflow);
	return 0;
}

int
pipeline_cancel(struct pipeline *pipeline, const char *by, struct err *err)
{
	struct err ended = ERR_INIT;
	size_t i;

	if (pipeline->row.state == PIPELINE_ENDED)
		return err_set(err, ERR_GONE, "pipeline %lld has ended", (long long)pipeline->row.number);
	for (i = 0; i < pipeline->workflow_count; i++)
		(void)(workflow_cancel(pipeline->workflows[i], by, &ended) == 0);
	return 0;
}

int
job_approve(struct job *job, const char *by, struct err *err)
{
	if (job->row.state == JOB_ENDED)
		return err_set(err, ERR_GONE, "job '%s' has ended", job->row.name);
	if (job->row.state != JOB_ON_HOLD)
		return err_set(err, ERR_INPUT, "job '%s' does not wait for an approval", job->row.name);
	snprintf(job->row.by, sizeof(job->row.by), "%s", by);
	job_enter(job, JOB_ENDED, OUTCOME_SUCCESS, "");
	return 0;
}
