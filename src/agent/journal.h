/*
 * journal.h - what happened to one task, written before it happens; also its event log.
 *
 * One file a task: a row of fixed-width records (wire/journal_record.h), each appended by
 * one write(2) before the thing acts. A record that is an event (include/runner/states.h)
 * carries the event's seq; what the hub has acknowledged is a record too. Events that are
 * not acknowledged yet are read back from the file, so a task costs no memory for them.
 *
 * journal_create() or journal_open() -> journal_append() ... journal_release().
 * For the events sender: journal_has_unsent(), journal_unsent(), journal_acked().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_JOURNAL_H
#define AGENT_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"

struct err;
struct journal_record;
struct task_event;

struct journal {
	int fd; /* -1 when closed */
	struct id task;
	uint32_t epoch;
	uint32_t records;   /* in the file */
	uint32_t last_seq;  /* of the newest event; 0: none yet */
	uint32_t acked;	    /* seq of the last event that the hub has */
	uint32_t unsent_at; /* record to look from for event acked + 1 */
};

#define JOURNAL_INIT                                                                               \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/*
 * Make the file in the task's state directory; it must not exist.
 * Fails: ERR_HOST, ERR_LIMIT (no room).
 */
int journal_create(struct journal *journal, int dir_fd, const struct id *task, uint32_t epoch,
		   struct err *err);

/*
 * The same in the place of a file that cannot be read: it is there with records[0..count) or not at all.
 * Fails: ERR_HOST, ERR_LIMIT.
 */
int journal_replace(struct journal *journal, int dir_fd, const struct id *task, uint32_t epoch,
		    struct journal_record *records, size_t count, struct err *err);

/* Called for every record in order. A negative return ends the reading with that code. */
typedef int journal_replay_fn(void *arg, const struct journal_record *record, struct err *err);

/*
 * Open the file of an earlier runnerd, cut a torn record off its end, replay what is whole.
 * Fails: ERR_GONE when there is no file or no whole record in it; ERR_INPUT when a record before
 * the last does not check or has a version we do not read.
 */
int journal_open(struct journal *journal, int dir_fd, const struct id *task, uint32_t epoch,
		 journal_replay_fn *replay, void *arg, struct err *err);

void journal_release(struct journal *journal);

/*
 * Append a record. Fills record->number, record->seq (of an event, else 0) and, where it is 0,
 * record->time_ms. On failure nothing was appended. Fails: ERR_LIMIT (no room), ERR_HOST.
 */
int journal_append(struct journal *journal, struct journal_record *record, struct err *err);

/* Are there events behind the acknowledged position? */
bool journal_has_unsent(const struct journal *journal);

/*
 * Fill events[0..*count) with those behind seq "after", in order, at most most of them. An after
 * below the acknowledged position counts as that position.
 * Fails: ERR_HOST, ERR_INPUT (the file was damaged under us).
 */
int journal_unsent(struct journal *journal, uint32_t after, struct task_event *events, size_t most,
		   size_t *count, struct err *err);

/*
 * The hub has stored all events up to seq. An old or an impossible seq is ignored.
 * Fails: as journal_append(); the position in memory has moved anyhow, and sending again is
 * harmless.
 */
int journal_acked(struct journal *journal, uint32_t seq, struct err *err);

#endif
