/*
 * filter.c - fuzz target: the expression of "filters" and a pattern of branches.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/filter.h"
#include "stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
filter(struct compilation *c, const struct scope *scope, const struct node *text)
{
	struct node pattern = *text;

	(void)filter_keeps(c, text, scope);
	if (!filter_check(c, &pattern))
		return;
	(void)filter_matches(c, &pattern, "main");
	(void)filter_matches(c, &pattern, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa/\xc3\xa9");
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	stage_run(bytes, len, filter);
	return 0;
}
