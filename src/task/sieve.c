/*
 * sieve.c - where in a text one of many strings could begin, asked of few of its bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/sieve.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	GRAM_BITS_SMALL = 12,
	GRAM_BITS_LEAST = 14,
	GRAM_BITS_MOST = 18,
	KEY_BITS_LEAST = 10,
	KEY_BITS_MOST = 24,
	GRAM_SPARSE = 64, /* entries of a table for each that is used */
	KEY_SPARSE = 32,
	AT_ONCE = 4, /* samples */
};

/* Four bytes stand in far fewer places of a text than three; of a short window they would be all.
 */
static inline unsigned
gram_of(unsigned window)
{
	return window == SIEVE_LONG ? 4 : 3;
}

/* How many grams a window has, and how far two samples may lie apart. */
static inline unsigned
stride_of(unsigned window)
{
	return window - gram_of(window) + 1;
}

static unsigned
bits_for(size_t entries, unsigned least, unsigned most)
{
	unsigned bits = least;

	while (bits < most && (size_t)1 << bits < entries)
		bits++;
	return bits;
}

void
sieve_init(struct sieve *sieve, unsigned window, size_t count, bool small)
{
	memset(sieve, 0, sizeof(*sieve));
	sieve->window = window;
	if (count == 0)
		return;
	sieve->gram_bits = bits_for(count * stride_of(window) * GRAM_SPARSE,
				    small ? GRAM_BITS_SMALL : GRAM_BITS_LEAST, GRAM_BITS_MOST);
	sieve->key_bits = bits_for(count * KEY_SPARSE, KEY_BITS_LEAST, KEY_BITS_MOST);
	sieve->grams = mem_zalloc((size_t)1 << sieve->gram_bits, 1);
	sieve->keys = mem_zalloc((size_t)1 << (sieve->key_bits - 3), 1);
}

void
sieve_release(struct sieve *sieve)
{
	free(sieve->grams);
	free(sieve->keys);
	memset(sieve, 0, sizeof(*sieve));
}

static inline uint32_t
gram_hash(const struct sieve *sieve, const unsigned char *at, unsigned window)
{
	uint32_t gram;

	memcpy(&gram, at, sizeof(gram));
	gram = le32toh(gram);
	if (gram_of(window) == 3)
		gram &= 0xffffff;
	return gram * 0x9e3779b1u >> (32 - sieve->gram_bits);
}

static inline uint32_t
key_hash(const struct sieve *sieve, const unsigned char *at, unsigned window)
{
	uint64_t key = 0;

	memcpy(&key, at, window);
	return (uint32_t)(key * 0x9e3779b97f4a7c15u >> (64 - sieve->key_bits));
}

void
sieve_add(struct sieve *sieve, const unsigned char *bytes)
{
	uint32_t key = key_hash(sieve, bytes, sieve->window);
	unsigned char window[SIEVE_LONG + 1] = {0}; /* four bytes are read of each gram */
	unsigned i;

	memcpy(window, bytes, sieve->window);
	for (i = 0; i < stride_of(sieve->window); i++)
		sieve->grams[gram_hash(sieve, window + i, sieve->window)] |= (uint8_t)(1u << i);
	sieve->keys[key / 8] |= (uint8_t)(1u << key % 8);
}

/* A sample says at which places of a window its gram stands: the first of these windows that is
 * one. */
static inline bool
look_closer(const struct sieve *sieve, const unsigned char *text, size_t from, size_t sample,
	    unsigned window, size_t *found)
{
	unsigned places = sieve->grams[gram_hash(sieve, text + sample, window)], place;
	uint32_t key;

	for (place = stride_of(window); place-- > 0;) {
		if (!(places >> place & 1) || sample < from + place)
			continue;
		key = key_hash(sieve, text + sample - place, window);
		if (sieve->keys[key / 8] >> key % 8 & 1) {
			*found = sample - place;
			return true;
		}
	}
	return false;
}

/* For one window size: the compiler makes a loop for each. */
static inline size_t
next(const struct sieve *sieve, const unsigned char *text, size_t len, size_t from, unsigned window)
{
	const size_t stride = stride_of(window), far = stride * (AT_ONCE - 1);
	const uint8_t *grams = sieve->grams;
	size_t at = from + stride - 1, found;
	unsigned i;

	while (at + far + window <= len) {
		uint8_t any = 0;

		for (i = 0; i < AT_ONCE; i++)
			any |= grams[gram_hash(sieve, text + at + i * stride, window)];
		if (any != 0)
			for (i = 0; i < AT_ONCE; i++)
				if (look_closer(sieve, text, from, at + i * stride, window, &found))
					return found;
		at += AT_ONCE * stride;
	}
	for (; at + window <= len; at += stride)
		if (look_closer(sieve, text, from, at, window, &found))
			return found;
	return at - (stride - 1) < len ? at - (stride - 1) : len;
}

size_t
sieve_next(const struct sieve *sieve, const unsigned char *text, size_t len, size_t from)
{
	if (sieve->grams == NULL || from >= len)
		return len;
	return sieve->window == SIEVE_LONG ? next(sieve, text, len, from, SIEVE_LONG)
					   : next(sieve, text, len, from, SIEVE_SHORT);
}
