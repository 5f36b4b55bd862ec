/*
 * job_task.h - which task of a job a person means, where one is needed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_JOB_TASK_H
#define CTL_JOB_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "ctl/job.h"

struct task_choice {
	bool has_node;
	uint64_t node;
};

/* For an option "node". Fails: ERR_INPUT. */
int task_choice_set(struct task_choice *choice, const char *value, struct err *err);

/*
 * The id of the one task that is meant, and its job's name. Of several that of the node, else the
 * only one that has not ended. Fails: as job_find(); ERR_GONE when there is none; ERR_INPUT when
 * there are several.
 */
int job_task_find(char task[ID_TEXT_BYTES], char *job, size_t job_size, struct api *api,
		  const struct job_ref *ref, const struct task_choice *choice, struct err *err);

#endif
