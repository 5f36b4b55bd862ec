/*
 * headroom_test.c - what the kernel tells of a host: what it has, how hard it is pressed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "agent/headroom.h"
#include "agent/host_room.h"
#include "agent/slots.h"
#include "scratch.h"

static void
put(void **state, const char *path, const char *content)
{
	const struct scratch *scratch = *state;
	char room[512], *at;
	FILE *stream;

	(void)snprintf(room, sizeof(room), "%s/%s", scratch->path, path);
	for (at = strchr(room + strlen(scratch->path) + 1, '/'); at != NULL;
	     at = strchr(at + 1, '/')) {
		*at = '\0';
		(void)mkdir(room, 0700);
		*at = '/';
	}
	stream = fopen(room, "we");
	assert_non_null(stream);
	(void)fputs(content, stream);
	assert_int_equal(fclose(stream), 0);
}

static void
psi(void **state, const char *resource, double percent)
{
	char path[64], text[256];

	(void)snprintf(path, sizeof(path), "pressure/%s", resource);
	(void)snprintf(text, sizeof(text),
		       "some avg10=%.2f avg60=1.00 avg300=0.00 total=12\nfull avg10=99.00 "
		       "avg60=0.00 avg300=0.00 total=3\n",
		       percent);
	put(state, path, text);
}

static uint64_t now_us;

static bool
look(struct headroom *headroom)
{
	now_us += 10ull * WATERMARK_GAP_MS * 1000;
	return headroom_look(headroom, now_us);
}

static void
test_headroom_is_held_back_by_pressure_until_it_is_a_quarter_less(void **state)
{
	const struct scratch *scratch = *state;
	static const char *const dirs[] = {NULL};
	const struct headroom_limits limits = {
		.dirs = dirs, .max_pressure = {[PRESSURE_IO] = 40}, .proc = scratch->path};
	struct headroom headroom;
	char said[512];

	headroom_init(&headroom, &limits);
	psi(state, "io", 40.0);
	psi(state, "cpu", 100.0); /* no limit is set for it */
	assert_false(look(&headroom));
	psi(state, "io", 40.1);
	assert_true(look(&headroom));
	pressure_say(&headroom.pressure, said, sizeof(said));
	assert_string_equal(said, "processes have waited for disks in 40.1 % of the last ten "
				  "seconds, more than the 40 % of "
				  "--max-io-pressure: nothing is claimed until it is 30 %");
	psi(state, "io", 30.5);
	assert_true(look(&headroom));
	psi(state, "io", 30.0);
	assert_false(look(&headroom));
	psi(state, "io", 39.0);
	assert_false(look(&headroom));
	assert_true(headroom_is_of_others(&headroom));
	headroom_release(&headroom);
}

static void
test_headroom_does_not_read_more_often_than_it_need(void **state)
{
	const struct scratch *scratch = *state;
	static const char *const dirs[] = {NULL};
	const struct headroom_limits limits = {
		.dirs = dirs, .max_pressure = {[PRESSURE_IO] = 40}, .proc = scratch->path};
	struct headroom headroom;

	headroom_init(&headroom, &limits);
	psi(state, "io", 1.0);
	assert_false(look(&headroom));
	psi(state, "io", 90.0);
	assert_false(headroom_look(&headroom, now_us + 1));
	assert_true(headroom_look(&headroom, now_us + PRESSURE_GAP_MS * 1000ull));
	headroom_release(&headroom);
}

static void
test_headroom_is_held_back_by_memory_until_there_is_an_eighth_more(void **state)
{
	const struct scratch *scratch = *state;
	static const char *const dirs[] = {NULL};
	const struct headroom_limits limits = {
		.dirs = dirs, .min_free_memory = 800 << 10, .proc = scratch->path};
	struct headroom headroom;

	headroom_init(&headroom, &limits);
	put(state, "meminfo", "MemTotal: 9 kB\nMemAvailable:      800 kB\n");
	assert_false(look(&headroom));
	put(state, "meminfo", "MemTotal: 9 kB\nMemAvailable:      799 kB\n");
	assert_true(look(&headroom));
	put(state, "meminfo", "MemTotal: 9 kB\nMemAvailable:      899 kB\n");
	assert_true(look(&headroom));
	put(state, "meminfo", "MemTotal: 9 kB\n"); /* what is not told changes nothing */
	assert_true(look(&headroom));
	put(state, "meminfo", "MemTotal: 9 kB\nMemAvailable:      900 kB\n");
	assert_false(look(&headroom));
	assert_false(headroom_is_of_others(&headroom));
	headroom_release(&headroom);
}

static void
test_headroom_goes_on_where_the_kernel_does_not_count(void **state)
{
	static const char *const broken[] = {"", "some", "some avg10=", "full avg10=99.0\n",
					     "some avg60=99.0\n"};
	const struct scratch *scratch = *state;
	static const char *const dirs[] = {NULL};
	const struct headroom_limits limits = {
		.dirs = dirs, .max_pressure = {[PRESSURE_CPU] = 1}, .proc = scratch->path};
	struct headroom headroom;
	size_t i;

	headroom_init(&headroom, &limits);
	assert_false(look(&headroom));
	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		put(state, "pressure/cpu", broken[i]);
		assert_false(look(&headroom));
	}
	assert_false(headroom_is_of_others(&headroom));
	headroom_release(&headroom);
}

static void
test_headroom_counts_directories_of_one_disk_once(void **state)
{
	const struct scratch *scratch = *state;
	const char *const dirs[] = {scratch->path, "/nonexistent", scratch->path, NULL};
	struct headroom_limits limits = {
		.dirs = dirs, .min_free_bytes = UINT64_MAX / 2, .proc = scratch->path};
	struct headroom headroom;

	headroom_init(&headroom, &limits);
	assert_int_equal(headroom.disk_count, 1);
	assert_true(look(&headroom));
	assert_ptr_equal(headroom_low_disk(&headroom), &headroom.disks[0]);
	headroom_release(&headroom);
	limits.min_free_bytes = 0;
	headroom_init(&headroom, &limits);
	assert_false(look(&headroom));
	headroom_release(&headroom);
}

/* --- what there is -------------------------------------------------------------------------------
 */

static void
test_host_room_is_bounded_by_every_cgroup_above_us(void **state)
{
	const struct scratch *scratch = *state;
	struct room plain, bounded;

	host_room_read(&plain, scratch->path);
	put(state, "proc/self/cgroup", "4:memory:/a/b\n0::/a/b\n");
	put(state, "sys/fs/cgroup/a/cpu.max", "100000 100000\n");
	put(state, "sys/fs/cgroup/a/memory.max", "104857600\n");
	put(state, "sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
	put(state, "sys/fs/cgroup/a/b/memory.max", "max\n");
	host_room_read(&bounded, scratch->path);
	assert_int_equal(bounded.cpus, 1);
	assert_int_equal(bounded.memory_bytes,
			 104857600 / 2); /* at most half is kept for what is no task */
	assert_true(plain.cpus >= 1);
	assert_true(plain.memory_bytes > 0);
	put(state, "sys/fs/cgroup/a/cpu.max", "50000 100000\n"); /* half a CPU is one */
	host_room_read(&bounded, scratch->path);
	assert_int_equal(bounded.cpus, 1);
}

static void
test_host_room_disk_is_that_of_the_nearest_directory(void **state)
{
	const struct scratch *scratch = *state;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/not/there/yet", scratch->path);
	assert_int_equal(host_room_disk(path, 0), host_room_disk(scratch->path, 0));
	assert_true(host_room_disk(path, 0) > 0);
	assert_int_equal(host_room_disk(path, UINT64_MAX), 0);
}

#define ON_HOST(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_HOST(test_headroom_is_held_back_by_pressure_until_it_is_a_quarter_less),
		ON_HOST(test_headroom_does_not_read_more_often_than_it_need),
		ON_HOST(test_headroom_is_held_back_by_memory_until_there_is_an_eighth_more),
		ON_HOST(test_headroom_goes_on_where_the_kernel_does_not_count),
		ON_HOST(test_headroom_counts_directories_of_one_disk_once),
		ON_HOST(test_host_room_is_bounded_by_every_cgroup_above_us),
		ON_HOST(test_host_room_disk_is_that_of_the_nearest_directory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
