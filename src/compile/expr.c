/*
 * expr.c - expressions: parsed and evaluated in one descent.
 *
 * Two passes over the same text: the first looks at the syntax alone, so that a
 * here-document taken for a tag is told as such and not as an unknown variable. In the
 * second, what "and" and "or" skip is still looked up (an unknown name is an error
 * wherever it stands), but its operators are not applied.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/expr.h"

#include <string.h>

#include "compile/regex.h"
#include "compile/tree.h"
#include "compile/value.h"

enum mode { MODE_SYNTAX, MODE_SKIP, MODE_EVAL };

enum operator{ OP_NONE, OP_EQ, OP_NE, OP_GE, OP_GT, OP_LE, OP_LT, OP_STARTS, OP_MATCHES };

struct parser {
	struct compilation *c;
	const struct expr *expr;
	const char *p, *end;
	enum mode mode;
	unsigned depth;
	bool failed;
	const struct node *null; /* what a failed or skipped part gives */
};

static const struct node *parse_or(struct parser *parser);

/* What people write who know other languages. */
static const struct {
	const char *begin, *hint;
} slips[] = {
	{"&&", "write 'and'"},
	{"||", "write 'or'"},
	{"!", "write 'not'"},
	{"=~", "write 'matches /.../'"},
	{"=", "equality is written '=='"},
	{"'", "strings are written in double quotes"},
};

static const char *
hint_of_syntax(const struct parser *parser)
{
	size_t i, left = (size_t)(parser->end - parser->p);

	for (i = 0; i < sizeof(slips) / sizeof(slips[0]); i++)
		if (left >= strlen(slips[i].begin) &&
		    memcmp(parser->p, slips[i].begin, strlen(slips[i].begin)) == 0)
			return slips[i].hint;
	return parser->expr->is_tag ? "to write '<<' as text, escape it as '\\<<'"
				    : "strings are written in double quotes";
}

/* Where it goes wrong; a tag that is none of ours is wrong from its beginning. */
static struct place
place_of_syntax(const struct parser *parser)
{
	const struct expr *expr = parser->expr;

	if (expr->spot.node == NULL || (expr->is_tag && !scope_is_reference(expr->text, expr->len)))
		return place_of_spot(parser->c, &expr->spot);
	return place_within_spot(parser->c, &expr->spot, parser->p);
}

static const struct node *
fail_syntax(struct parser *parser, const char *what)
{
	const struct expr *expr = parser->expr;
	size_t left = (size_t)(parser->end - parser->p);
	const char *code = expr->is_tag ? "E_SUBST_SYNTAX" : "E_EXPR_SYNTAX";
	const char *begin = expr->is_tag ? "what stands between '<<' and '>>' is no expression"
					 : "this is no expression";

	if (!parser->failed && left > 0)
		comp_tell(parser->c, place_of_syntax(parser), code, hint_of_syntax(parser),
			  "%s: %s before '%.*s'", begin, what,
			  (int)(left > 20 ? strnlen(parser->p, 20) : left), parser->p);
	else if (!parser->failed)
		comp_tell(parser->c, place_of_syntax(parser), code, hint_of_syntax(parser),
			  "%s: %s at its end", begin, what);
	parser->failed = true;
	parser->p = parser->end;
	return parser->null;
}

static const struct node *
fail_type(struct parser *parser, const char *op, const char *wanted, const struct node *value,
	  const char *hint)
{
	if (!parser->failed)
		comp_tell(parser->c, place_of_spot(parser->c, &parser->expr->spot), "E_EXPR_TYPE",
			  hint, "'%s' needs %s, found: %s", op, wanted,
			  node_kind_name(value->kind));
	parser->failed = true;
	return parser->null;
}

/* ---- characters and words ---- */

static bool
is_space(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r';
}

static bool
is_word_char(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
	       ch == '_' || ch == '-' || ch == '.' || (ch & 0x80) != 0;
}

static void
skip_space(struct parser *parser)
{
	while (parser->p < parser->end && is_space(*parser->p))
		parser->p++;
}

static size_t
word_length(const struct parser *parser)
{
	const char *p = parser->p;

	while (p < parser->end && is_word_char(*p))
		p++;
	return (size_t)(p - parser->p);
}

static bool
take_word(struct parser *parser, const char *word)
{
	size_t len = strlen(word);

	skip_space(parser);
	if (word_length(parser) != len || memcmp(parser->p, word, len) != 0)
		return false;
	parser->p += len;
	return true;
}

static bool
take_sign(struct parser *parser, const char *sign)
{
	size_t len = strlen(sign);

	skip_space(parser);
	if ((size_t)(parser->end - parser->p) < len || memcmp(parser->p, sign, len) != 0)
		return false;
	parser->p += len;
	return true;
}

/* ---- primary ---- */

/* A value made here points at the expression. */
static struct node *
made(const struct parser *parser, struct node *value)
{
	const struct node *at = parser->expr->spot.node;

	value->source = at->source;
	value->line = at->line;
	value->column = at->column;
	return value;
}

/*
 * What stands between a delimiter and the next one, a backslash taken off before the
 * delimiter (and, in a string, before another backslash).
 */
static char *
take_delimited(struct parser *parser, char delimiter)
{
	const char *p = parser->p + 1;
	char *text = comp_alloc(parser->c, (size_t)(parser->end - p) + 1, 1), *out = text;

	for (; p < parser->end && *p != delimiter; p++) {
		if (*p == '\\' && p + 1 < parser->end) {
			p++;
			if (*p != delimiter && (delimiter == '/' || *p != '\\'))
				*out++ = '\\';
		}
		*out++ = *p;
	}
	*out = '\0';
	if (p >= parser->end)
		return NULL;
	parser->p = p + 1;
	return text;
}

static const struct node *
parse_string(struct parser *parser)
{
	const char *text = take_delimited(parser, '"');

	if (text == NULL)
		return fail_syntax(parser, "a string does not end");
	return made(parser, value_string(parser->c, NULL, text));
}

static const struct node *
parse_number(struct parser *parser, size_t len)
{
	bool octal;
	struct node *number;

	number = value_string(parser->c, NULL, comp_strndup(parser->c, parser->p, len));
	yaml_scalar_resolve(number, &octal);
	if (number->kind != NODE_INT && number->kind != NODE_FLOAT)
		return fail_syntax(parser, "expected a number");
	parser->p += len;
	return made(parser, number);
}

static const struct node *
parse_word(struct parser *parser)
{
	const char *word = parser->p;
	size_t len = word_length(parser);
	const struct node *value;

	if (len == 0)
		return fail_syntax(parser, "a value is missing");
	if ((*word >= '0' && *word <= '9') || *word == '-')
		return parse_number(parser, len);
	if (take_word(parser, "true") || take_word(parser, "false"))
		return made(parser, value_bool(parser->c, NULL, *word == 't'));
	if (take_word(parser, "and") || take_word(parser, "or") || take_word(parser, "matches") ||
	    take_word(parser, "starts-with")) {
		parser->p = word;
		return fail_syntax(parser, "a value is missing");
	}
	parser->p += len;
	if (parser->mode == MODE_SYNTAX)
		return parser->null;
	value = scope_find(parser->c, parser->expr->scope, word, len, &parser->expr->spot);
	if (value == NULL)
		parser->failed = true;
	else if (value->flags & TREE_BAD)
		parser->failed = true;
	return value != NULL ? value : parser->null;
}

static const struct node *
parse_primary(struct parser *parser)
{
	const struct node *value;

	skip_space(parser);
	if (parser->p < parser->end && *parser->p == '"')
		return parse_string(parser);
	if (!take_sign(parser, "("))
		return parse_word(parser);
	value = parse_or(parser);
	if (!take_sign(parser, ")"))
		return fail_syntax(parser, "')' is missing");
	return value;
}

static const struct node *
parse_unary(struct parser *parser, bool *was_not)
{
	const struct node *value;
	bool inner;

	*was_not = take_word(parser, "not");
	if (!*was_not)
		return parse_primary(parser);
	if (++parser->depth > EXPR_DEPTH_MAX)
		return fail_syntax(parser, "it is nested too deeply");
	value = parse_unary(parser, &inner);
	parser->depth--;
	return made(parser, value_bool(parser->c, NULL, !value_is_truthy(value)));
}

/* ---- comparison ---- */

static enum operator take_operator(struct parser *parser, const char **name)
{
	static const struct {
		const char *sign;
		enum operator op;
	} signs[] = {{"==", OP_EQ}, {"!=", OP_NE}, {">=", OP_GE},
		     {"<=", OP_LE}, {">", OP_GT},  {"<", OP_LT}};
	size_t i;

	for (i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		*name = signs[i].sign;
		if (take_sign(parser, signs[i].sign))
			return signs[i].op;
	}
	*name = "starts-with";
	if (take_word(parser, "starts-with"))
		return OP_STARTS;
	*name = "matches";
	return take_word(parser, "matches") ? OP_MATCHES : OP_NONE;
}

static bool
is_number(const struct node *value)
{
	return value->kind == NODE_INT || value->kind == NODE_FLOAT;
}

static bool
apply_order(enum operator op, const struct node *left, const struct node *right)
{
	double a = left->kind == NODE_INT ? (double)left->integer : left->real;
	double b = right->kind == NODE_INT ? (double)right->integer : right->real;

	if (left->kind == NODE_INT && right->kind == NODE_INT) { /* exact beyond 2^53 */
		a = left->integer < right->integer ? -1 : left->integer > right->integer;
		b = 0;
	}
	switch (op) {
	case OP_GE:
		return a >= b;
	case OP_GT:
		return a > b;
	case OP_LE:
		return a <= b;
	default:
		return a < b;
	}
}

/* A string operand; null counts as "". */
static const char *
string_of(const struct node *value)
{
	return value->kind == NODE_NULL ? "" : value->kind == NODE_STRING ? value->text : NULL;
}

static const struct node *
apply_text(struct parser *parser, enum operator op, const char *name, const struct node *left,
	   const struct node *right, bool left_was_not)
{
	const char *subject = string_of(left), *other = string_of(right);
	bool result;

	if (subject == NULL || other == NULL)
		return fail_type(parser, name, "strings", subject == NULL ? left : right,
				 left_was_not ? "'not' binds tighter: write not (a matches /b/)"
					      : NULL);
	if (op == OP_STARTS)
		result = strncmp(subject, other, strlen(other)) == 0;
	else if (!regex_match(parser->c, &parser->expr->spot, other, strlen(other), subject,
			      &result))
		parser->failed = true;
	return made(parser, value_bool(parser->c, NULL, result));
}

static const struct node *
apply(struct parser *parser, enum operator op, const char *name, const struct node *left,
      const struct node *right, bool left_was_not)
{
	bool result;

	if (parser->mode != MODE_EVAL || parser->failed)
		return parser->null;
	if (op == OP_STARTS || op == OP_MATCHES)
		return apply_text(parser, op, name, left, right, left_was_not);
	if (op == OP_EQ || op == OP_NE)
		result = value_equal(left, right) == (op == OP_EQ);
	else if (!is_number(left) || !is_number(right))
		return fail_type(parser, name, "numbers", is_number(left) ? right : left,
				 left_was_not ? "'not' binds tighter: write not (a > b)" : NULL);
	else
		result = apply_order(op, left, right);
	return made(parser, value_bool(parser->c, NULL, result));
}

static const struct node *
parse_cmp(struct parser *parser)
{
	const struct node *left, *right;
	const char *name;
	enum operator op;
	bool left_was_not, right_was_not;

	left = parse_unary(parser, &left_was_not);
	op = take_operator(parser, &name);
	if (op == OP_NONE)
		return left;
	skip_space(parser);
	if (op == OP_MATCHES && parser->p < parser->end && *parser->p == '/') {
		const char *pattern = take_delimited(parser, '/');

		if (pattern == NULL)
			return fail_syntax(parser, "a /regular expression/ does not end");
		right = made(parser, value_string(parser->c, NULL, pattern));
	} else {
		right = parse_unary(parser, &right_was_not);
	}
	return apply(parser, op, name, left, right, left_was_not);
}

/* ---- and, or ---- */

static const struct node *
parse_and(struct parser *parser)
{
	enum mode mode = parser->mode;
	const struct node *value = parse_cmp(parser), *right;

	while (take_word(parser, "and")) {
		bool taken = mode != MODE_EVAL || value_is_truthy(value);

		parser->mode = taken ? mode : MODE_SKIP;
		right = parse_cmp(parser);
		parser->mode = mode;
		if (taken)
			value = right;
	}
	return value;
}

static const struct node *
parse_or(struct parser *parser)
{
	enum mode mode = parser->mode;
	const struct node *value, *right;

	if (++parser->depth > EXPR_DEPTH_MAX)
		return fail_syntax(parser, "it is nested too deeply");
	value = parse_and(parser);
	while (take_word(parser, "or")) {
		bool taken = mode != MODE_EVAL || !value_is_truthy(value);

		parser->mode = taken ? mode : MODE_SKIP;
		right = parse_and(parser);
		parser->mode = mode;
		if (taken)
			value = right;
	}
	parser->depth--;
	return value;
}

static const struct node *
run(struct parser *parser, enum mode mode)
{
	const struct node *value;

	parser->p = parser->expr->text;
	parser->end = parser->p + parser->expr->len;
	parser->mode = mode;
	parser->depth = 0;
	value = parse_or(parser);
	skip_space(parser);
	if (parser->p < parser->end)
		return fail_syntax(parser, "an operator is missing");
	return value;
}

const struct node *
expr_eval(struct compilation *c, const struct expr *expr)
{
	struct parser parser = {.c = c, .expr = expr, .null = value_null(c, NULL)};
	const struct node *value;

	comp_work(c, 1 + expr->len);
	parser.p = expr->text;
	parser.end = expr->text + expr->len;
	skip_space(&parser);
	if (parser.p == parser.end) {
		comp_tell(c, place_of_spot(c, &expr->spot), "E_EXPR_EMPTY",
			  expr->is_tag ? "to write '<<' as text, escape it as '\\<<'" : NULL,
			  "the expression is empty");
		return made(&parser, value_bad(c, NULL));
	}
	(void)run(&parser, MODE_SYNTAX);
	if (parser.failed)
		return made(&parser, value_bad(c, NULL));
	value = run(&parser, MODE_EVAL);
	return parser.failed ? made(&parser, value_bad(c, NULL)) : value;
}

/* ---- where a tag ends ---- */

/* The delimiter that ends what begins at p, or NULL. */
static const char *
skip_delimited(const char *p, char delimiter)
{
	for (p++; *p != '\0' && *p != delimiter; p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	return *p == delimiter ? p : NULL;
}

static bool
is_after_matches(const char *text, const char *p)
{
	while (p > text && is_space(p[-1]))
		p--;
	return p - text >= 7 && memcmp(p - 7, "matches", 7) == 0;
}

long
expr_tag_length(const char *text)
{
	const char *p, *end;

	for (p = text; *p != '\0'; p++) {
		if (p[0] == '>' && p[1] == '>')
			return p - text;
		if (*p != '"' && (*p != '/' || !is_after_matches(text, p)))
			continue;
		end = skip_delimited(p, *p);
		if (end != NULL)
			p = end;
	}
	return EXPR_NOT_CLOSED;
}
