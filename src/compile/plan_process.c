/*
 * plan_process.c - a plan as a config again: "config process".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/buffer.h"
#include "compile/names.h"
#include "compile/plan_string.h"
#include "compile/plan_text.h"

/* What version 2 cannot say. */
static bool
job_needs_21(const struct plan_job *job)
{
	size_t i;

	if ((job->type != PLAN_JOB_BUILD && job->type != PLAN_JOB_APPROVAL) ||
	    job->serial_group != NULL)
		return true;
	for (i = 0; i < job->require_count; i++)
		if (job->requires[i].statuses != PLAN_SUCCESS)
			return true;
	for (i = 0; i < job->step_count; i++)
		if (job->steps[i].max_auto_reruns > 0)
			return true;
	return false;
}

static bool
needs_21(const struct plan *plan)
{
	size_t i, j;

	if (plan->setup)
		return true;
	for (i = 0; i < plan->workflow_count; i++) {
		if (plan->workflows[i].max_auto_reruns > 0)
			return true;
		for (j = 0; j < plan->workflows[i].job_count; j++)
			if (job_needs_21(&plan->workflows[i].jobs[j]))
				return true;
	}
	return false;
}

/* Workflows before this one already have a job of that name: it is identical. */
static bool
is_written(const struct plan *plan, size_t workflow, const char *name)
{
	size_t i, j;

	for (i = 0; i < workflow; i++)
		for (j = 0; j < plan->workflows[i].job_count; j++)
			if (strcmp(plan->workflows[i].jobs[j].name, name) == 0)
				return true;
	return false;
}

/*
 * The job's key: its name, where that may be one. Version 2.1 is strict about keys, and
 * has "name" in entries for the rest.
 */
static void
write_job_key(const struct plan_job *job, size_t workflow, size_t index, bool is_21,
	      struct buffer *out)
{
	if (is_21 && !name_is_job(job->name))
		buffer_printf(out, "processed-%zu-%zu", workflow + 1, index + 1);
	else
		plan_write_key(job->name, out, false);
}

static void
write_jobs(const struct plan *plan, bool is_21, struct buffer *out)
{
	size_t i, j;
	bool any = false;

	buffer_puts(out, "jobs:");
	for (i = 0; i < plan->workflow_count; i++) {
		for (j = 0; j < plan->workflows[i].job_count; j++) {
			const struct plan_job *job = &plan->workflows[i].jobs[j];

			if (job->type == PLAN_JOB_APPROVAL)
				continue;
			if (is_written(plan, i, job->name) && !(is_21 && !name_is_job(job->name)))
				continue;
			buffer_puts(out, "\n  ");
			write_job_key(job, i, j, is_21, out);
			buffer_puts(out, ":\n");
			plan_write_job(job, out, 2, is_21);
			out->len--; /* the next one begins with a line end */
			any = true;
		}
	}
	buffer_puts(out, any ? "\n" : " {}\n");
}

/* ---- workflows ---- */

static void
write_statuses(unsigned statuses, struct buffer *out)
{
	unsigned bit;
	const char *comma = "";

	if (statuses == PLAN_TERMINAL) {
		buffer_puts(out, "terminal");
		return;
	}
	buffer_puts(out, "[");
	for (bit = PLAN_SUCCESS; bit <= PLAN_NOT_RUN; bit <<= 1) {
		if (!(statuses & bit))
			continue;
		buffer_printf(out, "%s%s", comma, plan_status_name((enum plan_status)bit));
		comma = ", ";
	}
	buffer_puts(out, "]");
}

static void
write_requires(const struct plan_workflow *workflow, const struct plan_job *job, bool is_21,
	       struct buffer *out)
{
	size_t i;

	if (job->require_count == 0)
		return;
	buffer_puts(out, "          requires:\n");
	for (i = 0; i < job->require_count; i++) {
		const struct plan_requirement *requirement = &job->requires[i];

		buffer_puts(out, "            - ");
		plan_write_key(workflow->jobs[requirement->job].name, out, is_21);
		if (requirement->statuses != PLAN_SUCCESS) {
			buffer_puts(out, ": ");
			write_statuses(requirement->statuses, out);
		}
		buffer_puts(out, "\n");
	}
}

static void
write_entry(const struct plan *plan, size_t workflow, size_t index, bool is_21, struct buffer *out)
{
	const struct plan_job *job = &plan->workflows[workflow].jobs[index];
	bool is_renamed = is_21 && !name_is_job(job->name) && job->type != PLAN_JOB_APPROVAL;
	bool has_lock = job->type == PLAN_JOB_LOCK || job->type == PLAN_JOB_UNLOCK;
	size_t i;

	buffer_puts(out, "      - ");
	if (is_renamed)
		write_job_key(job, workflow, index, is_21, out);
	else
		plan_write_key(job->name, out, false);
	if (!is_renamed && job->require_count == 0 && job->contexts.count == 0 &&
	    job->type != PLAN_JOB_APPROVAL && (job->serial_group == NULL || has_lock) &&
	    !plan->is_tag) {
		buffer_puts(out, "\n");
		return;
	}
	buffer_puts(out, ":\n");
	if (is_renamed) {
		buffer_puts(out, "          name: ");
		plan_write_string(job->name, out, 6, is_21);
		buffer_puts(out, "\n");
	}
	if (job->type == PLAN_JOB_APPROVAL)
		buffer_puts(out, "          type: approval\n");
	if (plan->is_tag) /* without a tag filter nothing runs for a tag */
		buffer_puts(out, "          filters: {tags: {only: /.*/}}\n");
	write_requires(&plan->workflows[workflow], job, is_21, out);
	if (job->contexts.count > 0)
		buffer_puts(out, "          context:\n");
	for (i = 0; i < job->contexts.count; i++) {
		buffer_puts(out, "            - ");
		plan_write_string(job->contexts.items[i], out, 7, is_21);
		buffer_puts(out, "\n");
	}
	if (job->serial_group != NULL && !has_lock) {
		buffer_puts(out, "          serial-group: ");
		plan_write_string(job->serial_group, out, 6, is_21);
		buffer_puts(out, "\n");
	}
}

static void
write_workflow(const struct plan *plan, size_t index, bool is_21, struct buffer *out)
{
	const struct plan_workflow *workflow = &plan->workflows[index];
	size_t i;

	buffer_puts(out, "  ");
	plan_write_key(workflow->name, out, false);
	buffer_puts(out, ":\n");
	if (workflow->max_auto_reruns > 0)
		buffer_printf(out, "    max_auto_reruns: %u\n", workflow->max_auto_reruns);
	buffer_puts(out, "    jobs:\n");
	for (i = 0; i < workflow->job_count; i++)
		write_entry(plan, index, i, is_21, out);
}

void
plan_process(const struct plan *plan, struct buffer *out)
{
	bool is_21 = needs_21(plan);
	size_t i;

	buffer_printf(out, "version: %s\n", is_21 ? "2.1" : "2");
	if (plan->setup)
		buffer_puts(out, "setup: true\n");
	write_jobs(plan, is_21, out);
	buffer_puts(out, "workflows:\n");
	if (!is_21)
		buffer_puts(out, "  version: 2\n");
	for (i = 0; i < plan->workflow_count; i++)
		write_workflow(plan, i, is_21, out);
	if (is_21 && plan->workflow_count == 0)
		out->len -= strlen("\n"), buffer_puts(out, " {}\n");
}
