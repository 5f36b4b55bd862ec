/*
 * journal.c - what happened to one task, written before it happens; also its event log.
 *
 * A record is one write at the end of the file. A kill can cut such a write short, so
 * the last record may be torn: it has not happened, since nobody acted on it yet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/state_version.h"
#include "base/assert.h"
#include "base/err.h"
#include "loop/clock.h"
#include "runner/state_dir.h"
#include "task/event.h"
#include "wire/journal_record.h"

enum { READ_AT_ONCE = 16 };

static off_t
record_at(uint32_t index)
{
	return (off_t)index * JOURNAL_RECORD_BYTES;
}

static void
journal_reset(struct journal *journal, const struct id *task, uint32_t epoch)
{
	memset(journal, 0, sizeof(*journal));
	journal->fd = -1;
	journal->task = *task;
	journal->epoch = epoch;
}

static int
make_file(struct journal *journal, int dir_fd, const char *name, struct err *err)
{
	journal->fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (journal->fd < 0)
		return err_sys(err, "cannot make the task's journal");
	return 0;
}

int
journal_create(struct journal *journal, int dir_fd, const struct id *task, uint32_t epoch,
	       struct err *err)
{
	journal_reset(journal, task, epoch);
	return make_file(journal, dir_fd, STATE_JOURNAL_NAME, err);
}

int
journal_replace(struct journal *journal, int dir_fd, const struct id *task, uint32_t epoch,
		struct journal_record *records, size_t count, struct err *err)
{
	size_t i;
	int rc;

	journal_reset(journal, task, epoch);
	(void)unlinkat(dir_fd, STATE_JOURNAL_NEW_NAME, 0); /* of one that was killed here */
	rc = make_file(journal, dir_fd, STATE_JOURNAL_NEW_NAME, err);
	for (i = 0; rc == 0 && i < count; i++)
		rc = journal_append(journal, &records[i], err);
	if (rc == 0 && renameat(dir_fd, STATE_JOURNAL_NEW_NAME, dir_fd, STATE_JOURNAL_NAME) != 0)
		rc = err_sys(err, "cannot replace the task's journal");
	return rc;
}

/* Fills bytes with whole records from index on, below until; *len says how many bytes there were.
 */
static int
read_records(struct journal *journal, uint32_t index, uint32_t until, uint8_t *bytes, size_t size,
	     size_t *len, struct err *err)
{
	ssize_t n;

	if (size > (size_t)(until - index) * JOURNAL_RECORD_BYTES)
		size = (size_t)(until - index) * JOURNAL_RECORD_BYTES;
	*len = 0;
	while (*len < size) {
		n = pread(journal->fd, bytes + *len, size - *len, record_at(index) + (off_t)*len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read the task's journal");
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	return 0;
}

static void
note_record(struct journal *journal, const struct journal_record *record)
{
	enum event_type event;

	journal->records++;
	if (journal_type_event(record->type, &event))
		journal->last_seq = record->seq;
	if (record->type == JOURNAL_ACKED && record->seq > journal->acked)
		journal->acked = record->seq;
}

/* Of two records that do not check only the last may be torn. */
static int
replay_one(struct journal *journal, const uint8_t *bytes, bool last, bool *torn,
	   journal_replay_fn *replay, void *arg, struct err *err)
{
	struct journal_record record;
	const char *wrong = journal_record_unpack(&record, bytes);

	if (journal_record_newer(bytes) > 0)
		return state_version_check(STATE_JOURNAL_NAME, journal_record_newer(bytes), JOURNAL_VERSION, err);
	if (wrong == NULL && record.number != journal->records + 1)
		wrong = "its number is not the next one";
	if (wrong != NULL && last) {
		*torn = true;
		return 0;
	}
	if (wrong != NULL)
		return err_set(err, ERR_INPUT, "record %u of the task's journal cannot be read: %s",
			       journal->records + 1, wrong);
	note_record(journal, &record);
	return replay(arg, &record, err);
}

static int
replay_all(struct journal *journal, uint64_t size, journal_replay_fn *replay, void *arg,
	   struct err *err)
{
	uint8_t bytes[READ_AT_ONCE * JOURNAL_RECORD_BYTES];
	uint64_t whole = size / JOURNAL_RECORD_BYTES;
	bool torn = false;
	size_t len, i;
	int rc;

	while (journal->records < whole && !torn) {
		rc = read_records(journal, journal->records, (uint32_t)whole, bytes, sizeof(bytes),
				  &len, err);
		if (rc < 0)
			return rc;
		if (len < JOURNAL_RECORD_BYTES)
			break;
		for (i = 0; i + JOURNAL_RECORD_BYTES <= len && !torn; i += JOURNAL_RECORD_BYTES) {
			rc = replay_one(journal, bytes + i, journal->records + 1 == whole, &torn,
					replay, arg, err);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

int
journal_open(struct journal *journal, int dir_fd, const struct id *task, uint32_t epoch,
	     journal_replay_fn *replay, void *arg, struct err *err)
{
	off_t size;
	int rc;

	journal_reset(journal, task, epoch);
	journal->fd = openat(dir_fd, STATE_JOURNAL_NAME, O_RDWR | O_CLOEXEC);
	if (journal->fd < 0 && errno == ENOENT)
		return err_set(err, ERR_GONE, "the task has no journal");
	if (journal->fd < 0)
		return err_sys(err, "cannot open the task's journal");
	size = lseek(journal->fd, 0, SEEK_END);
	rc = size < 0 ? err_sys(err, "cannot read the task's journal")
		      : replay_all(journal, (uint64_t)size, replay, arg, err);
	if (rc == 0 && journal->records == 0)
		rc = err_set(err, ERR_GONE, "the task's journal has no whole record");
	if (rc == 0 && ftruncate(journal->fd, record_at(journal->records)) != 0)
		rc = err_sys(err, "cannot cut a torn record off the task's journal");
	if (rc < 0)
		journal_release(journal);
	return rc;
}

void
journal_release(struct journal *journal)
{
	if (journal->fd >= 0)
		(void)close(journal->fd);
	journal->fd = -1;
}

/* A short write (no room left) must not stay: the next record begins on its boundary. */
static int
write_record(struct journal *journal, const uint8_t *bytes, struct err *err)
{
	off_t at = record_at(journal->records);
	ssize_t n;

	do
		n = pwrite(journal->fd, bytes, JOURNAL_RECORD_BYTES, at);
	while (n < 0 && errno == EINTR);
	if (n == JOURNAL_RECORD_BYTES)
		return 0;
	if (n >= 0)
		errno = ENOSPC;
	if (err_sys(err, "cannot write the task's journal") < 0 && n > 0 &&
	    ftruncate(journal->fd, at) != 0)
		return err_wrap(err, "and cannot cut off what was written");
	return err->code;
}

int
journal_append(struct journal *journal, struct journal_record *record, struct err *err)
{
	uint8_t bytes[JOURNAL_RECORD_BYTES];
	enum event_type event;
	int rc;

	assert(journal->fd >= 0);
	record->number = journal->records + 1;
	if (journal_type_event(record->type, &event))
		record->seq = journal->last_seq + 1;
	else if (record->type != JOURNAL_ACKED)
		record->seq = 0;
	if (record->time_ms == 0)
		record->time_ms = clock_unix_ms();
	journal_record_pack(bytes, record);
	rc = write_record(journal, bytes, err);
	if (rc == 0)
		note_record(journal, record);
	return rc;
}

bool
journal_has_unsent(const struct journal *journal)
{
	return journal->acked < journal->last_seq;
}

static void
event_from_record(const struct journal *journal, struct task_event *event,
		  const struct journal_record *record, enum event_type type)
{
	memset(event, 0, sizeof(*event));
	event->task = journal->task;
	event->epoch = journal->epoch;
	event->seq = record->seq;
	event->time_ms = record->time_ms;
	event->type = type;
	event->step = record->step;
	event->attempt = record->attempt;
	event->outcome = record->outcome;
	memcpy(event->reason, record->reason, sizeof(event->reason));
	event->exit_code = record->exit_code;
	event->signal = record->signal;
	event->output_bytes = record->output_bytes;
	event->wall_ms = record->wall_ms;
	event->user_us = record->user_us;
	event->system_us = record->system_us;
	event->max_rss_bytes = record->max_rss_bytes;
	event->peak_bytes = record->peak_bytes;
	event->read_bytes = record->read_bytes;
	event->write_bytes = record->write_bytes;
}

/* One record on the way to *count events; *index is its place in the file. */
static int
take_event(struct journal *journal, const uint8_t *bytes, uint32_t index, uint32_t after,
	   struct task_event *events, size_t *count, struct err *err)
{
	struct journal_record record;
	enum event_type type;
	const char *wrong = journal_record_unpack(&record, bytes);

	if (wrong != NULL)
		return err_set(err, ERR_INPUT, "record %u of the task's journal cannot be read: %s",
			       index + 1, wrong);
	if (!journal_type_event(record.type, &type))
		return 0;
	if (record.seq <= journal->acked)
		journal->unsent_at = index + 1;
	if (record.seq > after)
		event_from_record(journal, &events[(*count)++], &record, type);
	return 0;
}

int
journal_unsent(struct journal *journal, uint32_t after, struct task_event *events, size_t most,
	       size_t *count, struct err *err)
{
	uint8_t bytes[READ_AT_ONCE * JOURNAL_RECORD_BYTES];
	uint32_t index = journal->unsent_at;
	size_t len, i;
	int rc;

	*count = 0;
	if (after < journal->acked)
		after = journal->acked;
	while (*count < most && after + *count < journal->last_seq && index < journal->records) {
		rc = read_records(journal, index, journal->records, bytes, sizeof(bytes), &len,
				  err);
		if (rc < 0)
			return rc;
		if (len < JOURNAL_RECORD_BYTES)
			return err_set(err, ERR_INPUT, "the task's journal has become shorter");
		for (i = 0; i + JOURNAL_RECORD_BYTES <= len && *count < most;
		     i += JOURNAL_RECORD_BYTES) {
			rc = take_event(journal, bytes + i, index++, after, events, count, err);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

int
journal_acked(struct journal *journal, uint32_t seq, struct err *err)
{
	struct journal_record record;

	if (seq <= journal->acked || seq > journal->last_seq)
		return 0;
	journal_record_init(&record, JOURNAL_ACKED);
	record.seq = seq;
	journal->acked = seq;
	return journal_append(journal, &record, err);
}
