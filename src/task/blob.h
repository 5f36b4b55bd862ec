/*
 * blob.h - what a job leaves at the hub: words for its kinds, and the record of a small one
 * (doc/blobs.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_BLOB_H
#define TASK_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/digest.h"
#include "runner/blob.h"

struct err;

const char *blob_kind_name(enum blob_kind kind);
/* False when name is NULL or none of them. */
bool blob_kind_parse(enum blob_kind *out, const char *name);

/* What stands before the bytes of a blob. */
struct blob_record {
	const char *name; /* not terminated */
	uint32_t name_len;
	uint64_t size;
	unsigned char digest[DIGEST_BYTES]; /* of the bytes */
};

/* The fixed part of the head; name and bytes follow it. */
void blob_record_pack(unsigned char room[BLOB_RECORD_HEAD_BYTES], const struct blob_record *record);

/*
 * Read the head at bytes[0..len); record->name is in there, and the blob's bytes are behind it.
 * Fails: ERR_INPUT where it is none, its name is empty, too long or has a NUL, or its bytes do not
 * follow whole.
 */
int blob_record_unpack(struct blob_record *record, const unsigned char *bytes, size_t len,
		       struct err *err);

/* All that it takes up, from its head to its last byte. */
size_t blob_record_bytes(const struct blob_record *record);

/* A name as the hub keeps one. Fails: ERR_INPUT. */
int blob_check_name(const char *name, size_t len, struct err *err);

#endif
