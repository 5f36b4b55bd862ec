/*
 * blob_reader.c - bytes of a complete blob, a piece at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "hub/blobs_private.h"

struct blob_reader {
	struct work work;
	struct blobs *blobs;
	struct id file;
	uint64_t at, until; /* in the file */
	int fd;		    /* -1: not opened yet */
	bool is_busy, is_freed;
	blob_read_fn *fn;
	void *arg;
	struct err err;
	size_t len;
	unsigned char bytes[BLOBS_READ_BYTES];
};

static void
run_read(void *arg)
{
	struct blob_reader *reader = arg;
	uint64_t left = reader->until - reader->at;
	ssize_t n;

	reader->len = 0;
	if (left == 0)
		return;
	if (reader->fd < 0)
		reader->fd = blobs_file_open(reader->blobs, &reader->file, O_RDONLY, &reader->err);
	if (reader->fd < 0)
		return;
	do
		n = pread(reader->fd, reader->bytes,
			  left < BLOBS_READ_BYTES ? (size_t)left : BLOBS_READ_BYTES,
			  (off_t)reader->at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		(void)!err_sys(&reader->err, "cannot read a blob");
	else if (n == 0)
		(void)!err_set(&reader->err, ERR_HOST, "a blob's file is shorter than it was");
	else
		reader->len = (size_t)n;
}

static void
release(struct blob_reader *reader)
{
	if (reader->fd >= 0)
		(void)close(reader->fd);
	free(reader);
}

static void
on_read(void *arg)
{
	struct blob_reader *reader = arg;

	reader->is_busy = false;
	if (reader->is_freed) {
		release(reader);
		return;
	}
	reader->at += reader->len;
	reader->fn(reader->arg, reader->err.code != 0 ? &reader->err : NULL, reader->bytes,
		   reader->len);
}

void
blob_read(struct blob_reader *reader)
{
	assert(!reader->is_busy && !reader->is_freed);
	reader->is_busy = true;
	reader->work = (struct work){.run = run_read, .done = on_read, .arg = reader};
	blobs_submit(reader->blobs->readers, &reader->work);
}

struct blob_reader *
blob_reader_new(struct blobs *blobs, const struct blob_row *row, uint64_t from, uint64_t until,
		blob_read_fn *fn, void *arg)
{
	struct blob_reader *reader = MEM_NEW(struct blob_reader);

	assert(from <= until && until <= row->size);
	reader->blobs = blobs;
	reader->file = row->file;
	reader->at = row->at + from;
	reader->until = row->at + until;
	reader->fd = -1;
	reader->fn = fn;
	reader->arg = arg;
	return reader;
}

void
blob_reader_free(struct blob_reader *reader)
{
	if (reader == NULL)
		return;
	if (reader->is_busy)
		reader->is_freed = true;
	else
		release(reader);
}
