/*
 * crc32c.c - Castagnoli's checksum of what we store and send.
 *
 * Eight bytes a step from eight tables made at first use (the tables for one byte,
 * then each shifted by one byte more). No instruction of one processor is needed,
 * and runner-init, which has one thread like every program of ours, may use it too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/crc32c.h"

#include <string.h>

enum { POLYNOMIAL_REFLECTED = 0x82f63b78 };

static uint32_t table[8][256];

static void
make_tables(void)
{
	uint32_t crc;
	int i, j, k;

	for (i = 0; i < 256; i++) {
		crc = (uint32_t)i;
		for (k = 0; k < 8; k++)
			crc = crc & 1 ? crc >> 1 ^ (uint32_t)POLYNOMIAL_REFLECTED : crc >> 1;
		table[0][i] = crc;
	}
	for (i = 0; i < 256; i++)
		for (j = 1; j < 8; j++)
			table[j][i] = table[j - 1][i] >> 8 ^ table[0][table[j - 1][i] & 0xff];
}

uint32_t
crc32c(uint32_t crc, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint64_t word;

	if (table[0][1] == 0)
		make_tables();
	crc = ~crc;
	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		word = __builtin_bswap64(word);
#endif
		word ^= crc;
		crc = table[7][word & 0xff] ^ table[6][word >> 8 & 0xff] ^
		      table[5][word >> 16 & 0xff] ^ table[4][word >> 24 & 0xff] ^
		      table[3][word >> 32 & 0xff] ^ table[2][word >> 40 & 0xff] ^
		      table[1][word >> 48 & 0xff] ^ table[0][word >> 56];
	}
	for (; len > 0; p++, len--)
		crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xff];
	return ~crc;
}
