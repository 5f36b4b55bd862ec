/*
 * views.h - rows as people read them: the JSON shapes of doc/api.md.
 *
 * Two families: CircleCI's own (view_v2_*), with its status words, and ours. Each
 * returns a new value, the caller's. What a row lacks is null, except where
 * CircleCI leaves a member out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_VIEWS_H
#define HUB_API_VIEWS_H

#include <stddef.h>

#include "hub/rows.h"

struct json;
struct model;
struct settings;

/* --- CircleCI's ------------------------------------------------------------------------- */

const char *view_v2_workflow_status(const struct workflow_row *row);
const char *view_v2_job_status(const struct job_row *row);
const char *view_v2_task_status(const struct task_row *row);

struct json *view_v2_pipeline(const struct pipeline_row *row);
struct json *view_v2_workflow(const struct workflow_row *row);
/* One of "jobs of a workflow". */
struct json *view_v2_workflow_job(const struct job_row *row);
/* "job details" without "parallel_runs". */
struct json *view_v2_job(const struct job_row *row, const struct settings *settings,
			 struct model *model);
/* The "parallel_runs": tasks[0..count) are the job's, of all attempts; the last one is shown. */
struct json *view_v2_runs(const struct task_row *tasks, size_t count);

/* Also that of v1.1. */
struct json *view_v2_test(const struct test_row *row);

struct json *view_v2_project(const struct project_row *row);

/* CircleCI names people (and we organizations) by UUID: ours follows from the login alone. */
void view_person_id(struct id *out, const char *login);
struct json *view_v2_person(const char *login);

/* --- ours ---------------------------------------------------------------------------------- */

/* Without "tasks". waiting: why it is not running, or NULL. */
struct json *view_job(const struct job_row *row, const char *waiting);
/* Without "steps" and "history". */
struct json *view_task(const struct task_row *row);
struct json *view_step(const struct step_row *row);
struct json *view_test(const struct test_row *row);
struct json *view_test_run(const struct test_run_row *row);
struct json *view_history(const struct history_row *row);
struct json *view_agent(const struct agent_row *row, const char *resource_class);

/* put: NULL and "" are null. */
void view_put_text(struct json *object, const char *key, const char *text);
void view_put_id(struct json *object, const char *key, const struct id *id);

#endif
