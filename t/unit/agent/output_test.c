/*
 * output_test.c - bytes of a pipe become records of a spool: chunked, in order, none lost.
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

#include "agent/output.h"
#include "agent/press.h"
#include "agent/rate.h"
#include "agent/spool.h"
#include "base/err.h"
#include "format/frame.h"
#include "loop/pipe.h"
#include "scratch.h"
#include "task/output_record.h"

/* A pipe, its output, and everything that has come out at the other end. */
struct rig {
	struct loop *loop;
	struct press press;
	struct spool spool;
	struct output output;
	struct frame_reader *reader;
	struct mask *mask;
	struct timer limit, peek;
	uint64_t age_us; /* at which the open chunk is closed */
	char last_line[OUTPUT_LINE_BYTES];
	int write_fd;
	unsigned records, drained, ended, failed;
	bool stop_on_record;
	size_t len, lines;
	unsigned char bytes[1 << 20];
};

static const struct id task = {{5}};

/* What a hanging test ends by: valgrind on a busy host takes minutes. */
enum { LIMIT_MS = 300 * 1000 };

static void
on_room(void *arg)
{
	struct rig *rig = arg;

	output_resume(&rig->output);
}

static void
on_record(void *arg)
{
	struct rig *rig = arg;

	rig->records++;
	if (rig->stop_on_record)
		loop_stop(rig->loop);
}

static void
on_drained(void *arg)
{
	struct rig *rig = arg;

	rig->drained++;
	loop_stop(rig->loop);
}

static void
on_ended(void *arg)
{
	struct rig *rig = arg;

	rig->ended++;
	loop_stop(rig->loop);
}

static void
on_failed(void *arg, const struct err *err)
{
	struct rig *rig = arg;

	(void)err;
	rig->failed++;
}

static void
on_limit(void *arg)
{
	(void)arg;
	fail_msg("nothing came for %d s", LIMIT_MS / 1000);
}

static struct rig *
rig_new(const struct scratch *scratch, uint64_t spool_most)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct output_hooks hooks = {rig, on_record, on_drained, on_ended, on_failed};
	struct err err = ERR_INIT;
	int fds[2], memfd;

	assert_int_equal(loop_new(&rig->loop, &err), 0);
	assert_int_equal(frame_reader_new(&rig->reader, &err), 0);
	assert_int_equal(press_init(&rig->press, rig->loop, 1, 1 << 20, &err), 0);
	spool_init(&rig->spool, scratch->fd, &task, 1, spool_most, on_room, rig);
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe_memfd_new(&memfd, "test", &err), 0);
	rig->write_fd = fds[1];
	assert_int_equal(output_start(&rig->output, &rig->press, &rig->spool, rig->mask, 2, 1,
				      fds[0], memfd, rig->last_line, &hooks, &err),
			 0);
	timer_init(&rig->limit, rig->loop, on_limit, rig);
	timer_start_ms(&rig->limit, LIMIT_MS);
	return rig;
}

static void
rig_free(struct rig *rig)
{
	output_release(&rig->output);
	assert_int_equal(slab_use(rig->press.slab).charged_bytes, 0);
	spool_remove(&rig->spool);
	press_release(&rig->press);
	frame_reader_free(rig->reader);
	timer_release(&rig->limit);
	loop_free(rig->loop);
	if (rig->write_fd >= 0)
		(void)close(rig->write_fd);
	free(rig);
}

static void
put(struct rig *rig, const void *bytes, size_t len)
{
	assert_int_equal(write(rig->write_fd, bytes, len), (ssize_t)len);
}

/* What the hub would have; acknowledged. */
static void
collect(struct rig *rig)
{
	static unsigned char room[1 << 20];
	struct output_record record;
	const unsigned char *frame;
	struct err err = ERR_INIT;
	size_t len, at;

	while (spool_has_unsent(&rig->spool)) {
		assert_int_equal(spool_unsent(&rig->spool, room, sizeof(room), &len, &err), 0);
		for (at = 0; at < len; at += RUNNER_RECORD_HEADER_BYTES + record.frame_len) {
			assert_int_equal(output_record_unpack(&record, &frame, room + at, len - at,
							      &err),
					 0);
			assert_int_equal(record.offset, rig->len);
			assert_int_equal(frame_unpack(rig->reader, rig->bytes + rig->len,
						      record.raw_len, frame, record.frame_len,
						      &err),
					 0);
			rig->len += record.raw_len;
			rig->lines += record.lines;
		}
		spool_acked(&rig->spool, 2, 1, rig->len);
	}
}

static void
test_output_drain_commits_what_waits_at_once(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20);

	put(rig, "one\ntwo\n\n", 9);
	assert_true(output_drain(&rig->output));
	collect(rig);
	assert_int_equal(rig->len, 9);
	assert_int_equal(rig->lines, 3);
	assert_memory_equal(rig->bytes, "one\ntwo\n\n", 9);
	assert_string_equal(rig->last_line, "two");
	assert_false(output_is_ended(&rig->output)); /* somebody may print on */
	put(rig, "three", 5);
	(void)close(rig->write_fd);
	rig->write_fd = -1;
	loop_run(rig->loop);
	assert_int_equal(rig->ended, 1);
	assert_true(output_is_ended(&rig->output));
	collect(rig);
	assert_memory_equal(rig->bytes, "one\ntwo\n\nthree", 14);
	rig_free(rig);
}

static void
stop_when_taken(void *arg)
{
	struct rig *rig = arg;

	if (rig->output.size == rig->output.committed) {
		timer_start_ms(&rig->peek, 1);
		return;
	}
	rig->age_us = rig->output.close_us - rig->output.moved_us;
	loop_stop(rig->loop);
}

/* One line, up to where it is in the memfd. How old its chunk becomes. */
static uint64_t
age_of_chunk(struct rig *rig)
{
	timer_init(&rig->peek, rig->loop, stop_when_taken, rig);
	timer_start_ms(&rig->peek, 1);
	put(rig, "a line\n", 7);
	loop_run(rig->loop);
	timer_release(&rig->peek);
	return rig->age_us;
}

static void
wait_for_record(struct rig *rig, unsigned records)
{
	rig->stop_on_record = true;
	if (rig->records < records)
		loop_run(rig->loop);
	assert_int_equal(rig->records, records);
}

static void
test_output_closes_a_chunk_by_its_age(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20);
	uint64_t age_us = age_of_chunk(rig), before_us, since_us;
	unsigned lines = 1;

	assert_int_equal(age_us, OUTPUT_QUIET_MS * 1000);
	wait_for_record(rig, lines);
	assert_true(loop_now_us(rig->loop) - rig->output.moved_us >= OUTPUT_QUIET_MS * 1000 - 1000);
	/* On a host that stands still for a quarter of a second it is quiet again. */
	do {
		before_us = rig->output.moved_us;
		age_us = age_of_chunk(rig);
		since_us = rig->output.moved_us - before_us;
		assert_int_equal(age_us, (since_us > OUTPUT_BUSY_MS * 1000 ? OUTPUT_QUIET_MS
									   : OUTPUT_BUSY_MS) *
						 1000);
		wait_for_record(rig, ++lines);
	} while (age_us != OUTPUT_BUSY_MS * 1000);
	assert_true(loop_now_us(rig->loop) - rig->output.moved_us >= OUTPUT_BUSY_MS * 1000 - 1000);
	collect(rig);
	assert_int_equal(rig->len, 7 * lines);
	rig_free(rig);
}

/* Neither age nor end closes it: 64 KiB do. */
static void
test_output_closes_a_chunk_at_64_kib(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20);
	static char bytes[PRESS_CHUNK_BYTES];
	unsigned records = 0;

	memset(bytes, 'x', sizeof(bytes));
	/* On a host that stands still its age may come first. */
	do {
		(void)age_of_chunk(rig);
		wait_for_record(rig, ++records);
		put(rig, bytes, sizeof(bytes));
		wait_for_record(rig, ++records);
		collect(rig);
		assert_int_equal(rig->len, records / 2 * (7 + sizeof(bytes)));
	} while (loop_now_us(rig->loop) - rig->output.moved_us >= (OUTPUT_QUIET_MS - 1) * 1000);
	rig_free(rig);
}

/* When a step ends what is open is closed, whatever its age. */
static void
test_output_end_closes_a_chunk(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20);
	uint64_t close_us;

	(void)age_of_chunk(rig);
	close_us = rig->output.close_us;
	(void)close(rig->write_fd);
	rig->write_fd = -1;
	loop_run(rig->loop);
	assert_int_equal(rig->ended, 1);
	assert_int_equal(rig->records, 1);
	/* The watch tells of the end; the timer is what would have closed it. */
	assert_int_not_equal(close_us, 0);
	assert_int_equal(rig->output.close_us, 0);
	collect(rig);
	assert_int_equal(rig->len, 7);
	rig_free(rig);
}

static void
test_output_say_comes_behind_what_was_read(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20);
	struct err err = ERR_INIT;

	put(rig, "printed\n", 8);
	assert_true(output_drain(&rig->output));
	assert_int_equal(output_say(&rig->output, "said\n", &err), 0);
	collect(rig);
	assert_memory_equal(rig->bytes, "printed\nsaid\n", 13);
	rig_free(rig);
}

/* A step is not silent while we have not read what it printed. */
static void
test_output_is_late_until_its_pipe_was_read(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20);

	assert_false(output_is_late(&rig->output));
	put(rig, "printed\n", 8);
	assert_true(output_is_late(&rig->output));
	assert_true(output_drain(&rig->output));
	assert_false(output_is_late(&rig->output));
	rig_free(rig);
}

/* A full spool: nothing is taken any more, and goes on when the hub has something. */
static void
test_output_waits_while_the_spool_is_full(void **state)
{
	struct rig *rig = rig_new(*state, RUNNER_RECORD_FRAME_MOST_BYTES + 100000);
	static unsigned char noise[50000];
	size_t i, put_in = 0;

	for (i = 0; i < sizeof(noise); i++)
		noise[i] = (unsigned char)rand(); /* does not compress */
	while (!output_is_blocked(&rig->output)) {
		put(rig, noise, sizeof(noise));
		put_in += sizeof(noise);
		(void)output_drain(&rig->output);
		assert_true(put_in < 20 * sizeof(noise));
	}
	assert_int_equal(rig->drained, 0);
	rig->stop_on_record = true;
	while (rig->len < put_in) {
		size_t before = rig->len;

		collect(rig); /* makes room, which resumes it */
		if (rig->len == before)
			loop_run(rig->loop);
	}
	assert_int_equal(rig->len, put_in);
	for (i = 0; i < put_in; i += sizeof(noise))
		assert_memory_equal(rig->bytes + i, noise, sizeof(noise));
	assert_int_equal(rig->failed, 0);
	rig_free(rig);
}

/* What an earlier runnerd left in the memfd behind the spool's end comes next. */
static void
test_output_start_goes_on_where_the_spool_ends(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20);
	struct output_hooks hooks = {rig, on_record, on_drained, on_ended, on_failed};
	struct err err = ERR_INIT;
	int memfd, pipe_fd;

	put(rig, "first ", 6);
	assert_true(output_drain(&rig->output));
	memfd = dup(rig->output.memfd);
	pipe_fd = dup(rig->output.pipe_fd);
	assert_int_equal(pwrite(memfd, "second ", 7, 6),
			 7); /* moved there, and then it was killed */
	output_release(&rig->output);
	put(rig, "third", 5);
	(void)close(rig->write_fd);
	rig->write_fd = -1;
	assert_int_equal(output_start(&rig->output, &rig->press, &rig->spool, rig->mask, 2, 1,
				      pipe_fd, memfd, rig->last_line, &hooks, &err),
			 0);
	while (!output_is_ended(&rig->output))
		loop_run(rig->loop);
	collect(rig);
	assert_int_equal(rig->len, 18);
	assert_memory_equal(rig->bytes, "first second third", 18);
	rig_free(rig);
}

static struct mask *
mask_of(const char *secret)
{
	struct mask *mask = mask_new();
	struct err err = ERR_INIT;

	assert_int_equal(mask_add(mask, secret, strlen(secret), &err), 0);
	return mask;
}

/* What may be the beginning of a secret is seen when nothing more comes, and not before. */
static void
test_output_keeps_the_beginning_of_a_secret_for_a_second(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20);
	struct mask *mask = mask_of("hunter22");
	uint64_t begun = loop_now_us(rig->loop);

	rig->output.mask = mask;
	rig->stop_on_record = true;
	put(rig, "password: hunt", 14);
	loop_run(rig->loop);
	collect(rig);
	assert_int_equal(rig->len, 10);
	loop_run(rig->loop);
	collect(rig);
	assert_int_equal(rig->len, 14);
	assert_true(loop_now_us(rig->loop) - begun >= OUTPUT_KEPT_MS * 1000ull);
	put(rig, "er22!", 5); /* and the rest of it is covered */
	assert_true(output_drain(&rig->output));
	collect(rig);
	assert_int_equal(rig->len, 19);
	assert_memory_equal(rig->bytes, "password: hunt****!", 19);
	assert_string_equal(rig->last_line, "****!");
	rig_free(rig);
	mask_free(mask);
}

/* It is killed, more is printed, and a new one goes on with the spool that it finds. */
static void
kill_and_restart(struct rig *rig, const struct scratch *scratch, struct mask *mask,
		 const char *more, size_t len)
{
	struct output_hooks hooks = {rig, on_record, on_drained, on_ended, on_failed};
	int memfd = dup(rig->output.memfd), pipe_fd = dup(rig->output.pipe_fd);
	struct err err = ERR_INIT;

	output_release(&rig->output);
	spool_release(&rig->spool);
	spool_init(&rig->spool, scratch->fd, &task, 1, 64 << 20, on_room, rig);
	assert_int_equal(spool_recover(&rig->spool, &err), 0);
	put(rig, more, len);
	assert_int_equal(output_start(&rig->output, &rig->press, &rig->spool, mask, 2, 1, pipe_fd,
				      memfd, rig->last_line, &hooks, &err),
			 0);
}

/* What printed before is new to a new runnerd: its reader has waited for long enough. */
static void
test_output_that_was_found_closes_its_first_chunk_early(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20);

	assert_int_equal(age_of_chunk(rig), OUTPUT_QUIET_MS * 1000);
	wait_for_record(rig, 1);
	kill_and_restart(rig, *state, NULL, "", 0);
	assert_int_equal(age_of_chunk(rig), OUTPUT_QUIET_MS * 1000);
	rig_free(rig);
}

/* Killed at each byte of a secret: a new runnerd, with the spool it finds, goes on behind what was
 * committed. */
static void
test_output_masks_a_secret_that_a_restart_has_cut(void **state)
{
	static const char text[] = "first hunter22 last";
	size_t cut;

	for (cut = 0; cut <= strlen(text); cut++) {
		struct rig *rig = rig_new(*state, 64 << 20);
		struct mask *mask = mask_of("hunter22");

		rig->output.mask = mask;
		rig->stop_on_record = true;
		put(rig, text, cut);
		if (cut > 0)
			loop_run(rig->loop);
		kill_and_restart(rig, *state, mask, text + cut, strlen(text) - cut);
		assert_true(output_drain(&rig->output));
		collect(rig);
		assert_int_equal(rig->len, 15);
		assert_memory_equal(rig->bytes, "first **** last", 15);
		rig_free(rig);
		mask_free(mask);
	}
}

enum { LONG_SECRET_BYTES = 4000, BEFORE_BYTES = 70000 };

static void
wait_committed(struct rig *rig, uint64_t until)
{
	rig->stop_on_record = true;
	while (rig->output.committed < until)
		loop_run(rig->loop);
	assert_int_equal(rig->output.committed, until);
}

/*
 * The beginning of a secret was released by time. Whatever comes between it and its rest (nothing,
 * another secret, a new runnerd), its rest is covered. Before it so much was printed that pages
 * were given back.
 */
static void
check_rest_of_released(const struct scratch *scratch, size_t begun, bool adds, bool restarts)
{
	static char secret[LONG_SECRET_BYTES + 1], before[BEFORE_BYTES];
	struct rig *rig = rig_new(scratch, 64 << 20);
	struct mask *mask;
	struct err err = ERR_INIT;
	size_t i, seen = BEFORE_BYTES + begun;

	for (i = 0; i < LONG_SECRET_BYTES; i++)
		secret[i] = (char)('a' + (i * i + i / 26) % 26);
	memset(before, '-', sizeof(before));
	mask = mask_of(secret);
	rig->output.mask = mask;
	put(rig, before, PRESS_PIPE_BYTES - 1);
	wait_committed(rig, PRESS_PIPE_BYTES - 1);
	put(rig, before, BEFORE_BYTES - PRESS_PIPE_BYTES + 1);
	put(rig, secret, begun);
	wait_committed(rig, seen);
	if (adds)
		assert_int_equal(mask_add(mask, "another", 7, &err), 0);
	if (restarts)
		kill_and_restart(rig, scratch, mask, "", 0);
	put(rig, secret + begun, LONG_SECRET_BYTES - begun);
	put(rig, "!", 1);
	assert_true(output_drain(&rig->output));
	collect(rig);
	assert_int_equal(rig->len, seen + 5);
	assert_memory_equal(rig->bytes + seen, "****!", 5);
	rig_free(rig);
	mask_free(mask);
}

static void
test_output_masks_the_rest_of_a_secret_whose_beginning_was_released(void **state)
{
	check_rest_of_released(*state, 1, false, true);
	check_rest_of_released(*state, LONG_SECRET_BYTES - 1, false, true);
	check_rest_of_released(*state, 30, true, false);
	check_rest_of_released(*state, LONG_SECRET_BYTES - 1, true, true);
}

static void
test_output_start_refuses_a_memfd_that_ends_before_the_spool(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20);
	struct output_hooks hooks = {rig, on_record, on_drained, on_ended, on_failed};
	struct err err = ERR_INIT;
	struct output other;
	int memfd;

	put(rig, "first", 5);
	assert_true(output_drain(&rig->output));
	assert_int_equal(pipe_memfd_new(&memfd, "test", &err), 0);
	assert_int_equal(output_start(&other, &rig->press, &rig->spool, rig->mask, 2, 1, -1, memfd,
				      rig->last_line, &hooks, &err),
			 ERR_HOST);
	rig_free(rig);
}

static void
test_output_keeps_a_last_line_that_fits(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20);
	char line[400];

	memset(line, 'y', sizeof(line));
	line[0] = '\033';
	put(rig, "before\n", 7);
	put(rig, line, sizeof(line));
	assert_true(output_drain(&rig->output));
	assert_int_equal(strlen(rig->last_line), OUTPUT_LINE_BYTES - 1);
	assert_int_equal(rig->last_line[0], ' ');
	put(rig, "\n\n", 2);
	assert_true(output_drain(&rig->output));
	assert_int_equal(rig->last_line[1], 'y'); /* empty lines are none */
	rig_free(rig);
}

/* --- several at once --- */

enum { LANES = 64, LANE_RECORDS = 20 };

/* One of several outputs; a noisy one's pipe is full again after each record. */
struct lane {
	struct lanes *lanes;
	struct spool spool;
	struct output output;
	char last_line[OUTPUT_LINE_BYTES];
	int write_fd;
	bool noisy;
	unsigned records;
	uint64_t turn, before; /* bytes committed before this turn of the loop */
};

struct lanes {
	struct loop *loop;
	struct press press;
	struct lane lane[LANES + 1]; /* the last one is quiet */
	struct timer limit;
	uint64_t most_in_turn, most_held;
	unsigned noisy_records;
};

static void
fill_pipe(struct lane *lane)
{
	static const char line[] = "a line of eighty bytes is what a step prints again and again, "
				   "and never ends..\n";
	char bytes[80 * 50];
	size_t i;

	for (i = 0; i < 50; i++)
		memcpy(bytes + i * 80, line, 80);
	while (write(lane->write_fd, bytes, sizeof(bytes)) > 0)
		continue;
}

static void
on_lane_record(void *arg)
{
	struct lane *lane = arg;
	struct lanes *lanes = lane->lanes;
	uint64_t turn = loop_turns(lanes->loop), held = slab_use(lanes->press.slab).charged_bytes;

	lane->records++;
	if (held > lanes->most_held)
		lanes->most_held = held;
	if (!lane->noisy) {
		loop_stop(lanes->loop);
		return;
	}
	if (turn != lane->turn) {
		lane->turn = turn;
		lane->before = lane->output.committed;
	} else if (lane->output.committed - lane->before > lanes->most_in_turn) {
		lanes->most_in_turn = lane->output.committed - lane->before;
	}
	fill_pipe(lane);
	if (++lanes->noisy_records == LANES * LANE_RECORDS)
		loop_stop(lanes->loop);
}

static void
on_lane_nothing(void *arg)
{
	(void)arg;
}

static void
on_lane_failed(void *arg, const struct err *err)
{
	(void)arg;
	fail_msg("%s", err->text);
}

static void
lane_start(struct lanes *lanes, struct lane *lane, uint64_t spool_most, int dir_fd)
{
	struct output_hooks hooks = {lane, on_lane_record, on_lane_nothing, on_lane_nothing,
				     on_lane_failed};
	struct err err = ERR_INIT;
	int fds[2], memfd;

	lane->lanes = lanes;
	spool_init(&lane->spool, dir_fd, &task, 1, spool_most, on_lane_nothing, lane);
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe_memfd_new(&memfd, "test", &err), 0);
	lane->write_fd = fds[1];
	assert_int_equal(output_start(&lane->output, &lanes->press, &lane->spool, NULL, 1, 1,
				      fds[0], memfd, lane->last_line, &hooks, &err),
			 0);
}

static struct lanes *
lanes_new(size_t memory)
{
	struct lanes *lanes = calloc(1, sizeof(*lanes));
	struct err err = ERR_INIT;

	assert_int_equal(loop_new(&lanes->loop, &err), 0);
	assert_int_equal(press_init(&lanes->press, lanes->loop, 1, memory, &err), 0);
	timer_init(&lanes->limit, lanes->loop, on_limit, lanes);
	timer_start_ms(&lanes->limit, LIMIT_MS);
	return lanes;
}

static void
lanes_free(struct lanes *lanes)
{
	struct lane *lane;

	for (lane = lanes->lane; lane <= &lanes->lane[LANES]; lane++) {
		if (lane->lanes == NULL)
			continue;
		output_release(&lane->output);
		spool_remove(&lane->spool);
		(void)close(lane->write_fd);
	}
	press_release(&lanes->press);
	timer_release(&lanes->limit);
	loop_free(lanes->loop);
	free(lanes);
}

/* 64 whose pipes are never empty: none takes more than its part of a turn, the quiet one is heard.
 */
static void
test_output_of_a_quiet_step_comes_while_64_print_on(void **state)
{
	struct lanes *lanes = lanes_new(16 << 20);
	struct lane *lane, *quiet = &lanes->lane[LANES];
	struct scratch *scratch = *state;

	for (lane = lanes->lane; lane < quiet; lane++) {
		lane_start(lanes, lane, 64 << 20, scratch->fd);
		spool_discard(&lane->spool);
		lane->noisy = true;
		fill_pipe(lane);
	}
	lane_start(lanes, quiet, 64 << 20, scratch->fd);
	loop_run(lanes->loop); /* until each has had its turns */
	assert_int_equal(quiet->records, 0);
	assert_int_equal(write(quiet->write_fd, "hello\n", 6), 6);
	lanes->noisy_records = LANES * LANE_RECORDS; /* stops for the quiet one alone */
	loop_run(lanes->loop);
	assert_int_equal(quiet->records, 1);
	assert_string_equal(quiet->last_line, "hello");
	for (lane = lanes->lane; lane < quiet; lane++)
		assert_true(lane->records > 0);
	assert_true(lanes->most_in_turn <= OUTPUT_TURN_BYTES + PRESS_CHUNK_BYTES);
	assert_true(lanes->most_held <= 16 << 20);
	lanes_free(lanes);
}

/* All spools are full, so what was taken out of the pipes stays: no more than the ceiling, and a
 * step whose spool has room does not notice. */
static void
test_output_memory_is_bounded_and_the_noisiest_wait(void **state)
{
	enum { MEMORY = 4 << 20, SPOOL = RUNNER_RECORD_FRAME_MOST_BYTES + 1000 };
	struct lanes *lanes = lanes_new(MEMORY);
	struct lane *lane, *quiet = &lanes->lane[LANES];
	struct scratch *scratch = *state;
	unsigned waiting = 0, round;
	struct slab_use use;

	lane_start(lanes, quiet, 64 << 20, scratch->fd);
	for (lane = lanes->lane; lane < quiet; lane++) {
		/* A spool that is full from the start: its memfd has all there is. */
		lane_start(lanes, lane, SPOOL - 2000, scratch->fd);
		for (round = 0; round < 8; round++) {
			fill_pipe(lane);
			assert_false(output_drain(&lane->output));
		}
		assert_true(output_is_blocked(&lane->output));
		waiting += lane->output.waiting;
		use = slab_use(lanes->press.slab);
		assert_true(use.chunk_bytes + use.charged_bytes <= MEMORY);
	}
	assert_true(waiting > LANES / 4);
	assert_true(press_is_short(&lanes->press));
	assert_int_equal(write(quiet->write_fd, "hello\n", 6), 6);
	loop_run(lanes->loop);
	assert_int_equal(quiet->records, 1);
	assert_true(slab_use(lanes->press.slab).peak_bytes <= MEMORY);
	lanes_free(lanes);
}

/* As a runnerd that was killed and started again. */
static void
restart(struct rig *rig, const struct scratch *scratch)
{
	struct output_hooks hooks = {rig, on_record, on_drained, on_ended, on_failed};
	int memfd = dup(rig->output.memfd), pipe_fd = dup(rig->output.pipe_fd);
	uint64_t most = rig->spool.most_bytes;
	struct err err = ERR_INIT;

	output_release(&rig->output);
	spool_release(&rig->spool);
	spool_init(&rig->spool, scratch->fd, &task, 1, most, on_room, rig);
	assert_int_equal(spool_recover(&rig->spool, &err), 0);
	assert_int_equal(output_start(&rig->output, &rig->press, &rig->spool, rig->mask, 2, 1,
				      pipe_fd, memfd, rig->last_line, &hooks, &err),
			 0);
}

/* What is kept does not hang on where it was cut into chunks, or runnerd killed. */
static void
test_output_is_cut_at_the_limit_wherever_it_was_killed(void **state)
{
	static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	static const char wanted[] =
		"0123456789abcdefghij\n[runnerd: the step has printed more than 20 B; what it "
		"prints from here on is not kept (max-step-output)]\n";
	size_t first, second;

	for (first = 0; first < sizeof(text); first += 3)
		for (second = first; second < sizeof(text); second += 5) {
			struct rig *rig = rig_new(*state, 64 << 20);

			rig->press.limits.step_most_bytes = 20;
			put(rig, text, first);
			assert_true(output_drain(&rig->output));
			restart(rig, *state);
			put(rig, text + first, second - first);
			assert_true(output_drain(&rig->output));
			restart(rig, *state);
			put(rig, text + second, sizeof(text) - 1 - second);
			assert_true(output_drain(&rig->output));
			collect(rig);
			assert_int_equal(rig->len, sizeof(wanted) - 1);
			assert_memory_equal(rig->bytes, wanted, sizeof(wanted) - 1);
			rig_free(rig);
		}
}

static void
test_output_within_the_limit_is_whole(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20);

	rig->press.limits.step_most_bytes = 9;
	put(rig, "123456789", 9);
	assert_true(output_drain(&rig->output));
	collect(rig);
	assert_int_equal(rig->len, 9);
	assert_false(spool_is_cut(&rig->spool, 2, 1));
	rig_free(rig);
}

/* All steps of a task count together; and what the agent has to say is seen behind the cut. */
static void
test_output_is_cut_at_the_limit_of_the_task(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20);
	unsigned char record[RUNNER_RECORD_HEADER_BYTES + 10] = {0};
	struct spool_chunk chunk = {.step = 1,
				    .attempt = 1,
				    .raw_len = 95,
				    .source_len = 95,
				    .record = record,
				    .frame_len = 10};
	struct err err = ERR_INIT;

	rig->press.limits = (struct output_limits){.step_most_bytes = 50, .task_most_bytes = 100};
	assert_int_equal(spool_append(&rig->spool, &chunk, &err), 0);
	put(rig, "0123456789", 10);
	assert_true(output_drain(&rig->output));
	assert_string_equal(rig->last_line,
			    "[runnerd: the task has printed more than 100 B; "
			    "what it prints from here on is not kept (max-output)]");
	assert_int_equal(output_say(&rig->output, "said\n", &err), 0);
	assert_string_equal(rig->last_line, "said");
	assert_int_equal(rig->press.dropped, 15);
	rig_free(rig);
}

static void
on_tick(void *arg)
{
	loop_stop(arg);
}

/* Until all that was put in is in the spool, or dropped. */
static void
settle(struct rig *rig, size_t put_in)
{
	struct timer tick;

	timer_init(&tick, rig->loop, on_tick, rig->loop);
	while (rig->output.committed < put_in) {
		timer_start_ms(&tick, 1);
		loop_run(rig->loop);
	}
	timer_release(&tick);
}

/* Fill the spool with what does not compress until lines are dropped. Returns how much was put. */
static size_t
overflow(struct rig *rig, unsigned lines)
{
	char line[1000];
	size_t i, put_in = (size_t)rig->output.size;

	rig->press.limits.drops_when_full = true;
	for (; lines > 0; lines--) {
		for (i = 0; i + 1 < sizeof(line); i++)
			line[i] = (char)('0' + rand() % 75);
		line[i] = '\n';
		put(rig, line, sizeof(line));
		put_in += sizeof(line);
		if (lines % 30 == 1)
			settle(rig, put_in);
	}
	return put_in;
}

/* Where the line about dropped output begins, and what it says; the bytes around it are whole
 * lines. */
static size_t
find_gap(const struct rig *rig, size_t *at, size_t *len)
{
	static const char begin[] = "\n[runnerd: ";
	const char *line = memmem(rig->bytes, rig->len, begin, sizeof(begin) - 1), *end;

	assert_non_null(line);
	*at = (size_t)(line - (const char *)rig->bytes);
	end = strstr(line + 1, "(output-overflow)]\n");
	assert_non_null(end);
	*len = (size_t)(end - line) + strlen("(output-overflow)]\n");
	assert_null(memmem(end, rig->len - *at - *len, begin, sizeof(begin) - 1));
	return strtoul(line + sizeof(begin) - 1, NULL, 10);
}

/* Dropped while the spool is full, and one line for it, killed in the middle or not: nothing is
 * lost that it does not tell of. */
static void
drop_and_go_on(const struct scratch *scratch, bool killed)
{
	struct rig *rig = rig_new(scratch, RUNNER_RECORD_FRAME_MOST_BYTES + 100000);
	size_t put_in = overflow(rig, 600), at, len, dropped;

	assert_false(output_is_blocked(&rig->output));
	assert_int_equal(rig->drained, 0);
	if (killed)
		restart(rig, scratch);
	rig->press.limits.drops_when_full = true;
	collect(rig);
	put_in = overflow(rig, 40);
	(void)close(rig->write_fd);
	rig->write_fd = -1;
	while (!output_is_ended(&rig->output)) {
		loop_run(rig->loop);
		collect(rig);
	}
	collect(rig);
	dropped = find_gap(rig, &at, &len);
	assert_true(dropped > 200000);
	assert_int_equal(rig->len - len + dropped, put_in);
	assert_int_equal(rig->bytes[at + len + 999], '\n'); /* the first line behind it is whole */
	assert_int_equal(rig->failed, 0);
	rig_free(rig);
}

static void
test_output_is_dropped_while_the_spool_is_full(void **state)
{
	drop_and_go_on(*state, false);
}

static void
test_output_that_a_killed_runnerd_dropped_is_told_of(void **state)
{
	drop_and_go_on(*state, true);
}

/* More than its rate in one go: the rest waits in the pipe. */
static void
test_output_is_read_no_faster_than_its_rate(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20);
	static char bytes[60000];
	uint64_t begun = loop_now_us(rig->loop);
	struct rate rate;

	rate_init(&rate, 40000, begun);
	output_set_rate(&rig->output, &rate);
	memset(bytes, 'x', sizeof(bytes));
	put(rig, bytes, sizeof(bytes));
	(void)close(rig->write_fd);
	rig->write_fd = -1;
	loop_run(rig->loop);
	collect(rig);
	assert_int_equal(rig->len, sizeof(bytes));
	assert_true(loop_now_us(rig->loop) - begun >= 400000);
	rig_free(rig);
}

/* A step that fills its pipe gets a larger one, as long as pages of the user's are left. */
static void
test_output_of_a_noisy_step_gets_a_larger_pipe(void **state)
{
	struct rig *rig = rig_new(*state, 64 << 20);
	static char bytes[65536];

	memset(bytes, 'x', sizeof(bytes));
	put(rig, bytes, 1000);
	assert_true(output_drain(&rig->output));
	assert_int_equal(fcntl(rig->write_fd, F_GETPIPE_SZ), 65536);
	rig->press.pipes_most = 0;
	put(rig, bytes, sizeof(bytes));
	assert_true(output_drain(&rig->output));
	assert_int_equal(fcntl(rig->write_fd, F_GETPIPE_SZ), 65536);
	rig->press.pipes_most = PRESS_PIPE_BYTES;
	rig->output.found_full = false;
	put(rig, bytes, sizeof(bytes));
	assert_true(output_drain(&rig->output));
	assert_int_equal(fcntl(rig->write_fd, F_GETPIPE_SZ), 2 * 65536);
	assert_int_equal(rig->press.pipes_grown, PRESS_PIPE_BYTES);
	output_release(&rig->output);
	assert_int_equal(rig->press.pipes_grown, 0);
	rig_free(rig);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_output_drain_commits_what_waits_at_once),
		T(test_output_closes_a_chunk_by_its_age),
		T(test_output_closes_a_chunk_at_64_kib),
		T(test_output_end_closes_a_chunk),
		T(test_output_say_comes_behind_what_was_read),
		T(test_output_is_late_until_its_pipe_was_read),
		T(test_output_waits_while_the_spool_is_full),
		T(test_output_start_goes_on_where_the_spool_ends),
		T(test_output_keeps_the_beginning_of_a_secret_for_a_second),
		T(test_output_that_was_found_closes_its_first_chunk_early),
		T(test_output_masks_a_secret_that_a_restart_has_cut),
		T(test_output_masks_the_rest_of_a_secret_whose_beginning_was_released),
		T(test_output_start_refuses_a_memfd_that_ends_before_the_spool),
		T(test_output_keeps_a_last_line_that_fits),
		T(test_output_of_a_noisy_step_gets_a_larger_pipe),
		T(test_output_of_a_quiet_step_comes_while_64_print_on),
		T(test_output_memory_is_bounded_and_the_noisiest_wait),
		T(test_output_is_cut_at_the_limit_wherever_it_was_killed),
		T(test_output_within_the_limit_is_whole),
		T(test_output_is_cut_at_the_limit_of_the_task),
		T(test_output_is_dropped_while_the_spool_is_full),
		T(test_output_that_a_killed_runnerd_dropped_is_told_of),
		T(test_output_is_read_no_faster_than_its_rate),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
