/*
 * journal_test.c - records come back as they were written, whatever a kill left of the last one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/journal.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "scratch.h"
#include "task/event.h"
#include "wire/bytes.h"
#include "wire/journal_record.h"

enum { EPOCH = 7 };

static const struct id task = {{1, 2, 3}};

struct replayed {
	size_t count;
	struct journal_record records[64];
};

static int
on_record(void *arg, const struct journal_record *record, struct err *err)
{
	struct replayed *replayed = arg;

	(void)err;
	replayed->records[replayed->count++] = *record;
	return 0;
}

static void
append(struct journal *journal, enum journal_type type, uint32_t step)
{
	struct err err = ERR_INIT;
	struct journal_record record;

	journal_record_init(&record, type);
	record.step = step;
	record.attempt = 1;
	record.exit_code = (int32_t)step;
	(void)snprintf(record.reason, sizeof(record.reason), "reason %u", step);
	assert_int_equal(journal_append(journal, &record, &err), 0);
}

/* claimed, preparing, running, step_started 0, step_ended 0, verdict: four of them are events. */
static void
write_six(struct journal *journal, const struct scratch *scratch)
{
	struct err err = ERR_INIT;

	assert_int_equal(journal_create(journal, scratch->fd, &task, EPOCH, &err), 0);
	append(journal, JOURNAL_CLAIMED, 0);
	append(journal, JOURNAL_PREPARING, 0);
	append(journal, JOURNAL_RUNNING, 0);
	append(journal, JOURNAL_STEP_STARTED, 0);
	append(journal, JOURNAL_STEP_ENDED, 3);
	append(journal, JOURNAL_VERDICT, 0);
}

static void
test_journal_record_survives_packing(void **state)
{
	uint8_t bytes[JOURNAL_RECORD_BYTES];
	struct journal_record record, copy;

	(void)state;
	memset(&copy, 0, sizeof(copy)); /* padding is compared too */
	journal_record_init(&record, JOURNAL_STEP_ENDED);
	record.number = 0x11223344;
	record.seq = 5;
	record.time_ms = -6;
	record.step = 7;
	record.attempt = 8;
	record.outcome = OUTCOME_TIMEDOUT;
	record.exit_code = -1;
	record.signal = 9;
	record.output_bytes = UINT64_MAX;
	record.wall_ms = 10;
	record.user_us = 11;
	record.system_us = 12;
	record.max_rss_bytes = 13;
	memset(record.reason, 'x', sizeof(record.reason) - 1);
	journal_record_pack(bytes, &record);
	assert_null(journal_record_unpack(&copy, bytes));
	assert_memory_equal(&record, &copy, sizeof(record));
	assert_int_equal(bytes[4], 0x44); /* little endian */
}

static void
test_journal_record_is_refused_when_any_byte_is_damaged(void **state)
{
	uint8_t bytes[JOURNAL_RECORD_BYTES];
	struct journal_record record, copy;
	size_t i;

	(void)state;
	journal_record_init(&record, JOURNAL_DONE);
	journal_record_pack(bytes, &record);
	for (i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 0x10;
		assert_non_null(journal_record_unpack(&copy, bytes));
		bytes[i] ^= 0x10;
	}
	assert_null(journal_record_unpack(&copy, bytes));
}

static void
test_journal_open_replays_what_was_appended(void **state)
{
	struct scratch *scratch = *state;
	struct replayed replayed = {0};
	struct journal journal, again;
	struct err err = ERR_INIT;

	write_six(&journal, scratch);
	journal_release(&journal);
	assert_int_equal(
		journal_open(&again, scratch->fd, &task, EPOCH, on_record, &replayed, &err), 0);
	assert_int_equal(replayed.count, 6);
	assert_int_equal(replayed.records[4].type, JOURNAL_STEP_ENDED);
	assert_int_equal(replayed.records[4].seq, 4);
	assert_int_equal(replayed.records[4].exit_code, 3);
	assert_string_equal(replayed.records[4].reason, "reason 3");
	assert_int_equal(replayed.records[5].seq, 0);
	assert_int_equal(again.last_seq, 4);
	journal_release(&again);
}

/* Every length a kill can leave: the records before it stay, and the next one follows them. */
static void
test_journal_open_cuts_a_torn_record_of_any_length(void **state)
{
	struct scratch *scratch = *state;
	struct journal journal, again;
	struct err err = ERR_INIT;
	size_t len;

	write_six(&journal, scratch);
	for (len = 5 * JOURNAL_RECORD_BYTES; len <= 6 * JOURNAL_RECORD_BYTES; len++) {
		struct replayed replayed = {0};
		size_t whole = len / JOURNAL_RECORD_BYTES;

		scratch_truncate(scratch, STATE_JOURNAL_NAME, len);
		assert_int_equal(journal_open(&again, scratch->fd, &task, EPOCH, on_record,
					      &replayed, &err),
				 0);
		assert_int_equal(replayed.count, whole);
		assert_int_equal(scratch_file_size(scratch, STATE_JOURNAL_NAME),
				 whole * JOURNAL_RECORD_BYTES);
		if (whole == 5)
			append(&again, JOURNAL_VERDICT, 0);
		journal_release(&again);
	}
	journal_release(&journal);
}

static void
test_journal_open_says_gone_when_no_record_is_whole(void **state)
{
	struct scratch *scratch = *state;
	struct replayed replayed = {0};
	struct journal journal;
	struct err err = ERR_INIT;

	assert_int_equal(journal_open(&journal, scratch->fd, &task, EPOCH, on_record, &replayed,
				      &err),
			 ERR_GONE);
	write_six(&journal, scratch);
	journal_release(&journal);
	scratch_truncate(scratch, STATE_JOURNAL_NAME, JOURNAL_RECORD_BYTES - 1);
	assert_int_equal(journal_open(&journal, scratch->fd, &task, EPOCH, on_record, &replayed,
				      &err),
			 ERR_GONE);
	assert_int_equal(replayed.count, 0);
}

static void
test_journal_open_refuses_damage_before_the_last_record(void **state)
{
	struct scratch *scratch = *state;
	struct replayed replayed = {0};
	struct journal journal;
	struct err err = ERR_INIT;

	write_six(&journal, scratch);
	journal_release(&journal);
	scratch_damage(scratch, STATE_JOURNAL_NAME, 2 * JOURNAL_RECORD_BYTES + 40);
	assert_int_equal(journal_open(&journal, scratch->fd, &task, EPOCH, on_record, &replayed,
				      &err),
			 ERR_INPUT);
	assert_non_null(strstr(err.text, "record 3"));
}

/* As if another version had written all of it. */
static void
set_version(const struct scratch *scratch, uint8_t version)
{
	int fd = openat(scratch->fd, STATE_JOURNAL_NAME, O_RDWR);
	uint8_t bytes[JOURNAL_RECORD_BYTES];
	off_t at;

	for (at = 0; pread(fd, bytes, sizeof(bytes), at) == (ssize_t)sizeof(bytes); at += (off_t)sizeof(bytes)) {
		bytes[0] = version;
		bytes_put(bytes + sizeof(bytes) - 4, crc32c(0, bytes, sizeof(bytes) - 4), 4);
		assert_int_equal(pwrite(fd, bytes, sizeof(bytes), at), sizeof(bytes));
	}
	(void)close(fd);
}

static void
test_journal_open_reads_earlier_versions_and_refuses_a_later_one(void **state)
{
	struct scratch *scratch = *state;
	struct replayed replayed;
	struct journal journal;
	struct err err = ERR_INIT;
	uint8_t version;

	write_six(&journal, scratch);
	journal_release(&journal);
	set_version(scratch, JOURNAL_VERSION + 1);
	assert_int_equal(journal_open(&journal, scratch->fd, &task, EPOCH, on_record, &replayed, &err), ERR_HOST);
	assert_string_equal(err.text, "file 'journal' has version 5, this runnerd reads up to 4");
	assert_non_null(err.hint);
	for (version = 1; version <= JOURNAL_VERSION; version++) {
		set_version(scratch, version); /* nothing of it was cut off */
		memset(&replayed, 0, sizeof(replayed));
		assert_int_equal(journal_open(&journal, scratch->fd, &task, EPOCH, on_record, &replayed, &err), 0);
		assert_int_equal(replayed.count, 6);
		journal_release(&journal);
	}
}

static void
test_journal_unsent_gives_events_in_order_behind_a_position(void **state)
{
	struct scratch *scratch = *state;
	struct task_event events[8];
	struct journal journal;
	struct err err = ERR_INIT;
	size_t count;

	write_six(&journal, scratch);
	assert_true(journal_has_unsent(&journal));
	assert_int_equal(journal_unsent(&journal, 0, events, 8, &count, &err), 0);
	assert_int_equal(count, 4);
	assert_int_equal(events[0].type, EVENT_PREPARING);
	assert_int_equal(events[3].type, EVENT_STEP_ENDED);
	assert_int_equal(events[3].seq, 4);
	assert_int_equal(events[3].epoch, EPOCH);
	assert_int_equal(journal_unsent(&journal, 2, events, 8, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_int_equal(events[0].seq, 3);
	assert_int_equal(journal_unsent(&journal, 0, events, 3, &count, &err), 0);
	assert_int_equal(count, 3);
	journal_release(&journal);
}

static void
test_journal_acked_is_kept_over_a_restart(void **state)
{
	struct scratch *scratch = *state;
	struct replayed replayed = {0};
	struct task_event events[8];
	struct journal journal;
	struct err err = ERR_INIT;
	size_t count;

	write_six(&journal, scratch);
	assert_int_equal(journal_acked(&journal, 9, &err), 0); /* impossible: ignored */
	assert_int_equal(journal_acked(&journal, 3, &err), 0);
	assert_int_equal(journal_acked(&journal, 2, &err), 0); /* old: ignored */
	journal_release(&journal);
	assert_int_equal(
		journal_open(&journal, scratch->fd, &task, EPOCH, on_record, &replayed, &err), 0);
	assert_int_equal(journal.acked, 3);
	assert_int_equal(journal_unsent(&journal, 0, events, 8, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(events[0].seq, 4);
	assert_int_equal(journal_acked(&journal, 4, &err), 0);
	assert_false(journal_has_unsent(&journal));
	append(&journal, JOURNAL_FINISHING, 0);
	assert_int_equal(journal_unsent(&journal, 0, events, 8, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(events[0].type, EVENT_FINISHING);
	assert_int_equal(events[0].seq, 5);
	journal_release(&journal);
}

/* Of one that cannot be read, also where a runnerd was killed in the middle of that. */
static void
test_journal_replace_is_there_with_its_records_or_not_at_all(void **state)
{
	struct scratch *scratch = *state;
	struct journal_record records[2];
	struct replayed replayed = {0};
	struct journal journal;
	struct err err = ERR_INIT;
	int half;

	write_six(&journal, scratch);
	journal_release(&journal);
	half = openat(scratch->fd, STATE_JOURNAL_NEW_NAME, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(half, "half", 4), 4);
	(void)close(half);
	journal_record_init(&records[0], JOURNAL_FINISHING);
	journal_record_init(&records[1], JOURNAL_DROPPED);
	assert_int_equal(
		journal_replace(&journal, scratch->fd, &task, EPOCH, records, 2, &err), 0);
	append(&journal, JOURNAL_DONE, 0);
	journal_release(&journal);
	assert_int_equal(scratch_count_files(scratch), 1);
	assert_int_equal(
		journal_open(&journal, scratch->fd, &task, EPOCH, on_record, &replayed, &err), 0);
	assert_int_equal(replayed.count, 3);
	assert_int_equal(scratch_file_size(scratch, STATE_JOURNAL_NAME), 3 * JOURNAL_RECORD_BYTES);
	journal_release(&journal);
}

/* More events than are read at once, with records between them that are none. */
static void
test_journal_unsent_walks_through_a_long_file(void **state)
{
	struct scratch *scratch = *state;
	struct task_event events[10];
	struct journal journal;
	struct err err = ERR_INIT;
	uint32_t i, seen = 0;
	size_t count;

	assert_int_equal(journal_create(&journal, scratch->fd, &task, EPOCH, &err), 0);
	for (i = 0; i < 100; i++) {
		append(&journal, JOURNAL_STEP_STARTED, i);
		append(&journal, JOURNAL_VERDICT, i);
	}
	while (journal_has_unsent(&journal)) {
		assert_int_equal(journal_unsent(&journal, 0, events, 10, &count, &err), 0);
		assert_int_equal(count, 10);
		for (i = 0; i < count; i++)
			assert_int_equal(events[i].step, seen++);
		assert_int_equal(journal_acked(&journal, events[count - 1].seq, &err), 0);
	}
	assert_int_equal(seen, 100);
	journal_release(&journal);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal_record_survives_packing),
		cmocka_unit_test(test_journal_record_is_refused_when_any_byte_is_damaged),
		cmocka_unit_test_setup_teardown(test_journal_open_replays_what_was_appended,
						scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_journal_replace_is_there_with_its_records_or_not_at_all, scratch_setup,
			scratch_teardown),
		cmocka_unit_test_setup_teardown(test_journal_open_cuts_a_torn_record_of_any_length,
						scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_journal_open_says_gone_when_no_record_is_whole,
						scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_journal_open_refuses_damage_before_the_last_record, scratch_setup,
			scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_journal_open_reads_earlier_versions_and_refuses_a_later_one, scratch_setup,
			scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_journal_unsent_gives_events_in_order_behind_a_position, scratch_setup,
			scratch_teardown),
		cmocka_unit_test_setup_teardown(test_journal_acked_is_kept_over_a_restart,
						scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_journal_unsent_walks_through_a_long_file,
						scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
