/*
 * blobs.h - what tasks leave at the hub: files below "blobs" in the data directory (doc/blobs.md).
 *
 * The loop never waits for their disk, and their bytes never wait behind the store's commits:
 *threads of their own write, hash, sync and read, a bounded piece at a time. A blob that is being
 *uploaded is an open blob: its row is in the store, its bytes so far are in its file, and how many
 *there are is the position that everybody goes by.
 *
 *	blobs_open() -> blob_write() until offset is row.size -> blob_complete()
 *	blobs_add_records(): many small ones, in one file
 *	blob_reader_new() -> blob_read() until the end -> blob_reader_free()
 *
 * What an upload began and nobody completes is removed when its task is over. All callbacks come
 *from the loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_BLOBS_H
#define HUB_BLOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "base/buffer.h"
#include "base/err.h"
#include "hub/rows.h"
#include "loop/worker.h"

struct blobs;
struct digest;
struct hub;
struct store_op;
struct store_snapshot;

enum {
	BLOBS_OPEN_MOST = 4096, /* of all tasks */
	/* Requests that bring bytes at the same time; each holds 2 MiB at most. */
	BLOBS_WRITERS_MOST = 256,
	BLOBS_WRITERS_OF_TASK = 16,   /* of them: one that sends none holds up nobody else */
	BLOBS_READ_BYTES = 256 << 10, /* one piece */
	BLOBS_RESERVE_BYTES =
		256 << 20, /* that stay free on the disk, or a 32nd of it where that is less: the */
	BLOBS_RESERVE_PART = 32, /* database must never meet a full one */
	BLOBS_SWEEP_MS = 30000,
};

/* --- the whole ------------------------------------------------------------------------------- */

/* hub->store is started; the open ones of the snapshot are known then. Fails: ERR_HOST. */
int blobs_new(struct blobs **out, struct hub *hub, const struct store_snapshot *snapshot,
	      struct err *err);
/* Waits for the pieces that are under way; no callback runs any more. NULL is fine. */
void blobs_free(struct blobs *blobs);

/* Files in which nothing lies any more: op->freed of the store. */
void blobs_remove_files(struct blobs *blobs, const struct id *files, size_t count);
/* The same from the done() of an operation. arg: the blobs. */
void blobs_on_freed(void *blobs, struct store_op *op);

/* --- one that is open ------------------------------------------------------------------------ */

/* err NULL: it is done. */
typedef void blob_done_fn(void *arg, const struct err *err);

struct blob {
	uint32_t magic;
	struct blobs *blobs;
	struct blob_row row; /* its name is owned */
	uint64_t offset;     /* bytes that are in its file */
	bool is_busy;	     /* a piece of it is being written, or it is being completed */

	/* Who brings bytes now: api/agent_blobs.c. */
	void *writer;
	blob_done_fn
		*on_idle; /* a piece is written, or (err) it cannot be: the blob is gone then */

	/* For blobs.c and blob_work.c. */
	int fd;		       /* -1: not opened yet */
	struct digest *digest; /* of the first offset bytes; NULL: to be read again */
	struct buffer piece;
	size_t skip; /* of the piece */
	struct work work;
	struct err err;
	bool is_dropped; /* remove it when it is not busy any more */
	unsigned char wanted[DIGEST_BYTES];
	blob_done_fn *on_complete;
	void *complete_arg;
	UT_hash_handle hh;
};

/*
 * The open blob of row's task, kind and name: the one that is there when its size is the same, else
 * a new one (row->id and file are made, its row is submitted). Fails: ERR_LIMIT, ERR_AGAIN (too
 * many are open).
 */
int blobs_open(struct blobs *blobs, const struct blob_row *row, struct blob **out, struct err *err);
struct blob *blobs_find(struct blobs *blobs, const struct id *id); /* NULL: none is open */
/* Requests that bring bytes of a task's now. */
unsigned blobs_writers_of(const struct blobs *blobs, const struct id *task);
/* Remove what came of it. */
void blob_drop(struct blob *blob);

/*
 * Write piece less its first skip bytes at the offset; on_idle follows. The blob is not busy, and
 * what is written does not go beyond its size. piece is exchanged for an empty buffer.
 */
void blob_write(struct blob *blob, struct buffer *piece, size_t skip);

/*
 * All is there, and has that digest: make it durable and known. The blob is not busy, and gone when
 * done is called. Fails: ERR_INPUT when the bytes that came have another digest; ERR_GONE when a
 * cache of the name is there already; ERR_HOST.
 */
void blob_complete(struct blob *blob, const unsigned char digest[DIGEST_BYTES], blob_done_fn *done,
		   void *arg);

/* --- many small ones ------------------------------------------------------------------------- */

/* One that was not taken. */
struct blob_refusal {
	size_t idx; /* of the record */
	char message[120];
};

/* refusals: of those that are not there now; all others are. err: none is. */
typedef void
blobs_added_fn(void *arg, const struct err *err, const struct blob_refusal *refusals, size_t count);

/* Records (task/blob.h), copied. row says all but name, size, digest and place. */
void blobs_add_records(struct blobs *blobs, const struct blob_row *row, const void *bytes,
		       size_t len, blobs_added_fn *done, void *arg);

/* --- reading --------------------------------------------------------------------------------- */

struct blob_reader;

/* len 0: the end; err: what is there cannot be read. bytes live until the next blob_read(). */
typedef void blob_read_fn(void *arg, const struct err *err, const void *bytes, size_t len);

/* Bytes [from, until) of a complete blob. */
struct blob_reader *blob_reader_new(struct blobs *blobs, const struct blob_row *row, uint64_t from,
				    uint64_t until, blob_read_fn *fn, void *arg);
/* The next piece; one at a time. */
void blob_read(struct blob_reader *reader);
/* fn does not run any more. NULL is fine. */
void blob_reader_free(struct blob_reader *reader);

#endif
