/*
 * orb_ref_test.c - references to orbs: their form, which version one means, no way out of a
 * directory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compile/orb_ref.h"

static void
test_orb_ref_has_namespace_name_and_version(void **state)
{
	static const char *const good[] = {"circleci/node@5", "circleci/node@5.1.2",
					   "circleci/node@volatile", "circleci/node@dev:a.b-c",
					   "a-1/b_2@0.0.0"};
	static const char *const bad[] = {
		"circleci/node",      "circleci/node@",	     "circleci/node@1.2.3.4",
		"circleci/node@1.",   "circleci/node@v1",    "c/node@1",
		"Circleci/node@1",    "circleci/node@dev:",  "circleci/node@dev:a/b",
		"circleci/node@1/2",  "../node@1",	     "circleci/..@1",
		"circleci/n/o@1",     "circleci/node@1\n",   "/circleci/node@1",
		"circleci/node@1 ",   "circleci/node@../x",  "circleci/node@1234567890",
		"circleci/node@-1.0", "circleci/node@1.2.x", ""};
	struct orb_ref ref;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(orb_ref_parse(&ref, good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(orb_ref_parse(&ref, bad[i]));
}

static void
test_orb_ref_refuses_parts_that_are_too_long(void **state)
{
	char text[600];
	struct orb_ref ref;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text + 200, "/ab@1", 6);
	assert_false(orb_ref_parse(&ref, text));
	memcpy(text, "ab/cd@dev:", 10);
	memset(text + 10, 'a', sizeof(text) - 10);
	text[sizeof(text) - 1] = '\0';
	assert_false(orb_ref_parse(&ref, text));
}

static void
expect_accepts(const char *reference, const char *version, int accepts)
{
	struct orb_ref ref;
	struct orb_version exact;

	assert_true(orb_ref_parse(&ref, reference));
	assert_true(orb_version_parse(&exact, version));
	assert_int_equal(orb_ref_accepts(&ref, &exact), accepts);
}

static void
test_orb_ref_accepts_what_it_begins(void **state)
{
	(void)state;
	expect_accepts("ns/orb@1", "1.9.0", 1);
	expect_accepts("ns/orb@1", "10.0.0", 0);
	expect_accepts("ns/orb@1.2", "1.2.0", 1);
	expect_accepts("ns/orb@1.2", "1.20.0", 0);
	expect_accepts("ns/orb@1.2.3", "1.2.3", 1);
	expect_accepts("ns/orb@volatile", "0.0.1", 1);
	expect_accepts("ns/orb@volatile", "dev:a", 0);
	expect_accepts("ns/orb@dev:a", "dev:a", 1);
	expect_accepts("ns/orb@dev:a", "dev:ab", 0);
	expect_accepts("ns/orb@1", "1.2", 0);
}

static void
test_orb_versions_are_ordered_by_number(void **state)
{
	static const char *const rising[] = {"dev:a", "dev:b", "0.0.9", "0.0.10",
					     "0.1.0", "2.0.0", "10.0.0"};
	struct orb_version a, b;
	size_t i;

	(void)state;
	for (i = 1; i < sizeof(rising) / sizeof(rising[0]); i++) {
		assert_true(orb_version_parse(&a, rising[i - 1]));
		assert_true(orb_version_parse(&b, rising[i]));
		assert_true(orb_version_order(&a, &b) < 0);
		assert_true(orb_version_order(&b, &a) > 0);
		assert_int_equal(orb_version_order(&a, &a), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orb_ref_has_namespace_name_and_version),
		cmocka_unit_test(test_orb_ref_refuses_parts_that_are_too_long),
		cmocka_unit_test(test_orb_ref_accepts_what_it_begins),
		cmocka_unit_test(test_orb_versions_are_ordered_by_number),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
