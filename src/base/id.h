/*
 * id.h - 128 random bits that name a thing, written as a UUID (RFC 9562, version 4).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

enum { ID_BYTES = 16, ID_TEXT_BYTES = 37 };

struct id {
	uint8_t bytes[ID_BYTES];
};

/* From the kernel's random source; ends the program where there is none. */
void id_random(struct id *id);

/* room holds 36 characters and a NUL. Returns room. */
const char *id_text(char room[ID_TEXT_BYTES], const struct id *id);

/* Exactly 36 characters, hexadecimal in either case. */
bool id_parse(struct id *id, const char *text);

bool id_eq(const struct id *a, const struct id *b);

/* n random bytes as 2n hexadecimal digits and a NUL: tokens, keys. */
void random_hex(char *room, unsigned n);

#endif
