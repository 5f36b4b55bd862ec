/*
 * journal_test.c - init.log goes on where it was, and a cut record is written again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "supervisor/journal.h"
#include "wire/record.h"

static char dir[] = "/tmp/journal_test.XXXXXX";
static int dir_fd;

static int
make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
	return dir_fd < 0 ? -1 : 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	(void)unlinkat(dir_fd, SUPERVISOR_LOG_NAME, 0);
	(void)close(dir_fd);
	return rmdir(dir);
}

static void
append_end(struct journal *journal, uint32_t left)
{
	struct record record = {.type = RECORD_END, .end = {.left = left}};

	assert_int_equal(journal_append(journal, &record), 0);
}

static void
test_journal_goes_on_behind_whole_records_only(void **state)
{
	uint8_t bytes[RECORD_BYTES];
	struct journal journal;
	struct record record;
	uint32_t i;

	(void)state;
	assert_int_equal(journal_open(&journal, dir_fd), 0);
	append_end(&journal, 10);
	append_end(&journal, 11);
	(void)close(journal.fd);
	assert_int_equal(journal_open(&journal, dir_fd), 0);
	assert_int_equal(journal.sequence, 2);
	assert_int_equal(pwrite(journal.fd, "torn", 4, 2 * RECORD_BYTES), 4);
	(void)close(journal.fd);
	assert_int_equal(journal_open(&journal, dir_fd), 0);
	assert_int_equal(journal.sequence, 2);
	append_end(&journal, 12);
	(void)close(journal.fd);
	journal.fd = openat(dir_fd, SUPERVISOR_LOG_NAME, O_RDONLY);
	for (i = 0; i < 3; i++) {
		assert_int_equal(read(journal.fd, bytes, sizeof(bytes)), sizeof(bytes));
		assert_null(record_unpack(&record, bytes));
		assert_int_equal(record.sequence, i);
		assert_int_equal(record.end.left, 10 + i);
	}
	assert_int_equal(read(journal.fd, bytes, sizeof(bytes)), 0);
	(void)close(journal.fd);
}

static void
test_journal_says_why_it_cannot_write(void **state)
{
	struct journal journal = {.fd = open("/dev/full", O_WRONLY | O_CLOEXEC), .sequence = 4};
	struct record record = {.type = RECORD_END};

	(void)state;
	assert_int_equal(journal_append(&journal, &record), ENOSPC);
	assert_int_equal(journal.sequence, 4);
	(void)close(journal.fd);
	assert_int_equal(journal_append(&journal, &record), EBADF);
	assert_int_equal(journal_open(&journal, -1), EBADF);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal_goes_on_behind_whole_records_only),
		cmocka_unit_test(test_journal_says_why_it_cannot_write),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
