/*
 * expr.c - fuzz target: an expression, as in "<< >>" and by itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/assert.h"
#include "compile/expr.h"
#include "compile/tree.h"
#include "compile/value.h"
#include "stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
evaluate(struct compilation *c, const struct scope *scope, const struct node *text)
{
	struct expr expr = {.text = text->text,
			    .len = strlen(text->text),
			    .spot = {.node = text},
			    .scope = scope};
	const struct node *value;
	long end = expr_tag_length(text->text);

	assert(end == EXPR_NOT_CLOSED || (end >= 0 && (size_t)end + 2 <= expr.len));
	value = expr_eval(c, &expr);
	assert((value->flags & TREE_BAD) == 0 || comp_has_errors(c));
	if ((value->flags & TREE_BAD) == 0)
		assert(value_equal(value, value) || value->kind == NODE_FLOAT);
	if (end == EXPR_NOT_CLOSED)
		return;
	expr.len = (size_t)end;
	expr.is_tag = true;
	(void)expr_eval(c, &expr);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	stage_run(bytes, len, evaluate);
	return 0;
}
