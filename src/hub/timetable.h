/*
 * timetable.h - workflows that a clock starts.
 *
 * Of each branch the hub keeps the newest config that it was sent for it, when that has scheduled workflows of the
 * branch, with what else came along. When a workflow's time has come that config is launched once more. Times while the
 * hub was away, or too late to be called the same, are left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_TIMETABLE_H
#define HUB_TIMETABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "compile/cron.h"
#include "hub/rows.h"

struct hub;
struct id;
struct launch;
struct store_snapshot;

enum {
	TIMETABLE_LATE_MOST_MS = 5 * 60 * 1000, /* then a time was missed */
	TIMETABLE_LOOK_MS = 60 * 1000,		/* at the clock, which may be set */
	TIMETABLES_MOST = 10000,
};

struct timetable_entry {
	char *workflow, *cron;
	struct cron times;
	int64_t next_ms; /* -1: never */
};

struct timetable {
	struct timetable_row row; /* without config and request, which the store has */
	struct timetable_entry *entries;
	size_t entry_count;
	char *error; /* why the last launch came to nothing; NULL */
	UT_hash_handle hh; /* by row.id */
};

/* What was launched for a branch says what is to be started of it from now on. */
void timetable_keep(struct hub *hub, const struct launch *launch);
struct timetable *timetable_find(struct hub *hub, const struct id *id);
void timetable_delete(struct hub *hub, struct timetable *timetable);

/* At the start, once the model is there; then times come by themselves. */
void timetables_load(struct hub *hub, const struct store_snapshot *snapshot);
void timetables_release(struct hub *hub);

#endif
