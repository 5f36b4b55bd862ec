/*
 * number_test.c - decimal numbers to text and back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "supervisor/number.h"

static void
test_number_write_gives_what_read_takes(void **state)
{
	static const struct {
		uint32_t value;
		const char *text;
	} cases[] = {{0, "0"},
		     {7, "7"},
		     {10, "10"},
		     {99, "99"},
		     {100, "100"},
		     {4194304, "4194304"},
		     {4294967295, "4294967295"}};
	char room[NUMBER_TEXT_BYTES];
	uint32_t value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(*number_write(room, cases[i].value), 0);
		assert_string_equal(room, cases[i].text);
		assert_true(number_parse(room, &value));
		assert_int_equal(value, cases[i].value);
	}
}

static void
test_number_read_stops_behind_the_digits_and_parse_does_not(void **state)
{
	uint32_t value = 5;

	(void)state;
	assert_true(number_read("12 34", &value));
	assert_int_equal(value, 12);
	assert_false(number_parse("12 34", &value));
	assert_false(number_parse("", &value));
	assert_false(number_parse("-1", &value));
	assert_false(number_parse("+1", &value));
	assert_false(number_parse(" 1", &value));
	assert_false(number_read("x", &value));
	assert_false(number_parse("4294967296", &value));
	assert_false(number_parse("18446744073709551617", &value));
	assert_int_equal(value, 12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number_write_gives_what_read_takes),
		cmocka_unit_test(test_number_read_stops_behind_the_digits_and_parse_does_not),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
