/*
 * shelter_test.c - a task's shelter survives the way, its limits hold on both sides, the sample is read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/shelter.h"

#define MEMORY_BYTES (UINT64_C(5) << 32 | 3)

static const struct shelter_row rows[] = {
	{SHELTER_OVERLAY, 0, 0, {"/home/ci", "/work/1/upper", "/work/1/overlay"}},
	{SHELTER_BIND, 0, 0, {"/tmp", "/work/1/tmp"}},
	{SHELTER_MEMORY, SHELTER_ROW_OPTIONAL, MEMORY_BYTES, {"/dev/shm"}},
	{SHELTER_TERMINALS, SHELTER_ROW_OPTIONAL, 0, {"/dev/pts"}},
	{SHELTER_QUEUES, SHELTER_ROW_OPTIONAL, 0, {"/dev/mqueue"}},
	{SHELTER_READ_ONLY, 0, 0, {"/opt/sdk"}},
	{SHELTER_HIDE, 0, 0, {"/run/runnerd"}},
	{SHELTER_SHOW, SHELTER_ROW_READ_ONLY, 0, {"/var/cache/runnerd/git"}},
	{SHELTER_SHOW, 0, 0, {"/work/1"}},
	{SHELTER_LOOPBACK, 0, 0, {NULL}},
	{SHELTER_OUTSIDE, 0, 0, {"/usr/bin/pasta", "/127.0.0.53", "/192.0.2.1"}},
	{SHELTER_NO_METADATA, 0, 0, {NULL}},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]), ROWS_OF_2 = ROWS - 2 };

static uint8_t room[SHELTER_MOST_BYTES];

static size_t
pack_all(void)
{
	const char *wrong;
	size_t size = shelter_pack(room, sizeof(room), SHELTER_BOUNDS_ROOT, rows, ROWS, &wrong);

	assert_null(wrong);
	assert_true(size > 0);
	return size;
}

/* Exactly as long as it says, so that a sanitizer sees one byte too many read. */
static const char *
unpack_copy(struct shelter_view *view, const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	const char *wrong;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	wrong = shelter_unpack(view, copy, size);
	free(copy);
	return wrong;
}

static void
check_rows(struct shelter_view *view, size_t count, uint64_t memory_bytes)
{
	struct shelter_row row;
	size_t i, j;

	assert_int_equal(view->flags, SHELTER_BOUNDS_ROOT);
	for (i = 0; i < count; i++) {
		assert_true(shelter_next(view, &row));
		assert_int_equal(row.kind, rows[i].kind);
		assert_int_equal(row.flags, rows[i].flags);
		assert_int_equal(row.size_bytes, row.kind == SHELTER_MEMORY ? memory_bytes : 0);
		for (j = 0; j < SHELTER_PATHS_MOST; j++)
			if (rows[i].paths[j] == NULL)
				assert_null(row.paths[j]);
			else
				assert_string_equal(row.paths[j], rows[i].paths[j]);
	}
	assert_false(shelter_next(view, &row));
}

static void
test_shelter_survives_the_way(void **state)
{
	struct shelter_view view;

	(void)state;
	assert_null(shelter_unpack(&view, room, pack_all()));
	check_rows(&view, ROWS, MEMORY_BYTES);
}

static uint8_t sample[4096];

static size_t
read_sample(const char *path)
{
	FILE *file = fopen(path, "re");
	size_t len;

	assert_non_null(file);
	len = fread(sample, 1, sizeof(sample), file);
	assert_int_equal(fclose(file), 0);
	return len;
}

static void
test_shelter_sample_of_version_3_is_what_is_packed(void **state)
{
	size_t len = read_sample(TOP_SRCDIR "/t/data/shelter/version-3");

	(void)state;
	assert_int_equal(len, pack_all());
	assert_memory_equal(sample, room, len);
}

static void
test_shelter_sample_of_version_2_is_read(void **state)
{
	size_t len = read_sample(TOP_SRCDIR "/t/data/shelter/version-2");
	struct shelter_view view;

	(void)state;
	assert_int_equal(sample[0], 2);
	assert_null(shelter_unpack(&view, sample, len));
	check_rows(&view, ROWS_OF_2, MEMORY_BYTES);
}

static void
test_shelter_sample_of_version_1_is_read_without_sizes(void **state)
{
	size_t len = read_sample(TOP_SRCDIR "/t/data/shelter/version-1");
	struct shelter_view view;

	(void)state;
	assert_null(shelter_unpack(&view, sample, len));
	check_rows(&view, ROWS_OF_2, 0);
}

static void
test_shelter_unpack_refuses_every_shorter_longer_and_later_one(void **state)
{
	struct shelter_view view;
	size_t size = pack_all(), i;

	(void)state;
	for (i = 0; i <= size; i++) {
		room[4] = (uint8_t)i; /* states the size that it has */
		room[5] = (uint8_t)(i >> 8);
		assert_true((unpack_copy(&view, room, i) == NULL) == (i == size));
	}
	size = pack_all();
	room[size] = 0;
	assert_string_equal(unpack_copy(&view, room, size + 1),
			    "its size is not the one it states");
	room[0] = SHELTER_VERSION + 1;
	assert_string_equal(unpack_copy(&view, room, size), "its version is not ours");
	room[0] = SHELTER_VERSION_OLDEST - 1;
	assert_string_equal(unpack_copy(&view, room, size), "its version is not ours");
}

static void
test_shelter_unpack_refuses_kinds_flags_and_counts_above_their_limits(void **state)
{
	struct shelter_view view;
	size_t size;

	(void)state;
	size = pack_all();
	room[16] = SHELTER_KIND_COUNT;
	assert_string_equal(unpack_copy(&view, room, size), "one of its rows does not check");
	size = pack_all();
	room[18] = SHELTER_ROW_FLAGS_ALL + 1;
	assert_string_equal(unpack_copy(&view, room, size), "one of its rows does not check");
	size = pack_all();
	room[20] = 1; /* an overlay of a size */
	assert_string_equal(unpack_copy(&view, room, size), "one of its rows does not check");
	size = pack_all();
	room[28] = 'x'; /* a path that is not absolute */
	assert_string_equal(unpack_copy(&view, room, size), "one of its rows does not check");
	size = pack_all();
	room[12] = SHELTER_ROWS_MOST + 1;
	assert_string_equal(unpack_copy(&view, room, size),
			    "a number in its head is above its limit");
	size = pack_all();
	room[12] = ROWS - 1;
	assert_string_equal(unpack_copy(&view, room, size), "its rows do not end where it ends");
}

static void
test_shelter_pack_refuses_what_unpack_would(void **state)
{
	static struct shelter_row many[SHELTER_ROWS_MOST + 1];
	static char path[SHELTER_PATH_BYTES + 1];
	struct shelter_row row = {SHELTER_HIDE, 0, 0, {"relative"}};
	const char *wrong;
	size_t i;

	(void)state;
	assert_int_equal(shelter_pack(room, sizeof(room), 0, &row, 1, &wrong), 0);
	assert_string_equal(wrong, "a path is not absolute, or longer than 4095 bytes");
	row.paths[0] = "/absolute";
	row.size_bytes = 1;
	assert_int_equal(shelter_pack(room, sizeof(room), 0, &row, 1, &wrong), 0);
	assert_string_equal(wrong, "only memory has a size");
	row.size_bytes = 0;
	memset(path, '/', SHELTER_PATH_BYTES);
	row.paths[0] = path;
	assert_int_equal(shelter_pack(room, sizeof(room), 0, &row, 1, &wrong), 0);
	path[SHELTER_PATH_BYTES - 1] = '\0';
	assert_true(shelter_pack(room, sizeof(room), 0, &row, 1, &wrong) > 0);
	assert_int_equal(shelter_pack(room, SHELTER_PATH_BYTES, 0, &row, 1, &wrong), 0);
	assert_string_equal(wrong, "there is no room for it");
	for (i = 0; i <= SHELTER_ROWS_MOST; i++)
		many[i] = rows[0];
	assert_int_equal(shelter_pack(room, sizeof(room), 0, many, SHELTER_ROWS_MOST + 1, &wrong),
			 0);
	assert_string_equal(wrong, "there are more than 128 paths");
}

static char page[96 * 1024];

static void
test_shelter_page_names_every_kind(void **state)
{
	FILE *file = fopen(TOP_SRCDIR "/doc/supervisor-messages.md", "re");
	char line[80];
	unsigned i;

	(void)state;
	assert_non_null(file);
	assert_true(fread(page, 1, sizeof(page) - 1, file) < sizeof(page) - 1);
	assert_int_equal(fclose(file), 0);
	for (i = 0; i < SHELTER_KIND_COUNT; i++) {
		(void)snprintf(line, sizeof(line), "| %u | `%s` | %u |", i,
			       shelter_kind_name((enum shelter_kind)i),
			       shelter_kind_paths((enum shelter_kind)i));
		if (strstr(page, line) == NULL)
			fail_msg("doc/supervisor-messages.md has no '%s'", line);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shelter_survives_the_way),
		cmocka_unit_test(test_shelter_sample_of_version_3_is_what_is_packed),
		cmocka_unit_test(test_shelter_sample_of_version_2_is_read),
		cmocka_unit_test(test_shelter_sample_of_version_1_is_read_without_sizes),
		cmocka_unit_test(test_shelter_unpack_refuses_every_shorter_longer_and_later_one),
		cmocka_unit_test(test_shelter_unpack_refuses_kinds_flags_and_counts_above_their_limits),
		cmocka_unit_test(test_shelter_pack_refuses_what_unpack_would),
		cmocka_unit_test(test_shelter_page_names_every_kind),
	};

	if (argc == 2 && strcmp(argv[1], "--sample") == 0) /* for t/data/shelter/version-3 */
		return fwrite(room, pack_all(), 1, stdout) == 1 ? 0 : 1;
	(void)argv;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
