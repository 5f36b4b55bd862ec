/*
 * records.h - output records (doc/output-record.md) as they come out of a stream.
 *
 * records_init() -> records_feed() for what comes -> records_release().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_RECORDS_H
#define CTL_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "task/output_record.h"

struct err;
struct frame_reader;

/* bytes[0..record->raw_len). False: not now; the record stays and comes again with the next feed.
 */
typedef bool record_fn(void *arg, const struct output_record *record, const void *bytes);

struct records {
	struct buffer held; /* not yet taken */
	struct frame_reader *reader;
	record_fn *fn;
	void *arg;
	bool feeding, stopped;
	unsigned char raw[RUNNER_RECORD_RAW_MOST_BYTES];
};

int records_init(struct records *records, record_fn *fn, void *arg, struct err *err);
void records_release(struct records *records); /* a zeroed struct is fine */

/*
 * Take bytes (len may be 0: go on with what is held); fn is called for each whole record. fn may
 * not release the records. Fails: ERR_INPUT when a record is damaged.
 */
int records_feed(struct records *records, const void *bytes, size_t len, struct err *err);

/* fn refused a record that is held now. */
bool records_is_stopped(const struct records *records);

#endif
