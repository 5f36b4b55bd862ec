/*
 * log_test.c - what our programs say of themselves: every line is one line, or one JSON object.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "format/json.h"

enum { ROOM_BYTES = 8192 };

/* One line of the log, as it went to standard error. */
static size_t
say(char room[ROOM_BYTES], bool json, struct log_at at, const char *text)
{
	int fd = memfd_create("log", MFD_CLOEXEC), saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_true(fd >= 0 && saved >= 0);
	log_setup(LOG_INFO, json, NULL);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	log_line(LOG_WARN, at, "%s", text);
	(void)dup2(saved, STDERR_FILENO);
	n = pread(fd, room, ROOM_BYTES - 1, 0);
	(void)close(fd);
	(void)close(saved);
	assert_true(n > 0 && room[n - 1] == '\n');
	room[n] = '\0';
	assert_ptr_equal(strchr(room, '\n'), room + n - 1);
	return (size_t)n;
}

static struct json *
read_line(const char *line, size_t len)
{
	struct err err = ERR_INIT;
	struct json *json = NULL;

	if (json_parse(&json, line, len, &err) < 0)
		fail_msg("%s: %s", err.text, line);
	assert_string_equal(json_get_str(json, "level"), "warn");
	assert_non_null(json_get_str(json, "msg"));
	return json;
}

static void
test_log_line_is_json_whatever_bytes_are_said(void **state)
{
	char line[ROOM_BYTES], text[2048];
	struct json *json;
	unsigned byte;
	size_t i, len;

	(void)state;
	for (byte = 1; byte < 256; byte++) {
		/* Alone, before a letter, and up to the longest line's end, where it may be cut. */
		for (len = 1; len < sizeof(text) - 1; len = len < 1015 ? len + 507 : len + 1) {
			for (i = 0; i < len; i++)
				text[i] = (char)byte;
			text[len] = '\0';
			json = read_line(line, say(line, true, LOG_AT_STEP(text, 3), text));
			assert_int_equal(json_get_int(json, "step", -1), 3);
			assert_non_null(json_get_str(json, "task"));
			json_free(json);
			if (len > 1030)
				break;
		}
	}
}

static void
test_log_line_keeps_characters_and_cuts_none_in_two(void **state)
{
	char line[ROOM_BYTES], text[1200] = "x";
	struct json *json;
	unsigned i;

	(void)state;
	json = read_line(line, say(line, true, LOG_AT_NONE,
				   "caf\xc3\xa9 \xe2\x82\xac \"q\" \\ \xf0\x9f\x98\x80"));
	assert_string_equal(json_get_str(json, "msg"),
			    "caf\xc3\xa9 \xe2\x82\xac \"q\" \\ \xf0\x9f\x98\x80");
	json_free(json);
	for (i = 0; i < 590; i++)
		(void)strcpy(text + 1 + 2 * i, "\xc3\xa9");
	json = read_line(line, say(line, true, LOG_AT_NONE, text));
	assert_true(strlen(json_get_str(json, "msg")) >= 1020);
	json_free(json);
}

static void
test_log_line_of_text_is_one_line_when_names_are_hostile(void **state)
{
	char line[ROOM_BYTES];

	(void)state;
	(void)say(line, false, LOG_AT_TASK("id\nforged"), "a\nb\033[2J");
	assert_non_null(strstr(line, " warn task=id\\x0aforged a\\x0ab\\x1b[2J\n"));
}

static void
test_log_counts_the_lines_that_are_written(void **state)
{
	uint64_t before = log_count(LOG_WARN), debug = log_count(LOG_DEBUG);
	char line[ROOM_BYTES];

	(void)state;
	(void)say(line, false, LOG_AT_NONE, "one");
	log_debug("not wanted");
	assert_int_equal(log_count(LOG_WARN), before + 1);
	assert_int_equal(log_count(LOG_DEBUG), debug);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_line_is_json_whatever_bytes_are_said),
		cmocka_unit_test(test_log_line_keeps_characters_and_cuts_none_in_two),
		cmocka_unit_test(test_log_line_of_text_is_one_line_when_names_are_hostile),
		cmocka_unit_test(test_log_counts_the_lines_that_are_written),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
