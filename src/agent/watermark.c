/*
 * watermark.c - is there room left on the disk of the work directories for one more task?
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
watermark_init(struct watermark *mark, const char *path, uint64_t least_bytes)
{
	memset(mark, 0, sizeof(*mark));
	mark->path = mem_strdup(path);
	mark->least_bytes = least_bytes;
}

void
watermark_release(struct watermark *mark)
{
	free(mark->path);
	mark->path = NULL;
}

static uint64_t
enough(const struct watermark *mark)
{
	return mark->least_bytes + mark->least_bytes / 8;
}

void
watermark_say(const struct watermark *mark, char *room, size_t size)
{
	char left[24], least[24], more[24];

	(void)snprintf(room, size,
		       "the disk of '%.200s' has %s free, less than the %s of --min-free: nothing is claimed until "
		       "it has %s",
		       mark->path, text_bytes(left, mark->free_bytes), text_bytes(least, mark->least_bytes),
		       text_bytes(more, enough(mark)));
}

bool
watermark_look(struct watermark *mark, uint64_t now_us)
{
	struct statvfs disk;
	char said[SAID_BYTES];
	bool low;

	if (mark->least_bytes == 0 || now_us < mark->next_us)
		return mark->low;
	mark->next_us = now_us + WATERMARK_GAP_MS * 1000ull;
	if (statvfs(mark->path, &disk) != 0)
		return mark->low;
	/* What a user may take, not what is kept for root: jobs are any user's. */
	mark->free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	low = mark->free_bytes < (mark->low ? enough(mark) : mark->least_bytes);
	if (low && !mark->low) {
		watermark_say(mark, said, sizeof(said));
		log_warn("%s", said);
	} else if (!low && mark->low) {
		log_info("the disk of '%s' has %s free: tasks are claimed again", mark->path,
			 text_bytes(said, mark->free_bytes));
	}
	mark->low = low;
	return low;
}
