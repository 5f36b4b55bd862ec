/*
 * fixture.c - a compilation without a config, for tests of single stages.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "compile/diags.h"
#include "compile/pipeline.h"
#include "compile/tree.h"

static const struct compile_value values[] = {
	{.name = "pipeline.number", .type = COMPILE_INTEGER, .integer = 7},
};

void
fixture_init(struct fixture *fixture)
{
	struct compilation *c;

	memset(fixture, 0, sizeof(*fixture));
	fixture->input.branch = "main";
	fixture->input.values = values;
	fixture->input.value_count = 1;
	arena_init(&fixture->arena, 0);
	fixture->diags = diags_new();
	c = MEM_NEW(struct compilation);
	c->input = &fixture->input;
	c->arena = &fixture->arena;
	c->diags = fixture->diags;
	c->sources[0].path = "test.yml";
	c->sources[0].bytes = "";
	c->is_21 = true;
	fixture->c = c;
	(void)pipeline_of_trigger(c);
	fixture->scope.parameters = &fixture->parameters;
	fixture->scope.sees_pipeline_parameters = true;
	if (setjmp(c->leave) != 0)
		UNREACHABLE(); /* no stage under test may end its compilation */
}

void
fixture_release(struct fixture *fixture)
{
	diags_free(fixture->diags);
	arena_release(&fixture->arena);
	free(fixture->c);
}

const struct node *
fixture_tree(struct fixture *fixture, const char *text)
{
	const char *whole = comp_printf(fixture->c, "v: %s\n", text);
	const struct node *root = tree_load(fixture->c, "test.yml", whole, strlen(whole));

	assert(root != NULL);
	return node_get(root, "v");
}

const char *
fixture_codes(struct fixture *fixture)
{
	struct draft codes = {0};
	size_t i;

	diags_finish(fixture->diags);
	for (i = 0; i < diags_count(fixture->diags); i++) {
		const char *code = diags_at(fixture->diags, i)->code;

		draft_add(fixture->c, &codes, code, strlen(code));
		draft_add(fixture->c, &codes, ";", 1);
	}
	return draft_text(&codes);
}
