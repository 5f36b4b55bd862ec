/* The way out of a terminal: src/ctl/terminal.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "ctl/terminal.h"

/* What goes on of typed keys, one by one and all at once. */
static void
check(const char *typed, const char *wanted, bool leaves)
{
	struct escape by_one = ESCAPE_INIT, at_once = ESCAPE_INIT;
	char room[64], all[64] = "";
	size_t len, i, n;
	bool left = false;

	for (i = 0; typed[i] != '\0' && !left; i++) {
		left = escape_filter(&by_one, typed + i, 1, room, &len);
		strncat(all, room, len);
	}
	assert_string_equal(all, wanted);
	assert_int_equal(left, leaves);
	n = strlen(typed);
	assert_int_equal(escape_filter(&at_once, typed, n, room, &len), leaves);
	assert_int_equal(len, strlen(wanted));
	assert_memory_equal(room, wanted, len);
}

static void
test_escape_filter_leaves_behind_the_beginning_of_a_line_alone(void **state)
{
	(void)state;
	check("ls\r", "ls\r", false);
	check("~.", "", true);
	check("ls\r~.x", "ls\r", true);
	check("a~.b\r", "a~.b\r", false);
	check("\r~~.\r", "\r~.\r", false);
	check("\r~/bin\r", "\r~/bin\r", false);
	check("\n~", "\n", false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape_filter_leaves_behind_the_beginning_of_a_line_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
