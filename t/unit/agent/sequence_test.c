/*
 * sequence_test.c - which step comes next, for every kind of end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/sequence.h"
#include "task/task_doc.h"

/* Each step ends as told; the result is one letter a step: r ran, s skipped. */
static void
play(const struct task_step *steps, size_t count, const enum outcome *ends, const char *wanted,
     bool fails)
{
	struct task_doc doc = {.steps = (struct task_step *)(uintptr_t)steps, .step_count = count};
	struct sequence sequence = SEQUENCE_INIT;
	enum sequence_what what;
	size_t at = 0;

	while ((what = sequence_next(&sequence, &doc)) != SEQUENCE_FINISH) {
		uint32_t step = sequence.step;

		assert_int_equal(step, at);
		assert_int_equal(wanted[at++], what == SEQUENCE_START ? 'r' : 's');
		if (what == SEQUENCE_SKIP || steps[step].background)
			sequence_pass(&sequence);
		if (what == SEQUENCE_START)
			sequence_note_end(&sequence, &doc, step, 1, ends[step], 0);
	}
	assert_int_equal(at, count);
	assert_int_equal(sequence.failed, fails);
}

static void
test_sequence_runs_steps_in_order(void **state)
{
	const struct task_step steps[] = {{0}, {.when = WHEN_ALWAYS}, {.when = WHEN_ON_FAIL}};
	const enum outcome ends[] = {OUTCOME_SUCCESS, OUTCOME_SUCCESS, OUTCOME_SUCCESS};

	(void)state;
	play(steps, 3, ends, "rrs", false);
}

static void
test_sequence_skips_after_a_failure_what_is_not_meant_for_it(void **state)
{
	const struct task_step steps[] = {
		{0}, {0}, {.when = WHEN_ON_FAIL}, {.when = WHEN_ALWAYS}, {0}};
	const enum outcome ends[] = {OUTCOME_FAILED, OUTCOME_SUCCESS, OUTCOME_SUCCESS,
				     OUTCOME_SUCCESS, OUTCOME_SUCCESS};

	(void)state;
	play(steps, 5, ends, "rsrrs", true);
}

static void
test_sequence_fails_by_an_always_step(void **state)
{
	const struct task_step steps[] = {{0}, {.when = WHEN_ALWAYS}, {0}};
	const enum outcome ends[] = {OUTCOME_SUCCESS, OUTCOME_FAILED, OUTCOME_SUCCESS};

	(void)state;
	play(steps, 3, ends, "rrs", true);
}

static void
test_sequence_does_not_fail_by_a_background_step(void **state)
{
	const struct task_step steps[] = {{.background = true}, {0}};
	const enum outcome ends[] = {OUTCOME_FAILED, OUTCOME_SUCCESS};

	(void)state;
	play(steps, 2, ends, "rr", false);
}

static void
test_sequence_repeats_a_failing_step_after_its_delay(void **state)
{
	struct task_step steps[] = {{.max_auto_reruns = 2, .auto_rerun_delay_ms = 500}, {0}};
	struct task_doc doc = {.steps = steps, .step_count = 2};
	struct sequence sequence = SEQUENCE_INIT;

	(void)state;
	sequence_note_end(&sequence, &doc, 0, 1, OUTCOME_FAILED, 1000);
	assert_int_equal(sequence.step, 0);
	assert_int_equal(sequence.attempt, 2);
	assert_int_equal(sequence.again_ms, 1500);
	assert_false(sequence.failed);
	assert_int_equal(sequence_next(&sequence, &doc), SEQUENCE_START);
	sequence_note_end(&sequence, &doc, 0, 2, OUTCOME_FAILED, 2000);
	assert_int_equal(sequence.attempt, 3);
	sequence_note_end(&sequence, &doc, 0, 3, OUTCOME_FAILED, 3000);
	assert_int_equal(sequence.step, 1);
	assert_int_equal(sequence.attempt, 1);
	assert_int_equal(sequence.again_ms, 0);
	assert_true(sequence.failed);
	assert_int_equal(sequence_next(&sequence, &doc), SEQUENCE_SKIP);
}

static void
test_sequence_goes_on_when_the_repeated_step_succeeds(void **state)
{
	struct task_step steps[] = {{.max_auto_reruns = 1}, {0}};
	struct task_doc doc = {.steps = steps, .step_count = 2};
	struct sequence sequence = SEQUENCE_INIT;

	(void)state;
	sequence_note_end(&sequence, &doc, 0, 1, OUTCOME_FAILED, 1);
	sequence_note_end(&sequence, &doc, 0, 2, OUTCOME_SUCCESS, 2);
	assert_false(sequence.failed);
	assert_int_equal(sequence.step, 1);
	assert_int_equal(sequence_next(&sequence, &doc), SEQUENCE_START);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequence_runs_steps_in_order),
		cmocka_unit_test(test_sequence_skips_after_a_failure_what_is_not_meant_for_it),
		cmocka_unit_test(test_sequence_fails_by_an_always_step),
		cmocka_unit_test(test_sequence_does_not_fail_by_a_background_step),
		cmocka_unit_test(test_sequence_repeats_a_failing_step_after_its_delay),
		cmocka_unit_test(test_sequence_goes_on_when_the_repeated_step_succeeds),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
