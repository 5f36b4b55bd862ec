/*
 * overlap.c - which files of a workspace two jobs have persisted side by side.
 *
 * A file is known by 128 bits of the digest of its name, with the last layer that has it: whoever
 * stands above that one stands above all before it, or there was a conflict already.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/overlap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/digest.h"
#include "task/layers.h"

enum { KEY_BYTES = 16, WORD_BITS = 64 };

struct file {
	unsigned char key[KEY_BYTES];
	size_t layer; /* the last that has it */
	UT_hash_handle hh;
};

struct overlap {
	const struct layers *layers;
	uint64_t *behind; /* a row of bits a job: the jobs that it runs behind, all of them */
	size_t words;	  /* of a row */
	bool is_chain;	  /* every layer stands above all before it */
	struct file *files;
};

static void
add_row(uint64_t *row, const uint64_t *other, size_t words)
{
	size_t i;

	for (i = 0; i < words; i++)
		row[i] |= other[i];
}

/* Each job names the nearest before it, whose rows are complete. */
static void
fill_rows(struct overlap *overlap)
{
	const struct layers *layers = overlap->layers;
	size_t i, k;

	for (i = 0; i < layers->job_count; i++)
		for (k = 0; k < layers->jobs[i].after_count; k++) {
			uint64_t *row = overlap->behind + i * overlap->words;
			size_t other = layers->jobs[i].after[k];

			row[other / WORD_BITS] |= (uint64_t)1 << other % WORD_BITS;
			add_row(row, overlap->behind + other * overlap->words, overlap->words);
		}
}

static bool
stands_above(const struct overlap *overlap, size_t i, size_t other)
{
	const struct layer *upper = &overlap->layers->list[i];
	const struct layer *lower = &overlap->layers->list[other];
	const uint64_t *row = overlap->behind + upper->job * overlap->words;

	if (upper->job == lower->job)
		return text_eq(upper->task, lower->task);
	return (row[lower->job / WORD_BITS] >> lower->job % WORD_BITS & 1) != 0;
}

struct overlap *
overlap_new(const struct layers *layers)
{
	struct overlap *overlap = MEM_NEW(struct overlap);
	size_t i;

	overlap->layers = layers;
	overlap->words = layers->job_count / WORD_BITS + 1;
	overlap->behind = MEM_NEW_ARRAY(uint64_t, layers->job_count * overlap->words + 1);
	fill_rows(overlap);
	overlap->is_chain = true;
	for (i = 1; i < layers->count; i++)
		overlap->is_chain &= stands_above(overlap, i, i - 1);
	return overlap;
}

void
overlap_free(struct overlap *overlap)
{
	struct file *file, *next;

	if (overlap == NULL)
		return;
	HASH_ITER (hh, overlap->files, file, next) {
		HASH_DEL(overlap->files, file);
		free(file);
	}
	free(overlap->behind);
	free(overlap);
}

bool
overlap_note(struct overlap *overlap, size_t i, const char *name, size_t *other)
{
	unsigned char digest[DIGEST_BYTES];
	struct file *file;

	if (overlap->is_chain)
		return false;
	digest_sha256(digest, name, strlen(name));
	HASH_FIND(hh, overlap->files, digest, KEY_BYTES, file);
	if (file == NULL) {
		file = MEM_NEW(struct file);
		memcpy(file->key, digest, KEY_BYTES);
		HASH_ADD(hh, overlap->files, key, KEY_BYTES, file);
	} else if (file->layer != i && !stands_above(overlap, i, file->layer)) {
		*other = file->layer;
		return true;
	}
	file->layer = i;
	return false;
}
