/*
 * clean_test.c - text of others made fit for one line of our own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"
#include "ctl/clean.h"

static const char *
cleaned(const char *text, size_t len)
{
	static char room[256];

	clean_text(room, sizeof(room), text, len);
	return room;
}

static void
test_clean_text_drops_sequences_and_controls(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"plain", "plain"},
		{"\033[31mred\033[0m", "red"},
		{"a\033]0;title\007b", "ab"},
		{"a\033]0;title\033\\b", "ab"},
		{"a\033(Bb", "ab"},
		{"a\033Pq\033[0m\033\\b", "ab"},
		{"bell\007 back\010 del\177", "bell back del"},
		{"tab\tend", "tab end"},
		{"\033[2J\033[1;1Hgone", "gone"},
		{"nel\xc2\x85 csi\xc2\x9b", "nel csi"},
		{"\xc3\xa4 \xff \xe2\x82", "\xc3\xa4 ? ??"},
		{"cut \033[3", "cut "},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(cleaned(rows[i].in, strlen(rows[i].in)), rows[i].out);
	assert_string_equal(cleaned("nul\0in", 6), "nulin");
}

static void
test_clean_text_stops_at_the_end_of_its_room(void **state)
{
	char room[6];

	(void)state;
	clean_text(room, sizeof(room), "abcd\xc3\xa4", 6);
	assert_string_equal(room, "abcd");
}

static void
test_clean_width_counts_columns(void **state)
{
	(void)state;
	assert_int_equal(clean_width(""), 0);
	assert_int_equal(clean_width("abc"), 3);
	assert_int_equal(clean_width("\xc3\xa4"), 1);
	assert_int_equal(clean_width("\xe6\xbc\xa2"), 2);     /* a Han character */
	assert_int_equal(clean_width("e\xcc\x81"), 1);	      /* a combining accent */
	assert_int_equal(clean_width("\xf0\x9f\x98\x80"), 2); /* an emoji */
}

static void
test_clean_cut_keeps_both_ends(void **state)
{
	char room[64];
	unsigned width;

	(void)state;
	assert_string_equal(clean_cut(room, sizeof(room), "abcdefghij", 10), "abcdefghij");
	assert_string_equal(clean_cut(room, sizeof(room), "abcdefghij", 9), "abc...hij");
	assert_string_equal(clean_cut(room, sizeof(room), "abcdefghij", 3), "...");
	assert_string_equal(clean_cut(room, sizeof(room), "abcdefghij", 2), "");
	/* Wide characters never make it wider than asked for. */
	for (width = 3; width < 12; width++)
		assert_true(clean_width(clean_cut(room, sizeof(room),
						  "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2"
						  "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2",
						  width)) <= width);
	/* Nor does it outgrow its room. */
	assert_true(strlen(clean_cut(room, 8, "abcdefghijklmnop", 12)) < 8);
}

static void
feed_bytes_singly(struct clean_line *line, const char *text)
{
	for (; *text != '\0'; text++)
		clean_line_feed(line, text, 1);
}

static void
test_clean_line_is_the_last_that_had_something(void **state)
{
	static const struct {
		const char *in, *last;
	} rows[] = {
		{"one\ntwo\n", "two"},
		{"one\ntw", "tw"},
		{"one\n\n\n", "one"},
		{"10%\r20%\r30%", "30%"},
		{"\033[1mbold\033[0m line\n", "bold line"},
		{"", ""},
	};
	struct clean_line line;
	char room[CLEAN_LINE_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&line, 0, sizeof(line));
		clean_line_feed(&line, rows[i].in, strlen(rows[i].in));
		assert_string_equal(clean_line_text(&line, room), rows[i].last);
		memset(&line, 0, sizeof(line));
		feed_bytes_singly(&line, rows[i].in);
		assert_string_equal(clean_line_text(&line, room), rows[i].last);
	}
}

static void
test_clean_line_keeps_no_more_than_its_room(void **state)
{
	static char big[100000];
	struct clean_line line = {0};
	char room[CLEAN_LINE_BYTES];

	(void)state;
	memset(big, 'x', sizeof(big));
	clean_line_feed(&line, big, sizeof(big));
	clean_line_feed(&line, big, sizeof(big));
	assert_true(strlen(clean_line_text(&line, room)) < CLEAN_LINE_BYTES);
	clean_line_feed(&line, "\nend", 4);
	assert_string_equal(clean_line_text(&line, room), "end");
}

/* The same in one piece and byte by byte. */
static void
check_stream(bool colour, const char *in, const char *out)
{
	struct clean_stream stream = {.colour = colour};
	struct buffer text = BUFFER_INIT;
	size_t i;

	clean_stream_feed(&stream, in, strlen(in), &text);
	assert_string_equal(buffer_text(&text), out);
	buffer_clear(&text);
	stream = (struct clean_stream){.colour = colour};
	for (i = 0; in[i] != '\0'; i++)
		clean_stream_feed(&stream, in + i, 1, &text);
	assert_string_equal(buffer_text(&text), out);
	buffer_release(&text);
}

static void
test_clean_stream_lets_colours_pass_where_they_are_wanted(void **state)
{
	(void)state;
	check_stream(true, "a\033[1;31mred\033[0m\n", "a\033[1;31mred\033[0m\n");
	check_stream(false, "a\033[1;31mred\033[0m\n", "ared\n");
	check_stream(true, "a\033[2Jb\033[10;10Hc\r\n\td", "abc\r\n\td");
	check_stream(true, "a\033]8;;http://x\033\\link\033]8;;\033\\b", "alinkb");
	check_stream(true, "\033[0000000000000000000000000000000000000000000000000000000mlong",
		     "long");
	check_stream(true, "\007bell", "bell");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean_text_drops_sequences_and_controls),
		cmocka_unit_test(test_clean_text_stops_at_the_end_of_its_room),
		cmocka_unit_test(test_clean_width_counts_columns),
		cmocka_unit_test(test_clean_cut_keeps_both_ends),
		cmocka_unit_test(test_clean_line_is_the_last_that_had_something),
		cmocka_unit_test(test_clean_line_keeps_no_more_than_its_room),
		cmocka_unit_test(test_clean_stream_lets_colours_pass_where_they_are_wanted),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
