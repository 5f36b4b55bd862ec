/*
 * actions.h - what people ask of pipelines: begin, go on, cancel, approve.
 *
 * Everything is decided in memory when the function returns; reply after
 * model_after_commit().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_ACTIONS_H
#define HUB_ACTIONS_H

#include <stddef.h>

#include "base/id.h"

struct draft;
struct err;
struct hub;
struct job;
struct pipeline;
struct workflow;

/*
 * Make the pipeline of a draft with all its workflows, jobs and tasks, and start what can start. The draft's number and jobs'
 * numbers are the project's next ones: nothing else takes any between draft and this call (launch.h).
 */
struct pipeline *pipeline_create(struct hub *hub, const struct draft *draft);

/* Add the workflows of a draft to a setup pipeline that has not ended, and start what can start. */
void pipeline_continue(struct pipeline *pipeline, const struct draft *draft);

/* by: login of who asked. What has ended stays as it is. Fails: ERR_GONE when all of it has ended. */
int pipeline_cancel(struct pipeline *pipeline, const char *by, struct err *err);
int workflow_cancel(struct workflow *workflow, const char *by, struct err *err);
int job_cancel(struct job *job, const char *by, struct err *err);

/* Fails: ERR_INPUT when it is no approval, ERR_GONE when it does not wait (any more). */
int job_approve(struct job *job, const char *by, struct err *err);

#endif
