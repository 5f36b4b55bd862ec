/*
 * seconds.c - how long a test took, as the many writers of JUnit XML have it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "helper/seconds.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

uint64_t
seconds_us(const char *text)
{
	char number[64], *at = number;
	const char *comma = strchr(text, ',');
	/* "1,234.5" and "1,234" have thousands; "0,25" and "0,125" were written elsewhere. */
	bool is_point = comma != NULL && strchr(text, '.') == NULL &&
			strchr(comma + 1, ',') == NULL &&
			(strncmp(text, "0,", 2) == 0 || strspn(comma + 1, "0123456789") != 3);
	double seconds;

	for (; *text != '\0' && at < number + sizeof(number) - 1; text++)
		if (*text != ',' || is_point)
			*at++ = *text == ',' ? '.' : *text;
	*at = '\0';
	seconds = strtod(number, NULL);
	if (!(seconds > 0))
		return 0;
	if (seconds > SECONDS_MOST)
		return SECONDS_MOST * UINT64_C(1000000);
	return (uint64_t)(seconds * 1e6 + 0.5);
}
