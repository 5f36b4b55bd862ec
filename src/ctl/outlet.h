/*
 * outlet.h - standard output without ever blocking the loop.
 *
 * outlet_init() -> outlet_put() -> outlet_release(). What the reader does not take waits in
 * memory; whoever produces without bound stops while outlet_is_full() and goes on in
 * on_room. The descriptor is shared with others (a terminal, a shell's pipe), so it
 * stays in blocking mode: no more is written at a time than poll(2) promises room for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_OUTLET_H
#define CTL_OUTLET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "loop/loop.h"

struct err;

enum { OUTLET_FULL_BYTES = 256 * 1024, OUTLET_ROOM_BYTES = 64 * 1024 };

struct outlet {
	struct loop *loop;
	int fd;
	size_t piece; /* most bytes of one write */
	int failed;   /* why nothing more can be written (errno): everything is dropped */
	bool was_full;
	struct buffer pending;
	struct watch watch;
	struct later flush;
	loop_fn *on_room; /* may be NULL */
	void *arg;
};

/* fd is borrowed. */
void outlet_init(struct outlet *outlet, struct loop *loop, int fd, loop_fn *on_room, void *arg);
/* What is pending is dropped: outlet_finish() before, where it counts. */
void outlet_release(struct outlet *outlet);

/* Take bytes; they are written at the end of the loop's turn. */
void outlet_put(struct outlet *outlet, const void *bytes, size_t len);
bool outlet_is_full(const struct outlet *outlet);
bool outlet_is_empty(const struct outlet *outlet);
/* Has writing failed? Then err is set, unless it is that the reader has gone away. */
bool outlet_has_failed(const struct outlet *outlet, struct err *err);

/* Run the loop until all is written or *stop is true. */
void outlet_finish(struct outlet *outlet, const bool *stop);

#endif
