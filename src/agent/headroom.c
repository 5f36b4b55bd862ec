/*
 * headroom.c - may this host take one more task: its disks, its memory, how hard it is pressed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/headroom.h"

#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"

void
headroom_init(struct headroom *headroom, const struct headroom_limits *limits)
{
	dev_t devices[HEADROOM_DISKS_MOST];
	const char *const *dir;
	struct stat st;
	unsigned i;

	memset(headroom, 0, sizeof(*headroom));
	for (dir = limits->dirs; *dir != NULL; dir++) {
		if (stat(*dir, &st) != 0)
			continue;
		for (i = 0; i < headroom->disk_count && devices[i] != st.st_dev; i++)
			;
		if (i < headroom->disk_count)
			continue;
		assert(i < HEADROOM_DISKS_MOST);
		devices[i] = st.st_dev;
		watermark_init(&headroom->disks[i], *dir, limits->min_free_bytes,
			       limits->min_free_inodes);
		headroom->disk_count++;
	}
	pressure_init(&headroom->pressure, limits->proc);
	headroom->pressure.least_bytes = limits->min_free_memory;
	for (i = 0; i < PRESSURE_COUNT; i++)
		headroom->pressure.most[i] = (double)limits->max_pressure[i];
}

void
headroom_release(struct headroom *headroom)
{
	unsigned i;

	for (i = 0; i < headroom->disk_count; i++)
		watermark_release(&headroom->disks[i]);
}

bool
headroom_look(struct headroom *headroom, uint64_t now_us)
{
	bool low = pressure_look(&headroom->pressure, now_us);
	unsigned i;

	for (i = 0; i < headroom->disk_count; i++)
		low |= watermark_look(&headroom->disks[i], now_us);
	return low;
}

bool
headroom_is_of_others(const struct headroom *headroom)
{
	unsigned i;

	for (i = 0; i < PRESSURE_COUNT; i++)
		if (headroom->pressure.most[i] > 0 && !headroom->pressure.missing[i])
			return true;
	return false;
}

const struct watermark *
headroom_low_disk(const struct headroom *headroom)
{
	unsigned i;

	for (i = 0; i < headroom->disk_count; i++)
		if (watermark_is_low(&headroom->disks[i]))
			return &headroom->disks[i];
	return NULL;
}
