/*
 * schedule.c - "triggers": workflows that a clock starts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/schedule.h"

#include <string.h>

#include "compile/tree.h"

/* ---- cron ---- */

struct field {
	unsigned low, high;
	const char *names; /* three letters each, the first for low; NULL: numbers only */
	bool may_be_range;
};

static const struct field fields[] = {
	{0, 59, NULL, true},
	{0, 23, NULL, true},
	{1, 31, NULL, true},
	{1, 12, "janfebmaraprmayjunjulaugsepoctnovdec", true},
	{0, 7, "sunmontuewedthufrisat", false},
};

static char
lower(char ch)
{
	return ch >= 'A' && ch <= 'Z' ? (char)(ch - 'A' + 'a') : ch;
}

static bool
take_name(const struct field *field, const char **p, unsigned *out)
{
	const char *name;
	unsigned i = 0;

	for (name = field->names; name != NULL && *name != '\0'; name += 3, i++) {
		if (lower((*p)[0]) == name[0] && lower((*p)[1]) == name[1] &&
		    lower((*p)[2]) == name[2]) {
			*p += 3;
			*out = field->low + i;
			return true;
		}
	}
	return false;
}

static bool
take_value(const struct field *field, const char **p, unsigned *out)
{
	const char *start = *p;

	if (**p == '\0')
		return false;
	if (take_name(field, p, out))
		return true;
	for (*out = 0; **p >= '0' && **p <= '9' && *p - start < 2; (*p)++)
		*out = *out * 10 + (unsigned)(**p - '0');
	return *p > start && *out >= field->low && *out <= field->high;
}

/* One field from *p on, up to white space or the end. */
static bool
take_field(const struct field *field, const char **p)
{
	unsigned value, other;
	bool is_first = true;

	if (**p == '*') {
		(*p)++;
		return **p == ' ' || **p == '\0';
	}
	for (;; is_first = false, (*p)++) {
		if (!take_value(field, p, &value))
			return false;
		if (**p == '-' && is_first && field->may_be_range) {
			(*p)++;
			return take_value(field, p, &other) && other >= value &&
			       (**p == ' ' || **p == '\0');
		}
		if (**p != ',')
			return **p == ' ' || **p == '\0';
	}
}

bool
cron_is_valid(const char *cron)
{
	const char *p = cron;
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		while (*p == ' ')
			p++;
		if (!take_field(&fields[i], &p))
			return false;
	}
	while (*p == ' ')
		p++;
	return *p == '\0';
}

/* ---- triggers ---- */

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
}

static void
read_schedule(struct compilation *c, const struct node *item, const char *workflow,
	      struct plan *plan)
{
	static const char *const trigger_keys[] = {"schedule", NULL};
	static const char *const keys[] = {"cron", "filters", NULL};
	const struct node *schedule, *cron, *filters;
	struct plan_schedule *out;
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
	if (text != NULL && !cron_is_valid(text))
		comp_error(c, cron, "E_CRON",
			   "five fields: minute hour day month weekday; lists and ranges, but no "
			   "steps ('*/5') and no ranges of weekdays ('1-5')",
			   "'%s' is no schedule", text);
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
