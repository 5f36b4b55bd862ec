/*
 * output_record.c - one chunk of one step's output, the same bytes from spool to reader.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/output_record.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/err.h"

enum { HEADER_CRC_FROM = 8 };

static void
put32(unsigned char *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
}

static void
put64(unsigned char *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

static uint32_t
get32(const unsigned char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static uint64_t
get64(const unsigned char *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

static uint32_t
header_crc(const unsigned char *header)
{
	return crc32c(0, header + HEADER_CRC_FROM, RUNNER_RECORD_HEADER_BYTES - HEADER_CRC_FROM);
}

void
output_record_pack(const struct output_record *record,
		   unsigned char room[RUNNER_RECORD_HEADER_BYTES])
{
	put32(room, RUNNER_RECORD_MAGIC);
	memcpy(room + 8, record->task.bytes, ID_BYTES);
	put32(room + 24, record->epoch);
	put32(room + 28, record->step);
	put64(room + 32, record->offset);
	put64(room + 40, (uint64_t)record->time_ms);
	put32(room + 48, record->raw_len);
	put32(room + 52, record->frame_len);
	put32(room + 56, record->lines);
	put32(room + 60, record->frame_crc);
	put32(room + 64, record->attempt);
	put32(room + 68, record->source_len);
	put32(room + 4, header_crc(room));
}

static int
check_header(const struct output_record *record, struct err *err)
{
	if (record->raw_len < 1 || record->raw_len > RUNNER_RECORD_RAW_MOST_BYTES)
		return err_set(err, ERR_INPUT,
			       "output record says %u bytes of output, 1 to %d are allowed",
			       record->raw_len, RUNNER_RECORD_RAW_MOST_BYTES);
	if (record->frame_len < 1 || record->frame_len > RUNNER_RECORD_FRAME_MOST_BYTES)
		return err_set(err, ERR_INPUT,
			       "output record says a frame of %u bytes, 1 to %d are allowed",
			       record->frame_len, RUNNER_RECORD_FRAME_MOST_BYTES);
	if (record->lines > record->raw_len)
		return err_set(err, ERR_INPUT, "output record says %u lines in %u bytes",
			       record->lines, record->raw_len);
	if (record->offset > (uint64_t)INT64_MAX - record->raw_len)
		return err_set(err, ERR_INPUT, "output record lies beyond the largest offset");
	return 0;
}

/* What stands where source_len is depends on the version. */
static int
read_source_len(struct output_record *record, uint32_t magic, uint32_t value, struct err *err)
{
	record->source_len = magic == RUNNER_RECORD_MAGIC_1 ? record->raw_len : value;
	if (magic == RUNNER_RECORD_MAGIC_1 && value != 0)
		return err_set(err, ERR_INPUT, "output record has flags 0x%x, none is known",
			       value);
	if (magic == RUNNER_RECORD_MAGIC_2 && (value < 1 || value > RUNNER_RECORD_RAW_MOST_BYTES))
		return err_set(err, ERR_INPUT,
			       "output record says it was made of %u bytes, 1 to %d are allowed",
			       value, RUNNER_RECORD_RAW_MOST_BYTES);
	return 0;
}

int
output_record_unpack(struct output_record *record, const unsigned char **frame,
		     const unsigned char *bytes, size_t len, struct err *err)
{
	uint32_t magic;
	int rc;

	if (len < RUNNER_RECORD_HEADER_BYTES)
		return err_set(err, ERR_AGAIN, "output record is cut short after %zu bytes", len);
	magic = get32(bytes);
	if (magic != RUNNER_RECORD_MAGIC && magic != RUNNER_RECORD_MAGIC_1 &&
	    magic != RUNNER_RECORD_MAGIC_2)
		return err_set(err, ERR_INPUT, "this is no output record: it begins with 0x%08x",
			       magic);
	if (get32(bytes + 4) != header_crc(bytes))
		return err_set(err, ERR_INPUT, "output record has a damaged header");
	memcpy(record->task.bytes, bytes + 8, ID_BYTES);
	record->epoch = get32(bytes + 24);
	record->step = get32(bytes + 28);
	record->offset = get64(bytes + 32);
	record->time_ms = (int64_t)get64(bytes + 40);
	record->raw_len = get32(bytes + 48);
	record->frame_len = get32(bytes + 52);
	record->lines = get32(bytes + 56);
	record->frame_crc = get32(bytes + 60);
	record->attempt = get32(bytes + 64);
	rc = read_source_len(record, magic, get32(bytes + 68), err);
	if (rc == 0)
		rc = check_header(record, err);
	if (rc < 0)
		return rc;
	if (len - RUNNER_RECORD_HEADER_BYTES < record->frame_len)
		return err_set(err, ERR_AGAIN, "output record is cut short after %zu bytes", len);
	*frame = bytes + RUNNER_RECORD_HEADER_BYTES;
	if (crc32c(0, *frame, record->frame_len) != record->frame_crc)
		return err_set(err, ERR_INPUT, "output record at offset %llu has a damaged frame",
			       (unsigned long long)record->offset);
	return 0;
}
