/*
 * blob.c - what a job leaves at the hub: words for its kinds, and the record of a small one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/blob.h"

#include <string.h>

#include "base/assert.h"
#include "base/err.h"

#define X(upper, name) #name,
static const char *const kinds[] = {BLOB_KINDS(X)};
#undef X

const char *
blob_kind_name(enum blob_kind kind)
{
	assert((unsigned)kind < BLOB_KIND_COUNT);
	return kinds[kind];
}

bool
blob_kind_parse(enum blob_kind *out, const char *name)
{
	unsigned i;

	for (i = 0; name != NULL && i < BLOB_KIND_COUNT; i++)
		if (strcmp(kinds[i], name) == 0) {
			*out = (enum blob_kind)i;
			return true;
		}
	return false;
}

static void
put(unsigned char *to, uint64_t value, unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++)
		to[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t
get(const unsigned char *from, unsigned count)
{
	uint64_t value = 0;
	unsigned i;

	for (i = 0; i < count; i++)
		value |= (uint64_t)from[i] << 8 * i;
	return value;
}

void
blob_record_pack(unsigned char room[BLOB_RECORD_HEAD_BYTES], const struct blob_record *record)
{
	put(room, BLOB_RECORD_MAGIC, 4);
	put(room + 4, record->name_len, 4);
	put(room + 8, record->size, 8);
	memcpy(room + 16, record->digest, DIGEST_BYTES);
}

int
blob_check_name(const char *name, size_t len, struct err *err)
{
	if (len == 0 || len > BLOB_NAME_MOST_BYTES)
		return err_set(err, ERR_INPUT, "a name has %zu bytes, 1 to %d are allowed", len,
			       BLOB_NAME_MOST_BYTES);
	if (memchr(name, '\0', len) != NULL)
		return err_set(err, ERR_INPUT, "a name has a NUL in it");
	return 0;
}

int
blob_record_unpack(struct blob_record *record, const unsigned char *bytes, size_t len,
		   struct err *err)
{
	size_t left;

	if (len < BLOB_RECORD_HEAD_BYTES || get(bytes, 4) != BLOB_RECORD_MAGIC)
		return err_set(err, ERR_INPUT, "there is no record where one must begin");
	record->name_len = (uint32_t)get(bytes + 4, 4);
	record->size = get(bytes + 8, 8);
	memcpy(record->digest, bytes + 16, DIGEST_BYTES);
	record->name = (const char *)bytes + BLOB_RECORD_HEAD_BYTES;
	left = len - BLOB_RECORD_HEAD_BYTES;
	if (record->name_len > left || record->size > left - record->name_len)
		return err_set(err, ERR_INPUT, "a record is cut short");
	return blob_check_name(record->name, record->name_len, err);
}

size_t
blob_record_bytes(const struct blob_record *record)
{
	return BLOB_RECORD_HEAD_BYTES + record->name_len + (size_t)record->size;
}
