/*
 * spool_recover.c - the segments that an earlier runnerd left, in tmpfs and on the disk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/depot.h"
#include "agent/spool.h"
#include "agent/spool_segment.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "runner/state_dir.h"

/* A segment by its number: in the task's directory, on the disk, or both. */
struct found {
	uint32_t number;
	bool here, stored;
};

struct finds {
	struct found *list;
	size_t count, room;
};

static int
by_number(const void *a, const void *b)
{
	uint32_t x = ((const struct found *)a)->number, y = ((const struct found *)b)->number;

	return x < y ? -1 : x > y;
}

static void
note_found(struct finds *finds, uint32_t number, bool stored)
{
	if (finds->count == finds->room) {
		finds->room = finds->room == 0 ? 8 : 2 * finds->room;
		finds->list = mem_resize(finds->list, finds->room, sizeof(*finds->list));
	}
	finds->list[finds->count++] = (struct found){number, !stored, stored};
}

static int
list_dir(struct finds *finds, int dir_fd, bool stored, struct err *err)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	uint32_t number;

	if (dir == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return err_sys(err, "cannot look for the task's spool");
	}
	while ((entry = readdir(dir)) != NULL)
		if (spool_segment_parse_name(entry->d_name, &number))
			note_found(finds, number, stored);
	(void)closedir(dir);
	return 0;
}

/* Both copies of one become one entry. */
static void
merge(struct finds *finds)
{
	size_t i, n = 0;

	if (finds->count > 1)
		qsort(finds->list, finds->count, sizeof(*finds->list), by_number);
	for (i = 0; i < finds->count; i++) {
		struct found *found = &finds->list[i];

		if (n > 0 && finds->list[n - 1].number == found->number)
			finds->list[n - 1].here = finds->list[n - 1].stored = true;
		else
			finds->list[n++] = *found;
	}
	finds->count = n;
}

static uint64_t
size_of(int dir_fd, uint32_t number)
{
	char name[32];
	struct stat st;

	(void)snprintf(name, sizeof(name), STATE_SPOOL_PREFIX "%08u", number);
	return fstatat(dir_fd, name, &st, 0) == 0 ? (uint64_t)st.st_size : 0;
}

static void
unlink_number(int dir_fd, uint32_t number)
{
	const struct spool_segment segment = {.number = number, .fd = -1};

	spool_segment_unlink(&segment, dir_fd);
}

/* Killed while it was moved: under its name the disk's copy is whole, unless the other has grown
 * since. */
static void
settle_copies(struct spool *spool, int disk_fd, struct finds *finds)
{
	size_t i;

	for (i = 0; i < finds->count; i++) {
		struct found *found = &finds->list[i];

		if (!found->here || !found->stored)
			continue;
		if (size_of(disk_fd, found->number) == size_of(spool->dir_fd, found->number)) {
			unlink_number(spool->dir_fd, found->number);
			found->here = false;
		} else {
			found->stored = false;
		}
	}
}

/*
 * Those on the disk are unlinked later than those in tmpfs: where a number is missing behind some
 * that are on the disk alone, these were on their way out, for the hub has what is before it.
 * Behind one in tmpfs a number is missing that an earlier version has passed over.
 */
static size_t
pass_trimmed(struct spool *spool, const struct finds *finds)
{
	size_t first = 0, i;

	for (i = 0; i < finds->count && !finds->list[i].here; i++)
		if (i + 1 < finds->count && finds->list[i].number + 1 != finds->list[i + 1].number)
			first = i + 1;
	for (i = 0; i < first; i++)
		spool_drop_stored(spool, finds->list[i].number);
	return first;
}

/* A segment's head and its records both say how far a stream has come. */
static int
on_stream_seen(void *arg, const struct spool_seen *seen, struct err *err)
{
	struct spool *spool = arg;
	struct spool_stream *stream = spool_need_stream(spool, seen->step, seen->attempt);

	if (stream == NULL)
		return err_set(err, ERR_INPUT, "the task's spool has more than %d streams",
			       SPOOL_STREAMS_MOST);
	if (spool->last == NULL && stream->end == 0)
		stream->acked = stream->handed =
			seen->from; /* what lies below was trimmed: the hub has it */
	else if (seen->from != stream->end && seen->from != seen->end)
		return err_set(err, ERR_INPUT, "the task's spool has a gap in step %u", seen->step);
	stream->end = seen->end;
	stream->source = seen->is_head ? seen->source : stream->source + seen->source;
	stream->cut = stream->cut || seen->cut;
	return 0;
}

/* to_go: how many come behind it. The last may turn out to be none, so the one before it is read to
 * its end as well. */
static int
recover_segment(struct spool *spool, const struct found *found, int disk_fd, size_t to_go,
		struct err *err)
{
	struct spool_segment *segment;
	int rc;

	if (found->stored && to_go > 1)
		rc = spool_segment_look(&segment, disk_fd, found->number, on_stream_seen, spool,
					err);
	else
		rc = spool_segment_open(&segment, found->stored ? disk_fd : spool->dir_fd,
					found->number, to_go == 0, on_stream_seen, spool, err);
	/* Without a head it was never begun: its number comes again, for a gap would mean
	 * something. */
	spool->next_number = segment != NULL ? found->number + 1 : found->number;
	if (rc < 0 || segment == NULL)
		return rc;
	if (found->stored) {
		segment->stored = spool->was_stored = true;
		spool_segment_rest(segment);
	}
	/* Only one that has a successor rests: what comes is written behind the last whole one. */
	if (spool->last != NULL) {
		spool_segment_rest(spool->last);
		spool->last->next = segment;
	} else {
		spool->first = segment;
	}
	spool->last = segment;
	spool_count_segment(spool, segment, 1);
	return 0;
}

/* The task's directory on the disk; -1 where there is none. */
static int
open_disk(const struct spool *spool)
{
	char name[ID_TEXT_BYTES];

	if (spool->depot == NULL)
		return -1;
	return openat(depot_dir_fd(spool->depot), id_text(name, &spool->task),
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int
spool_recover(struct spool *spool, struct err *err)
{
	LOCAL_FD disk_fd = open_disk(spool);
	struct finds finds = {NULL, 0, 0};
	size_t i;
	int rc;

	rc = list_dir(&finds, spool->dir_fd, false, err);
	if (rc == 0 && disk_fd >= 0)
		rc = list_dir(&finds, disk_fd, true, err);
	spool->was_stored = disk_fd >= 0;
	if (rc == 0) {
		merge(&finds);
		settle_copies(spool, disk_fd, &finds);
	}
	for (i = rc == 0 ? pass_trimmed(spool, &finds) : 0; rc == 0 && i < finds.count; i++)
		rc = recover_segment(spool, &finds.list[i], disk_fd, finds.count - i - 1, err);
	free(finds.list);
	if (rc < 0)
		return rc;
	if (spool->first != NULL)
		spool->safe = (struct spool_at){spool->first, spool->first->head};
	spool_rewind(spool);
	return 0;
}
