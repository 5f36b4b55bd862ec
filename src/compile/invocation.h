/*
 * invocation.h - a job as one workflow runs it: an entry of its "jobs", one combination
 * of a matrix, a member of a job group.
 *
 * Invocations are kept in source order; requirements are indices into that list.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_INVOCATION_H
#define COMPILE_INVOCATION_H

#include <stdbool.h>
#include <stddef.h>

#include "compile/job.h"

enum { INVOCATIONS_MAX = 1000 };

struct invocation {
	const struct node *at; /* its name where the entry is written */
	const char *job_name;  /* the key under "jobs" that it calls */
	const char *name;      /* effective; unique once names_settle() has run */
	const char *lookup;    /* what "requires" calls it; NULL: nothing can require it */
	const char *alias;     /* of its matrix: requires all of them; NULL: no matrix */
	size_t entry;	       /* number of the entry: combinations of a matrix share it */
	size_t domain;	       /* 0: the workflow; otherwise a job group, requires stay inside */
	const struct invocation *group_end; /* the end of a job group: its start; else NULL */
	const struct node *requires;	    /* filled in, or NULL */
	bool is_pruned;			    /* its filters, or all it requires, say no */
	struct plan_job *job;
	struct job_build build;
};

/* An entry that came to nothing, which was told: what it would have been called is known to
 * requires. */
struct lost_entry {
	const char *job_name;
	const char *name;  /* as written, tags and all; NULL: none */
	const char *alias; /* of its matrix; NULL: none */
	bool has_matrix;
};

struct invocations {
	struct invocation **items;
	size_t count;
	struct lost_entry *lost;
	size_t lost_count;
	size_t entries; /* entries read so far */
	size_t domains; /* job groups opened so far */
};

struct invocation *
invocation_new(struct compilation *c, struct invocations *list, const struct node *at);

/* Let job depend on another, by their places in the list. A second time, statuses intersect. */
void invocation_require(struct compilation *c, struct invocation *invocation, size_t other,
			unsigned statuses, const struct node *at);
/* The same of one that it is known not to depend on yet. */
void invocation_require_new(struct compilation *c, struct invocation *invocation, size_t other,
			    unsigned statuses);

#endif
