/*
 * job.h - which job a person means.
 *
 * JOB is a number, a UUID, WORKFLOW/JOB or WORKFLOW/JOB/NODE; --last-failed and
 * --attempt belong to it. The hub resolves it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_JOB_H
#define CTL_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/id.h"
#include "base/options.h"

struct api;
struct err;
struct json;

struct job_ref {
	const char *text; /* as typed */
	bool last_failed;
	uint64_t attempt; /* 0: the last */
};

/* For the options "last-failed" and "attempt". */
int
job_ref_set(struct job_ref *ref, const struct option *option, const char *value, struct err *err);

/* The operand, unless --last-failed took its place. ARGS_GO or an exit status. */
int job_ref_check(const struct command *command, struct job_ref *ref, int count, char **operands);

/* The Job (doc/api.md) it means; the caller frees. Fails: ERR_GONE when there is none, ERR_INPUT
 * when it is ambiguous. */
int job_find(struct json **out, struct api *api, const struct job_ref *ref, struct err *err);

#endif
