/*
 * worker_test.c - works in threads, and their ends in the loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "loop/loop.h"
#include "loop/worker.h"

enum { WORKS = 3 };

struct scene {
	struct loop *loop;
	struct worker *worker;
	pthread_t loop_thread;
	char story[64]; /* p, r and d of each, in their order */
	unsigned done;
};

struct one {
	struct scene *scene;
	struct work work;
	char name;
	bool in_loop[3];
};

static void
tell(struct one *one, int what)
{
	size_t len = strlen(one->scene->story);

	snprintf(one->scene->story + len, sizeof(one->scene->story) - len, "%c%c ", "prd"[what], one->name);
	one->in_loop[what] = pthread_equal(pthread_self(), one->scene->loop_thread) != 0;
}

static void
on_prepare(void *arg)
{
	tell(arg, 0);
}

static void
on_run(void *arg)
{
	tell(arg, 1);
}

static void
on_done(void *arg)
{
	struct one *one = arg;

	tell(one, 2);
	if (++one->scene->done == WORKS)
		loop_stop(one->scene->loop);
}

static void
test_worker_does_one_work_after_another_outside_the_loop(void **state)
{
	struct scene scene = {.loop_thread = pthread_self()};
	struct one ones[WORKS + 1];
	struct err err = ERR_INIT;
	int i;

	(void)state;
	assert_int_equal(loop_new(&scene.loop, &err), 0);
	assert_int_equal(worker_new(&scene.worker, scene.loop, 1, WORKS, &err), 0);
	for (i = 0; i < WORKS + 1; i++) {
		ones[i] = (struct one){.scene = &scene, .name = (char)('a' + i)};
		ones[i].work = (struct work){on_prepare, on_run, on_done, &ones[i], NULL};
		assert_int_equal(worker_submit(scene.worker, &ones[i].work, &err), i < WORKS ? 0 : ERR_AGAIN);
	}
	assert_string_equal(scene.story, "");
	loop_run(scene.loop);
	assert_string_equal(scene.story, "pa ra da pb rb db pc rc dc ");
	for (i = 0; i < WORKS; i++) {
		assert_true(ones[i].in_loop[0]);
		assert_false(ones[i].in_loop[1]);
		assert_true(ones[i].in_loop[2]);
	}
	worker_free(scene.worker);
	loop_free(scene.loop);
}

/* --- several threads ------------------------------------------------------------------------ */

struct meeting {
	struct loop *loop;
	pthread_barrier_t barrier; /* passed only by works that run at the same time */
	struct work works[2 * WORKS];
	unsigned done;
};

static void
on_meet(void *arg)
{
	struct meeting *meeting = arg;

	(void)pthread_barrier_wait(&meeting->barrier);
}

static void
on_met(void *arg)
{
	struct meeting *meeting = arg;

	if (++meeting->done == 2 * WORKS)
		loop_stop(meeting->loop);
}

static void
test_worker_runs_as_many_works_at_once_as_it_has_threads(void **state)
{
	struct meeting meeting = {.done = 0};
	struct worker *worker;
	struct err err = ERR_INIT;
	int i;

	(void)state;
	assert_int_equal(loop_new(&meeting.loop, &err), 0);
	assert_int_equal(pthread_barrier_init(&meeting.barrier, NULL, WORKS), 0);
	assert_int_equal(worker_new(&worker, meeting.loop, WORKS, 2 * WORKS, &err), 0);
	for (i = 0; i < 2 * WORKS; i++) {
		meeting.works[i] = (struct work){NULL, on_meet, on_met, &meeting, NULL};
		assert_int_equal(worker_submit(worker, &meeting.works[i], &err), 0);
	}
	loop_run(meeting.loop);
	assert_int_equal(meeting.done, 2 * WORKS);
	worker_free(worker);
	(void)pthread_barrier_destroy(&meeting.barrier);
	loop_free(meeting.loop);
}

static void
test_worker_free_drops_what_waits(void **state)
{
	struct scene scene = {.loop_thread = pthread_self()};
	struct one one = {.scene = &scene, .name = 'a'};
	struct err err = ERR_INIT;

	(void)state;
	one.work = (struct work){on_prepare, on_run, on_done, &one, NULL};
	assert_int_equal(loop_new(&scene.loop, &err), 0);
	assert_int_equal(worker_new(&scene.worker, scene.loop, 1, 1, &err), 0);
	assert_int_equal(worker_submit(scene.worker, &one.work, &err), 0);
	worker_free(scene.worker);
	assert_string_equal(scene.story, "");
	worker_free(NULL);
	loop_free(scene.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worker_does_one_work_after_another_outside_the_loop),
		cmocka_unit_test(test_worker_runs_as_many_works_at_once_as_it_has_threads),
		cmocka_unit_test(test_worker_free_drops_what_waits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
