/*
 * spool_disk.c - segments of a spool that are on the disk, as the depot moves them.
 *
 * A segment is in tmpfs, or on the disk (stored), and while it is being sent in a memfd too (its
 * fd). What is moved is the newest that nobody writes any more: the oldest are sent next.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <unistd.h>

#include "agent/depot.h"
#include "agent/spool.h"
#include "agent/spool_segment.h"
#include "base/err.h"

void
spool_share(struct spool *spool, struct depot *depot, void (*on_unsent)(void *arg))
{
	spool->depot = depot;
	spool->on_unsent = on_unsent;
	if (depot != NULL)
		depot_join(depot, spool);
}

static struct spool_segment *
find_segment(struct spool *spool, uint32_t number)
{
	struct spool_segment *segment = spool->first;

	while (segment != NULL && segment->number != number)
		segment = segment->next;
	return segment;
}

bool
spool_is_loaded(const struct spool *spool)
{
	const struct spool_segment *segment = spool->read.segment;

	return segment != NULL && segment->stored && segment->fd >= 0;
}

uint32_t
spool_wanted(const struct spool *spool)
{
	return spool->wants_fetch && spool->read.segment != NULL ? spool->read.segment->number : 0;
}

uint32_t
spool_movable(const struct spool *spool)
{
	const struct spool_segment *segment, *newest = NULL;

	if (spool->discarding)
		return 0;
	for (segment = spool->first; segment != NULL; segment = segment->next)
		if (!segment->stored && !segment->moving &&
		    (segment->next != NULL || segment->len >= DEPOT_CLOSE_BYTES))
			newest = segment;
	return newest != NULL ? newest->number : 0;
}

void
spool_moving(struct spool *spool, uint32_t number, bool moving)
{
	struct spool_segment *segment = find_segment(spool, number);

	if (segment != NULL)
		segment->moving = moving;
}

/* The disk's copy of a segment is not wanted; neighbours are dropped in one go. */
void
spool_drop_stored(struct spool *spool, uint32_t number)
{
	if (spool->drop_from >= spool->drop_end)
		spool->drop_from = number;
	spool->drop_end = number + 1;
	depot_want(spool->depot);
}

void
spool_moved(struct spool *spool, uint32_t number, uint64_t len)
{
	struct spool_segment *segment = find_segment(spool, number);

	if (segment == NULL) { /* the hub has it meanwhile */
		if (!spool->discarding)
			spool_drop_stored(spool, number);
		else
			depot_clear(spool->depot, &spool->task);
		return;
	}
	segment->moving = false;
	if (len != segment->len)
		return; /* not the whole: it stays where it is */
	segment->stored = spool->was_stored = true;
	spool_segment_rest(segment);
	spool_segment_unlink(segment, spool->dir_fd);
	spool->stored += segment->len;
	depot_count(spool->depot, -(int64_t)segment->len, (int64_t)segment->len);
}

void
spool_fetched(struct spool *spool, uint32_t number, int memfd, uint64_t len)
{
	struct spool_segment *segment = spool->read.segment;

	if (!spool->wants_fetch || segment == NULL || segment->number != number) {
		(void)close(memfd);
		return;
	}
	spool->wants_fetch = false;
	segment->fd = memfd;
	if (len != segment->len)
		spool->lost = EIO;
	spool->on_unsent(spool->on_room_arg);
}

void
spool_lost(struct spool *spool, int sys)
{
	spool->wants_fetch = false;
	spool->lost = sys;
	spool->on_unsent(spool->on_room_arg);
}
