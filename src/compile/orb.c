/*
 * orb.c - "orbs": inline, or from a registry by way of the caller.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/orb.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "compile/names.h"
#include "compile/orb_ref.h"
#include "compile/substitute.h"
#include "compile/tree.h"

/* ---- importing ---- */

static void
declare(struct compilation *c, struct orb *orb, const struct node *root, unsigned depth)
{
	static const char *const keys[] = {"version",  "name", "description", "display",
					   "commands", "jobs", "executors",   "orbs",
					   "examples", NULL};
	struct link link;

	comp_enter(c, &link, "orb", orb->alias);
	tree_check_keys(c, root, keys, "E_ORB_KEY", comp_printf(c, "orb '%s'", orb->alias));
	orb->space = COMP_NEW(c, struct space);
	orb->space->alias = orb->alias;
	orbs_import(c, orb->space, node_get(root, "orbs"), depth + 1);
	space_declare(c, orb->space, root);
	comp_exit(c);
}

static void
tell_unresolved(struct compilation *c, const struct node *at, const char *reference,
		const struct err *err)
{
	if (c->input->orb == NULL)
		comp_error(c, at, "E_ORB_UNKNOWN", "write the orb inline",
			   "cannot find orb '%s': this runner has no place for orbs", reference);
	else
		comp_error(c, at, err->code == ERR_INPUT ? "E_ORB_LOCK" : "E_ORB_UNKNOWN",
			   err->hint, "cannot use orb '%s': %s", reference, err->text);
}

/* Bytes, path and resolved are the callback's; all three are ours to free. */
static void
fetch(struct compilation *c, struct orb *orb, const struct node *at, const char *reference,
      unsigned depth)
{
	void *bytes = NULL, *copy = NULL;
	char *path = NULL, *resolved = NULL;
	const char *kept_path = NULL;
	const struct node *root;
	struct err err = ERR_INIT;
	size_t len = 0;
	int ret = -1;

	if (++c->orbs_wanted == COMP_SOURCES_MAX)
		comp_limit(c, at, "the config imports more than %d orbs", COMP_SOURCES_MAX - 1);
	if (c->input->orb != NULL)
		ret = c->input->orb(c->input->orb_arg, reference, &bytes, &len, &path, &resolved,
				    &err);
	/* Into the arena at once, without the error exit in between: nothing may be held there. */
	if (ret == 0) {
		copy = arena_strndup(c->arena, bytes, len);
		orb->resolved = arena_strdup(c->arena, resolved != NULL ? resolved : reference);
	}
	if (path != NULL)
		kept_path = arena_strdup(c->arena, path);
	free(bytes);
	free(path);
	free(resolved);
	if (ret < 0) {
		tell_unresolved(c, at, reference, &err);
		return;
	}
	if (copy == NULL || orb->resolved == NULL)
		comp_limit(c, at, "orb '%s' does not fit in the memory of a compilation",
			   reference);
	root = tree_load(c, kept_path != NULL ? kept_path : reference, copy, len);
	if (root != NULL)
		declare(c, orb, root, depth);
}

static void
import_reference(struct compilation *c, struct orb *orb, const struct node *value,
		 bool sees_parameters, unsigned depth)
{
	const struct scope scope = {.sees_pipeline_parameters = sees_parameters};
	const struct node *filled = substitute(c, &scope, value);
	const char *reference = tree_string(c, filled, "an orb");
	struct orb_ref parsed;

	if (reference == NULL)
		return;
	if (strncmp(reference, "https://", 8) == 0) {
		comp_error(c, value, "E_ORB_UNKNOWN",
			   "write the orb inline, or use ns/name@version",
			   "orbs from URLs are not allowed here: '%s'", reference);
		return;
	}
	if (!orb_ref_parse(&parsed, reference)) {
		comp_error(c, value, "E_ORB_REF",
			   "write ns/name@1.2.3, @1.2, @1, @volatile or @dev:LABEL",
			   "'%s' is no reference to an orb", reference);
		return;
	}
	fetch(c, orb, value, reference, depth);
}

static void
import_one(struct compilation *c, struct orb *orb, const struct pair *pair, bool sees_parameters,
	   unsigned depth)
{
	orb->alias = pair->key->text;
	orb->key = pair->key;
	if (!name_is_element(orb->alias)) {
		comp_error(c, pair->key, "E_NAME",
			   "a letter first, then letters, digits, '_' and '-'",
			   "'%s' cannot be the name of an orb", orb->alias);
		return;
	}
	if (pair->value->kind != NODE_MAP) {
		import_reference(c, orb, pair->value, sees_parameters, depth);
		return;
	}
	orb->resolved = "inline";
	orb->is_inline = true;
	declare(c, orb, pair->value, depth);
}

void
orbs_import(struct compilation *c, struct space *space, const struct node *section, unsigned depth)
{
	uint32_t i;

	if (section == NULL || !tree_expect(c, section, NODE_MAP, "key 'orbs'"))
		return;
	if (depth > ORB_DEPTH_MAX)
		comp_limit(c, section, "orbs import orbs deeper than %d levels", ORB_DEPTH_MAX);
	space->orbs = COMP_NEW_ARRAY(c, struct orb, section->count);
	for (i = 0; i < section->count; i++)
		import_one(c, &space->orbs[space->orb_count++], &section->pairs[i],
			   space->alias == NULL, depth);
}
