/*
 * substitute.c - fuzz target: "<< >>" tags in a string.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "compile/substitute.h"
#include "compile/tree.h"
#include "stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
fill_in(struct compilation *c, const struct scope *scope, const struct node *text)
{
	struct node string = *text;
	const struct node *value;

	string.flags |= TREE_HAS_TAG;
	value = substitute(c, scope, &string);
	assert((value->flags & TREE_BAD) == 0 || comp_has_errors(c));
	if (strstr(text->text, "<<") == NULL)
		assert(strcmp(value->text, text->text) == 0);
	if (value->kind == NODE_STRING)
		assert(text_is_utf8(value->text, strlen(value->text)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	stage_run(bytes, len, fill_in);
	return 0;
}
