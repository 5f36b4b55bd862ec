/* Frames of a session: src/task/session_frame.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "task/session_frame.h"

/* The first frame of what was put, which is all of it. */
static struct session_frame
only_frame(const struct buffer *out, enum session_sender sender)
{
	struct session_frame frame;
	struct err err = ERR_INIT;
	size_t used = 0, len;

	for (len = 0; len < out->len; len++)
		assert_int_equal(session_frame_next(&frame, &used, sender, out->data, len, &err), 0);
	assert_int_equal(session_frame_next(&frame, &used, sender, out->data, out->len, &err), 1);
	assert_int_equal(used, out->len);
	return frame;
}

static void
test_session_open_is_read_as_it_was_written(void **state)
{
	static const char *const argv[] = {"ls", "", "-l x", NULL};
	const struct session_open given = {.is_terminal = true, .rows = 33, .cols = 4096, .term = "xterm-256color"};
	struct buffer out = BUFFER_INIT;
	struct session_frame frame;
	struct session_open open;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(session_put_open(&out, &given, argv, &err), 0);
	frame = only_frame(&out, SESSION_FROM_PERSON);
	assert_int_equal(session_read_open(&open, &frame, &err), 0);
	assert_true(open.is_terminal);
	assert_int_equal(open.rows, 33);
	assert_int_equal(open.cols, 4096);
	assert_string_equal(open.term, "xterm-256color");
	assert_int_equal(open.argc, 3);
	assert_memory_equal(open.args, "ls\0\0-l x", 9);
	buffer_clear(&out);
	assert_int_equal(session_put_open(&out, &given, NULL, &err), 0);
	frame = only_frame(&out, SESSION_FROM_PERSON);
	assert_int_equal(session_read_open(&open, &frame, &err), 0);
	assert_int_equal(open.argc, 0);
	buffer_release(&out);
}

static void
test_session_open_refuses_what_is_too_long_or_contradicts_itself(void **state)
{
	static char big[SESSION_FRAME_MOST_BYTES + 1];
	const char *const argv[] = {big, NULL};
	const struct session_open given = {.term = "vt"};
	static const struct {
		size_t len;
		uint8_t bytes[16];
	} wrong[] = {
		{0, {0}},
		{12, {2, 0, 1, 0, 1, 0, 0, 0, 'v', 't', 0, 0}},   /* another version */
		{11, {1, 2, 1, 0, 1, 0, 0, 0, 'v', 't', 0}},	  /* a flag nobody knows */
		{11, {1, 0, 1, 0, 1, 0, 1, 0, 'v', 't', 0}},	  /* a word that is not there */
		{13, {1, 0, 1, 0, 1, 0, 0, 0, 'v', 't', 0, 'x', 0}}, /* one that was not said */
		{12, {1, 0, 1, 0, 1, 0, 1, 0, 'v', 't', 0, 'x'}},  /* no NUL */
		{11, {1, 0, 1, 0x20, 1, 0, 0, 0, 'v', 't', 0}},	  /* 8193 rows */
		{11, {1, 0, 1, 0, 1, 0, 0, 0, 'v', 27, 0}},	  /* a terminal of that name cannot be */
	};
	struct buffer out = BUFFER_INIT;
	struct err err = ERR_INIT;
	struct session_open open;
	size_t i;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	assert_int_equal(session_put_open(&out, &given, argv, &err), ERR_LIMIT);
	assert_int_equal(out.len, 0);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct session_frame frame = {SESSION_OPEN, wrong[i].bytes, wrong[i].len};

		assert_int_equal(session_read_open(&open, &frame, &err), ERR_INPUT);
	}
	assert_int_equal(session_read_open(
				 &open, &(struct session_frame){SESSION_INPUT, wrong[1].bytes, 11}, &err),
			 ERR_INPUT);
	buffer_release(&out);
}

static void
test_session_frame_next_takes_one_direction_and_no_long_frame(void **state)
{
	const uint8_t long_one[] = {SESSION_INPUT, 1, 0x80, 0};
	struct buffer out = BUFFER_INIT;
	struct session_frame frame;
	struct err err = ERR_INIT;
	size_t used;

	(void)state;
	session_frame_put(&out, SESSION_INPUT, "ab", 2);
	session_frame_put(&out, SESSION_ALIVE, "", 0);
	assert_int_equal(session_frame_next(&frame, &used, SESSION_FROM_PERSON, out.data, out.len, &err), 1);
	assert_int_equal(used, 6);
	assert_int_equal(frame.type, SESSION_INPUT);
	assert_memory_equal(frame.bytes, "ab", 2);
	assert_int_equal(session_frame_next(&frame, &used, SESSION_FROM_AGENT, out.data, 1, &err), ERR_INPUT);
	assert_int_equal(session_frame_next(&frame, &used, SESSION_FROM_PERSON, long_one, 4, &err), ERR_INPUT);
	assert_int_equal(session_frame_next(&frame, &used, SESSION_FROM_PERSON, (const uint8_t *)"\0", 1, &err),
			 ERR_INPUT);
	buffer_release(&out);
}

static void
test_session_resize_signal_and_exit_are_read_as_they_were_written(void **state)
{
	struct session_exit given = {SESSION_ENDED_BY_SIGNAL, 9, "it\tended"}, exit;
	char room[SESSION_TEXT_MOST_BYTES + 32];
	struct buffer out = BUFFER_INIT;
	struct session_frame frame;
	struct err err = ERR_INIT;
	uint16_t rows, cols;
	int signo;

	(void)state;
	session_put_resize(&out, 1, 300);
	frame = only_frame(&out, SESSION_FROM_PERSON);
	assert_int_equal(session_read_resize(&rows, &cols, &frame, &err), 0);
	assert_int_equal(rows * 1000 + cols, 1300);
	frame.len--;
	assert_int_equal(session_read_resize(&rows, &cols, &frame, &err), ERR_INPUT);
	buffer_clear(&out);
	session_put_signal(&out, SIGTERM);
	frame = only_frame(&out, SESSION_FROM_PERSON);
	assert_int_equal(session_read_signal(&signo, &frame, &err), 0);
	assert_int_equal(signo, SIGTERM);
	buffer_clear(&out);
	session_put_signal(&out, SIGKILL);
	frame = only_frame(&out, SESSION_FROM_PERSON);
	assert_int_equal(session_read_signal(&signo, &frame, &err), ERR_INPUT);
	buffer_clear(&out);
	session_put_exit(&out, &given);
	frame = only_frame(&out, SESSION_FROM_AGENT);
	assert_int_equal(session_read_exit(&exit, &frame, &err), 0);
	assert_string_equal(session_exit_text(room, &exit), "signal 9: it ended");
	frame.len = 4;
	assert_int_equal(session_read_exit(&exit, &frame, &err), ERR_INPUT);
	buffer_release(&out);
}

/* doc/sessions.md names every frame with its number and who sends it. */
static void
test_session_page_names_every_frame(void **state)
{
	static char page[64 * 1024];
	FILE *file = fopen(TOP_SRCDIR "/doc/sessions.md", "r");
	size_t len;
	char line[80];

	(void)state;
	assert_non_null(file);
	len = fread(page, 1, sizeof(page) - 1, file);
	(void)fclose(file);
	assert_true(len < sizeof(page) - 1);
#define WHO_PERSON "person"
#define WHO_AGENT  "agent"
#define X(NAME, name, number, sender)                                                          \
	(void)snprintf(line, sizeof(line), "| `%s` | %d | %s | ", #NAME, number, WHO_##sender); \
	if (strstr(page, line) == NULL)                                                        \
		fail_msg("doc/sessions.md has no '%s'", line);                                 \
	assert_string_equal(session_type_name(number), #NAME);
	SESSION_FRAMES(X)
#undef X
	assert_string_equal(session_type_name(255), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session_open_is_read_as_it_was_written),
		cmocka_unit_test(test_session_open_refuses_what_is_too_long_or_contradicts_itself),
		cmocka_unit_test(test_session_frame_next_takes_one_direction_and_no_long_frame),
		cmocka_unit_test(test_session_resize_signal_and_exit_are_read_as_they_were_written),
		cmocka_unit_test(test_session_page_names_every_frame),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
