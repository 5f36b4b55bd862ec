/*
 * spool_test.c - records go to the hub as they were committed, and leave when it has them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/spool.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "runner/state_dir.h"
#include "scratch.h"
#include "task/output_record.h"
#include "wire/bytes.h"

enum {
	EPOCH = 3,
	FRAME_BYTES = 1000,
	RECORD_LEN = RUNNER_RECORD_HEADER_BYTES + FRAME_BYTES,
	RAW = 4000
};

static const struct id task = {{9, 8, 7}};
static unsigned char room[4 << 20];
static unsigned rooms; /* times that on_room was called */

static void
on_room(void *arg)
{
	(void)arg;
	rooms++;
}

static void
make(struct spool *spool, const struct scratch *scratch, uint64_t most)
{
	rooms = 0;
	spool_init(spool, scratch->fd, &task, EPOCH, most, on_room, NULL);
}

static int
append_to(struct spool *spool, uint32_t step, struct err *err)
{
	unsigned char record[RECORD_LEN];
	struct spool_chunk chunk = {.step = step,
				    .attempt = 1,
				    .raw_len = RAW,
				    .source_len = RAW,
				    .lines = 1,
				    .time_ms = 1,
				    .record = record,
				    .frame_len = FRAME_BYTES};

	memset(record, (int)step + 1, sizeof(record));
	return spool_append(spool, &chunk, err);
}

static void
append(struct spool *spool, uint32_t step, unsigned times)
{
	struct err err = ERR_INIT;

	while (times-- > 0)
		assert_int_equal(append_to(spool, step, &err), 0);
}

/* Everything that is handed out now, checked: each stream goes on where it was; returns how many
 * records. */
static unsigned
take(struct spool *spool, uint64_t *from, size_t streams)
{
	struct output_record record;
	const unsigned char *frame;
	struct err err = ERR_INIT;
	unsigned count = 0;
	size_t len, at;

	while (spool_has_unsent(spool)) {
		assert_int_equal(spool_unsent(spool, room, sizeof(room), &len, &err), 0);
		for (at = 0; at < len;
		     at += RUNNER_RECORD_HEADER_BYTES + record.frame_len, count++) {
			assert_int_equal(output_record_unpack(&record, &frame, room + at, len - at,
							      &err),
					 0);
			assert_true(record.step < streams);
			assert_int_equal(record.offset, from[record.step]);
			assert_int_equal(record.epoch, EPOCH);
			from[record.step] += record.raw_len;
		}
	}
	return count;
}

static void
test_spool_unsent_gives_the_committed_bytes_of_all_streams(void **state)
{
	uint64_t from[2] = {0, 0};
	struct spool spool;

	make(&spool, *state, 64 << 20);
	assert_false(spool_has_unsent(&spool));
	assert_true(spool_is_acked(&spool));
	append(&spool, 0, 3);
	append(&spool, 1, 2);
	append(&spool, 0, 1);
	assert_int_equal(spool_end(&spool, 0, 1), 4 * RAW);
	assert_int_equal(take(&spool, from, 2), 6);
	assert_int_equal(from[0], 4 * RAW);
	assert_int_equal(from[1], 2 * RAW);
	assert_false(spool_is_acked(&spool));
	spool_acked(&spool, 0, 1, 4 * RAW);
	spool_acked(&spool, 1, 1, 2 * RAW);
	assert_true(spool_is_acked(&spool));
	spool_remove(&spool);
	assert_int_equal(scratch_count_files(*state), 0);
}

/* The answer to a first try was lost; of the second try the hub has acknowledged more than was
 * sent. */
static void
test_spool_has_room_when_the_rest_was_acknowledged_unsent(void **state)
{
	struct err err = ERR_INIT;
	struct spool spool;
	uint64_t from = 0;
	unsigned count;
	size_t len;

	make(&spool, *state, 200000);
	while (append_to(&spool, 0, &err) == 0)
		continue;
	assert_int_equal(err.code, ERR_LIMIT);
	count = take(&spool, &from, 1);
	assert_true(count > 2);
	spool_rewind(&spool);
	assert_int_equal(spool_unsent(&spool, room, RECORD_LEN, &len, &err), 0);
	assert_int_equal(len, RECORD_LEN);
	spool_acked(&spool, 0, 1, (uint64_t)count * RAW);
	assert_true(spool_is_acked(&spool));
	/* What is left is nothing to be sent, and nobody will acknowledge it. */
	assert_int_equal(spool_unsent(&spool, room, sizeof(room), &len, &err), 0);
	assert_int_equal(len, 0);
	assert_false(spool_has_unsent(&spool));
	assert_false(spool_is_full(&spool));
	append(&spool, 0, 1);
	from = (uint64_t)count * RAW;
	assert_int_equal(take(&spool, &from, 1), 1);
	spool_remove(&spool);
}

static void
test_spool_unsent_gives_whole_records_only(void **state)
{
	struct err err = ERR_INIT;
	struct spool spool;
	size_t len;

	make(&spool, *state, 64 << 20);
	append(&spool, 0, 3);
	assert_int_equal(spool_unsent(&spool, room, RECORD_LEN - 1, &len, &err), 0);
	assert_int_equal(len, 0);
	assert_int_equal(spool_unsent(&spool, room, 2 * RECORD_LEN + 5, &len, &err), 0);
	assert_int_equal(len, 2 * RECORD_LEN);
	assert_int_equal(spool_unsent(&spool, room, sizeof(room), &len, &err), 0);
	assert_int_equal(len, RECORD_LEN);
	spool_remove(&spool);
}

static void
test_spool_rewind_hands_out_again_what_is_not_acked(void **state)
{
	uint64_t from[2] = {0, 0}, again[2] = {3 * RAW, 0};
	struct spool spool;

	make(&spool, *state, 64 << 20);
	append(&spool, 0, 5);
	append(&spool, 1, 5);
	assert_int_equal(take(&spool, from, 2), 10);
	spool_acked(&spool, 0, 1, 3 * RAW);
	spool_rewind(&spool);
	assert_int_equal(take(&spool, again, 2), 7);
	spool_rewind(&spool);
	spool_acked(&spool, 0, 1, 5 * RAW);
	spool_acked(&spool, 1, 1, 99 * RAW); /* beyond the end: the end */
	from[0] = from[1] = 5 * RAW;
	assert_int_equal(take(&spool, from, 2), 0);
	assert_true(spool_is_acked(&spool));
	spool_remove(&spool);
}

/* Acknowledged segments go; what prints on has no more than one of them. */
static void
test_spool_acked_unlinks_whole_segments(void **state)
{
	uint64_t from[1] = {0};
	struct spool spool;
	unsigned i;

	make(&spool, *state, 64 << 20);
	append(&spool, 0, 3000);
	assert_int_equal(scratch_count_files(*state), 4);
	(void)take(&spool, from, 1);
	spool_acked(&spool, 0, 1, from[0]);
	assert_int_equal(scratch_count_files(*state), 1);
	for (i = 0; i < 500; i++) {
		append(&spool, 0, 1);
		(void)take(&spool, from, 1);
		spool_acked(&spool, 0, 1, from[0]);
		assert_int_equal(scratch_count_files(*state), 1);
	}
	assert_true(spool.bytes < 2 * SPOOL_SEGMENT_ACKED_BYTES);
	spool_remove(&spool);
}

/* So many tasks that are sent as fast as they print do not fill tmpfs with what the hub has. */
static void
test_spool_keeps_little_of_what_is_acked_while_more_waits(void **state)
{
	uint64_t from[1] = {0};
	struct spool spool;
	unsigned i;

	make(&spool, *state, 64 << 20);
	append(&spool, 0, 100);
	for (i = 0; i < 2000; i++) {
		(void)take(&spool, from, 1);
		append(&spool, 0, 100); /* printed while the request was under way */
		spool_acked(&spool, 0, 1, from[0]);
		assert_true(spool.bytes < 5 * SPOOL_SEGMENT_ACKED_BYTES);
	}
	spool_remove(&spool);
}

/* And nothing but a head once it has all. */
static void
test_spool_keeps_nothing_of_a_burst_that_is_acked(void **state)
{
	uint64_t from[1] = {0};
	struct spool spool;

	make(&spool, *state, 64 << 20);
	append(&spool, 0, 3000);
	(void)take(&spool, from, 1);
	spool_acked(&spool, 0, 1, from[0]);
	assert_true(spool.bytes < 200);
	spool_remove(&spool);
}

static void
test_spool_append_is_refused_at_the_ceiling_until_there_is_room(void **state)
{
	uint64_t from[1] = {0};
	struct err err = ERR_INIT;
	struct spool spool;

	make(&spool, *state, 3 << 20);
	while (!spool_is_full(&spool))
		append(&spool, 0, 1);
	assert_int_equal(append_to(&spool, 0, &err), ERR_LIMIT);
	assert_true(spool.bytes <= 3 << 20);
	assert_int_equal(rooms, 0);
	(void)take(&spool, from, 1);
	spool_acked(&spool, 0, 1, from[0]);
	assert_int_equal(rooms, 1);
	append(&spool, 0, 1);
	spool_remove(&spool);
}

static void
test_spool_recover_goes_on_where_it_was(void **state)
{
	uint64_t from[2] = {0, 0}, again[2];
	struct err err = ERR_INIT;
	struct spool spool;

	make(&spool, *state, 64 << 20);
	append(&spool, 1, 2);
	append(&spool, 0, 1500);
	(void)take(&spool, from, 2);
	spool_acked(&spool, 1, 1, from[1]);
	spool_acked(&spool, 0, 1, 1400 * RAW);
	append(&spool, 0, 1000);
	spool_release(&spool);

	make(&spool, *state, 64 << 20);
	assert_int_equal(spool_recover(&spool, &err), 0);
	assert_int_equal(spool_end(&spool, 0, 1), 2500 * RAW);
	assert_int_equal(spool_end(&spool, 1, 1), 2 * RAW);
	again[0] = 0;
	again[1] = 0;
	spool_acked(&spool, 0, 1, 1400 * RAW);
	spool_acked(&spool, 1, 1, 2 * RAW);
	again[0] = 1400 * RAW;
	assert_int_equal(take(&spool, again, 2), 1100);
	append(&spool, 0, 1);
	assert_int_equal(take(&spool, again, 2), 1);
	spool_remove(&spool);
}

/* A trimmed spool still says how far streams had come that no segment has a record of. */
static void
test_spool_recover_knows_streams_whose_segments_are_gone(void **state)
{
	uint64_t from[2] = {0, 0};
	struct err err = ERR_INIT;
	struct spool spool;

	make(&spool, *state, 64 << 20);
	append(&spool, 0, 900);
	append(&spool, 1, 200);
	(void)take(&spool, from, 2);
	spool_acked(&spool, 0, 1, from[0]);
	spool_acked(&spool, 1, 1, from[1]);
	append(&spool, 1, 1);
	assert_int_equal(scratch_count_files(*state), 1);
	spool_release(&spool);
	make(&spool, *state, 64 << 20);
	assert_int_equal(spool_recover(&spool, &err), 0);
	assert_int_equal(spool_end(&spool, 0, 1), 900 * RAW);
	assert_int_equal(spool_end(&spool, 1, 1), 201 * RAW);
	spool_remove(&spool);
}

static void
test_spool_recover_cuts_a_torn_record_of_any_length(void **state)
{
	const char *name = STATE_SPOOL_PREFIX "00000001";
	struct scratch *scratch = *state;
	struct err err = ERR_INIT;
	struct spool spool;
	size_t len, two;

	make(&spool, scratch, 64 << 20);
	append(&spool, 0, 2);
	two = scratch_file_size(scratch, name);
	append(&spool, 0, 1);
	spool_release(&spool);
	for (len = two + RECORD_LEN; len >= two; len--) {
		scratch_truncate(scratch, name, len);
		make(&spool, scratch, 64 << 20);
		assert_int_equal(spool_recover(&spool, &err), 0);
		assert_int_equal(spool_end(&spool, 0, 1), (len == two + RECORD_LEN ? 3 : 2) * RAW);
		if (len < two + RECORD_LEN)
			append(&spool, 0, 1); /* it is whole again for the next length */
		assert_int_equal(spool_end(&spool, 0, 1), 3 * RAW);
		spool_release(&spool);
	}
}

static void
test_spool_recover_drops_a_segment_without_a_whole_head(void **state)
{
	const char *name = STATE_SPOOL_PREFIX "00000001";
	struct scratch *scratch = *state;
	struct err err = ERR_INIT;
	struct spool spool;
	size_t len;

	for (len = 0; len < SPOOL_HEAD_BYTES + SPOOL_STREAM_BYTES; len++) {
		make(&spool, scratch, 64 << 20);
		append(&spool, 0, 1);
		spool_release(&spool);
		scratch_truncate(scratch, name, len);
		make(&spool, scratch, 64 << 20);
		assert_int_equal(spool_recover(&spool, &err), 0);
		assert_int_equal(scratch_count_files(scratch), 0);
		spool_release(&spool);
	}
}

/* Killed between making a segment and writing its head: the one before is the last again. */
static void
test_spool_append_goes_on_in_the_segment_before_one_without_a_head(void **state)
{
	const char *name = STATE_SPOOL_PREFIX "00000002";
	struct scratch *scratch = *state;
	uint64_t from[2] = {0, 0};
	struct err err = ERR_INIT;
	struct spool spool;
	int fd;

	make(&spool, *state, 64 << 20);
	append(&spool, 0, 1);
	spool_release(&spool);
	fd = openat(scratch->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	make(&spool, scratch, 64 << 20);
	assert_int_equal(spool_recover(&spool, &err), 0);
	assert_int_equal(scratch_count_files(scratch), 1);
	append(&spool, 0, 2);
	assert_int_equal(take(&spool, from, 2), 3);
	spool_remove(&spool);
}

static void
test_spool_recover_refuses_damage(void **state)
{
	const char *name = STATE_SPOOL_PREFIX "00000001";
	struct scratch *scratch = *state;
	struct err err = ERR_INIT;
	struct spool spool;
	size_t at[] = {0, 9, 16, SPOOL_HEAD_BYTES + SPOOL_STREAM_BYTES + 10,
		       SPOOL_HEAD_BYTES + SPOOL_STREAM_BYTES + RUNNER_RECORD_HEADER_BYTES + 10};
	size_t i;

	make(&spool, scratch, 64 << 20);
	append(&spool, 0, 3);
	spool_release(&spool);
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		scratch_damage(scratch, name, at[i]);
		make(&spool, scratch, 64 << 20);
		assert_int_equal(spool_recover(&spool, &err), ERR_INPUT);
		spool_release(&spool);
		scratch_damage(scratch, name, at[i]);
	}
	make(&spool, scratch, 64 << 20);
	assert_int_equal(spool_recover(&spool, &err), 0);
	spool_remove(&spool);
}

static void
test_spool_discard_keeps_nothing_and_takes_everything(void **state)
{
	struct err err = ERR_INIT;
	struct spool spool;

	make(&spool, *state, 2 << 20);
	while (!spool_is_full(&spool))
		append(&spool, 0, 1);
	spool_discard(&spool);
	assert_int_equal(rooms, 1);
	assert_int_equal(scratch_count_files(*state), 0);
	assert_int_equal(append_to(&spool, 0, &err), 0);
	assert_false(spool_has_unsent(&spool));
	assert_true(spool_is_acked(&spool));
	spool_remove(&spool);
}

static void
send_all(struct spool *spool)
{
	struct err err = ERR_INIT;
	size_t len = 1, i;

	while (len > 0)
		assert_int_equal(spool_unsent(spool, room, sizeof(room), &len, &err), 0);
	for (i = 0; i < spool->stream_count; i++)
		spool_acked(spool, spool->streams[i].step, spool->streams[i].attempt,
			    spool->streams[i].end);
}

/* Masking: what the step wrote and what readers see are counted apart, also by a later runnerd. */
static void
test_spool_recover_knows_how_far_the_source_was(void **state)
{
	struct err err = ERR_INIT;
	struct spool spool;
	unsigned char record[RECORD_LEN] = {0};
	struct spool_chunk chunk = {.step = 1,
				    .attempt = 1,
				    .raw_len = 60,
				    .source_len = 100,
				    .time_ms = 1,
				    .record = record,
				    .frame_len = FRAME_BYTES};
	unsigned i;

	make(&spool, *state, 64 << 20);
	for (i = 0; i < 2000; i++) { /* more than one segment: the first is trimmed */
		assert_int_equal(spool_append(&spool, &chunk, &err), 0);
		if (i == 1500)
			send_all(&spool);
	}
	assert_int_equal(spool_end(&spool, 1, 1), 2000 * 60);
	assert_int_equal(spool_source_end(&spool, 1, 1), 2000 * 100);
	spool_release(&spool);
	make(&spool, *state, 64 << 20);
	assert_int_equal(spool_recover(&spool, &err), 0);
	assert_int_equal(spool_end(&spool, 1, 1), 2000 * 60);
	assert_int_equal(spool_source_end(&spool, 1, 1), 2000 * 100);
	spool_remove(&spool);
}

/* A segment of version 1 (a stream takes 16 bytes) or 2 (24): as runnerd wrote it before masking,
 * and before limits. */
static void
write_head_of_version(const struct scratch *scratch, uint32_t version, size_t stream_bytes,
		      uint64_t source)
{
	uint8_t head[SPOOL_HEAD_BYTES + SPOOL_STREAM_BYTES] = {0};
	size_t len = SPOOL_HEAD_BYTES + stream_bytes;
	int fd = openat(scratch->fd, "spool.00000007", O_WRONLY | O_CREAT, 0600);

	bytes_put(head, SPOOL_MAGIC, 4);
	bytes_put(head + 8, version, 4);
	bytes_put(head + 12, 7, 4);
	bytes_put(head + 16, 1, 4);
	bytes_put(head + 20, crc32c(0, head + 8, 12), 4);
	bytes_put(head + 32, 2, 4);
	bytes_put(head + 36, 1, 4);
	bytes_put(head + 40, 700, 8);
	if (stream_bytes > SPOOL_STREAM_1_BYTES)
		bytes_put(head + 48, source, 8);
	bytes_put(head + 4, crc32c(0, head + 8, len - 8), 4);
	assert_int_equal(write(fd, head, len), (ssize_t)len);
	(void)close(fd);
}

static void
check_head_of_version(const struct scratch *scratch, uint32_t version, size_t stream_bytes,
		      uint64_t source)
{
	struct err err = ERR_INIT;
	struct spool spool;

	write_head_of_version(scratch, version, stream_bytes, source);
	make(&spool, scratch, 64 << 20);
	assert_int_equal(spool_recover(&spool, &err), 0);
	assert_int_equal(spool_end(&spool, 2, 1), 700);
	assert_int_equal(spool_source_end(&spool, 2, 1), source);
	assert_false(spool_is_cut(&spool, 2, 1));
	append(&spool, 2, 1);
	assert_int_equal(spool_end(&spool, 2, 1), 700 + RAW);
	spool_remove(&spool);
}

static void
test_spool_recover_reads_heads_of_earlier_versions(void **state)
{
	check_head_of_version(*state, 1, SPOOL_STREAM_1_BYTES, 700);
	check_head_of_version(*state, 2, SPOOL_STREAM_2_BYTES, 900);
}

static void
test_spool_recover_refuses_a_head_of_a_later_version(void **state)
{
	struct err err = ERR_INIT;
	struct spool spool;

	write_head_of_version(*state, SPOOL_VERSION + 1, SPOOL_STREAM_BYTES, 900);
	make(&spool, *state, 64 << 20);
	assert_int_equal(spool_recover(&spool, &err), ERR_HOST);
	assert_string_equal(err.text, "file 'spool.00000007' has version 4, this runnerd reads up to 3");
	spool_release(&spool);
}

static void
test_spool_recover_knows_what_was_cut(void **state)
{
	unsigned char record[RECORD_LEN] = {0};
	struct spool_chunk chunk = {.step = 1,
				    .attempt = 1,
				    .raw_len = 50,
				    .time_ms = 1,
				    .record = record,
				    .frame_len = FRAME_BYTES};
	struct err err = ERR_INIT;
	struct spool spool;

	make(&spool, *state, 64 << 20);
	append(&spool, 0, 1);
	append(&spool, 1, 1);
	assert_int_equal(spool_append(&spool, &chunk, &err), 0);
	assert_true(spool_is_cut(&spool, 1, 1));
	assert_int_equal(spool_total(&spool), 2 * RAW + 50);
	spool_release(&spool);
	make(&spool, *state, 64 << 20);
	assert_int_equal(spool_recover(&spool, &err), 0); /* the record says so */
	assert_true(spool_is_cut(&spool, 1, 1));
	assert_false(spool_is_cut(&spool, 0, 1));
	assert_int_equal(spool_source_end(&spool, 1, 1), RAW);
	append(&spool, 0, 2000); /* the segment with the record is trimmed */
	send_all(&spool);
	append(&spool, 0, 2000);
	send_all(&spool);
	spool_release(&spool);
	make(&spool, *state, 64 << 20);
	assert_int_equal(spool_recover(&spool, &err), 0); /* the head does */
	assert_true(spool_is_cut(&spool, 1, 1));
	assert_false(spool_is_cut(&spool, 0, 1));
	spool_remove(&spool);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_spool_unsent_gives_the_committed_bytes_of_all_streams),
		T(test_spool_unsent_gives_whole_records_only),
		T(test_spool_has_room_when_the_rest_was_acknowledged_unsent),
		T(test_spool_rewind_hands_out_again_what_is_not_acked),
		T(test_spool_acked_unlinks_whole_segments),
		T(test_spool_keeps_little_of_what_is_acked_while_more_waits),
		T(test_spool_keeps_nothing_of_a_burst_that_is_acked),
		T(test_spool_append_is_refused_at_the_ceiling_until_there_is_room),
		T(test_spool_recover_goes_on_where_it_was),
		T(test_spool_recover_knows_streams_whose_segments_are_gone),
		T(test_spool_recover_cuts_a_torn_record_of_any_length),
		T(test_spool_recover_drops_a_segment_without_a_whole_head),
		T(test_spool_append_goes_on_in_the_segment_before_one_without_a_head),
		T(test_spool_recover_refuses_damage),
		T(test_spool_recover_knows_how_far_the_source_was),
		T(test_spool_recover_reads_heads_of_earlier_versions),
		T(test_spool_recover_refuses_a_head_of_a_later_version),
		T(test_spool_recover_knows_what_was_cut),
		T(test_spool_discard_keeps_nothing_and_takes_everything),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
