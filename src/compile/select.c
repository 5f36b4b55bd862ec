/*
 * select.c - of a plan, what a person wants to run here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/select.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

static int
too_large(struct err *err)
{
	return err_set(err, ERR_LIMIT, "the config is too large to select from");
}

/* --- which jobs ------------------------------------------------------------------------ */

/* "JOB", or "WORKFLOW/JOB"; JOB is the name in the workflow, or the key under "jobs". */
static bool
is_named(const struct plan_workflow *workflow, const struct plan_job *job, const char *name)
{
	size_t len = strlen(workflow->name);

	if (text_eq(job->name, name) || text_eq(job->job, name))
		return true;
	return text_starts(name, workflow->name) && name[len] == '/' &&
	       text_eq(job->name, name + len + 1);
}

/* Requirements come from anywhere in the list, so this is done until nothing is added. */
static void
add_requirements(const struct plan_workflow *workflow, bool *wanted)
{
	const struct plan_job *job;
	bool added = true;
	size_t i, r;

	while (added) {
		added = false;
		for (i = 0; i < workflow->job_count; i++) {
			job = &workflow->jobs[i];
			for (r = 0; wanted[i] && r < job->require_count; r++) {
				added |= !wanted[job->requires[r].job];
				wanted[job->requires[r].job] = true;
			}
		}
	}
}

/* Approvals, and what requires them directly or not; returns how many. */
static size_t
drop_approvals(const struct plan_workflow *workflow, bool *wanted, bool *held)
{
	const struct plan_job *job;
	bool added = true;
	size_t i, r, count = 0;

	while (added) {
		added = false;
		for (i = 0; i < workflow->job_count; i++) {
			job = &workflow->jobs[i];
			if (held[i])
				continue;
			held[i] = job->type == PLAN_JOB_APPROVAL;
			for (r = 0; r < job->require_count; r++)
				held[i] |= held[job->requires[r].job];
			added |= held[i];
		}
	}
	for (i = 0; i < workflow->job_count; i++) {
		count += wanted[i] && held[i];
		wanted[i] &= !held[i];
	}
	return count;
}

size_t
select_mark(const struct plan_workflow *workflow, const struct selection *selection, bool *wanted,
	    bool *held)
{
	size_t i, count = 0, held_count;

	if (selection->workflow != NULL && !text_eq(workflow->name, selection->workflow))
		return 0;
	for (i = 0; i < workflow->job_count; i++)
		wanted[i] = selection->job == NULL ||
			    is_named(workflow, &workflow->jobs[i], selection->job);
	if (selection->job != NULL && !selection->alone)
		add_requirements(workflow, wanted);
	/* A job that is named to run alone runs whoever it would have waited for. */
	if (selection->no_approvals && !selection->alone) {
		held_count = drop_approvals(workflow, wanted, held);
		if (selection->held != NULL)
			*selection->held += held_count;
	}
	for (i = 0; i < workflow->job_count; i++)
		count += wanted[i];
	return count;
}

/* --- what is changed in them -------------------------------------------------------------- */

static const struct plan_pair *
find_pair(const struct plan_pair *pairs, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (text_eq(pairs[i].name, name))
			return &pairs[i];
	return NULL;
}

static int
add_environment(struct plan_job *job, const struct selection *selection, struct arena *arena,
		struct err *err)
{
	const struct plan_environment *own = &job->environment;
	struct plan_environment all = {0};
	size_t i;

	if (selection->environment_count == 0)
		return 0;
	all.items =
		ARENA_NEW_ARRAY(arena, struct plan_pair, own->count + selection->environment_count);
	if (all.items == NULL)
		return too_large(err);
	for (i = 0; i < own->count; i++)
		if (find_pair(selection->environment, selection->environment_count,
			      own->items[i].name) == NULL)
			all.items[all.count++] = own->items[i];
	for (i = 0; i < selection->environment_count; i++)
		if (find_pair(all.items, all.count, selection->environment[i].name) == NULL) {
			all.items[all.count++] = selection->environment[i];
			job->given++;
		}
	job->environment = all;
	return 0;
}

/* Requirements of jobs that were left out are gone; the others are counted anew. */
static int
renumber(struct plan_job *job, const bool *wanted, bool alone, struct arena *arena, struct err *err)
{
	struct plan_requirement *kept =
		ARENA_NEW_ARRAY(arena, struct plan_requirement, job->require_count + 1);
	size_t r, i, count = 0;
	uint32_t index;

	if (kept == NULL)
		return too_large(err);
	for (r = 0; r < job->require_count; r++) {
		if (!wanted[job->requires[r].job] || alone)
			continue;
		for (index = 0, i = 0; i < job->requires[r].job; i++)
			index += wanted[i];
		kept[count] = job->requires[r];
		kept[count++].job = index;
	}
	job->requires = kept;
	job->require_count = count;
	return 0;
}

static int
select_jobs(struct plan_workflow *out, const struct plan_workflow *from,
	    const struct selection *selection, struct arena *arena, struct err *err)
{
	bool *wanted = ARENA_NEW_ARRAY(arena, bool, from->job_count + 1);
	bool *held = ARENA_NEW_ARRAY(arena, bool, from->job_count + 1);
	struct plan_job *job;
	size_t i, count;

	if (wanted == NULL || held == NULL)
		return too_large(err);
	count = select_mark(from, selection, wanted, held);
	*out = *from;
	out->job_count = 0;
	out->jobs = ARENA_NEW_ARRAY(arena, struct plan_job, count + 1);
	if (out->jobs == NULL)
		return too_large(err);
	for (i = 0; i < from->job_count; i++) {
		if (!wanted[i])
			continue;
		job = &out->jobs[out->job_count++];
		*job = from->jobs[i];
		if (renumber(job, wanted, selection->alone, arena, err) < 0 ||
		    add_environment(job, selection, arena, err) < 0)
			return err->code;
		if (selection->docker_on_host && job->executor.kind == PLAN_EXECUTOR_DOCKER)
			job->executor = (struct plan_executor){.kind = PLAN_EXECUTOR_MACHINE};
	}
	return 0;
}

/* --- how far they go ---------------------------------------------------------------------- */

/* Whether the job has that step; it is the last one then. */
static bool
cut_steps(struct plan_job *job, const char *until)
{
	struct err ignored = ERR_INIT;
	uint64_t number;
	size_t i;

	for (i = 0; i < job->step_count && !text_eq(job->steps[i].name, until); i++)
		;
	if (i == job->step_count && text_parse_u64(until, UINT32_MAX, &number, &ignored) == 0)
		i = number < job->step_count ? (size_t)number : job->step_count;
	if (i == job->step_count)
		return false;
	job->step_count = i + 1;
	return true;
}

static int
refuse_step(const struct plan_job *job, const char *until, struct err *err)
{
	char list[160] = "";
	size_t i, len = 0;

	for (i = 0; i < job->step_count && len < sizeof(list) - 1; i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%zu '%s'",
					i > 0 ? ", " : "", i, job->steps[i].name);
	return err_set(err, ERR_INPUT, "job '%s' has no step '%s': it has %s", job->name, until,
		       len > 0 ? list : "none");
}

static int
cut_jobs(struct plan *plan, const struct selection *selection, struct err *err)
{
	const struct plan_job *lacking = NULL;
	struct plan_workflow *workflow;
	struct plan_job *job;
	bool found = false;
	size_t i, j;

	for (i = 0; i < plan->workflow_count; i++) {
		workflow = &plan->workflows[i];
		for (j = 0; j < workflow->job_count; j++) {
			job = &workflow->jobs[j];
			if (selection->job != NULL && !is_named(workflow, job, selection->job))
				continue;
			if (cut_steps(job, selection->until))
				found = true;
			else
				lacking = job;
		}
	}
	if (found || lacking == NULL)
		return 0;
	if (selection->job != NULL)
		return refuse_step(lacking, selection->until, err);
	if (err_set(err, ERR_INPUT, "no job has a step '%s'", selection->until) < 0)
		err_hint(err, "runnerctl config tasks lists the steps of each job");
	return err->code;
}

/* --- the whole ----------------------------------------------------------------------------- */

/* It is in the config, and nothing of it runs. */
static int
refuse_idle(const struct plan_idle *idle, struct err *err)
{
	static const struct {
		const char *text, *hint;
	} causes[] = {
		[PLAN_IDLE_SCHEDULE] = {"has 'triggers': the clock alone starts it",
					"one of the same jobs without 'triggers' can be run"},
		[PLAN_IDLE_CONDITION] = {"does not run: its 'when' or 'unless' says no",
					 "--parameter, --branch and --tag give it other values"},
		[PLAN_IDLE_FILTERS] = {"has no job to run: the filters of its jobs say no",
				       "--branch and --tag say what is built"},
	};

	if (err_set(err, ERR_INPUT, "workflow '%s' %s", idle->workflow, causes[idle->cause].text) <
	    0)
		err_hint(err, causes[idle->cause].hint);
	return err->code;
}

static int
refuse_workflow(const struct plan *from, const char *name, struct err *err)
{
	char list[256] = "";
	size_t i, len = 0;

	for (i = 0; i < from->idle_count; i++)
		if (text_eq(from->idle[i].workflow, name))
			return refuse_idle(&from->idle[i], err);
	for (i = 0; i < from->workflow_count && len < sizeof(list) - 1; i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s'%s'", i > 0 ? ", " : "",
					from->workflows[i].name);
	return err_set(err, ERR_INPUT, "there is no workflow '%s' to run: there is %s", name,
		       len > 0 ? list : "none");
}

static bool
has_named(const struct plan *plan, const char *name)
{
	const struct plan_workflow *workflow;
	size_t i, j;

	for (i = 0; i < plan->workflow_count; i++) {
		workflow = &plan->workflows[i];
		for (j = 0; j < workflow->job_count; j++)
			if (is_named(workflow, &workflow->jobs[j], name))
				return true;
	}
	return false;
}

static int
refuse_held(const char *name, struct err *err)
{
	if (err_set(err, ERR_INPUT, "job '%s' waits for an approval, and nobody can give it here",
		    name) < 0)
		err_hint(err, "--only-job runs it without what it requires");
	return err->code;
}

static int
refuse_job(const struct plan *from, const struct selection *selection, struct err *err)
{
	const struct plan_workflow *workflow;
	const char *name = selection->job, *nearest = NULL;
	unsigned distance, best = 3;
	size_t i, j;

	for (i = 0; i < from->workflow_count; i++) {
		workflow = &from->workflows[i];
		for (j = 0; j < workflow->job_count; j++) {
			if (selection->workflow != NULL &&
			    is_named(workflow, &workflow->jobs[j], name))
				return err_set(
					err, ERR_INPUT,
					"workflow '%s' has no job '%s': it is in workflow '%s'",
					selection->workflow, name, workflow->name);
			distance = text_distance(name, workflow->jobs[j].name, 2);
			if (distance < best) {
				best = distance;
				nearest = workflow->jobs[j].name;
			}
		}
	}
	if (nearest != NULL)
		return err_set(err, ERR_INPUT, "there is no job '%s' to run: did you mean '%s'?",
			       name, nearest);
	if (err_set(err, ERR_INPUT, "there is no job '%s' to run", name) < 0)
		err_hint(err, "runnerctl run --dry-run lists the jobs");
	return err->code;
}

int
select_plan(struct plan *out, const struct plan *from, const struct selection *selection,
	    struct arena *arena, struct err *err)
{
	bool workflow_found = selection->workflow == NULL;
	struct plan_workflow *workflow;
	size_t i;

	*out = *from;
	out->schedules = NULL;
	out->schedule_count = 0;
	out->workflow_count = 0;
	out->workflows = ARENA_NEW_ARRAY(arena, struct plan_workflow, from->workflow_count + 1);
	if (out->workflows == NULL)
		return too_large(err);
	for (i = 0; i < from->workflow_count; i++) {
		if (selection->workflow != NULL &&
		    !text_eq(from->workflows[i].name, selection->workflow))
			continue;
		workflow_found = true;
		workflow = &out->workflows[out->workflow_count];
		if (select_jobs(workflow, &from->workflows[i], selection, arena, err) < 0)
			return err->code;
		if (workflow->job_count > 0)
			out->workflow_count++;
	}
	if (!workflow_found)
		return refuse_workflow(from, selection->workflow, err);
	if (selection->job != NULL && !has_named(out, selection->job))
		return selection->held != NULL && *selection->held > 0
			       ? refuse_held(selection->job, err)
			       : refuse_job(from, selection, err);
	return selection->until != NULL ? cut_jobs(out, selection, err) : 0;
}
