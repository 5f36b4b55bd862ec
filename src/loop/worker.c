/*
 * worker.c - a thread that does one thing after another for the loop.
 *
 * What waits is the loop's alone. Under the lock are the one work that was handed over and
 * whether it is done; an eventfd tells the loop.
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

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "loop/loop.h"

struct worker {
	/* The loop's. */
	struct later next;
	struct watch watch;
	struct work *waiting, **end;
	unsigned count, most;
	struct work *under_way; /* from prepare() to done() */
	pthread_t thread;
	/* Both. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct work *handed; /* to run; NULL: nothing */
	bool has_run;	     /* the one under way */
	bool is_closing;
	int wake; /* eventfd: it has run */
};

/* --- the thread ---------------------------------------------------------------------------- */

static struct work *
take(struct worker *worker)
{
	struct work *work;

	pthread_mutex_lock(&worker->lock);
	while (worker->handed == NULL && !worker->is_closing)
		pthread_cond_wait(&worker->changed, &worker->lock);
	work = worker->is_closing ? NULL : worker->handed;
	worker->handed = NULL;
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
		worker->has_run = true;
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
	struct work *work = worker->waiting;

	if (work == NULL || worker->under_way != NULL)
		return;
	worker->waiting = work->next;
	if (worker->waiting == NULL)
		worker->end = &worker->waiting;
	worker->count--;
	worker->under_way = work;
	if (work->prepare != NULL)
		work->prepare(work->arg);
	pthread_mutex_lock(&worker->lock);
	assert(worker->handed == NULL);
	worker->handed = work;
	pthread_cond_signal(&worker->changed);
	pthread_mutex_unlock(&worker->lock);
}

static void
on_wake(void *arg, unsigned events)
{
	struct worker *worker = arg;
	struct work *work = worker->under_way;
	uint64_t count;
	bool has_run;

	(void)events;
	while (read(worker->wake, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&worker->lock);
	has_run = worker->has_run;
	worker->has_run = false;
	pthread_mutex_unlock(&worker->lock);
	if (!has_run)
		return;
	worker->under_way = NULL;
	later_want(&worker->next);
	work->done(work->arg);
}

int
worker_submit(struct worker *worker, struct work *work, struct err *err)
{
	if (worker->count == worker->most)
		return err_set(err, ERR_AGAIN, "%u others wait for the same already", worker->most);
	work->next = NULL;
	*worker->end = work;
	worker->end = &work->next;
	worker->count++;
	later_want(&worker->next);
	return 0;
}

static int
start_thread(struct worker *worker, struct err *err)
{
	sigset_t all, old;
	int rc;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&worker->thread, NULL, thread_main, worker);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		return 0;
	errno = rc;
	return err_sys(err, "cannot start a thread");
}

int
worker_new(struct worker **out, struct loop *loop, unsigned most, struct err *err)
{
	struct worker *worker = MEM_NEW(struct worker);

	worker->end = &worker->waiting;
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
	if (start_thread(worker, err) < 0)
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
	pthread_mutex_lock(&worker->lock);
	worker->is_closing = true;
	pthread_cond_signal(&worker->changed);
	pthread_mutex_unlock(&worker->lock);
	pthread_join(worker->thread, NULL);
	pthread_cond_destroy(&worker->changed);
	pthread_mutex_destroy(&worker->lock);
	later_release(&worker->next);
	watch_stop(&worker->watch);
	(void)close(worker->wake);
	free(worker);
}
