/*
 * command.c - lists of steps: commands, when/unless, splices, built-in steps.
 *
 * A command of the config's own hides a built-in step of that name, but in its own body
 * the name is the built-in.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/command.h"

#include <string.h>

#include "compile/logic.h"
#include "compile/step.h"
#include "compile/substitute.h"
#include "compile/tree.h"

/* A step as written: its name and what belongs to it. */
struct step {
	const struct node *at;	 /* the item */
	const struct node *key;	 /* its name */
	const struct node *body; /* NULL: a bare name */
};

static bool
read_shape(struct compilation *c, const struct node *item, struct step *step)
{
	step->at = item;
	step->key = item;
	step->body = NULL;
	if (item->flags & TREE_BAD)
		return false;
	if (item->kind == NODE_STRING)
		return true;
	if (item->kind == NODE_MAP && item->count == 1) {
		step->key = item->pairs[0].key;
		step->body = item->pairs[0].value;
		return true;
	}
	if (item->kind == NODE_MAP && item->count > 1)
		comp_error(c, item->pairs[1].key, "E_STEP_SHAPE",
			   comp_printf(c, "indent '%s' further, so that it belongs to '%s'",
				       item->pairs[1].key->text, item->pairs[0].key->text),
			   "a step has exactly one key, this one has %u: '%s', '%s'", item->count,
			   item->pairs[0].key->text, item->pairs[1].key->text);
	else
		comp_error(c, item, "E_STEP_SHAPE",
			   item->kind == NODE_SEQ ? "write '- steps: ...' to splice a list" : NULL,
			   "a step is a name or a mapping with one key, found: %s",
			   node_kind_name(item->kind));
	return false;
}

/* ---- when, unless, steps ---- */

static bool
is_known(struct compilation *c, const struct home *home, const char *name)
{
	static const char *const structure[] = {"when", "unless", "steps", NULL};

	return tree_is_in(structure, name) || step_is_builtin(name) ||
	       space_get(c, home->space, ELEMENT_COMMAND, name) != NULL;
}

/* The branch not taken: only its shape and its names are looked at. */
static void
check_steps(struct compilation *c, const struct node *list, const struct home *home)
{
	struct step step;
	uint32_t i;

	if (list->home != NULL)
		home = list->home;
	if (list->kind != NODE_SEQ)
		return;
	for (i = 0; i < list->count; i++) {
		if (!read_shape(c, list->items[i], &step) || is_known(c, home, step.key->text))
			continue;
		comp_error(
			c, step.key, "W_CMD_UNKNOWN", NULL,
			"cannot find a definition for command named '%s' (it is not called here)",
			step.key->text);
	}
}

/* A logic statement beside 'steps', as workflows have it. */
static bool
tell_misplaced(struct compilation *c, const struct node *body)
{
	static const char *const operators[] = {"and", "or", "not", "equal", "matches", NULL};
	uint32_t i;

	for (i = 0; i < body->count; i++)
		if (tree_is_in(operators, body->pairs[i].key->text)) {
			comp_error(c, body->pairs[i].key, "E_LOGIC_SHAPE",
				   "write 'condition:', and it indented below that",
				   "'%s' is no key of a step: it belongs into its condition",
				   body->pairs[i].key->text);
			return true;
		}
	return false;
}

static void expand_step(struct compilation *c, struct job_build *build, const struct node *item,
			const struct home *home);

/* What 'when' and 'unless' guard may be one step without its dash; no other list may. */
static void
expand_guarded(struct compilation *c, struct job_build *build, const struct node *steps,
	       const struct home *home)
{
	if (steps->flags & TREE_BAD)
		return;
	if (steps->kind == NODE_MAP || steps->kind == NODE_STRING)
		expand_step(c, build, steps, steps->home != NULL ? steps->home : home);
	else
		steps_expand(c, build, steps, home);
}

static void
expand_conditional(struct compilation *c, struct job_build *build, const struct step *step,
		   const struct home *home)
{
	static const char *const keys[] = {"condition", "steps", NULL};
	const char *what = comp_printf(c, "step '%s'", step->key->text);
	const struct node *condition, *steps, *body = step->body;
	bool is_true;

	if (body == NULL || !tree_expect(c, body, NODE_MAP, what))
		return;
	if (node_get(body, "condition") == NULL && tell_misplaced(c, body))
		return;
	tree_check_keys(c, body, keys, "E_STEP_KEY", what);
	condition = tree_need(c, body, "condition", what);
	steps = tree_need(c, body, "steps", what);
	if (condition == NULL || steps == NULL || !logic_eval(c, condition, NULL, &is_true))
		return;
	if (is_true == (strcmp(step->key->text, "when") == 0))
		expand_guarded(c, build, steps, home);
	else
		check_steps(c, steps, home);
}

/* ---- commands ---- */

static bool
is_in_chain(const struct compilation *c, const struct element *command)
{
	const struct link *link;

	for (link = c->chain; link != NULL; link = link->up)
		if (link->name == command->full_name && strcmp(link->kind, "command") == 0)
			return true;
	return false;
}

static bool
may_call(struct compilation *c, const struct job_build *build, const struct element *command,
	 const struct step *step)
{
	if (command->is_bad)
		return false;
	if (is_in_chain(c, command)) {
		comp_error(c, step->key, "E_CMD_RECURSION",
			   "remove the call; a command can be given steps by a parameter of type "
			   "steps",
			   "command '%s' calls itself", command->full_name);
		return false;
	}
	if (build->depth == JOB_STEP_DEPTH_MAX)
		comp_limit(c, step->key, "commands are nested deeper than %d levels",
			   JOB_STEP_DEPTH_MAX);
	if (step->body == NULL || step->body->kind == NODE_MAP)
		return true;
	if (step->body->kind == NODE_NULL)
		return true;
	if (!(step->body->flags & TREE_BAD))
		comp_error(c, step->body, "E_STEP_SHAPE", "write its arguments as 'name: value'",
			   "command '%s' takes a mapping of arguments, found: %s",
			   command->full_name, node_kind_name(step->body->kind));
	return false;
}

static struct home *
home_new(struct compilation *c, const struct space *space, const struct element *command)
{
	struct home *home = COMP_NEW(c, struct home);

	home->space = space;
	home->command = command;
	return home;
}

static void
expand_command(struct compilation *c, struct job_build *build, struct element *command,
	       const struct step *step, const struct home *caller)
{
	struct home *home;
	struct bindings bindings = {0};
	struct scope scope = space_scope(command->space, &bindings);
	struct call call = {.what = comp_printf(c, "command '%s'", command->full_name),
			    .at = step->key,
			    .arguments = step->body,
			    .caller = caller};
	const struct node *steps;
	struct link link;

	comp_work(c, 20);
	if (!may_call(c, build, command, step))
		return;
	if (step->body != NULL && step->body->kind == NODE_NULL)
		call.arguments = NULL;
	home = home_new(c, command->space, command);
	call.declarer = home;
	comp_enter(c, &link, "command", command->full_name);
	build->depth++;
	if (params_bind(c, &command->parameters, &call, &bindings)) {
		command->is_expanded = true;
		steps = substitute(c, &scope, node_get(command->body, "steps"));
		steps_expand(c, build, steps, home);
	}
	build->depth--;
	comp_exit(c);
}

/* The command a name calls from this home; NULL where it is a built-in step. */
static struct element *
find_command(struct compilation *c, const struct home *home, const char *name)
{
	struct element *command = space_get(c, home->space, ELEMENT_COMMAND, name);

	return command != NULL && command == home->command && step_is_builtin(name) ? NULL
										    : command;
}

static void
tell_unknown(struct compilation *c, const struct home *home, const struct step *step)
{
	const char *name = step->key->text;
	struct suggestion suggestion;

	if (!c->is_21) {
		comp_suggest_init(c, &suggestion, name);
		step_suggest(&suggestion);
		comp_error(c, step->key, "E_CMD_UNKNOWN", comp_suggest_hint(c, &suggestion),
			   "there is no step '%s'; commands need config version 2.1", name);
		return;
	}
	comp_suggest_init(c, &suggestion, name);
	step_suggest(&suggestion);
	if (suggestion.best != NULL && strchr(name, '/') == NULL)
		comp_error(c, step->key, "E_CMD_UNKNOWN", comp_suggest_hint(c, &suggestion),
			   "cannot find a definition for command named '%s'", name);
	else
		(void)space_find(c, home->space, ELEMENT_COMMAND, name, step->key);
}

static bool
needs_21(struct compilation *c, const struct step *step)
{
	if (c->is_21)
		return false;
	comp_error(c, step->key, "E_NEEDS_21", "write 'version: 2.1' at the top of the config",
		   "step '%s' needs config version 2.1", step->key->text);
	return true;
}

static void
expand_step(struct compilation *c, struct job_build *build, const struct node *item,
	    const struct home *home)
{
	struct step step;
	struct element *command;
	const char *name;

	if (!read_shape(c, item, &step))
		return;
	name = step.key->text;
	if (strcmp(name, "when") == 0 || strcmp(name, "unless") == 0) {
		if (!needs_21(c, &step))
			expand_conditional(c, build, &step, home);
		return;
	}
	if (strcmp(name, "steps") == 0 && step.body != NULL) {
		if (!needs_21(c, &step))
			steps_expand(c, build, step.body, home);
		return;
	}
	command = find_command(c, home, name);
	if (command != NULL)
		expand_command(c, build, command, &step, home);
	else if (step_is_builtin(name))
		step_add(c, build, step.key, step.body);
	else
		tell_unknown(c, home, &step);
}

void
steps_expand(struct compilation *c, struct job_build *build, const struct node *list,
	     const struct home *home)
{
	uint32_t i;

	if (list->home != NULL)
		home = list->home;
	if (list->flags & TREE_BAD)
		return;
	if (!tree_expect(c, list, NODE_SEQ, "key 'steps'"))
		return;
	for (i = 0; i < list->count; i++) {
		comp_work(c, 4);
		comp_work_tree(c, list->items[i], NULL);
		expand_step(c, build, list->items[i], home);
	}
}
