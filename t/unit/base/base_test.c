/*
 * base_test.c - text, buffers, arena, ids, checksum, slab, options.
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

#include "base/arena.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/id.h"
#include "base/options.h"
#include "base/slab.h"
#include "base/text.h"

static void
test_text_parses_durations_people_write(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {{"90", 90000}, {"10s", 10000}, {"1h30m", 5400000}, {"250ms", 250}, {"2.5m", 150000},
		    {"0", 0}, {"1d", 86400000}, {"0.25s", 250}};
	static const char *const bad[] = {"", "x", "10 s", "-1s", "1h30", "s", "1x", "99999999999999999999s", "1.s"};
	struct err err = ERR_INIT;
	uint64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(text_parse_duration_ms(good[i].text, &ms, &err), 0);
		assert_int_equal(ms, good[i].ms);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_parse_duration_ms(bad[i], &ms, &err), ERR_INPUT);
	assert_non_null(err.hint);
}

static void
test_text_parses_sizes_in_powers_of_1024(void **state)
{
	struct err err = ERR_INIT;
	uint64_t bytes;

	(void)state;
	assert_int_equal(text_parse_bytes("64k", &bytes, &err), 0);
	assert_int_equal(bytes, 65536);
	assert_int_equal(text_parse_bytes("16MiB", &bytes, &err), 0);
	assert_int_equal(bytes, 16 << 20);
	assert_int_equal(text_parse_bytes("7", &bytes, &err), 0);
	assert_int_equal(bytes, 7);
	assert_int_equal(text_parse_bytes("1Q", &bytes, &err), ERR_INPUT);
	assert_int_equal(text_parse_bytes("99999999999T", &bytes, &err), ERR_INPUT);
}

static void
test_text_writes_times_and_sizes_as_people_read_them(void **state)
{
	char room[32];

	(void)state;
	assert_string_equal(text_duration(room, 12400), "12.4s");
	assert_string_equal(text_duration(room, 185000), "3m05s");
	assert_string_equal(text_duration(room, 3720000), "1h02m");
	assert_string_equal(text_bytes(room, 512), "512 B");
	assert_string_equal(text_bytes(room, 1536), "1.5 KiB");
	assert_string_equal(text_bytes(room, UINT64_MAX), "1.5 EiB");
	assert_string_equal(text_time(room, 1769850847123), "2026-01-31T09:14:07.123Z");
}

static void
test_text_knows_utf8_from_what_is_not(void **state)
{
	(void)state;
	assert_true(text_is_utf8("gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x9d", 12));
	assert_int_equal(text_utf8_prefix("ab\xff", 3), 2);
	assert_int_equal(text_utf8_prefix("\xc0\xaf", 2), 0);	  /* overlong */
	assert_int_equal(text_utf8_prefix("\xed\xa0\x80", 3), 0); /* surrogate */
	assert_int_equal(text_utf8_prefix("x\xe2\x82", 3), 1);	  /* cut short */
	assert_int_equal(text_utf8_prefix("\xf4\x90\x80\x80", 4), 0);
}

static void
test_text_base64_comes_back_as_it_was(void **state)
{
	static const char bytes[] = "\xff\0\x10 any bytes";
	char room[sizeof(bytes)];
	char *text;
	size_t len;

	(void)state;
	for (len = 0; len <= sizeof(bytes); len++) {
		text = text_base64(bytes, len);
		assert_int_equal(text_unbase64(room, sizeof(room), text), len);
		assert_memory_equal(room, bytes, len);
		free(text);
	}
	text = text_base64url("\xff\xfe\xbe\xff", 4);
	assert_string_equal(text, "__6-_w");
	free(text);
	assert_int_equal(text_unbase64(room, 2, "YWJjZA=="), 2);
	assert_memory_equal(room, "ab", 2);
	assert_int_equal(text_unbase64(room, sizeof(room), "YWJj!YWJj"), 3);
}

static void
test_text_distance_stops_above_most(void **state)
{
	(void)state;
	assert_int_equal(text_distance("command", "comand", 2), 1);
	assert_int_equal(text_distance("abc", "abc", 2), 0);
	assert_int_equal(text_distance("steps", "stpes", 2), 2);
	assert_int_equal(text_distance("abc", "xyz", 2), 3);
	assert_int_equal(text_distance("", "abcdef", 2), 3);
}

static void
test_text_shell_quote_survives_quotes(void **state)
{
	struct buffer out = BUFFER_INIT;

	(void)state;
	text_shell_quote(&out, "it's $HOME");
	assert_string_equal(buffer_text(&out), "'it'\\''s $HOME'");
	buffer_release(&out);
}

static void
test_buffer_keeps_bytes_over_growth_and_consumption(void **state)
{
	struct buffer buf = BUFFER_INIT;
	unsigned i, next = 0;

	(void)state;
	for (i = 0; i < 10000; i++) {
		buffer_putn(&buf, &i, sizeof(i));
		if (i % 3 == 2) {
			unsigned got;

			memcpy(&got, buf.data, sizeof(got));
			assert_int_equal(got, next++);
			buffer_consume(&buf, sizeof(got));
		}
	}
	assert_int_equal(buf.len, (10000 - next) * sizeof(i));
	buffer_release(&buf);
}

static void
test_buffer_append_fails_at_the_limit_and_changes_nothing(void **state)
{
	struct err err = ERR_INIT;
	struct buffer buf;

	(void)state;
	buffer_init(&buf, 4);
	assert_int_equal(buffer_append(&buf, "abc", 3, &err), 0);
	assert_int_equal(buffer_append(&buf, "de", 2, &err), ERR_LIMIT);
	assert_int_equal(buf.len, 3);
	assert_int_equal(buffer_append(&buf, "d", 1, &err), 0);
	buffer_release(&buf);
}

static void
test_arena_is_full_at_its_ceiling_and_stays_so(void **state)
{
	struct arena arena;
	char *text;
	int i;

	(void)state;
	arena_init(&arena, 64 * 1024);
	for (i = 0; i < 100; i++) {
		text = arena_printf(&arena, "%d:%0*d", i, i, 7);
		assert_non_null(text);
	}
	assert_null(arena_zalloc(&arena, 64 * 1024));
	assert_true(arena_is_full(&arena));
	assert_null(arena_zalloc(&arena, 1));
	arena_release(&arena);
	assert_non_null(arena_zalloc(&arena, 1));
	arena_release(&arena);
}

static void
test_id_text_is_read_back(void **state)
{
	struct id id, again;
	char text[ID_TEXT_BYTES];

	(void)state;
	id_random(&id);
	assert_true(id_parse(&again, id_text(text, &id)));
	assert_true(id_eq(&id, &again));
	assert_int_equal(text[14], '4');
	assert_false(id_parse(&again, "6f0c"));
	text[3] = 'g';
	assert_false(id_parse(&again, text));
}

static void
test_crc32c_gives_the_known_values(void **state)
{
	unsigned char zeros[32] = {0};
	uint32_t whole;

	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283); /* RFC 3720, B.4 */
	assert_int_equal(crc32c(0, zeros, 32), 0x8a9136aa);
	whole = crc32c(0, "hello, world", 12);
	assert_int_equal(crc32c(crc32c(0, "hell", 4), "o, world", 8), whole);
}

/* First what is short, before anybody has asked the processor, then the whole, then short again. */
static void
test_crc32c_is_the_same_in_pieces_of_any_size(void **state)
{
	static unsigned char bytes[2000];
	uint32_t short_first = 0, whole, short_again = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7 ^ i >> 3);
	for (i = 0; i < sizeof(bytes); i += 50)
		short_first = crc32c(short_first, bytes + i, 50);
	whole = crc32c(0, bytes, sizeof(bytes));
	for (i = 0; i < sizeof(bytes); i += 50)
		short_again = crc32c(short_again, bytes + i, 50);
	assert_int_equal(short_first, whole);
	assert_int_equal(short_again, whole);
}

static void
test_slab_take_returns_null_when_the_pool_is_empty(void **state)
{
	enum { COUNT = SLAB_LEAST_BYTES / CHUNK_MOST_BYTES };
	struct err err = ERR_INIT;
	struct chunk *chunks[COUNT], *small;
	struct slab *slab = NULL;
	int i;

	(void)state;
	assert_int_equal(slab_new(&slab, SLAB_LEAST_BYTES - 1, &err), ERR_LIMIT);
	assert_int_equal(slab_new(&slab, SLAB_LEAST_BYTES, &err), 0);
	for (i = 0; i < COUNT; i++) {
		chunks[i] = slab_take(slab, CHUNK_MOST_BYTES);
		assert_non_null(chunks[i]);
		memset(chunks[i]->bytes, i, CHUNK_MOST_BYTES);
	}
	assert_null(slab_take(slab, CHUNK_MOST_BYTES));
	small = slab_take(slab, 100); /* what is left has room for it */
	assert_non_null(small);
	assert_int_equal(slab_use(slab).refused, 1);
	chunk_ref(chunks[0]);
	chunk_unref(chunks[0]);
	assert_null(slab_take(slab, CHUNK_MOST_BYTES)); /* one reference is left */
	chunk_unref(chunks[0]);
	chunks[0] = slab_take(slab, CHUNK_MOST_BYTES);
	assert_non_null(chunks[0]);
	for (i = 0; i < COUNT; i++)
		chunk_unref(chunks[i]);
	chunk_unref(small);
	assert_int_equal(slab_use(slab).chunk_bytes, 0);
	assert_true(slab_use(slab).peak_bytes <= SLAB_LEAST_BYTES);
	slab_free(slab);
}

static void
test_slab_charges_count_against_the_ceiling(void **state)
{
	struct err err = ERR_INIT;
	struct slab *slab = NULL;
	struct chunk *chunk;

	(void)state;
	assert_int_equal(slab_new(&slab, SLAB_LEAST_BYTES, &err), 0);
	slab_charge(slab, SLAB_LEAST_BYTES - 8000);
	assert_int_equal(slab_room(slab), 8000);
	assert_null(slab_take(slab, 10000));
	chunk = slab_take(slab, 4000);
	assert_non_null(chunk);
	slab_charge(slab, 100000);
	assert_int_equal(slab_room(slab), 0);
	assert_int_equal(slab_use(slab).peak_bytes, SLAB_LEAST_BYTES - 8000 + 4096 + 100000);
	slab_discharge(slab, SLAB_LEAST_BYTES - 8000 + 100000);
	chunk_unref(chunk);
	slab_free(slab);
}

/* What is free and not given back yet counts too: 300 small ones leave no pages to large ones. */
static void
test_slab_gives_pages_of_free_chunks_back(void **state)
{
	enum { COUNT = SLAB_LEAST_BYTES / 4096 };
	struct err err = ERR_INIT;
	struct slab *slab = NULL;
	struct chunk *chunks[COUNT], *large;
	int i;

	(void)state;
	assert_int_equal(slab_new(&slab, SLAB_LEAST_BYTES, &err), 0);
	for (i = 0; i < COUNT; i++)
		chunks[i] = slab_take(slab, 4096);
	memset(chunks[9]->bytes, 9, 4096);
	for (i = 0; i < COUNT; i++)
		chunk_unref(chunks[i]);
	large = slab_take(slab, CHUNK_MOST_BYTES);
	assert_non_null(large);
	assert_true(slab_use(slab).resident_bytes <= SLAB_LEAST_BYTES);
	chunk_unref(large);
	(void)slab_trim(slab); /* as much as was in use at once is kept, */
	assert_false(slab_trim(slab)); /* and nothing when there was none */
	assert_int_equal(slab_use(slab).resident_bytes, 0);
	for (i = 0; i < COUNT; i++) {
		chunks[i] = slab_take(slab, 4096);
		assert_int_equal(chunks[i]->bytes[9], 0); /* its page went back */
	}
	for (i = 0; i < COUNT; i++)
		chunk_unref(chunks[i]);
	slab_free(slab);
}

#ifndef SLAB_MALLOC /* there ASan says so */
static jmp_buf failed;

static void
on_failed_assert(void)
{
	longjmp(failed, 1);
}

static void
test_slab_giving_back_twice_is_an_assertion(void **state)
{
	struct err err = ERR_INIT;
	struct slab *slab = NULL;
	struct chunk *chunk;

	(void)state;
	assert_int_equal(slab_new(&slab, SLAB_LEAST_BYTES, &err), 0);
	chunk = slab_take(slab, 1);
	chunk_unref(chunk);
	assert_on_fail(on_failed_assert);
	if (setjmp(failed) == 0) {
		chunk_unref(chunk);
		fail_msg("a chunk was given back twice");
	}
	assert_on_fail(NULL);
	slab_free(slab);
}
#endif

static const struct option table[] = {
	{"jobs", 'j', "N", "slots to fill"},
	{"quiet", 'q', NULL, "errors only"},
	{"hub", 0, "URL", "where the hub is"},
	{NULL, 0, NULL, NULL},
};

struct seen {
	char text[256];
};

static int
note(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct seen *seen = arg;

	(void)err;
	strcat(strcat(seen->text, option->name), "=");
	strcat(strcat(seen->text, value != NULL ? value : "yes"), " ");
	return 0;
}

static void
test_options_take_values_in_every_spelling(void **state)
{
	const char *argv[] = {"a", "-qj4", "--hub=unix:x", "b", "--hub", "y", "-j", "5", "--", "-q"};
	struct seen seen = {""};
	struct err err = ERR_INIT;
	int operands;

	(void)state;
	assert_int_equal(options_parse(table, 10, (char **)argv, &operands, note, &seen, &err), 0);
	assert_string_equal(seen.text, "quiet=yes jobs=4 hub=unix:x hub=y jobs=5 ");
	assert_int_equal(operands, 3);
	assert_string_equal(argv[0], "a");
	assert_string_equal(argv[1], "b");
	assert_string_equal(argv[2], "-q");
}

static void
test_options_refuse_with_the_nearest_name(void **state)
{
	const char *unknown[] = {"--hob", "x"}, *missing[] = {"--jobs"}, *unwanted[] = {"--quiet=1"};
	struct seen seen = {""};
	struct err err = ERR_INIT;
	int operands;

	(void)state;
	assert_int_equal(options_parse(table, 2, (char **)unknown, &operands, note, &seen, &err), ERR_INPUT);
	assert_string_equal(err.text, "there is no option '--hob': did you mean '--hub'?");
	assert_int_equal(options_parse(table, 1, (char **)missing, &operands, note, &seen, &err), ERR_INPUT);
	assert_string_equal(err.text, "option '--jobs' needs an argument: N");
	assert_int_equal(options_parse(table, 1, (char **)unwanted, &operands, note, &seen, &err), ERR_INPUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_parses_durations_people_write),
		cmocka_unit_test(test_text_parses_sizes_in_powers_of_1024),
		cmocka_unit_test(test_text_writes_times_and_sizes_as_people_read_them),
		cmocka_unit_test(test_text_knows_utf8_from_what_is_not),
		cmocka_unit_test(test_text_base64_comes_back_as_it_was),
		cmocka_unit_test(test_text_distance_stops_above_most),
		cmocka_unit_test(test_text_shell_quote_survives_quotes),
		cmocka_unit_test(test_buffer_keeps_bytes_over_growth_and_consumption),
		cmocka_unit_test(test_buffer_append_fails_at_the_limit_and_changes_nothing),
		cmocka_unit_test(test_arena_is_full_at_its_ceiling_and_stays_so),
		cmocka_unit_test(test_id_text_is_read_back),
		cmocka_unit_test(test_crc32c_gives_the_known_values),
		cmocka_unit_test(test_crc32c_is_the_same_in_pieces_of_any_size),
		cmocka_unit_test(test_slab_take_returns_null_when_the_pool_is_empty),
		cmocka_unit_test(test_slab_charges_count_against_the_ceiling),
		cmocka_unit_test(test_slab_gives_pages_of_free_chunks_back),
#ifndef SLAB_MALLOC
		cmocka_unit_test(test_slab_giving_back_twice_is_an_assertion),
#endif
		cmocka_unit_test(test_options_take_values_in_every_spelling),
		cmocka_unit_test(test_options_refuse_with_the_nearest_name),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
