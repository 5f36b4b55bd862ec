/*
 * herald_test.c - what a service manager hears, and when.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "loop/clock.h"
#include "loop/herald.h"
#include "loop/loop.h"

struct stage {
	struct loop *loop;
	struct herald *herald;
	int manager; /* its end */
	char dir[32];
	char name[128];
	char says[HERALD_STATUS_BYTES];
	char heard[1024];
	unsigned heard_count, heard_wanted;
	struct watch watch;
	struct timer deadline;
};

static void
put_status(void *arg, char room[HERALD_STATUS_BYTES])
{
	struct stage *stage = arg;

	memcpy(room, stage->says, sizeof(stage->says));
}

/* A manager at a path, or at an abstract name. */
static void
be_manager(struct stage *stage, bool is_abstract)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	size_t len;

	(void)snprintf(stage->name, sizeof(stage->name), "%s%s/manager", is_abstract ? "@" : "",
		       stage->dir);
	len = strlen(stage->name);
	memcpy(at.sun_path, stage->name, len);
	if (is_abstract)
		at.sun_path[0] = '\0';
	stage->manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(stage->manager >= 0);
	assert_int_equal(bind(stage->manager, (const struct sockaddr *)&at,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", stage->name, 1), 0);
}

static int
setup(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	struct err err = ERR_INIT;

	assert_non_null(stage);
	assert_int_equal(loop_new(&stage->loop, &err), 0);
	stage->manager = -1;
	(void)snprintf(stage->dir, sizeof(stage->dir), "/tmp/herald-test.XXXXXX");
	assert_non_null(mkdtemp(stage->dir));
	(void)snprintf(stage->says, sizeof(stage->says), "fine");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	*state = stage;
	return 0;
}

static int
teardown(void **state)
{
	struct stage *stage = *state;

	herald_free(stage->herald);
	watch_stop(&stage->watch);
	timer_release(&stage->deadline);
	loop_free(stage->loop);
	if (stage->manager >= 0)
		(void)close(stage->manager);
	if (stage->name[0] == '/')
		(void)unlink(stage->name);
	(void)rmdir(stage->dir);
	free(stage);
	return 0;
}

/* The next datagram, which must be there. */
static const char *
hear(struct stage *stage)
{
	ssize_t n = recv(stage->manager, stage->heard, sizeof(stage->heard) - 1, MSG_DONTWAIT);

	assert_true(n > 0);
	stage->heard[n] = '\0';
	return stage->heard;
}

static void
assert_silence(struct stage *stage)
{
	assert_int_equal(recv(stage->manager, stage->heard, 1, MSG_DONTWAIT | MSG_PEEK), -1);
	assert_int_equal(errno, EAGAIN);
}

static void
on_heard(void *arg, unsigned events)
{
	struct stage *stage = arg;

	(void)events;
	(void)hear(stage);
	if (++stage->heard_count == stage->heard_wanted)
		loop_stop(stage->loop);
}

static void
on_deadline(void *arg)
{
	(void)arg;
	fail_msg("nothing was heard in time");
}

/* Until so many datagrams were heard; the last is in heard. */
static void
listen_for(struct stage *stage, unsigned count)
{
	struct err err = ERR_INIT;

	stage->heard_count = 0;
	stage->heard_wanted = count;
	timer_init(&stage->deadline, stage->loop, on_deadline, NULL);
	timer_start_ms(&stage->deadline, 60000);
	assert_int_equal(watch_start(&stage->watch, stage->loop, stage->manager, WATCH_READ, on_heard, stage, &err), 0);
	loop_run(stage->loop);
	timer_release(&stage->deadline);
	watch_stop(&stage->watch);
}

static void
test_herald_is_none_without_a_manager(void **state)
{
	struct stage *stage = *state;

	(void)unsetenv("NOTIFY_SOCKET");
	assert_null(herald_new(stage->loop, put_status, stage));
	(void)setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
	assert_null(herald_new(stage->loop, put_status, stage));
	assert_null(getenv("NOTIFY_SOCKET"));
	herald_ready(NULL);
	herald_reloading(NULL);
	herald_want_status(NULL);
	herald_stopping(NULL);
	herald_free(NULL);
}

static void
tell_a_life(struct stage *stage)
{
	uint64_t before_us = clock_monotonic_us();
	unsigned long long us = 0;

	(void)setenv("WATCHDOG_USEC", "60000000", 1);
	stage->herald = herald_new(stage->loop, put_status, stage);
	assert_non_null(stage->herald);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
	herald_want_status(stage->herald);
	assert_silence(stage);
	herald_ready(stage->herald);
	assert_string_equal(hear(stage), "READY=1\nSTATUS=fine\n");
	(void)snprintf(stage->says, sizeof(stage->says), "two\nlines \xc3\xa9 \xff rest");
	herald_reloading(stage->herald);
	assert_int_equal(sscanf(hear(stage), "RELOADING=1\nMONOTONIC_USEC=%llu\n", &us), 1);
	assert_true(us >= before_us && us <= clock_monotonic_us());
	assert_non_null(strstr(stage->heard, "\nSTATUS=two lines \xc3\xa9 \n"));
	herald_ready(stage->herald);
	assert_string_equal(hear(stage), "READY=1\nSTATUS=two lines \xc3\xa9 \n");
	herald_stopping(stage->herald);
	assert_non_null(strstr(hear(stage), "STOPPING=1\n"));
	assert_silence(stage);
}

static void
test_herald_tells_a_life_at_a_path(void **state)
{
	be_manager(*state, false);
	tell_a_life(*state);
}

static void
test_herald_tells_a_life_at_an_abstract_name(void **state)
{
	be_manager(*state, true);
	tell_a_life(*state);
}

static void
test_herald_tells_the_last_of_many_sentences(void **state)
{
	struct stage *stage = *state;
	uint64_t ready_us;
	unsigned i;

	be_manager(stage, false);
	stage->herald = herald_new(stage->loop, put_status, stage);
	ready_us = clock_monotonic_us();
	herald_ready(stage->herald);
	(void)hear(stage);
	for (i = 0; i < 1000; i++) {
		(void)snprintf(stage->says, sizeof(stage->says), "%u", i);
		herald_want_status(stage->herald);
	}
	assert_silence(stage);
	listen_for(stage, 1);
	assert_string_equal(stage->heard, "STATUS=999\n");
	assert_true(clock_monotonic_us() - ready_us >= HERALD_STATUS_MS * 900ull);
	assert_silence(stage);
}

static void
test_herald_feeds_the_watchdog_from_the_loop(void **state)
{
	struct stage *stage = *state;
	uint64_t began_us = clock_monotonic_us();

	be_manager(stage, false);
	(void)setenv("WATCHDOG_USEC", "100000", 1);
	stage->herald = herald_new(stage->loop, put_status, stage);
	listen_for(stage, 3);
	assert_string_equal(stage->heard, "WATCHDOG=1\n");
	assert_true(clock_monotonic_us() - began_us >= 3 * 45000);
}

static void
test_herald_leaves_the_watchdog_of_another_process(void **state)
{
	struct stage *stage = *state;

	be_manager(stage, false);
	(void)setenv("WATCHDOG_USEC", "1000", 1);
	(void)setenv("WATCHDOG_PID", "1", 1);
	stage->herald = herald_new(stage->loop, put_status, stage);
	herald_ready(stage->herald);
	(void)hear(stage);
	(void)snprintf(stage->says, sizeof(stage->says), "later");
	herald_want_status(stage->herald);
	listen_for(stage, 1);
	assert_string_equal(stage->heard, "STATUS=later\n");
}

/* A manager that is busy: its queue is full. What is owed comes when there is room. */
static void
test_herald_tells_again_what_found_no_room(void **state)
{
	struct stage *stage = *state;
	unsigned count = 0, i;

	be_manager(stage, false);
	stage->herald = herald_new(stage->loop, put_status, stage);
	do
		herald_ready(stage->herald);
	while (++count < 10000);
	(void)snprintf(stage->says, sizeof(stage->says), "late");
	herald_reloading(stage->herald);
	herald_ready(stage->herald);
	for (i = 0; recv(stage->manager, stage->heard, sizeof(stage->heard), MSG_DONTWAIT) > 0; i++)
		continue;
	assert_true(i > 0 && i < count);
	listen_for(stage, 1);
	assert_string_equal(stage->heard, "READY=1\nSTATUS=late\n");
	assert_silence(stage);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_herald_is_none_without_a_manager),
		TEST(test_herald_tells_a_life_at_a_path),
		TEST(test_herald_tells_a_life_at_an_abstract_name),
		TEST(test_herald_tells_the_last_of_many_sentences),
		TEST(test_herald_feeds_the_watchdog_from_the_loop),
		TEST(test_herald_leaves_the_watchdog_of_another_process),
		TEST(test_herald_tells_again_what_found_no_room),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
