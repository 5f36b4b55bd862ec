/*
 * segment.c - files that hold output: shared segments first, one file a task at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/store/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/store/store.h"

int
segments_open(struct segments *segments, const char *path, struct err *err)
{
	memset(segments, 0, sizeof(*segments));
	segments->dir = -1;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "cannot make folder '%s'", path);
	segments->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (segments->dir < 0)
		return err_sys(err, "cannot open folder '%s'", path);
	return 0;
}

static void
segment_free(struct segment *segment)
{
	if (segment->fd >= 0)
		(void)close(segment->fd);
	free(segment);
}

void
segments_close(struct segments *segments)
{
	struct segment *segment;

	while ((segment = segments->list) != NULL) {
		segments->list = segment->next;
		segment_free(segment);
	}
	segments->current = NULL;
	if (segments->dir >= 0)
		(void)close(segments->dir);
	segments->dir = -1;
}

static const char *
segment_name(char room[SEGMENT_NAME_BYTES], uint32_t number)
{
	snprintf(room, SEGMENT_NAME_BYTES, "%08u.seg", number);
	return room;
}

const char *
segments_task_name(char room[SEGMENT_NAME_BYTES], const struct id *task, bool tmp)
{
	char text[ID_TEXT_BYTES];

	snprintf(room, SEGMENT_NAME_BYTES, "%s.%s", id_text(text, task), tmp ? "tmp" : "zst");
	return room;
}

static struct segment *
segment_open(struct segments *segments, uint32_t number, int flags, struct err *err)
{
	struct segment *segment = MEM_NEW(struct segment);
	char name[SEGMENT_NAME_BYTES];
	struct stat st;

	segment->number = number;
	segment->fd = openat(segments->dir, segment_name(name, number), flags | O_CLOEXEC, 0600);
	if (segment->fd < 0 || fstat(segment->fd, &st) < 0) {
		err->code = err_sys(err, "cannot open output segment '%s'", name);
		segment_free(segment);
		return NULL;
	}
	segment->size = (uint64_t)st.st_size;
	segment->next = segments->list;
	segments->list = segment;
	if (number > segments->last_number)
		segments->last_number = number;
	return segment;
}

int
segments_count(struct segments *segments, uint32_t number, uint64_t rows, struct err *err)
{
	struct segment *segment = segment_open(segments, number, O_RDWR, err);

	if (segment == NULL)
		return err->code;
	segment->rows = rows;
	return 0;
}

static struct segment *
segment_find(struct segments *segments, uint32_t number)
{
	struct segment *segment;

	for (segment = segments->list; segment != NULL; segment = segment->next)
		if (segment->number == number)
			return segment;
	return NULL;
}

static bool
is_leftover(struct segments *segments, const char *name)
{
	unsigned number;
	int used = 0;

	if (sscanf(name, "%8u.seg%n", &number, &used) == 1 && used > 0 && name[used] == '\0') {
		if (number > segments->last_number)
			segments->last_number = number;
		return segment_find(segments, number) == NULL;
	}
	return strlen(name) > 4 && strcmp(name + strlen(name) - 4, ".tmp") == 0;
}

int
segments_clean(struct segments *segments, struct err *err)
{
	int fd = openat(segments->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return err_sys(err, "cannot read the output folder");
	dir = fdopendir(fd);
	if (dir == NULL) {
		(void)close(fd);
		return err_sys(err, "cannot read the output folder");
	}
	while ((entry = readdir(dir)) != NULL)
		if (is_leftover(segments, entry->d_name))
			(void)unlinkat(segments->dir, entry->d_name, 0);
	(void)closedir(dir);
	return 0;
}

static int
segment_next(struct segments *segments, struct err *err)
{
	int rc = segments_sync(segments, err);

	if (rc < 0)
		return rc;
	segments->current =
		segment_open(segments, segments->last_number + 1, O_RDWR | O_CREAT | O_EXCL, err);
	if (segments->current == NULL)
		return err->code;
	if (fsync(segments->dir) < 0)
		return err_sys(err, "cannot sync the output folder");
	return 0;
}

static int
write_all(int fd, const unsigned char *bytes, size_t len, uint64_t at, struct err *err)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, bytes, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot write output");
		bytes += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int
segments_append(struct segments *segments, const void *bytes, size_t len, uint64_t rows,
		uint32_t *number, uint64_t *at, struct err *err)
{
	struct segment *segment = segments->current;
	int rc;

	if (segment == NULL || segment->size >= STORE_SEGMENT_BYTES) {
		rc = segment_next(segments, err);
		if (rc < 0)
			return rc;
		segment = segments->current;
	}
	rc = write_all(segment->fd, bytes, len, segment->size, err);
	if (rc < 0)
		return rc;
	*number = segment->number;
	*at = segment->size;
	segment->size += len;
	segment->rows += rows;
	segments->is_dirty = true;
	return 0;
}

int
segments_sync(struct segments *segments, struct err *err)
{
	if (!segments->is_dirty)
		return 0;
	if (fdatasync(segments->current->fd) < 0)
		return err_sys(err, "cannot sync output segment %u", segments->current->number);
	segments->is_dirty = false;
	return 0;
}

static int
read_all(int fd, unsigned char *room, size_t len, uint64_t at, struct err *err)
{
	while (len > 0) {
		ssize_t n = pread(fd, room, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read output");
		if (n == 0)
			return err_set(err, ERR_HOST, "output ends at byte %llu, more was stored",
				       (unsigned long long)at);
		room += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int
segments_fd(struct segments *segments, uint32_t number)
{
	struct segment *segment = segment_find(segments, number);

	return segment == NULL ? -1 : segment->fd;
}

int
segments_read(struct segments *segments, uint32_t number, const struct id *task, uint64_t at,
	      void *room, size_t len, struct err *err)
{
	char name[SEGMENT_NAME_BYTES];
	LOCAL_FD own = -1;
	int fd;

	if (number != 0) {
		fd = segments_fd(segments, number);
	} else {
		own = openat(segments->dir, segments_task_name(name, task, false), O_RDONLY | O_CLOEXEC);
		fd = own;
	}
	if (fd < 0)
		return err_set(err, ERR_HOST, "a file of output is missing (segment %u)", number);
	return read_all(fd, room, len, at, err);
}

void
segments_leave(struct segments *segments, uint32_t number, uint64_t rows)
{
	struct segment *segment = segment_find(segments, number);

	assert(segment != NULL && segment->rows >= rows);
	segment->rows -= rows;
}

void
segments_sweep(struct segments *segments)
{
	struct segment **at = &segments->list;
	char name[SEGMENT_NAME_BYTES];

	while (*at != NULL) {
		struct segment *segment = *at;

		if (segment->rows > 0) {
			at = &segment->next;
			continue;
		}
		if (unlinkat(segments->dir, segment_name(name, segment->number), 0) < 0)
			log_warn("cannot remove output segment '%s': %s", name, strerror(errno));
		*at = segment->next;
		if (segments->current == segment) {
			segments->current = NULL;
			segments->is_dirty = false;
		}
		segment_free(segment);
	}
}
