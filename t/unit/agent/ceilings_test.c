/*
 * ceilings_test.c - what each process may have where no control group holds its task.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "agent/ceilings.h"
#include "agent/cgroup_tree.h"
#include "agent/slots.h"

enum { MEMORY = 100 << 20, PIDS = 7 };

static struct cgroup_tree tree; /* only what it has is asked for */
static struct ceilings ceilings;

static void
choose(unsigned controllers, bool has_tree, bool own_user, bool rlimits)
{
	const struct limits limits = {.memory_bytes = MEMORY, .pids = PIDS, .rlimits = rlimits};

	tree.controllers = controllers;
	ceilings_choose(&ceilings, &limits, has_tree ? &tree : NULL, own_user);
}

static void
test_ceilings_choose_holds_what_no_group_does(void **state)
{
	(void)state;
	choose(0, false, true, true);
	assert_int_equal(ceilings.count, 2);
	assert_int_equal(ceilings.limits[0].resource, RLIMIT_DATA);
	assert_int_equal(ceilings.limits[0].soft, MEMORY);
	assert_int_equal(ceilings.limits[0].hard, MEMORY);
	assert_int_equal(ceilings.limits[1].resource, RLIMIT_NPROC);
	assert_int_equal(ceilings.limits[1].hard, PIDS);
	choose(1u << CGROUP_MEMORY | 1u << CGROUP_PIDS, true, true, true);
	assert_int_equal(ceilings.count, 0);
	choose(1u << CGROUP_PIDS, true, true, true);
	assert_int_equal(ceilings.count, 1);
	assert_int_equal(ceilings.limits[0].resource, RLIMIT_DATA);
	choose(1u << CGROUP_MEMORY, true, true, true);
	assert_int_equal(ceilings.count, 1);
	assert_int_equal(ceilings.limits[0].resource, RLIMIT_NPROC);
	choose(0, false, false, true);
	assert_int_equal(ceilings.count, 1);
	assert_int_equal(ceilings.limits[0].resource, RLIMIT_DATA);
	choose(0, false, true, false);
	assert_int_equal(ceilings.count, 0);
}

static void
test_ceilings_choose_is_not_above_what_we_have_ourselves(void **state)
{
	const struct rlimit less = {3, 3};

	(void)state;
	assert_int_equal(setrlimit(RLIMIT_NPROC, &less), 0);
	choose(0, false, true, true);
	assert_int_equal(ceilings.limits[1].soft, 3);
	assert_int_equal(ceilings.limits[1].hard, 3);
}

static void
test_ceilings_explain_speaks_of_steps_near_it_alone(void **state)
{
	char room[160] = "untouched";

	(void)state;
	choose(0, false, false, true);
	assert_false(ceilings_explain(&ceilings, 60 << 20, room, sizeof(room)));
	assert_string_equal(room, "untouched");
	assert_true(ceilings_explain(&ceilings, 90 << 20, room, sizeof(room)));
	assert_string_equal(room, "its largest process had 90.0 MiB of memory, and each may have 100.0 MiB");
	choose(0, false, false, false);
	assert_false(ceilings_explain(&ceilings, UINT64_MAX, room, sizeof(room)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ceilings_choose_holds_what_no_group_does),
		cmocka_unit_test(test_ceilings_choose_is_not_above_what_we_have_ourselves),
		cmocka_unit_test(test_ceilings_explain_speaks_of_steps_near_it_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
