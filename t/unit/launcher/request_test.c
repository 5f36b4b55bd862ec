/*
 * request_test.c - the launcher takes what it knows, in its range, and nothing besides.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "launcher/request.h"

enum { SLOTS = 4 };

static struct launcher_request
request_of(uint32_t verb)
{
	struct launcher_request request = {.version = LAUNCHER_VERSION, .verb = verb};

	return request;
}

static bool
is_taken(const struct launcher_request *request, size_t fd_count)
{
	struct launcher_request out;

	return request_check(&out, request, sizeof(*request), fd_count, SLOTS);
}

static void
test_request_check_takes_each_verb_with_what_it_uses(void **state)
{
	struct launcher_request request;
	uint32_t verb;

	(void)state;
	for (verb = LAUNCHER_NO_VERB + 1; verb < LAUNCHER_VERB_COUNT; verb++) {
		request = request_of(verb);
		assert_true(is_taken(&request, 0));
	}
	request = request_of(LAUNCHER_MAKE);
	request.disk_mib = UINT32_MAX;
	assert_true(is_taken(&request, 0));
	request = request_of(LAUNCHER_START);
	request.slot = SLOTS - 1;
	request.level = LAUNCHER_LEVEL_COUNT - 1;
	request.orphan_ms = UINT32_MAX;
	memset(request.task, 0xff, sizeof(request.task));
	memset(request.cpus, 0xff, sizeof(request.cpus));
	assert_true(is_taken(&request, 0));
	assert_true(is_taken(&request, 2));
}

static void
test_request_check_refuses_numbers_beyond_their_range(void **state)
{
	struct launcher_request request = request_of(LAUNCHER_KILL);

	(void)state;
	request.slot = SLOTS;
	assert_false(is_taken(&request, 0));
	request.slot = UINT32_MAX;
	assert_false(is_taken(&request, 0));
	request = request_of(LAUNCHER_START);
	request.level = LAUNCHER_LEVEL_COUNT;
	assert_false(is_taken(&request, 0));
	request = request_of(LAUNCHER_NO_VERB);
	assert_false(is_taken(&request, 0));
	request = request_of(LAUNCHER_VERB_COUNT);
	assert_false(is_taken(&request, 0));
	request = request_of(LAUNCHER_KILL);
	request.version++;
	assert_false(is_taken(&request, 0));
}

static void
test_request_check_refuses_what_a_verb_does_not_use(void **state)
{
	struct launcher_request request = request_of(LAUNCHER_KILL);

	(void)state;
	request.level = 1;
	assert_false(is_taken(&request, 0));
	request = request_of(LAUNCHER_START);
	request.disk_mib = 1;
	assert_false(is_taken(&request, 0));
	request = request_of(LAUNCHER_KILL);
	request.orphan_ms = 1;
	assert_false(is_taken(&request, 0));
	request = request_of(LAUNCHER_CLEAN);
	request.task[15] = 1;
	assert_false(is_taken(&request, 0));
	request = request_of(LAUNCHER_CLEAN);
	request.cpus[LAUNCHER_CPU_BYTES - 1] = 1;
	assert_false(is_taken(&request, 0));
	request = request_of(LAUNCHER_REMOVE);
	request.slot = 1;
	assert_false(is_taken(&request, 0));
}

static void
test_request_check_refuses_descriptors_and_lengths_that_are_not_its_own(void **state)
{
	struct launcher_request request = request_of(LAUNCHER_START), out;
	char more[sizeof(request) + 1] = {0};

	(void)state;
	assert_false(is_taken(&request, 1));
	assert_true(is_taken(&request, 3));
	assert_false(is_taken(&request, 4));
	memcpy(more, &request, sizeof(request));
	assert_true(request_check(&out, more, sizeof(request), 0, SLOTS));
	assert_false(request_check(&out, more, sizeof(request) + 1, 0, SLOTS));
	assert_false(request_check(&out, more, sizeof(request) - 1, 0, SLOTS));
	assert_false(request_check(&out, more, 0, 0, SLOTS));
	request = request_of(LAUNCHER_MAKE);
	assert_false(is_taken(&request, 1));
	assert_false(is_taken(&request, 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_check_takes_each_verb_with_what_it_uses),
		cmocka_unit_test(test_request_check_refuses_numbers_beyond_their_range),
		cmocka_unit_test(test_request_check_refuses_what_a_verb_does_not_use),
		cmocka_unit_test(test_request_check_refuses_descriptors_and_lengths_that_are_not_its_own),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
