/*
 * group.h - job groups: jobs with requirements among themselves, used as one.
 *
 * A use becomes PREFIX-group-start, its members as PREFIX-member, PREFIX-group-end, and
 * with a serial group PREFIX-group-unlock. What requires the group waits for its end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_GROUP_H
#define COMPILE_GROUP_H

#include "compile/entry.h"

/* Check the "job-groups" section (NULL: none) and return it, or NULL after telling. */
const struct node *
group_declare(struct compilation *c, const struct node *section, const struct node *jobs);

/* Append the invocations of one use. */
void group_expand(struct compilation *c, struct entries *entries, const struct entry *entry,
		  const struct node *group);

/* After names are resolved: tie roots to the start, the end to the leaves. */
void group_tie(struct compilation *c, struct invocations *list);

#endif
