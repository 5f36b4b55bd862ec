/*
 * segment.h - files that hold output: shared segments first, one file a task at the end.
 *
 * Records of all tasks go to the end of the current segment, as they came; one sync
 * covers them all. A segment knows how many index rows point into it and is unlinked
 * when none does (segments_sweep(), after the commit that moved them). A task's own file holds its
 * frames alone, in order, so that it is a zstd file by itself.
 *
 * Used by the store thread only. A file that a crash left without index rows is removed
 * at the next start.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_STORE_SEGMENT_H
#define HUB_STORE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct id;

enum { SEGMENT_NAME_BYTES = 48 };

struct segment {
	uint32_t number; /* from 1; its file is NNNNNNNN.seg */
	int fd;
	uint64_t size;
	uint64_t rows; /* index rows that point into it */
	struct segment *next;
};

struct segments {
	int dir; /* descriptor of the folder */
	struct segment *list; /* newest first */
	struct segment *current; /* NULL until something is appended */
	uint32_t last_number;
	bool is_dirty; /* written and not synced */
};

/* Opens the folder, making it where it is missing. */
int segments_open(struct segments *segments, const char *path, struct err *err);
void segments_close(struct segments *segments);

/* At the start: rows point into segment number. Opens its file. */
int segments_count(struct segments *segments, uint32_t number, uint64_t rows, struct err *err);
/* At the start, when all are counted: remove files that nothing points into. */
int segments_clean(struct segments *segments, struct err *err);

/* Append; *number and *at say where. rows more point into it. */
int segments_append(struct segments *segments, const void *bytes, size_t len, uint64_t rows,
		    uint32_t *number, uint64_t *at, struct err *err);
int segments_sync(struct segments *segments, struct err *err);

/* Read len bytes of a segment, or of the task's own file where number is 0. */
int segments_read(struct segments *segments, uint32_t number, const struct id *task, uint64_t at,
		  void *room, size_t len, struct err *err);

/* The descriptor of an open segment, or -1. */
int segments_fd(struct segments *segments, uint32_t number);

/* rows fewer point into it. */
void segments_leave(struct segments *segments, uint32_t number, uint64_t rows);
/* Unlink what nothing points into. */
void segments_sweep(struct segments *segments);

/* "77aa....zst" and, while it is made, "77aa....tmp". */
const char *segments_task_name(char room[SEGMENT_NAME_BYTES], const struct id *task, bool tmp);

#endif
