/*
 * blob_record.c - fuzz target: records of small blobs, as a request brings them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "task/blob.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	/* Exactly as large, so that a sanitizer sees what lies behind. */
	uint8_t *copy = malloc(len > 0 ? len : 1);
	struct blob_record record;
	struct err err = ERR_INIT;
	size_t at = 0;

	memcpy(copy, bytes, len);
	while (at < len && blob_record_unpack(&record, copy + at, len - at, &err) == 0) {
		uint8_t head[BLOB_RECORD_HEAD_BYTES];
		size_t size = blob_record_bytes(&record);

		/* It lies whole in what there is, and is written as it was read. */
		assert(size > BLOB_RECORD_HEAD_BYTES && size <= len - at);
		assert(memchr(record.name, '\0', record.name_len) == NULL);
		blob_record_pack(head, &record);
		assert(memcmp(head, copy + at, sizeof(head)) == 0);
		at += size;
	}
	free(copy);
	return 0;
}
