/*
 * blob_records.c - many small blobs of one request: checked, and written as they came into one
 * file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "format/digest.h"
#include "hub/blobs_private.h"
#include "hub/hub.h"
#include "hub/store/store.h"
#include "task/blob.h"

struct batch {
	struct work work;
	struct blobs *blobs;
	struct blob_row row; /* what is the same of all; its file is the batch's */
	unsigned char *bytes;
	size_t len;
	struct store_op *op; /* the rows that it makes */
	size_t *idxs;	     /* of each row, which record it was */
	struct blob_refusal *refusals;
	size_t refusal_count;
	struct err err;
	blobs_added_fn *done;
	void *arg;
};

static void
refuse(struct batch *batch, size_t idx, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void
refuse(struct batch *batch, size_t idx, const char *fmt, ...)
{
	struct blob_refusal *refusal = &batch->refusals[batch->refusal_count++];
	va_list ap;

	refusal->idx = idx;
	va_start(ap, fmt);
	(void)vsnprintf(refusal->message, sizeof(refusal->message), fmt, ap);
	va_end(ap);
}

/* --- in a thread ----------------------------------------------------------------------------- */

static void
take_record(struct batch *batch, size_t idx, const struct blob_record *record)
{
	const unsigned char *bytes = (const unsigned char *)record->name + record->name_len;
	struct store_blobs *blobs = &batch->op->blobs;
	struct blob_row *row = &blobs->rows[blobs->count];
	unsigned char digest[DIGEST_BYTES];

	digest_sha256(digest, bytes, (size_t)record->size);
	if (memcmp(digest, record->digest, DIGEST_BYTES) != 0) {
		refuse(batch, idx, "its bytes have another SHA-256 than its record says");
		return;
	}
	*row = batch->row;
	row->name = arena_strndup(&batch->op->arena, record->name, record->name_len);
	row->size = record->size;
	row->at = (uint64_t)(bytes - batch->bytes);
	memcpy(row->digest, digest, DIGEST_BYTES);
	id_random(&row->id);
	batch->idxs[blobs->count++] = idx;
}

/* A record that cannot be read hides all that follow: then none of them counts. */
static int
read_records(struct batch *batch, struct err *err)
{
	struct blob_record record;
	size_t at = 0, idx;

	store_blobs_of(batch->op, BLOB_RECORDS_MOST);
	batch->op->blobs.count = 0;
	for (idx = 0; at < batch->len; idx++) {
		if (idx == BLOB_RECORDS_MOST)
			return err_set(err, ERR_INPUT, "a request may have %d records",
				       BLOB_RECORDS_MOST);
		if (blob_record_unpack(&record, batch->bytes + at, batch->len - at, err) < 0)
			return err_wrap(err, "record %zu", idx);
		take_record(batch, idx, &record);
		at += blob_record_bytes(&record);
	}
	return 0;
}

static int
write_file(struct batch *batch, struct err *err)
{
	LOCAL_FD fd =
		blobs_file_open(batch->blobs, &batch->row.file, O_WRONLY | O_CREAT | O_EXCL, err);
	int rc;

	if (fd < 0)
		return fd;
	rc = blobs_check_room(fd, batch->len, err);
	if (rc == 0)
		rc = blobs_write_all(fd, batch->bytes, batch->len, 0, err);
	return rc == 0 ? blobs_sync(batch->blobs, fd, err) : rc;
}

static void
run_batch(void *arg)
{
	struct batch *batch = arg;

	if (read_records(batch, &batch->err) == 0 && batch->op->blobs.count > 0)
		(void)!write_file(batch, &batch->err);
}

/* --- in the loop ----------------------------------------------------------------------------- */

static void
end(struct batch *batch)
{
	batch->done(batch->arg, batch->err.code != 0 ? &batch->err : NULL, batch->refusals,
		    batch->refusal_count);
	free(batch->idxs);
	free(batch->refusals);
	free(batch->bytes);
	free(batch);
}

static void
on_stored(void *arg, struct store_op *op)
{
	struct batch *batch = arg;
	size_t i;

	blobs_on_freed(batch->blobs, op);
	for (i = 0; i < op->blobs.count; i++)
		if (op->blobs.taken[i])
			refuse(batch, batch->idxs[i], "there is one of that name");
	end(batch);
}

static void
on_batch(void *arg)
{
	struct batch *batch = arg;

	if (batch->err.code == 0 && batch->op->blobs.count > 0) {
		store_submit(batch->blobs->hub->store, batch->op, on_stored, batch);
		return;
	}
	store_op_free(batch->op);
	if (batch->err.code != 0)
		blobs_remove_files(batch->blobs, &batch->row.file, 1);
	end(batch);
}

void
blobs_add_records(struct blobs *blobs, const struct blob_row *row, const void *bytes, size_t len,
		  blobs_added_fn *done, void *arg)
{
	struct batch *batch = MEM_NEW(struct batch);

	batch->blobs = blobs;
	batch->row = *row;
	batch->row.state = BLOB_COMPLETE;
	id_random(&batch->row.file);
	batch->bytes = mem_resize(NULL, 1, len + 1);
	memcpy(batch->bytes, bytes, len);
	batch->len = len;
	batch->op = store_op_new(STORE_COMPLETE_BLOBS);
	batch->idxs = MEM_NEW_ARRAY(size_t, BLOB_RECORDS_MOST);
	batch->refusals = MEM_NEW_ARRAY(struct blob_refusal, BLOB_RECORDS_MOST);
	batch->done = done;
	batch->arg = arg;
	batch->work = (struct work){.run = run_batch, .done = on_batch, .arg = batch};
	blobs_submit(blobs->writers, &batch->work);
}
