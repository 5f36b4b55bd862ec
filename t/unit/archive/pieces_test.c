/*
 * pieces_test.c - pieces that one thread makes and another uses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <archive_entry.h>

#include "archive/pieces.h"
#include "base/err.h"

enum { ENTRIES = 1000 };

/* The room for the next piece, asked for twice: it was not put between. */
static struct piece *
room(struct pieces *pieces)
{
	struct piece *piece = pieces_room(pieces), *again = pieces_room(pieces);

	return again == piece ? piece : NULL;
}

/* Entry i has i % 5 + 1 pieces of i bytes. */
static int
make(void *arg, struct pieces *pieces, struct err *err)
{
	int *made = arg, i, k;
	struct piece *piece;
	char name[16];

	for (i = 0; i < ENTRIES; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		for (k = 0; k <= i % 5; k++) {
			piece = room(pieces);
			if (piece == NULL)
				return 0;
			if (k == 0)
				archive_entry_copy_pathname(piece->entry, name);
			piece->first = k == 0;
			piece->last = k == i % 5;
			piece->at = (int64_t)k * i;
			piece->len = (size_t)i;
			memset(piece->bytes, i & 255, (size_t)i);
			pieces_put(pieces);
			++*made;
		}
	}
	return err_set(err, ERR_INPUT, "there is no more of it");
}

static void
check(const struct piece *piece, struct archive_entry *entry, int i, int k)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%d", i);
	assert_string_equal(archive_entry_pathname(entry), name);
	assert_int_equal(piece->first, k == 0);
	assert_int_equal(piece->last, k == i % 5);
	assert_int_equal(piece->at, k * i);
	assert_int_equal(piece->len, i);
	if (i > 0)
		assert_int_equal(piece->bytes[i - 1], i & 255);
}

static void
test_pieces_come_in_their_order_and_the_failure_behind_them(void **state)
{
	struct err err = ERR_INIT;
	struct archive_entry *entry;
	const struct piece *piece;
	struct pieces *pieces;
	int made = 0, i, k;

	(void)state;
	assert_int_equal(pieces_start(&pieces, make, &made, &err), 0);
	for (i = 0; i < ENTRIES; i++)
		for (k = 0; k <= i % 5; k++) {
			assert_int_equal(pieces_next(pieces, &piece, &entry, &err), 1);
			check(piece, entry, i, k);
		}
	assert_int_equal(pieces_next(pieces, &piece, &entry, &err), ERR_INPUT);
	assert_string_equal(err.text, "there is no more of it");
	assert_int_equal(pieces_next(pieces, &piece, &entry, &err), ERR_INPUT);
	pieces_free(pieces);
}

static void
test_pieces_free_ends_a_maker_that_waits(void **state)
{
	struct err err = ERR_INIT;
	struct archive_entry *entry;
	const struct piece *piece;
	struct pieces *pieces;
	int made, used, i;

	(void)state;
	for (used = 0; used < 200; used += 33) {
		made = 0;
		assert_int_equal(pieces_start(&pieces, make, &made, &err), 0);
		for (i = 0; i < used; i++)
			assert_int_equal(pieces_next(pieces, &piece, &entry, &err), 1);
		pieces_free(pieces);
		assert_in_range(made, used, used + PIECES_COUNT);
	}
	pieces_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_come_in_their_order_and_the_failure_behind_them),
		cmocka_unit_test(test_pieces_free_ends_a_maker_that_waits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
