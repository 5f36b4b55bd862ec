/*
 * substitute.c - "<< >>" tags: what a body looks like with them filled in.
 *
 * A scalar is read from left to right: text, backslashes before "<<" (pairs make one, an
 * odd one escapes), tags, and sections ("<<# x >>text<</ x >>", "<<^ x >>...").
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/substitute.h"

#include <string.h>

#include "compile/expr.h"
#include "compile/pipeline.h"
#include "compile/tree.h"
#include "compile/value.h"

enum { SECTION_DEPTH_MAX = 20 };

static const char ESCAPE_HINT[] = "a literal '<<' must be escaped as '\\<<' in config v2.1";

/* One scalar on its way. */
struct scalar {
	struct compilation *c;
	const struct scope *scope;
	const struct node *node;
	const char *p;
	struct draft out;
	bool failed; /* it has no value */
	bool broken; /* and where its tags stand is not known any more */
};

static const struct node *
fail(struct scalar *scalar)
{
	scalar->failed = true;
	scalar->broken = true;
	return NULL;
}

static bool
is_blank(char ch)
{
	return ch == ' ' || ch == '\t';
}

static struct place
tag_place(const struct scalar *scalar, const char *tag)
{
	struct spot spot = {scalar->node, tag};

	return place_of_spot(scalar->c, &spot);
}

static void
trim(const char **text, size_t *len)
{
	while (*len > 0 && strchr(" \t\r\n", **text) != NULL) {
		(*text)++;
		(*len)--;
	}
	while (*len > 0 && strchr(" \t\r\n", (*text)[*len - 1]) != NULL)
		(*len)--;
}

static bool
is_plain_reference(const char *body, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		char ch = body[i];

		if (!(ch >= 'a' && ch <= 'z') && !(ch >= 'A' && ch <= 'Z') &&
		    !(ch >= '0' && ch <= '9') && ch != '_' && ch != '-' && ch != '.')
			return false;
	}
	return scope_is_reference(body, len);
}

/* What the tag at open ("<<" and len bytes of body behind it) stands for. */
static const struct node *
value_of_tag(struct scalar *scalar, const char *open, size_t len)
{
	const char *body = open + 2;
	struct expr expr = {.spot = {scalar->node, open}, .scope = scalar->scope, .is_tag = true};
	const struct node *value;

	trim(&body, &len);
	/* A parameter's name need not be one that an expression can spell. */
	if (scalar->scope->sees_pipeline_parameters && len > 20 &&
	    memcmp(body, "pipeline.parameters.", 20) == 0) {
		value = pipeline_parameter(scalar->c, body + 20, len - 20);
		if (value != NULL)
			return value;
	}
	if (is_plain_reference(body, len)) { /* most tags: no need to parse them */
		value = scope_find(scalar->c, scalar->scope, body, len, &expr.spot);
		return value != NULL ? value : value_bad(scalar->c, scalar->node);
	}
	expr.text = body;
	expr.len = len;
	return expr_eval(scalar->c, &expr);
}

static const struct node *
tell_unclosed(struct scalar *scalar, const char *open)
{
	comp_tell(scalar->c, tag_place(scalar, open), "E_SUBST_UNCLOSED", ESCAPE_HINT,
		  "unclosed '<<' tag in string");
	return fail(scalar);
}

/* ---- sections ---- */

static void
fill(struct scalar *scalar, const char *section, size_t section_len, bool keeps, unsigned depth);

static void
tell_section(struct scalar *scalar, const char *open, const char *what)
{
	comp_tell(scalar->c, tag_place(scalar, open), "E_SUBST_SECTION",
		  "write <<# parameters.x >>text<</ parameters.x >>", "%s", what);
	(void)fail(scalar);
}

static void
open_section(struct scalar *scalar, const char *open, size_t len, bool keeps, unsigned depth)
{
	const char *name = open + 3;
	size_t name_len = len - 1;
	const struct spot spot = {scalar->node, open};
	const struct node *value;

	trim(&name, &name_len);
	if (depth == SECTION_DEPTH_MAX) {
		tell_section(scalar, open, "sections are nested too deeply");
		return;
	}
	value = scope_find(scalar->c, scalar->scope, name, name_len, &spot);
	if (value == NULL) {
		(void)fail(scalar);
		return;
	}
	scalar->p = open + 2 + len + 2;
	fill(scalar, name, name_len, keeps && value_is_truthy(value) == (open[2] == '#'),
	     depth + 1);
}

/* Whether the closing tag at open ends the section. */
static bool
closes_section(struct scalar *scalar, const char *open, size_t len, const char *section,
	       size_t section_len)
{
	const char *name = open + 3;
	size_t name_len = len - 1;

	trim(&name, &name_len);
	if (section != NULL && name_len == section_len && memcmp(name, section, name_len) == 0)
		return true;
	tell_section(scalar, open, "this tag closes a section that is not open");
	return false;
}

/* ---- the scalar ---- */

static void
splice(struct scalar *scalar, const char *open, size_t len)
{
	const struct node *value = value_of_tag(scalar, open, len);
	const char *text;

	if (value->flags & TREE_BAD) {
		scalar->failed = true;
		return;
	}
	text = value_text(scalar->c, value);
	if (text == NULL) {
		comp_tell(scalar->c, tag_place(scalar, open), "E_SUBST_NONSCALAR",
			  "steps are spliced with '- steps: << parameters.NAME >>'",
			  "a %s cannot be part of a text", node_kind_name(value->kind));
		scalar->failed = true;
		return;
	}
	draft_add(scalar->c, &scalar->out, text, strlen(text));
}

/* Text up to the next tag and what its backslashes come to. NULL: no tag is left. */
static const char *
take_text(struct scalar *scalar, bool keeps)
{
	const char *open;

	while ((open = strstr(scalar->p, "<<")) != NULL) {
		const char *p = scalar->p;
		size_t slashes = 0;

		comp_work(scalar->c, 1);
		while ((size_t)(open - p) > slashes && open[-1 - (long)slashes] == '\\')
			slashes++;
		if (keeps) /* half of the backslashes stay */
			draft_add(scalar->c, &scalar->out, p,
				  (size_t)(open - p) - slashes + slashes / 2);
		scalar->p = open + 2;
		if (slashes % 2 == 0)
			return open;
		if (keeps)
			draft_add(scalar->c, &scalar->out, "<<", 2);
	}
	if (keeps)
		draft_add(scalar->c, &scalar->out, scalar->p, strlen(scalar->p));
	scalar->p += strlen(scalar->p);
	return NULL;
}

/* From scalar->p to its end, or to the end of the section named. */
static void
fill(struct scalar *scalar, const char *section, size_t section_len, bool keeps, unsigned depth)
{
	const char *open, *section_open = section;

	while ((open = take_text(scalar, keeps)) != NULL) {
		long len = expr_tag_length(open + 2);

		if (len == EXPR_NOT_CLOSED) {
			(void)tell_unclosed(scalar, open);
			return;
		}
		scalar->p = open + 2 + len + 2;
		if (open[2] == '/') {
			if (closes_section(scalar, open, (size_t)len, section, section_len))
				return;
		} else if (open[2] == '#' || open[2] == '^') {
			open_section(scalar, open, (size_t)len, keeps, depth);
		} else if (keeps) {
			splice(scalar, open, (size_t)len);
		}
		if (scalar->broken)
			return;
	}
	if (section_open == NULL)
		return;
	while (section_open[0] != '<' || section_open[1] != '<')
		section_open--;
	tell_section(scalar, section_open, "this section is not closed");
}

/* The text is one tag and nothing else but blanks: its body's length; EXPR_NOT_CLOSED otherwise. */
static long
whole_tag(const char *text, const char **open)
{
	const char *p = text;
	long len;

	while (is_blank(*p))
		p++;
	if (strncmp(p, "<<", 2) != 0 || strchr("#^/", p[2]) != NULL)
		return EXPR_NOT_CLOSED;
	*open = p;
	len = expr_tag_length(p + 2);
	if (len == EXPR_NOT_CLOSED)
		return len;
	for (p += 2 + len + 2; is_blank(*p); p++)
		;
	return *p == '\0' ? len : EXPR_NOT_CLOSED;
}

static const struct node *
take_whole(struct scalar *scalar, const char *open, size_t len)
{
	const struct node *value = value_of_tag(scalar, open, len);
	struct node *copy;

	if (value->kind >= NODE_SEQ)
		return value; /* keeps pointing at what it is made of */
	copy = value_at(scalar->c, value, scalar->node);
	copy->flags |= TREE_FROM_TAG;
	return copy;
}

static const struct node *
substitute_scalar(struct compilation *c, const struct scope *scope, const struct node *node)
{
	struct scalar scalar = {.c = c, .scope = scope, .node = node, .p = node->text};
	const char *open;
	struct node *copy;
	long len = whole_tag(node->text, &open);

	comp_work(c, 1 + node->count / 64);
	if (len != EXPR_NOT_CLOSED)
		return take_whole(&scalar, open, (size_t)len);
	fill(&scalar, NULL, 0, true, 0);
	if (scalar.failed)
		return value_bad(c, node);
	copy = value_at(c, node, node);
	copy->text = draft_text(&scalar.out);
	copy->count = (uint32_t)scalar.out.len;
	copy->flags = TREE_SEEN;
	copy->kind = NODE_STRING;
	return copy;
}

/* ---- lists and maps ---- */

static const struct node *substitute_in(struct compilation *c, const struct scope *scope,
					const struct node *node, bool in_keys);

static const struct node *
substitute_seq(struct compilation *c, const struct scope *scope, const struct node *node,
	       bool in_keys)
{
	struct node *copy = value_at(c, node, node);
	uint32_t i;

	copy->items = COMP_NEW_ARRAY(c, struct node *, node->count);
	for (i = 0; i < node->count; i++)
		copy->items[i] = (struct node *)substitute_in(c, scope, node->items[i], in_keys);
	copy->flags = TREE_SEEN;
	return copy;
}

/* Whether a key has a "<<" that no backslash escapes. */
static bool
has_tag(const char *key)
{
	const char *p = key, *open;

	while ((open = strstr(p, "<<")) != NULL) {
		size_t slashes = 0;

		while ((size_t)(open - p) > slashes && open[-1 - (long)slashes] == '\\')
			slashes++;
		if (slashes % 2 == 0)
			return true;
		p = open + 2;
	}
	return false;
}

static struct node *
substitute_key(struct compilation *c, const struct scope *scope, struct node *key, bool in_keys)
{
	struct node *copy;
	const struct node *value;
	const char *text;

	if (key->kind != NODE_STRING || strstr(key->text, "<<") == NULL)
		return key;
	if (!in_keys && !has_tag(key->text))
		return key;
	if (!in_keys) {
		comp_tell(c, place_of_spot(c, &(struct spot){key, strstr(key->text, "<<")}),
			  "E_SUBST_KEY",
			  "'<<:' merges only when it is plain; tags may stand in values, and in "
			  "keys under 'environment' and 'requires'",
			  "a key cannot contain a '<<' tag: '%s'", key->text);
		copy = value_string(c, key, key->text);
		copy->flags |= TREE_BAD;
		return copy;
	}
	value = substitute_scalar(c, scope, key);
	text = value_text(c, value);
	copy = value_string(c, key, text != NULL ? text : "");
	copy->flags |= value->flags & TREE_BAD;
	return copy;
}

static const struct node *
substitute_map(struct compilation *c, const struct scope *scope, const struct node *node,
	       bool in_keys)
{
	struct node *copy = value_at(c, node, node);
	long duplicate;
	uint32_t i;

	copy->pairs = COMP_NEW_ARRAY(c, struct pair, node->count);
	for (i = 0; i < node->count; i++) {
		const struct pair *pair = &node->pairs[i];
		bool below = in_keys || strcmp(pair->key->text, "environment") == 0 ||
			     strcmp(pair->key->text, "requires") == 0;

		copy->pairs[i].key = substitute_key(c, scope, pair->key, in_keys);
		copy->pairs[i].value = (struct node *)substitute_in(c, scope, pair->value, below);
	}
	copy->flags = TREE_SEEN;
	duplicate = tree_map_finish(c, copy);
	if (duplicate >= 0 && !comp_has_errors(c))
		comp_error(c, node->pairs[duplicate].key, "E_YAML_DUPKEY", NULL,
			   "key '%s' is in this mapping twice once its tag is filled in",
			   copy->pairs[duplicate].key->text);
	return copy;
}

static const struct node *
substitute_in(struct compilation *c, const struct scope *scope, const struct node *node,
	      bool in_keys)
{
	if (!(node->flags & TREE_HAS_TAG))
		return node;
	comp_work(c, 1);
	if (node->kind == NODE_SEQ)
		return substitute_seq(c, scope, node, in_keys);
	if (node->kind == NODE_MAP)
		return substitute_map(c, scope, node, in_keys);
	return substitute_scalar(c, scope, node);
}

const struct node *
substitute(struct compilation *c, const struct scope *scope, const struct node *node)
{
	return c->is_21 ? substitute_in(c, scope, node, false) : node;
}

const struct node *
substitute_without(struct compilation *c, const struct scope *scope, const struct node *map,
		   const char *const *skipped)
{
	struct node *rest = value_at(c, map, map);
	uint32_t i, n = 0;

	rest->pairs = COMP_NEW_ARRAY(c, struct pair, map->count);
	for (i = 0; i < map->count; i++)
		if (!tree_is_in(skipped, map->pairs[i].key->text))
			rest->pairs[n++] = map->pairs[i];
	rest->count = n;
	(void)tree_map_finish(c, rest); /* cannot gain a duplicate */
	return c->is_21 ? substitute_in(c, scope, rest, false) : rest;
}

const struct node *
substitute_body(struct compilation *c, const struct scope *scope, const struct node *body)
{
	static const char *const skipped[] = {"parameters", "description", NULL};

	if (!c->is_21 || !(body->flags & TREE_HAS_TAG))
		return body;
	return substitute_without(c, scope, body, skipped);
}
