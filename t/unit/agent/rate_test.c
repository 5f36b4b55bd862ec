/*
 * rate_test.c - a bucket fills evenly, holds a second's worth, and says when to come again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/rate.h"

enum { SECOND_US = 1000000, BEGIN_US = 77 };

static void
test_rate_gives_a_second_at_once_and_then_evenly(void **state)
{
	struct rate rate;

	(void)state;
	rate_init(&rate, 100000, BEGIN_US);
	assert_int_equal(rate_room(&rate, BEGIN_US), 100000);
	rate_spend(&rate, 100000);
	assert_int_equal(rate_room(&rate, BEGIN_US), 0);
	assert_int_equal(rate_room(&rate, BEGIN_US + SECOND_US / 10), 10000);
	assert_int_equal(rate_room(&rate, BEGIN_US + 3600ull * SECOND_US), 100000);
}

static void
test_rate_loses_nothing_to_rounding(void **state)
{
	uint64_t now = BEGIN_US, got = 0, room;
	struct rate rate;

	(void)state;
	rate_init(&rate, 1024, now);
	rate_spend(&rate, 1024);
	while (now < BEGIN_US + 10 * SECOND_US) {
		now += 700; /* less than a byte's time */
		room = rate_room(&rate, now);
		rate_spend(&rate, room);
		got += room;
	}
	assert_in_range(got, 6000, 10240);
}

static void
test_rate_is_due_when_enough_is_there(void **state)
{
	struct rate rate;
	uint64_t due;

	(void)state;
	rate_init(&rate, 100000, BEGIN_US);
	assert_int_equal(rate_due_us(&rate, BEGIN_US), BEGIN_US);
	rate_spend(&rate, 100000);
	due = rate_due_us(&rate, BEGIN_US);
	assert_in_range(due, BEGIN_US + 40000, BEGIN_US + 41000);
	assert_in_range(rate_room(&rate, due), 4096, 4200);
	rate_init(&rate, 1024, BEGIN_US);
	rate_spend(&rate, 1024);
	assert_true(rate_due_us(&rate, BEGIN_US) <= BEGIN_US + SECOND_US + 1);
}

static void
test_rate_without_a_limit_gives_all(void **state)
{
	struct rate rate;

	(void)state;
	rate_init(&rate, 0, BEGIN_US);
	rate_spend(&rate, 1 << 30);
	assert_true(rate_room(&rate, BEGIN_US) == UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate_gives_a_second_at_once_and_then_evenly),
		cmocka_unit_test(test_rate_loses_nothing_to_rounding),
		cmocka_unit_test(test_rate_is_due_when_enough_is_there),
		cmocka_unit_test(test_rate_without_a_limit_gives_all),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
