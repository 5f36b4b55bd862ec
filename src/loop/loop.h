/*
 * loop.h - the reactor: one thread, one wait, everything else is a callback.
 *
 * loop_new() -> register watches, timers, children -> loop_run() until loop_stop().
 * Handles are structs that the user embeds; the zeroed struct is "not registered",
 * and every *_stop() is harmless then. A handle must be stopped before its memory
 * goes. No callback runs from inside the call that registered it, nor after stop.
 * Callbacks must not block.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct event;
struct event_base;
struct loop;

typedef void loop_fn(void *arg);

/* Fails: ERR_HOST when the kernel gives no epoll descriptor. */
int loop_new(struct loop **out, struct err *err);
/* Every handle must have been stopped. NULL is fine. */
void loop_free(struct loop *loop);

/* Turns until loop_stop(); returns at the end of that turn. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* CLOCK_MONOTONIC in microseconds, as of this turn's beginning. */
uint64_t loop_now_us(struct loop *loop);

/* Turns so far: what an idle program must not collect. */
uint64_t loop_turns(const struct loop *loop);

enum { LOOP_LAG_BUCKETS = 10 };

/* How long turns took, the waiting left out: so long an event may have waited for its callback. */
struct loop_lag {
	uint64_t counts[LOOP_LAG_BUCKETS + 1]; /* below each bound; the last: all others */
	uint64_t total_us;
	uint64_t longest_us;
};

/* The buckets' upper bounds. */
extern const uint32_t loop_lag_bounds_us[LOOP_LAG_BUCKETS];

const struct loop_lag *loop_lag(const struct loop *loop);

/* libevent's base: for the rooms that may see libevent (loop, http). */
struct event_base *loop_base(struct loop *loop);

/* --- watch: a descriptor that can be read or written ------------------------------- */

enum watch_event { WATCH_READ = 1 << 0, WATCH_WRITE = 1 << 1 };

typedef void watch_fn(void *arg, unsigned events); /* bits of enum watch_event */

struct watch {
	struct event *ev;
	struct loop *loop;
	watch_fn *fn;
	void *arg;
	int fd;
	unsigned events;
};

/*
 * Call fn whenever fd is ready for one of events (level-triggered, persistent). Calling it again on
 * a registered watch of the same fd changes what is wanted; events 0 pauses it.
 * Owns: not the descriptor. Fails: ERR_HOST when fd cannot be polled (a regular file).
 */
int watch_start(struct watch *watch, struct loop *loop, int fd, unsigned events, watch_fn *fn,
		void *arg, struct err *err);
/* Change what is wanted of a registered watch; cannot fail for a descriptor that was accepted. */
void watch_want(struct watch *watch, unsigned events);
void watch_stop(struct watch *watch);
bool watch_is_on(const struct watch *watch);

/* --- timer: once, after a time ------------------------------------------------------ */

struct timer {
	struct event *ev;
	struct loop *loop;
	loop_fn *fn;
	void *arg;
	uint64_t due_us; /* 0: not armed */
	uint64_t late_us; /* by so much it came after its time; seconds: this process did not run */
};

/* Say what the timer does; allocates its room once. */
void timer_init(struct timer *timer, struct loop *loop, loop_fn *fn, void *arg);
/* Arm, or arm anew, to fire once in us microseconds. */
void timer_start_us(struct timer *timer, uint64_t us);
void timer_start_ms(struct timer *timer, uint64_t ms);
bool timer_is_on(const struct timer *timer);
/* Disarm. The timer can be started again. */
void timer_stop(struct timer *timer);
/* Disarm and give the room back; a zeroed struct is fine. */
void timer_release(struct timer *timer);

/* --- later: once, at the end of this turn ------------------------------------------- */

/* "Ask to write often, write once": later_want() any number of times, fn runs once. */
struct later {
	struct event *ev;
	struct loop *loop;
	loop_fn *fn;
	void *arg;
	bool wanted;
};

void later_init(struct later *later, struct loop *loop, loop_fn *fn, void *arg);
void later_want(struct later *later);
void later_stop(struct later *later);
void later_release(struct later *later);

/* --- signal_watch: a signal as an event ---------------------------------------------- */

struct signal_watch {
	struct event *ev;
	struct loop *loop;
	void (*fn)(void *arg, int signo);
	void *arg;
	int signo;
};

int signal_start(struct signal_watch *watch, struct loop *loop, int signo,
		 void (*fn)(void *arg, int signo), void *arg, struct err *err);
void signal_stop(struct signal_watch *watch);

#endif
