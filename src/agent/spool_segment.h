/*
 * spool_segment.h - one file of a spool: a head that names streams, then output records.
 *
 * Private to the spool. The layout of the head is in doc/state-directory.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_SPOOL_SEGMENT_H
#define AGENT_SPOOL_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct spool_stream;

struct spool_segment {
	struct spool_segment *next;
	uint32_t number;
	int fd;	       /* -1 while it rests */
	uint64_t head; /* length of the head: where the first record begins */
	uint64_t len;  /* of the file: head and whole records */
	bool moving;   /* it is being copied to the disk: nothing is written to it any more */
	bool stored;   /* it is on the disk, and not in the task's directory */
};

/* "spool.00000001" and back; false when it is no such name. */
bool spool_segment_parse_name(const char *name, uint32_t *number);

/* Make the file with its head. Fails: ERR_LIMIT, ERR_HOST; no file is left then. */
int spool_segment_make(struct spool_segment **out, int dir_fd, uint32_t number,
		       const struct spool_stream *streams, size_t count, struct err *err);

/* A stream of the head (from == end), or a record. */
struct spool_seen {
	bool is_head;
	uint32_t step, attempt;
	uint64_t from, end;
	uint64_t source; /* of the head: the offset; of a record: how many bytes */
	bool cut;	 /* nothing more of what the step writes is kept */
};

/* Called for each stream of the head and for each record in order. */
typedef int spool_seen_fn(void *arg, const struct spool_seen *seen, struct err *err);

/*
 * Open a file of an earlier runnerd and walk through it. Only the last one may end in the middle of
 * a record, which is cut off; or of its head, then the file is unlinked and *out is NULL. Fails:
 * ERR_HOST; ERR_INPUT when it is damaged.
 */
int spool_segment_open(struct spool_segment **out, int dir_fd, uint32_t number, bool last,
		       spool_seen_fn *seen, void *arg, struct err *err);

/*
 * The same for one on the disk that has a successor: its head alone is looked at, since the next
 * one's says what its records come to. It rests.
 */
int spool_segment_look(struct spool_segment **out, int dir_fd, uint32_t number, spool_seen_fn *seen,
		       void *arg, struct err *err);

/* Close the file until it is read again. */
void spool_segment_rest(struct spool_segment *segment);
void spool_segment_unlink(const struct spool_segment *segment, int dir_fd);
void spool_segment_free(struct spool_segment *segment, int dir_fd, bool unlink_it);

/* Append one record with one write(2). On failure the file is as it was. */
int spool_segment_append(struct spool_segment *segment, const void *record, size_t len,
			 struct err *err);

/* Up to size bytes from offset on. */
int spool_segment_read(struct spool_segment *segment, int dir_fd, uint64_t offset, void *room,
		       size_t size, size_t *got, struct err *err);

#endif
