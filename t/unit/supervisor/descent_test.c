/*
 * descent_test.c - who comes from us, by /proc; nobody else is signaled.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/descent.h"

static pid_t
sleeper(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		for (;;)
			(void)pause();
	}
	return pid;
}

static void
test_descent_knows_children_from_others(void **state)
{
	pid_t child = sleeper();

	(void)state;
	assert_int_equal(descent_of(child), DESCENT_YES);
	assert_int_equal(descent_of(getppid()), DESCENT_NO);
	assert_int_equal(descent_of(1), DESCENT_NO);
	(void)kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(descent_of(child), DESCENT_UNKNOWN);
}

/* A grandchild in a session of its own, with a name made to confuse, whose parent has gone. */
static void
test_descent_signal_reaches_grandchildren_in_other_sessions(void **state)
{
	struct descent_count count;
	pid_t child;
	int status, ends[2];
	char byte;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		if (fork() == 0) {
			(void)setsid();
			(void)prctl(PR_SET_NAME, "a) R 1 (b", 0, 0, 0);
			(void)!write(ends[1], "x", 1);
			for (;;)
				(void)pause();
		}
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(descent_signal(SIGTERM, &count), 0);
	assert_int_equal(count.signaled, 1);
	assert_int_equal(count.refused, 0);
	assert_true(wait(&status) > 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_int_equal(descent_signal(SIGTERM, &count), 0);
	assert_int_equal(count.signaled, 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descent_knows_children_from_others),
		cmocka_unit_test(test_descent_signal_reaches_grandchildren_in_other_sessions),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
