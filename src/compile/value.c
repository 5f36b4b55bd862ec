/*
 * value.c - what parameters and expressions have: nodes as values, their text and truth.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/compilation.h"
#include "compile/tree.h"

static struct node *
value_new(struct compilation *c, const struct node *at, enum node_kind kind, const char *text)
{
	struct node *value = COMP_NEW(c, struct node);

	value->kind = (uint8_t)kind;
	value->style = NODE_QUOTED;
	value->weight = 1;
	value->text = text;
	value->count = (uint32_t)strlen(text);
	value->source = at != NULL ? at->source : 0;
	value->line = at != NULL ? at->line : 1;
	value->column = at != NULL ? at->column : 1;
	return value;
}

struct node *
value_null(struct compilation *c, const struct node *at)
{
	return value_new(c, at, NODE_NULL, "");
}

struct node *
value_bad(struct compilation *c, const struct node *at)
{
	struct node *value = value_null(c, at);

	value->flags = TREE_BAD;
	return value;
}

struct node *
value_bool(struct compilation *c, const struct node *at, bool value)
{
	struct node *node = value_new(c, at, NODE_BOOL, value ? "true" : "false");

	node->boolean = value;
	return node;
}

struct node *
value_int(struct compilation *c, const struct node *at, int64_t value)
{
	struct node *node = value_new(c, at, NODE_INT, comp_printf(c, "%" PRId64, value));

	node->integer = value;
	return node;
}

struct node *
value_float(struct compilation *c, const struct node *at, double value)
{
	char room[40];
	struct node *node;

	node = value_new(c, at, NODE_FLOAT, comp_strdup(c, value_float_text(room, value)));
	node->real = value;
	return node;
}

struct node *
value_string(struct compilation *c, const struct node *at, const char *text)
{
	return value_new(c, at, NODE_STRING, text);
}

struct node *
value_at(struct compilation *c, const struct node *value, const struct node *at)
{
	struct node *copy = COMP_NEW(c, struct node);

	*copy = *value;
	copy->source = at->source;
	copy->line = at->line;
	copy->column = at->column;
	return copy;
}

/* The digits of value in as few places as read back the same; returns the exponent of ten. */
static int
shortest_digits(double value, char digits[24])
{
	char text[64];
	const char *p;
	int places;
	size_t n = 0;

	for (places = 0; places < 17; places++) {
		char *end;

		(void)snprintf(text, sizeof(text), "%.*e", places, value);
		if (strtod(text, &end) == value && *end == '\0')
			break;
	}
	/* Both calls follow the locale, so they agree; only digits are taken from the text. */
	for (p = text; *p != '\0' && *p != 'e'; p++)
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
	digits[n] = '\0';
	return *p == 'e' ? (int)strtol(p + 1, NULL, 10) : 0;
}

const char *
value_float_text(char room[40], double value)
{
	char digits[24];
	int exponent, n, i;
	char *out = room;

	if (isnan(value))
		return strcpy(room, ".nan");
	if (isinf(value))
		return strcpy(room, value < 0 ? "-.inf" : ".inf");
	if (signbit(value))
		*out++ = '-';
	exponent = shortest_digits(fabs(value), digits);
	n = (int)strlen(digits);
	if (exponent < -4 || exponent >= 16) {
		*out++ = digits[0];
		*out++ = '.';
		(void)sprintf(out, "%se%+03d", n > 1 ? digits + 1 : "0", exponent);
		return room;
	}
	if (exponent < 0) {
		*out++ = '0';
		*out++ = '.';
		for (i = exponent + 1; i < 0; i++)
			*out++ = '0';
		(void)strcpy(out, digits);
		return room;
	}
	for (i = 0; i <= exponent; i++)
		*out++ = i < n ? digits[i] : '0';
	*out++ = '.';
	(void)strcpy(out, i < n ? digits + i : "0");
	return room;
}

const char *
value_text(struct compilation *c, const struct node *value)
{
	char room[40];

	switch ((enum node_kind)value->kind) {
	case NODE_NULL:
		return "";
	case NODE_BOOL:
		return value->boolean ? "true" : "false";
	case NODE_INT:
		return comp_printf(c, "%" PRId64, value->integer);
	case NODE_FLOAT:
		return comp_strdup(c, value_float_text(room, value->real));
	case NODE_STRING:
		return value->text;
	case NODE_MAP: {
		const struct node *name = node_get(value, "name");

		return name != NULL && name->kind == NODE_STRING ? name->text : NULL;
	}
	case NODE_SEQ:
	case NODE_KIND_COUNT:
		break;
	}
	return NULL;
}

const char *
value_environment_text(struct compilation *c, const struct node *value)
{
	if (value->kind == NODE_BOOL)
		return value->boolean ? "1" : "0";
	return value->kind >= NODE_SEQ ? NULL : value_text(c, value);
}

bool
value_is_truthy(const struct node *value)
{
	switch ((enum node_kind)value->kind) {
	case NODE_NULL:
		return false;
	case NODE_BOOL:
		return value->boolean;
	case NODE_INT:
		return value->integer != 0;
	case NODE_FLOAT:
		return !isnan(value->real) && value->real != 0;
	case NODE_STRING:
		return value->text[0] != '\0';
	case NODE_SEQ:
	case NODE_MAP:
	case NODE_KIND_COUNT:
		break;
	}
	return true;
}

static bool
is_number(const struct node *value)
{
	return value->kind == NODE_INT || value->kind == NODE_FLOAT;
}

static double
number_of(const struct node *value)
{
	return value->kind == NODE_INT ? (double)value->integer : value->real;
}

static bool
equal_parts(const struct node *a, const struct node *b)
{
	uint32_t i;

	if (a->count != b->count)
		return false;
	for (i = 0; i < a->count; i++) {
		const struct node *other;

		if (a->kind == NODE_SEQ) {
			if (!value_equal(a->items[i], b->items[i]))
				return false;
			continue;
		}
		other = node_get(b, a->pairs[i].key->text);
		if (other == NULL || !value_equal(a->pairs[i].value, other))
			return false;
	}
	return true;
}

bool
value_equal(const struct node *a, const struct node *b)
{
	if (a->kind == NODE_INT && b->kind == NODE_INT)
		return a->integer == b->integer;
	if (is_number(a) && is_number(b))
		return number_of(a) == number_of(b);
	if (a->kind != b->kind)
		return false;
	if (a->kind == NODE_BOOL)
		return a->boolean == b->boolean;
	if (a->kind == NODE_STRING)
		return strcmp(a->text, b->text) == 0;
	return a->kind == NODE_NULL || equal_parts(a, b);
}
