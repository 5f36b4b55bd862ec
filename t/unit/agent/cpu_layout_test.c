/*
 * cpu_layout_test.c - which CPUs a task gets, on the machines of t/data/topology.
 *
 * A sample is a list of files below /sys, a line each: path, blank, content.
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
#include <unistd.h>

#include <cmocka.h>

#include "agent/cpu_layout.h"
#include "agent/cpu_list.h"
#include "base/buffer.h"
#include "base/err.h"
#include "scratch.h"

static struct cpu_layout layout;
static cpu_set_t taken;

/* --- a machine ---------------------------------------------------------------------------------
 */

static void
write_file(const struct scratch *scratch, const char *path, const char *content)
{
	char room[1024], *at;
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
read_machine(void **state, const char *name, const char *allowed)
{
	struct scratch *scratch = *state;
	char line[512], *blank;
	struct err err = ERR_INIT;
	cpu_set_t cpus;
	FILE *sample;

	(void)snprintf(line, sizeof(line), TOP_SRCDIR "/t/data/topology/%s.txt", name);
	sample = fopen(line, "re");
	assert_non_null(sample);
	while (fgets(line, sizeof(line), sample) != NULL) {
		blank = strchr(line, ' ');
		*blank = '\0';
		write_file(scratch, line, blank + 1);
	}
	(void)fclose(sample);
	memset(&cpus, 0xff, sizeof(cpus));
	if (allowed != NULL)
		assert_int_equal(cpu_list_parse(allowed, &cpus, &err), 0);
	assert_int_equal(cpu_layout_read(&layout, scratch->path, &cpus, &err), 0);
	CPU_ZERO(&taken);
}

static void
take(unsigned n, const char *wanted)
{
	struct buffer text = BUFFER_INIT;
	cpu_set_t own;
	unsigned got = cpu_layout_pick(&layout, &taken, n, &own);

	assert_int_equal(got, CPU_COUNT(&own));
	cpu_list_put(&text, &own);
	assert_string_equal(buffer_text(&text), wanted);
	buffer_release(&text);
	CPU_OR(&taken, &taken, &own);
}

/* --- a large x86: 64 cores of two threads ------------------------------------------------------
 */

static void
test_cpu_layout_pick_keeps_both_threads_of_a_core_together(void **state)
{
	read_machine(state, "x86-64-cores-smt", NULL);
	assert_int_equal(layout.count, 128);
	take(4, "0-1,64-65");
	take(2, "2,66");
	take(3, "3-4,67"); /* one and a half */
	take(1, "68");	   /* the other half before a whole core */
	take(2, "5,69");
}

static void
test_cpu_layout_share_is_whole_cores_while_each_slot_gets_one(void **state)
{
	read_machine(state, "x86-64-cores-smt", NULL);
	assert_int_equal(cpu_layout_share(&layout, &taken, 1), 128);
	assert_int_equal(cpu_layout_share(&layout, &taken, 16), 8);
	assert_int_equal(cpu_layout_share(&layout, &taken, 48), 2); /* 64 cores for 48 */
	assert_int_equal(cpu_layout_share(&layout, &taken, 64), 2);
	assert_int_equal(cpu_layout_share(&layout, &taken, 65), 1);
	assert_int_equal(cpu_layout_share(&layout, &taken, 128), 1);
	assert_int_equal(cpu_layout_share(&layout, &taken, 129), 0);
}

/* What n slots get one after the other: everything, and no core of two. */
static void
test_cpu_layout_share_gives_all_cores_to_48_slots(void **state)
{
	unsigned slots, got, core_of[128], i;
	cpu_set_t own;

	read_machine(state, "x86-64-cores-smt", NULL);
	memset(core_of, 0xff, sizeof(core_of));
	for (slots = 48; slots > 0; slots--) {
		got = cpu_layout_share(&layout, &taken, slots);
		assert_true(got >= 2 && got % 2 == 0);
		assert_int_equal(cpu_layout_pick(&layout, &taken, got, &own), got);
		for (i = 0; i < 128; i++) {
			if (!CPU_ISSET(i, &own))
				continue;
			assert_true(core_of[i % 64] == UINT32_MAX || core_of[i % 64] == slots);
			core_of[i % 64] = slots;
		}
		CPU_OR(&taken, &taken, &own);
	}
	assert_int_equal(CPU_COUNT(&taken), 128);
}

/* --- two nodes ---------------------------------------------------------------------------------
 */

static void
test_cpu_layout_pick_stays_on_one_node_with_least_to_spare(void **state)
{
	read_machine(state, "x86-2-nodes-smt", NULL);
	take(12, "0-5,16-21");	/* of node 0; 4 are left there */
	take(8, "8-11,24-27");	/* only node 1 has so many */
	take(4, "6-7,22-23");	/* fits into the rest of node 0 exactly */
	take(8, "12-15,28-31"); /* and this into that of node 1 */
	take(1, "");
}

static void
test_cpu_layout_pick_crosses_nodes_when_none_has_enough(void **state)
{
	read_machine(state, "x86-2-nodes-smt", NULL);
	take(10, "0-4,16-20");
	take(20, "5-6,8-15,21-22,24-31");
	take(2, "7,23");
}

/* --- others ------------------------------------------------------------------------------------
 */

static void
test_cpu_layout_share_divides_80_cores_without_threads(void **state)
{
	read_machine(state, "arm-80-cores", NULL);
	assert_int_equal(cpu_layout_share(&layout, &taken, 64), 1);
	assert_int_equal(cpu_layout_share(&layout, &taken, 20), 4);
	take(4, "0-3");
	assert_int_equal(cpu_layout_free(&layout, &taken), 76);
	take(80, "4-79");
	assert_int_equal(cpu_layout_share(&layout, &taken, 1), 0);
}

static void
test_cpu_layout_leaves_out_what_is_offline(void **state)
{
	read_machine(state, "x86-8-cores-offline", NULL);
	assert_int_equal(layout.count, 12);
	take(2, "0,8");
	take(20, "1-7,9-11");
}

static void
test_cpu_layout_leaves_out_what_we_may_not_use(void **state)
{
	read_machine(state, "x86-64-cores-smt", "0-3,64,65,127,200");
	assert_int_equal(layout.count, 7);
	take(2, "0,64");
	take(2, "1,65");
}

/* A container without /sys: each CPU is a core. */
static void
test_cpu_layout_of_a_host_that_does_not_tell_is_plain(void **state)
{
	struct scratch *scratch = *state;
	struct err err = ERR_INIT;
	cpu_set_t cpus;

	assert_int_equal(cpu_list_parse("0-3", &cpus, &err), 0);
	assert_int_equal(cpu_layout_read(&layout, scratch->path, &cpus, &err), 0);
	CPU_ZERO(&taken);
	take(3, "0-2");
}

static void
test_cpu_layout_read_refuses_a_list_that_is_none(void **state)
{
	struct err err = ERR_INIT;
	cpu_set_t cpus;

	memset(&cpus, 0xff, sizeof(cpus));
	write_file(*state, "devices/system/cpu/online", "some\n");
	assert_int_equal(cpu_layout_read(&layout, ((struct scratch *)*state)->path, &cpus, &err),
			 ERR_INPUT);
	assert_non_null(strstr(err.text, "devices/system/cpu/online"));
}

static void
test_cpu_list_parse_takes_lists_alone(void **state)
{
	static const char *const bad[] = {"a", "1-", "-1", "1,,2", "1,", "1 2", "0x1", ","};
	struct err err = ERR_INIT;
	cpu_set_t cpus;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = (struct err)ERR_INIT;
		assert_int_equal(cpu_list_parse(bad[i], &cpus, &err), ERR_INPUT);
	}
	assert_int_equal(cpu_list_parse("1024", &cpus, &err), ERR_LIMIT);
	assert_int_equal(cpu_list_parse("0-99999999999999999999", &cpus, &err), ERR_LIMIT);
	assert_int_equal(cpu_list_parse("", &cpus, &err), 0);
	assert_int_equal(CPU_COUNT(&cpus), 0);
	assert_int_equal(cpu_list_parse("1023,0-1\n", &cpus, &err), 0);
	assert_int_equal(CPU_COUNT(&cpus), 3);
}

#define ON_MACHINE(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_MACHINE(test_cpu_layout_pick_keeps_both_threads_of_a_core_together),
		ON_MACHINE(test_cpu_layout_share_is_whole_cores_while_each_slot_gets_one),
		ON_MACHINE(test_cpu_layout_share_gives_all_cores_to_48_slots),
		ON_MACHINE(test_cpu_layout_pick_stays_on_one_node_with_least_to_spare),
		ON_MACHINE(test_cpu_layout_pick_crosses_nodes_when_none_has_enough),
		ON_MACHINE(test_cpu_layout_share_divides_80_cores_without_threads),
		ON_MACHINE(test_cpu_layout_leaves_out_what_is_offline),
		ON_MACHINE(test_cpu_layout_leaves_out_what_we_may_not_use),
		ON_MACHINE(test_cpu_layout_of_a_host_that_does_not_tell_is_plain),
		ON_MACHINE(test_cpu_layout_read_refuses_a_list_that_is_none),
		cmocka_unit_test(test_cpu_list_parse_takes_lists_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
