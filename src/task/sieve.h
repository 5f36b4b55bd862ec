/*
 * sieve.h - where in a text one of many strings could begin, asked of few of its bytes.
 *
 * Every string's first `window` bytes are cut into grams, of four bytes in a long window and of
 * three in a short one. A text is sampled so that whatever begins in it has one of its grams under
 * a sample: every window - 3 or window - 2 bytes. The samples do not hang on each other, as
 * Wu-Manber's shifts do, so the processor takes several at once; their number is the same for one
 * string and for hundreds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_SIEVE_H
#define TASK_SIEVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIEVE_SHORT = 4, SIEVE_LONG = 8 };

struct sieve {
	unsigned window;    /* SIEVE_SHORT or SIEVE_LONG */
	unsigned gram_bits; /* the table has 1 << gram_bits entries */
	uint8_t *grams;	    /* by hash: at which places of a window it stands; NULL: no strings */
	unsigned key_bits;
	uint8_t *keys; /* by hash of a whole window: a bit each */
};

/* For at most count strings of at least window bytes. A small one of few strings takes 4 KiB, not
 * 16, and lets some more places through. */
void sieve_init(struct sieve *sieve, unsigned window, size_t count, bool small);
void sieve_release(struct sieve *sieve);
void sieve_add(struct sieve *sieve, const unsigned char *bytes);

/*
 * The first place at or behind from where a string may begin. Where less than a window is left
 * nothing can be said: the first such place counts. Never above len.
 */
size_t sieve_next(const struct sieve *sieve, const unsigned char *text, size_t len, size_t from);

#endif
