/*
 * watermark.c - is there room left on a disk for one more task?
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/watermark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

enum { SAID_BYTES = 512 };

void
watermark_init(struct watermark *mark, const char *path, uint64_t least_bytes,
	       uint64_t least_inodes)
{
	memset(mark, 0, sizeof(*mark));
	mark->path = mem_strdup(path);
	mark->least_bytes = least_bytes;
	mark->least_inodes = least_inodes;
}

void
watermark_release(struct watermark *mark)
{
	free(mark->path);
	mark->path = NULL;
}

static uint64_t
enough(uint64_t least)
{
	return least + least / 8;
}

void
watermark_say(const struct watermark *mark, char *room, size_t size)
{
	char left[24], least[24], more[24];

	if (mark->low_bytes)
		(void)snprintf(room, size,
			       "the disk of '%.200s' has %s free, less than the %s of --min-free: "
			       "nothing is claimed "
			       "until it has %s",
			       mark->path, text_bytes(left, mark->free_bytes),
			       text_bytes(least, mark->least_bytes),
			       text_bytes(more, enough(mark->least_bytes)));
	else
		(void)snprintf(room, size,
			       "the disk of '%.200s' has %llu inodes free, less than the %llu of "
			       "--min-free-inodes: "
			       "nothing is claimed until it has %llu",
			       mark->path, (unsigned long long)mark->free_inodes,
			       (unsigned long long)mark->least_inodes,
			       (unsigned long long)enough(mark->least_inodes));
}

bool
watermark_is_low(const struct watermark *mark)
{
	return mark->low_bytes || mark->low_inodes;
}

static bool
is_below(uint64_t left, uint64_t least, bool was_low)
{
	return left < (was_low ? enough(least) : least);
}

static void
say_change(const struct watermark *mark, bool was_low)
{
	char said[SAID_BYTES];

	if (watermark_is_low(mark) && !was_low) {
		watermark_say(mark, said, sizeof(said));
		log_warn("%s", said);
	} else if (!watermark_is_low(mark) && was_low) {
		log_info("the disk of '%s' has %s free: tasks are claimed again", mark->path,
			 text_bytes(said, mark->free_bytes));
	}
}

bool
watermark_look(struct watermark *mark, uint64_t now_us)
{
	struct statvfs disk;
	bool was_low = watermark_is_low(mark);

	if ((mark->least_bytes == 0 && mark->least_inodes == 0) || now_us < mark->next_us)
		return was_low;
	mark->next_us = now_us + WATERMARK_GAP_MS * 1000ull;
	if (statvfs(mark->path, &disk) != 0)
		return was_low;
	/* What a user may take, not what is kept for root: jobs are any user's. */
	mark->free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	mark->free_inodes = disk.f_files > 0 ? disk.f_favail : UINT64_MAX;
	mark->low_bytes = is_below(mark->free_bytes, mark->least_bytes, mark->low_bytes);
	mark->low_inodes = is_below(mark->free_inodes, mark->least_inodes, mark->low_inodes);
	say_change(mark, was_low);
	return watermark_is_low(mark);
}
