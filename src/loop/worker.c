/*
 * worker.c - threads that do works for the loop.
 *
 * What waits is the loop's alone. Under the lock are the works that were handed over, at most one
 * a thread, and those that have run; an eventfd tells the loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "loop/loop.h"

/* In the order they came. */
struct works {
	struct work *first, **end;
};

struct worker {
	/* The loop's. */
	struct later next;
	struct watch watch;
	struct works waiting;
	unsigned count, most;
	unsigned under_way; /* from prepare() to done() */
	/* Both. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct works handed, has_run;
	bool is_closing;
	int wake; /* eventfd: some have run */
	unsigned thread_count;
	pthread_t threads[];
};

static void
works_add(struct works *works, struct work *work)
{
	work->next = NULL;
	if (works->first == NULL)
		works->end = &works->first;
	*works->end = work;
	works->end = &work->next;
}

/* NULL: there is none. */
static struct work *
works_take(struct works *works)
{
	struct work *work = works->first;

	if (work != NULL)
		works->first = work->next;
	return work;
}

/* --- a thread ------------------------------------------------------------------------------ */

static struct work *
take(struct worker *worker)
{
	struct work *work;

	pthread_mutex_lock(&worker->lock);
	while (worker->handed.first == NULL && !worker->is_closing)
		pthread_cond_wait(&worker->changed, &worker->lock);
	work = worker->is_closing ? NULL : works_take(&worker->handed);
	pthread_mutex_unlock(&worker->lock);
	return work;
}

static void *
thread_main(void *arg)
{
	struct worker *worker = arg;
	uint64_t one = 1;
	struct work *work;

	while ((work = take(worker)) != NULL) {
		work->run(work->arg);
		pthread_mutex_lock(&worker->lock);
		works_add(&worker->has_run, work);
		pthread_mutex_unlock(&worker->lock);
		while (write(worker->wake, &one, sizeof(one)) < 0 && errno == EINTR)
			;
	}
	return NULL;
}

/* --- the loop's side ------------------------------------------------------------------------ */

static void
on_next(void *arg)
{
	struct worker *worker = arg;
	struct work *work;

	while (worker->under_way < worker->thread_count &&
	       (work = works_take(&worker->waiting)) != NULL) {
		worker->count--;
		worker->under_way++;
		if (work->prepare != NULL)
			work->prepare(work->arg);
		pthread_mutex_lock(&worker->lock);
		works_add(&worker->handed, work);
		pthread_cond_signal(&worker->changed);
		pthread_mutex_unlock(&worker->lock);
	}
}

static struct work *
take_run(struct worker *worker)
{
	struct work *work;

	pthread_mutex_lock(&worker->lock);
	work = works_take(&worker->has_run);
	pthread_mutex_unlock(&worker->lock);
	return work;
}

static void
on_wake(void *arg, unsigned events)
{
	struct worker *worker = arg;
	struct work *work;
	uint64_t count;

	(void)events;
	while (read(worker->wake, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	while ((work = take_run(worker)) != NULL) {
		worker->under_way--;
		later_want(&worker->next);
		work->done(work->arg);
	}
}

int
worker_submit(struct worker *worker, struct work *work, struct err *err)
{
	if (worker->count == worker->most)
		return err_set(err, ERR_AGAIN, "%u others wait for the same already", worker->most);
	works_add(&worker->waiting, work);
	worker->count++;
	later_want(&worker->next);
	return 0;
}

/* Ends those that were started. */
static void
stop_threads(struct worker *worker)
{
	unsigned i;

	pthread_mutex_lock(&worker->lock);
	worker->is_closing = true;
	pthread_cond_broadcast(&worker->changed);
	pthread_mutex_unlock(&worker->lock);
	for (i = 0; i < worker->thread_count; i++)
		pthread_join(worker->threads[i], NULL);
}

static int
start_threads(struct worker *worker, unsigned threads, struct err *err)
{
	sigset_t all, old;
	int rc = 0;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (rc == 0 && worker->thread_count < threads) {
		rc = pthread_create(&worker->threads[worker->thread_count], NULL, thread_main,
				    worker);
		if (rc == 0)
			worker->thread_count++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		return 0;
	stop_threads(worker);
	errno = rc;
	return err_sys(err, "cannot start a thread");
}

int
worker_new(struct worker **out, struct loop *loop, unsigned threads, unsigned most, struct err *err)
{
	struct worker *worker =
		mem_zalloc(1, sizeof(*worker) + threads * sizeof(worker->threads[0]));

	worker->most = most;
	worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->wake < 0) {
		err->code = err_sys(err, "cannot make an eventfd");
		goto no_wake;
	}
	if (watch_start(&worker->watch, loop, worker->wake, WATCH_READ, on_wake, worker, err) < 0)
		goto no_watch;
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->changed, NULL);
	if (start_threads(worker, threads, err) < 0)
		goto no_thread;
	later_init(&worker->next, loop, on_next, worker);
	*out = worker;
	return 0;

no_thread:
	pthread_cond_destroy(&worker->changed);
	pthread_mutex_destroy(&worker->lock);
	watch_stop(&worker->watch);
no_watch:
	(void)close(worker->wake);
no_wake:
	free(worker);
	return err_wrap(err, "making a worker");
}

void
worker_free(struct worker *worker)
{
	if (worker == NULL)
		return;
	stop_threads(worker);
	pthread_cond_destroy(&worker->changed);
	pthread_mutex_destroy(&worker->lock);
	later_release(&worker->next);
	watch_stop(&worker->watch);
	(void)close(worker->wake);
	free(worker);
}
