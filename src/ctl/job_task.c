/*
 * job_task.c - which task of a job a person means, where one is needed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/job_task.h"

#include <stdio.h>

#include "base/err.h"
#include "base/text.h"
#include "ctl/api.h"
#include "format/json.h"

enum { NODE_MOST = 100000 };

int
task_choice_set(struct task_choice *choice, const char *value, struct err *err)
{
	choice->has_node = true;
	if (text_parse_u64(value, NODE_MOST, &choice->node, err) < 0)
		return err_wrap(err, "option '--node'");
	return 0;
}

/* It could still be entered: it runs, or is kept. */
static bool
is_there(const struct json *task)
{
	return !text_eq(json_get_str(task, "state"), "ended") || json_get_str(task, "kept_until") != NULL;
}

/* NULL and *count: so many are meant. */
static const struct json *
choose(const struct json *tasks, const struct task_choice *choice, size_t *count)
{
	const struct json *task, *found = NULL, *there = NULL;
	size_t i, there_count = 0;

	*count = 0;
	for (i = 0; i < json_count(tasks); i++) {
		task = json_at(tasks, i);
		if (choice->has_node &&
		    json_get_int(task, "node_index", -1) != (int64_t)choice->node)
			continue;
		found = task;
		++*count;
		if (is_there(task)) {
			there = task;
			there_count++;
		}
	}
	if (*count <= 1)
		return found;
	return there_count == 1 ? there : NULL;
}

int
job_task_find(char task[ID_TEXT_BYTES], char *job, size_t job_size, struct api *api,
	      const struct job_ref *ref, const struct task_choice *choice, struct err *err)
{
	const struct json *found;
	struct json *answer = NULL;
	const char *id = NULL;
	size_t count = 0;
	int rc = job_find(&answer, api, ref, err);

	if (rc < 0) {
		json_free(answer);
		return rc;
	}
	(void)snprintf(job, job_size, "%s", json_get_str(answer, "name"));
	found = choose(json_get(answer, "tasks"), choice, &count);
	if (found != NULL)
		id = json_get_str(found, "id");
	if (count == 0) {
		rc = err_set(err, ERR_GONE, "job '%s' has no task%s", job,
			     choice->has_node ? " of that node" : " yet");
	} else if (id == NULL) {
		rc = err_set(err, ERR_INPUT, "job '%s' has %zu tasks", job, count);
		err_hint(err, "say which with --node N: 'runnerctl job show' lists them");
	} else {
		(void)snprintf(task, ID_TEXT_BYTES, "%s", id);
	}
	json_free(answer);
	return rc;
}
