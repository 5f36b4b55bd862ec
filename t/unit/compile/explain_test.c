/*
 * explain_test.c - each code's example gives that code and no other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/compile.h"
#include "compile/diag.h"

/* Limits, bytes that are no text, and what depends on files. */
static const char *const without[] = {"E_LIMIT", "E_ORB_LOCK", "E_YAML_EMPTY", "E_YAML_LIMIT",
				      "E_YAML_UTF8"};

static bool
has_line(const char *text, const char *begin)
{
	const char *at = strstr(text, begin);

	return at != NULL && (at == text || at[-1] == '\n');
}

/* The whole config that a fragment stands for. */
static void
complete(struct buffer *out, const char *code, const char *fragment)
{
	const char *end;

	if (!has_line(fragment, "version:") && !has_line(fragment, "- version:") &&
	    !text_eq(code, "E_VERSION_MISSING"))
		buffer_puts(out, "version: 2.1\n");
	if (!text_starts(fragment, "steps:")) {
		buffer_puts(out, fragment);
		if (!has_line(fragment, "jobs:") && !has_line(fragment, "- jobs:") &&
		    !text_eq(code, "E_VERSION_UNSUPPORTED"))
			buffer_puts(out, "jobs:\n  build: {machine: true, steps: [checkout]}\n");
		return;
	}
	buffer_puts(out, "jobs:\n  build:\n    machine: true\n");
	for (; *fragment != '\0'; fragment = end + 1) {
		end = strchr(fragment, '\n');
		buffer_printf(out, "    %.*s\n", (int)(end - fragment), fragment);
	}
}

static void
expect_own_code(const char *code)
{
	struct compile_input input = {.path = "config.yml",
				      .branch = "main",
				      .policy = {.docker_on_host = true, .supported = FEATURE_ALL}};
	struct buffer text = BUFFER_INIT;
	struct diags *diags;
	struct plan *plan;
	size_t i;

	complete(&text, code, diag_example(code));
	input.bytes = text.data;
	input.len = text.len;
	(void)compile(&input, &plan, &diags);
	if (diags_count(diags) == 0)
		print_message("%s: its example gives nothing\n", code);
	assert_true(diags_count(diags) > 0);
	for (i = 0; i < diags_count(diags); i++)
		assert_string_equal(diags_at(diags, i)->code, code);
	plan_free(plan);
	diags_free(diags);
	buffer_release(&text);
}

static void
test_explain_has_an_example_that_gives_each_code(void **state)
{
	const char *code;
	bool needs_none;
	size_t i, j;

	(void)state;
	for (i = 0; (code = diag_code(i)) != NULL; i++) {
		needs_none = false;
		for (j = 0; j < sizeof(without) / sizeof(without[0]); j++)
			needs_none |= text_eq(code, without[j]);
		if (needs_none != (diag_example(code) == NULL))
			print_message("%s\n", code);
		assert_true(needs_none == (diag_example(code) == NULL));
		if (!needs_none)
			expect_own_code(code);
	}
}

static void
test_explain_knows_no_other_code(void **state)
{
	(void)state;
	assert_null(diag_explain("E_NOTHING"));
	assert_null(diag_example("E_NOTHING"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_explain_has_an_example_that_gives_each_code),
		cmocka_unit_test(test_explain_knows_no_other_code),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
