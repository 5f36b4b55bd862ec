/*
 * headroom.h - may this host take one more task: its disks, its memory, how hard it is pressed.
 *
 * headroom_init() -> headroom_look() whenever it matters -> headroom_release(). What tasks have
 * reserved is another matter (slots.h): this is what they really use, and all others on the host.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_HEADROOM_H
#define AGENT_HEADROOM_H

#include "agent/pressure.h"
#include "agent/watermark.h"

enum { HEADROOM_DISKS_MOST = 6 };

/* 0: no limit. All is borrowed. */
struct headroom_limits {
	const char *const *dirs; /* NULL-terminated; those on one disk count once, the first */
	uint64_t min_free_bytes, min_free_inodes; /* of each disk */
	uint64_t min_free_memory;
	uint64_t max_pressure[PRESSURE_COUNT]; /* percent */
	const char *proc;
};

struct headroom {
	struct watermark disks[HEADROOM_DISKS_MOST];
	unsigned disk_count;
	struct pressure pressure;
};

void headroom_init(struct headroom *headroom, const struct headroom_limits *limits);
void headroom_release(struct headroom *headroom);

/* True when it may not. */
bool headroom_look(struct headroom *headroom, uint64_t now_us);

/* What others do to the host changes it too: it is to be looked at also while no task is here. */
bool headroom_is_of_others(const struct headroom *headroom);

/* The disk that is low, the first of them; NULL: none. */
const struct watermark *headroom_low_disk(const struct headroom *headroom);

#endif
