/*
 * states.h - the lives of tasks, jobs, workflows and pipelines: one row a state.
 *
 * The *_enter() functions are the only ones that assign a state. Each checks the
 * transition against its table, moves queues and counters, touches the row (which
 * stores it and tells watchers), logs, and lets what hangs on it go on: the end of a
 * task may end its job, start others, and end workflow and pipeline.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_STATES_H
#define HUB_STATES_H

#include "hub/model.h"

/*
 * To HUB_LEASED by lease_take() alone. outcome and reason count for HUB_ENDED; a reason for HUB_QUEUED says why it
 * came back ("" the first time).
 */
void task_enter(struct task *task, enum hub_state to, enum outcome outcome, const char *reason);

void job_enter(struct job *job, enum job_state to, enum outcome outcome, const char *reason);

/* What can run begins: a person is asked, tasks are made, or it has ended at once. */
void job_begin(struct job *job);

/* An ended workflow, and with it its pipeline, goes on: some of its jobs are about to run again. */
void workflow_begin_again(struct workflow *workflow);

/* Start what can start, skip what cannot, and find out where workflow and pipeline stand. */
void workflow_advance(struct workflow *workflow);

void pipeline_advance(struct pipeline *pipeline);

/* An ended task: its output is complete (or will not come): have it gathered. */
void task_close_output(struct task *task);
/* The same, if what the hub has is all that was printed. */
void task_check_output(struct task *task);

/* It has ended and no more of its output will come. */
bool task_output_is_complete(const struct task *task);

/* Work out job->waiting for the queue of a class, after agents or queue changed. */
void class_check_waiting(struct resource_class *class);

/* At the start: put a loaded task where its state says. */
void task_place(struct task *task);

#endif
