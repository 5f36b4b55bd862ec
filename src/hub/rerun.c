/*
 * rerun.c - jobs of a workflow once more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/rerun.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/serial.h"
#include "hub/states.h"

/* One flag a job, in the workflow's order. */
struct choice {
	const struct workflow *workflow;
	bool *again;
};

static size_t
index_of(const struct workflow *workflow, const struct job *job)
{
	size_t i;

	for (i = 0; workflow->jobs[i] != job; i++)
		;
	return i;
}

static bool
has_succeeded(const struct job *job)
{
	return job->row.state == JOB_ENDED && job->row.outcome == OUTCOME_SUCCESS;
}

static void
choose_failed(struct choice *choice)
{
	size_t i;

	for (i = 0; i < choice->workflow->job_count; i++)
		choice->again[i] = !has_succeeded(choice->workflow->jobs[i]);
}

static int
choose_jobs(struct choice *choice, const struct rerun *rerun, struct err *err)
{
	const struct workflow *workflow = choice->workflow;
	char text[ID_TEXT_BYTES];
	const struct job *job;
	size_t i;

	for (i = 0; i < rerun->job_count; i++) {
		job = model_job(workflow->pipeline->model, &rerun->jobs[i]);
		if (job == NULL || job->workflow != workflow)
			return err_set(err, ERR_INPUT, "workflow '%s' has no job %s",
				       workflow->row.name, id_text(text, &rerun->jobs[i]));
		choice->again[index_of(workflow, job)] = true;
	}
	return 0;
}

/* One of those it requires runs again. */
static bool
follows_chosen(const struct choice *choice, const struct job *job)
{
	size_t i;

	for (i = 0; i < job->require_count; i++)
		if (choice->again[index_of(choice->workflow, job->requires[i].job)])
			return true;
	return false;
}

/*
 * Members of a group of jobs run under its lock: with one of them the lock is taken and given back again. They lie
 * between the two.
 */
static bool
choose_locks(struct choice *choice)
{
	const struct workflow *workflow = choice->workflow;
	bool inside, added = false;
	size_t i, first, k;

	for (i = 0; i < workflow->job_count; i++) {
		const struct job *lock = serial_lock_of(workflow->jobs[i]);

		if (lock == NULL)
			continue;
		first = index_of(workflow, lock);
		for (inside = false, k = first; k <= i; k++)
			inside |= choice->again[k];
		added |= inside && !(choice->again[first] && choice->again[i]);
		choice->again[first] |= inside;
		choice->again[i] |= inside;
	}
	return added;
}

static void
choose_followers(struct choice *choice)
{
	const struct workflow *workflow = choice->workflow;
	bool added = true;
	size_t i;

	while (added) {
		added = choose_locks(choice);
		for (i = 0; i < workflow->job_count; i++)
			if (!choice->again[i] && !has_succeeded(workflow->jobs[i]) &&
			    follows_chosen(choice, workflow->jobs[i]))
				added = choice->again[i] = true;
	}
}

static uint32_t
last_attempt(const struct job *job)
{
	return job->task_count == 0 ? 0 : job->tasks[job->task_count - 1]->row.attempt;
}

static void
run_again(struct workflow *workflow, const struct choice *choice, bool failed_tests)
{
	struct job *job;
	size_t i;

	workflow->row.reruns++;
	workflow->row.canceled_by[0] = '\0';
	workflow_touch(workflow);
	for (i = 0; i < workflow->job_count; i++) {
		job = workflow->jobs[i];
		if (!choice->again[i])
			continue;
		job->row.failed_tests_of = failed_tests && !has_succeeded(job) ? last_attempt(job) : 0;
		job_enter(job, JOB_BLOCKED, OUTCOME_NONE, "");
	}
}

static int
choose(struct choice *choice, const struct rerun *rerun, struct err *err)
{
	size_t i, count = 0;

	if (rerun->from_failed || rerun->failed_tests)
		choose_failed(choice);
	else if (rerun->job_count > 0 && choose_jobs(choice, rerun, err) < 0)
		return err->code;
	for (i = 0; i < choice->workflow->job_count; i++) {
		if (!rerun->from_failed && !rerun->failed_tests && rerun->job_count == 0)
			choice->again[i] = true;
		count += choice->again[i];
	}
	if (count == 0)
		return err_set(err, ERR_INPUT, "no job of workflow '%s' has failed",
			       choice->workflow->row.name);
	choose_followers(choice);
	return 0;
}

static int
check(const struct workflow *workflow, struct err *err)
{
	if (workflow->row.state != WORKFLOW_ENDED)
		return err_set(err, ERR_AGAIN, "workflow '%s' has not ended", workflow->row.name);
	if (workflow->pipeline->row.setup != SETUP_NONE && workflow->row.position == 0)
		return err_set(err, ERR_INPUT, "setup workflow '%s' cannot be run again: begin a new pipeline",
			       workflow->row.name);
	if (workflow->row.reruns >= RERUNS_MOST)
		return err_set(err, ERR_LIMIT, "workflow '%s' was run again %d times, and no more is allowed",
			       workflow->row.name, RERUNS_MOST);
	return 0;
}

int
workflow_rerun(struct workflow *workflow, const struct rerun *rerun, const char *by, struct err *err)
{
	struct choice choice = {.workflow = workflow};
	int rc = check(workflow, err);

	if (rc < 0)
		return rc;
	choice.again = MEM_NEW_ARRAY(bool, workflow->job_count + 1);
	rc = choose(&choice, rerun, err);
	if (rc == 0) {
		log_info("workflow '%s' of pipeline %lld runs again: %s asks for it", workflow->row.name,
			 (long long)workflow->row.pipeline_number, by);
		/* It is a person's now. */
		workflow->row.auto_reruns = 0;
		workflow_begin_again(workflow);
		run_again(workflow, &choice, rerun->failed_tests);
		workflow_advance(workflow);
	}
	free(choice.again);
	return rc;
}

/* A setup workflow that has done what it is for. */
static bool
is_used_up(const struct workflow *workflow)
{
	return workflow->pipeline->row.setup == SETUP_CONTINUED && workflow->row.position == 0;
}

bool
workflow_rerun_by_itself(struct workflow *workflow, enum outcome outcome)
{
	struct choice choice = {.workflow = workflow};

	if (outcome != OUTCOME_FAILED || is_used_up(workflow) || workflow->row.auto_reruns == 0 ||
	    workflow->row.canceled_by[0] != '\0' || workflow->row.reruns >= RERUNS_MOST)
		return false;
	workflow->row.auto_reruns--;
	log_info("workflow '%s' of pipeline %lld failed and runs its failed jobs again, %u more times at most",
		 workflow->row.name, (long long)workflow->row.pipeline_number, workflow->row.auto_reruns);
	choice.again = MEM_NEW_ARRAY(bool, workflow->job_count + 1);
	choose_failed(&choice);
	choose_followers(&choice);
	run_again(workflow, &choice, false);
	free(choice.again);
	return true;
}
