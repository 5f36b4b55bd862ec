/*
 * document.h - the task document an agent gets with a lease.
 *
 * What all leases of a job have in common, the job's document, lies in the database, and is here, parsed, only while
 * somebody runs the job or still sends its output: tens of thousands of tasks may wait. document_want() asks for it when
 * a task is leased; who waits for the lease to be stored (model_after_commit()) finds it here. Of a job that has not been stored
 * yet row.document is its text: the flush of the job hands it to the store.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_DOCUMENT_H
#define HUB_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stddef.h>

struct hub_key;
struct job;
struct json;
struct task;

/* A task of the job has been leased. */
void document_want(struct job *job);
/* A task has been given back, or is done with: drop the document unless another one needs it. */
void document_check(struct job *job);
/* The job goes. */
void document_forget(struct job *job);

/* Of a leased task whose lease is stored: the job's document, what the lease adds, its grant. The caller frees it. */
struct json *task_document(struct task *task, const struct hub_key *key);

/* Is that variable one of the job's own environment, which stands above all that a lease adds. */
bool task_sets_variable(struct task *task, const char *name);

/* How long caches that it saves are kept; 0: its job does not say, or nobody runs it. */
int64_t task_cache_keep_ms(struct task *task);

/* The names of its contexts, an array for the caller to free; NULL: none. */
struct json *job_contexts(const struct job *job);

/* One of its job's steps is of that kind. */
bool task_has_kind(struct task *task, const char *kind);

/* Steps of the job; 0 when it has none, or nobody runs it. */
size_t task_step_count(struct task *task);
/* Name and kind of a step, for its row; borrowed from the job. idx < task_step_count(). */
void task_step_words(struct task *task, size_t idx, const char **name, const char **kind);

#endif
