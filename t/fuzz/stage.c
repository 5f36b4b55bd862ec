/*
 * stage.c - one stage of a compilation, given bytes: what the fuzz targets of stages share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/diags.h"
#include "compile/pipeline.h"
#include "compile/value.h"

static const struct compile_value values[] = {
	{.name = "pipeline.number", .type = COMPILE_INTEGER, .integer = 7},
};
static const struct compile_input input = {
	.branch = "main", .values = values, .value_count = 1, .policy = {true, FEATURE_ALL}};

static void
run(struct compilation *c, const uint8_t *bytes, size_t len, stage_fn *stage)
{
	struct bindings parameters = {0};
	struct scope scope = {.parameters = &parameters, .sees_pipeline_parameters = true};
	struct node *list;

	if (setjmp(c->leave) != 0)
		return;
	(void)pipeline_of_trigger(c);
	list = value_null(c, NULL);
	list->kind = NODE_SEQ;
	bindings_add(c, &parameters, "s", value_string(c, NULL, "text << x >>"));
	bindings_add(c, &parameters, "n", value_int(c, NULL, -3));
	bindings_add(c, &parameters, "b", value_bool(c, NULL, true));
	bindings_add(c, &parameters, "l", list);
	bindings_sort(&parameters);
	stage(c, &scope, value_string(c, NULL, comp_strndup(c, (const char *)bytes, len)));
}

void
stage_run(const uint8_t *bytes, size_t len, stage_fn *stage)
{
	struct buffer text = BUFFER_INIT;
	struct compilation *c;
	struct arena arena;

	if (len > COMPILE_CONFIG_MAX_BYTES || memchr(bytes, '\0', len) != NULL ||
	    text_utf8_prefix((const char *)bytes, len) != len)
		return;
	arena_init(&arena, COMPILE_MEMORY_BYTES);
	c = MEM_NEW(struct compilation);
	c->input = &input;
	c->arena = &arena;
	c->diags = diags_new();
	c->sources[0].path = "config.yml";
	c->sources[0].bytes = "";
	c->is_21 = true;
	run(c, bytes, len, stage);
	diags_finish(c->diags);
	diags_print(c->diags, &text, false);
	assert(text_is_utf8(buffer_text(&text), text.len));
	buffer_release(&text);
	diags_free(c->diags);
	arena_release(&arena);
	free(c);
}
