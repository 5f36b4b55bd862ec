/*
 * task_read.h - members of a task document, read into its arena. For task_doc.c and task_step.c.
 *
 * Each returns 0, or ERR_INPUT naming the member, or ERR_LIMIT when the document is too large.
 * "need" refuses an absent member, "take" leaves *out as it is then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_TASK_READ_H
#define TASK_TASK_READ_H

#include "task/task_doc.h"

enum { TASK_TIME_MOST_MS = INT32_MAX /* 24 days */ };

int task_too_large(struct err *err);
int task_need_text(struct task_doc *doc, const struct json *json, const char *key, const char **out,
		   struct err *err);
/* null counts as absent. */
int task_take_text(struct task_doc *doc, const struct json *json, const char *key, const char **out,
		   struct err *err);
int task_take_number(const struct json *json, const char *key, int64_t least, int64_t most,
		     uint64_t *out, struct err *err);
int task_take_bool(const struct json *json, const char *key, bool *out, struct err *err);
/* A list of 1 to most strings, NULL-terminated. */
int task_take_words(struct task_doc *doc, const struct json *json, const char *key, size_t most,
		    const char *const **out, struct err *err);
int task_take_environment(struct task_doc *doc, const struct json *json, const struct env_var **out,
			  size_t *count, struct err *err);
int task_take_key_environment(struct task_doc *doc, const struct json *json, struct err *err);

struct json *task_write_words(const char *const *words);
struct json *task_write_environment(const struct env_var *vars, size_t count);

/* Member "steps" and back (task_step.c). */
int task_read_steps(struct task_doc *doc, const struct json *json, struct err *err);
struct json *task_write_steps(const struct task_doc *doc);

#endif
