/*
 * warnings.c - what a step could not do and went on: told to standard error, the first of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/warnings.h"

#include <stdarg.h>
#include <stdio.h>

void
warnings_tell(struct warnings *warnings, const char *fmt, ...)
{
	va_list ap;

	if (atomic_fetch_add(&warnings->count, 1) >= WARNINGS_TOLD_MOST)
		return;
	flockfile(stderr);
	(void)fputs("warning: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	funlockfile(stderr);
}

void
warnings_end(struct warnings *warnings)
{
	unsigned long long count = atomic_load(&warnings->count);

	if (count > WARNINGS_TOLD_MOST)
		(void)fprintf(stderr, "warning: %llu more like these\n",
			      count - WARNINGS_TOLD_MOST);
}
