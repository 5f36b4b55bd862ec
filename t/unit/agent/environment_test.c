/*
 * environment_test.c - which variable wins, and where a path leads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "agent/environment.h"
#include "agent/step.h"
#include "base/arena.h"
#include "base/err.h"
#include "task/task_doc.h"

static int
setup(void **state)
{
	static struct arena arena;

	arena_init(&arena, 1 << 20);
	*state = &arena;
	return 0;
}

static int
teardown(void **state)
{
	arena_release(*state);
	return 0;
}

static void
test_environment_make_lets_the_later_layer_win(void **state)
{
	const struct env_var low[] = {{"B", "low"}, {"A", "low"}, {"C", "low"}};
	const struct env_var high[] = {{"C", "first"}, {"B", "high"}, {"C", "last=1"}};
	const struct env_layer layers[] = {{low, 3}, {NULL, 0}, {high, 3}};
	const char *const *env;
	struct err err = ERR_INIT;

	assert_int_equal(environment_make(&env, *state, layers, 3, &err), 0);
	assert_string_equal(env[0], "A=low");
	assert_string_equal(env[1], "B=high");
	assert_string_equal(env[2], "C=last=1");
	assert_null(env[3]);
}

static void
test_environment_make_says_limit_when_the_arena_is_full(void **state)
{
	const struct env_var var = {"NAME",
				    "a value that is longer than what there is room for, by far"};
	const struct env_layer layer = {&var, 1};
	const char *const *env;
	struct err err = ERR_INIT;
	struct arena small;

	(void)state;
	arena_init(&small, 48);
	assert_int_equal(environment_make(&env, &small, &layer, 1, &err), ERR_LIMIT);
	arena_release(&small);
}

static void
test_environment_path_knows_home_and_base(void **state)
{
	struct arena *arena = *state;

	assert_string_equal(environment_path(arena, "/h", "/b", "~"), "/h");
	assert_string_equal(environment_path(arena, "/h", "/b", "~/x"), "/h/x");
	assert_string_equal(environment_path(arena, "/h", "/b", "/x"), "/x");
	assert_string_equal(environment_path(arena, "/h", "/b", "x/y"), "/b/x/y");
	assert_string_equal(environment_path(arena, "/h", "/b", "."), "/b");
	assert_string_equal(environment_path(arena, "/h", "/b", "~x"), "/b/~x");
}

static void
test_environment_search_path_has_absolute_parts_only(void **state)
{
	struct arena *arena = *state;

	assert_string_equal(environment_search_path(arena, "/a:b::/c:."), "/a:/c");
	assert_string_equal(environment_search_path(arena, "/a"), "/a");
	assert_string_equal(environment_search_path(arena, "."),
			    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	assert_string_equal(environment_search_path(arena, NULL),
			    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

static void
test_step_silence_text_writes_durations_as_go_does(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} cases[] = {{600000, "10m0s"},	   {3600000, "1h0m0s"}, {1500, "1.5s"},	   {300, "300ms"},
		     {5400000, "1h30m0s"}, {20000, "20s"},	{61250, "1m1.25s"}};
	char room[RUNNER_REASON_BYTES], wanted[RUNNER_REASON_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(wanted, sizeof(wanted),
			       "Too long with no output (exceeded %s): context deadline exceeded",
			       cases[i].text);
		assert_string_equal(step_silence_text(room, cases[i].ms), wanted);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_step_silence_text_writes_durations_as_go_does),
		cmocka_unit_test_setup_teardown(test_environment_make_lets_the_later_layer_win,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_environment_make_says_limit_when_the_arena_is_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_environment_path_knows_home_and_base, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_environment_search_path_has_absolute_parts_only, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
