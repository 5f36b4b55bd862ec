/*
 * expr_test.c - expressions: values, binding strength, types, errors; and tags in text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "compile/expr.h"
#include "compile/filter.h"
#include "compile/names.h"
#include "compile/cron.h"
#include "compile/substitute.h"
#include "compile/tree.h"
#include "compile/value.h"
#include "fixture.h"

static void
set_parameters(struct fixture *fixture)
{
	struct compilation *c = fixture->c;

	bindings_add(c, &fixture->parameters, "s", value_string(c, NULL, "text"));
	bindings_add(c, &fixture->parameters, "lines", value_string(c, NULL, "a\nb"));
	bindings_add(c, &fixture->parameters, "tag", value_string(c, NULL, "<< parameters.s >>"));
	bindings_add(c, &fixture->parameters, "empty", value_string(c, NULL, ""));
	bindings_add(c, &fixture->parameters, "yes", value_bool(c, NULL, true));
	bindings_add(c, &fixture->parameters, "no", value_bool(c, NULL, false));
	bindings_add(c, &fixture->parameters, "n", value_int(c, NULL, 3));
	bindings_add(c, &fixture->parameters, "steps", fixture_tree(fixture, "[checkout]"));
	bindings_sort(&fixture->parameters);
}

static void
expect_result(const char *text, enum node_kind kind, const char *expected)
{
	struct fixture fixture;
	struct expr expr = {.text = text, .len = strlen(text)};
	const struct node *value;

	fixture_init(&fixture);
	set_parameters(&fixture);
	expr.scope = &fixture.scope;
	expr.spot.node = value_null(fixture.c, NULL);
	value = expr_eval(fixture.c, &expr);
	assert_string_equal(fixture_codes(&fixture), "");
	assert_int_equal(value->kind, kind);
	assert_string_equal(value_text(fixture.c, value), expected);
	fixture_release(&fixture);
}

static void
expect_code(const char *text, const char *codes)
{
	struct fixture fixture;
	struct expr expr = {.text = text, .len = strlen(text)};

	fixture_init(&fixture);
	set_parameters(&fixture);
	expr.scope = &fixture.scope;
	expr.spot.node = value_null(fixture.c, NULL);
	assert_true(expr_eval(fixture.c, &expr)->flags & TREE_BAD);
	assert_string_equal(fixture_codes(&fixture), codes);
	fixture_release(&fixture);
}

static void
test_expr_gives_operands_not_booleans(void **state)
{
	(void)state;
	expect_result("parameters.yes and 10 or 1", NODE_INT, "10");
	expect_result("parameters.no and 10 or 1", NODE_INT, "1");
	expect_result("parameters.empty or \"x\"", NODE_STRING, "x");
	expect_result("0 or 0.0 or pipeline.git.tag", NODE_NULL, "");
	expect_result("\"false\" and 1", NODE_INT, "1");
}

static void
test_expr_not_binds_tightest(void **state)
{
	(void)state;
	expect_result("not false and false", NODE_BOOL, "false");
	expect_result("not (false and false)", NODE_BOOL, "true");
	expect_result("not not true", NODE_BOOL, "true");
	expect_result("true or false and false", NODE_BOOL, "true");
	expect_code("not pipeline.git.branch matches /x/", "E_EXPR_TYPE;");
}

static void
test_expr_compares_by_type_and_value(void **state)
{
	(void)state;
	expect_result("1 == 1.0", NODE_BOOL, "true");
	expect_result("\"1\" == 1", NODE_BOOL, "false");
	expect_result("\"1\" != 1", NODE_BOOL, "true");
	expect_result("pipeline.git.tag == pipeline.schedule.id", NODE_BOOL, "true");
	expect_result("pipeline.git.tag == \"\"", NODE_BOOL, "false");
	expect_result("9007199254740993 > 9007199254740992", NODE_BOOL, "true");
	expect_result("-1 < 0.5", NODE_BOOL, "true");
	expect_code("\"1\" < 2", "E_EXPR_TYPE;");
	expect_result("true or \"1\" < 2", NODE_BOOL, "true");
}

static void
test_expr_matches_whole_strings(void **state)
{
	(void)state;
	expect_result("pipeline.git.branch matches /ma.n/", NODE_BOOL, "true");
	expect_result("pipeline.git.branch matches /mai/", NODE_BOOL, "false");
	expect_result("pipeline.git.branch matches /^main$/", NODE_BOOL, "true");
	expect_result("pipeline.git.tag matches /(?:x)?/", NODE_BOOL, "true");
	expect_result("\"a/b\" matches /a\\/b/", NODE_BOOL, "true");
	expect_result("\"a.b\" matches /a\\.b/", NODE_BOOL, "true");
	expect_result("pipeline.git.branch starts-with \"ma\"", NODE_BOOL, "true");
	expect_result("pipeline.git.tag starts-with \"v\"", NODE_BOOL, "false");
	expect_code("1 matches /1/", "E_EXPR_TYPE;");
	expect_code("\"a\" matches /[a&&b]/", "E_REGEX;");
	expect_code("\"a\" matches /(/", "E_REGEX;");
}

static void
test_expr_reads_strings_and_white_space(void **state)
{
	(void)state;
	expect_result("\"a\\\"b\\\\c\\d\"", NODE_STRING, "a\"b\\c\\d");
	expect_result("\n  pipeline.number\n  ==\n  7\n", NODE_BOOL, "true");
	expect_result("( ( 1 ) )", NODE_INT, "1");
}

static void
test_expr_tells_what_is_wrong(void **state)
{
	char deep[300];

	(void)state;
	expect_code("", "E_EXPR_EMPTY;");
	expect_code(" \n", "E_EXPR_EMPTY;");
	expect_code("1 2", "E_EXPR_SYNTAX;");
	expect_code("(1", "E_EXPR_SYNTAX;");
	expect_code("1 ==", "E_EXPR_SYNTAX;");
	expect_code("and 1", "E_EXPR_SYNTAX;");
	expect_code("\"x", "E_EXPR_SYNTAX;");
	expect_code("a == b == c", "E_EXPR_SYNTAX;");
	expect_code("parameters.x", "E_PARAM_UNDECLARED;");
	expect_code("false and pipeline.nothing", "E_VAR_UNKNOWN;");
	expect_code("matrix.x", "E_VAR_UNKNOWN;");
	memset(deep, '(', 299);
	deep[299] = '\0';
	expect_code(deep, "E_EXPR_SYNTAX;");
}

/* ---- tags in text ---- */

static void
expect_filled(const char *yaml, enum node_kind kind, const char *expected)
{
	struct fixture fixture;
	const struct node *value;

	fixture_init(&fixture);
	set_parameters(&fixture);
	value = substitute(fixture.c, &fixture.scope, fixture_tree(&fixture, yaml));
	assert_string_equal(fixture_codes(&fixture), "");
	assert_int_equal(value->kind, kind);
	assert_string_equal(value_text(fixture.c, value), expected);
	fixture_release(&fixture);
}

static void
expect_filled_code(const char *yaml, const char *codes)
{
	struct fixture fixture;

	fixture_init(&fixture);
	set_parameters(&fixture);
	(void)substitute(fixture.c, &fixture.scope, fixture_tree(&fixture, yaml));
	assert_string_equal(fixture_codes(&fixture), codes);
	fixture_release(&fixture);
}

static void
test_substitute_keeps_the_type_of_a_tag_alone(void **state)
{
	(void)state;
	expect_filled("<< parameters.n >>", NODE_INT, "3");
	expect_filled("\" << parameters.n >> \"", NODE_INT, "3");
	expect_filled("\"<< parameters.n >>\\n\"", NODE_STRING, "3\n");
	expect_filled("<< parameters.yes >>", NODE_BOOL, "true");
	expect_filled("x<< parameters.yes >>", NODE_STRING, "xtrue");
	expect_filled("'<< pipeline.git.tag >>'", NODE_NULL, "");
	expect_filled("\"<< parameters.lines >>\"", NODE_STRING, "a\nb");
	expect_filled("'<<parameters.s>><< parameters.n >>'", NODE_STRING, "text3");
}

static void
test_substitute_halves_backslashes_before_tags_only(void **state)
{
	(void)state;
	expect_filled("a \\<< b", NODE_STRING, "a << b");
	expect_filled("a \\\\<< parameters.s >>", NODE_STRING, "a \\text");
	expect_filled("a \\\\\\<< b \\n >>", NODE_STRING, "a \\<< b \\n >>");
	expect_filled("\\<<< x", NODE_STRING, "<<< x");
	expect_filled("\\<<\\<<", NODE_STRING, "<<<<");
}

static void
test_substitute_does_not_look_at_its_results(void **state)
{
	(void)state;
	expect_filled("x << parameters.tag >>", NODE_STRING, "x << parameters.s >>");
	expect_filled("<< parameters.tag >>", NODE_STRING, "<< parameters.s >>");
}

static void
test_substitute_keeps_or_drops_sections(void **state)
{
	(void)state;
	expect_filled("a<<# parameters.yes >>b<< parameters.s >><</ parameters.yes >>c",
		      NODE_STRING, "abtextc");
	expect_filled("a<<# parameters.no >>b<</ parameters.no >>c", NODE_STRING, "ac");
	expect_filled("a<<^ parameters.no >>b<</ parameters.no >>c", NODE_STRING, "abc");
	expect_filled("<<#parameters.yes>>1<<^parameters.n>>2<</parameters.n>>3<</parameters.yes>>",
		      NODE_STRING, "13");
	expect_filled_code("a<<# parameters.yes >>b", "E_SUBST_SECTION;");
	expect_filled_code("a<<# parameters.yes >>b<</ parameters.no >>", "E_SUBST_SECTION;");
	expect_filled_code("a<</ parameters.yes >>", "E_SUBST_SECTION;");
}

static void
test_substitute_tells_what_is_wrong(void **state)
{
	(void)state;
	expect_filled_code("cat <<EOF", "E_SUBST_UNCLOSED;");
	expect_filled_code("1<<2", "E_SUBST_UNCLOSED;");
	expect_filled_code("'cat <<EOF > f x >> y'", "E_SUBST_SYNTAX;");
	expect_filled_code("x << parameters.steps >>", "E_SUBST_NONSCALAR;");
	expect_filled_code("<< nothing >>", "E_VAR_UNKNOWN;");
	expect_filled_code("{\"<< parameters.s >>\": 1}", "E_SUBST_KEY;");
	expect_filled_code("{environment: {\"<< parameters.s >>\": 1}}", "");
}

/* ---- filters ---- */

static bool
keeps(const char *yaml, const char *branch, const char *tag)
{
	struct fixture fixture;
	const struct node *filters;
	bool result;

	fixture_init(&fixture);
	fixture.input.branch = branch;
	fixture.input.tag = tag;
	filters = yaml == NULL ? NULL : fixture_tree(&fixture, yaml);
	result = filter_keeps(fixture.c, filters, &fixture.scope);
	assert_string_equal(fixture_codes(&fixture), "");
	fixture_release(&fixture);
	return result;
}

static void
test_filter_decides_branches(void **state)
{
	(void)state;
	assert_true(keeps(NULL, "main", NULL));
	assert_true(keeps("{tags: {only: x}}", "main", NULL));
	assert_true(keeps("{branches: {only: [dev, /ma.*/]}}", "main", NULL));
	assert_false(keeps("{branches: {only: /mai/}}", "main", NULL));
	assert_false(keeps("{branches: {ignore: main}}", "main", NULL));
	assert_true(keeps("{branches: {only: main, ignore: main}}", "main", NULL));
	assert_false(keeps("{branches: {only: []}}", "main", NULL));
}

static void
test_filter_decides_tags(void **state)
{
	(void)state;
	assert_false(keeps(NULL, NULL, "v1"));
	assert_false(keeps("{branches: {only: /.*/}}", NULL, "v1"));
	assert_false(keeps("{tags: {}}", NULL, "v1"));
	assert_true(keeps("{tags: {only: /v.*/}}", NULL, "v1"));
	assert_true(keeps("{tags: {ignore: v2}}", NULL, "v1"));
	assert_false(keeps("{tags: {ignore: v1}}", NULL, "v1"));
	assert_false(keeps("{tags: {ignore: v1}}", "main", "v1"));
	assert_true(keeps("{branches: {only: main}, tags: {ignore: v1}}", "main", "v1"));
}

/* ---- small grammars ---- */

static void
test_cron_takes_five_plain_fields(void **state)
{
	struct cron cron;

	(void)state;
	assert_true(cron_parse(&cron, "0 0 * * *"));
	assert_true(cron_parse(&cron, "0,30 1-5 1 jan Mon,FRI"));
	assert_false(cron_parse(&cron, "*/5 * * * *"));
	assert_false(cron_parse(&cron, "0 0 * *"));
	assert_false(cron_parse(&cron, "0 0 * * * *"));
	assert_false(cron_parse(&cron, "60 0 * * *"));
	assert_false(cron_parse(&cron, "1,2-3 0 * * *"));
	assert_false(cron_parse(&cron, "0 0 * * 1-5"));
	assert_false(cron_parse(&cron, "0 0 0 * *"));
	assert_false(cron_parse(&cron, ""));
}

/* Unix milliseconds of a time in UTC. */
static int64_t
at(int year, int month, int day, int hour, int minute)
{
	struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour,
			.tm_min = minute};

	return (int64_t)timegm(&tm) * 1000;
}

static int64_t
next(const char *text, int64_t after)
{
	struct cron cron;

	assert_true(cron_parse(&cron, text));
	return cron_next(&cron, after);
}

static void
test_cron_next_is_the_first_minute_that_fits(void **state)
{
	int64_t noon = at(2026, 1, 31, 12, 0); /* a Saturday */

	(void)state;
	assert_int_equal(next("* * * * *", noon), noon + 60000);
	assert_int_equal(next("* * * * *", noon - 1), noon);
	assert_int_equal(next("* * * * *", noon + 59999), noon + 60000);
	assert_int_equal(next("0 12 * * *", noon), at(2026, 2, 1, 12, 0));
	assert_int_equal(next("30,15 10-12 * * *", noon), at(2026, 1, 31, 12, 15));
	assert_int_equal(next("0 0 1 jan *", noon), at(2027, 1, 1, 0, 0));
	assert_int_equal(next("0 0 * * sun", noon), at(2026, 2, 1, 0, 0));
	assert_int_equal(next("0 0 * * 7", noon), at(2026, 2, 1, 0, 0));
	assert_int_equal(next("0 0 15 * mon", noon), at(2026, 2, 2, 0, 0));
	assert_int_equal(next("0 0 31 * *", at(2026, 1, 31, 0, 0)), at(2026, 3, 31, 0, 0));
	assert_int_equal(next("0 0 29 2 *", at(2096, 3, 1, 0, 0)), at(2104, 2, 29, 0, 0));
	assert_int_equal(next("0 0 30 2 *", noon), -1);
}

static void
test_value_float_text_is_shortest(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {{1.1, "1.1"},
		    {1.0, "1.0"},
		    {100000.0, "100000.0"},
		    {0.1, "0.1"},
		    {0.00012, "0.00012"},
		    {1e16, "1.0e+16"},
		    {1.5e-7, "1.5e-07"},
		    {-2.5, "-2.5"},
		    {1.0 / 3, "0.3333333333333333"},
		    {123456.789, "123456.789"}};
	char room[40];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(value_float_text(room, rows[i].value), rows[i].text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expr_gives_operands_not_booleans),
		cmocka_unit_test(test_expr_not_binds_tightest),
		cmocka_unit_test(test_expr_compares_by_type_and_value),
		cmocka_unit_test(test_expr_matches_whole_strings),
		cmocka_unit_test(test_expr_reads_strings_and_white_space),
		cmocka_unit_test(test_expr_tells_what_is_wrong),
		cmocka_unit_test(test_substitute_keeps_the_type_of_a_tag_alone),
		cmocka_unit_test(test_substitute_halves_backslashes_before_tags_only),
		cmocka_unit_test(test_substitute_does_not_look_at_its_results),
		cmocka_unit_test(test_substitute_keeps_or_drops_sections),
		cmocka_unit_test(test_substitute_tells_what_is_wrong),
		cmocka_unit_test(test_filter_decides_branches),
		cmocka_unit_test(test_filter_decides_tags),
		cmocka_unit_test(test_cron_takes_five_plain_fields),
		cmocka_unit_test(test_cron_next_is_the_first_minute_that_fits),
		cmocka_unit_test(test_value_float_text_is_shortest),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
