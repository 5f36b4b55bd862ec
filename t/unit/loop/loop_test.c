/*
 * loop_test.c - watches, timers, later, children, and the splice that keeps the count.
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
#include <string.h>
#include <sys/wait.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "loop/child.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "loop/pipe.h"

struct fixture {
	struct loop *loop;
	struct err err;
	unsigned fired;
	int status;
};

static int
setup(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	assert_int_equal(loop_new(&fixture.loop, &fixture.err), 0);
	*state = &fixture;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	loop_free(f->loop);
	return 0;
}

static void
on_fire(void *arg)
{
	struct fixture *f = arg;

	f->fired++;
	loop_stop(f->loop);
}

static void
test_timer_fires_once_and_can_be_started_again(void **state)
{
	struct fixture *f = *state;
	struct timer timer;
	uint64_t before = clock_monotonic_us();

	timer_init(&timer, f->loop, on_fire, f);
	timer_start_ms(&timer, 5);
	assert_true(timer_is_on(&timer));
	loop_run(f->loop);
	assert_true(clock_monotonic_us() - before >= 4000);
	assert_false(timer_is_on(&timer));
	timer_start_us(&timer, 1);
	loop_run(f->loop);
	assert_int_equal(f->fired, 2);
	timer_start_ms(&timer, 1000000);
	timer_stop(&timer);
	timer_release(&timer);
}

static void
test_later_runs_once_however_often_it_was_wanted(void **state)
{
	struct fixture *f = *state;
	struct later later;

	later_init(&later, f->loop, on_fire, f);
	later_want(&later);
	later_want(&later);
	later_want(&later);
	assert_int_equal(f->fired, 0); /* never from inside the call */
	loop_run(f->loop);
	assert_int_equal(f->fired, 1);
	later_want(&later);
	later_stop(&later);
	later_release(&later);
}

static void
on_readable(void *arg, unsigned events)
{
	struct fixture *f = arg;

	f->fired += (events & WATCH_READ) != 0;
	loop_stop(f->loop);
}

static void
test_watch_can_be_paused_and_wanted_again(void **state)
{
	struct fixture *f = *state;
	struct watch watch = {0};
	struct timer timer;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(watch_start(&watch, f->loop, fds[0], WATCH_READ, on_readable, f, &f->err), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	loop_run(f->loop);
	assert_int_equal(f->fired, 1);
	watch_want(&watch, 0);
	timer_init(&timer, f->loop, on_fire, f);
	timer_start_ms(&timer, 2);
	loop_run(f->loop);
	assert_int_equal(f->fired, 2); /* the timer alone */
	timer_release(&timer);
	watch_want(&watch, WATCH_READ);
	loop_run(f->loop);
	assert_int_equal(f->fired, 3);
	watch_stop(&watch);
	close(fds[0]);
	close(fds[1]);
}

static void
on_exit_note(void *arg, int status, const struct rusage *usage)
{
	struct fixture *f = arg;

	(void)usage;
	f->fired++;
	f->status = status;
	loop_stop(f->loop);
}

static int
start(struct fixture *f, struct child *child, const char *script, unsigned flags)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)(uintptr_t)script, NULL};
	struct child_spec spec = {.path = "/bin/sh", .argv = argv, .flags = flags};

	return child_start(child, f->loop, &spec, on_exit_note, f, &f->err);
}

static void
test_child_tells_its_status(void **state)
{
	struct fixture *f = *state;
	struct child child = CHILD_INIT;

	assert_int_equal(start(f, &child, "exit 7", 0), 0);
	loop_run(f->loop);
	assert_true(WIFEXITED(f->status));
	assert_int_equal(WEXITSTATUS(f->status), 7);
	assert_false(child_is_running(&child));
	assert_int_equal(child_signal(&child, SIGTERM, &f->err), ERR_GONE);
}

static void
test_child_is_signalled_by_pidfd(void **state)
{
	struct fixture *f = *state;
	struct child child = CHILD_INIT;

	assert_int_equal(start(f, &child, "kill -STOP $$; exit 1", CHILD_NEW_SESSION), 0);
	assert_int_equal(child_signal(&child, SIGKILL, &f->err), 0);
	loop_run(f->loop);
	assert_true(WIFSIGNALED(f->status));
	assert_int_equal(WTERMSIG(f->status), SIGKILL);
}

static void
test_child_start_says_what_cannot_be_executed(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {(char *)"x", NULL};
	struct child_spec spec = {.path = "/no/such/program", .argv = argv};
	struct child child = CHILD_INIT;

	assert_int_equal(child_start(&child, f->loop, &spec, on_exit_note, f, &f->err), ERR_HOST);
	assert_string_equal(f->err.text,
			    "cannot start '/no/such/program': cannot execute it: No such file or directory");
	spec.path = "/bin/sh";
	spec.cwd = "/no/such/place";
	assert_int_equal(child_start(&child, f->loop, &spec, on_exit_note, f, &f->err), ERR_HOST);
	assert_int_equal(f->fired, 0);
}

static void
test_child_gets_descriptors_under_the_names_asked_for(void **state)
{
	struct fixture *f = *state;
	struct child child = CHILD_INIT;
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)"echo one >&4; echo two >&3; read x && exit 9", NULL};
	struct child_fd fds[2];
	struct child_spec spec = {.path = "/bin/sh", .argv = argv, .fds = fds, .fd_count = 2};
	char got[8] = "";
	int a[2], b[2];

	assert_int_equal(pipe2(a, O_CLOEXEC), 0);
	assert_int_equal(pipe2(b, O_CLOEXEC), 0);
	fds[0] = (struct child_fd){a[1], 4};
	fds[1] = (struct child_fd){b[1], 3};
	assert_int_equal(child_start(&child, f->loop, &spec, on_exit_note, f, &f->err), 0);
	loop_run(f->loop);
	assert_int_equal(WEXITSTATUS(f->status), 1); /* standard input was /dev/null */
	assert_int_equal(read(a[0], got, sizeof(got)), 4);
	assert_memory_equal(got, "one\n", 4);
	assert_int_equal(read(b[0], got, sizeof(got)), 4);
	assert_memory_equal(got, "two\n", 4);
	close(a[0]), close(a[1]), close(b[0]), close(b[1]);
}

static void
test_pipe_splice_moves_size_and_bytes_together(void **state)
{
	struct fixture *f = *state;
	char got[16] = "";
	bool ended = true;
	uint64_t size = 0;
	size_t moved = 9, waiting = 0;
	int fds[2], memfd = -1;

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe_memfd_new(&memfd, "test", &f->err), 0);
	assert_int_equal(pipe_splice(fds[0], memfd, 0, 65536, &moved, &ended, &f->err), 0);
	assert_int_equal(moved, 0);
	assert_false(ended);
	assert_int_equal(write(fds[1], "hello ", 6), 6);
	assert_int_equal(pipe_waiting(fds[0], &waiting, &f->err), 0);
	assert_int_equal(waiting, 6);
	assert_int_equal(pipe_splice(fds[0], memfd, 0, 65536, &moved, &ended, &f->err), 0);
	assert_int_equal(moved, 6);
	assert_int_equal(write(fds[1], "world", 5), 5);
	close(fds[1]);
	assert_int_equal(pipe_splice(fds[0], memfd, 6, 65536, &moved, &ended, &f->err), 0);
	assert_int_equal(moved, 5);
	assert_int_equal(pipe_splice(fds[0], memfd, 11, 65536, &moved, &ended, &f->err), 0);
	assert_true(ended);
	assert_int_equal(pipe_memfd_size(memfd, &size, &f->err), 0);
	assert_int_equal(size, 11);
	assert_int_equal(pread(memfd, got, sizeof(got), 0), 11);
	assert_string_equal(got, "hello world");
	assert_int_equal(pipe_memfd_punch(memfd, 0, 11, &f->err), 0);
	assert_int_equal(pipe_memfd_size(memfd, &size, &f->err), 0);
	assert_int_equal(size, 11); /* what is punched out still counts */
	assert_int_equal(ftruncate(memfd, 3), -1);
	close(fds[0]);
	close(memfd);
}

static void
test_pipe_splice_takes_a_socket_in_the_pipes_place(void **state)
{
	struct fixture *f = *state;
	char got[16] = "";
	bool ended = true;
	size_t moved = 9;
	int fds[2], memfd = -1;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(pipe_memfd_new(&memfd, "test", &f->err), 0);
	assert_int_equal(pipe_splice(fds[0], memfd, 0, 65536, &moved, &ended, &f->err), 0);
	assert_int_equal(moved, 0);
	assert_false(ended);
	assert_int_equal(write(fds[1], "hello", 5), 5);
	assert_int_equal(pipe_splice(fds[0], memfd, 0, 3, &moved, &ended, &f->err), 0);
	assert_int_equal(moved, 3);
	assert_int_equal(pipe_splice(fds[0], memfd, 3, 65536, &moved, &ended, &f->err), 0);
	assert_int_equal(moved, 2);
	assert_int_equal(write(fds[1], "!", 1), 1);
	assert_int_equal(fcntl(memfd, F_ADD_SEALS, F_SEAL_GROW), 0); /* there is no room */
	assert_true(pipe_splice(fds[0], memfd, 5, 65536, &moved, &ended, &f->err) < 0);
	assert_int_equal(read(fds[0], got, sizeof(got)), 1); /* and nothing is lost */
	close(fds[1]);
	assert_int_equal(pipe_splice(fds[0], memfd, 5, 65536, &moved, &ended, &f->err), 0);
	assert_true(ended);
	assert_int_equal(pread(memfd, got, sizeof(got), 0), 5);
	assert_memory_equal(got, "hello", 5);
	close(fds[0]);
	close(memfd);
}

static void
on_usr1(void *arg, int signo)
{
	struct fixture *f = arg;

	f->fired += signo == SIGUSR1;
	loop_stop(f->loop);
}

static void
test_signal_arrives_as_an_event(void **state)
{
	struct fixture *f = *state;
	struct signal_watch watch = {0};

	assert_int_equal(signal_start(&watch, f->loop, SIGUSR1, on_usr1, f, &f->err), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	loop_run(f->loop);
	assert_int_equal(f->fired, 1);
	signal_stop(&watch);
}

/* Busy for two milliseconds; what comes before it in the turn waits for nothing. */
static void
on_busy(void *arg)
{
	struct fixture *f = arg;
	uint64_t until_us = clock_monotonic_us() + 2000;

	while (clock_monotonic_us() < until_us)
		f->fired++;
	loop_stop(f->loop);
}

static void
test_loop_lag_is_what_callbacks_take_and_not_what_is_waited(void **state)
{
	struct fixture *f = *state;
	const struct loop_lag *lag = loop_lag(f->loop);
	struct timer timer;
	uint64_t before_us, turns = 0;
	unsigned waits = 0, i;

	/* A host that stands still meanwhile makes a turn long; not each time. */
	timer_init(&timer, f->loop, on_fire, f);
	do {
		before_us = lag->total_us;
		timer_start_ms(&timer, 300);
		loop_run(f->loop);
	} while (++waits < 10 && lag->total_us - before_us >= 300000);
	assert_true(lag->total_us - before_us < 300000);
	assert_true(waits > 1 || lag->longest_us == lag->total_us);
	timer_release(&timer);

	timer_init(&timer, f->loop, on_busy, f);
	timer_start_ms(&timer, 1);
	loop_run(f->loop);
	assert_true(lag->longest_us >= 2000);
	timer_release(&timer);
	for (i = 0; i <= LOOP_LAG_BUCKETS; i++)
		turns += lag->counts[i];
	assert_int_equal(turns, waits + 1);
	assert_int_equal(turns, loop_turns(f->loop));
	for (i = 0; loop_lag_bounds_us[i] < 2000; i++)
		turns -= lag->counts[i];
	assert_true(turns >= 1); /* the busy one lies above */
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LOOP(test_timer_fires_once_and_can_be_started_again),
		WITH_LOOP(test_later_runs_once_however_often_it_was_wanted),
		WITH_LOOP(test_watch_can_be_paused_and_wanted_again),
		WITH_LOOP(test_child_tells_its_status),
		WITH_LOOP(test_child_is_signalled_by_pidfd),
		WITH_LOOP(test_child_start_says_what_cannot_be_executed),
		WITH_LOOP(test_child_gets_descriptors_under_the_names_asked_for),
		WITH_LOOP(test_pipe_splice_moves_size_and_bytes_together),
		WITH_LOOP(test_pipe_splice_takes_a_socket_in_the_pipes_place),
		WITH_LOOP(test_signal_arrives_as_an_event),
		WITH_LOOP(test_loop_lag_is_what_callbacks_take_and_not_what_is_waited),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
