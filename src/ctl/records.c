/*
 * records.c - output records (doc/output-record.md) as they come out of a stream.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/records.h"

#include "base/err.h"
#include "format/frame.h"

int
records_init(struct records *records, record_fn *fn, void *arg, struct err *err)
{
	records->fn = fn;
	records->arg = arg;
	records->feeding = records->stopped = false;
	buffer_init(&records->held, 0);
	records->reader = NULL;
	return frame_reader_new(&records->reader, err);
}

void
records_release(struct records *records)
{
	buffer_release(&records->held);
	frame_reader_free(records->reader);
	records->reader = NULL;
}

/* Give the first record that is held. 1: taken; 0: not whole, or not wanted now. */
static int
give_first(struct records *records, struct err *err)
{
	struct output_record record;
	const unsigned char *frame;
	int rc;

	rc = output_record_unpack(&record, &frame, records->held.data, records->held.len, err);
	if (rc == ERR_AGAIN)
		return 0;
	if (rc == 0)
		rc = frame_unpack(records->reader, records->raw, record.raw_len, frame,
				  record.frame_len, err);
	if (rc < 0)
		return err_wrap(err, "reading output");
	if (!records->fn(records->arg, &record, records->raw)) {
		records->stopped = true;
		return 0;
	}
	buffer_consume(&records->held, RUNNER_RECORD_HEADER_BYTES + record.frame_len);
	return 1;
}

int
records_feed(struct records *records, const void *bytes, size_t len, struct err *err)
{
	int rc = 1;

	buffer_putn(&records->held, bytes, len);
	if (records->feeding)
		return 0; /* fn led back here: the loop below goes on */
	records->feeding = true;
	records->stopped = false;
	while (rc > 0 && records->held.len > 0)
		rc = give_first(records, err);
	records->feeding = false;
	return rc < 0 ? rc : 0;
}

bool
records_is_stopped(const struct records *records)
{
	return records->stopped;
}
