/*
 * openmetrics.h - what is counted and measured, as text that scrapers read.
 *
 * openmetrics_begin() a family -> its samples -> the next family -> openmetrics_end(). The
 * form is OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/): HELP, TYPE
 * and UNIT of each family, "_total" behind a counter's name, "_info" behind an info's, the
 * unit at the end of a family's name, "# EOF" last.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FORMAT_OPENMETRICS_H
#define FORMAT_OPENMETRICS_H

#include <stddef.h>
#include <stdint.h>

struct buffer;

#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

enum openmetrics_kind {
	OPENMETRICS_GAUGE,
	OPENMETRICS_COUNTER,
	OPENMETRICS_HISTOGRAM,
	OPENMETRICS_INFO,
};

struct openmetrics {
	struct buffer *out; /* borrowed, without a limit */
	const char *name;   /* of the family */
	enum openmetrics_kind kind;
};

#define OPENMETRICS_INIT(buffer)                                                                   \
	{                                                                                          \
		.out = (buffer)                                                                    \
	}

/*
 * Begin a family. name is without suffixes and ends with "_" and the unit, where unit is not NULL;
 * it is borrowed until the next one begins. help is one line.
 */
void openmetrics_begin(struct openmetrics *to, const char *name, enum openmetrics_kind kind,
		       const char *unit, const char *help);

/*
 * One sample: pairs of a label's name and its value (any bytes; what is no UTF-8 becomes '?'),
 * then NULL.
 */
void openmetrics_put(struct openmetrics *to, uint64_t value, ...) __attribute__((sentinel));
void openmetrics_put_real(struct openmetrics *to, double value, ...) __attribute__((sentinel));

/* counts[i] lie at or below bounds[i] and above the one before; counts[n] above all. */
void openmetrics_put_histogram(struct openmetrics *to, const double *bounds, const uint64_t *counts,
			       size_t n, double sum);

/* Families of every program: process_*, named as others do (started_ms: Unix time), and lines of the log by level. */
void openmetrics_put_process(struct openmetrics *to, int64_t started_ms);
void openmetrics_put_log(struct openmetrics *to, const char *name);

void openmetrics_end(struct openmetrics *to);

#endif
