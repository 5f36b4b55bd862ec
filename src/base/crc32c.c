/*
 * crc32c.c - Castagnoli's checksum of what we store and send.
 *
 * Eight bytes a step: by the processor's instruction where there is one, else from eight
 * tables made at first use (the tables for one byte, then each shifted by one byte more).
 *
 * To ask a processor what it can do takes 5 us in a virtual machine, whose host has to answer; to
 * make the tables takes 2. runner-init, which lives for a few records of 96 bytes and has one
 * thread like every program of ours, needs neither: what is short goes by sixteen constants until
 * somebody has asked. (libgcc's __builtin_cpu_supports() asks a dozen times, at the start of every
 * program that has it.)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/crc32c.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <stdbool.h>
#include <string.h>

enum { POLYNOMIAL_REFLECTED = 0x82f63b78, SHORT_BYTES = 128 };

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
ask_for_instruction(void)
{
	unsigned a, b, c, d;

	__cpuid(1, a, b, c, d); /* every x86-64 has this leaf */
	return (c & bit_SSE4_2) != 0;
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
ask_for_instruction(void)
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

/* Half a byte a step. */
static uint32_t
by_constants(uint32_t crc, const unsigned char *p, size_t len)
{
	static const uint32_t of_half[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};

	for (; len > 0; p++, len--) {
		crc ^= *p;
		crc = crc >> 4 ^ of_half[crc & 15];
		crc = crc >> 4 ^ of_half[crc & 15];
	}
	return crc;
}

uint32_t
crc32c(uint32_t crc, const void *bytes, size_t len)
{
	static bool asked, has_instruction;

	if (!asked && len <= SHORT_BYTES)
		return ~by_constants(~crc, bytes, len);
	if (!asked)
		has_instruction = ask_for_instruction();
	asked = true;
	return ~(has_instruction ? by_instruction(~crc, bytes, len)
				 : by_tables(~crc, bytes, len));
}
