/*
 * mask_test.c - secrets in a stream of bytes become "****", however it is cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/buffer.h"
#include "base/err.h"
#include "mask_reference.h"
#include "task/mask_set.h"

enum { HEAP_MOST_BYTES = 64 * 1024 * 1024 }; /* more are shadows of a sanitizer */

static struct mask *
mask_of(const char *const *secrets)
{
	struct mask *mask = mask_new();
	struct err err = ERR_INIT;

	for (; *secrets != NULL; secrets++)
		assert_int_equal(mask_add(mask, *secrets, strlen(*secrets), &err), 0);
	return mask;
}

/* The whole text in windows that grow by `step` bytes; a lost place each time. */
static void
apply(struct mask *mask, const unsigned char *text, size_t len, size_t step, struct buffer *out)
{
	unsigned char *room = malloc(len + MASK_STARS);
	size_t at = 0, seen = 0, taken;

	do {
		struct mask_carry carry = {0};
		size_t n;

		seen = len - seen > step ? seen + step : len;
		n = mask_apply(mask, text + at, seen - at, seen == len, &carry, room, &taken);
		buffer_putn(out, room, n);
		at += taken;
	} while (seen < len);
	assert_int_equal(at, len);
	free(room);
}

static void
expect(struct mask *mask, const char *text, const char *expected)
{
	size_t step;

	for (step = 1; step <= strlen(text); step++) {
		struct buffer out = BUFFER_INIT;

		apply(mask, (const unsigned char *)text, strlen(text), step, &out);
		assert_string_equal(buffer_text(&out), expected);
		buffer_release(&out);
	}
}

static void
test_mask_covers_what_overlaps_whole_and_takes_the_longest(void **state)
{
	const char *const secrets[] = {"abcd1234",	 "1234efgh", "hunter2",
				       "hunter2hunter2", "bcd1",     NULL};
	struct mask *mask = mask_of(secrets);

	(void)state;
	expect(mask, "x abcd1234 y", "x **** y");
	expect(mask, "abcd1234efgh.", "****.");
	expect(mask, "abcd1234abcd1234", "********");
	expect(mask, "hunter2hunter2hunter2 hunter", "**** hunter");
	expect(mask, "abcd123 bcd1 abcd", "a****23 **** abcd");
	mask_free(mask);
}

static void
test_mask_leaves_short_ones_and_booleans(void **state)
{
	const char *const secrets[] = {"abc", "true", "False", "TRUE\n", "", "\n\n\n\n\n", NULL};
	struct mask *mask = mask_of(secrets);

	(void)state;
	assert_true(mask_is_empty(mask));
	assert_true(mask_is_empty(NULL));
	mask_free(mask);
}

static void
test_mask_knows_a_secret_in_other_writing(void **state)
{
	const char *const secrets[] = {"p\"a's$ /w\\d\n", "first line\n  second line\nok\n",
				       "gr\xc3\xbc\xc3\x9f\x01z", NULL};
	struct mask *mask = mask_of(secrets);

	(void)state;
	expect(mask, "p\"a's$ /w\\d", "****");
	expect(mask, "\"p\\\"a's$ /w\\\\d\"", "\"****\"");	 /* JSON */
	expect(mask, "'p\"a'\\''s$ /w\\d'", "'****'");		 /* bash -x */
	expect(mask, "'p\"a'\"'\"'s$ /w\\d'", "'****'");	 /* dash -x */
	expect(mask, "p\\\"a\\'s\\$\\ /w\\\\d", "****");	 /* printf %q */
	expect(mask, "v=\"p\\\"a's\\$ /w\\\\d\"", "v=\"****\""); /* export -p */
	expect(mask, "p%22a%27s%24%20%2Fw%5Cd", "****");
	expect(mask, "p%22a%27s%24%20%2fw%5cd", "****");
	expect(mask, "p%22a%27s%24+%2Fw%5Cd", "****");
	expect(mask, "p%22a's%24%20%2Fw%5Cd", "****"); /* encodeURIComponent() */
	expect(mask, "first line\r\n\tsecond line\r\nok\r\n", "****\r\n\t****\r\nok\r\n");
	expect(mask, "gr\\u00fc\\u00df\\u0001z", "****");
	expect(mask, "$'gr\\303\\274\\303\\237\\001z'", "$'****'");
	mask_free(mask);
}

/* Whoever prints a key line by line writes each line in that way. */
static void
test_mask_knows_a_line_of_a_secret_in_other_writing(void **state)
{
	const char *const secrets[] = {
		"-----BEGIN KEY-----\nMIIB/+a==x\n say \"it's me\" \nshort\n", NULL};
	struct mask *mask = mask_of(secrets);

	(void)state;
	expect(mask, "v=MIIB%2F%2Ba%3D%3Dx", "v=****");
	expect(mask, "[\"say \\\"it's me\\\"\"]", "[\"****\"]");
	expect(mask, "+ echo 'say \"it'\\''s me\"'", "+ echo '****'");
	expect(mask, "say\\ \\\"it\\'s\\ me\\\"", "****");
	mask_free(mask);
}

static void
base64(char *room, const unsigned char *bytes, size_t len, const char *last)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t i, n = 0;

	for (i = 0; i + 3 <= len; i += 3) {
		unsigned three =
			(unsigned)bytes[i] << 16 | (unsigned)bytes[i + 1] << 8 | bytes[i + 2];
		int shift;

		for (shift = 18; shift >= 0; shift -= 6) {
			unsigned six = three >> shift & 63;

			room[n++] = six < 62 ? digits[six] : last[six - 62];
		}
	}
	room[n] = '\0';
}

/* At most one character on either side hangs on a neighbour too and stays. */
static void
test_mask_knows_base64_at_every_alignment(void **state)
{
	const char *const secrets[] = {"\xfb\xff\xbe?>hunter22~~", NULL};
	struct mask *mask = mask_of(secrets);
	size_t before;
	int url;

	(void)state;
	for (url = 0; url < 2; url++)
		for (before = 0; before < 7; before++) {
			unsigned char text[48];
			char coded[80], *stars;
			struct buffer out = BUFFER_INIT;

			memset(text, 'x', sizeof(text));
			memcpy(text + before, secrets[0], strlen(secrets[0]));
			base64(coded, text, sizeof(text), url ? "-_" : "+/");
			apply(mask, (unsigned char *)coded, strlen(coded), 5, &out);
			stars = strstr(buffer_text(&out), "****");
			assert_non_null(stars);
			assert_in_range((size_t)(stars - (char *)out.data), before * 8 / 6,
					before * 8 / 6 + 1);
			assert_in_range(out.len, 64 - strlen(secrets[0]) * 8 / 6 + 3,
					64 - strlen(secrets[0]) * 8 / 6 + 5);
			buffer_release(&out);
		}
	mask_free(mask);
}

static void
test_mask_covers_the_rest_of_a_secret_whose_beginning_was_released(void **state)
{
	const char *const secrets[] = {"correct horse", NULL};
	struct mask *mask = mask_of(secrets);
	struct mask_carry carry = {0};
	unsigned char room[32];
	size_t taken;

	(void)state;
	assert_int_equal(mask_apply(mask, (const unsigned char *)"a corr", 6, false, &carry, room,
				    &taken),
			 2);
	assert_int_equal(taken, 2);
	assert_int_equal(
		mask_apply(mask, (const unsigned char *)"corr", 4, true, &carry, room, &taken), 4);
	assert_int_equal(taken, 4);
	assert_int_equal(mask_apply(mask, (const unsigned char *)"ect h", 5, false, &carry, room,
				    &taken),
			 0);
	assert_int_equal(taken, 0);
	assert_int_equal(mask_apply(mask, (const unsigned char *)"ect horse.", 10, false, &carry,
				    room, &taken),
			 5);
	assert_memory_equal(room, "****.", 5);
	/* The last byte alone: four bytes for one. */
	assert_int_equal(mask_apply(mask, (const unsigned char *)"correct hors", 12, true, &carry,
				    room, &taken),
			 12);
	assert_int_equal(
		mask_apply(mask, (const unsigned char *)"e", 1, true, &carry, room, &taken), 4);
	mask_free(mask);
}

/* Whoever has not seen the release knows as much from the bytes before. */
static void
test_mask_recalls_what_was_begun(void **state)
{
	static const char text[] = "a corrector, correct horses: correcorrect horcorrect horse";
	const char *const secrets[] = {"correct horse", "rector", "horsecorre", NULL};
	struct mask *mask = mask_of(secrets);
	struct mask_carry carry = {0}, recalled = {0};
	struct err err = ERR_INIT;
	unsigned char room[8];
	size_t i, taken;

	(void)state;
	for (i = 0; i < sizeof(text) - 1; i++) {
		(void)mask_apply(mask, (const unsigned char *)text + i, 1, true, &carry, room,
				 &taken);
		mask_recall(mask, (const unsigned char *)text, i + 1, &recalled);
		assert_true(mask_is_carried(mask, &recalled));
		assert_memory_equal(&recalled, &carry, sizeof(carry));
		assert_true(mask_carried(mask, &carry) <= 13);
	}
	assert_int_equal(mask_carried(mask, &carry), 13);
	/* Of what was added since nobody knows whether it is begun. */
	assert_int_equal(mask_add(mask, "another", 7, &err), 0);
	assert_false(mask_is_carried(mask, &carry));
	assert_int_equal(mask_carried(mask, &carry), MASK_RECALL_BYTES);
	mask_free(mask);
}

static void
test_mask_takes_secrets_while_it_runs(void **state)
{
	const char *const secrets[] = {"first secret", NULL};
	struct mask *mask = mask_of(secrets);
	struct err err = ERR_INIT;

	(void)state;
	expect(mask, "first secret second one", "**** second one");
	assert_int_equal(mask_add(mask, "second one", 10, &err), 0);
	expect(mask, "first secret second one", "**** ****");
	mask_free(mask);
}

static void
test_mask_text_covers_in_place(void **state)
{
	const char *const secrets[] = {"hunter22", NULL};
	struct mask *mask = mask_of(secrets);
	char text[] = "cannot enter '/home/hunter22'";

	(void)state;
	mask_text(mask, text);
	assert_string_equal(text, "cannot enter '/home/****'");
	mask_text(NULL, text);
	assert_string_equal(text, "cannot enter '/home/****'");
	mask_free(mask);
}

/* --- sets that are shared --- */

static struct mask *
shared(struct mask_sets *sets, const char *const *secrets, size_t count)
{
	return mask_new_of(sets, secrets, count, NULL, 0);
}

static void
test_masks_of_the_same_secrets_share_what_finds_them(void **state)
{
	const char *const secrets[] = {"first secret", "second one", "first secret"};
	const char *const turned[] = {"second one", "first secret"};
	const char *const joined[] = {"first secretsecond one"};
	struct mask_sets sets = {NULL};
	struct mask *one = shared(&sets, secrets, 3), *other = shared(&sets, turned, 2),
		    *third = shared(&sets, joined, 1), *none = shared(&sets, NULL, 0);

	(void)state;
	assert_int_equal(HASH_COUNT(sets.by_values), 2);
	expect(one, "first secret second one", "**** ****");
	expect(other, "second one first secret", "**** ****");
	expect(third, "first secret second one", "first secret second one");
	assert_true(mask_is_empty(none));
	mask_free(one);
	expect(other, "first secret second one", "**** ****");
	mask_free(other);
	mask_free(third);
	mask_free(none);
	assert_null(sets.by_values);
}

static void
test_a_mask_that_gets_another_secret_shares_on_and_has_one_of_its_own(void **state)
{
	const char *const secrets[] = {"first secret"};
	struct mask_sets sets = {NULL};
	struct mask *one = shared(&sets, secrets, 1), *other = shared(&sets, secrets, 1), *third;
	struct mask_carry carry = {0};
	struct err err = ERR_INIT;
	unsigned char room[32];
	size_t taken;

	(void)state;
	(void)mask_apply(one, (const unsigned char *)"a first", 7, true, &carry, room, &taken);
	assert_int_equal(mask_carried(one, &carry), 5);
	assert_int_equal(mask_add(one, "second one", 10, &err), 0);
	assert_false(mask_is_carried(one, &carry));
	expect(one, "first secret second one", "**** ****");
	assert_false(mask_is_carried(one, &carry));
	expect(other, "first secret second one", "**** second one");
	assert_int_equal(mask_add(other, "third", 5, &err), 0);
	assert_int_equal(HASH_COUNT(sets.by_values), 1);
	third = shared(&sets, secrets, 1);
	assert_int_equal(HASH_COUNT(sets.by_values), 1);
	expect(third, "first secret second one third", "**** second one third");
	expect(other, "first secret second one third", "**** second one ****");
	mask_free(one);
	mask_free(other);
	mask_free(third);
	assert_null(sets.by_values);
}

/* As if all were one set: one inside another, one over the end of another, one begun in another. */
static void
test_secrets_that_are_shared_and_own_ones_are_masked_together(void **state)
{
	const char *const secrets[] = {"abcd1234", "hunter2hunter2", "wxyz"};
	struct mask_sets sets = {NULL};
	struct mask *mask = shared(&sets, secrets, 3);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(mask_add(mask, "1234efgh", 8, &err), 0);
	assert_int_equal(mask_add(mask, "hunter2", 7, &err), 0);
	assert_int_equal(mask_add(mask, "vwxyz", 5, &err), 0);
	expect(mask, "x abcd1234 y", "x **** y");
	expect(mask, "abcd1234efgh.", "****.");
	expect(mask, "abcd1234abcd1234", "********");
	expect(mask, "hunter2hunter2hunter2 hunter", "**** hunter");
	expect(mask, "wxyz vwxyz vwxy", "**** **** vwxy");
	mask_free(mask);
}

/* Until it is ready; how many parts that took. */
static int
work(struct mask *mask, size_t *parts)
{
	struct err err = ERR_INIT;
	bool ready = false;
	int rc = 0;

	for (*parts = 0; rc == 0 && !ready; (*parts)++)
		rc = mask_work(mask, &ready, &err);
	return rc;
}

static void
test_secrets_that_are_too_many_are_refused_by_each_mask_of_them(void **state)
{
	enum { LONG = 3 * 1024 * 1024 };
	char *bulk = malloc(LONG + 1);
	const char *const secrets[] = {"aaa first", bulk};
	struct mask_sets sets = {NULL};
	struct mask *mask, *other;
	size_t i, parts;

	(void)state;
	for (i = 0; i < LONG; i++)
		bulk[i] = (char)('b' + (i * 2654435761u >> 7) % 25);
	bulk[LONG] = '\0';
	mask = shared(&sets, secrets, 2);
	other = shared(&sets, secrets, 2);
	assert_int_equal(work(mask, &parts), ERR_LIMIT);
	assert_int_equal(work(other, &parts), ERR_LIMIT);
	assert_int_equal(parts, 1);
	expect(mask, "aaa first", "****");
	mask_free(mask);
	mask_free(other);
	free(bulk);
}

/* 60 keys of 3,000 bytes: each part is one of them, or so many nodes. */
static void
test_many_secrets_are_made_ready_in_parts_once_for_all(void **state)
{
	enum { KEYS = 60, LEN = 3000 };
	static char keys[KEYS][LEN + 1];
	const char *secrets[KEYS], *const own[] = {"own secret"};
	struct mask_sets sets = {NULL};
	struct mask *one, *other, *late;
	size_t i, parts;

	(void)state;
	for (i = 0; i < KEYS * LEN; i++)
		keys[i / LEN][i % LEN] = (char)('a' + (i * 2654435761u >> 9) % 26);
	for (i = 0; i < KEYS; i++)
		secrets[i] = keys[i];
	one = mask_new_of(&sets, secrets, KEYS, own, 1);
	other = mask_new_of(&sets, secrets, KEYS, own, 1);
	late = shared(&sets, secrets, KEYS);
	assert_int_equal(work(one, &parts), 0);
	assert_in_range(parts, 50, 500);
	assert_int_equal(work(other, &parts), 0);
	assert_int_equal(parts, 1); /* its own secret is little, and left to mask_apply() */
	expect(one, "an own secret", "an ****");
	mask_free(one);
	mask_free(other);
	mask_text(late, keys[KEYS - 1]);
	assert_string_equal(keys[KEYS - 1], "****");
	mask_free(late);
	assert_null(sets.by_values);
}

/* What comes while others are made ready is covered too. */
static void
test_a_secret_that_comes_while_others_are_made_ready_is_masked(void **state)
{
	char key[2000];
	const char *const own[] = {key};
	struct err err = ERR_INIT;
	struct mask *mask;
	size_t i, parts;
	bool ready;

	(void)state;
	for (i = 0; i < sizeof(key) - 1; i++)
		key[i] = (char)('a' + (i * 2654435761u >> 9) % 26);
	key[sizeof(key) - 1] = '\0';
	for (i = 0; i < 4; i++) {
		mask = mask_new_of(NULL, NULL, 0, own, 1);
		for (parts = 0; parts < i; parts++)
			assert_int_equal(mask_work(mask, &ready, &err), 0);
		assert_int_equal(mask_add(mask, "a late one", 10, &err), 0);
		expect(mask, "is a late one", "is ****");
		mask_free(mask);
	}
}

/* How often the bytes stand in what this process may write to, and no library has mapped. */
static size_t
count_in_memory(const char *bytes, size_t len)
{
	FILE *maps = fopen("/proc/self/maps", "r"), *mem = fopen("/proc/self/mem", "r");
	char line[512], rights[5], *room, *at;
	unsigned long from, to;
	size_t found = 0, n;

	assert_non_null(maps);
	assert_non_null(mem);
	setvbuf(mem, NULL, _IONBF, 0);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) != 3 || rights[1] != 'w' ||
		    (strchr(line, '/') != NULL) || strstr(line, "[stack]") != NULL ||
		    to - from > HEAP_MOST_BYTES)
			continue;
		room = mmap(NULL, to - from, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
		assert_ptr_not_equal(room, MAP_FAILED);
		n = fseek(mem, (long)from, SEEK_SET) == 0 ? fread(room, 1, to - from, mem) : 0;
		for (at = room; (at = memmem(at, n - (size_t)(at - room), bytes, len)) != NULL; at++)
			found++;
		explicit_bzero(room, n);
		munmap(room, to - from);
	}
	fclose(maps);
	fclose(mem);
	return found;
}

/* The secret is made here and is nowhere but on the stack. */
static void
test_no_secret_is_left_in_memory_behind_its_last_mask(void **state)
{
	struct mask_sets sets = {NULL};
	struct mask *one, *other;
	struct err err = ERR_INIT;
	char text[64], quoted[128];
	const char *const secrets[] = {text};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)(i % 8 == 5 ? '\'' : 'A' + (i * i + 3 * i) % 26);
	text[sizeof(text) - 1] = '\0';
	one = shared(&sets, secrets, 1);
	other = shared(&sets, secrets, 1);
	mask_text(one, strcpy(quoted, "nothing"));
	assert_true(count_in_memory(text, strlen(text)) > 0);
	assert_int_equal(mask_add(other, "another one", 11, &err), 0);
	mask_free(one);
	assert_true(count_in_memory(text, strlen(text)) > 0);
	mask_free(other);
	assert_int_equal(count_in_memory(text, strlen(text)), 0);
	assert_int_equal(count_in_memory(text, 20), 0);
}

/* A token's signature: in base64 too, but not in rows that begin with it. */
static void
test_the_end_of_a_token_is_masked_in_what_the_token_is_encoded_as(void **state)
{
	char signature[202], text[256], coded[400], row[65], expected[400], *stars;
	const char *const own[] = {signature};
	struct mask *mask, *whole;
	struct mask_sets sets = {NULL};
	struct buffer out = BUFFER_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(signature) - 1; i++)
		signature[i] = (char)('a' + (i * 2654435761u >> 9) % 26);
	signature[sizeof(signature) - 1] = '\0';
	mask = mask_new_of(NULL, NULL, 0, own, 1);
	whole = shared(&sets, own, 1);
	(void)snprintf(text, sizeof(text), "header.payload.%s", signature);
	base64(coded, (unsigned char *)text, strlen(text), "+/");
	apply(mask, (unsigned char *)coded, strlen(coded), 50, &out);
	stars = strstr(buffer_text(&out), "****");
	assert_non_null(stars);
	assert_in_range(stars - (char *)out.data, 20, 21);
	assert_in_range(out.len, 24, 26);
	buffer_release(&out);
	base64(coded, (unsigned char *)signature, strlen(signature), "+/");
	memcpy(row, coded, 64);
	row[64] = '\0';
	(void)snprintf(expected, sizeof(expected), "%s\n", row);
	expect(mask, expected, expected);
	expect(whole, expected, "****\n");
	mask_free(mask);
	mask_free(whole);
}

static uint32_t seed;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void
test_mask_is_the_reference_for_any_cut(void **state)
{
	uint32_t round, i, j;

	(void)state;
	for (round = 0; round < 600; round++) {
		struct mask_reference *reference = mask_reference_new();
		struct mask_sets sets = {NULL};
		struct mask *mask;
		struct err err = ERR_INIT;
		unsigned char text[400], *expected;
		uint32_t letters = 1 + draw(4), count = 1 + draw(6), own;
		const char *values[7];
		char secrets[7][25];
		struct buffer out = BUFFER_INIT;
		size_t n;

		seed = round;
		own = draw(count + 1);
		for (i = 0; i < count; i++) {
			uint32_t len = 4 + draw(round % 2 ? 6 : 20);

			for (j = 0; j < len; j++)
				secrets[i][j] = (char)('a' + draw(letters));
			secrets[i][len] = '\0';
			values[i] = secrets[i];
			mask_reference_add(reference, secrets[i], len);
		}
		mask = shared(&sets, values, count - own);
		for (; own > 0; own--)
			assert_int_equal(mask_add(mask, values[count - own],
						  strlen(values[count - own]), &err),
					 0);
		for (i = 0; i < sizeof(text); i++)
			text[i] = (unsigned char)('a' + draw(letters + (draw(20) == 0)));
		n = mask_reference_apply(reference, text, sizeof(text), &expected);
		apply(mask, text, sizeof(text), 1 + draw(40), &out);
		assert_int_equal(out.len, n);
		assert_memory_equal(out.data, expected, n);
		free(expected);
		buffer_release(&out);
		mask_reference_free(reference);
		mask_free(mask);
	}
}

/* 400 KiB of secrets without an end: something is always taken, the same for any cut. */
static void
test_mask_goes_on_where_secrets_never_end(void **state)
{
	enum { LEN = 400 * 1024 };
	char *secret = malloc(5000), *text = malloc(LEN);
	struct mask *mask = mask_new();
	struct err err = ERR_INIT;
	struct buffer one = BUFFER_INIT, other = BUFFER_INIT;

	(void)state;
	memset(secret, 'a', 5000);
	memset(text, 'a', LEN);
	assert_int_equal(mask_add(mask, secret, 5000, &err), 0);
	apply(mask, (unsigned char *)text, LEN, MASK_AHEAD_BYTES, &one);
	apply(mask, (unsigned char *)text, LEN, 65536, &other);
	assert_int_equal(one.len, other.len);
	assert_in_range(one.len, 4, 4 * (LEN / MASK_RUN_BYTES + 1));
	assert_memory_equal(one.data, "****************", 16);
	buffer_release(&one);
	buffer_release(&other);
	free(secret);
	free(text);
	mask_free(mask);
}

static double
seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Not a benchmark: what is quadratic takes minutes here. */
static void
test_mask_is_linear_for_hostile_secrets(void **state)
{
	enum { LEN = 1024 * 1024 };
	struct mask *mask = mask_new();
	struct err err = ERR_INIT;
	unsigned char *text = malloc(LEN), *room = malloc(LEN + MASK_STARS);
	double begun = seconds();
	size_t at = 0, taken;
	char secret[600];
	int i, rc = 0;

	(void)state;
	for (i = 0; i < 60000 && rc == 0; i++) { /* one prefix for all */
		(void)snprintf(secret, sizeof(secret), "prefix%05d", i);
		rc = mask_add(mask, secret, strlen(secret), &err);
	}
	assert_true(i > 30000);
	for (i = 4; i < 300 && rc == 0; i++) { /* prefixes of each other */
		memset(secret, 'a', (size_t)i);
		rc = mask_add(mask, secret, (size_t)i, &err);
	}
	memset(text, 'a', LEN);
	for (i = 0; i + 16 < LEN; i += 13)
		memcpy(text + i, i % 2 ? "prefix0" : "aaaab", i % 2 ? 7 : 5);
	while (at < LEN) {
		size_t len = LEN - at < 65536 ? LEN - at : 65536;
		struct mask_carry carry = {0};

		(void)mask_apply(mask, text + at, len, at + len == LEN, &carry, room, &taken);
		assert_true(taken > 0);
		at += taken;
	}
	assert_true(seconds() - begun < 20);
	free(text);
	free(room);
	mask_free(mask);
}

static void
test_mask_refuses_more_than_it_can_hold_and_keeps_the_rest(void **state)
{
	const char *const secrets[] = {"kept secret", NULL};
	struct mask *mask = mask_of(secrets);
	struct err err = ERR_INIT;
	char *large = malloc(3 * 1024 * 1024);
	size_t i;

	(void)state;
	for (i = 0; i < 3 * 1024 * 1024; i++)
		large[i] = (char)draw(256);
	assert_int_equal(mask_add(mask, large, 3 * 1024 * 1024, &err), ERR_LIMIT);
	expect(mask, "a kept secret", "a ****");
	free(large);
	mask_free(mask);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mask_covers_what_overlaps_whole_and_takes_the_longest),
		cmocka_unit_test(test_mask_leaves_short_ones_and_booleans),
		cmocka_unit_test(test_mask_knows_a_secret_in_other_writing),
		cmocka_unit_test(test_mask_knows_base64_at_every_alignment),
		cmocka_unit_test(
			test_mask_covers_the_rest_of_a_secret_whose_beginning_was_released),
		cmocka_unit_test(test_mask_knows_a_line_of_a_secret_in_other_writing),
		cmocka_unit_test(test_mask_recalls_what_was_begun),
		cmocka_unit_test(test_mask_takes_secrets_while_it_runs),
		cmocka_unit_test(test_no_secret_is_left_in_memory_behind_its_last_mask),
		cmocka_unit_test(test_secrets_that_are_too_many_are_refused_by_each_mask_of_them),
		cmocka_unit_test(test_many_secrets_are_made_ready_in_parts_once_for_all),
		cmocka_unit_test(test_a_secret_that_comes_while_others_are_made_ready_is_masked),
		cmocka_unit_test(test_a_mask_that_gets_another_secret_shares_on_and_has_one_of_its_own),
		cmocka_unit_test(test_masks_of_the_same_secrets_share_what_finds_them),
		cmocka_unit_test(test_secrets_that_are_shared_and_own_ones_are_masked_together),
		cmocka_unit_test(test_the_end_of_a_token_is_masked_in_what_the_token_is_encoded_as),
		cmocka_unit_test(test_mask_text_covers_in_place),
		cmocka_unit_test(test_mask_is_the_reference_for_any_cut),
		cmocka_unit_test(test_mask_goes_on_where_secrets_never_end),
		cmocka_unit_test(test_mask_is_linear_for_hostile_secrets),
		cmocka_unit_test(test_mask_refuses_more_than_it_can_hold_and_keeps_the_rest),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
