/*
 * cron.h - times that come again: "0 3 * * mon".
 *
 * Five fields, UTC: minute, hour, day, month, day of the week. Numbers, names of months and days,
 * lists, ranges; no steps, no ranges in lists, no ranges of days of the week. Where both days are
 * given, either will do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_CRON_H
#define COMPILE_CRON_H

#include <stdbool.h>
#include <stdint.h>

struct cron {
	uint64_t fields[5]; /* a bit a value; Sunday is 0 */
	bool any_day, any_weekday;
};

/* False when it is none. */
bool cron_parse(struct cron *out, const char *text);

/* Whether there ever is such a day: 31 February is none. */
bool cron_happens(const struct cron *cron);

/* The first such minute after that time, both in Unix milliseconds; -1: there is none within nine
 * years (30 February). */
int64_t cron_next(const struct cron *cron, int64_t after_ms);

#endif
