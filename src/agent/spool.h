/*
 * spool.h - output records of one task in tmpfs until the hub has them.
 *
 * Segments of about SPOOL_SEGMENT_BYTES in the task's state directory, appended to and
 * trimmed by unlinking whole ones. A record (doc/output-record.md) is committed when its
 * write(2) has returned; its bytes leave the step's memfd only after that. The records lie
 * one behind another exactly as they go to the hub, so that the body of a batch is bytes of
 * the spool. Each segment begins with the end offsets of all streams, so that
 * trimming never forgets how far a stream had come.
 *
 * A stream is the output of one (step, attempt); its offsets begin at 0.
 *
 * Writing: spool_append(). Sending: spool_unsent() hands out records behind its own reading
 * position and moves it; spool_acked() says what the hub has; spool_rewind() after a request
 * that failed, so that what is not acknowledged is handed out again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_SPOOL_H
#define AGENT_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "runner/protocol.h"

struct depot;
struct err;
struct spool_segment;

enum {
	SPOOL_SEGMENT_BYTES = 1 << 20,	      /* a new one is begun when this would be passed */
	SPOOL_SEGMENT_ACKED_BYTES = 64 << 10, /* the same when the hub has so much of it */
	SPOOL_STREAMS_MOST = 6 * RUNNER_TASK_STEPS_MOST, /* attempts of all steps */
};

struct spool_stream {
	uint32_t step, attempt;
	uint64_t end;	 /* offset behind its last committed byte */
	uint64_t source; /* the same of the bytes that the step wrote: masking sets them apart */
	uint64_t handed; /* offset behind its last byte that spool_unsent() gave */
	uint64_t acked;	 /* offset up to which the hub has it */
	bool cut;	 /* nothing more of what the step writes is kept */
};

struct spool_at {
	struct spool_segment *segment; /* NULL: there is none */
	uint64_t offset;	       /* in its file */
};

struct spool {
	int dir_fd; /* borrowed */
	struct id task;
	uint32_t epoch;
	uint64_t most_bytes; /* ceiling of all segments together */
	uint64_t bytes;	     /* in all segments */
	uint64_t stored;     /* of these, on the disk */
	uint64_t unsent;     /* bytes of records behind the reading position */
	struct spool_segment *first, *last;
	struct spool_at read; /* reading position */
	struct spool_at safe; /* the hub has everything before it */
	struct spool_stream *streams;
	size_t stream_count, stream_room;
	uint32_t next_number; /* of the next segment */
	int64_t oldest_ms;    /* time of the first record that the hub may not have; 0: not known */
	int64_t handed_ms;    /* time of the last record that was handed out */
	bool discarding;      /* nothing is kept any more */
	bool told_full;	      /* the log knows that there is no room */
	uint64_t told_us;     /* since when; 0: it was never told */
	bool dry;	      /* spool_append() was refused; on_room is owed */
	void (*on_room)(void *arg);
	void *on_room_arg;

	struct depot *depot;	      /* NULL: nothing goes to the disk */
	struct spool *prev, *next;    /* the depot's list */
	void (*on_unsent)(void *arg); /* as on_room: what was to be fetched is there */
	bool was_stored;	      /* something of it may be on the disk */
	bool wants_fetch;	      /* the segment at the reading position is on the disk */
	int lost;	      /* errno: what was to be fetched cannot be read; 0: all is well */
	bool more_is_dropped; /* its owner's to set: what the log says of a full one */
	bool balks; /* the outbox's to set: the host lets it not be read, for a moment nobody tries
		     */
	unsigned balked;	      /* so many times on end */
	uint32_t drop_from, drop_end; /* segments that are to be unlinked on the disk */
};

/*
 * An empty spool; touches no file before the first record. dir_fd is the task's state directory and
 * must outlive the spool. on_room is called from spool_acked() after spool_is_full() had said true.
 */
void spool_init(struct spool *spool, int dir_fd, const struct id *task, uint32_t epoch,
		uint64_t most_bytes, void (*on_room)(void *arg), void *arg);

/*
 * Let it spill to the disk: after spool_init(), before spool_recover(). on_unsent is called with
 * on_room's argument when spool_has_unsent() has become true by what was fetched.
 */
void spool_share(struct spool *spool, struct depot *depot, void (*on_unsent)(void *arg));

/*
 * Find the segments of an earlier runnerd; call after spool_init(). A torn record at the end is cut
 * off. Everything found counts as not sent. Fails: ERR_HOST; ERR_INPUT when a segment is damaged
 * before its end.
 */
int spool_recover(struct spool *spool, struct err *err);

/* Close the files; unlink them as well when the task is over. */
void spool_release(struct spool *spool);
void spool_remove(struct spool *spool);

/* True when a record of the largest size does not fit below the ceiling. */
bool spool_is_full(struct spool *spool);

/*
 * Commit one chunk: bytes[0..len) of stream (step, attempt) at its end offset, as one record.
 * record points to room for RUNNER_RECORD_HEADER_BYTES with the frame already behind it, frame_len
 * bytes. On failure nothing was committed. Fails: ERR_LIMIT (ceiling, or tmpfs is full), ERR_HOST.
 */
struct spool_chunk {
	uint32_t step, attempt;
	uint32_t raw_len, lines;
	uint32_t source_len; /* bytes of the step's that became these; 0: it is cut here */
	int64_t time_ms;
	unsigned char *record; /* header room, then the frame */
	uint32_t frame_len;
};
int spool_append(struct spool *spool, const struct spool_chunk *chunk, struct err *err);

/* Offset behind the last committed byte of a stream; 0 for one that is not known. */
uint64_t spool_end(const struct spool *spool, uint32_t step, uint32_t attempt);
/* How many of the bytes that the step wrote are in it. */
uint64_t spool_source_end(const struct spool *spool, uint32_t step, uint32_t attempt);

/* Was a chunk of it committed that says that nothing more of what the step writes is kept? */
bool spool_is_cut(const struct spool *spool, uint32_t step, uint32_t attempt);
/* Bytes of all streams together, as readers see them. */
uint64_t spool_total(const struct spool *spool);

/* The hub wants none of it: forget what is there, and take what comes without keeping it. */
void spool_discard(struct spool *spool);

/* Is there anything behind the reading position that need not be fetched first? Anything that the
 * hub may not have? */
bool spool_has_unsent(const struct spool *spool);
bool spool_is_acked(const struct spool *spool);
/* Was something handed out that is not acknowledged? */
bool spool_is_waiting(const struct spool *spool);

/* Unix time of the oldest record that the hub has not got; 0: it has all. After acknowledgements it
 * may be that of the record before. */
int64_t spool_oldest_ms(const struct spool *spool);

/*
 * Copy whole records that the hub may not have to room, as many as fit into size, and move the
 * reading position behind them. *len is 0 when nothing is left or the next record does not fit.
 * Fails: ERR_INPUT (the file was damaged under us); ERR_HOST, ERR_LIMIT: nothing was handed out,
 * and the next call tries the same again, in vain where spool->lost says so.
 */
int spool_unsent(struct spool *spool, void *room, size_t size, size_t *len, struct err *err);

/* Hand out again what was handed out and is not acknowledged: after a request that failed, or a
 * gap. */
void spool_rewind(struct spool *spool);

/*
 * The hub has the stream up to offset: segments that it has entirely are unlinked. A lower offset
 * than before is ignored; one beyond the stream's end counts as its end.
 */
void spool_acked(struct spool *spool, uint32_t step, uint32_t attempt, uint64_t offset);

/* --- for the depot: spool_disk.c ---------------------------------------------------------------
 */

/* Is the segment at the reading position on the disk and in memory? */
bool spool_is_loaded(const struct spool *spool);
/* Number of the segment that is to be fetched, that may be moved to the disk; 0: none. */
uint32_t spool_wanted(const struct spool *spool);
uint32_t spool_movable(const struct spool *spool);

/* A segment is being moved, or is not after all. */
void spool_moving(struct spool *spool, uint32_t number, bool moving);
/* It is on the disk, len bytes of it: the other copy goes. */
void spool_moved(struct spool *spool, uint32_t number, uint64_t len);
/* It is in memfd, which is taken. */
void spool_fetched(struct spool *spool, uint32_t number, int memfd, uint64_t len);
/* It cannot be fetched: spool_unsent() fails from here on. */
void spool_lost(struct spool *spool, int sys);
/* The hub has it: it is to go from the disk. */
void spool_drop_stored(struct spool *spool, uint32_t number);
/* A stream's place, made where there is none; NULL when there are too many. */
struct spool_stream *spool_need_stream(struct spool *spool, uint32_t step, uint32_t attempt);
/* A segment is there (1), or is not any more (-1): its bytes are counted. */
void spool_count_segment(struct spool *spool, const struct spool_segment *segment, int sign);
/* There may be room again: on_room is called where it is owed. */
void spool_look_for_room(struct spool *spool);

#endif
