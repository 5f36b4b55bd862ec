/*
 * spec_test.c - a step's specification survives the way, and its limits hold on both sides.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "wire/spec.h"

static const char *const args[] = {"sh", "-c", "", "echo \"$A\"", NULL};
static const char *const env[] = {"A=b", "PATH=/bin", "EMPTY=", NULL};
static const struct spec_rlimit rlimits[] = {{7, 1024, UINT64_MAX}, {4, 0, 0}};
static const uint32_t groups[] = {4, 100000, 7};
static const uint64_t filter[] = {0x0102030405060708, 6};
static const struct spec whole = {.cwd = "/work dir",
				  .argv = args,
				  .env = env,
				  .umask = 022,
				  .rlimits = rlimits,
				  .rlimit_count = 2,
				  .groups = groups,
				  .group_count = 3,
				  .filter = filter,
				  .filter_count = 2};

/* 8-aligned room for a packed spec; the caller frees. */
static uint8_t *
pack(const struct spec *spec, size_t *size)
{
	const char *wrong;
	uint8_t *room;

	*size = spec_size(spec, &wrong);
	assert_null(wrong);
	assert_true(*size > 0);
	room = malloc(*size);
	assert_non_null(room);
	spec_pack(room, spec);
	return room;
}

static void
test_spec_survives_the_way(void **state)
{
	const char *out[5];
	struct spec_rlimit rlimit;
	struct spec_view view;
	size_t size, i;
	uint8_t *room = pack(&whole, &size);

	(void)state;
	assert_null(spec_unpack(&view, room, size));
	assert_string_equal(view.cwd, "/work dir");
	assert_int_equal(view.umask, 022);
	assert_int_equal(view.argc, 4);
	spec_pointers(view.args, view.argc, out);
	for (i = 0; i < 4; i++)
		assert_string_equal(out[i], args[i]);
	assert_null(out[4]);
	assert_int_equal(view.envc, 3);
	spec_pointers(view.env, view.envc, out);
	for (i = 0; i < 3; i++)
		assert_string_equal(out[i], env[i]);
	assert_int_equal(view.rlimit_count, 2);
	spec_rlimit(&view, 0, &rlimit);
	assert_int_equal(rlimit.resource, 7);
	assert_int_equal(rlimit.soft, 1024);
	assert_true(rlimit.hard == UINT64_MAX);
	assert_int_equal(view.group_count, 3);
	assert_int_equal(spec_group(&view, 1), 100000);
	assert_int_equal(view.filter_count, 2);
	assert_memory_equal(view.filter, filter, sizeof(filter));
	free(room);
}

static void
test_spec_unpack_refuses_every_shorter_and_longer_one(void **state)
{
	struct spec_view view;
	size_t size, len;
	uint8_t *room = pack(&whole, &size);

	(void)state;
	for (len = 0; len < size; len++) {
		uint8_t *cut = malloc(len + 1); /* so that a sanitizer sees a read behind it */

		assert_non_null(cut);
		memcpy(cut, room, len);
		assert_non_null(spec_unpack(&view, cut, len));
		if (len >= 8) { /* it states the length it has */
			cut[4] = (uint8_t)len;
			assert_non_null(spec_unpack(&view, cut, len));
		}
		free(cut);
	}
	room = realloc(room, size + 1);
	assert_non_null(room);
	room[size] = 0;
	room[4]++;
	assert_string_equal(spec_unpack(&view, room, size + 1),
			    "its strings do not end where it ends");
	free(room);
}

static void
test_spec_unpack_refuses_counts_above_their_limits(void **state)
{
	static const unsigned counts_at[] = {8, 12, 16, 20, 24, 28};
	struct spec_view view;
	size_t size, i;
	uint8_t *room = pack(&whole, &size);

	(void)state;
	for (i = 0; i < sizeof(counts_at) / sizeof(counts_at[0]); i++) {
		uint8_t saved[4];

		memcpy(saved, room + counts_at[i], 4);
		memset(room + counts_at[i], 0xff, 4);
		assert_string_equal(spec_unpack(&view, room, size),
				    "a count in its head is above its limit");
		memcpy(room + counts_at[i], saved, 4);
	}
	room[0]++;
	assert_string_equal(spec_unpack(&view, room, size), "its version is not ours");
	room[0]--;
	memset(room + 12, 0, 4);
	assert_string_equal(spec_unpack(&view, room, size), "there is no program to start");
	free(room);
}

static void
test_spec_size_refuses_what_the_kernel_would(void **state)
{
	char *most = malloc(SPEC_STRING_MOST_BYTES + 1);
	const char *argv[64] = {"sh"};
	struct spec spec = whole;
	const char *wrong;
	size_t i;

	(void)state;
	assert_non_null(most);
	memset(most, 'x', SPEC_STRING_MOST_BYTES);
	most[SPEC_STRING_MOST_BYTES - 1] = '\0'; /* the longest that fits */
	spec.argv = argv;
	argv[1] = most;
	assert_true(spec_size(&spec, &wrong) > SPEC_STRING_MOST_BYTES);
	most[SPEC_STRING_MOST_BYTES - 1] = 'x';
	most[SPEC_STRING_MOST_BYTES] = '\0';
	assert_int_equal(spec_size(&spec, &wrong), 0);
	assert_string_equal(wrong, "an argument or a variable is longer than the kernel's 128 KiB");
	most[SPEC_STRING_MOST_BYTES - 1] = '\0';
	for (i = 1; i < 40; i++)
		argv[i] = most;
	assert_int_equal(spec_size(&spec, &wrong), 0);
	assert_string_equal(wrong, "arguments and environment are larger than 4 MiB");
	free(most);
}

static void
test_spec_size_refuses_what_makes_no_step(void **state)
{
	const char *none[] = {NULL}, *empty[] = {"", NULL};
	struct spec spec = whole;
	const char *wrong;

	(void)state;
	spec.cwd = "relative";
	assert_int_equal(spec_size(&spec, &wrong), 0);
	assert_string_equal(wrong, "the working directory is not an absolute path");
	spec = whole;
	spec.argv = none;
	assert_int_equal(spec_size(&spec, &wrong), 0);
	spec.argv = empty;
	assert_int_equal(spec_size(&spec, &wrong), 0);
	assert_string_equal(wrong, "there is no program to start");
	spec = whole;
	spec.filter_count = SPEC_FILTER_MOST + 1;
	assert_int_equal(spec_size(&spec, &wrong), 0);
	spec = whole;
	spec.group_count = SPEC_GROUPS_MOST + 1;
	assert_int_equal(spec_size(&spec, &wrong), 0);
	spec = whole;
	spec.rlimit_count = SPEC_RLIMITS_MOST + 1;
	assert_int_equal(spec_size(&spec, &wrong), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spec_survives_the_way),
		cmocka_unit_test(test_spec_unpack_refuses_every_shorter_and_longer_one),
		cmocka_unit_test(test_spec_unpack_refuses_counts_above_their_limits),
		cmocka_unit_test(test_spec_size_refuses_what_the_kernel_would),
		cmocka_unit_test(test_spec_size_refuses_what_makes_no_step),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
