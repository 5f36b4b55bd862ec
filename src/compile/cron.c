/*
 * cron.c - times that come again: "0 3 * * mon".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/cron.h"

#include <stddef.h>
#include <time.h>

/* 29 February may be eight years away (2096, 2104). */
enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS, DAY_MINUTES = 24 * 60, DAYS_MOST = 9 * 366 };

struct field {
	unsigned low, high;
	const char *names; /* three letters each, the first for low; NULL: numbers only */
	bool may_be_range;
};

static const struct field fields[FIELDS] = {
	{0, 59, NULL, true},
	{0, 23, NULL, true},
	{1, 31, NULL, true},
	{1, 12, "janfebmaraprmayjunjulaugsepoctnovdec", true},
	{0, 7, "sunmontuewedthufrisat", false},
};

static char
lower(char ch)
{
	return ch >= 'A' && ch <= 'Z' ? (char)(ch - 'A' + 'a') : ch;
}

static bool
take_name(const struct field *field, const char **p, unsigned *out)
{
	const char *name;
	unsigned i = 0;

	for (name = field->names; name != NULL && *name != '\0'; name += 3, i++) {
		if (lower((*p)[0]) == name[0] && lower((*p)[1]) == name[1] &&
		    lower((*p)[2]) == name[2]) {
			*p += 3;
			*out = field->low + i;
			return true;
		}
	}
	return false;
}

static bool
take_value(const struct field *field, const char **p, unsigned *out)
{
	const char *start = *p;

	if (**p == '\0')
		return false;
	if (take_name(field, p, out))
		return true;
	for (*out = 0; **p >= '0' && **p <= '9' && *p - start < 2; (*p)++)
		*out = *out * 10 + (unsigned)(**p - '0');
	return *p > start && *out >= field->low && *out <= field->high;
}

static uint64_t
bits(unsigned low, unsigned high)
{
	return (UINT64_MAX >> (63 - (high - low))) << low;
}

/* One field from *p on, up to white space or the end. */
static bool
take_field(const struct field *field, const char **p, uint64_t *out)
{
	unsigned value, other;
	bool is_first = true;

	*out = 0;
	if (**p == '*') {
		(*p)++;
		*out = bits(field->low, field->high);
		return **p == ' ' || **p == '\0';
	}
	for (;; is_first = false, (*p)++) {
		if (!take_value(field, p, &value))
			return false;
		if (**p == '-' && is_first && field->may_be_range) {
			(*p)++;
			if (!take_value(field, p, &other) || other < value)
				return false;
			*out |= bits(value, other);
			return **p == ' ' || **p == '\0';
		}
		*out |= bits(value, value);
		if (**p != ',')
			return **p == ' ' || **p == '\0';
	}
}

bool
cron_parse(struct cron *out, const char *text)
{
	const char *p = text;
	size_t i;

	for (i = 0; i < FIELDS; i++) {
		while (*p == ' ')
			p++;
		if (i == DAY)
			out->any_day = *p == '*';
		if (i == WEEKDAY)
			out->any_weekday = *p == '*';
		if (!take_field(&fields[i], &p, &out->fields[i]))
			return false;
	}
	while (*p == ' ')
		p++;
	/* Sunday is 0 and 7. */
	out->fields[WEEKDAY] |= out->fields[WEEKDAY] >> 7 & 1;
	return *p == '\0';
}

static bool
has(const struct cron *cron, int field, int value)
{
	return (cron->fields[field] >> value & 1) != 0;
}

bool
cron_happens(const struct cron *cron)
{
	static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int month;

	if (!cron->any_weekday) /* every month has each of them */
		return true;
	for (month = 1; month <= 12; month++)
		if (has(cron, MONTH, month) && (cron->fields[DAY] & bits(1, days[month - 1])) != 0)
			return true;
	return false;
}

static bool
is_day(const struct cron *cron, const struct tm *tm)
{
	bool day = has(cron, DAY, tm->tm_mday), weekday = has(cron, WEEKDAY, tm->tm_wday);

	if (!has(cron, MONTH, tm->tm_mon + 1))
		return false;
	return cron->any_day || cron->any_weekday ? day && weekday : day || weekday;
}

/* The first fitting minute of a day, counted from from; -1: none. */
static int
minute_of(const struct cron *cron, int from)
{
	int minute;

	for (minute = from; minute < DAY_MINUTES; minute++)
		if (has(cron, HOUR, minute / 60) && has(cron, MINUTE, minute % 60))
			return minute;
	return -1;
}

int64_t
cron_next(const struct cron *cron, int64_t after_ms)
{
	int64_t first = after_ms / 60000 + 1, day = first / DAY_MINUTES;
	int from = (int)(first % DAY_MINUTES), tried, minute;

	for (tried = 0; tried < DAYS_MOST; tried++, day++, from = 0) {
		time_t seconds = (time_t)(day * DAY_MINUTES * 60);
		struct tm tm;

		if (gmtime_r(&seconds, &tm) == NULL || !is_day(cron, &tm))
			continue;
		minute = minute_of(cron, from);
		if (minute >= 0)
			return (day * DAY_MINUTES + minute) * 60000;
	}
	return -1;
}
