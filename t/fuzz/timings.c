/*
 * timings.c - fuzz target: JUnit XML and lines of "SECONDS NAME".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "helper/helper.h"
#include "helper/timings.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
helper_fail(int status, const char *fmt, ...)
{
	(void)fmt;
	return status;
}

/* Every name that was kept is found, once. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct timings timings = {{ITEMS_INIT, ITEMS_INIT, ITEMS_INIT}};
	char *text = malloc(len + 1);
	size_t i;

	memcpy(text, bytes, len);
	text[len] = '\0';
	(void)timings_read(&timings, text);
	timings_settle(&timings);
	for (i = 0; i < timings.of[0].count; i++)
		assert(timings_find(&timings, TIMINGS_FILENAME, timings.of[0].list[i].text) ==
		       &timings.of[0].list[i]);
	timings_release(&timings);
	free(text);
	return 0;
}
