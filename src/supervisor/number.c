/*
 * number.c - decimal numbers to text and back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/number.h"

#include <stddef.h>

char *
number_write(char room[NUMBER_TEXT_BYTES], uint32_t value)
{
	char *end = room + 1, *at;
	uint32_t rest;

	for (rest = value; rest >= 10; rest /= 10)
		end++;
	*end = '\0';
	for (at = end; at > room; value /= 10)
		*--at = (char)('0' + value % 10);
	return end;
}

/* Where the digits end, or NULL. */
static const char *
read_digits(const char *text, uint32_t *value)
{
	const char *at;
	uint64_t sum = 0;

	for (at = text; *at >= '0' && *at <= '9'; at++) {
		sum = sum * 10 + (uint64_t)(*at - '0');
		if (sum > UINT32_MAX)
			return NULL;
	}
	if (at == text)
		return NULL;
	*value = (uint32_t)sum;
	return at;
}

bool
number_read(const char *text, uint32_t *value)
{
	return read_digits(text, value) != NULL;
}

bool
number_parse(const char *text, uint32_t *value)
{
	const char *end = read_digits(text, value);

	return end != NULL && *end == '\0';
}
