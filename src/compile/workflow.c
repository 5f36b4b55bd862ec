/*
 * workflow.c - "workflows": which are selected, and what becomes of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/workflow.h"

#include <stdlib.h>
#include <string.h>

#include "compile/cycle.h"
#include "compile/entry.h"
#include "compile/group.h"
#include "compile/logic.h"
#include "compile/names.h"
#include "compile/naming.h"
#include "compile/requires.h"
#include "compile/schedule.h"
#include "compile/select.h"
#include "compile/substitute.h"
#include "compile/tree.h"

enum { WORKFLOW_RERUNS_MAX = 5, CONTEXTS_MAX = 100 };

/* A selected workflow on its way. */
struct selected {
	const struct node *key;
	const struct node *body; /* NULL: the implicit one, which runs "build" */
	const char *name;
	unsigned max_auto_reruns;
	struct invocations invocations;
};

struct reading {
	struct compilation *c;
	const struct node *root;
	struct plan *plan;
	struct entries entries;
	struct selected *selected;
	size_t count;
};

/* ---- one workflow's keys ---- */

static void
check_keys(struct compilation *c, const struct node *body, const char *what)
{
	static const char *const keys[] = {"jobs", "when", "unless", "triggers", "max_auto_reruns",
					   NULL};
	static const char *const of_21[] = {"when", "unless", "max_auto_reruns", NULL};

	tree_check_keys(c, body, keys, "E_WF_KEY", what);
	tree_need_21(c, body, of_21);
	if (node_get(body, "when") != NULL && node_get(body, "unless") != NULL)
		comp_error(c, node_get_pair(body, "unless")->key, "E_WF_SHAPE",
			   "combine them with 'and' and 'not'", "%s has both 'when' and 'unless'",
			   what);
}

static bool
is_triggered(struct reading *reading, const struct node *body, const char *name)
{
	const struct pair *triggers = node_get_pair(body, "triggers");
	struct compilation *c = reading->c;
	const char *schedule = c->input->schedule;

	if (triggers == NULL)
		return schedule == NULL;
	if (reading->plan->setup)
		comp_error(c, triggers->key, "E_SETUP_TRIGGERS", NULL,
			   "a setup config cannot have scheduled workflows");
	schedules_read(c, triggers->value, name, reading->plan);
	(void)feature_need(c, triggers->key, FEATURE_SCHEDULES, "'triggers'");
	return schedule != NULL && strcmp(schedule, name) == 0;
}

static bool
is_wanted(struct reading *reading, const struct node *body)
{
	const struct pair *when = node_get_pair(body, "when");
	const struct pair *unless = node_get_pair(body, "unless");
	const struct pair *pair = when != NULL ? when : unless;
	struct scope scope = space_scope(reading->entries.home->space, NULL);
	bool is_true;

	if (pair == NULL || !reading->c->is_21)
		return true;
	if (!logic_eval(reading->c, substitute(reading->c, &scope, pair->value), &scope, &is_true))
		return false;
	return is_true == (when != NULL);
}

static unsigned
read_reruns(struct compilation *c, const struct node *body)
{
	const struct pair *reruns = node_get_pair(body, "max_auto_reruns");

	if (reruns == NULL)
		return 0;
	if (reruns->value->kind != NODE_INT || reruns->value->integer < 1 ||
	    reruns->value->integer > WORKFLOW_RERUNS_MAX) {
		comp_error(c, reruns->value, "E_RERUN_RANGE", NULL,
			   "max_auto_reruns must be an integer from 1 to %d", WORKFLOW_RERUNS_MAX);
		return 0;
	}
	(void)feature_need(c, reruns->key, FEATURE_WORKFLOW_RERUNS, "'max_auto_reruns'");
	return (unsigned)reruns->value->integer;
}

/* ---- selecting ---- */

static void
check_unselected(struct reading *reading, const struct node *jobs)
{
	uint32_t i;

	for (i = 0; jobs->kind == NODE_SEQ && i < jobs->count; i++)
		entry_check(reading->c, &reading->entries, jobs->items[i]);
}

static void
leave_idle(struct reading *reading, const char *workflow, enum plan_idle_cause cause)
{
	struct plan *plan = reading->plan;

	plan->idle = comp_grow(reading->c, plan->idle, plan->idle_count, sizeof(*plan->idle));
	plan->idle[plan->idle_count++] = (struct plan_idle){workflow, cause};
}

static void
select_one(struct reading *reading, const struct pair *pair)
{
	struct compilation *c = reading->c;
	const char *what = comp_printf(c, "workflow '%s'", pair->key->text);
	const struct node *body = pair->value, *jobs;
	struct selected *selected;
	bool is_started, is_selected;

	if (!tree_expect(c, body, NODE_MAP, what))
		return;
	check_keys(c, body, what);
	jobs = tree_need(c, body, "jobs", what);
	if (jobs == NULL || !tree_expect(c, jobs, NODE_SEQ, comp_printf(c, "%s, key 'jobs'", what)))
		return;
	if (jobs->count == 0)
		comp_error(c, jobs, "E_SHAPE", NULL, "%s has no jobs", what);
	is_started = is_triggered(reading, body, pair->key->text);
	is_selected = is_wanted(reading, body) && is_started;
	if (!is_selected) {
		leave_idle(reading, pair->key->text,
			   is_started ? PLAN_IDLE_CONDITION : PLAN_IDLE_SCHEDULE);
		check_unselected(reading, jobs);
		return;
	}
	selected = &reading->selected[reading->count++];
	selected->key = pair->key;
	selected->body = body;
	selected->name = pair->key->text;
	selected->max_auto_reruns = read_reruns(c, body);
}

static void
check_version(struct compilation *c, const struct node *section)
{
	const struct pair *version = node_get_pair(section, "version");

	if (version == NULL && !c->is_21)
		comp_error(c, section, "E_WF_VERSION", "add 'version: 2' below 'workflows:'",
			   "workflows: required key [version] not found");
	else if (version != NULL && c->is_21)
		comp_error(c, version->key, "W_WF_VERSION", "remove it",
			   "'version' of workflows is deprecated");
	else if (version != NULL && strcmp(version->value->text, "2") != 0 &&
		 strcmp(version->value->text, "2.0") != 0)
		comp_error(c, version->value, "E_WF_VERSION", "write 'version: 2'",
			   "the version of workflows must be 2");
}

static void
select_all(struct reading *reading, const struct node *section)
{
	struct compilation *c = reading->c;
	struct link link;
	uint32_t i;

	if (section->kind != NODE_MAP) {
		comp_error(c, section, "E_WF_SHAPE", "write 'NAME:' with 'jobs:' below it",
			   "workflows: expected type: mapping, found: %s",
			   node_kind_name(section->kind));
		return;
	}
	check_version(c, section);
	reading->selected = COMP_NEW_ARRAY(c, struct selected, section->count);
	for (i = 0; i < section->count; i++) {
		const struct pair *pair = &section->pairs[i];

		if (strcmp(pair->key->text, "version") == 0)
			continue;
		if (!name_is_line(pair->key->text))
			comp_error(c, pair->key, "E_NAME", "one line of 1 to 300 bytes",
				   "'%s' cannot be the name of a workflow", pair->key->text);
		comp_enter(c, &link, "workflow", pair->key->text);
		select_one(reading, pair);
		comp_exit(c);
	}
}

/* Without "workflows", a job called build runs by itself. */
static void
select_implicit(struct reading *reading)
{
	struct compilation *c = reading->c;
	const struct node *jobs = node_get(reading->root, "jobs");
	const struct pair *build = node_get_pair(jobs, "build");

	if (build == NULL) {
		if (jobs != NULL && jobs->kind != NODE_MAP)
			return; /* which was said */
		comp_error(c, jobs != NULL ? jobs : reading->root, "E_NO_BUILD_JOB",
			   "add 'workflows:', or call the job 'build'",
			   "cannot find a job named `build` to run in the `jobs:` section");
		return;
	}
	if (c->input->schedule != NULL)
		return;
	reading->selected = COMP_NEW(c, struct selected);
	reading->count = 1;
	reading->selected->key = build->key;
	reading->selected->name = "workflow";
}

/* ---- expanding ---- */

static void
expand(struct reading *reading, struct selected *selected)
{
	struct compilation *c = reading->c;
	const struct node *jobs = node_get(selected->body, "jobs");
	struct link link;
	uint32_t i;

	comp_enter(c, &link, "workflow", selected->name);
	reading->entries.list = &selected->invocations;
	if (selected->body == NULL)
		entry_read(c, &reading->entries, selected->key);
	for (i = 0; jobs != NULL && i < jobs->count; i++)
		entry_read(c, &reading->entries, jobs->items[i]);
	requires_resolve(c, &selected->invocations);
	group_tie(c, &selected->invocations);
	cycles_tell(c, &selected->invocations);
	comp_exit(c);
}

static void
check_contexts(struct reading *reading)
{
	struct compilation *c = reading->c;
	const char **names = NULL;
	size_t count = 0, i, j, k, n;

	for (i = 0; i < reading->count; i++) {
		for (j = 0; j < reading->selected[i].invocations.count; j++) {
			const struct invocation *one = reading->selected[i].invocations.items[j];
			const struct plan_strings *contexts = &one->job->contexts;

			for (k = 0; k < contexts->count; k++) {
				for (n = 0; n < count && strcmp(names[n], contexts->items[k]); n++)
					;
				comp_work(c, 1 + n);
				if (n < count)
					continue;
				if (count == CONTEXTS_MAX)
					comp_limit(c, one->at,
						   "the config uses more than %d contexts",
						   CONTEXTS_MAX);
				names = comp_grow(c, names, count, sizeof(*names));
				names[count++] = contexts->items[k];
			}
		}
	}
}

/* ---- into the plan ---- */

/* What the jobs need that this runner has not; of those that are to run. */
static void
tell_refusals(struct compilation *c, const struct invocations *list,
	      const struct plan_workflow *workflow)
{
	bool *wanted = COMP_NEW_ARRAY(c, bool, workflow->job_count + 1);
	bool *held = COMP_NEW_ARRAY(c, bool, workflow->job_count + 1);
	struct selection selection = {0};
	size_t i, at = 0;
	struct link link;

	if (c->input->policy.selection != NULL)
		selection = *c->input->policy.selection;
	selection.held = NULL;
	(void)select_mark(workflow, &selection, wanted, held);
	for (i = 0; i < list->count; i++) {
		if (list->items[i]->is_pruned || !wanted[at++])
			continue;
		comp_enter(c, &link, "job", list->items[i]->name);
		job_tell_refusals(c, &list->items[i]->build);
		comp_exit(c);
	}
}

static void
emit(struct reading *reading, struct selected *selected)
{
	struct compilation *c = reading->c;
	struct invocations *list = &selected->invocations;
	uint32_t *new_index = COMP_NEW_ARRAY(c, uint32_t, list->count);
	struct plan_workflow *workflow = &reading->plan->workflows[reading->plan->workflow_count];
	size_t i, j;
	struct link link;

	comp_enter(c, &link, "workflow", selected->name);
	workflow->jobs = COMP_NEW_ARRAY(c, struct plan_job, list->count);
	for (i = 0; i < list->count; i++) {
		if (list->items[i]->is_pruned)
			continue;
		new_index[i] = (uint32_t)workflow->job_count;
		workflow->jobs[workflow->job_count++] = *list->items[i]->job;
	}
	for (i = 0; i < workflow->job_count; i++)
		for (j = 0; j < workflow->jobs[i].require_count; j++)
	workflow->jobs[i].requires[j].job = new_index[workflow->jobs[i].requires[j].job];
	workflow->name = selected->name;
	workflow->max_auto_reruns = selected->max_auto_reruns;
	workflow->place = comp_plan_place(c, selected->key);
	tell_refusals(c, list, workflow);
	if (workflow->job_count > 0) {
		reading->plan->workflow_count++;
	} else {
		leave_idle(reading, selected->name, PLAN_IDLE_FILTERS);
		memset(workflow, 0, sizeof(*workflow));
	}
	comp_exit(c);
}

static void
settle_names(struct reading *reading)
{
	struct invocations **lists;
	size_t i;

	lists = COMP_NEW_ARRAY(reading->c, struct invocations *, reading->count);
	for (i = 0; i < reading->count; i++)
		lists[i] = &reading->selected[i].invocations;
	names_settle(reading->c, lists, reading->count);
}

static void
check_setup(struct reading *reading)
{
	const struct pair *setup = node_get_pair(reading->root, "setup");

	if (!reading->plan->setup || reading->count == 1)
		return;
	comp_error(reading->c, setup->key, "E_SETUP_WORKFLOWS",
		   reading->count == 0 ? "branch, tag and pipeline parameters decide its 'when'"
				       : "choose one with 'when', or remove the others",
		   "a setup config must run exactly one workflow, this one runs %zu",
		   reading->count);
}

void
workflows_read(struct compilation *c, const struct space *space, const struct node *root,
	       struct plan *plan)
{
	const struct home home = {space, NULL};
	struct home *kept = COMP_NEW(c, struct home);
	struct reading reading = {.c = c, .root = root, .plan = plan};
	const struct node *section = node_get(root, "workflows");
	size_t i;

	*kept = home;
	reading.entries.home = kept;
	reading.entries.groups =
		group_declare(c, node_get(root, "job-groups"), node_get(root, "jobs"));
	if (section != NULL)
		select_all(&reading, section);
	else
		select_implicit(&reading);
	check_setup(&reading);
	for (i = 0; i < reading.count; i++)
		expand(&reading, &reading.selected[i]);
	check_contexts(&reading);
	settle_names(&reading);
	plan->workflows = COMP_NEW_ARRAY(c, struct plan_workflow, reading.count);
	for (i = 0; i < reading.count; i++) {
		requires_prune(c, &reading.selected[i].invocations);
		emit(&reading, &reading.selected[i]);
	}
}
