/*
 * store_test.c - what the store acknowledged is there, whenever it is killed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/err.h"
#include "base/mem.h"
#include "hub/store/store.h"
#include "loop/loop.h"

enum { FRAME_BYTES = 40, RECORD_BYTES = RUNNER_RECORD_HEADER_BYTES + FRAME_BYTES, RAW_BYTES = 100 };

static char dir[64];

static int
make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/runner-store.XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
remove_dir(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static void
on_failed(void *arg, const struct err *err)
{
	(void)arg;
	fprintf(stderr, "store failed: %s\n", err->text);
	abort();
}

static struct store *
open_store(void)
{
	struct err err = ERR_INIT;
	struct store *store = NULL;

	if (store_open(&store, dir, &err) < 0)
		fprintf(stderr, "%s\n", err.text);
	return store;
}

/* A task's id from a number, so that both sides know it. */
static struct id
id_of(uint32_t number)
{
	struct id id = {{0}};

	memcpy(id.bytes, &number, sizeof(number));
	return id;
}

static void
submit_task(struct store *store, uint32_t number, bool output_open, store_done_fn *done, void *arg)
{
	struct store_op *op = store_op_new(STORE_PUT_TASK);

	op->task.id = id_of(number);
	op->task.pipeline = id_of(1);
	op->task.job = id_of(2);
	op->task.output_open = output_open;
	op->task.event_seq = number;
	store_submit(store, op, done, arg);
}

/* count records of a task's step 0 from offset on; a frame's bytes tell its number. */
static void
submit_output(struct store *store, uint32_t task, uint32_t from, uint32_t count)
{
	struct store_op *op = store_op_new(STORE_ADD_OUTPUT);
	uint32_t i;

	op->output.len = (size_t)count * RECORD_BYTES;
	op->output.bytes = mem_zalloc(op->output.len, 1);
	op->output.rows = MEM_NEW_ARRAY(struct output_row, count);
	op->output.count = count;
	for (i = 0; i < count; i++) {
		struct output_row *row = &op->output.rows[i];

		row->task = id_of(task);
		row->attempt = row->epoch = 1;
		row->offset = (uint64_t)(from + i) * RAW_BYTES;
		row->raw_len = RAW_BYTES;
		row->frame_len = FRAME_BYTES;
		row->at = (uint64_t)i * RECORD_BYTES + RUNNER_RECORD_HEADER_BYTES;
		memset(op->output.bytes + row->at, (int)((from + i) & 0xff), FRAME_BYTES);
	}
	store_submit(store, op, NULL, NULL);
}

/* --- a loop that runs until an operation is done ------------------------------------------ */

struct waiting {
	struct loop *loop;
	void (*look)(struct store_op *op);
};

static void
on_done(void *arg, struct store_op *op)
{
	struct waiting *waiting = arg;

	if (waiting->look != NULL)
		waiting->look(op);
	loop_stop(waiting->loop);
}

static void
submit_and_wait(struct store *store, struct loop *loop, struct store_op *op,
		void (*look)(struct store_op *op))
{
	struct waiting waiting = {loop, look};

	store_submit(store, op, on_done, &waiting);
	loop_run(loop);
}

static void
look_at_output(struct store_op *op)
{
	size_t i, j;

	assert_int_equal(op->count, 300);
	for (i = 0; i < op->count; i++) {
		assert_int_equal(op->outputs[i].offset, i * RAW_BYTES);
		for (j = 0; j < FRAME_BYTES; j++)
			assert_int_equal(op->bytes[i * FRAME_BYTES + j], i & 0xff);
	}
}

static void
look_at_the_end(struct store_op *op)
{
	assert_int_equal(op->count, 2);
	assert_int_equal(op->outputs[0].offset, 298 * RAW_BYTES);
}

static void
read_back(struct store *store, struct loop *loop)
{
	struct store_op *op = store_op_new(STORE_READ_OUTPUT);

	op->output_query.task = id_of(7);
	submit_and_wait(store, loop, op, look_at_output);
	op = store_op_new(STORE_READ_OUTPUT);
	op->output_query.task = id_of(7);
	op->output_query.attempt = 1;
	op->output_query.from = 298 * RAW_BYTES + 3;
	submit_and_wait(store, loop, op, look_at_the_end);
}

/* Files of the output folder that end so. */
static int
count_files(const char *end)
{
	char path[80];
	struct dirent *entry;
	DIR *folder;
	int n = 0;

	snprintf(path, sizeof(path), "%s/output", dir);
	folder = opendir(path);
	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL)
		n += strlen(entry->d_name) > strlen(end) &&
		     strcmp(entry->d_name + strlen(entry->d_name) - strlen(end), end) == 0;
	closedir(folder);
	return n;
}

static void
test_output_is_read_back_from_the_segment_and_from_its_own_file(void **state)
{
	struct store *store = open_store();
	struct err err = ERR_INIT;
	struct store_op *op;
	struct loop *loop;
	uint32_t i;

	(void)state;
	assert_non_null(store);
	assert_int_equal(loop_new(&loop, &err), 0);
	assert_int_equal(store_start(store, loop, on_failed, NULL, &err), 0);
	submit_task(store, 7, true, NULL, NULL);
	for (i = 0; i < 30; i++) {
		submit_output(store, 7, i * 10, 10);
		submit_output(store, 8, i, 1);
	}
	read_back(store, loop);
	assert_int_equal(count_files(".seg"), 1);
	op = store_op_new(STORE_GATHER);
	op->id = id_of(7);
	submit_and_wait(store, loop, op, NULL);
	assert_int_equal(count_files(".zst"), 1);
	read_back(store, loop);
	/* The segment goes with the last task in it. */
	assert_int_equal(count_files(".seg"), 1);
	op = store_op_new(STORE_GATHER);
	op->id = id_of(8);
	submit_and_wait(store, loop, op, NULL);
	assert_int_equal(count_files(".seg"), 0);
	assert_int_equal(count_files(".zst"), 2);
	store_close(store);
	loop_free(loop);
}

static void
test_a_second_hub_is_refused(void **state)
{
	struct store *store = open_store(), *second = NULL;
	struct err err = ERR_INIT;
	pid_t pid;
	int status;

	(void)state;
	assert_non_null(store);
	pid = fork();
	if (pid == 0)
		_exit(store_open(&second, dir, &err) < 0 && err.hint != NULL ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	store_close(store);
}

/* --- killed at any instant ------------------------------------------------------------------ */

struct writer {
	struct store *store;
	uint32_t next;
	int tell; /* each number that was acknowledged goes there */
};

static void write_more(struct writer *writer);

static void
on_stored(void *arg, struct store_op *op)
{
	struct writer *writer = arg;
	uint32_t number = op->task.event_seq;

	if (write(writer->tell, &number, sizeof(number)) != (ssize_t)sizeof(number))
		_exit(0);
	write_more(writer);
}

static void
write_more(struct writer *writer)
{
	uint32_t number = writer->next++;

	submit_output(writer->store, number, 0, 2);
	submit_task(writer->store, number, true, on_stored, writer);
}

static void
write_until_killed(int tell, uint32_t from)
{
	struct writer writer = {.next = from, .tell = tell};
	struct err err = ERR_INIT;
	struct loop *loop;
	int i;

	writer.store = open_store();
	if (writer.store == NULL || loop_new(&loop, &err) < 0 ||
	    store_start(writer.store, loop, on_failed, NULL, &err) < 0)
		_exit(3);
	for (i = 0; i < 8; i++)
		write_more(&writer);
	loop_run(loop);
	_exit(0);
}

/* Read what was acknowledged; the writer is killed after enough of it. Returns the highest. */
static uint32_t
kill_after(pid_t pid, int told, unsigned enough, bool *is_told)
{
	uint32_t number, most = 0;
	unsigned n = 0;

	while (read(told, &number, sizeof(number)) == (ssize_t)sizeof(number)) {
		is_told[number] = true;
		if (number > most)
			most = number;
		if (++n == enough)
			kill(pid, SIGKILL);
	}
	return most;
}

static void
check_all_there(const bool *is_told, uint32_t most)
{
	struct store *store = open_store();
	struct store_snapshot snapshot;
	struct err err = ERR_INIT;
	bool *has_output = mem_zalloc(most + 100, 1);
	uint32_t number;
	size_t i;

	assert_non_null(store);
	assert_int_equal(store_load(store, &snapshot, &err), 0);
	/* Their pipeline is not in the database: look at positions, which are by task alone. */
	for (i = 0; i < snapshot.position_count; i++) {
		memcpy(&number, snapshot.positions[i].task.bytes, sizeof(number));
		assert_int_equal(snapshot.positions[i].offset, 2 * RAW_BYTES);
		if (number < most + 100)
			has_output[number] = true;
	}
	for (number = 0; number <= most; number++)
		if (is_told[number])
			assert_true(has_output[number]);
	store_snapshot_release(&snapshot);
	store_close(store);
	free(has_output);
}

static void
test_what_was_acknowledged_is_there_after_a_kill(void **state)
{
	static bool is_told[1 << 20];
	uint32_t most = 0;
	int round, pipe_fd[2];

	(void)state;
	for (round = 0; round < 12; round++) {
		pid_t pid;

		assert_int_equal(pipe(pipe_fd), 0);
		pid = fork();
		if (pid == 0) {
			close(pipe_fd[0]);
			write_until_killed(pipe_fd[1], most + 20);
		}
		close(pipe_fd[1]);
		most = kill_after(pid, pipe_fd[0], 1 + (unsigned)round * 37, is_told);
		close(pipe_fd[0]);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		check_all_there(is_told, most);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_output_is_read_back_from_the_segment_and_from_its_own_file,
						make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_a_second_hub_is_refused, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_what_was_acknowledged_is_there_after_a_kill, make_dir,
						remove_dir),
	};

	signal(SIGPIPE, SIG_IGN);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
