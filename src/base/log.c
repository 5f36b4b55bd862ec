/*
 * log.c - what our programs say of themselves; never what a job prints.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"

static const char *const level_names[LOG_LEVEL_COUNT] = {"error", "warn", "info", "debug"};

static struct {
	enum log_level most;
	bool json;
	int64_t (*now_ms)(void);
	uint64_t counts[LOG_LEVEL_COUNT];
} sink = {.most = LOG_INFO};

void
log_setup(enum log_level most, bool json, int64_t (*now_ms)(void))
{
	sink.most = most;
	sink.json = json;
	sink.now_ms = now_ms;
}

int
log_level_parse(const char *name, enum log_level *out, struct err *err)
{
	int i;

	for (i = 0; i < LOG_LEVEL_COUNT; i++)
		if (strcmp(name, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return 0;
		}
	if (err_set(err, ERR_INPUT, "'%.32s' is not a log level", name) < 0)
		err_hint(err, "take error, warn, info or debug");
	return err->code;
}

uint64_t
log_count(enum log_level level)
{
	return sink.counts[level];
}

const char *
log_level_name(enum log_level level)
{
	return level_names[level];
}

bool
log_wants(enum log_level level)
{
	return level <= sink.most;
}

/* Control characters would let a name in a message forge a line. */
static size_t
put_sentence(char *line, size_t at, size_t room, const char *text, bool json)
{
	for (; *text != '\0' && at + 8 < room; text++) {
		unsigned char c = (unsigned char)*text;

		if (json && (c == '"' || c == '\\')) {
			line[at++] = '\\';
			line[at++] = (char)c;
		} else if (c < 0x20 || c == 0x7f) {
			at += (size_t)snprintf(line + at, room - at, json ? "\\u%04x" : "\\x%02x", c);
		} else {
			line[at++] = (char)c;
		}
	}
	return at;
}

static size_t
put_fields(char *line, size_t at, size_t room, struct log_at where, bool json)
{
	const char *text_form = json ? ",\"%s\":\"%.128s\"" : "%s=%.128s ";
	const char *number_form = json ? ",\"%s\":%d" : "%s=%d ";

	if (where.task != NULL)
		at += (size_t)snprintf(line + at, room - at, text_form, "task", where.task);
	if (where.step >= 0)
		at += (size_t)snprintf(line + at, room - at, number_form, "step", where.step);
	if (where.slot >= 0)
		at += (size_t)snprintf(line + at, room - at, number_form, "slot", where.slot);
	if (where.hub != NULL)
		at += (size_t)snprintf(line + at, room - at, text_form, "hub", where.hub);
	return at;
}

void
log_line(enum log_level level, struct log_at where, const char *fmt, ...)
{
	char sentence[1024], line[2048], time[32];
	size_t at;
	va_list ap;

	if (!log_wants(level))
		return;
	sink.counts[level]++;
	va_start(ap, fmt);
	(void)vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	text_time(time, sink.now_ms != NULL ? sink.now_ms() : 0);
	at = (size_t)snprintf(line, sizeof(line), sink.json ? "{\"time\":\"%s\",\"level\":\"%s\"" : "%s %s ",
			      time, level_names[level]);
	at = put_fields(line, at, 512, where, sink.json);
	if (sink.json)
		at += (size_t)snprintf(line + at, sizeof(line) - at, ",\"msg\":\"");
	at = put_sentence(line, at, sizeof(line) - 4, sentence, sink.json);
	at += (size_t)snprintf(line + at, sizeof(line) - at, sink.json ? "\"}\n" : "\n");
	if (write(STDERR_FILENO, line, at) < 0)
		return; /* nowhere left to say it */
}
