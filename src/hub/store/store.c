/*
 * store.c - the queue between the loop and the store thread, and its transactions.
 *
 * Three lists: submitted (the loop's, this turn), queued (handed over, under the
 * lock), finished (durable, under the lock). The thread takes all that is queued, runs it as one
 * transaction, and gives it back through an eventfd. When nothing is queued it gathers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/store/store.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "hub/store/columns.h"
#include "hub/store/store_internal.h"
#include "loop/clock.h"
#include "loop/loop.h"

struct op_list {
	struct store_op *first, **end;
};

struct store {
	struct disk disk;
	/* The loop's. */
	struct loop *loop;
	struct later hand_over;
	struct watch watch;
	struct op_list submitted;
	void (*on_failed)(void *arg, const struct err *err);
	void *arg;
	bool is_failed; /* on_failed has been called */
	/* Both. */
	pthread_t thread;
	bool is_running;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct op_list queued, finished;
	bool is_closing;
	struct err failure; /* code 0: none */
	struct store_numbers numbers;
	int wake; /* eventfd: something is finished */
};

static void
list_init(struct op_list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

static void
list_add(struct op_list *list, struct store_op *op)
{
	op->next = NULL;
	*list->end = op;
	list->end = &op->next;
}

/* Append all of more, which is empty then. */
static void
list_join(struct op_list *list, struct op_list *more)
{
	if (more->first == NULL)
		return;
	*list->end = more->first;
	list->end = more->end;
	list_init(more);
}

void
store_op_free(struct store_op *op)
{
	if (op->kind == STORE_ADD_OUTPUT) {
		free(op->output.bytes);
		free(op->output.rows);
	}
	if (op->kind == STORE_ADD_JOB)
		free((char *)op->job.document);
	if (op->snapshot != NULL)
		store_snapshot_release(op->snapshot);
	arena_release(&op->arena);
	free(op);
}

static void
list_free(struct op_list *list)
{
	struct store_op *op;

	while ((op = list->first) != NULL) {
		list->first = op->next;
		store_op_free(op);
	}
	list_init(list);
}

struct store_op *
store_op_new(enum store_op_kind kind)
{
	struct store_op *op = MEM_NEW(struct store_op);

	op->kind = kind;
	arena_init(&op->arena, 0);
	return op;
}

/* --- the thread ------------------------------------------------------------------------- */

static void
tell_loop(struct store *store)
{
	uint64_t one = 1;

	while (write(store->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* Put GATHER operations aside: they are finished in an idle moment. */
static void
split_gather(struct disk *disk, struct op_list *list)
{
	struct store_op *op = list->first, *next;

	list_init(list);
	for (; op != NULL; op = next) {
		next = op->next;
		if (op->kind != STORE_GATHER) {
			list_add(list, op);
			continue;
		}
		op->next = NULL;
		*disk->gather_end = op;
		disk->gather_end = &op->next;
		disk->gather_count++;
	}
}

static int
run_transaction(struct store *store, struct op_list *list, struct err *err)
{
	struct disk *disk = &store->disk;
	struct store_op *op;
	bool writes = false;

	for (op = list->first; op != NULL && !writes; op = op->next)
		writes = store_op_is_write(op->kind);
	if (writes && db_exec(&disk->db, "BEGIN IMMEDIATE", err) < 0)
		return err->code;
	for (op = list->first; op != NULL; op = op->next)
		if (disk_run(disk, op, err) < 0)
			return err->code;
	if (writes) {
		if (segments_sync(&disk->segments, err) < 0 || db_exec(&disk->db, "COMMIT", err) < 0)
			return err->code;
		disk->numbers.commits++;
	}
	split_gather(disk, list);
	return 0;
}

static void
finish(struct store *store, struct op_list *list)
{
	pthread_mutex_lock(&store->lock);
	list_join(&store->finished, list);
	store->numbers = store->disk.numbers;
	pthread_mutex_unlock(&store->lock);
	tell_loop(store);
}

/* Wait for work; with tasks to gather, no longer than it takes to call the store idle. */
static void
wait_for_work(struct store *store)
{
	uint64_t until_us = clock_monotonic_us() + GATHER_IDLE_MS * 1000u;
	struct timespec until = {
		.tv_sec = (time_t)(until_us / 1000000),
		.tv_nsec = (long)(until_us % 1000000) * 1000,
	};
	int rc = 0;

	while (store->queued.first == NULL && !store->is_closing && rc != ETIMEDOUT) {
		if (store->disk.gather == NULL)
			pthread_cond_wait(&store->work, &store->lock);
		else
			rc = pthread_cond_timedwait(&store->work, &store->lock, &until);
	}
}

/* False: closing, and all is done. *idle: nothing is queued, gather. */
static bool
take_work(struct store *store, struct op_list *list, bool *idle)
{
	bool go_on;

	pthread_mutex_lock(&store->lock);
	wait_for_work(store);
	list_join(list, &store->queued);
	*idle = list->first == NULL;
	go_on = !*idle || !store->is_closing;
	pthread_mutex_unlock(&store->lock);
	return go_on;
}

static int
gather_some(struct store *store, struct op_list *list, struct err *err)
{
	struct store_op *op;

	if (disk_gather(&store->disk, &op, err) < 0)
		return err->code;
	while (op != NULL) {
		struct store_op *next = op->next;

		list_add(list, op);
		op = next;
	}
	return 0;
}

/* One transaction, or one batch of files when idle; both when too many files wait. */
static int
work_once(struct store *store, struct op_list *list, bool idle, struct err *err)
{
	if (!idle && run_transaction(store, list, err) < 0)
		return err->code;
	if (!idle) {
		finish(store, list);
		if (store->disk.gather_count <= GATHER_WAITING_MOST)
			return 0;
	}
	if (gather_some(store, list, err) < 0)
		return err->code;
	finish(store, list);
	return 0;
}

static void *
thread_main(void *arg)
{
	struct store *store = arg;
	struct err err = ERR_INIT;
	struct op_list list;
	bool idle;

	list_init(&list);
	while (take_work(store, &list, &idle)) {
		if (work_once(store, &list, idle, &err) == 0)
			continue;
		pthread_mutex_lock(&store->lock);
		store->failure = err;
		pthread_mutex_unlock(&store->lock);
		tell_loop(store);
		break;
	}
	list_free(&list);
	return NULL;
}

/* --- the loop's side -------------------------------------------------------------------- */

static void
on_hand_over(void *arg)
{
	struct store *store = arg;

	pthread_mutex_lock(&store->lock);
	list_join(&store->queued, &store->submitted);
	pthread_cond_signal(&store->work);
	pthread_mutex_unlock(&store->lock);
}

static void
run_finished(struct op_list *list)
{
	struct store_op *op;

	while ((op = list->first) != NULL) {
		list->first = op->next;
		if (op->done != NULL)
			op->done(op->arg, op);
		store_op_free(op);
	}
}

static void
on_wake(void *arg, unsigned events)
{
	struct store *store = arg;
	struct op_list list;
	struct err failure;
	uint64_t count;

	(void)events;
	list_init(&list);
	while (read(store->wake, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&store->lock);
	list_join(&list, &store->finished);
	failure = store->failure;
	pthread_mutex_unlock(&store->lock);
	run_finished(&list);
	if (failure.code != 0 && !store->is_failed) {
		store->is_failed = true;
		store->on_failed(store->arg, &failure);
	}
}

static void
copy_sealed(struct store_op *op)
{
	void *copy = arena_zalloc(&op->arena, op->variable.sealed_len + 1);

	memcpy(copy, op->variable.sealed, op->variable.sealed_len);
	op->variable.sealed = copy;
}

static void
copy_timetable(struct store_op *op)
{
	struct timetable_row *row = &op->timetable;
	const char **texts[] = {&row->project_slug, &row->branch, &row->actor, &row->revision,
				&row->repository, &row->config_path, &row->config, &row->request,
				&row->entries};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (*texts[i] != NULL)
			*texts[i] = arena_strdup(&op->arena, *texts[i]);
}

static void
copy_query(struct store_op *op)
{
	struct store_query *query = &op->query;

	if (query->project_slug != NULL)
		query->project_slug = arena_strdup(&op->arena, query->project_slug);
	if (query->branch != NULL)
		query->branch = arena_strdup(&op->arena, query->branch);
	if (query->name != NULL)
		query->name = arena_strdup(&op->arena, query->name);
	if (query->workflow_name != NULL)
		query->workflow_name = arena_strdup(&op->arena, query->workflow_name);
}

static void
copy_blob_query(struct store_op *op)
{
	struct store_blob_query *query = &op->blob_query;

	if (query->name != NULL)
		query->name = arena_strdup(&op->arena, query->name);
	if (query->prefix != NULL)
		query->prefix = arena_strdup(&op->arena, query->prefix);
}

void
store_blobs_of(struct store_op *op, size_t count)
{
	op->blobs.rows = ARENA_NEW_ARRAY(&op->arena, struct blob_row, count);
	op->blobs.taken = ARENA_NEW_ARRAY(&op->arena, bool, count);
	op->blobs.count = count;
}

static void
copy_test_query(struct store_op *op)
{
	struct store_test_query *query = &op->test_query;

	if (query->job_name != NULL)
		query->job_name = arena_strdup(&op->arena, query->job_name);
	if (query->branch != NULL)
		query->branch = arena_strdup(&op->arena, query->branch);
	if (query->default_branch != NULL)
		query->default_branch = arena_strdup(&op->arena, query->default_branch);
}

void
store_submit(struct store *store, struct store_op *op, store_done_fn *done, void *arg)
{
	assert(store->is_running);
	if (op->kind >= STORE_LIST_PIPELINES && op->kind <= STORE_LIST_AGENTS)
		copy_query(op);
	if (op->kind == STORE_LIST_TESTS)
		copy_test_query(op);
	if (op->kind == STORE_LIST_TEST_RUNS && op->test_run_query.branch != NULL)
		op->test_run_query.branch = arena_strdup(&op->arena, op->test_run_query.branch);
	if (op->kind == STORE_PUT_VARIABLE)
		copy_sealed(op);
	if (op->kind == STORE_PUT_TIMETABLE)
		copy_timetable(op);
	if (op->kind == STORE_PUT_ORB)
		op->orb.source = arena_strdup(&op->arena, op->orb.source);
	if (op->kind == STORE_ADD_BLOB)
		op->blob.name = arena_strdup(&op->arena, op->blob.name);
	if (op->kind == STORE_LIST_BLOBS)
		copy_blob_query(op);
	op->done = done;
	op->arg = arg;
	list_add(&store->submitted, op);
	later_want(&store->hand_over);
}

void
store_forget(struct store_op *op)
{
	op->done = NULL;
}

struct store_numbers
store_numbers(struct store *store)
{
	struct store_numbers numbers;

	pthread_mutex_lock(&store->lock);
	numbers = store->numbers;
	pthread_mutex_unlock(&store->lock);
	return numbers;
}

int
store_put_all_now(struct store *store, struct store_op **ops, size_t count, struct err *err)
{
	struct op_list list;
	size_t i;
	int rc;

	assert(!store->is_running);
	list_init(&list);
	for (i = 0; i < count; i++)
		list_add(&list, ops[i]);
	rc = run_transaction(store, &list, err);
	if (rc < 0)
		(void)sqlite3_exec(store->disk.db.handle, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

int
store_put_now(struct store *store, struct store_op *op, struct err *err)
{
	int rc = store_put_all_now(store, &op, 1, err);

	store_op_free(op);
	return rc;
}

int
store_inspect(struct store *store, struct store_inspection *out, store_fault_fn *tell, void *arg,
	      struct err *err)
{
	assert(!store->is_running);
	return disk_inspect(&store->disk, out, tell, arg, err);
}

/* --- life --------------------------------------------------------------------------------- */

int
store_open(struct store **out, const char *dir, struct err *err)
{
	struct store *store = MEM_NEW(struct store);
	char *path = mem_printf("%s/hub.db", dir);
	pthread_condattr_t attr;
	int rc;

	store->wake = -1;
	store->disk.segments.dir = -1;
	store->disk.gather_end = &store->disk.gather;
	list_init(&store->submitted);
	list_init(&store->queued);
	list_init(&store->finished);
	pthread_mutex_init(&store->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&store->work, &attr);
	pthread_condattr_destroy(&attr);
	rc = db_open(&store->disk.db, path, err);
	free(path);
	if (rc < 0)
		goto failed;
	path = mem_printf("%s/output", dir);
	rc = segments_open(&store->disk.segments, path, err);
	free(path);
	if (rc == 0)
		rc = disk_count_segments(&store->disk, err);
	if (rc < 0)
		goto failed;
	*out = store;
	return 0;

failed:
	store_close(store);
	return rc;
}

int
store_load(struct store *store, struct store_snapshot *out, struct err *err)
{
	int rc;

	assert(!store->is_running);
	memset(out, 0, sizeof(*out));
	arena_init(&out->arena, 0);
	rc = disk_load(&store->disk, out, err);
	if (rc < 0)
		arena_release(&out->arena);
	return rc;
}

void
store_snapshot_release(struct store_snapshot *snapshot)
{
	arena_release(&snapshot->arena);
}

static int
start_thread(struct store *store, struct err *err)
{
	sigset_t all, old;
	int rc;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&store->thread, NULL, thread_main, store);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0) {
		errno = rc;
		return err_sys(err, "cannot start the store's thread");
	}
	store->is_running = true;
	return 0;
}

int
store_start(struct store *store, struct loop *loop,
	    void (*on_failed)(void *arg, const struct err *err), void *arg, struct err *err)
{
	int rc;

	store->loop = loop;
	store->on_failed = on_failed;
	store->arg = arg;
	store->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (store->wake < 0)
		return err_sys(err, "cannot make an eventfd");
	rc = watch_start(&store->watch, loop, store->wake, WATCH_READ, on_wake, store, err);
	if (rc < 0)
		return rc;
	later_init(&store->hand_over, loop, on_hand_over, store);
	return start_thread(store, err);
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	if (store->is_running) {
		on_hand_over(store);
		pthread_mutex_lock(&store->lock);
		store->is_closing = true;
		pthread_cond_signal(&store->work);
		pthread_mutex_unlock(&store->lock);
		pthread_join(store->thread, NULL);
	}
	later_release(&store->hand_over);
	watch_stop(&store->watch);
	if (store->wake >= 0)
		(void)close(store->wake);
	list_free(&store->submitted);
	list_free(&store->queued);
	list_free(&store->finished);
	while (store->disk.gather != NULL) {
		struct store_op *op = store->disk.gather;

		store->disk.gather = op->next;
		store_op_free(op);
	}
	segments_close(&store->disk.segments);
	if (store->disk.db.handle != NULL)
		db_close(&store->disk.db);
	pthread_cond_destroy(&store->work);
	pthread_mutex_destroy(&store->lock);
	free(store);
}
