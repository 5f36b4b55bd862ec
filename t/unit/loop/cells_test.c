/*
 * cells_test.c - what libevent keeps for each descriptor's number does not lie in the heap.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop/cells.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <malloc.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "loop/loop.h"

enum { WATCHES = 400, TABLES_BYTES = 12 * 1024 };

static struct loop *loop;
static struct watch watches[WATCHES];
static int fds[WATCHES], seen;

static void
on_ready(void *arg, unsigned events)
{
	struct watch *watch = arg;

	(void)events;
	watch_stop(watch);
	if (++seen == WATCHES)
		loop_stop(loop);
}

/* All of them at once, and away again. */
static void
watch_all(void)
{
	struct err err = ERR_INIT;
	int i;

	seen = 0;
	for (i = 0; i < WATCHES; i++) {
		fds[i] = eventfd(1, EFD_CLOEXEC);
		assert_true(fds[i] >= 0);
		assert_int_equal(watch_start(&watches[i], loop, fds[i], WATCH_READ, on_ready,
					     &watches[i], &err),
				 0);
	}
	loop_run(loop);
	assert_int_equal(seen, WATCHES);
	for (i = 0; i < WATCHES; i++)
		(void)close(fds[i]);
}

/* Slots from malloc(3) would take 32 bytes each on top of what the loop's tables take. */
static void
test_slots_of_descriptors_do_not_lie_in_the_heap(void **state)
{
	struct err err = ERR_INIT;
	size_t before, after;

	(void)state;
	cells_use();
	assert_int_equal(loop_new(&loop, &err), 0);
	before = mallinfo2().uordblks;
	watch_all();
	after = mallinfo2().uordblks;
	assert_true(after - before < TABLES_BYTES + WATCHES * 16);
	watch_all();
	loop_free(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots_of_descriptors_do_not_lie_in_the_heap),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
