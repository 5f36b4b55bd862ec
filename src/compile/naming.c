/*
 * naming.c - effective names: who keeps one, who gets a number.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/naming.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "compile/plan_text.h"
#include "compile/tree.h"

/* An invocation among those of all workflows. */
struct named {
	struct invocation *invocation;
	const char *name; /* before numbering */
	size_t workflow;
	size_t order;
};

static int
order_names(const void *left, const void *right)
{
	const struct named *a = left, *b = right;
	int by_name = strcmp(a->name, b->name);

	if (by_name != 0)
		return by_name;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* What the job does, as text: equal texts are identical jobs. */
static char *
body_text(const struct named *named)
{
	struct buffer text = BUFFER_INIT;

	plan_write_job(named->invocation->job, &text, 0, false);
	return buffer_take_text(&text);
}

static bool
are_in_different_workflows(const struct named *items, size_t n)
{
	size_t i;

	for (i = 1; i < n; i++) /* in source order, so equal ones are neighbours */
		if (items[i].workflow == items[i - 1].workflow)
			return false;
	return true;
}

static bool
are_identical(const struct named *items, size_t n)
{
	char *first = body_text(&items[0]);
	bool same = true;
	size_t i;

	for (i = 1; i < n && same; i++) {
		char *other = body_text(&items[i]);

		same = items[i].invocation->job->type == items[0].invocation->job->type &&
		       strcmp(first, other) == 0;
		free(other);
	}
	free(first);
	return same;
}

static bool
is_taken(const struct named *all, size_t count, const char *name)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(all[middle].name, name);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static void
warn_explicit(struct compilation *c, const struct named *items, size_t n)
{
	size_t i;

	for (i = 1; i < n; i++) {
		const struct invocation *one = items[i].invocation;

		if (items[i].workflow == items[i - 1].workflow &&
		    strcmp(one->job_name, items[i].name) != 0)
			comp_error(c, one->at, "W_NAME", "give each a name of its own",
				   "the name '%s' is used twice in this workflow: numbers are "
				   "added",
				   items[i].name);
	}
}

static void
number(struct compilation *c, const struct named *all, size_t count, struct named *items, size_t n)
{
	unsigned suffix = 0;
	const char *name;
	size_t i;

	warn_explicit(c, items, n);
	for (i = 0; i < n; i++) {
		do
			name = comp_printf(c, "%s-%u", items[i].name, ++suffix);
		while (is_taken(all, count, name));
		items[i].invocation->name = name;
	}
}

void
names_settle(struct compilation *c, struct invocations *const *lists, size_t n)
{
	struct named *all;
	size_t count = 0, i, j;

	for (i = 0; i < n; i++)
		count += lists[i]->count;
	all = COMP_NEW_ARRAY(c, struct named, count);
	for (i = 0, count = 0; i < n; i++)
		for (j = 0; j < lists[i]->count; j++, count++)
			all[count] = (struct named){lists[i]->items[j], lists[i]->items[j]->name, i,
						    count};
	qsort(all, count, sizeof(struct named), order_names);
	for (i = 0; i < count; i = j) {
		for (j = i + 1; j < count && strcmp(all[i].name, all[j].name) == 0; j++)
			;
		comp_work(c, (j - i) * 8);
		if (j - i > 1 &&
		    !(are_in_different_workflows(all + i, j - i) && are_identical(all + i, j - i)))
			number(c, all, count, all + i, j - i);
	}
	for (i = 0; i < n; i++)
		for (j = 0; j < lists[i]->count; j++)
			lists[i]->items[j]->job->name = lists[i]->items[j]->name;
}
