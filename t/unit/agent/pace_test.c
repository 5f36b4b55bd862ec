/*
 * pace_test.c - when the next request of one kind may leave.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/pace.h"
#include "base/err.h"
#include "loop/clock.h"
#include "loop/loop.h"

enum { GAP_MS = 20, WANTS = 3 };

struct bench {
	struct loop *loop;
	struct pace pace;
	unsigned calls;
	uint64_t at_us[WANTS];
};

static void
on_due(void *arg)
{
	struct bench *bench = arg;

	bench->at_us[bench->calls++] = clock_monotonic_us();
	pace_sent(&bench->pace);
	if (bench->calls == WANTS)
		loop_stop(bench->loop);
	else
		pace_want(&bench->pace);
}

static void
start(struct bench *bench)
{
	struct err err = ERR_INIT;

	bench->calls = 0;
	assert_int_equal(loop_new(&bench->loop, &err), 0);
	pace_init(&bench->pace, bench->loop, GAP_MS, on_due, bench);
}

static void
finish(struct bench *bench)
{
	pace_release(&bench->pace);
	loop_free(bench->loop);
}

static void
test_pace_want_runs_once_for_many_wants_and_keeps_the_gap(void **state)
{
	struct bench bench;
	uint64_t begin_us = clock_monotonic_us();

	(void)state;
	start(&bench);
	pace_want(&bench.pace);
	pace_want(&bench.pace);
	loop_run(bench.loop);
	assert_int_equal(bench.calls, WANTS);
	/* The kernel's timers never fire early by more than their grain. */
	assert_true(bench.at_us[2] - begin_us >= (uint64_t)2 * (GAP_MS - 1) * 1000);
	finish(&bench);
}

static void
test_pace_hurry_keeps_no_gap_but_the_wait_of_failures(void **state)
{
	struct bench bench;

	(void)state;
	start(&bench);
	pace_sent(&bench.pace);
	pace_want(&bench.pace);
	assert_true(bench.pace.earliest_us > loop_now_us(bench.loop));
	pace_hurry(&bench.pace);
	assert_true(bench.pace.earliest_us <= loop_now_us(bench.loop));
	(void)pace_failed(&bench.pace, 0);
	pace_hurry(&bench.pace);
	assert_true(bench.pace.earliest_us > loop_now_us(bench.loop));
	finish(&bench);
}

static void
test_pace_failed_doubles_the_wait_up_to_its_ceiling(void **state)
{
	struct bench bench;
	uint64_t expected = PACE_FIRST_MS, wait_ms;
	int i;

	(void)state;
	start(&bench);
	for (i = 0; i < 12; i++) {
		wait_ms = pace_failed(&bench.pace, 0);
		assert_in_range(wait_ms, expected, expected + expected / 4);
		expected = expected * 2 < PACE_MOST_MS ? expected * 2 : PACE_MOST_MS;
	}
	assert_true(pace_ok(&bench.pace));
	assert_false(pace_ok(&bench.pace));
	assert_in_range(pace_failed(&bench.pace, 0), PACE_FIRST_MS,
			PACE_FIRST_MS + PACE_FIRST_MS / 4);
	finish(&bench);
}

static void
test_pace_failed_waits_as_long_as_the_peer_asks(void **state)
{
	struct bench bench;

	(void)state;
	start(&bench);
	assert_in_range(pace_failed(&bench.pace, 5000), 5000, 6250);
	finish(&bench);
}

static void
test_pace_resume_ends_the_wait_of_failures_alone(void **state)
{
	struct bench bench;

	(void)state;
	start(&bench);
	(void)pace_failed(&bench.pace, 5000);
	pace_resume(&bench.pace);
	assert_int_equal(bench.pace.earliest_us, 0);
	assert_in_range(pace_failed(&bench.pace, 0), PACE_FIRST_MS,
			PACE_FIRST_MS + PACE_FIRST_MS / 4);
	(void)pace_ok(&bench.pace);
	pace_sent(&bench.pace);
	pace_resume(&bench.pace);
	assert_true(bench.pace.earliest_us > loop_now_us(bench.loop));
	finish(&bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pace_want_runs_once_for_many_wants_and_keeps_the_gap),
		cmocka_unit_test(test_pace_hurry_keeps_no_gap_but_the_wait_of_failures),
		cmocka_unit_test(test_pace_failed_doubles_the_wait_up_to_its_ceiling),
		cmocka_unit_test(test_pace_failed_waits_as_long_as_the_peer_asks),
		cmocka_unit_test(test_pace_resume_ends_the_wait_of_failures_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
