/*
 * schedule.c - "triggers": workflows that a clock starts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/schedule.h"

#include <string.h>

#include "compile/cron.h"
#include "compile/regex.h"
#include "compile/tree.h"

static bool
matches_any(struct compilation *c, const struct node *at, const struct plan_strings *patterns,
	    const char *branch)
{
	struct spot spot = {at, NULL};
	bool matched = false, one;
	size_t i, len;

	for (i = 0; i < patterns->count; i++) {
		len = strlen(patterns->items[i]);
		one = strcmp(patterns->items[i], branch) == 0;
		if (len >= 2 && patterns->items[i][0] == '/' && patterns->items[i][len - 1] == '/')
			(void)regex_match(c, &spot, patterns->items[i] + 1, len - 2, branch, &one);
		matched |= one;
	}
	return matched;
}

/* Where nothing is built of a branch, the patterns are looked at for what is wrong with them alone.
 */
static bool
is_of_branch(struct compilation *c, const struct node *at, const struct plan_schedule *schedule)
{
	const char *branch = c->input->branch;
	bool only = matches_any(c, at, &schedule->only, branch != NULL ? branch : "");
	bool ignore = matches_any(c, at, &schedule->ignore, branch != NULL ? branch : "");

	if (branch == NULL)
		return false;
	return schedule->only.count > 0 ? only : !ignore;
}

static void
read_branches(struct compilation *c, const struct node *filters, struct plan_schedule *schedule)
{
	static const char *const keys[] = {"only", "ignore", NULL};
	static const char *const branches_key[] = {"branches", NULL};
	const struct node *branches, *only, *ignore;

	if (!tree_expect(c, filters, NODE_MAP, "key 'filters'"))
		return;
	tree_check_keys(c, filters, branches_key, "E_FILTER_KEY", "filters of a schedule");
	branches = tree_need(c, filters, "branches", "filters of a schedule");
	if (branches == NULL || !tree_expect(c, branches, NODE_MAP, "key 'branches'"))
		return;
	tree_check_keys(c, branches, keys, "E_FILTER_KEY", "key 'branches'");
	only = node_get(branches, "only");
	ignore = node_get(branches, "ignore");
	if (only == NULL && ignore == NULL)
		(void)tree_need(c, branches, "only", "branches of a schedule");
	if (only != NULL)
		(void)tree_strings(c, only, "key 'only'", &schedule->only);
	if (ignore != NULL)
		(void)tree_strings(c, ignore, "key 'ignore'", &schedule->ignore);
	schedule->is_of_branch = is_of_branch(c, branches, schedule);
}

static void
read_schedule(struct compilation *c, const struct node *item, const char *workflow,
	      struct plan *plan)
{
	static const char *const trigger_keys[] = {"schedule", NULL};
	static const char *const keys[] = {"cron", "filters", NULL};
	const struct node *schedule, *cron, *filters;
	struct plan_schedule *out;
	struct cron times;
	const char *text;

	if (!tree_expect(c, item, NODE_MAP, "a trigger"))
		return;
	tree_check_keys(c, item, trigger_keys, "E_KEY", "a trigger");
	schedule = tree_need(c, item, "schedule", "a trigger");
	if (schedule == NULL || !tree_expect(c, schedule, NODE_MAP, "key 'schedule'"))
		return;
	tree_check_keys(c, schedule, keys, "E_KEY", "key 'schedule'");
	cron = tree_need(c, schedule, "cron", "key 'schedule'");
	filters = tree_need(c, schedule, "filters", "key 'schedule'");
	text = cron != NULL ? tree_string(c, cron, "key 'cron'") : NULL;
	if (text != NULL && !cron_parse(&times, text))
		comp_error(c, cron, "E_CRON",
			   "five fields: minute hour day month weekday; lists and ranges, but no "
			   "steps ('*/5') and no ranges of weekdays ('1-5')",
			   "'%s' is no schedule", text);
	else if (text != NULL && !cron_happens(&times))
		comp_error(c, cron, "E_CRON", "none of its months has such a day",
			   "the schedule '%s' never comes", text);
	plan->schedules = comp_grow(c, plan->schedules, plan->schedule_count, sizeof(*out));
	out = &plan->schedules[plan->schedule_count++];
	memset(out, 0, sizeof(*out));
	out->workflow = workflow;
	out->cron = text;
	if (filters != NULL)
		read_branches(c, filters, out);
}

void
schedules_read(struct compilation *c, const struct node *triggers, const char *workflow,
	       struct plan *plan)
{
	uint32_t i;

	if (!tree_expect(c, triggers, NODE_SEQ, "key 'triggers'"))
		return;
	if (triggers->count == 0)
		comp_error(c, triggers, "E_SHAPE", NULL, "'triggers' is empty");
	for (i = 0; i < triggers->count; i++)
		read_schedule(c, triggers->items[i], workflow, plan);
}
