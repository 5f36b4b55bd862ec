/*
 * config_test.c - the cases under t/data/config, one test each; see dump.h. Each gives the same
 * plan written another way (variant.h), too.
 *
 * With a directory as argument it prints what that case gives, to write "expect" from.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "dump.h"
#include "variant.h"

enum { CASES_MAX = 1000 };

static const char *
data_directory(void)
{
	static char path[1000];
	const char *top = getenv("top_srcdir");

	(void)snprintf(path, sizeof(path), "%s/t/data/config", top != NULL ? top : TOP_SRCDIR);
	return path;
}

static void
expect_same_plan(const char *directory)
{
	char path[2100], *config;
	struct buffer expected = BUFFER_INIT;
	size_t len;
	int variant;

	(void)snprintf(path, sizeof(path), "%s/config.yml", directory);
	config = dump_read_file(path, &len);
	dump_plan(directory, config, len, &expected);
	for (variant = 0; variant < VARIANT_COUNT; variant++) {
		struct buffer text = BUFFER_INIT, got = BUFFER_INIT;

		if (variant_write((enum variant)variant, config, len, &text)) {
			dump_plan(directory, buffer_text(&text), text.len, &got);
			if (strcmp(buffer_text(&got), buffer_text(&expected)) != 0)
				print_message("variant %d:\n%s\n", variant, buffer_text(&text));
			assert_string_equal(buffer_text(&got), buffer_text(&expected));
		}
		buffer_release(&text);
		buffer_release(&got);
	}
	buffer_release(&expected);
	free(config);
}

static void
test_case(void **state)
{
	struct buffer got = BUFFER_INIT;
	char directory[2000], path[2100], *expected;
	size_t len;

	(void)snprintf(directory, sizeof(directory), "%s/%s", data_directory(),
		       (const char *)*state);
	(void)snprintf(path, sizeof(path), "%s/expect", directory);
	expected = dump_read_file(path, &len);
	assert_non_null(expected);
	dump_case(directory, &got);
	assert_string_equal(buffer_text(&got), expected);
	buffer_release(&got);
	free(expected);
	expect_same_plan(directory);
}

static int
order(const void *a, const void *b)
{
	return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

static size_t
find_cases(struct CMUnitTest *tests)
{
	DIR *directory = opendir(data_directory());
	struct dirent *entry;
	size_t n = 0;

	while (directory != NULL && n < CASES_MAX && (entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		tests[n].name = mem_strdup(entry->d_name);
		tests[n].test_func = test_case;
		tests[n].initial_state = (void *)tests[n].name;
		n++;
	}
	if (directory != NULL)
		(void)closedir(directory);
	qsort(tests, n, sizeof(*tests), order);
	return n;
}

int
main(int argc, char **argv)
{
	struct CMUnitTest *tests = MEM_NEW_ARRAY(struct CMUnitTest, CASES_MAX);
	struct buffer out = BUFFER_INIT;
	size_t n, i;
	int failed;

	if (argc > 1) {
		dump_case(argv[1], &out);
		(void)fputs(buffer_text(&out), stdout);
		buffer_release(&out);
		free(tests);
		return 0;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	n = find_cases(tests);
	failed = n == 0 ? 1 : _cmocka_run_group_tests("config", tests, n, NULL, NULL);
	for (i = 0; i < n; i++)
		free((void *)tests[i].name);
	free(tests);
	return failed;
}
