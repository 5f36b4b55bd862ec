/*
 * spool_segment.c - one file of a spool: a head that names streams, then output records.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/spool_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/spool.h"
#include "agent/state_version.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/mem.h"
#include "runner/state_dir.h"
#include "task/output_record.h"
#include "wire/bytes.h"

enum { NAME_BYTES = 24, NUMBER_DIGITS = 8 };

/* Where the head's fields lie. */
enum {
	AT_MAGIC = 0,
	AT_CRC = 4,
	AT_VERSION = 8,
	AT_NUMBER = 12,
	AT_STREAMS = 16,
	AT_COUNT_CRC = 20
};

static const char *
name_of(char room[NAME_BYTES], uint32_t number)
{
	(void)snprintf(room, NAME_BYTES, STATE_SPOOL_PREFIX "%08u", number);
	return room;
}

bool
spool_segment_parse_name(const char *name, uint32_t *number)
{
	size_t prefix = strlen(STATE_SPOOL_PREFIX);
	unsigned long value;
	char *end;

	if (strncmp(name, STATE_SPOOL_PREFIX, prefix) != 0 || strlen(name + prefix) < NUMBER_DIGITS)
		return false;
	if (name[prefix] < '0' || name[prefix] > '9')
		return false;
	errno = 0;
	value = strtoul(name + prefix, &end, 10);
	if (*end != '\0' || errno != 0 || value == 0 || value > UINT32_MAX)
		return false;
	*number = (uint32_t)value;
	return true;
}

static struct spool_segment *
segment_new(uint32_t number, int fd)
{
	struct spool_segment *segment = MEM_NEW(struct spool_segment);

	segment->number = number;
	segment->fd = fd;
	return segment;
}

/* room is zeroed. */
static void
pack_head(uint8_t *room, size_t len, uint32_t number, const struct spool_stream *streams,
	  size_t count)
{
	size_t i;

	bytes_put(room + AT_MAGIC, SPOOL_MAGIC, 4);
	bytes_put(room + AT_VERSION, SPOOL_VERSION, 4);
	bytes_put(room + AT_NUMBER, number, 4);
	bytes_put(room + AT_STREAMS, count, 4);
	bytes_put(room + AT_COUNT_CRC, crc32c(0, room + AT_VERSION, AT_COUNT_CRC - AT_VERSION), 4);
	for (i = 0; i < count; i++) {
		uint8_t *at = room + SPOOL_HEAD_BYTES + i * SPOOL_STREAM_BYTES;

		bytes_put(at, streams[i].step, 4);
		bytes_put(at + 4, streams[i].attempt, 4);
		bytes_put(at + 8, streams[i].end, 8);
		bytes_put(at + 16, streams[i].source, 8);
		bytes_put(at + 24, streams[i].cut ? SPOOL_STREAM_CUT : 0, 4);
	}
	bytes_put(room + AT_CRC, crc32c(0, room + AT_VERSION, len - AT_VERSION), 4);
}

int
spool_segment_append(struct spool_segment *segment, const void *record, size_t len, struct err *err)
{
	ssize_t n;

	do
		n = pwrite(segment->fd, record, len, (off_t)segment->len);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)len) {
		segment->len += len;
		return 0;
	}
	if (n >= 0)
		errno = ENOSPC;
	if (err_sys(err, "cannot write the task's spool") < 0 && n > 0 &&
	    ftruncate(segment->fd, (off_t)segment->len) != 0)
		return err_wrap(err, "and cannot cut off what was written");
	return err->code;
}

int
spool_segment_make(struct spool_segment **out, int dir_fd, uint32_t number,
		   const struct spool_stream *streams, size_t count, struct err *err)
{
	size_t len = SPOOL_HEAD_BYTES + count * SPOOL_STREAM_BYTES;
	uint8_t *head;
	char name[NAME_BYTES];
	struct spool_segment *segment;
	int fd, rc;

	fd = openat(dir_fd, name_of(name, number), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "cannot make a segment of the task's spool");
	segment = segment_new(number, fd);
	head = mem_zalloc(1, len);
	pack_head(head, len, number, streams, count);
	rc = spool_segment_append(segment, head, len, err);
	free(head);
	if (rc < 0) {
		spool_segment_free(segment, dir_fd, true);
		return rc;
	}
	segment->head = len;
	*out = segment;
	return 0;
}

void
spool_segment_rest(struct spool_segment *segment)
{
	if (segment->fd >= 0)
		(void)close(segment->fd);
	segment->fd = -1;
}

void
spool_segment_unlink(const struct spool_segment *segment, int dir_fd)
{
	char name[NAME_BYTES];

	(void)unlinkat(dir_fd, name_of(name, segment->number), 0);
}

void
spool_segment_free(struct spool_segment *segment, int dir_fd, bool unlink_it)
{
	spool_segment_rest(segment);
	if (unlink_it && !segment->stored)
		spool_segment_unlink(segment, dir_fd);
	free(segment);
}

int
spool_segment_read(struct spool_segment *segment, int dir_fd, uint64_t offset, void *room,
		   size_t size, size_t *got, struct err *err)
{
	char name[NAME_BYTES];
	ssize_t n;

	if (segment->fd < 0)
		segment->fd = openat(dir_fd, name_of(name, segment->number), O_RDWR | O_CLOEXEC);
	if (segment->fd < 0)
		return err_sys(err, "cannot open a segment of the task's spool");
	do
		n = pread(segment->fd, room, size, (off_t)offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, "cannot read the task's spool");
	*got = (size_t)n;
	return 0;
}

/* --- walking through an earlier runnerd's --- */

/* What a stream takes in a head of its version; 0 for one that is not known. */
static size_t
stream_bytes(const uint8_t *bytes)
{
	switch (bytes_get(bytes + AT_VERSION, 4)) {
	case 1:
		return SPOOL_STREAM_1_BYTES;
	case 2:
		return SPOOL_STREAM_2_BYTES;
	case SPOOL_VERSION:
		return SPOOL_STREAM_BYTES;
	default:
		return 0;
	}
}

static const char wrong_version[] = "it has a version that this runnerd does not read";

/* *head is 0 when the file ends before its head does. */
static const char *
check_head(const uint8_t *bytes, uint64_t size, uint32_t number, uint64_t *head)
{
	uint64_t count;

	*head = 0;
	if (size < SPOOL_HEAD_BYTES)
		return "its head is cut short";
	*head = SPOOL_HEAD_BYTES; /* what is wrong from here on is damage */
	if (bytes_get(bytes + AT_MAGIC, 4) != SPOOL_MAGIC)
		return "it is no segment of a spool";
	if (bytes_get(bytes + AT_COUNT_CRC, 4) !=
	    crc32c(0, bytes + AT_VERSION, AT_COUNT_CRC - AT_VERSION))
		return "the checksum of its head is wrong";
	if (stream_bytes(bytes) == 0)
		return wrong_version;
	if (bytes_get(bytes + AT_NUMBER, 4) != number)
		return "its number is not that of its name";
	count = bytes_get(bytes + AT_STREAMS, 4);
	if (count > SPOOL_STREAMS_MOST)
		return "it has too many streams";
	if (size < SPOOL_HEAD_BYTES + count * stream_bytes(bytes)) {
		*head = 0;
		return "its head is cut short";
	}
	*head = SPOOL_HEAD_BYTES + count * stream_bytes(bytes);
	if (bytes_get(bytes + AT_CRC, 4) != crc32c(0, bytes + AT_VERSION, *head - AT_VERSION))
		return "the checksum of its head is wrong";
	return NULL;
}

/* wrong_version is what check_head() says where all before is right. */
static int
refuse_head(const uint8_t *bytes, uint32_t number, const char *wrong, struct err *err)
{
	unsigned version = wrong == wrong_version ? (unsigned)bytes_get(bytes + AT_VERSION, 4) : 0;

	char name[NAME_BYTES];

	if (version > SPOOL_VERSION)
		return state_version_check(name_of(name, number), version, SPOOL_VERSION, err);
	return err_set(err, ERR_INPUT, "segment %u of the task's spool cannot be read: %s", number, wrong);
}

static int
walk_head(const uint8_t *bytes, uint64_t head, spool_seen_fn *seen, void *arg, struct err *err)
{
	size_t step = stream_bytes(bytes);
	uint64_t at;
	int rc = 0;

	for (at = SPOOL_HEAD_BYTES; at < head && rc == 0; at += step) {
		struct spool_seen stream = {.is_head = true,
					    .step = (uint32_t)bytes_get(bytes + at, 4),
					    .attempt = (uint32_t)bytes_get(bytes + at + 4, 4),
					    .from = bytes_get(bytes + at + 8, 8)};

		stream.end = stream.from;
		stream.source =
			step > SPOOL_STREAM_1_BYTES ? bytes_get(bytes + at + 16, 8) : stream.end;
		stream.cut = step > SPOOL_STREAM_2_BYTES &&
			     (bytes_get(bytes + at + 24, 4) & SPOOL_STREAM_CUT) != 0;
		rc = seen(arg, &stream, err);
	}
	return rc;
}

/* Leaves segment->len behind the last whole record. */
static int
walk_records(struct spool_segment *segment, const uint8_t *bytes, uint64_t size, bool last,
	     spool_seen_fn *seen, void *arg, struct err *err)
{
	struct output_record record;
	const unsigned char *frame;
	int rc;

	while (segment->len < size) {
		rc = output_record_unpack(&record, &frame, bytes + segment->len,
					  size - segment->len, err);
		if (rc == ERR_AGAIN && last)
			return 0;
		if (rc < 0)
			return err_set(err, ERR_INPUT,
				       "segment %u of the task's spool is damaged at byte %llu",
				       segment->number, (unsigned long long)segment->len);
		rc = seen(arg,
			  &(struct spool_seen){.step = record.step,
					       .attempt = record.attempt,
					       .from = record.offset,
					       .end = record.offset + record.raw_len,
					       .source = record.source_len,
					       .cut = record.source_len == 0},
			  err);
		if (rc < 0)
			return rc;
		segment->len += RUNNER_RECORD_HEADER_BYTES + record.frame_len;
	}
	return 0;
}

static int
walk(struct spool_segment *segment, const uint8_t *bytes, uint64_t size, bool last, bool *torn,
     spool_seen_fn *seen, void *arg, struct err *err)
{
	const char *wrong = check_head(bytes, size, segment->number, &segment->head);
	int rc;

	if (wrong != NULL && last && segment->head == 0) {
		*torn = true; /* its maker was killed before it had written the head: no record is
				 in it */
		return 0;
	}
	if (wrong != NULL)
		return refuse_head(bytes, segment->number, wrong, err);
	segment->len = segment->head;
	rc = walk_head(bytes, segment->head, seen, arg, err);
	if (rc == 0)
		rc = walk_records(segment, bytes, size, last, seen, arg, err);
	if (rc == 0 && segment->len < size && ftruncate(segment->fd, (off_t)segment->len) != 0)
		rc = err_sys(err, "cannot cut a torn record off the task's spool");
	return rc;
}

static int
map_and_walk(struct spool_segment *segment, bool last, bool *torn, spool_seen_fn *seen, void *arg,
	     struct err *err)
{
	struct stat st;
	void *bytes;
	int rc;

	if (fstat(segment->fd, &st) != 0)
		return err_sys(err, "cannot see the size of the task's spool");
	*torn = st.st_size == 0;
	if (*torn)
		return 0;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, segment->fd,
		     0);
	if (bytes == MAP_FAILED)
		return err_sys(err, "cannot read the task's spool");
	rc = walk(segment, bytes, (uint64_t)st.st_size, last, torn, seen, arg, err);
	(void)munmap(bytes, (size_t)st.st_size);
	return rc;
}

int
spool_segment_open(struct spool_segment **out, int dir_fd, uint32_t number, bool last,
		   spool_seen_fn *seen, void *arg, struct err *err)
{
	struct spool_segment *segment;
	char name[NAME_BYTES];
	bool torn = false;
	int fd, rc;

	*out = NULL;
	fd = openat(dir_fd, name_of(name, number), O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "cannot open a segment of the task's spool");
	segment = segment_new(number, fd);
	rc = map_and_walk(segment, last, &torn, seen, arg, err);
	if (rc == 0 && !torn) {
		*out = segment;
		return 0;
	}
	spool_segment_free(segment, dir_fd, rc == 0);
	return rc;
}

int
spool_segment_look(struct spool_segment **out, int dir_fd, uint32_t number, spool_seen_fn *seen,
		   void *arg, struct err *err)
{
	struct spool_segment *segment;
	char name[NAME_BYTES];
	const char *wrong;
	struct stat st;
	void *bytes;
	int fd = openat(dir_fd, name_of(name, number), O_RDONLY | O_CLOEXEC), rc = 0;

	*out = NULL;
	if (fd < 0)
		return err_sys(err, "cannot open a segment of the task's spool");
	segment = segment_new(number, fd);
	if (fstat(fd, &st) != 0) {
		rc = err_sys(err, "cannot see the size of the task's spool");
		goto failed;
	}
	segment->len = (uint64_t)st.st_size;
	bytes = mmap(NULL, (size_t)st.st_size + 1, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED) {
		rc = err_sys(err, "cannot read the task's spool");
		goto failed;
	}
	wrong = check_head(bytes, segment->len, number, &segment->head);
	if (wrong == NULL)
		rc = walk_head(bytes, segment->head, seen, arg, err);
	else
		rc = refuse_head(bytes, number, wrong, err);
	(void)munmap(bytes, (size_t)st.st_size + 1);
	if (rc < 0)
		goto failed;
	spool_segment_rest(segment);
	*out = segment;
	return 0;

failed:
	spool_segment_free(segment, dir_fd, false);
	return rc;
}
