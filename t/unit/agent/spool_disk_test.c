/*
 * spool_disk_test.c - segments go to the disk and come back, and whatever is killed between, the
 * records are those that were committed. The test plays the depot's child.
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/depot.h"
#include "agent/spool.h"
#include "agent/spool_segment.h"
#include "base/err.h"
#include "loop/loop.h"
#include "runner/state_dir.h"
#include "scratch.h"
#include "task/output_record.h"

enum { FRAME_BYTES = 60000, RAW = 65000, RECORDS = 80 }; /* 17 records are a segment */

static const struct id task = {{9, 8, 7}}, agent = {{1}};
static unsigned rooms, unsents;

struct rig {
	const struct scratch *scratch;
	char disk[300];
	int tasks_fd, dir_fd;
	struct loop *loop;
	struct depot *depot;
	struct spool spool;
	uint64_t from; /* offset of the next record that is handed out */
};

static void
on_room(void *arg)
{
	(void)arg;
	rooms++;
}

static void
on_unsent(void *arg)
{
	(void)arg;
	unsents++;
}

static void
share(struct rig *rig)
{
	struct err err = ERR_INIT;
	char name[ID_TEXT_BYTES];

	spool_init(&rig->spool, rig->dir_fd, &task, 1, 64 << 20, on_room, rig);
	spool_share(&rig->spool, rig->depot, on_unsent);
	assert_int_equal(spool_recover(&rig->spool, &err), 0);
	(void)mkdirat(depot_dir_fd(rig->depot), id_text(name, &task), 0700);
}

static struct rig *
rig_new(void *state, uint64_t memory_most, uint64_t most)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct depot_settings settings = {.run_dir = "/nowhere",
					  .agent = agent,
					  .program = "/nowhere",
					  .memory_most = memory_most,
					  .most = most};
	struct err err = ERR_INIT;

	rig->scratch = state;
	(void)snprintf(rig->disk, sizeof(rig->disk), "%s/disk", rig->scratch->path);
	assert_int_equal(mkdirat(rig->scratch->fd, "task", 0700), 0);
	rig->dir_fd = openat(rig->scratch->fd, "task", O_RDONLY | O_DIRECTORY);
	settings.dir = rig->disk;
	settings.tasks_fd = rig->scratch->fd;
	rooms = unsents = 0;
	assert_int_equal(loop_new(&rig->loop, &err), 0);
	assert_int_equal(depot_new(&rig->depot, rig->loop, &settings, &err), 0);
	share(rig);
	return rig;
}

static void
remove_all(const char *path)
{
	char command[400];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", path);
	assert_int_equal(system(command), 0); /* NOLINT: a path of our own */
}

static void
rig_free(struct rig *rig)
{
	char path[300];

	spool_remove(&rig->spool);
	assert_int_equal(depot_use(rig->depot).memory_bytes, 0);
	assert_int_equal(depot_use(rig->depot).disk_bytes, 0);
	depot_free(rig->depot);
	loop_free(rig->loop);
	(void)close(rig->dir_fd);
	remove_all(rig->disk);
	(void)snprintf(path, sizeof(path), "%s/task", rig->scratch->path);
	remove_all(path);
	free(rig);
}

static int
append(struct rig *rig)
{
	static unsigned char record[RUNNER_RECORD_HEADER_BYTES + FRAME_BYTES];
	struct spool_chunk chunk = {.step = 0,
				    .attempt = 1,
				    .raw_len = RAW,
				    .source_len = RAW + 1,
				    .record = record,
				    .frame_len = FRAME_BYTES};
	struct err err = ERR_INIT;

	return spool_append(&rig->spool, &chunk, &err);
}

static void
append_all(struct rig *rig, unsigned count)
{
	while (count-- > 0)
		assert_int_equal(append(rig), 0);
}

static const char *
name_of(char room[64], uint32_t number)
{
	char id[ID_TEXT_BYTES];

	(void)snprintf(room, 64, "%s/" STATE_SPOOL_PREFIX "%08u", id_text(id, &task), number);
	return room;
}

/* As the child stores it: the file's length. */
static uint64_t
copy_to_disk(struct rig *rig, uint32_t number)
{
	char name[64], own[32];
	struct stat st;
	int from, to;

	(void)snprintf(own, sizeof(own), STATE_SPOOL_PREFIX "%08u", number);
	from = openat(rig->dir_fd, own, O_RDONLY);
	to = openat(depot_dir_fd(rig->depot), name_of(name, number), O_WRONLY | O_CREAT | O_TRUNC,
		    0600);
	assert_true(from >= 0 && to >= 0);
	assert_int_equal(fstat(from, &st), 0);
	assert_int_equal(sendfile(to, from, NULL, (size_t)st.st_size), st.st_size);
	(void)close(from);
	(void)close(to);
	return (uint64_t)st.st_size;
}

static uint32_t
move_one(struct rig *rig)
{
	uint32_t number = spool_movable(&rig->spool);

	if (number == 0)
		return 0;
	spool_moving(&rig->spool, number, true);
	spool_moved(&rig->spool, number, copy_to_disk(rig, number));
	return number;
}

static void
fetch(struct rig *rig)
{
	char name[64];
	uint32_t number = spool_wanted(&rig->spool);
	int from = openat(depot_dir_fd(rig->depot), name_of(name, number), O_RDONLY);
	int memfd = memfd_create("test", MFD_CLOEXEC);
	struct stat st;

	assert_true(number != 0 && from >= 0);
	assert_int_equal(fstat(from, &st), 0);
	assert_int_equal(sendfile(memfd, from, NULL, (size_t)st.st_size), st.st_size);
	(void)close(from);
	spool_fetched(&rig->spool, number, memfd, (uint64_t)st.st_size);
}

/* Everything that is handed out now, in order; returns how many records. */
static unsigned
take(struct rig *rig)
{
	static unsigned char room[300000];
	struct output_record record;
	const unsigned char *frame;
	struct err err = ERR_INIT;
	unsigned count = 0;
	size_t len, at;

	for (;;) {
		assert_int_equal(spool_unsent(&rig->spool, room, sizeof(room), &len, &err), 0);
		for (at = 0; at < len; at += RUNNER_RECORD_HEADER_BYTES + record.frame_len) {
			assert_int_equal(output_record_unpack(&record, &frame, room + at, len - at,
							      &err),
					 0);
			assert_int_equal(record.offset, rig->from);
			rig->from += record.raw_len;
			count++;
		}
		if (len == 0 && spool_wanted(&rig->spool) != 0)
			fetch(rig);
		else if (len == 0)
			return count;
	}
}

static void
restart(struct rig *rig)
{
	spool_release(&rig->spool);
	assert_int_equal(depot_use(rig->depot).disk_bytes, 0);
	share(rig);
}

static void
test_spool_moves_the_newest_segment_that_is_not_written(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20, 1 << 30);
	uint64_t bytes;

	assert_int_equal(spool_movable(&rig->spool), 0);
	append_all(rig, RECORDS);
	bytes = rig->spool.bytes;
	assert_int_equal(depot_use(rig->depot).memory_bytes, bytes);
	assert_int_equal(move_one(rig), 5); /* large enough to be closed */
	assert_int_equal(move_one(rig), 4);
	append_all(rig, 1); /* not to one that is moved */
	assert_int_equal(rig->spool.last->number, 6);
	assert_int_equal(move_one(rig), 3);
	assert_int_equal(depot_use(rig->depot).disk_bytes, rig->spool.stored);
	assert_int_equal(depot_use(rig->depot).memory_bytes, rig->spool.bytes - rig->spool.stored);
	rig_free(rig);
}

static void
test_spool_hands_out_what_is_on_the_disk_and_drops_what_the_hub_has(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20, 1 << 30);

	append_all(rig, RECORDS);
	while (move_one(rig) != 0)
		continue;
	append_all(rig, 3);
	assert_true(spool_has_unsent(&rig->spool));
	assert_int_equal(take(rig), RECORDS + 3);
	assert_true(unsents >= 5);
	spool_rewind(&rig->spool); /* the request failed */
	rig->from = 0;
	assert_int_equal(take(rig), RECORDS + 3);
	spool_acked(&rig->spool, 0, 1, rig->from);
	assert_true(spool_is_acked(&rig->spool));
	assert_int_equal(rig->spool.stored, 0);
	assert_int_equal(rig->spool.drop_from, 1);
	assert_int_equal(rig->spool.drop_end, 6);
	rig_free(rig);
}

/* A few spools may hold what was fetched, and others wait for them: nobody holds what he has handed
 * out, whether he prints on or not. */
static void
test_spool_holds_nothing_that_was_fetched_and_is_handed_out(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20, 1 << 30);

	append_all(rig, 40);
	while (move_one(rig) != 0)
		continue;
	assert_int_equal(take(rig), 40);
	assert_false(spool_is_loaded(&rig->spool));
	assert_int_equal(spool_wanted(&rig->spool), 0);
	spool_acked(&rig->spool, 0, 1, rig->from);
	assert_false(spool_is_loaded(&rig->spool));
	append_all(rig, 1);
	assert_int_equal(take(rig), 1);
	rig_free(rig);
}

/* Killed after each number of moves, before and after the copy in tmpfs was unlinked. */
static void
test_spool_recovers_from_both_places(void **state)
{
	unsigned moves;

	for (moves = 0; moves <= 5; moves++) {
		struct rig *rig = rig_new(*state, 64 << 20, 1 << 30);
		uint64_t stored = 0;
		unsigned i;

		append_all(rig, RECORDS);
		for (i = 0; i < moves; i++)
			(void)move_one(rig);
		stored = rig->spool.stored;
		if (spool_movable(&rig->spool) != 0)
			stored += copy_to_disk(rig, spool_movable(&rig->spool)); /* and no more */
		restart(rig);
		assert_int_equal(rig->spool.stored, stored);
		assert_int_equal(spool_end(&rig->spool, 0, 1), RECORDS * RAW);
		assert_int_equal(spool_source_end(&rig->spool, 0, 1), RECORDS * (RAW + 1));
		append_all(rig, 2);
		assert_int_equal(take(rig), RECORDS + 2);
		spool_acked(&rig->spool, 0, 1, rig->from);
		assert_true(spool_is_acked(&rig->spool));
		rig_free(rig);
	}
}

/* Killed while the segment behind one that had been moved was begun: its head is torn. */
static void
test_spool_recovers_a_torn_head_behind_a_moved_segment(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20, 1 << 30);
	int fd;

	append_all(rig, RECORDS);
	while (move_one(rig) != 0)
		continue;
	fd = openat(rig->dir_fd, STATE_SPOOL_PREFIX "00000006", O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "SPL1", 4), 4);
	(void)close(fd);
	restart(rig);
	assert_int_equal(spool_end(&rig->spool, 0, 1), RECORDS * RAW);
	append_all(rig, 1);
	restart(rig);
	assert_int_equal(take(rig), RECORDS + 1);
	rig_free(rig);
}

/* The hub had the first three; the one in tmpfs was unlinked, those on the disk not yet. */
static void
test_spool_recovers_behind_what_was_being_dropped(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20, 1 << 30);

	append_all(rig, RECORDS);
	(void)copy_to_disk(rig, 1);
	(void)copy_to_disk(rig, 2);
	assert_int_equal(unlinkat(rig->dir_fd, STATE_SPOOL_PREFIX "00000001", 0), 0);
	assert_int_equal(unlinkat(rig->dir_fd, STATE_SPOOL_PREFIX "00000002", 0), 0);
	assert_int_equal(unlinkat(rig->dir_fd, STATE_SPOOL_PREFIX "00000003", 0), 0);
	restart(rig);
	assert_int_equal(rig->spool.first->number, 4);
	assert_int_equal(rig->spool.drop_from, 1);
	assert_int_equal(rig->spool.drop_end, 3);
	assert_int_equal(spool_end(&rig->spool, 0, 1), RECORDS * RAW);
	assert_true(rig->spool.streams[0].acked > 0);
	rig->from = rig->spool.streams[0].acked;
	assert_true(take(rig) > 0);
	assert_int_equal(rig->from, RECORDS * RAW);
	rig_free(rig);
}

static void
test_spool_that_cannot_be_fetched_says_so(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20, 1 << 30);
	unsigned char room[100];
	struct err err = ERR_INIT;
	size_t len;

	append_all(rig, 40);
	while (move_one(rig) != 0)
		continue;
	assert_int_equal(spool_unsent(&rig->spool, room, sizeof(room), &len, &err), 0);
	assert_int_equal(spool_wanted(&rig->spool), 1);
	spool_lost(&rig->spool, EIO);
	assert_int_equal(spool_unsent(&rig->spool, room, sizeof(room), &len, &err), ERR_HOST);
	assert_string_equal(err.text,
			    "cannot read the task's spool on the disk: Input/output error");
	rig_free(rig);
}

/* tmpfs' part is used up by one task: it waits, another prints; and goes on when something moved.
 */
static void
test_spool_waits_for_its_part_of_memory_and_others_do_not(void **state)
{
	struct rig *rig = rig_new(*state, 2 << 20, 1 << 30);
	struct rig *other = calloc(1, sizeof(*other));
	unsigned count = 0;

	other->scratch = rig->scratch;
	other->depot = rig->depot;
	assert_int_equal(mkdirat(rig->scratch->fd, "other", 0700), 0);
	other->dir_fd = openat(rig->scratch->fd, "other", O_RDONLY | O_DIRECTORY);
	spool_init(&other->spool, other->dir_fd, &agent, 1, 64 << 20, on_room, other);
	spool_share(&other->spool, rig->depot, on_unsent);
	while (append(rig) == 0)
		count++;
	assert_in_range(count, 25, 35);
	append_all(other, 4);
	assert_int_equal(append(other), ERR_LIMIT);
	assert_true(move_one(rig) != 0);
	spool_look_for_room(&rig->spool);
	assert_int_equal(rooms, 1);
	append_all(rig, 1);
	spool_remove(&other->spool);
	(void)close(other->dir_fd);
	assert_int_equal(unlinkat(rig->scratch->fd, "other", AT_REMOVEDIR), 0);
	free(other);
	rig_free(rig);
}

static void
test_spool_stops_at_the_ceiling_of_all(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20, 3 << 20);
	unsigned count = 0;

	while (append(rig) == 0) {
		count++;
		if (spool_movable(&rig->spool) != 0)
			(void)move_one(rig);
	}
	assert_in_range(count, 45, 52);
	assert_int_equal(take(rig), count);
	spool_acked(&rig->spool, 0, 1, rig->from);
	append_all(rig, 10);
	rig_free(rig);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_spool_moves_the_newest_segment_that_is_not_written),
		T(test_spool_hands_out_what_is_on_the_disk_and_drops_what_the_hub_has),
		T(test_spool_holds_nothing_that_was_fetched_and_is_handed_out),
		T(test_spool_recovers_from_both_places),
		T(test_spool_recovers_a_torn_head_behind_a_moved_segment),
		T(test_spool_recovers_behind_what_was_being_dropped),
		T(test_spool_that_cannot_be_fetched_says_so),
		T(test_spool_waits_for_its_part_of_memory_and_others_do_not),
		T(test_spool_stops_at_the_ceiling_of_all),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
