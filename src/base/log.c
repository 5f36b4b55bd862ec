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

/* A control character is six bytes of JSON; a field has two of them at most. */
enum { SENTENCE_BYTES = 1024, FIELD_BYTES = 129, LINE_BYTES = 4096 };

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

bool
log_is_json(void)
{
	return sink.json;
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

/*
 * Control characters would let a name in a message forge a line; what is no UTF-8, a character cut in
 * two included, would make JSON that no reader takes.
 */
static size_t
put_text(char *line, size_t at, size_t room, const char *text, bool json)
{
	size_t len = strlen(text), part;

	for (; len > 0 && at + 8 < room; text += part, len -= part) {
		unsigned char c = (unsigned char)*text;

		part = 1;
		if (json && (c == '"' || c == '\\')) {
			line[at++] = '\\';
			line[at++] = (char)c;
		} else if (c < 0x20 || c == 0x7f) {
			at += (size_t)snprintf(line + at, room - at, json ? "\\u%04x" : "\\x%02x", c);
		} else if (c < 0x80) {
			line[at++] = (char)c;
		} else {
			part = text_utf8_char(text, len);
			memcpy(line + at, part > 0 ? text : "?", part > 0 ? part : 1);
			part = part > 0 ? part : 1;
			at += part;
		}
	}
	return at;
}

static size_t
put_word(char *line, size_t at, size_t room, const char *key, const char *value, bool json)
{
	char cut[FIELD_BYTES];

	(void)snprintf(cut, sizeof(cut), "%s", value);
	at += (size_t)snprintf(line + at, room - at, json ? ",\"%s\":\"" : "%s=", key);
	at = put_text(line, at, room, cut, json);
	return at + (size_t)snprintf(line + at, room - at, json ? "\"" : " ");
}

static size_t
put_fields(char *line, size_t at, size_t room, struct log_at where, bool json)
{
	const char *number_form = json ? ",\"%s\":%d" : "%s=%d ";

	if (where.task != NULL)
		at = put_word(line, at, room, "task", where.task, json);
	if (where.step >= 0)
		at += (size_t)snprintf(line + at, room - at, number_form, "step", where.step);
	if (where.slot >= 0)
		at += (size_t)snprintf(line + at, room - at, number_form, "slot", where.slot);
	if (where.hub != NULL)
		at = put_word(line, at, room, "hub", where.hub, json);
	return at;
}

void
log_line(enum log_level level, struct log_at where, const char *fmt, ...)
{
	char sentence[SENTENCE_BYTES], line[LINE_BYTES], time[32];
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
	at = put_fields(line, at, sizeof(line) / 2, where, sink.json);
	if (sink.json)
		at += (size_t)snprintf(line + at, sizeof(line) - at, ",\"msg\":\"");
	at = put_text(line, at, sizeof(line) - 4, sentence, sink.json);
	at += (size_t)snprintf(line + at, sizeof(line) - at, sink.json ? "\"}\n" : "\n");
	if (write(STDERR_FILENO, line, at) < 0)
		return; /* nowhere left to say it */
}
