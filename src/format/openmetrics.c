/*
 * openmetrics.c - what is counted and measured, as text that scrapers read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "format/openmetrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/text.h"

static const struct {
	const char *name, *suffix;
} kinds[] = {
	[OPENMETRICS_GAUGE] = {"gauge", ""},
	[OPENMETRICS_COUNTER] = {"counter", "_total"},
	[OPENMETRICS_HISTOGRAM] = {"histogram", ""},
	[OPENMETRICS_INFO] = {"info", "_info"},
};

void
openmetrics_begin(struct openmetrics *to, const char *name, enum openmetrics_kind kind,
		  const char *unit, const char *help)
{
	to->name = name;
	to->kind = kind;
	buffer_printf(to->out, "# TYPE %s %s\n", name, kinds[kind].name);
	if (unit != NULL) {
		assert(text_ends(name, unit));
		buffer_printf(to->out, "# UNIT %s %s\n", name, unit);
	}
	buffer_printf(to->out, "# HELP %s %s\n", name, help);
}

static void
put_label_value(struct buffer *out, const char *value)
{
	size_t len = strlen(value), part;

	while (len > 0) {
		part = text_utf8_prefix(value, len);
		if (part > 0 && strchr("\"\\\n", *value) != NULL) {
			buffer_printf(out, "\\%c", *value == '\n' ? 'n' : *value);
			part = 1;
		} else if (part > 0) {
			part = strcspn(value, "\"\\\n") < part ? strcspn(value, "\"\\\n") : part;
			buffer_putn(out, value, part);
		} else {
			buffer_puts(out, "?");
			part = 1;
		}
		value += part;
		len -= part;
	}
}

static void
put_name(struct openmetrics *to, va_list labels)
{
	const char *label, *between = "{";

	buffer_printf(to->out, "%s%s", to->name, kinds[to->kind].suffix);
	while ((label = va_arg(labels, const char *)) != NULL) {
		buffer_printf(to->out, "%s%s=\"", between, label);
		put_label_value(to->out, va_arg(labels, const char *));
		buffer_puts(to->out, "\"");
		between = ",";
	}
	if (*between == ',')
		buffer_puts(to->out, "}");
}

void
openmetrics_put(struct openmetrics *to, uint64_t value, ...)
{
	va_list labels;

	va_start(labels, value);
	put_name(to, labels);
	va_end(labels);
	buffer_printf(to->out, " %" PRIu64 "\n", value);
}

void
openmetrics_put_real(struct openmetrics *to, double value, ...)
{
	va_list labels;

	va_start(labels, value);
	put_name(to, labels);
	va_end(labels);
	buffer_printf(to->out, " %.15g\n", value);
}

void
openmetrics_put_histogram(struct openmetrics *to, const double *bounds, const uint64_t *counts,
			  size_t n, double sum)
{
	uint64_t below = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		below += counts[i];
		/* The canonical form of a whole number has a point. */
		buffer_printf(to->out, "%s_bucket{le=\"%g%s\"} %" PRIu64 "\n", to->name, bounds[i],
			      bounds[i] == (double)(int64_t)bounds[i] ? ".0" : "", below);
	}
	below += counts[n];
	buffer_printf(to->out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", to->name, below);
	buffer_printf(to->out, "%s_count %" PRIu64 "\n%s_sum %.15g\n", to->name, below, to->name,
		      sum);
}

void
openmetrics_end(struct openmetrics *to)
{
	buffer_puts(to->out, "# EOF\n");
}
