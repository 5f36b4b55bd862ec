/*
 * compile.c - the stages of a compilation, in the order the specification gives them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/compile.h"

#include <string.h>

#include "base/err.h"
#include "compile/compilation.h"
#include "compile/diags.h"
#include "compile/job.h"
#include "compile/orb.h"
#include "compile/pipeline.h"
#include "compile/plan_text.h"
#include "compile/rehearsal.h"
#include "compile/tree.h"
#include "compile/workflow.h"

/* "version": 2, 2.0 or 2.1, as a number or a string; 2.10 is the number 2.1. */
static bool
read_version(struct compilation *c, const struct node *root)
{
	const struct node *version = node_get(root, "version");
	const char *text;

	if (version == NULL) {
		comp_error(c, root, "E_VERSION_MISSING", "add 'version: 2.1' at the top",
			   "required key [version] not found");
		return false;
	}
	if (version->kind >= NODE_SEQ || version->kind == NODE_NULL) {
		comp_error(c, version, "E_VERSION_UNSUPPORTED", "write 'version: 2.1'",
			   "key 'version': expected a number, found: %s",
			   node_kind_name(version->kind));
		return false;
	}
	text = version->text;
	c->is_21 =
		strcmp(text, "2.1") == 0 || (version->kind == NODE_FLOAT && version->real == 2.1);
	if (c->is_21 || strcmp(text, "2") == 0 || strcmp(text, "2.0") == 0)
		return true;
	comp_error(c, version, "E_VERSION_UNSUPPORTED", "write 'version: 2.1'",
		   "config version '%s' is not supported: 2, 2.0 and 2.1 are", text);
	return false;
}

/* Something in the subtree is there to be named by an alias. */
static bool
holds_anchor(struct compilation *c, const struct node *node)
{
	uint32_t i;

	comp_work(c, 1);
	if (node->has_anchor)
		return true;
	for (i = 0; node->kind == NODE_SEQ && i < node->count; i++)
		if (holds_anchor(c, node->items[i]))
			return true;
	for (i = 0; node->kind == NODE_MAP && i < node->count; i++)
		if (holds_anchor(c, node->pairs[i].value))
			return true;
	return false;
}

/* Keys that hold only what anchors name are nobody's mistake. */
static bool
is_for_anchors(struct compilation *c, const struct pair *pair)
{
	static const char *const names[] = {"references", "aliases", "defaults", "anchors", NULL};
	const char *key = pair->key->text;

	return strncmp(key, "x-", 2) == 0 || tree_is_in(names, key) || holds_anchor(c, pair->value);
}

static void
check_top_level(struct compilation *c, const struct node *root)
{
	static const char *const keys[] = {"version",	   "jobs",	  "workflows", "setup",
					   "orbs",	   "commands",	  "executors", "parameters",
					   "job-groups",   "description", "display",   "examples",
					   "experimental", "notify",	  NULL};
	static const char *const of_21[] = {"setup",	  "orbs",	"commands", "executors",
					    "parameters", "job-groups", NULL};
	uint32_t i;
	size_t k;

	tree_need_21(c, root, of_21);
	for (i = 0; i < root->count; i++) {
		const struct node *key = root->pairs[i].key;
		struct suggestion suggestion;

		if (tree_is_in(keys, key->text) || is_for_anchors(c, &root->pairs[i]))
			continue;
		comp_suggest_init(c, &suggestion, key->text);
		for (k = 0; keys[k] != NULL; k++)
			comp_suggest(&suggestion, keys[k]);
		comp_error(c, key, "W_KEY", comp_suggest_hint(c, &suggestion),
			   "key '%s' is ignored: a config has no such key", key->text);
	}
}

static void
read_setup(struct compilation *c, const struct node *root, struct plan *plan)
{
	const struct pair *setup = c->is_21 ? node_get_pair(root, "setup") : NULL;

	if (setup == NULL || !tree_bool(c, setup->value, "key 'setup'", &plan->setup))
		return;
	if (plan->setup)
		(void)feature_need(c, setup->key, FEATURE_SETUP, "'setup: true'");
}

static void
list_orbs(struct compilation *c, const struct space *space, struct plan *plan)
{
	size_t i;

	plan->orbs = COMP_NEW_ARRAY(c, struct plan_orb, space->orb_count);
	for (i = 0; i < space->orb_count; i++) {
		if (space->orbs[i].space == NULL)
			continue;
		plan->orbs[plan->orb_count].alias = space->orbs[i].alias;
		plan->orbs[plan->orb_count++].resolved = space->orbs[i].resolved;
	}
}

/* What the config needs before its workflows: values, orbs, commands, jobs, executors. */
static void
run_stages(struct compilation *c, struct plan *plan)
{
	const struct compile_input *input = c->input;
	struct pipeline *pipeline = pipeline_of_trigger(c);
	struct space *space = COMP_NEW(c, struct space);
	const struct node *root;

	root = tree_load(c, input->path != NULL ? input->path : "config.yml",
			 input->len > 0 ? input->bytes : "", input->len);
	if (root == NULL || !read_version(c, root))
		return;
	check_top_level(c, root);
	read_setup(c, root, plan);
	pipeline_bind(c, pipeline, c->is_21 ? node_get(root, "parameters") : NULL, plan->setup);
	if (c->is_21)
		orbs_import(c, space, node_get(root, "orbs"), 0);
	space_declare(c, space, root);
	workflows_read(c, space, root, plan);
	if (!comp_has_errors(c) && !c->input->is_orb_check)
		space_tell_unused(c, space);
	list_orbs(c, space, plan);
	rehearse(c, space);
}

/* By itself, so that no local of compile() changes between setjmp and longjmp. */
static int
run(struct compilation *c, struct plan *plan)
{
	if (setjmp(c->leave) != 0)
		return c->result;
	run_stages(c, plan);
	return comp_has_errors(c) ? ERR_INPUT : 0;
}

int
compile(const struct compile_input *input, struct plan **plan, struct diags **diags)
{
	struct compilation *c;
	struct arena arena;
	struct plan *content;
	int ret;

	*plan = NULL;
	*diags = diags_new();
	arena_init(&arena, COMPILE_MEMORY_BYTES);
	c = ARENA_NEW(&arena, struct compilation);
	content = ARENA_NEW(&arena, struct plan);
	c->input = input;
	c->arena = &arena;
	c->diags = *diags;
	c->sources[0].path = input->path != NULL ? input->path : "config.yml";
	c->sources[0].bytes = "";
	ret = run(c, content);
	diags_finish(*diags);
	if (ret < 0) {
		arena_release(&arena);
		return ret;
	}
	content->is_tag = input->tag != NULL && input->branch == NULL;
	*plan = plan_new(content, &arena);
	return 0;
}
