/*
 * worker.h - threads that do works for the loop.
 *
 * For pure work that takes longer than the loop may wait: run() must touch nothing that the loop
 * may touch meanwhile, nor what another work may where there are several threads. As many works as
 * there are threads are under way at a time, in the order they came; with one thread, the next
 * begins after done() of the one before:
 *
 *	worker_submit() -> prepare(), in the loop -> run(), in a thread -> done(), in the loop
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_WORKER_H
#define LOOP_WORKER_H

struct err;
struct loop;
struct worker;

typedef void work_fn(void *arg);

/* The caller's; it stays until done() has begun. */
struct work {
	work_fn *prepare; /* NULL: nothing */
	work_fn *run, *done;
	void *arg;
	struct work *next; /* the worker's */
};

/* most: works that may wait. The threads block all signals. Fails: ERR_HOST. */
int worker_new(struct worker **out, struct loop *loop, unsigned threads, unsigned most,
	       struct err *err);

/* None of the three is called from within. Fails: ERR_AGAIN when as many wait as may. */
int worker_submit(struct worker *worker, struct work *work, struct err *err);

/* Waits for run() of those under way; no done() is called any more. NULL is fine. */
void worker_free(struct worker *worker);

#endif
