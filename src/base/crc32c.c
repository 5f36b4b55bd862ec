/*
 * crc32c.c - Castagnoli's checksum of what we store and send.
 *
 * Eight bytes a step: by the processor's instruction where there is one, else from eight
 * tables made at first use (the tables for one byte, then each shifted by one byte more).
 * runner-init, which has one thread like every program of ours, may use it too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/crc32c.h"

#include <stdbool.h>
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

#ifdef __x86_64__
static bool
has_instruction(void)
{
	return __builtin_cpu_supports("sse4.2");
}

__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, const unsigned char *p, size_t len)
{
	uint64_t state = crc, word;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		state = __builtin_ia32_crc32di(state, word);
	}
	for (; len > 0; p++, len--)
		state = __builtin_ia32_crc32qi((uint32_t)state, *p);
	return (uint32_t)state;
}
#else
static bool
has_instruction(void)
{
	return false;
}

static uint32_t
by_instruction(uint32_t crc, const unsigned char *p, size_t len)
{
	(void)p;
	(void)len;
	return crc;
}
#endif

static uint32_t
by_tables(uint32_t crc, const unsigned char *p, size_t len)
{
	uint64_t word;

	if (table[0][1] == 0)
		make_tables();
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
	return crc;
}

uint32_t
crc32c(uint32_t crc, const void *bytes, size_t len)
{
	return ~(has_instruction() ? by_instruction(~crc, bytes, len)
				   : by_tables(~crc, bytes, len));
}
