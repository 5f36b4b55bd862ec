/*
 * spool.c - output records of one task in tmpfs until the hub has them.
 *
 * Everything before "safe" is acknowledged; it moves up to the reading position whenever all
 * that was handed out has been acknowledged, and segments before it are unlinked. Records
 * handed out again pass through a filter of the acknowledged offsets, so "safe" may lag.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/depot.h"
#include "agent/spool_segment.h"
#include "base/assert.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/clock.h"
#include "task/output_record.h"

enum {
	RECORD_MOST_BYTES = RUNNER_RECORD_HEADER_BYTES + RUNNER_RECORD_FRAME_MOST_BYTES,
	FULL_AGAIN_S = 60, /* between two lines that say that there is no room */
};

void
spool_init(struct spool *spool, int dir_fd, const struct id *task, uint32_t epoch,
	   uint64_t most_bytes, void (*on_room)(void *arg), void *arg)
{
	memset(spool, 0, sizeof(*spool));
	spool->dir_fd = dir_fd;
	spool->task = *task;
	spool->epoch = epoch;
	spool->most_bytes = most_bytes;
	spool->next_number = 1;
	spool->on_room = on_room;
	spool->on_room_arg = arg;
}

/* --- streams --- */

static struct spool_stream *
find_stream(const struct spool *spool, uint32_t step, uint32_t attempt)
{
	size_t i = spool->stream_count;

	while (i-- > 0) /* the newest are asked for most */
		if (spool->streams[i].step == step && spool->streams[i].attempt == attempt)
			return &spool->streams[i];
	return NULL;
}

struct spool_stream *
spool_need_stream(struct spool *spool, uint32_t step, uint32_t attempt)
{
	struct spool_stream *stream = find_stream(spool, step, attempt);

	if (stream != NULL || spool->stream_count >= SPOOL_STREAMS_MOST)
		return stream;
	if (spool->stream_count == spool->stream_room) {
		spool->stream_room = spool->stream_room == 0 ? 2 : 2 * spool->stream_room;
		spool->streams =
			mem_resize(spool->streams, spool->stream_room, sizeof(*spool->streams));
	}
	stream = &spool->streams[spool->stream_count++];
	*stream = (struct spool_stream){.step = step, .attempt = attempt};
	return stream;
}

uint64_t
spool_end(const struct spool *spool, uint32_t step, uint32_t attempt)
{
	const struct spool_stream *stream = find_stream(spool, step, attempt);

	return stream != NULL ? stream->end : 0;
}

uint64_t
spool_source_end(const struct spool *spool, uint32_t step, uint32_t attempt)
{
	const struct spool_stream *stream = find_stream(spool, step, attempt);

	return stream != NULL ? stream->source : 0;
}

bool
spool_is_cut(const struct spool *spool, uint32_t step, uint32_t attempt)
{
	const struct spool_stream *stream = find_stream(spool, step, attempt);

	return stream != NULL && stream->cut;
}

uint64_t
spool_total(const struct spool *spool)
{
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < spool->stream_count; i++)
		total += spool->streams[i].end;
	return total;
}

/* --- what there is --- */

/* So many bytes more, or less, are in tmpfs and on the disk. */
static void
count(struct spool *spool, int64_t memory, int64_t disk)
{
	spool->bytes += (uint64_t)(memory + disk);
	spool->stored += (uint64_t)disk;
	if (spool->depot != NULL)
		depot_count(spool->depot, memory, disk);
}

void
spool_count_segment(struct spool *spool, const struct spool_segment *segment, int sign)
{
	int64_t len = sign * (int64_t)segment->len;

	count(spool, segment->stored ? 0 : len, segment->stored ? len : 0);
}

/* --- trimming --- */

static void
drop_first(struct spool *spool)
{
	struct spool_segment *segment = spool->first;

	spool->first = segment->next;
	if (spool->first == NULL)
		spool->last = NULL;
	spool_count_segment(spool, segment, -1);
	if (segment->stored)
		spool_drop_stored(spool, segment->number);
	spool_segment_free(segment, spool->dir_fd, true);
}

/* From the end of a full segment to the beginning of the next one. */
static void
settle(struct spool_at *at)
{
	while (at->segment != NULL && at->offset == at->segment->len && at->segment->next != NULL) {
		spool_segment_rest(at->segment);
		at->segment = at->segment->next;
		at->offset = at->segment->head;
	}
}

static void
trim(struct spool *spool)
{
	settle(&spool->read);
	settle(&spool->safe);
	while (spool->first != spool->safe.segment)
		drop_first(spool);
}

static uint64_t
bytes_behind(const struct spool_at *at)
{
	const struct spool_segment *segment = at->segment;
	uint64_t bytes;

	if (segment == NULL)
		return 0;
	bytes = segment->len - at->offset;
	for (segment = segment->next; segment != NULL; segment = segment->next)
		bytes += segment->len - segment->head;
	return bytes;
}

/* --- writing --- */

static int
begin_segment(struct spool *spool, struct err *err)
{
	struct spool_segment *segment;
	int rc = spool_segment_make(&segment, spool->dir_fd, spool->next_number, spool->streams,
				    spool->stream_count, err);

	if (rc < 0)
		return rc;
	spool->next_number++;
	spool_count_segment(spool, segment, 1);
	if (spool->last != NULL)
		spool->last->next = segment;
	else
		spool->first = segment;
	if (spool->read.segment == NULL) {
		spool->read = (struct spool_at){segment, segment->head};
		spool->safe = spool->read;
	}
	if (spool->last != NULL && spool->last != spool->read.segment)
		spool_segment_rest(spool->last);
	spool->last = segment;
	trim(spool);
	return 0;
}

static bool
needs_segment(const struct spool *spool, size_t len)
{
	const struct spool_segment *last = spool->last;

	if (last == NULL || last->moving || last->stored)
		return true;
	if (last->len + len > SPOOL_SEGMENT_BYTES)
		return true;
	return spool->safe.segment == last &&
	       spool->safe.offset - last->head >= SPOOL_SEGMENT_ACKED_BYTES;
}

/* The hub has all of the last segment, and that is at least so much: it goes when a new one has
 * its head. */
static void
shed_last(struct spool *spool, uint64_t least)
{
	const struct spool_segment *last = spool->last;
	char task[ID_TEXT_BYTES];
	struct err err = ERR_INIT;

	if (last == NULL || spool->safe.segment != last || spool->safe.offset < last->len ||
	    last->len - last->head < least)
		return;
	if (begin_segment(spool, &err) < 0)
		log_line(LOG_WARN, LOG_AT_TASK(id_text(task, &spool->task)), "%s",
			 err.text); /* tried again at the next acknowledgement */
}

static bool
has_room(const struct spool *spool)
{
	if (spool->discarding)
		return true;
	return spool->bytes + RECORD_MOST_BYTES <= spool->most_bytes &&
	       (spool->depot == NULL ||
		depot_has_room(spool->depot, spool->bytes - spool->stored, RECORD_MOST_BYTES));
}

/*
 * Once, until the hub has all: not each time that a segment makes room and it is full again. A job
 * that is faster than the hub fills a small spool many times a second.
 */
static void
tell_full(struct spool *spool)
{
	bool of_task = spool->bytes + RECORD_MOST_BYTES > spool->most_bytes;
	char id[ID_TEXT_BYTES], size[24];
	uint64_t now_us;

	if (spool->told_full)
		return;
	now_us = clock_monotonic_us();
	if (spool->told_us != 0 && now_us - spool->told_us < FULL_AGAIN_S * 1000000ull)
		return;
	spool->told_us = now_us;
	spool->told_full = true;
	log_line(LOG_WARN, LOG_AT_TASK(id_text(id, &spool->task)),
		 "no room for more output: %s of it wait for the hub (%s); until there is, %s "
		 "(output-overflow)",
		 text_bytes(size, spool->bytes),
		 of_task ? "spool-task-max" : "spool-memory or spool-max, of all tasks",
		 spool->more_is_dropped ? "what it prints is dropped" : "the job waits where it prints");
}

bool
spool_is_full(struct spool *spool)
{
	if (!has_room(spool))
		shed_last(spool, 1);
	if (has_room(spool))
		return false;
	tell_full(spool);
	spool->dry = true;
	return true;
}

/* The hub has all that was read. */
static void
make_safe(struct spool *spool)
{
	spool->safe = spool->read;
	trim(spool);
	shed_last(spool, spool->dry ? 1 : SPOOL_SEGMENT_ACKED_BYTES);
}

int
spool_append(struct spool *spool, const struct spool_chunk *chunk, struct err *err)
{
	struct spool_stream *stream;
	struct output_record record;
	size_t len = RUNNER_RECORD_HEADER_BYTES + (size_t)chunk->frame_len;
	int rc;

	if (spool_is_full(spool))
		return err_set(err, ERR_LIMIT,
			       "the task's spool has reached its ceiling of %llu bytes",
			       (unsigned long long)spool->most_bytes);
	stream = spool_need_stream(spool, chunk->step, chunk->attempt);
	if (stream == NULL)
		return err_set(err, ERR_LIMIT, "the task has more than %d streams of output",
			       SPOOL_STREAMS_MOST);
	if (spool->discarding) {
		stream->end += chunk->raw_len;
		stream->source += chunk->source_len;
		stream->cut = stream->cut || chunk->source_len == 0;
		stream->acked = stream->handed = stream->end;
		return 0;
	}
	if (needs_segment(spool, len) && (rc = begin_segment(spool, err)) < 0) {
		spool->dry = true;
		return rc;
	}
	record = (struct output_record){
		.task = spool->task,
		.epoch = spool->epoch,
		.step = chunk->step,
		.attempt = chunk->attempt,
		.offset = stream->end,
		.time_ms = chunk->time_ms,
		.raw_len = chunk->raw_len,
		.frame_len = chunk->frame_len,
		.lines = chunk->lines,
		.source_len = chunk->source_len,
		.frame_crc =
			crc32c(0, chunk->record + RUNNER_RECORD_HEADER_BYTES, chunk->frame_len)};
	output_record_pack(&record, chunk->record);
	rc = spool_segment_append(spool->last, chunk->record, len, err);
	if (rc < 0) {
		spool->dry = true;
		return rc;
	}
	if (spool_is_acked(spool))
		spool->oldest_ms = chunk->time_ms;
	stream->end += chunk->raw_len;
	stream->source += chunk->source_len;
	stream->cut = stream->cut || chunk->source_len == 0;
	count(spool, (int64_t)len, 0);
	spool->unsent += len;
	return 0;
}

/* --- sending --- */

bool
spool_has_unsent(const struct spool *spool)
{
	return spool->unsent > 0 && !spool->wants_fetch;
}

bool
spool_is_acked(const struct spool *spool)
{
	size_t i;

	for (i = 0; i < spool->stream_count; i++)
		if (spool->streams[i].acked < spool->streams[i].end)
			return false;
	return true;
}

/* Does the hub have it? Notes it as handed out when not. */
static bool
hand_out(struct spool *spool, const struct output_record *record)
{
	struct spool_stream *stream = find_stream(spool, record->step, record->attempt);
	uint64_t end = record->offset + record->raw_len;

	if (stream == NULL || end <= stream->acked)
		return false;
	if (stream->handed < end)
		stream->handed = end;
	spool->handed_ms = record->time_ms;
	if (spool->oldest_ms == 0)
		spool->oldest_ms = record->time_ms;
	return true;
}

/* Keep the whole records of bytes[0..got) that the hub may not have; *used: bytes of whole records.
 */
static int
filter(struct spool *spool, unsigned char *bytes, size_t got, size_t *used, size_t *kept,
       struct err *err)
{
	struct output_record record;
	const unsigned char *frame;
	size_t len;
	int rc;

	for (*used = *kept = 0; *used < got; *used += len) {
		rc = output_record_unpack(&record, &frame, bytes + *used, got - *used, err);
		if (rc == ERR_AGAIN)
			return 0; /* the rest comes next time */
		if (rc < 0)
			return err_wrap(err, "reading the task's spool");
		len = RUNNER_RECORD_HEADER_BYTES + (size_t)record.frame_len;
		if (!hand_out(spool, &record))
			continue;
		if (*kept != *used)
			memmove(bytes + *kept, bytes + *used, len);
		*kept += len;
	}
	return 0;
}

/* Can the segment at the reading position be read? Else it is asked for. */
static bool
is_at_hand(struct spool *spool)
{
	const struct spool_segment *segment = spool->read.segment;

	if (!segment->stored || segment->fd >= 0)
		return true;
	spool->wants_fetch = true;
	depot_want(spool->depot);
	return false;
}

/* All that the disk gave back for this spool was handed out: another one's turn to be fetched. It
 * may be long until there is a segment behind it. */
static void
rest_loaded(struct spool *spool)
{
	if (!spool_is_loaded(spool))
		return;
	spool_segment_rest(spool->read.segment);
	depot_want(spool->depot);
}

/* Whole records that the hub may not have, into bytes[0..size). */
static int
read_unsent(struct spool *spool, unsigned char *bytes, size_t size, size_t *len, struct err *err)
{
	size_t got = 0, used = 0, kept = 0;
	int rc;

	while (*len < size && spool->unsent > 0) {
		settle(&spool->read);
		if (!is_at_hand(spool))
			return 0;
		rc = spool_segment_read(spool->read.segment, spool->dir_fd, spool->read.offset,
					bytes + *len, size - *len, &got, err);
		if (rc == 0)
			rc = filter(spool, bytes + *len, got, &used, &kept, err);
		if (rc < 0)
			return *len > 0 ? 0 : rc; /* what has been handed out goes first */
		if (used == 0)
			break;
		spool->read.offset += used;
		spool->unsent -= used;
		*len += kept;
		if (spool->read.offset == spool->read.segment->len)
			rest_loaded(spool);
	}
	return 0;
}

int
spool_unsent(struct spool *spool, void *room, size_t size, size_t *len, struct err *err)
{
	int rc;

	*len = 0;
	if (spool->lost != 0) {
		errno = spool->lost;
		return err_sys(err, "cannot read the task's spool on the disk");
	}
	rc = read_unsent(spool, room, size, len, err);
	/* The hub had more than it was sent this time: what was passed over nobody acknowledges
	 * again. */
	if (rc == 0 && !spool_is_waiting(spool))
		make_safe(spool);
	return rc;
}

int64_t
spool_oldest_ms(const struct spool *spool)
{
	return spool_is_acked(spool) ? 0 : spool->oldest_ms;
}

bool
spool_is_waiting(const struct spool *spool)
{
	size_t i;

	for (i = 0; i < spool->stream_count; i++)
		if (spool->streams[i].acked < spool->streams[i].handed)
			return true;
	return false;
}

void
spool_rewind(struct spool *spool)
{
	size_t i;

	for (i = 0; i < spool->stream_count; i++)
		spool->streams[i].handed = spool->streams[i].acked;
	if (spool->read.segment != spool->safe.segment)
		rest_loaded(spool);
	spool->wants_fetch = false;
	spool->read = spool->safe;
	spool->unsent = bytes_behind(&spool->read);
}

void
spool_acked(struct spool *spool, uint32_t step, uint32_t attempt, uint64_t offset)
{
	struct spool_stream *stream = find_stream(spool, step, attempt);

	if (stream == NULL || offset <= stream->acked)
		return;
	stream->acked = offset < stream->end ? offset : stream->end;
	if (!spool_is_waiting(spool)) {
		make_safe(spool);
		spool->oldest_ms = spool->handed_ms;
	}
	spool_look_for_room(spool);
}

void
spool_look_for_room(struct spool *spool)
{
	if (spool->told_full && spool_is_acked(spool))
		spool->told_full = false;
	if (!spool->dry || !has_room(spool))
		return;
	spool->dry = false;
	spool->on_room(spool->on_room_arg);
}

/* --- the end --- */

static void
end_segments(struct spool *spool, bool unlink_them)
{
	struct spool_segment *segment, *next;

	for (segment = spool->first; segment != NULL; segment = next) {
		next = segment->next;
		spool_count_segment(spool, segment, -1);
		spool_segment_free(segment, spool->dir_fd, unlink_them);
	}
	spool->first = spool->last = NULL;
	spool->read = spool->safe = (struct spool_at){NULL, 0};
	spool->unsent = 0;
	spool->drop_from = spool->drop_end = 0;
	spool->wants_fetch = false;
}

/* Whatever of it was on the disk ever: a runnerd before this one may have put it there. */
static void
leave_depot(struct spool *spool, bool clear)
{
	if (spool->depot != NULL)
		depot_leave(spool->depot, spool, clear);
	spool->depot = NULL;
}

static void
free_streams(struct spool *spool)
{
	free(spool->streams);
	spool->streams = NULL;
	spool->stream_count = spool->stream_room = 0;
}

void
spool_discard(struct spool *spool)
{
	size_t i;

	if (spool->depot != NULL && spool->stored > 0)
		depot_clear(spool->depot, &spool->task);
	end_segments(spool, true);
	spool->discarding = true;
	for (i = 0; i < spool->stream_count; i++)
		spool->streams[i].acked = spool->streams[i].handed = spool->streams[i].end;
	if (spool->dry) {
		spool->dry = false;
		spool->on_room(spool->on_room_arg);
	}
}

void
spool_release(struct spool *spool)
{
	end_segments(spool, false);
	leave_depot(spool, false);
	free_streams(spool);
}

void
spool_remove(struct spool *spool)
{
	bool clear = spool->was_stored;

	end_segments(spool, true);
	leave_depot(spool, clear);
	free_streams(spool);
}
