/*
 * config.c - fuzz target: a config.yml as a user, or someone who would harm us, writes it.
 *
 * A config that compiles must come back the same when its plan is written as a config
 * and compiled again; the diagnostics of any other must print.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/text.h"
#include "compile/compile.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct plan *
compile_bytes(const void *bytes, size_t len, const struct compile_input *model, struct buffer *text)
{
	struct compile_input input = *model;
	struct plan *plan;
	struct diags *diags;
	int ret;

	input.bytes = bytes;
	input.len = len;
	ret = compile(&input, &plan, &diags);
	assert((ret == 0) == (plan != NULL));
	assert((ret == 0) == (diags_error_count(diags) == 0));
	diags_print(diags, text, false);
	assert(text_is_utf8(buffer_text(text), text->len));
	diags_free(diags);
	return plan;
}

static void
check_processed(const struct plan *plan, const struct compile_input *model)
{
	struct buffer first = BUFFER_INIT, second = BUFFER_INIT, text = BUFFER_INIT;
	struct plan *again;

	plan_process(plan, &first);
	again = compile_bytes(buffer_text(&first), first.len, model, &text);
	assert(again != NULL || first.len > COMPILE_CONFIG_MAX_BYTES);
	if (again != NULL) {
		plan_process(again, &second);
		assert(first.len == second.len);
		assert(memcmp(first.data, second.data, first.len) == 0);
	}
	plan_free(again);
	buffer_release(&first);
	buffer_release(&second);
	buffer_release(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct compile_value values[] = {
		{.name = "pipeline.number", .type = COMPILE_INTEGER, .integer = 7},
	};
	const struct compile_input model = {.path = "config.yml",
					    .values = values,
					    .value_count = 1,
					    .branch = "main",
					    .policy = {true, FEATURE_ALL}};
	struct buffer text = BUFFER_INIT;
	struct plan *plan;

	plan = compile_bytes(bytes, len, &model, &text);
	if (plan != NULL && plan->workflow_count > 0)
		check_processed(plan, &model);
	plan_free(plan);
	buffer_release(&text);
	return 0;
}
