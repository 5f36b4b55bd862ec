/*
 * id.c - 128 random bits that name a thing, written as a UUID.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/id.h"

#include <string.h>
#include <sys/random.h>

#include "base/assert.h"
#include "base/text.h"

static const char hex_digits[] = "0123456789abcdef";

static void
random_bytes(uint8_t *bytes, unsigned n)
{
	/* Up to 256 bytes are never cut short nor interrupted: getrandom(2). */
	assert(n <= 256);
	if (getrandom(bytes, n, 0) != (ssize_t)n)
		assert_failed(__FILE__, __LINE__, "the kernel gives random bytes");
}

void
id_random(struct id *id)
{
	random_bytes(id->bytes, ID_BYTES);
	id->bytes[6] = (uint8_t)((id->bytes[6] & 0x0f) | 0x40);
	id->bytes[8] = (uint8_t)((id->bytes[8] & 0x3f) | 0x80);
}

static bool
is_dash_place(unsigned i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

const char *
id_text(char room[ID_TEXT_BYTES], const struct id *id)
{
	unsigned i, n = 0;

	for (i = 0; i < 36; i++) {
		if (is_dash_place(i)) {
			room[i] = '-';
			continue;
		}
		room[i] = hex_digits[n % 2 == 0 ? id->bytes[n / 2] >> 4 : id->bytes[n / 2] & 0x0f];
		n++;
	}
	room[36] = '\0';
	return room;
}

bool
id_parse(struct id *id, const char *text)
{
	struct id parsed = {{0}};
	unsigned i, n = 0;
	int digit;

	if (strlen(text) != 36)
		return false;
	for (i = 0; i < 36; i++) {
		if (is_dash_place(i)) {
			if (text[i] != '-')
				return false;
			continue;
		}
		digit = text_hex_value(text[i]);
		if (digit < 0)
			return false;
		parsed.bytes[n / 2] = (uint8_t)(parsed.bytes[n / 2] << 4 | digit);
		n++;
	}
	*id = parsed;
	return true;
}

bool
id_eq(const struct id *a, const struct id *b)
{
	return memcmp(a->bytes, b->bytes, ID_BYTES) == 0;
}

void
random_hex(char *room, unsigned n)
{
	uint8_t bytes[256];
	unsigned i;

	random_bytes(bytes, n);
	for (i = 0; i < n; i++) {
		room[2 * i] = hex_digits[bytes[i] >> 4];
		room[2 * i + 1] = hex_digits[bytes[i] & 0x0f];
	}
	room[2 * n] = '\0';
}
