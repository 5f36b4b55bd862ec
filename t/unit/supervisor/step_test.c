/*
 * step_test.c - the table of steps: found, full, forgotten; a state changes only as allowed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/step.h"

static struct steps steps;

static struct step *
take(uint32_t number, pid_t pid)
{
	struct step *step = steps_room(&steps);

	assert_non_null(step);
	*step = (struct step){.step = number, .pid = pid, .pipe_fd = -1, .memfd = -1};
	step_enter(step, INIT_STEP_RUNNING);
	return step;
}

static int
empty(void **state)
{
	(void)state;
	steps = (struct steps){.used = 0};
	return 0;
}

static void
test_steps_finds_by_number_and_by_process(void **state)
{
	struct step *first = take(3, 100), *second = take(4, 101);

	(void)state;
	assert_ptr_equal(steps_find(&steps, 3, 0), first);
	assert_ptr_equal(steps_find(&steps, 4, 0), second);
	assert_null(steps_find(&steps, 3, 1));
	assert_ptr_equal(steps_find_pid(&steps, 101), second);
	step_enter(second, INIT_STEP_EXITED);
	assert_null(steps_find_pid(&steps, 101)); /* the number may be another's by now */
	assert_int_equal(steps_count(&steps), 2);
}

static void
test_steps_room_ends_at_the_limit_and_comes_back_with_an_ack(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 0; i < SUPERVISOR_STEPS_MOST; i++)
		(void)take(i, (pid_t)(1000 + i));
	assert_null(steps_room(&steps));
	step_enter(steps_find(&steps, 5, 0), INIT_STEP_EXITED);
	assert_null(steps_room(&steps));
	step_forget(steps_find(&steps, 5, 0));
	assert_null(steps_find(&steps, 5, 0));
	assert_ptr_equal(take(500, 7), &steps.slots[5]);
	assert_null(steps_room(&steps));
}

static void
test_step_forget_closes_what_it_holds(void **state)
{
	struct step *step = take(1, 100);
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	step->pipe_fd = ends[0];
	step->memfd = ends[1];
	step_enter(step, INIT_STEP_TERMINATING);
	step_enter(step, INIT_STEP_KILLED);
	step_enter(step, INIT_STEP_EXITED);
	step_forget(step);
	assert_int_equal(fcntl(ends[0], F_GETFD), -1);
	assert_int_equal(fcntl(ends[1], F_GETFD), -1);
	assert_int_equal(steps_count(&steps), 0);
	assert_null(steps_next(&steps, NULL));
}

/* Does the change abort? In a child: an assertion is the end. */
static int
aborts(enum init_step from, enum init_step to)
{
	struct step step = {.state = from};
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		(void)close(STDERR_FILENO);
		step_enter(&step, to);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
test_step_enter_holds_to_the_allowed_changes(void **state)
{
	/* rows: from, columns: to, in the order of the contract */
	static const char *const allowed[] = {".R...F", "..TKE.", "...KE.",
					      "....E.", "f.....", "f....."};
	unsigned from, to;

	(void)state;
	for (from = 0; from < INIT_STEP_COUNT; from++)
		for (to = 0; to < INIT_STEP_COUNT; to++)
			assert_int_equal(aborts((enum init_step)from, (enum init_step)to),
					 allowed[from][to] == '.');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_steps_finds_by_number_and_by_process, empty),
		cmocka_unit_test_setup(test_steps_room_ends_at_the_limit_and_comes_back_with_an_ack,
				       empty),
		cmocka_unit_test_setup(test_step_forget_closes_what_it_holds, empty),
		cmocka_unit_test(test_step_enter_holds_to_the_allowed_changes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
