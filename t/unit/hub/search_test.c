/*
 * search_test.c - output is cut into pieces, and in these every line is found once.
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
#include "format/frame.h"
#include "format/json.h"
#include "hub/api/search_pattern.h"
#include "hub/api/search_piece.h"
#include "runner/protocol.h"

struct scene {
	struct search_pattern *pattern;
	struct frame_packer *packer;
	struct search_cutter cutter;
	atomic_bool cancelled;
	struct buffer found;
	unsigned pieces, runs;
	uint32_t seed;
};

static unsigned
any(struct scene *scene, unsigned below)
{
	scene->seed = scene->seed * 1664525u + 1013904223u;
	return (scene->seed >> 8) % below;
}

static void
scene_begin(struct scene *scene, const char *pattern)
{
	struct err err = ERR_INIT;

	memset(scene, 0, sizeof(*scene));
	scene->seed = 1;
	buffer_init(&scene->found, 0);
	assert_int_equal(search_pattern_new(&scene->pattern, pattern, false, &err), 0);
	assert_int_equal(frame_packer_new(&scene->packer, 1, &err), 0);
}

static void
scene_end(struct scene *scene)
{
	search_piece_free(search_cutter_end(&scene->cutter));
	search_pattern_free(scene->pattern);
	frame_packer_free(scene->packer);
	buffer_release(&scene->found);
}

/* All that a piece holds. */
static void
take(struct scene *scene, struct search_piece *piece)
{
	struct err err = ERR_INIT;

	if (piece == NULL)
		return;
	scene->pieces++;
	assert_true(piece->raw_len < (SEARCH_PIECE_MOST_FACTOR + 1) * SEARCH_PIECE_RAW_BYTES);
	while (!piece->is_over) {
		assert_int_equal(search_piece_run(piece, scene->pattern, &scene->cancelled, &err),
				 0);
		scene->runs++;
		assert_true(piece->found.len <
			    SEARCH_FOUND_MOST_BYTES + 8 * SEARCH_LINE_MOST_BYTES);
		buffer_putn(&scene->found, piece->found.data, piece->found.len);
		buffer_clear(&piece->found);
	}
	search_piece_free(piece);
}

static void
put(struct scene *scene, uint32_t step, uint64_t offset, const char *bytes, size_t len)
{
	static unsigned char frame[RUNNER_RECORD_FRAME_MOST_BYTES];
	struct output_row row = {
		.step = step, .attempt = 1, .offset = offset, .raw_len = (uint32_t)len};
	size_t i;

	for (i = 0; i < len; i++)
		row.lines += bytes[i] == '\n';
	row.time_ms = (int64_t)offset;
	row.frame_len = (uint32_t)frame_pack(scene->packer, frame, sizeof(frame), bytes, len);
	take(scene, search_cutter_add(&scene->cutter, &row, frame));
}

/* A step's output, in records of at most this. */
static void
print(struct scene *scene, uint32_t step, const struct buffer *text, unsigned most)
{
	size_t at, len;

	for (at = 0; at < text->len; at += len) {
		len = 1 + any(scene, most);
		if (len > text->len - at)
			len = text->len - at;
		put(scene, step, at, (const char *)text->data + at, len);
	}
}

static void
finish(struct scene *scene)
{
	take(scene, search_cutter_end(&scene->cutter));
}

/* The next line that was found; the caller frees. NULL: there is none. */
static struct json *
next_found(struct scene *scene)
{
	struct err err = ERR_INIT;
	unsigned char *newline;
	struct json *json;

	if (scene->found.len == 0)
		return NULL;
	newline = memchr(scene->found.data, '\n', scene->found.len);
	assert_non_null(newline);
	assert_int_equal(json_parse(&json, scene->found.data, (size_t)(newline - scene->found.data),
				    &err),
			 0);
	buffer_consume(&scene->found, (size_t)(newline - scene->found.data) + 1);
	return json;
}

/* Lines of a text that have an x, looked for by hand. */
static void
check_lines(struct scene *scene, uint32_t step, const struct buffer *text)
{
	const char *begin = (const char *)text->data, *end = begin + text->len, *at, *stop;
	struct json *json;
	int64_t line = 0;

	for (at = begin; at < end; at = stop + 1) {
		stop = memchr(at, '\n', (size_t)(end - at));
		if (stop == NULL)
			stop = end;
		line++;
		if (memchr(at, 'x', (size_t)(stop - at)) == NULL)
			continue;
		json = next_found(scene);
		assert_non_null(json);
		assert_int_equal(json_get_int(json, "step", -1), step);
		assert_int_equal(json_get_int(json, "line", -1), line);
		assert_int_equal(json_get_int(json, "offset", -1), at - begin);
		assert_int_equal(strlen(json_get_str(json, "text")), stop - at);
		assert_memory_equal(json_get_str(json, "text"), at, stop - at);
		assert_null(json_get(json, "truncated"));
		json_free(json);
	}
}

static void
write_lines(struct scene *scene, struct buffer *text, size_t bytes, unsigned longest,
	    const char *letters)
{
	size_t count = strlen(letters);
	unsigned len;

	buffer_init(text, 0);
	while (text->len < bytes) {
		for (len = any(scene, longest); len > 0; len--)
			buffer_putn(text, &letters[any(scene, (unsigned)count)], 1);
		buffer_puts(text, "\n");
	}
}

static void
check_cut(unsigned longest, unsigned record, bool has_end)
{
	/* One x in some 160 letters. */
	char letters[161];
	struct buffer texts[2];
	struct scene scene;
	uint32_t i;

	memset(letters, 'a', 160);
	letters[80] = 'x';
	letters[160] = '\0';
	scene_begin(&scene, "x");
	for (i = 0; i < 2; i++) {
		write_lines(&scene, &texts[i], (3 << 20) + 777 * i, longest, letters);
		if (!has_end)
			buffer_puts(&texts[i], "no end, but an x");
		print(&scene, i, &texts[i], record);
	}
	finish(&scene);
	assert_true(scene.pieces >= 6);
	for (i = 0; i < 2; i++) {
		check_lines(&scene, i, &texts[i]);
		buffer_release(&texts[i]);
	}
	assert_int_equal(scene.found.len, 0);
	scene_end(&scene);
}

static void
test_search_finds_each_line_once_wherever_records_are_cut(void **state)
{
	(void)state;
	check_cut(200, RUNNER_RECORD_RAW_MOST_BYTES, true);
	check_cut(200, RUNNER_RECORD_RAW_MOST_BYTES, false);
	check_cut(60000, 7000, true);
	check_cut(3, 20000, true);
	check_cut(40, 90, false); /* pieces by the number of their records */
}

/* Rows of the smallest lines: what is found is larger than the piece. */
static void
test_search_stops_when_it_has_found_much_and_goes_on(void **state)
{
	struct buffer text;
	struct scene scene;
	struct json *json;
	int64_t line = 0;

	(void)state;
	scene_begin(&scene, "^");
	write_lines(&scene, &text, 100000, 1, "a");
	print(&scene, 0, &text, 5000);
	finish(&scene);
	assert_int_equal(scene.pieces, 1);
	assert_true(scene.runs > 5);
	while ((json = next_found(&scene)) != NULL) {
		assert_int_equal(json_get_int(json, "line", -1), ++line);
		json_free(json);
	}
	assert_int_equal(line, text.len);
	buffer_release(&text);
	scene_end(&scene);
}

static void
test_search_takes_a_long_line_in_parts(void **state)
{
	const size_t len = 5 << 20, places[] = {0, 100000, 3000000, len - 1};
	struct buffer text;
	struct scene scene;
	struct json *json;
	size_t i;

	(void)state;
	scene_begin(&scene, "x");
	buffer_init(&text, 0);
	buffer_puts(&text, "first\n");
	for (i = 0; i < len; i++)
		buffer_puts(&text,
			    i == places[0] || i == places[1] || i == places[2] || i == places[3]
				    ? "x"
				    : "a");
	buffer_puts(&text, "\nx\n");
	print(&scene, 0, &text, RUNNER_RECORD_RAW_MOST_BYTES);
	finish(&scene);
	for (i = 0; i < 4; i++) {
		json = next_found(&scene);
		assert_int_equal(json_get_int(json, "line", -1), 2);
		assert_true(json_get_bool(json, "truncated", false));
		assert_true(strlen(json_get_str(json, "text")) <= SEARCH_LINE_MOST_BYTES);
		assert_in_range(json_get_int(json, "offset", -1) - 6 +
					(int64_t)strlen(json_get_str(json, "text")),
				places[i] + 1, places[i] + SEARCH_LINE_MOST_BYTES);
		json_free(json);
	}
	json = next_found(&scene);
	assert_int_equal(json_get_int(json, "line", -1), 3);
	assert_null(json_get(json, "truncated"));
	json_free(json);
	assert_int_equal(scene.found.len, 0);
	buffer_release(&text);
	scene_end(&scene);
}

/* Of the parts of a line the first alone begins it, and the last alone ends it. */
static void
test_search_knows_where_a_long_line_begins_and_ends(void **state)
{
	struct buffer text;
	struct scene scene;
	struct json *json;
	int i;

	(void)state;
	scene_begin(&scene, "^b|e$");
	buffer_init(&text, 0);
	buffer_puts(&text, "be");
	for (i = 0; i < 2 * SEARCH_LINE_MOST_BYTES; i++)
		buffer_puts(&text, "be");
	print(&scene, 0, &text, RUNNER_RECORD_RAW_MOST_BYTES);
	finish(&scene);
	json = next_found(&scene);
	assert_int_equal(json_get_int(json, "offset", -1), 0);
	json_free(json);
	json = next_found(&scene);
	assert_int_equal(json_get_int(json, "offset", -1), 4 * SEARCH_LINE_MOST_BYTES);
	assert_string_equal(json_get_str(json, "text"), "be");
	json_free(json);
	assert_int_equal(scene.found.len, 0);
	buffer_release(&text);
	scene_end(&scene);
}

static void
test_search_passes_what_is_no_text_as_base64(void **state)
{
	struct scene scene;
	struct json *json;

	(void)state;
	scene_begin(&scene, "se.ret");
	put(&scene, 0, 0, "\xff\xfesec", 5);
	put(&scene, 0, 5, "ret\0\n\xc3\nse\xc3\xa4ret", 14);
	finish(&scene);
	json = next_found(&scene);
	assert_string_equal(json_get_str(json, "base64"), "//5zZWNyZXQA");
	assert_null(json_get(json, "text"));
	json_free(json);
	json = next_found(&scene);
	assert_string_equal(json_get_str(json, "text"), "se\xc3\xa4ret");
	assert_int_equal(json_get_int(json, "line", -1), 3);
	json_free(json);
	assert_int_equal(scene.found.len, 0);
	scene_end(&scene);
}

static void
test_search_pattern_that_is_wrong_or_costly_is_an_error(void **state)
{
	struct search_pattern *pattern;
	struct search_matcher *matcher;
	struct err err = ERR_INIT;
	char text[SEARCH_PATTERN_MOST_BYTES + 2];

	(void)state;
	assert_int_equal(search_pattern_new(&pattern, "good(", false, &err), ERR_INPUT);
	assert_non_null(strstr(err.text, "at byte 5: missing closing parenthesis"));
	assert_int_equal(search_pattern_new(&pattern, "", false, &err), ERR_INPUT);
	assert_int_equal(search_pattern_new(&pattern, "\xff", false, &err), ERR_INPUT);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(search_pattern_new(&pattern, text, false, &err), ERR_INPUT);
	text[sizeof(text) - 2] = '\0';
	assert_int_equal(search_pattern_new(&pattern, text, true, &err), 0);
	assert_int_equal(search_matcher_new(&matcher, pattern, &err), 0);
	memset(text, 'A', strlen(text));
	assert_int_equal(search_matcher_finds(matcher, text, strlen(text), true, true, &err), 1);
	assert_int_equal(search_matcher_finds(matcher, text, 5, true, true, &err), 0);
	search_matcher_free(matcher);
	search_pattern_free(pattern);

	assert_int_equal(search_pattern_new(&pattern, "(a+)+$", false, &err), 0);
	assert_int_equal(search_matcher_new(&matcher, pattern, &err), 0);
	memset(text, 'a', 60);
	text[60] = 'b';
	assert_int_equal(search_matcher_finds(matcher, text, 60, true, true, &err), 1);
	assert_int_equal(search_matcher_finds(matcher, text, 61, true, true, &err), ERR_LIMIT);
	assert_non_null(strstr(err.text, "the pattern costs too much"));
	search_matcher_free(matcher);
	search_pattern_free(pattern);
}

/* It has as many bytes and lines as its row says, so what is behind it is found where it was. */
static void
test_search_goes_on_behind_a_damaged_frame(void **state)
{
	struct output_row row = {
		.attempt = 1, .offset = 4, .raw_len = 12, .lines = 3, .frame_len = 6};
	struct scene scene;
	struct json *found;

	(void)state;
	scene_begin(&scene, "x");
	put(&scene, 0, 0, "one\n", 4);
	take(&scene, search_cutter_add(&scene.cutter, &row, "xxxxxx"));
	put(&scene, 0, 16, "fix\n", 4);
	finish(&scene);
	found = next_found(&scene);
	assert_non_null(found);
	assert_int_equal(json_get_int(found, "line", 0), 5);
	json_free(found);
	assert_null(next_found(&scene));
	scene_end(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search_finds_each_line_once_wherever_records_are_cut),
		cmocka_unit_test(test_search_stops_when_it_has_found_much_and_goes_on),
		cmocka_unit_test(test_search_takes_a_long_line_in_parts),
		cmocka_unit_test(test_search_knows_where_a_long_line_begins_and_ends),
		cmocka_unit_test(test_search_passes_what_is_no_text_as_base64),
		cmocka_unit_test(test_search_pattern_that_is_wrong_or_costly_is_an_error),
		cmocka_unit_test(test_search_goes_on_behind_a_damaged_frame),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
