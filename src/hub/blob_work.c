/*
 * blob_work.c - an open blob: its pieces on their way to the disk, and its completion.
 *
 * A blob has one work at a time; while it is busy its file and digest are the thread's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "format/digest.h"
#include "hub/blobs_private.h"
#include "hub/hub.h"
#include "hub/store/store.h"

enum { WRITE_BACK_BYTES = 8 << 20, HOLE_BYTES = 256 << 10 };

/* --- in a thread ----------------------------------------------------------------------------- */

/* After a restart: what lies in the file is read again, beyond it nothing counts. */
static int
digest_again(struct blob *blob, struct err *err)
{
	unsigned char *room = mem_resize(NULL, 1, BLOBS_READ_BYTES);
	uint64_t at = 0;
	int rc = 0;

	blob->digest = digest_new();
	while (rc == 0 && at < blob->offset) {
		size_t want = blob->offset - at < BLOBS_READ_BYTES ? (size_t)(blob->offset - at)
								   : BLOBS_READ_BYTES;
		ssize_t n = pread(blob->fd, room, want, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = err_sys(err, "the hub cannot read what it has of it");
		else if (n == 0)
			rc = err_set(err, ERR_HOST, "the hub has lost a part of it");
		else
			digest_add(blob->digest, room, (size_t)n);
		at += n > 0 ? (uint64_t)n : 0;
	}
	free(room);
	return rc;
}

static int
prepare(struct blob *blob, struct err *err)
{
	if (blob->fd < 0) {
		int fd = blobs_file_open(blob->blobs, &blob->row.file, O_RDWR | O_CREAT, err);

		if (fd < 0)
			return fd;
		blob->fd = fd;
		if (ftruncate(fd, (off_t)blob->offset) != 0)
			return err_sys(err, "the hub cannot write to its disk");
	}
	return blob->digest == NULL ? digest_again(blob, err) : 0;
}

/* The disk is kept busy meanwhile, or all of it would be written by the last sync. */
static void
write_back(const struct blob *blob, uint64_t at, size_t len)
{
	uint64_t until = (at + len) / WRITE_BACK_BYTES * WRITE_BACK_BYTES;
	uint64_t from = at / WRITE_BACK_BYTES * WRITE_BACK_BYTES;

	if (until > from)
		(void)sync_file_range(blob->fd, (off_t)from, (off_t)(until - from),
				      SYNC_FILE_RANGE_WRITE);
}

static bool
is_zero(const unsigned char *bytes, size_t len)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* What is all zeros is left a hole, as it most likely was where it came from. */
static int
write_sparse(int fd, const unsigned char *bytes, size_t len, uint64_t at, struct err *err)
{
	uint64_t end = at + len;
	bool is_hole = false;

	while (len > 0) {
		size_t part = HOLE_BYTES - (size_t)(at % HOLE_BYTES);

		if (part > len)
			part = len;
		is_hole = is_zero(bytes, part);
		if (!is_hole && blobs_write_all(fd, bytes, part, at, err) < 0)
			return err->code;
		bytes += part;
		at += part;
		len -= part;
	}
	/* Its size is how far the upload has come. */
	if (is_hole && ftruncate(fd, (off_t)end) != 0)
		return err_sys(err, "the hub cannot write to its disk");
	return 0;
}

static void
run_write(void *arg)
{
	struct blob *blob = arg;
	const unsigned char *bytes = blob->piece.data + blob->skip;
	size_t len = blob->piece.len - blob->skip;

	if (prepare(blob, &blob->err) < 0 || blobs_check_room(blob->fd, len, &blob->err) < 0 ||
	    write_sparse(blob->fd, bytes, len, blob->offset, &blob->err) < 0)
		return;
	digest_add(blob->digest, bytes, len);
	write_back(blob, blob->offset, len);
}

static void
run_complete(void *arg)
{
	struct blob *blob = arg;
	char came[DIGEST_TEXT_BYTES], said[DIGEST_TEXT_BYTES];

	if (prepare(blob, &blob->err) < 0)
		return;
	digest_end(blob->digest, blob->row.digest);
	blob->digest = NULL;
	if (memcmp(blob->row.digest, blob->wanted, DIGEST_BYTES) != 0)
		(void)!err_set(&blob->err, ERR_INPUT,
			       "what came has the SHA-256 %s and not %s: it is thrown away",
			       digest_hex(came, blob->row.digest), digest_hex(said, blob->wanted));
	else
		(void)!blobs_sync(blob->blobs, blob->fd, &blob->err);
}

/* --- in the loop ----------------------------------------------------------------------------- */

static void
submit(struct blob *blob, work_fn *run, work_fn *done)
{
	blob->is_busy = true;
	blob->err = (struct err)ERR_INIT;
	blob->work = (struct work){.run = run, .done = done, .arg = blob};
	blobs_submit(blob->blobs->writers, &blob->work);
}

static void
on_written(void *arg)
{
	struct blob *blob = arg;
	struct err err = blob->err;
	void *writer = blob->writer;
	blob_done_fn *on_idle = blob->on_idle;
	bool is_gone = blob->is_dropped || err.code != 0;

	OBJ_CHECK(blob, BLOB_MAGIC);
	blob->is_busy = false;
	if (blob->is_dropped && err.code == 0)
		(void)!err_set(&err, ERR_GONE, "the upload was given up");
	if (err.code == 0)
		blob->offset += blob->piece.len - blob->skip;
	if (is_gone)
		blob_drop(blob);
	if (writer != NULL)
		on_idle(writer, err.code != 0 ? &err : NULL);
}

void
blob_write(struct blob *blob, struct buffer *piece, size_t skip)
{
	struct buffer empty = blob->piece;

	OBJ_CHECK(blob, BLOB_MAGIC);
	assert(!blob->is_busy && !blob->is_dropped && skip <= piece->len &&
	       piece->len - skip <= blob->row.size - blob->offset);
	buffer_clear(&empty);
	blob->piece = *piece;
	*piece = empty;
	blob->skip = skip;
	submit(blob, run_write, on_written);
}

/* --- completion ------------------------------------------------------------------------------ */

static void
end_complete(struct blob *blob, const struct err *err)
{
	blob_done_fn *done = blob->on_complete;
	void *arg = blob->complete_arg;

	blob->is_busy = false;
	blob_free(blob);
	done(arg, err);
}

static void
on_stored(void *arg, struct store_op *op)
{
	struct blob *blob = arg;
	struct err err = ERR_INIT;

	OBJ_CHECK(blob, BLOB_MAGIC);
	blobs_on_freed(blob->blobs, op);
	if (op->blobs.taken[0])
		(void)!err_set(&err, ERR_GONE, "there is one of that name");
	end_complete(blob, err.code != 0 ? &err : NULL);
}

static void
on_complete(void *arg)
{
	struct blob *blob = arg;
	struct err err = blob->err;
	struct store_op *op;

	OBJ_CHECK(blob, BLOB_MAGIC);
	if (err.code != 0) {
		blob_done_fn *done = blob->on_complete;
		void *done_arg = blob->complete_arg;

		blob->is_busy = false;
		blob_drop(blob);
		done(done_arg, &err);
		return;
	}
	op = store_op_new(STORE_COMPLETE_BLOBS);
	store_blobs_of(op, 1);
	op->blobs.rows[0] = blob->row;
	op->blobs.rows[0].name = arena_strdup(&op->arena, blob->row.name);
	store_submit(blob->blobs->hub->store, op, on_stored, blob);
}

void
blob_complete(struct blob *blob, const unsigned char digest[DIGEST_BYTES], blob_done_fn *done,
	      void *arg)
{
	OBJ_CHECK(blob, BLOB_MAGIC);
	assert(!blob->is_busy && blob->offset == blob->row.size && blob->on_complete == NULL);
	memcpy(blob->wanted, digest, DIGEST_BYTES);
	blob->on_complete = done;
	blob->complete_arg = arg;
	submit(blob, run_complete, on_complete);
}
