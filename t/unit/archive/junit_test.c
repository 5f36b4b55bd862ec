/*
 * junit_test.c - JUnit XML in the dialects of its writers, and what is wrong or made to be wrong.
 *
 * t/data/junit/X.xml is read to what X.expect shows: a line a case, then how reading ended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/junit.h"
#include "archive/xml_text.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "helper/seconds.h"
#include "task/test_case.h"

static char *
data_path(const char *name, const char *end)
{
	const char *top = getenv("top_srcdir");

	return mem_printf("%s/t/data/junit/%s%s", top != NULL ? top : ".", name, end);
}

static unsigned char *
read_data(const char *name, const char *end, size_t *len)
{
	char *path = data_path(name, end);
	FILE *file = fopen(path, "r");
	unsigned char *bytes = mem_zalloc(1, 1 << 20);

	if (file == NULL)
		fail_msg("cannot open '%s'", path);
	*len = fread(bytes, 1, (1 << 20) - 1, file);
	(void)fclose(file);
	free(path);
	return bytes;
}

static int
on_case(void *arg, const struct test_case *test, struct err *err)
{
	(void)err;
	test_case_write(arg, test);
	return 0;
}

static void
read_to(struct buffer *out, unsigned char *bytes, size_t len)
{
	struct err err = ERR_INIT;

	if (junit_read(bytes, len, on_case, out, &err) < 0)
		buffer_printf(out, "%s\n", err.text);
	else
		buffer_puts(out, "ok\n");
}

/* --- the samples ------------------------------------------------------------------------------ */

static void
check_sample(const char *name)
{
	struct buffer got = BUFFER_INIT;
	size_t len, wanted_len;
	unsigned char *bytes = read_data(name, ".xml", &len);
	unsigned char *wanted = read_data(name, ".expect", &wanted_len);

	read_to(&got, bytes, len);
	if (strcmp(buffer_text(&got), (char *)wanted) != 0) {
		(void)fprintf(stderr, "%s is read as\n%s\n", name, buffer_text(&got));
		fail();
	}
	buffer_release(&got);
	free(bytes);
	free(wanted);
}

static void
test_junit_reads_each_dialect(void **state)
{
	char *path = data_path("", "");
	DIR *dir = opendir(path);
	struct dirent *entry;
	char *name;
	int count = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (!text_ends(entry->d_name, ".xml"))
			continue;
		name = mem_strndup(entry->d_name, strlen(entry->d_name) - 4);
		check_sample(name);
		free(name);
		count++;
	}
	assert_true(count >= 18);
	(void)closedir(dir);
	free(path);
}

/* --- times --------------------------------------------------------------------------------------
 */

static void
test_seconds_us_reads_what_is_written(void **state)
{
	static const struct {
		const char *text;
		uint64_t us;
	} cases[] = {
		{"0.001", 1000},
		{"12", 12000000},
		{"1,234.5", 1234500000},
		{"1,234", 1234000000},
		{"0,25", 250000},
		{"0,125", 125000},
		{"1,234,567.8", 1234567800000},
		{"1e-05", 10},
		{"", 0},
		{"nan", 0},
		{"inf", 2000000000000},
		{"-1", 0},
		{"x", 0},
		{"1e300", 2000000000000},
		{"0.", 0},
		{"0.0000004", 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (seconds_us(cases[i].text) != cases[i].us)
			fail_msg("'%s' is %llu", cases[i].text,
				 (unsigned long long)seconds_us(cases[i].text));
}

/* --- bounds
 * ----------------------------------------------------------------------------------------- */

struct kept {
	size_t count, name_len, message_len;
	bool is_cut, is_utf8;
};

static int
on_long_case(void *arg, const struct test_case *test, struct err *err)
{
	struct kept *kept = arg;

	(void)err;
	kept->count++;
	kept->name_len = strlen(test->name);
	kept->message_len = strlen(test->message);
	kept->is_cut = text_ends(test->message, "\xe2\x80\xa6");
	kept->is_utf8 = text_is_utf8(test->message, kept->message_len) &&
			text_is_utf8(test->name, kept->name_len);
	return 0;
}

static void
test_junit_cuts_what_is_too_long(void **state)
{
	struct buffer text = BUFFER_INIT;
	struct err err = ERR_INIT;
	struct kept kept = {0};
	int i;

	(void)state;
	buffer_puts(&text, "<testsuite><testcase name='");
	for (i = 0; i < 3000; i++)
		buffer_puts(&text, "\xc3\xa9");
	buffer_puts(&text, "'><failure>");
	for (i = 0; i < 30000; i++)
		buffer_puts(&text, "\xe2\x82\xac");
	buffer_puts(&text, "</failure></testcase></testsuite>");
	assert_int_equal(junit_read(text.data, text.len, on_long_case, &kept, &err), 0);
	assert_int_equal(kept.count, 1);
	assert_true(kept.name_len <= TEST_NAME_MOST_BYTES && kept.name_len > 4000);
	assert_true(kept.message_len <= TEST_MESSAGE_MOST_BYTES && kept.message_len > 16000);
	assert_true(kept.is_cut && kept.is_utf8);
	buffer_release(&text);
}

static int
on_refused_case(void *arg, const struct test_case *test, struct err *err)
{
	(void)test;
	if (++*(int *)arg < 2)
		return 0;
	return err_set(err, ERR_AGAIN, "nobody takes it");
}

static void
test_junit_ends_where_the_caller_says(void **state)
{
	char text[] = "<testsuite><testcase name='a'/><testcase name='b'/><testcase name='c'/>"
		      "</testsuite>";
	struct err err = ERR_INIT;
	int count = 0;

	(void)state;
	assert_int_equal(junit_read((unsigned char *)text, strlen(text), on_refused_case, &count,
				    &err),
			 ERR_AGAIN);
	assert_int_equal(count, 2);
	assert_string_equal(err.text, "nobody takes it");
}

static void
test_junit_refuses_an_empty_file(void **state)
{
	unsigned char nothing[1] = "";
	struct err err = ERR_INIT;
	int count = 0;

	(void)state;
	assert_int_equal(junit_read(nothing, 0, on_refused_case, &count, &err), ERR_INPUT);
}

/* --- lines
 * -------------------------------------------------------------------------------------------- */

static void
test_test_case_comes_back_as_it_was(void **state)
{
	const struct test_case test = {.name = "a \"b\"\n\tc \xc3\xa9",
				       .classname = "k",
				       .file = "",
				       .source = "s",
				       .message = "m\x01",
				       .result = TEST_FAILURE,
				       .run_time_us = 12};
	struct buffer line = BUFFER_INIT;
	struct err err = ERR_INIT;
	struct test_case back;
	struct json *hold;

	(void)state;
	test_case_write(&line, &test);
	assert_int_equal(line.data[line.len - 1], '\n');
	assert_int_equal(test_case_parse(&back, &hold, (char *)line.data, line.len - 1, &err), 0);
	assert_string_equal(back.name, test.name);
	assert_string_equal(back.classname, "k");
	assert_string_equal(back.file, "");
	assert_string_equal(back.message, "m\x01");
	assert_int_equal(back.result, TEST_FAILURE);
	assert_int_equal(back.run_time_us, 12);
	assert_false(back.flaky);
	json_free(hold);
	buffer_release(&line);
}

static void
test_test_case_parse_refuses_what_is_wrong(void **state)
{
	static const char *const wrong[] = {
		"",
		"[]",
		"{}",
		"{\"name\":\"a\"}",
		"{\"name\":\"\",\"result\":\"success\"}",
		"{\"name\":1,\"result\":\"success\"}",
		"{\"name\":\"a\",\"result\":\"well\"}",
		"{\"name\":\"a\",\"result\":\"success\",\"flaky\":1}",
		"{\"name\":\"a\",\"result\":\"success\",\"run_time_us\":-1}",
		"{\"name\":\"a\",\"result\":\"success\",\"run_time_us\":2000000000001}",
		"{\"name\":\"a\",\"result\":\"success\",\"message\":[]}",
	};
	struct test_case test;
	struct json *hold;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct err err = ERR_INIT;

		if (test_case_parse(&test, &hold, wrong[i], strlen(wrong[i]), &err) != ERR_INPUT)
			fail_msg("%s is taken", wrong[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_junit_reads_each_dialect),
		cmocka_unit_test(test_seconds_us_reads_what_is_written),
		cmocka_unit_test(test_junit_cuts_what_is_too_long),
		cmocka_unit_test(test_junit_ends_where_the_caller_says),
		cmocka_unit_test(test_junit_refuses_an_empty_file),
		cmocka_unit_test(test_test_case_comes_back_as_it_was),
		cmocka_unit_test(test_test_case_parse_refuses_what_is_wrong),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
