/*
 * entry.h - one item of a workflow's (or a job group's) "jobs": matrix, name, arguments,
 * contexts, filters, the job itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_ENTRY_H
#define COMPILE_ENTRY_H

#include "compile/invocation.h"

/* Where entries are read for. */
struct entries {
	const struct home *home;   /* config.yml's */
	const struct node *groups; /* "job-groups", or NULL */
	struct invocations *list;
	size_t domain;	    /* of the job group being expanded; 0: none */
	const char *prefix; /* of its members' names, or NULL */
	bool is_pruned;	    /* the group's own filters say no */
};

/* An entry as written. */
struct entry {
	const struct node *at;	  /* its name */
	const char *name;	  /* the text of that */
	const struct node *attrs; /* a mapping as written, or NULL */
};

/* Shape only: a name, or a map with one key. false after telling. */
bool entry_shape(struct compilation *c, const struct node *item, struct entry *out);

/* Append the entry's invocations; what is wrong is told. */
void entry_read(struct compilation *c, struct entries *entries, const struct node *item);

/* Only that the entry names something; for workflows that are not selected. */
void entry_check(struct compilation *c, const struct entries *entries, const struct node *item);

#endif
