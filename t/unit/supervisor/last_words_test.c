/*
 * last_words_test.c - a runner-init that finds itself wrong says so and leaves nobody behind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "supervisor/last_words.h"
#include "supervisor/task.h"
#include "wire/record.h"

/* A child that plays runner-init with a step's daemon below it, and breaks. Never returns. */
static void
play_broken(int agent_fd, int journal_fd, int alive_fd)
{
	static struct task task;
	char byte;
	int ends[2];

	(void)close(STDERR_FILENO);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	(void)!pipe(ends);
	if (fork() == 0) { /* it holds alive_fd open as long as it lives */
		if (fork() != 0)
			_exit(0);
		(void)setsid();
		(void)!write(ends[1], "x", 1);
		for (;;)
			(void)pause();
	}
	(void)!read(ends[0], &byte, 1);
	(void)close(alive_fd);
	task.agent.fd = agent_fd;
	task.journal.fd = journal_fd;
	last_words_of(&task);
	assert(task.agent.fd < 0);
	_exit(0);
}

static void
test_last_words_are_told_recorded_and_leave_nobody(void **state)
{
	char name[] = "/tmp/last_words_test.XXXXXX";
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES];
	int journal_fd = mkstemp(name), pair[2], alive[2], status;
	struct message message;
	struct pollfd polled;
	struct record record;
	ssize_t n;
	pid_t pid;

	(void)state;
	assert_true(journal_fd >= 0);
	(void)unlink(name);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(pipe(alive), 0);
	pid = fork();
	if (pid == 0)
		play_broken(pair[1], journal_fd, alive[1]);
	(void)close(alive[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), LAST_WORDS_EXIT);
	n = recv(pair[0], bytes, sizeof(bytes), MSG_DONTWAIT);
	assert_true(n > 0);
	assert_null(message_unpack(&message, MESSAGE_FROM_INIT, bytes, (size_t)n, 0));
	assert_int_equal(message.type, MESSAGE_ERROR);
	assert_int_equal(message.error.what, FAULT_BUG);
	assert_int_equal(pread(journal_fd, bytes, RECORD_BYTES, 0), RECORD_BYTES);
	assert_null(record_unpack(&record, bytes));
	assert_int_equal(record.type, RECORD_END);
	assert_int_equal(record.end.reason, SUPERVISOR_END_BROKEN);
	polled = (struct pollfd){.fd = alive[0], .events = POLLIN};
	assert_int_equal(poll(&polled, 1, 60000), 1); /* the daemon has gone: end of file */
	assert_int_equal(read(alive[0], bytes, 1), 0);
	(void)close(journal_fd);
	(void)close(alive[0]);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_words_are_told_recorded_and_leave_nobody),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
