/*
 * loop.c - the reactor on libevent.
 *
 * No timerfd is used (re-arming one costs six times an epoll wake-up): libevent
 * keeps a heap and waits with epoll's own timeout. The time is libevent's cached
 * one, refreshed once a turn.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop/loop.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/clock.h"

struct loop {
	struct event_base *base;
	uint64_t now_us; /* 0: ask the clock */
	uint64_t turns;
	struct loop_lag lag;
	bool stopping;
};

const uint32_t loop_lag_bounds_us[LOOP_LAG_BUCKETS] = {50,    100,    500,    1000,    5000,
						       10000, 50000, 100000, 500000, 1000000};

/* What libevent has to say is a line of our log like any other. */
static void
on_libevent_says(int severity, const char *text)
{
	static const enum log_level levels[] = {[EVENT_LOG_DEBUG] = LOG_DEBUG,
						[EVENT_LOG_MSG] = LOG_INFO,
						[EVENT_LOG_WARN] = LOG_WARN,
						[EVENT_LOG_ERR] = LOG_ERROR};
	size_t count = sizeof(levels) / sizeof(levels[0]);
	bool known = severity >= 0 && (size_t)severity < count;

	log_line(known ? levels[severity] : LOG_WARN, LOG_AT_NONE, "libevent: %s", text);
}

int
loop_new(struct loop **out, struct err *err)
{
	struct event_config *config = event_config_new();
	struct loop *loop = MEM_NEW(struct loop);

	event_set_log_callback(on_libevent_says);
	if (config != NULL) {
		/* One thread uses a loop, so libevent needs no locks. */
		(void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
		loop->base = event_base_new_with_config(config);
		event_config_free(config);
	}
	if (loop->base == NULL) {
		free(loop);
		return err_set(err, ERR_HOST, "cannot set up the event loop: the kernel gives no epoll descriptor");
	}
	*out = loop;
	return 0;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	event_base_free(loop->base);
	free(loop);
}

/* The turn's first callback has asked for the time: since then it did not wait. */
static void
note_turn(struct loop *loop)
{
	uint64_t took_us;
	unsigned i = 0;

	if (loop->now_us == 0)
		return;
	took_us = clock_monotonic_us() - loop->now_us;
	while (i < LOOP_LAG_BUCKETS && took_us > loop_lag_bounds_us[i])
		i++;
	loop->lag.counts[i]++;
	loop->lag.total_us += took_us;
	if (took_us > loop->lag.longest_us)
		loop->lag.longest_us = took_us;
}

void
loop_run(struct loop *loop)
{
	loop->stopping = false;
	loop->now_us = 0; /* what was set up before is no turn */
	while (!loop->stopping) {
		loop->turns++;
		if (event_base_loop(loop->base, EVLOOP_ONCE) != 0)
			break; /* nothing is registered any more */
		note_turn(loop);
		loop->now_us = 0;
	}
}

void
loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

uint64_t
loop_now_us(struct loop *loop)
{
	if (loop->now_us == 0)
		loop->now_us = clock_monotonic_us();
	return loop->now_us;
}

uint64_t
loop_turns(const struct loop *loop)
{
	return loop->turns;
}

const struct loop_lag *
loop_lag(const struct loop *loop)
{
	return &loop->lag;
}

struct event_base *
loop_base(struct loop *loop)
{
	return loop->base;
}

/* --- watch --- */

static void
on_watch_ready(evutil_socket_t fd, short what, void *arg)
{
	struct watch *watch = arg;

	(void)fd;
	(void)loop_now_us(watch->loop);
	watch->fn(watch->arg, (what & EV_READ ? WATCH_READ : 0u) | (what & EV_WRITE ? WATCH_WRITE : 0u));
}

static short
libevent_events(unsigned events)
{
	return (short)((events & WATCH_READ ? EV_READ : 0) | (events & WATCH_WRITE ? EV_WRITE : 0) |
		       EV_PERSIST);
}

int
watch_start(struct watch *watch, struct loop *loop, int fd, unsigned events, watch_fn *fn, void *arg,
	    struct err *err)
{
	watch_stop(watch);
	watch->loop = loop;
	watch->fd = fd;
	watch->fn = fn;
	watch->arg = arg;
	watch->events = events;
	watch->ev = event_new(loop->base, fd, libevent_events(events), on_watch_ready, watch);
	if (watch->ev == NULL)
		return err_set(err, ERR_LIMIT, "no memory for one more descriptor to watch");
	if (events != 0 && event_add(watch->ev, NULL) != 0) {
		watch_stop(watch);
		return err_set(err, ERR_HOST, "descriptor %d cannot be watched", fd);
	}
	return 0;
}

void
watch_want(struct watch *watch, unsigned events)
{
	assert(watch->ev != NULL);
	if (events == watch->events)
		return;
	if (watch->events != 0)
		(void)event_del(watch->ev);
	watch->events = events;
	if (events == 0)
		return;
	(void)event_assign(watch->ev, watch->loop->base, watch->fd, libevent_events(events),
			   on_watch_ready, watch);
	(void)event_add(watch->ev, NULL);
}

void
watch_stop(struct watch *watch)
{
	if (watch->ev == NULL)
		return;
	event_free(watch->ev);
	watch->ev = NULL;
	watch->events = 0;
}

bool
watch_is_on(const struct watch *watch)
{
	return watch->ev != NULL;
}

/* --- timer --- */

static void
on_timer_due(evutil_socket_t fd, short what, void *arg)
{
	struct timer *timer = arg;
	uint64_t now_us;

	(void)fd;
	(void)what;
	now_us = loop_now_us(timer->loop);
	timer->late_us = now_us > timer->due_us ? now_us - timer->due_us : 0;
	timer->due_us = 0;
	timer->fn(timer->arg);
}

static struct event *
plain_event(struct loop *loop, event_callback_fn fn, void *arg)
{
	struct event *ev = event_new(loop->base, -1, 0, fn, arg);

	if (ev == NULL)
		abort(); /* small fixed memory */
	return ev;
}

void
timer_init(struct timer *timer, struct loop *loop, loop_fn *fn, void *arg)
{
	timer->loop = loop;
	timer->fn = fn;
	timer->arg = arg;
	timer->due_us = 0;
	timer->ev = plain_event(loop, on_timer_due, timer);
}

void
timer_start_us(struct timer *timer, uint64_t us)
{
	struct timeval tv = {(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};

	assert(timer->ev != NULL);
	timer->due_us = loop_now_us(timer->loop) + us;
	(void)event_add(timer->ev, &tv);
}

void
timer_start_ms(struct timer *timer, uint64_t ms)
{
	timer_start_us(timer, ms * 1000);
}

bool
timer_is_on(const struct timer *timer)
{
	return timer->due_us != 0;
}

void
timer_stop(struct timer *timer)
{
	if (timer->ev != NULL && timer->due_us != 0)
		(void)event_del(timer->ev);
	timer->due_us = 0;
}

void
timer_release(struct timer *timer)
{
	if (timer->ev == NULL)
		return;
	event_free(timer->ev);
	timer->ev = NULL;
	timer->due_us = 0;
}

/* --- later --- */

static void
on_later(evutil_socket_t fd, short what, void *arg)
{
	struct later *later = arg;

	(void)fd;
	(void)what;
	(void)loop_now_us(later->loop);
	later->wanted = false;
	later->fn(later->arg);
}

void
later_init(struct later *later, struct loop *loop, loop_fn *fn, void *arg)
{
	later->loop = loop;
	later->fn = fn;
	later->arg = arg;
	later->wanted = false;
	later->ev = plain_event(loop, on_later, later);
}

void
later_want(struct later *later)
{
	assert(later->ev != NULL);
	if (later->wanted)
		return;
	later->wanted = true;
	event_active(later->ev, EV_TIMEOUT, 0);
}

void
later_stop(struct later *later)
{
	if (later->ev != NULL && later->wanted)
		(void)event_del(later->ev);
	later->wanted = false;
}

void
later_release(struct later *later)
{
	if (later->ev == NULL)
		return;
	event_free(later->ev);
	later->ev = NULL;
	later->wanted = false;
}

/* --- signal_watch --- */

static void
on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct signal_watch *watch = arg;

	(void)what;
	(void)loop_now_us(watch->loop);
	watch->fn(watch->arg, (int)signo);
}

int
signal_start(struct signal_watch *watch, struct loop *loop, int signo,
	     void (*fn)(void *arg, int signo), void *arg, struct err *err)
{
	watch->loop = loop;
	watch->signo = signo;
	watch->fn = fn;
	watch->arg = arg;
	watch->ev = evsignal_new(loop->base, signo, on_signal, watch);
	if (watch->ev == NULL || event_add(watch->ev, NULL) != 0) {
		signal_stop(watch);
		return err_set(err, ERR_HOST, "cannot watch for signal %d", signo);
	}
	return 0;
}

void
signal_stop(struct signal_watch *watch)
{
	if (watch->ev == NULL)
		return;
	event_free(watch->ev);
	watch->ev = NULL;
}
