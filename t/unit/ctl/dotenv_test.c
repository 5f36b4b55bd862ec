/*
 * dotenv_test.c - files of variables: quotes, comments, lines, and what is none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/err.h"
#include "ctl/dotenv.h"
#include "ctl/environment.h"

static void
test_dotenv_takes_values_of_all_forms(void **state)
{
	static const struct {
		const char *text, *value;
	} cases[] = {
		{"A=b", "b"},
		{"\n# x\n  export A=b  \r\n", "b"},
		{"A= b c # comment", "b c"},
		{"A=b#c", "b#c"},
		{"A=#c", ""},
		{"A=", ""},
		{"A='b # \\n \"c\"' # comment", "b # \\n \"c\""},
		{"A=\"b\\n\\t\\\"\\\\\\$c\\q\"", "b\n\t\"\\$c\\q"},
		{"A='-----BEGIN\nx\r\n-----END\n'\n", "-----BEGIN\nx\r\n-----END\n"},
		{"A=$HOME", "$HOME"},
		{"A=b=c", "b=c"},
		{"A=1\nA=2\n", "2"},
		{"A=b'c", "b'c"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct environment environment = {NULL, 0};
		struct err err = ERR_INIT;

		if (dotenv_parse(&environment, cases[i].text, &err) < 0)
			fail_msg("'%s': %s", cases[i].text, err.text);
		assert_int_equal(environment.count, 1);
		assert_string_equal(environment.pairs[0].name, "A");
		assert_string_equal(environment.pairs[0].value, cases[i].value);
		environment_release(&environment);
	}
}

static void
test_dotenv_says_the_line_and_not_the_value_when_it_is_wrong(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{"A=1\nsecret", "line 2: a line is written NAME=VALUE"},
		{"A", "line 1: a line is written NAME=VALUE"},
		{"A =1", "line 1: a line is written NAME=VALUE"},
		{"=1", "line 1: a line is written NAME=VALUE"},
		{"export", "line 1: a line is written NAME=VALUE"},
		{"A='x\ny\nB=1", "line 1: the quote that begins here does not end"},
		{"A=\"secret\\\"", "line 1: the quote that begins here does not end"},
		{"A='x\n' secret", "line 2: there is more behind the closing quote"},
		{"1A=secret", "line 1: "},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct environment environment = {NULL, 0};
		struct err err = ERR_INIT;

		assert_int_equal(dotenv_parse(&environment, cases[i].text, &err), ERR_INPUT);
		if (strncmp(err.text, cases[i].said, strlen(cases[i].said)) != 0)
			fail_msg("'%s' is said to be: %s", cases[i].text, err.text);
		assert_null(strstr(err.text, "secret"));
		environment_release(&environment);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dotenv_takes_values_of_all_forms),
		cmocka_unit_test(test_dotenv_says_the_line_and_not_the_value_when_it_is_wrong),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
