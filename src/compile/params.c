/*
 * params.c - typed parameters: declaring them, and binding a call's arguments.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/params.h"

#include <string.h>

#include "base/assert.h"
#include "compile/executor.h"
#include "compile/names.h"
#include "compile/space.h"
#include "compile/substitute.h"
#include "compile/tree.h"
#include "compile/value.h"

static const struct {
	const char *name;
	unsigned owners;
} types[PARAM_TYPE_COUNT] = {
	[PARAM_STRING] = {"string",
			  PARAM_OF_JOB | PARAM_OF_COMMAND | PARAM_OF_EXECUTOR | PARAM_OF_PIPELINE},
	[PARAM_BOOLEAN] = {"boolean",
			   PARAM_OF_JOB | PARAM_OF_COMMAND | PARAM_OF_EXECUTOR | PARAM_OF_PIPELINE},
	[PARAM_INTEGER] = {"integer",
			   PARAM_OF_JOB | PARAM_OF_COMMAND | PARAM_OF_EXECUTOR | PARAM_OF_PIPELINE},
	[PARAM_ENUM] = {"enum",
			PARAM_OF_JOB | PARAM_OF_COMMAND | PARAM_OF_EXECUTOR | PARAM_OF_PIPELINE},
	[PARAM_EXECUTOR] = {"executor", PARAM_OF_JOB | PARAM_OF_COMMAND},
	[PARAM_STEPS] = {"steps", PARAM_OF_JOB | PARAM_OF_COMMAND},
	[PARAM_ENV_VAR_NAME] = {"env_var_name",
				PARAM_OF_JOB | PARAM_OF_COMMAND | PARAM_OF_EXECUTOR},
};

enum { FEW_PARAMETERS = 64 }; /* more of them take longer to look up and to sort */

/* An entry in a workflow uses these itself. */
static const char *const reserved_in_jobs[] = {"name",		"requires",   "context",
					       "type",		"filters",    "matrix",
					       "pre-steps",	"post-steps", "serial-group",
					       "override-with", NULL};

const char *
param_type_name(enum param_type type)
{
	return types[type].name;
}

/* ---- types ---- */

static bool
is_member(struct compilation *c, const struct node *members, const struct node *value)
{
	uint32_t i;
	bool is = false;

	for (i = 0; members != NULL && i < members->count && !is; i++) {
		const struct node *member = members->items[i];

		is = value_equal(member, value) ||
		     (member->kind != NODE_STRING && member->kind < NODE_SEQ &&
		      value->kind < NODE_SEQ && strcmp(member->text, value->text) == 0);
	}
	comp_work(c, i);
	return is;
}

static bool
is_executor(const struct node *value)
{
	const struct node *name = value->kind == NODE_MAP ? node_get(value, "name") : value;

	return name != NULL && name->kind == NODE_STRING;
}

static bool
fits(struct compilation *c, const struct parameter *parameter, const struct node *value)
{
	switch (parameter->type) {
	case PARAM_STRING:
		return value->kind == NODE_STRING;
	case PARAM_BOOLEAN:
		return value->kind == NODE_BOOL;
	case PARAM_INTEGER:
		return value->kind == NODE_INT;
	case PARAM_ENUM:
		return is_member(c, parameter->members, value);
	case PARAM_EXECUTOR:
		return is_executor(value);
	case PARAM_STEPS:
		return value->kind == NODE_SEQ;
	case PARAM_ENV_VAR_NAME:
		return value->kind == NODE_STRING && name_is_variable(value->text);
	case PARAM_TYPE_COUNT:
		break;
	}
	UNREACHABLE();
}

static const char *
fit_hint(struct compilation *c, const struct parameter *parameter, const struct node *value)
{
	struct draft draft = {0};
	uint32_t i;

	if (value->kind == NODE_NULL)
		return "null is not the default: leave the argument out to get that";
	if (parameter->type == PARAM_STRING && value->kind < NODE_STRING)
		return value->flags & TREE_FROM_TAG
			       ? "a tag alone keeps its type, in quotes too: declare that type"
			       : "quote it";
	if ((parameter->type == PARAM_BOOLEAN || parameter->type == PARAM_INTEGER) &&
	    value->kind == NODE_STRING && yaml_is_ambiguous(value->text))
		return "write it without quotes";
	if (parameter->type == PARAM_STEPS)
		return "write a list of steps, also for a single one";
	if (parameter->type == PARAM_ENV_VAR_NAME)
		return "letters, digits and '_', not beginning with a digit";
	if (parameter->type != PARAM_ENUM)
		return NULL;
	draft_add(c, &draft, "one of: ", 8);
	for (i = 0; i < parameter->members->count && i < 20; i++) {
		const struct node *member = parameter->members->items[i];
		const char *text = member->kind < NODE_SEQ ? member->text : "";

		draft_add(c, &draft, ", ", i == 0 ? 0 : 2);
		draft_add(c, &draft, text, strlen(text));
	}
	return draft_text(&draft);
}

static const char *
shown(const struct node *value)
{
	return value->kind < NODE_SEQ ? value->text : value->kind == NODE_SEQ ? "[...]" : "{...}";
}

bool
params_accept(struct compilation *c, const struct parameter *parameter, const struct node *value)
{
	if (value->flags & TREE_BAD)
		return false;
	if (fits(c, parameter, value))
		return true;
	comp_error(c, value, "E_TYPE", fit_hint(c, parameter, value),
		   "type error for argument %s: expected type: %s, actual value: %s (type %s)",
		   parameter->name, types[parameter->type].name, shown(value),
		   node_kind_name(value->kind));
	return false;
}

/* ---- declaring ---- */

static const char *
list_types(struct compilation *c, enum param_owner owner)
{
	struct draft list = {0};
	size_t i;

	draft_add(c, &list, "one of: ", 8);
	for (i = 0; i < PARAM_TYPE_COUNT; i++) {
		if (!(types[i].owners & owner))
			continue;
		if (list.len > 8)
			draft_add(c, &list, ", ", 2);
		draft_add(c, &list, types[i].name, strlen(types[i].name));
	}
	return draft_text(&list);
}

static bool
declare_type(struct compilation *c, const struct node *body, const char *what,
	     enum param_owner owner, struct parameter *parameter)
{
	const struct node *type = tree_need(c, body, "type", what);
	const char *name = type != NULL ? tree_string(c, type, what) : NULL;
	struct suggestion suggestion;
	int i;

	if (name == NULL)
		return false;
	comp_suggest_init(c, &suggestion, name);
	for (i = 0; i < PARAM_TYPE_COUNT; i++) {
		if (!(types[i].owners & owner))
			continue;
		comp_suggest(&suggestion, types[i].name);
		if (strcmp(types[i].name, name) == 0) {
			parameter->type = (enum param_type)i;
			return true;
		}
	}
	comp_error(c, type, "E_PARAM_TYPE",
		   suggestion.best != NULL || owner == PARAM_OF_PIPELINE
			   ? comp_suggest_hint(c, &suggestion)
			   : list_types(c, owner),
		   "%s cannot have type '%s'%s", what, name,
		   owner == PARAM_OF_PIPELINE
			   ? ": a pipeline parameter is a string, boolean, integer or enum"
			   : "");
	return false;
}

static bool
declare_members(struct compilation *c, const struct node *body, const char *what,
		struct parameter *parameter)
{
	const struct node *members = node_get(body, "enum");

	if (parameter->type != PARAM_ENUM)
		return true;
	if (members == NULL)
		return tree_need(c, body, "enum", what) != NULL;
	if (!tree_expect(c, members, NODE_SEQ, what))
		return false;
	if (members->count == 0) {
		comp_error(c, members, "E_SHAPE", NULL, "%s: an enum needs at least one member",
			   what);
		return false;
	}
	parameter->members = members;
	return true;
}

static bool
declare_default(struct compilation *c, const struct node *body, const char *what,
		enum param_owner owner, struct parameter *parameter)
{
	const struct scope scope = {.sees_pipeline_parameters = owner != PARAM_OF_PIPELINE};
	const struct node *value = node_get(body, "default");

	if (value == NULL && owner == PARAM_OF_PIPELINE) {
		comp_error(c, parameter->at, "E_PARAM_NODEFAULT", "add 'default:'",
			   "%s needs a default", what);
		return false;
	}
	if (value == NULL)
		return true;
	value = substitute(c, &scope, value);
	if (value->flags & TREE_BAD)
		return false;
	parameter->fallback = value;
	if (fits(c, parameter, value))
		return true;
	comp_error(c, value, "E_PARAM_DEFAULT", fit_hint(c, parameter, value),
		   "parameter error: default value of parameter '%s' is '%s' (type %s): "
		   "expected type %s",
		   parameter->name, shown(value), node_kind_name(value->kind),
		   types[parameter->type].name);
	return false;
}

static bool
declare_name(struct compilation *c, const struct node *key, enum param_owner owner)
{
	if (owner == PARAM_OF_JOB && tree_is_in(reserved_in_jobs, key->text)) {
		comp_error(c, key, "E_PARAM_RESERVED", "choose another name",
			   "'%s' cannot be a job parameter: entries in workflows use that key",
			   key->text);
		return false;
	}
	if (owner == PARAM_OF_PIPELINE || name_is_element(key->text))
		return true;
	comp_error(c, key, "E_NAME", "a letter first, then letters, digits, '_' and '-'",
		   "'%s' cannot be the name of a parameter", key->text);
	return false;
}

static bool
declare_one(struct compilation *c, const struct pair *pair, enum param_owner owner,
	    struct parameter *parameter)
{
	static const char *const keys[] = {"type", "default", "description", "enum", NULL};
	const char *what = comp_printf(c, "parameter '%s'", pair->key->text);
	const struct node *body = pair->value;

	parameter->name = pair->key->text;
	parameter->at = pair->key;
	if (!declare_name(c, pair->key, owner))
		return false;
	if (body->kind == NODE_STRING && !(body->flags & TREE_BAD)) {
		comp_error(c, body, "E_SHAPE", comp_printf(c, "write {type: %.60s}", body->text),
			   "%s: expected type: mapping, found: string", what);
		return false;
	}
	if (!tree_expect(c, body, NODE_MAP, what))
		return false;
	tree_check_keys(c, body, keys, "E_PARAM_KEY", what);
	return declare_type(c, body, what, owner, parameter) &&
	       declare_members(c, body, what, parameter) &&
	       declare_default(c, body, what, owner, parameter);
}

bool
params_declare(struct compilation *c, const struct node *section, enum param_owner owner,
	       struct parameters *out)
{
	bool good = true;
	uint32_t i;

	memset(out, 0, sizeof(*out));
	if (section == NULL)
		return true;
	if (!tree_expect(c, section, NODE_MAP, "key 'parameters'"))
		return false;
	if (section->count == 0)
		comp_error(c, section, "W_PARAM_EMPTY", "remove the key",
			   "no parameter is declared");
	out->section = section;
	out->items = COMP_NEW_ARRAY(c, struct parameter, section->count);
	for (i = 0; i < section->count; i++)
		good &= declare_one(c, &section->pairs[i], owner, &out->items[out->count++]);
	return good;
}

const struct parameter *
params_find(const struct parameters *parameters, const char *name)
{
	const struct pair *pair = node_get_pair(parameters->section, name);

	return pair != NULL ? &parameters->items[pair - parameters->section->pairs] : NULL;
}

/* ---- binding ---- */

/* Steps and executor references remember where they come from, once. */
static const struct node *
at_home(struct compilation *c, const struct parameter *parameter, const struct node *value,
	const struct home *home)
{
	struct node *copy;

	if ((parameter->type != PARAM_STEPS && parameter->type != PARAM_EXECUTOR) ||
	    value->home != NULL)
		return value;
	copy = value_at(c, value, value);
	copy->home = home;
	return copy;
}

static bool
bind_value(struct compilation *c, const struct parameter *parameter, const struct node *value,
	   const struct home *home, struct bindings *out)
{
	if (!params_accept(c, parameter, value))
		return false;
	value = at_home(c, parameter, value, home);
	if (parameter->type == PARAM_EXECUTOR && !executor_exists(c, value))
		return false;
	bindings_add(c, out, parameter->name, value);
	return true;
}

static const struct node *
argument_of(const struct call *call, const char *name)
{
	const struct node *value = NULL;

	if (call->attributes == NULL || !tree_is_in(call->attributes, name))
		value = node_get(call->arguments, name);
	if (value == NULL && call->extra != NULL)
		value = bindings_get(call->extra, name, strlen(name));
	return value;
}

static bool
check_unexpected(struct compilation *c, const struct parameters *parameters,
		 const struct call *call)
{
	bool good = true;
	uint32_t i;
	size_t j;

	for (i = 0; call->arguments != NULL && i < call->arguments->count; i++) {
		const struct node *key = call->arguments->pairs[i].key;
		struct suggestion suggestion;

		if ((call->attributes != NULL && tree_is_in(call->attributes, key->text)) ||
		    params_find(parameters, key->text) != NULL)
			continue;
		comp_suggest_init(c, &suggestion, key->text);
		for (j = 0; j < parameters->count; j++)
			comp_suggest(&suggestion, parameters->items[j].name);
		for (j = 0; call->attributes != NULL && call->attributes[j] != NULL; j++)
			comp_suggest(&suggestion, call->attributes[j]);
		comp_error(c, key, "E_ARG_UNEXPECTED", comp_suggest_hint(c, &suggestion),
			   "%s: unexpected argument(s): %s", call->what, key->text);
		good = false;
	}
	return good;
}

bool
params_bind(struct compilation *c, const struct parameters *parameters, const struct call *call,
	    struct bindings *out)
{
	bool good = check_unexpected(c, parameters, call);
	struct draft missing = {0};
	const char *first = NULL;
	size_t i;

	comp_work(c, 1 + parameters->count * (parameters->count > FEW_PARAMETERS ? 20 : 4));
	for (i = 0; i < parameters->count; i++) {
		const struct parameter *parameter = &parameters->items[i];
		const struct node *value = argument_of(call, parameter->name);

		if (value != NULL) {
			good &= bind_value(c, parameter, value, call->caller, out);
		} else if (parameter->fallback != NULL) {
			good &= bind_value(c, parameter, parameter->fallback, call->declarer, out);
		} else {
			first = first != NULL ? first : parameter->name;
			draft_add(c, &missing, ", ", missing.len == 0 ? 0 : 2);
			draft_add(c, &missing, parameter->name, strlen(parameter->name));
		}
	}
	bindings_sort(out);
	if (missing.len == 0)
		return good;
	comp_error(c, call->at, "E_ARG_MISSING",
		   comp_printf(c, "write '%s: ...' below it, or give the parameter a default",
			       first),
		   "%s: missing required argument(s): %s", call->what, missing.text);
	return false;
}
