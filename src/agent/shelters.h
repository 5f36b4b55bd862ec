/*
 * shelters.h - the isolation that this host gives its tasks: found out at the start, given to each.
 *
 * shelters_new() tries what the settings ask for -> shelters_start() for each task -> shelters_free().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_SHELTERS_H
#define AGENT_SHELTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/shelter.h"

struct err;
struct executor;
struct executor_start;
struct isolation;
struct isolations;
struct launcher;
struct loop;
struct shelters;
struct work_dir;
struct work_dirs;

/*
 * Everything is borrowed for the life of it. launcher: gives each task a user of its own; NULL: they have ours. A HOME that cannot be laid over is logged and private.
 * Fails: ERR_HOST when this host lacks a level that is asked for by name: with what is missing.
 */
int shelters_new(struct shelters **out, struct loop *loop, const struct isolations *isolations,
		 const struct shelter_host *host, struct work_dirs *work_dirs,
		 struct launcher *launcher, struct err *err);
void shelters_free(struct shelters *shelters); /* NULL is fine */

/*
 * How the runner-init of a task of this class is started: fills start's shelter and network, and
 * prepares the work directory, which is made already. start->shelter_fd is the caller's.
 * Fails: ERR_HOST, ERR_LIMIT.
 */
int shelters_prepare(struct shelters *shelters, const char *class, const struct shelter_task *task,
		     struct executor_start *start, struct err *err);
/* Of a task that is found again: its HOME is what it was. */
void shelters_recognize(struct shelters *shelters, struct work_dir *work);
struct executor *shelters_executor(struct shelters *shelters, const char *class);

/* May tasks of this class reach the metadata address? Only those that say so. */
bool shelters_is_open(const struct shelters *shelters, const char *class);

/* May steps of this class gain no privileges, and have the filter where they are isolated? */
bool shelters_bounds_steps(const struct shelters *shelters, const char *class);
/* The filter, as filter_code() gives it. */
const uint64_t *shelters_filter(const struct shelters *shelters, uint32_t *count);

/* The level in force where a class says none: "namespace", "user" or "none". */
const char *shelters_level(const struct shelters *shelters);

#endif
