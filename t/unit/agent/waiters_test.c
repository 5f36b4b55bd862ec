/*
 * waiters_test.c - processes that wait at the control socket are told to ask again when it is time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/control.h"
#include "agent/waiters.h"
#include "base/err.h"
#include "helper/control_client.h"

enum { PROCESSES = 5, LONG_MS = 60000 };

struct host {
	struct loop *loop;
	struct waiters waiters;
	struct timer wake;
	unsigned asked, told;
};

/* The thing is there once all have asked for it. */
static void
on_ask(void *arg, const struct control_request *request, struct control_reply *reply)
{
	struct host *host = arg;

	host->asked++;
	if (host->asked <= PROCESSES)
		waiters_hold(&host->waiters, request, reply);
	else
		(void)snprintf(reply->text, sizeof(reply->text), "ok it is here");
	if (host->asked == PROCESSES)
		timer_start_us(&host->wake, 1);
	if (host->asked > PROCESSES && ++host->told == PROCESSES)
		loop_stop(host->loop);
}

static void
on_time(void *arg)
{
	struct host *host = arg;

	assert_int_equal(host->waiters.count, PROCESSES);
	waiters_wake(&host->waiters);
	assert_int_equal(host->waiters.count, 0);
}

static void
ask_in_child(void)
{
	const struct control_question question = {"thing", "", 0, -1, NULL};
	struct control_answer answer;

	_exit(control_ask(&question, &answer) == CONTROL_OK ? 0 : 1);
}

static void
on_limit(void *arg)
{
	(void)arg;
	fail_msg("not all were told");
}

static void
run(struct host *host)
{
	struct timer limit;

	timer_init(&host->wake, host->loop, on_time, host);
	timer_init(&limit, host->loop, on_limit, NULL);
	timer_start_ms(&limit, LONG_MS);
	loop_run(host->loop);
	timer_release(&host->wake);
	timer_release(&limit);
}

static void
test_waiters_ask_twice_and_no_more_however_many_wait(void **state)
{
	char dir[] = "/tmp/waiters-XXXXXX";
	struct err err = ERR_INIT;
	struct control *control;
	struct host host = {0};
	int dir_fd, i, status;

	(void)state;
	assert_non_null(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(loop_new(&host.loop, &err), 0);
	assert_int_equal(control_new(&control, host.loop, dir, dir_fd, on_ask, &host, &err), 0);
	(void)setenv(CONTROL_VARIABLE, control_path(control), 1);
	for (i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			ask_in_child();
	run(&host);
	control_free(control);
	for (i = 0; i < PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(host.asked, 2 * PROCESSES);
	waiters_release(&host.waiters);
	loop_free(host.loop);
	(void)close(dir_fd);
	(void)rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waiters_ask_twice_and_no_more_however_many_wait),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
