/*
 * output_parts_test.c - windows of lines over records, and what a reader says it has.
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

#include "base/buffer.h"
#include "base/err.h"
#include "hub/api/output_lines.h"
#include "task/output_marks.h"

static uint32_t
newlines(const char *text, size_t len)
{
	uint32_t count = 0;
	size_t i;

	for (i = 0; i < len; i++)
		count += text[i] == '\n';
	return count;
}

/* The window over text cut into records of size bytes, as the stream does it; *cuts counts those it
 * had to look into. */
static void
take(char *out, const char *text, size_t size, struct line_window window, size_t *cuts)
{
	size_t len = strlen(text), at, n, from, until;

	*out = '\0';
	*cuts = 0;
	for (at = 0; at < len && !line_window_is_over(&window); at += n) {
		n = len - at < size ? len - at : size;
		from = 0;
		until = n;
		if (line_window_cuts(&window, newlines(text + at, n))) {
			line_window_cut(&window, text + at, n, &from, &until);
			(*cuts)++;
		} else if (!line_window_pass(&window, newlines(text + at, n))) {
			continue;
		}
		strncat(out, text + at + from, until - from);
	}
}

/* Lines first.. (from 0) of text, count at most. */
static void
expect(char *out, const char *text, uint64_t first, uint64_t count)
{
	const char *end;

	*out = '\0';
	for (; *text != '\0' && count > 0; text = end) {
		end = strchr(text, '\n');
		end = end != NULL ? end + 1 : text + strlen(text);
		if (first > 0) {
			first--;
			continue;
		}
		strncat(out, text, (size_t)(end - text));
		count--;
	}
}

static void
test_lines_are_the_same_however_they_lie_in_records(void **state)
{
	static const char text[] = "one\ntwo\n\n\nthree and more\nf\nlast";
	char got[64], wanted[64];
	uint64_t first, count;
	size_t size, cuts;

	(void)state;
	for (size = 1; size <= sizeof(text); size++)
		for (first = 0; first < 10; first++)
			for (count = 0; count < 10; count++) {
				take(got, text, size, (struct line_window){first, count}, &cuts);
				expect(wanted, text, first, count);
				assert_string_equal(got, wanted);
				assert_in_range(cuts, 0, 2);
				take(got, text, size, (struct line_window){first, LINES_ALL},
				     &cuts);
				expect(wanted, text, first, UINT64_MAX);
				assert_string_equal(got, wanted);
				assert_in_range(cuts, 0, 1);
			}
}

static void
test_lines_that_a_record_only_claims_are_survived(void **state)
{
	struct line_window window = {2, 3};
	size_t from, until;

	(void)state;
	assert_true(line_window_cuts(&window, 5));
	line_window_cut(&window, "a\nb", 3, &from, &until);
	assert_int_equal(from, 3);
	assert_int_equal(until, 3);
	assert_int_equal(window.skip, 1);
	window = (struct line_window){0, 3};
	line_window_cut(&window, "a\nb", 3, &from, &until);
	assert_int_equal(from, 0);
	assert_int_equal(until, 3);
	assert_int_equal(window.left, 2);
	assert_false(line_window_is_over(&window));
}

static void
test_marks_are_read_as_they_are_written(void **state)
{
	static const char *const good[] = {"", "0.1.5", "0.1.65536,1.1.200,1.2.9223372036854775807",
					   "end", "3.1.7,end"};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct buffer text = BUFFER_INIT;
		struct marks marks = {0};

		assert_int_equal(marks_read(&marks, good[i], &err), 0);
		marks_write(&marks, &text);
		assert_string_equal(buffer_text(&text), good[i]);
		buffer_release(&text);
		marks_release(&marks);
	}
}

static void
test_marks_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = {"x",
					  "0",
					  "0.1",
					  "0.1.",
					  "0.1.5,,1.1.1",
					  ",",
					  "0.1.-1",
					  "1001.1.5",
					  "0.1001.5",
					  "0.1.5.6",
					  "0.1.9223372036854775808",
					  "end,0.1.5",
					  "0.1.5 ",
					  "0.1.5;end",
					  "0.1.99999999999999999999999999"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = ERR_INIT;
		struct marks marks = {0};

		assert_int_equal(marks_read(&marks, bad[i], &err), ERR_INPUT);
		marks_release(&marks);
	}
}

static void
test_marks_are_bounded(void **state)
{
	struct buffer text = BUFFER_INIT;
	struct marks marks = {0};
	struct err err = ERR_INIT;
	int i;

	(void)state;
	for (i = 0; i < MARKS_MOST; i++)
		buffer_puts(&text, "1.1.1,");
	assert_int_equal(marks_read(&marks, buffer_text(&text), &err), 0);
	marks_release(&marks);
	buffer_puts(&text, "1.1.1");
	assert_int_equal(marks_read(&marks, buffer_text(&text), &err), ERR_INPUT);
	marks_release(&marks);
	buffer_release(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_are_the_same_however_they_lie_in_records),
		cmocka_unit_test(test_lines_that_a_record_only_claims_are_survived),
		cmocka_unit_test(test_marks_are_read_as_they_are_written),
		cmocka_unit_test(test_marks_that_are_none_are_refused),
		cmocka_unit_test(test_marks_are_bounded),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
