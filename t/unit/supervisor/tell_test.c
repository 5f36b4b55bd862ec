/*
 * tell_test.c - what the agent is told, in which order, and that a full socket loses nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/task.h"

static struct task task;
static int agent_fd; /* the agent's side */

static int
set_up(void **state)
{
	int pair[2], small = 1;

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) != 0 ||
	    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)) != 0)
		return -1;
	memset(&task, 0, sizeof(task));
	task.agent.fd = pair[0];
	agent_fd = pair[1];
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	if (task.agent.fd >= 0)
		(void)close(task.agent.fd);
	(void)close(agent_fd);
	return 0;
}

static struct step *
add_step(uint32_t number, enum init_step to, bool pipe)
{
	struct step *step = steps_room(&task.steps);

	*step = (struct step){.step = number, .pipe_fd = -1, .memfd = -1};
	step_enter(step, to == INIT_STEP_FAILED ? to : INIT_STEP_RUNNING);
	if (to == INIT_STEP_EXITED)
		step_enter(step, to);
	if (to == INIT_STEP_EXITED)
		step->exited.step = number;
	if (to == INIT_STEP_FAILED)
		step->failed.step = number;
	if (pipe) {
		step->pipe_fd = open("/dev/null", O_RDONLY);
		step->memfd = open("/dev/null", O_RDONLY);
	}
	return step;
}

/* The next message, its descriptors counted and closed; 0 when none waits. */
static unsigned
hear(struct message *message, size_t *fd_count)
{
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES];
	union {
		char room[CMSG_SPACE(sizeof(int) * 4)];
		struct cmsghdr align;
	} control;
	struct iovec part = {bytes, sizeof(bytes)};
	struct msghdr head = {.msg_iov = &part,
			      .msg_iovlen = 1,
			      .msg_control = control.room,
			      .msg_controllen = sizeof(control.room)};
	ssize_t n = recvmsg(agent_fd, &head, MSG_DONTWAIT);
	struct cmsghdr *item = CMSG_FIRSTHDR(&head);
	size_t i;
	int fd;

	*fd_count = 0;
	if (n <= 0)
		return 0;
	if (item != NULL) {
		*fd_count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < *fd_count; i++) {
			memcpy(&fd, CMSG_DATA(item) + i * sizeof(int), sizeof(int));
			(void)close(fd);
		}
	}
	assert_null(message_unpack(message, MESSAGE_FROM_INIT, bytes, (size_t)n, *fd_count));
	return message->type;
}

static void
hears(enum message_type type, size_t fds, uint32_t step)
{
	struct message message;
	size_t fd_count;

	assert_int_equal(hear(&message, &fd_count), type);
	assert_int_equal(fd_count, fds);
	if (type != MESSAGE_HELLO && type != MESSAGE_EMPTY && type != MESSAGE_ERROR)
		assert_int_equal(message.step_started.step, step);
}

static void
test_tell_greets_then_tells_states_ends_answers_and_empty(void **state)
{
	struct message message;
	struct step *step;
	size_t fd_count;

	(void)state;
	(void)add_step(0, INIT_STEP_RUNNING, true);
	(void)add_step(1, INIT_STEP_EXITED, true);
	(void)add_step(2, INIT_STEP_FAILED, false);
	task_error(&task, FAULT_PROC, 5, SUPERVISOR_NO_STEP);
	task.owes |= TASK_OWES_EMPTY;
	task_agent_came(&task);
	assert_true(tell_is_behind(&task));
	tell(&task);
	hears(MESSAGE_HELLO, 0, 0);
	tell(&task);
	hears(MESSAGE_STEP_STATE, 2, 0);
	tell(&task);
	hears(MESSAGE_STEP_STATE, 2, 1);
	tell(&task);
	hears(MESSAGE_STEP_STATE, 0, 2);
	tell(&task);
	assert_false(tell_is_behind(&task));
	hears(MESSAGE_STEP_EXITED, 0, 1);
	tell(&task);
	hears(MESSAGE_STEP_FAILED_TO_START, 0, 2);
	tell(&task);
	hears(MESSAGE_ERROR, 0, 0);
	tell(&task);
	hears(MESSAGE_EMPTY, 0, 0);
	tell(&task);
	assert_false(tell_wants(&task));
	assert_int_equal(hear(&message, &fd_count), 0);
	for (step = NULL; (step = steps_next(&task.steps, step)) != NULL;) {
		if (step->pipe_fd >= 0) {
			(void)close(step->pipe_fd);
			(void)close(step->memfd);
		}
	}
}

static void
test_tell_loses_nothing_when_the_agent_is_slow(void **state)
{
	struct message message;
	uint32_t i, heard = 0;
	size_t fd_count;

	(void)state;
	for (i = 0; i < SUPERVISOR_STEPS_MOST; i++)
		add_step(i, INIT_STEP_EXITED, false)->owes = STEP_OWES_END;
	tell(&task);
	assert_true(tell_wants(&task)); /* the socket is too small for all */
	while (heard < SUPERVISOR_STEPS_MOST) {
		while (hear(&message, &fd_count) != 0)
			assert_int_equal(message.step_exited.step, heard++);
		tell(&task);
	}
	assert_false(tell_wants(&task));
}

static void
test_tell_tells_everything_again_to_the_next_agent(void **state)
{
	(void)state;
	add_step(7, INIT_STEP_EXITED, false)->owes = STEP_OWES_END;
	tell(&task);
	hears(MESSAGE_STEP_EXITED, 0, 7);
	assert_false(tell_wants(&task));
	task_agent_came(&task);
	while (tell_wants(&task))
		tell(&task);
	hears(MESSAGE_HELLO, 0, 0);
	hears(MESSAGE_STEP_STATE, 0, 7);
	hears(MESSAGE_STEP_EXITED, 0, 7);
}

static void
test_tell_leaves_what_a_lost_agent_had_said(void **state)
{
	const struct message quit = {.type = MESSAGE_QUIT, .quit = {SUPERVISOR_NO_GRACE}};
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES];
	int fds[SUPERVISOR_FDS_MOST];
	struct message message;
	size_t fd_count;

	(void)state;
	task.orphan_ms = 1000;
	(void)add_step(1, INIT_STEP_RUNNING, false);
	assert_true(send(agent_fd, bytes, message_pack(bytes, &quit), 0) > 0);
	(void)close(agent_fd);
	agent_fd = -1;
	task_error(&task, FAULT_PROC, 5, SUPERVISOR_NO_STEP);
	tell(&task);
	assert_false(tell_wants(&task));
	assert_false(tell_is_behind(&task));
	assert_int_equal(task.answer_count, 1); /* kept for the next agent */
	assert_int_equal(agent_receive(&task.agent, &message, fds, &fd_count), AGENT_MESSAGE);
	assert_int_equal(message.type, MESSAGE_QUIT);
	assert_int_equal(agent_receive(&task.agent, &message, fds, &fd_count), AGENT_GONE);
	assert_int_equal(task.agent.fd, -1);
}

static void
test_task_keeps_the_newest_answers_when_there_are_too_many(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < TASK_ANSWERS_MOST + 3; i++)
		task_error(&task, FAULT_PROC, i, SUPERVISOR_NO_STEP);
	assert_int_equal(task.answer_count, TASK_ANSWERS_MOST);
	assert_int_equal(task.answers[0].error.sys, 3);
	assert_true(tell_is_behind(&task)); /* the agent's messages wait until it has read */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_tell_greets_then_tells_states_ends_answers_and_empty, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_tell_loses_nothing_when_the_agent_is_slow,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tell_tells_everything_again_to_the_next_agent,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tell_leaves_what_a_lost_agent_had_said, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			test_task_keeps_the_newest_answers_when_there_are_too_many, set_up,
			tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
