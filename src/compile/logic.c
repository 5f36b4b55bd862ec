/*
 * logic.c - logic statements: and, or, not, equal, matches.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/logic.h"

#include <string.h>

#include "compile/expr.h"
#include "compile/regex.h"
#include "compile/tree.h"
#include "compile/value.h"

struct operator
{
	const char *name;
	bool (*eval)(struct compilation * c, const struct node *operand, unsigned depth, bool *out);
};

static bool eval(struct compilation *c, const struct node *statement, unsigned depth, bool *out);

static bool
expect_operands(struct compilation *c, const struct node *list, const char *name)
{
	if (!tree_expect(c, list, NODE_SEQ, comp_printf(c, "operator '%s'", name)))
		return false;
	if (list->count > 0)
		return true;
	comp_error(c, list, "E_LOGIC_EMPTY", NULL, "operator '%s' needs at least one operand",
		   name);
	return false;
}

/* Every operand is looked at, so that errors show whatever the values are. */
static bool
eval_list(struct compilation *c, const struct node *list, const char *name, bool start,
	  unsigned depth, bool *out)
{
	bool good = true, result = start;
	uint32_t i;

	if (!expect_operands(c, list, name))
		return false;
	for (i = 0; i < list->count; i++) {
		bool one = start;

		good &= eval(c, list->items[i], depth + 1, &one);
		result = start ? result && one : result || one;
	}
	*out = result;
	return good;
}

static bool
eval_and(struct compilation *c, const struct node *operand, unsigned depth, bool *out)
{
	return eval_list(c, operand, "and", true, depth, out);
}

static bool
eval_or(struct compilation *c, const struct node *operand, unsigned depth, bool *out)
{
	return eval_list(c, operand, "or", false, depth, out);
}

static bool
eval_not(struct compilation *c, const struct node *operand, unsigned depth, bool *out)
{
	bool inner;

	if (!eval(c, operand, depth + 1, &inner))
		return false;
	*out = !inner;
	return true;
}

/* An executor given by name and one given by a map with nothing but that name are equal. */
static const struct node *
plain_executor(const struct node *value)
{
	const struct node *name = value->kind == NODE_MAP ? node_get(value, "name") : NULL;

	return name != NULL && value->count == 1 ? name : value;
}

static bool
eval_equal(struct compilation *c, const struct node *operand, unsigned depth, bool *out)
{
	uint32_t i;

	(void)depth;
	if (!expect_operands(c, operand, "equal"))
		return false;
	*out = true;
	for (i = 0; i < operand->count; i++) {
		if (operand->items[i]->flags & TREE_BAD)
			return false;
		*out &= value_equal(plain_executor(operand->items[0]),
				    plain_executor(operand->items[i]));
	}
	comp_work(c, operand->weight);
	return true;
}

static bool
eval_matches(struct compilation *c, const struct node *operand, unsigned depth, bool *out)
{
	static const char *const keys[] = {"pattern", "value", NULL};
	const struct node *pattern, *value;
	struct spot spot = {NULL, NULL};
	const char *regex, *text;

	(void)depth;
	if (!tree_expect(c, operand, NODE_MAP, "operator 'matches'"))
		return false;
	tree_check_keys(c, operand, keys, "E_LOGIC_SHAPE", "operator 'matches'");
	pattern = tree_need(c, operand, "pattern", "operator 'matches'");
	value = tree_need(c, operand, "value", "operator 'matches'");
	regex = pattern != NULL ? tree_string(c, pattern, "key 'pattern'") : NULL;
	if (regex == NULL || value == NULL || value->flags & TREE_BAD)
		return false;
	text = value_text(c, value);
	if (text == NULL)
		return tree_expect(c, value, NODE_STRING, "key 'value'");
	spot.node = pattern;
	return regex_match(c, &spot, regex, strlen(regex), text, out);
}

static const struct operator operators[] = {{"and", eval_and},
					    {"or", eval_or},
					    {"not", eval_not},
					    {"equal", eval_equal},
					    {"matches", eval_matches}};

static bool
eval_map(struct compilation *c, const struct node *map, unsigned depth, bool *out)
{
	struct suggestion suggestion;
	const struct node *key;
	size_t i;

	if (map->count != 1) {
		comp_error(c, map, map->count == 0 ? "E_LOGIC_EMPTY" : "E_LOGIC_SHAPE",
			   "combine statements with 'and' or 'or'",
			   "a logic statement has exactly one operator, this one has %u",
			   map->count);
		return false;
	}
	key = map->pairs[0].key;
	comp_suggest_init(c, &suggestion, key->text);
	for (i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		if (strcmp(operators[i].name, key->text) == 0)
			return operators[i].eval(c, map->pairs[0].value, depth, out);
		comp_suggest(&suggestion, operators[i].name);
	}
	comp_error(c, key, "E_LOGIC_SHAPE",
		   strcmp(key->text, "condition") == 0
			   ? "write the statement itself: 'condition' belongs to steps"
			   : comp_suggest_hint(c, &suggestion),
		   "'%s' is no operator: and, or, not, equal and matches are", key->text);
	return false;
}

static bool
eval(struct compilation *c, const struct node *statement, unsigned depth, bool *out)
{
	comp_work(c, 1);
	if (statement->flags & TREE_BAD)
		return false;
	if (depth > LOGIC_DEPTH_MAX) {
		comp_error(c, statement, "E_LIMIT", NULL, "logic is nested deeper than %d levels",
			   LOGIC_DEPTH_MAX);
		return false;
	}
	if (statement->kind == NODE_MAP)
		return eval_map(c, statement, depth, out);
	if (statement->kind == NODE_SEQ &&
	    statement->home == NULL) { /* a steps parameter is a value */
		comp_error(c, statement, "E_LOGIC_SHAPE", "write 'and: [...]' or 'or: [...]'",
			   "a list is no logic statement");
		return false;
	}
	*out = value_is_truthy(statement);
	return true;
}

static bool
looks_like_expression(const char *text)
{
	return strstr(text, " == ") != NULL || strstr(text, " != ") != NULL ||
	       strstr(text, " matches ") != NULL || strstr(text, " starts-with ") != NULL ||
	       strncmp(text, "pipeline.", 9) == 0 || strncmp(text, "not ", 4) == 0;
}

bool
logic_eval(struct compilation *c, const struct node *statement, const struct scope *expressions,
	   bool *out)
{
	bool is_bare =
		statement->kind == NODE_STRING && !(statement->flags & (TREE_FROM_TAG | TREE_BAD));
	struct expr expr = {.spot = {statement, NULL}, .scope = expressions};
	const struct node *value;

	if (is_bare && expressions != NULL) {
		expr.text = statement->text;
		expr.len = strlen(statement->text);
		value = expr_eval(c, &expr);
		*out = value_is_truthy(value);
		return !(value->flags & TREE_BAD);
	}
	if (is_bare && looks_like_expression(statement->text))
		comp_error(c, statement, "W_CONDITION", "put it between '<<' and '>>'",
			   "this condition is a text, which is always true");
	return eval(c, statement, 0, out);
}
