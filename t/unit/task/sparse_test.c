/*
 * sparse_test.c - a number for each of some places among many.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/sparse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

enum { PLACES = 1000 };

/* Each step-th place has the number of its square; places before and between have none. */
static void
check(uint32_t first, uint32_t step)
{
	struct sparse sparse;
	uint32_t i, count = 0;

	for (i = first; i < PLACES; i += step)
		count++;
	sparse_init(&sparse, PLACES, count);
	for (i = first; i < PLACES; i += step)
		sparse_put(&sparse, i, i * i + 1);
	for (i = 0; i < PLACES; i++)
		assert_int_equal(sparse_get(&sparse, i),
				 i >= first && (i - first) % step == 0 ? i * i + 1 : 0);
	sparse_release(&sparse);
}

static void
test_sparse_gives_what_was_put_and_nothing_elsewhere(void **state)
{
	uint32_t first, step;

	(void)state;
	for (first = 0; first < 200; first += 7)
		for (step = 1; step < 300; step += 1 + step / 2)
			check(first, step);
	check(PLACES - 1, 1);
	check(PLACES, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sparse_gives_what_was_put_and_nothing_elsewhere),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
