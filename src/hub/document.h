/*
 * document.h - the task document an agent gets with a lease.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_DOCUMENT_H
#define HUB_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

struct hub_key;
struct json;
struct task;

/* Of a leased task: the job's document, what the lease adds, its grant. The caller frees it. */
struct json *task_document(struct task *task, const struct hub_key *key);

/* Is that variable one of the job's own environment, which stands above all that a lease adds. */
bool task_sets_variable(struct task *task, const char *name);

/* The names of its job's contexts, an array; NULL: none. Borrowed. */
const struct json *task_contexts(struct task *task);

/* One of its job's steps is of that kind. */
bool task_has_kind(struct task *task, const char *kind);

/* Steps of the job; 0 when it has none. */
size_t task_step_count(struct task *task);
/* Name and kind of a step, for its row; borrowed from the job. idx < task_step_count(). */
void task_step_words(struct task *task, size_t idx, const char **name, const char **kind);

#endif
