/*
 * store_blobs_test.c - rows of blobs: a later one of the same name, and that no statement is made anew for each.
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
#include <unistd.h>

#include "base/err.h"
#include "base/id.h"
#include "hub/store/store_internal.h"

enum { FILES = 100 };

/* One file of so many artifacts, named "000" and on; returns how many files that has emptied. */
static size_t
complete(struct disk *disk, const struct id *job, unsigned count)
{
	struct store_op *op = store_op_new(STORE_COMPLETE_BLOBS);
	struct err err = ERR_INIT;
	struct id file;
	size_t freed;
	unsigned i;

	id_random(&file);
	store_blobs_of(op, count);
	for (i = 0; i < count; i++) {
		struct blob_row *row = &op->blobs.rows[i];

		*row = (struct blob_row){.job = *job,
					 .kind = BLOB_ARTIFACT,
					 .attempt = 1,
					 .name = arena_printf(&op->arena, "%03u", i),
					 .size = 7,
					 .file = file};
		id_random(&row->id);
	}
	assert_int_equal(disk_complete_blobs(disk, op, &err), 0);
	freed = op->freed_count;
	store_op_free(op);
	return freed;
}

static int
statements_made_anew(const struct db *db)
{
	int count = 0;
	size_t i;

	for (i = 0; i < db->kept_count; i++)
		count += sqlite3_stmt_status(db->kept[i].stmt, SQLITE_STMTSTATUS_REPREPARE, 0);
	return count;
}

static void
test_blobs_of_the_same_name_take_the_place_of_those_before(void **state)
{
	char path[] = "/tmp/runner-store-blobs.XXXXXX";
	struct disk disk = {0};
	struct err err = ERR_INIT;
	struct id job;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(db_open(&disk.db, path, &err), 0);
	id_random(&job);
	assert_int_equal(complete(&disk, &job, FILES), 0);
	assert_int_equal(complete(&disk, &job, FILES / 2), 0); /* half of the first file is left */
	assert_int_equal(complete(&disk, &job, FILES), 2);
	assert_true(statements_made_anew(&disk.db) < FILES / 10);
	db_close(&disk.db);
	(void)unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blobs_of_the_same_name_take_the_place_of_those_before),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
