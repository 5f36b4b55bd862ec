/*
 * record_test.c - records of init.log survive the way; a torn or changed one does not check.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/crc32c.h"
#include "wire/record.h"

static const struct record exited = {
	.type = RECORD_STEP_EXITED,
	.sequence = 7,
	.exited = {.step = 3,
		   .attempt = 1,
		   .status = 0x8b,
		   .why = STEP_ENDED_BY_DEADLINE,
		   .started_ms = 1769850847123,
		   .ended_ms = 1769850849123,
		   .utime_us = 5000000000,
		   .stime_us = 2,
		   .maxrss_kib = 3,
		   .in_blocks = 4,
		   .out_blocks = 5},
};

static void
test_record_of_an_exit_survives_the_way(void **state)
{
	uint8_t bytes[RECORD_BYTES];
	struct record back;

	(void)state;
	record_pack(bytes, &exited);
	assert_null(record_unpack(&back, bytes));
	assert_int_equal(back.type, RECORD_STEP_EXITED);
	assert_int_equal(back.sequence, 7);
	assert_memory_equal(&back.exited, &exited.exited, sizeof(back.exited));
}

static void
test_record_of_a_failed_start_and_of_the_end_survive_the_way(void **state)
{
	struct record failed = {.type = RECORD_STEP_FAILED,
				.sequence = 1,
				.failed = {.step = 9, .attempt = 2, .what = FAULT_EXEC, .sys = 2}};
	struct record end = {
		.type = RECORD_END,
		.sequence = 0xffffffff,
		.end = {.reason = SUPERVISOR_END_ORPHANED, .left = 1, .ended_ms = 1769850849123}};
	uint8_t bytes[RECORD_BYTES];
	struct record back;

	(void)state;
	record_pack(bytes, &failed);
	assert_null(record_unpack(&back, bytes));
	assert_memory_equal(&back.failed, &failed.failed, sizeof(back.failed));
	record_pack(bytes, &end);
	assert_null(record_unpack(&back, bytes));
	assert_int_equal(back.sequence, 0xffffffff);
	assert_memory_equal(&back.end, &end.end, sizeof(back.end));
}

static void
test_record_unpack_refuses_every_flipped_bit(void **state)
{
	uint8_t bytes[RECORD_BYTES];
	struct record back;
	unsigned bit;

	(void)state;
	record_pack(bytes, &exited);
	for (bit = 0; bit < RECORD_BYTES * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_string_equal(record_unpack(&back, bytes), "its checksum does not fit");
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_null(record_unpack(&back, bytes));
}

static void
check_again(uint8_t bytes[RECORD_BYTES])
{
	uint32_t crc = crc32c(0, bytes, RECORD_BYTES - 4);
	unsigned i;

	for (i = 0; i < 4; i++)
		bytes[RECORD_BYTES - 4 + i] = (uint8_t)(crc >> 8 * i);
}

static void
test_record_unpack_refuses_other_versions_and_types_that_check(void **state)
{
	uint8_t bytes[RECORD_BYTES];
	struct record back;

	(void)state;
	record_pack(bytes, &exited);
	bytes[1] = 4;
	check_again(bytes);
	assert_string_equal(record_unpack(&back, bytes), "its type is not known");
	bytes[0] = SUPERVISOR_VERSION + 1;
	check_again(bytes);
	assert_string_equal(record_unpack(&back, bytes), "its version is not ours");
	memset(bytes, 0, sizeof(bytes)); /* a file system's hole after a power loss */
	assert_non_null(record_unpack(&back, bytes));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_of_an_exit_survives_the_way),
		cmocka_unit_test(test_record_of_a_failed_start_and_of_the_end_survive_the_way),
		cmocka_unit_test(test_record_unpack_refuses_every_flipped_bit),
		cmocka_unit_test(test_record_unpack_refuses_other_versions_and_types_that_check),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
