/*
 * log.h - what our programs say of themselves; never what a job prints.
 *
 * Text form: "2026-01-31T09:14:07.123Z info task=7f3a step=2 step ended: exit 1".
 * The messages are an interface: tests wait for them. Secrets have no field here.
 * Before log_setup() the level is info, the form text and the clock stands at 0.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

struct err;

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_LEVEL_COUNT };

/* Fields in front of the sentence, in this order; absent: NULL or -1. */
struct log_at {
	const char *task;
	int step;
	int slot;
	const char *hub;
};

#define LOG_AT_NONE	     ((struct log_at){NULL, -1, -1, NULL})
#define LOG_AT_TASK(id)	     ((struct log_at){(id), -1, -1, NULL})
#define LOG_AT_STEP(id, idx) ((struct log_at){(id), (int)(idx), -1, NULL})

/* now_ms gives Unix time in milliseconds. */
void log_setup(enum log_level most, bool json, int64_t (*now_ms)(void));

/* Is each line on standard error JSON? Then what ends a program has to be, too. */
bool log_is_json(void);

/* "error", "warn", "info", "debug". Fails: ERR_INPUT. */
int log_level_parse(const char *name, enum log_level *out, struct err *err);

/* Lines written since the start. */
uint64_t log_count(enum log_level level);
/* "error": as in a line. */
const char *log_level_name(enum log_level level);

bool log_wants(enum log_level level);

/* One line to standard error, in one write(2). */
void log_line(enum log_level level, struct log_at at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(...) log_line(LOG_ERROR, LOG_AT_NONE, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, LOG_AT_NONE, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, LOG_AT_NONE, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, LOG_AT_NONE, __VA_ARGS__)

#endif
