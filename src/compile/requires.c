/*
 * requires.c - who waits for whom: names to jobs, no cycles, and what filters leave.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/requires.h"

#include <stdlib.h>
#include <string.h>

#include "compile/tree.h"

/* How a name may mean an invocation, best first. */
enum meaning { BY_ALIAS, BY_NAME, BY_JOB };

struct target {
	size_t domain;
	const char *name;
	enum meaning meaning;
	size_t index; /* in the list */
};

/* All names of a workflow, sorted. */
struct targets {
	struct target *items;
	size_t count;
	const struct invocations *list;
};

static const char *const status_names[] = {"success",	   "failed",  "canceled",
					   "unauthorized", "not_run", NULL};

static int
order_targets(const void *left, const void *right)
{
	const struct target *a = left, *b = right;
	int by_name = strcmp(a->name, b->name);

	if (a->domain != b->domain)
		return a->domain < b->domain ? -1 : 1;
	if (by_name != 0)
		return by_name;
	if (a->meaning != b->meaning)
		return a->meaning < b->meaning ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static void
add_target(struct targets *targets, size_t index, const char *name, enum meaning meaning)
{
	if (name == NULL)
		return;
	targets->items[targets->count++] =
		(struct target){targets->list->items[index]->domain, name, meaning, index};
}

static struct targets
collect(struct compilation *c, const struct invocations *list)
{
	struct targets targets = {.list = list};
	size_t i;

	targets.items = COMP_NEW_ARRAY(c, struct target, list->count * 3);
	for (i = 0; i < list->count; i++) {
		const struct invocation *invocation = list->items[i];

		add_target(&targets, i, invocation->alias, BY_ALIAS);
		add_target(&targets, i, invocation->lookup, BY_NAME);
		if (invocation->lookup != NULL)
			add_target(&targets, i, invocation->job_name, BY_JOB);
	}
	qsort(targets.items, targets.count, sizeof(struct target), order_targets);
	return targets;
}

/* First of the targets with this name, whatever it means; they follow one another. */
static size_t
find(const struct targets *targets, size_t domain, const char *name)
{
	struct target wanted = {domain, name, BY_ALIAS, 0};
	size_t low = 0, high = targets->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (order_targets(&targets->items[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_match(const struct targets *targets, size_t at, size_t domain, const char *name,
	 enum meaning meaning)
{
	const struct target *target;

	if (at >= targets->count)
		return false;
	target = &targets->items[at];
	return target->domain == domain && target->meaning == meaning &&
	       strcmp(target->name, name) == 0;
}

/* ---- one name ---- */

struct search {
	struct compilation *c;
	const struct targets *targets;
	struct invocation *from;
	size_t from_index;
	const struct node *at;
	const char *name;
	unsigned statuses;
	uint32_t *seen; /* for each of the list: who required it last, from 1 */
};

static void
require_one(const struct search *search, size_t index)
{
	uint32_t from = (uint32_t)search->from_index + 1;

	if (search->seen[index] == from)
		invocation_require(search->c, search->from, index, search->statuses, search->at);
	else
		invocation_require_new(search->c, search->from, index, search->statuses);
	search->seen[index] = from;
}

/*
 * Require what the name means in this way, itself and its matrix left out; how many there were. at
 * is behind the targets of better meanings.
 */
static size_t
require_all(const struct search *search, size_t at, enum meaning meaning, bool is_counting)
{
	const struct targets *targets = search->targets;
	size_t domain = search->from->domain, i, n = 0;

	for (i = at; is_match(targets, i, domain, search->name, meaning); i++) {
		size_t index = targets->items[i].index;

		if (index == search->from_index ||
		    (meaning != BY_NAME &&
		     targets->list->items[index]->entry == search->from->entry))
			continue;
		n++;
		comp_work(search->c, 1);
		if (!is_counting)
			require_one(search, index);
	}
	return n;
}

static bool
means_itself(const struct search *search)
{
	const struct invocation *from = search->from;

	return strcmp(search->name, from->lookup != NULL ? from->lookup : "") == 0 ||
	       strcmp(search->name, from->job_name) == 0 ||
	       (from->alias != NULL && strcmp(search->name, from->alias) == 0);
}

/* An entry that was in error may be what the name means: its own error says it all. */
static bool
may_be_lost(const struct search *search)
{
	const struct invocations *list = search->targets->list;
	size_t i;

	comp_work(search->c, list->lost_count / 8);
	for (i = 0; i < list->lost_count; i++) {
		const struct lost_entry *lost = &list->lost[i];
		size_t len = strlen(lost->job_name);

		if (strcmp(search->name, lost->job_name) == 0 ||
		    (lost->alias != NULL && strcmp(search->name, lost->alias) == 0) ||
		    (lost->name != NULL &&
		     (strcmp(search->name, lost->name) == 0 || strstr(lost->name, "<<") != NULL)) ||
		    (lost->has_matrix && strncmp(search->name, lost->job_name, len) == 0 &&
		     search->name[len] == '-'))
			return true;
	}
	return false;
}

static void
tell_unknown(const struct search *search)
{
	struct compilation *c = search->c;
	struct suggestion suggestion;
	const char *hint;
	size_t i;

	if (may_be_lost(search))
		return;
	if (means_itself(search)) {
		comp_error(c, search->at, "E_CYCLE", "remove the requirement",
			   "job '%s' requires itself", search->from->name);
		return;
	}
	comp_suggest_init(c, &suggestion, search->name);
	for (i = 0; i < search->targets->count; i++)
		if (search->targets->items[i].domain == search->from->domain)
			comp_suggest(&suggestion, search->targets->items[i].name);
	hint = comp_suggest_hint(c, &suggestion);
	for (i = 0; i < search->targets->count && hint == NULL; i++)
		if (search->targets->items[i].domain != search->from->domain &&
		    strcmp(search->targets->items[i].name, search->name) == 0)
			hint = "requirements do not cross the border of a job group: require the "
			       "group";
	comp_error(c, search->at, "E_REQ_UNKNOWN", hint,
		   "%s: requires job \"%s\" but \"%s\" is not part of this workflow",
		   search->from->name, search->name, search->name);
}

/* Behind the targets of that meaning. */
static size_t
skip(const struct search *search, size_t at, enum meaning meaning)
{
	while (is_match(search->targets, at, search->from->domain, search->name, meaning))
		at++;
	return at;
}

static void
resolve_name(const struct search *search)
{
	size_t at = find(search->targets, search->from->domain, search->name), n;
	enum meaning meaning = BY_NAME;

	comp_work(search->c, 10);
	if (require_all(search, at, BY_ALIAS, false) > 0)
		return;
	at = skip(search, at, BY_ALIAS);
	n = require_all(search, at, BY_NAME, true);
	if (n == 0) {
		meaning = BY_JOB;
		at = skip(search, at, BY_NAME);
		n = require_all(search, at, BY_JOB, true);
	}
	if (n == 0)
		tell_unknown(search);
	else if (n == 1)
		(void)require_all(search, at, meaning, false);
	else
		comp_error(search->c, search->at, "E_REQ_AMBIGUOUS",
			   "give each a 'name' of its own and require that",
			   "%zu jobs of this workflow are called '%s'", n, search->name);
}

/* ---- statuses ---- */

static unsigned
status_of(struct compilation *c, const struct node *node, bool may_be_terminal)
{
	const char *text = tree_string(c, node, "a status");
	struct suggestion suggestion;
	int i;

	if (text == NULL)
		return 0;
	comp_suggest_init(c, &suggestion, text);
	for (i = 0; status_names[i] != NULL; i++) {
		if (strcmp(status_names[i], text) == 0)
			return 1u << i;
		comp_suggest(&suggestion, status_names[i]);
	}
	if (may_be_terminal && strcmp(text, "terminal") == 0)
		return PLAN_TERMINAL;
	if (strcmp(text, "terminal") == 0)
		comp_error(c, node, "E_REQ_STATUS", "write 'JOB: terminal' without a list",
			   "'terminal' stands alone, not in a list");
	else
		comp_error(c, node, "E_REQ_STATUS", comp_suggest_hint(c, &suggestion),
			   "there is no status '%s'", text);
	return 0;
}

static unsigned
statuses_of(struct compilation *c, const struct node *node)
{
	unsigned statuses = 0, one;
	uint32_t i;

	if (node->kind != NODE_SEQ)
		return status_of(c, node, true);
	if (node->count == 0)
		comp_error(c, node, "E_REQ_STATUS",
			   "success, failed, canceled, unauthorized, not_run",
			   "at least one status is needed");
	for (i = 0; i < node->count; i++) {
		one = status_of(c, node->items[i], false);
		if (one == 0)
			return 0;
		statuses |= one;
	}
	return statuses;
}

/* ---- "requires" ---- */

static void
resolve_item(struct search *search, const struct node *item)
{
	struct compilation *c = search->c;

	search->at = item;
	search->statuses = PLAN_SUCCESS;
	if (item->flags & TREE_BAD)
		return;
	if (item->kind == NODE_MAP && item->count == 1) {
		search->at = item->pairs[0].key;
		if (!c->is_21) {
			comp_error(c, search->at, "E_NEEDS_21", "write 'version: 2.1'",
				   "statuses in 'requires' need config version 2.1");
			return;
		}
		search->statuses = statuses_of(c, item->pairs[0].value);
		if (search->statuses == 0 || search->at->flags & TREE_BAD)
			return;
		if (search->statuses != PLAN_SUCCESS)
			job_need(c, &search->from->build, search->at, FEATURE_REQUIRES_STATUS,
				 "a requirement on another end than success");
	} else if (tree_scalar(c, item, "an item of 'requires'") == NULL) {
		return;
	}
	search->name = search->at->text;
	resolve_name(search);
}

static void
resolve_list(struct search *search, const struct node *list)
{
	struct compilation *c = search->c;
	uint32_t i;

	if (list->kind == NODE_STRING && !(list->flags & TREE_BAD)) {
		comp_error(c, list, "W_REQUIRES", "write it in brackets: requires: [...]",
			   "'requires' is a list");
		resolve_item(search, list);
		return;
	}
	if (list->kind == NODE_NULL || !tree_expect(c, list, NODE_SEQ, "key 'requires'"))
		return;
	for (i = 0; i < list->count; i++)
		resolve_item(search, list->items[i]);
}

void
requires_resolve(struct compilation *c, struct invocations *list)
{
	struct targets targets = collect(c, list);
	struct search search = {.c = c, .targets = &targets};
	size_t i;

	search.seen = COMP_NEW_ARRAY(c, uint32_t, list->count);
	for (i = 0; i < list->count; i++) {
		if (list->items[i]->requires == NULL)
			continue;
		search.from = list->items[i];
		search.from_index = i;
		resolve_list(&search, search.from->requires);
	}
}

/* ---- pruning ---- */

static bool
prune_once(struct compilation *c, const struct invocations *list)
{
	bool any = false;
	size_t i, j;

	for (i = 0; i < list->count; i++) {
		struct invocation *invocation = list->items[i];
		const struct plan_job *job = invocation->job;

		if (invocation->is_pruned || job->require_count == 0)
			continue;
		for (j = 0; j < job->require_count; j++)
			if (!list->items[job->requires[j].job]->is_pruned)
				break;
		comp_work(c, j / 8);
		if (j == job->require_count) {
			invocation->is_pruned = true;
			any = true;
		}
	}
	return any;
}

void
requires_prune(struct compilation *c, struct invocations *list)
{
	size_t i, j, n;

	while (prune_once(c, list))
		;
	for (i = 0; i < list->count; i++) {
		struct plan_job *job = list->items[i]->job;

		for (j = 0, n = 0; j < job->require_count; j++)
			if (!list->items[job->requires[j].job]->is_pruned)
		job->requires[n++] = job->requires[j];
		job->require_count = n;
	}
}
