/*
 * diag_test.c - diagnostics as people see them, and what a hostile config comes to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/err.h"
#include "compile/compile.h"

static int
compile_text(const char *text, size_t len, struct buffer *printed, size_t *count)
{
	struct compile_input input = {.path = "a/config.yml",
				      .bytes = text,
				      .len = len,
				      .branch = "main",
				      .policy = {true, FEATURE_ALL}};
	struct plan *plan;
	struct diags *diags;
	int ret = compile(&input, &plan, &diags);

	assert_true((ret == 0) == (plan != NULL));
	diags_print(diags, printed, false);
	if (count != NULL)
		*count = diags_count(diags);
	plan_free(plan);
	diags_free(diags);
	return ret;
}

static void
expect_printed(const char *text, const char *expected)
{
	struct buffer printed = BUFFER_INIT;

	(void)compile_text(text, strlen(text), &printed, NULL);
	assert_string_equal(buffer_text(&printed), expected);
	buffer_release(&printed);
}

static void
test_diag_prints_place_source_caret_chain_and_hint(void **state)
{
	(void)state;
	expect_printed(
		"version: 2.1\n"
		"jobs:\n"
		"  build:\n"
		"    machine: true\n"
		"    steps:\n"
		"      - rnu: \xc3\xa9\n",
		"a/config.yml:6:9: error[E_CMD_UNKNOWN]: cannot find a definition for command "
		"named 'rnu'\n"
		"    6 |       - rnu: \xc3\xa9\n"
		"      |         ^\n"
		"  in workflow 'workflow', job 'build'\n"
		"  hint: did you mean 'run'?\n");
}

static void
test_diag_prints_warnings_with_a_good_plan(void **state)
{
	(void)state;
	expect_printed(
		"version: 2.1\njobs: {build: {machine: true, steps: [checkout]}}\njob: 1\n",
		"a/config.yml:3:1: warning[W_KEY]: key 'job' is ignored: a config has no such "
		"key\n"
		"    3 | job: 1\n"
		"      | ^\n"
		"  hint: did you mean 'jobs'?\n");
}

static void
test_diag_points_at_a_root_that_is_no_mapping(void **state)
{
	(void)state;
	expect_printed("jobs",
		       "a/config.yml:1:1: error[E_YAML_ROOT]: expected type: mapping, found: "
		       "string\n"
		       "    1 | jobs\n"
		       "      | ^\n"
		       "  hint: begin with 'version: 2.1'\n");
}

static void
test_diag_folds_repeats_and_shows_twenty(void **state)
{
	char text[20000];
	struct buffer printed = BUFFER_INIT;
	size_t n = 0, count;
	int i;

	(void)state;
	n += (size_t)snprintf(text, sizeof(text),
			      "version: 2.1\njobs:\n  build:\n    machine: true\n    steps:\n");
	for (i = 0; i < 30; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "      - nothing%d\n", i);
	assert_int_equal(compile_text(text, n, &printed, &count), ERR_INPUT);
	assert_int_equal(count, 30);
	assert_non_null(strstr(buffer_text(&printed), "'nothing19'"));
	assert_null(strstr(buffer_text(&printed), "'nothing20'"));
	assert_non_null(strstr(buffer_text(&printed), "\n10 more not shown\n"));
	buffer_release(&printed);
}

static void
test_diag_cuts_long_lines_around_the_column(void **state)
{
	char text[6000];
	struct buffer printed = BUFFER_INIT;
	size_t n;

	(void)state;
	n = (size_t)snprintf(text, sizeof(text),
			     "version: 2.1\njobs: {build: {machine: true, steps: [run: '%*s', "
			     "nothing]}}\n",
			     3000, "x");
	assert_int_equal(compile_text(text, n, &printed, NULL), ERR_INPUT);
	assert_non_null(strstr(buffer_text(&printed), "x', nothing]}}\n"));
	assert_true(printed.len < 800);
	buffer_release(&printed);
}

/* ---- hostile configs ---- */

static void
expect_refused(const char *text, size_t len, int ret, const char *code)
{
	struct buffer printed = BUFFER_INIT;
	size_t count;

	assert_int_equal(compile_text(text, len, &printed, &count), ret);
	assert_non_null(strstr(buffer_text(&printed), code));
	assert_true(count <= DIAG_KEPT_MAX);
	buffer_release(&printed);
}

static char *
repeat(const char *head, const char *part, size_t times, const char *tail, size_t *len)
{
	size_t part_len = strlen(part), i;
	char *text = malloc(strlen(head) + part_len * times + strlen(tail) + 1), *p;

	assert_non_null(text);
	p = stpcpy(text, head);
	for (i = 0; i < times; i++)
		p = stpcpy(p, part);
	p = stpcpy(p, tail);
	*len = (size_t)(p - text);
	return text;
}

static void
test_compile_refuses_what_is_too_large(void **state)
{
	size_t len;
	char *text;

	(void)state;
	text = repeat("version: 2.1\na: [", "0,", 1500000, "0]\n", &len);
	expect_refused(text, len, ERR_LIMIT, "E_YAML_LIMIT");
	free(text);
	text = repeat("version: 2.1\na: ", "[", 1000000, "", &len);
	expect_refused(text, len, ERR_LIMIT, "E_YAML_LIMIT");
	free(text);
	text = repeat("", "# comment\n", 400000, "", &len);
	expect_refused(text, len, ERR_LIMIT, "E_YAML_LIMIT");
	free(text);
}

static void
test_compile_refuses_commands_that_multiply(void **state)
{
	char text[4000];
	size_t n;
	int i;

	(void)state;
	n = (size_t)snprintf(text, sizeof(text),
			     "version: 2.1\njobs: {build: {machine: true, steps: [c19]}}\n"
			     "commands:\n  c0: {steps: [run: x]}\n");
	for (i = 1; i < 20; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "  c%d: {steps: [c%d, c%d, c%d, c%d, c%d, c%d, c%d, c%d]}\n",
				      i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	expect_refused(text, n, ERR_LIMIT, "E_LIMIT");
}

static void
test_compile_refuses_deep_commands_matrices_and_orbs(void **state)
{
	static char text[60000];
	size_t n, i;

	(void)state;
	n = (size_t)snprintf(text, sizeof(text),
			     "version: 2.1\njobs: {build: {machine: true, steps: [c60]}}\n"
			     "commands:\n  c0: {steps: [run: x]}\n");
	for (i = 1; i <= 60; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "  c%zu: {steps: [c%zu]}\n", i,
				      i - 1);
	expect_refused(text, n, ERR_LIMIT, "commands are nested deeper");

	n = (size_t)snprintf(
		text, sizeof(text),
		"version: 2.1\njobs: {t: {machine: true, parameters: {a: {type: integer}, "
		"b: {type: integer}}, steps: [checkout]}}\n"
		"workflows: {w: {jobs: [t: {matrix: {parameters: {a: &v [");
	for (i = 0; i < 33; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%zu,", i);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "], b: *v}}}]}}\n");
	expect_refused(text, n, ERR_LIMIT, "more than 1024 combinations");

	n = (size_t)snprintf(text, sizeof(text), "version: 2.1\norbs: ");
	for (i = 0; i < 20; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "{o: {orbs: ");
	n += (size_t)snprintf(text + n, sizeof(text) - n, "{}");
	for (i = 0; i < 20; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "}}");
	expect_refused(text, n, ERR_LIMIT, "orbs import orbs deeper");
}

static void
test_compile_ends_after_very_many_errors(void **state)
{
	static char text[200000];
	size_t n, i;

	(void)state;
	n = (size_t)snprintf(text, sizeof(text),
			     "version: 2.1\njobs: {build: {machine: true, steps: [");
	for (i = 0; i < 5000; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "nothing%zu,", i);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "]}}\n");
	expect_refused(text, n, ERR_INPUT, "E_CMD_UNKNOWN");
}

static void
test_compile_refuses_expressions_that_backtrack(void **state)
{
	struct buffer printed = BUFFER_INIT;
	static const char text[] =
		"version: 2.1\n"
		"jobs: {b: {machine: true, steps: [checkout]}}\n"
		"workflows: {w: {when: '\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab!\" matches "
		"/(a|aa|aaa)*b/', jobs: [b]}}\n";

	(void)state;
	assert_int_equal(compile_text(text, sizeof(text) - 1, &printed, NULL), ERR_INPUT);
	assert_non_null(strstr(buffer_text(&printed), "E_REGEX"));
	buffer_release(&printed);
}

/* ---- codes ---- */

static void
test_diag_explains_codes_alone(void **state)
{
	(void)state;
	assert_non_null(strstr(diag_explain("E_TYPE"), "quote"));
	assert_null(diag_explain("E_TYPO"));
	assert_null(diag_explain(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diag_prints_place_source_caret_chain_and_hint),
		cmocka_unit_test(test_diag_prints_warnings_with_a_good_plan),
		cmocka_unit_test(test_diag_points_at_a_root_that_is_no_mapping),
		cmocka_unit_test(test_diag_folds_repeats_and_shows_twenty),
		cmocka_unit_test(test_diag_cuts_long_lines_around_the_column),
		cmocka_unit_test(test_compile_refuses_what_is_too_large),
		cmocka_unit_test(test_compile_refuses_commands_that_multiply),
		cmocka_unit_test(test_compile_refuses_deep_commands_matrices_and_orbs),
		cmocka_unit_test(test_compile_ends_after_very_many_errors),
		cmocka_unit_test(test_compile_refuses_expressions_that_backtrack),
		cmocka_unit_test(test_diag_explains_codes_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
