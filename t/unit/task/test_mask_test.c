/* What a job's step says of tests, without secrets: src/task/test_mask.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "task/mask.h"
#include "task/test_case.h"
#include "task/test_mask.h"

static void
check(const char *secret, const char *lines, const char *wanted)
{
	struct buffer out = BUFFER_INIT;
	struct mask *mask = mask_new();
	struct err err = ERR_INIT;

	assert_int_equal(mask_add(mask, secret, strlen(secret), &err), 0);
	assert_int_equal(test_mask_lines(&out, mask, lines, strlen(lines), &err), 0);
	assert_string_equal(buffer_text(&out), wanted);
	buffer_release(&out);
	mask_free(mask);
}

#define LINE(name, message)                                                                        \
	"{\"name\":\"" name "\",\"result\":\"failure\",\"message\":\"" message "\"}\n"

static void
test_every_text_is_masked_but_the_file(void **state)
{
	(void)state;
	check("hunter2",
	      "{\"name\":\"a[hunter2]\",\"classname\":\"hunter2\",\"file\":\"t/hunter2.py\","
	      "\"source\":\"hunter2!\",\"result\":\"success\",\"flaky\":true,\"run_time_us\":7,"
	      "\"message\":\"is hunter2, is hunter2\"}\n" LINE("b", "no"),
	      "{\"name\":\"a[****]\",\"classname\":\"****\",\"file\":\"t/hunter2.py\","
	      "\"source\":\"****!\",\"result\":\"success\",\"flaky\":true,\"run_time_us\":7,"
	      "\"message\":\"is ****, is ****\"}\n" LINE("b", "no"));
}

/* Names of members, results, what JSON escapes: the lines stay lines of tests. */
static void
test_a_secret_is_found_in_what_a_text_says_not_in_how_it_is_written(void **state)
{
	(void)state;
	check("name", LINE("a name", "name"), LINE("a ****", "****"));
	check("failure", LINE("failure", "a"), LINE("****", "a"));
	check("nose", LINE("a", "the\\nose\\nnose"), LINE("a", "the\\nose\\n****"));
	check("a\"b\\c", LINE("a", "a\\\"b\\\\c"), LINE("a", "****"));
	check("a\"b\\c", LINE("a", "a\\\\\\\"b\\\\\\\\c"), LINE("a", "****"));
	check("\xa9"
	      "abc",
	      LINE("a", "\xc3\xa9"
			"abcd"),
	      LINE("a", "?****d"));
}

static void
test_a_text_that_was_cut_has_no_beginning_of_a_secret(void **state)
{
	(void)state;
	check("hunter2", LINE("a", "is hunt" TEST_CUT_END), LINE("a", "is " TEST_CUT_END));
	check("hunter2", LINE("a", "is hunter2" TEST_CUT_END), LINE("a", "is " TEST_CUT_END));
	check("hunter2", LINE("a", "is it" TEST_CUT_END), LINE("a", "is it" TEST_CUT_END));
	check("hunter2", LINE("a", "is hunt"), LINE("a", "is hunt"));
}

static void
test_a_line_that_is_none_of_a_test_is_refused(void **state)
{
	static const char *const bad[] = {"x\n", "{\"name\":\"a\"}\n", "{\"result\":\"success\"}\n",
					  "{\"name\":\"a\",\"result\":\"success\"}"};
	struct buffer out = BUFFER_INIT;
	struct mask *mask = mask_new();
	struct buffer lines = BUFFER_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = ERR_INIT;

		buffer_clear(&lines);
		buffer_puts(&lines, LINE("a", "b"));
		buffer_puts(&lines, bad[i]);
		assert_int_equal(test_mask_lines(&out, mask, (const char *)lines.data, lines.len,
						 &err),
				 ERR_INPUT);
		assert_int_equal(strncmp(err.text, "line 2: ", 8), 0);
	}
	buffer_release(&lines);
	buffer_release(&out);
	mask_free(mask);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_text_is_masked_but_the_file),
		cmocka_unit_test(
			test_a_secret_is_found_in_what_a_text_says_not_in_how_it_is_written),
		cmocka_unit_test(test_a_text_that_was_cut_has_no_beginning_of_a_secret),
		cmocka_unit_test(test_a_line_that_is_none_of_a_test_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
