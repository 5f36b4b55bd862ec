/*
 * mask.c - fuzz target: secrets and a text, cut anyhow, against the plain reference.
 *
 * The first line's bytes say how the text is cut; then a secret a line up to an empty one; the rest
 * is the text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/mask.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "mask_reference.h"
#include "task/mask_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { INPUT_MOST = 4096 };

struct input {
	const uint8_t *at, *end;
};

static struct input
next_line(struct input *input)
{
	const uint8_t *stop = memchr(input->at, '\n', (size_t)(input->end - input->at));
	struct input line = {input->at, stop != NULL ? stop : input->end};

	input->at = stop != NULL ? stop + 1 : input->end;
	return line;
}

static void
apply_in_cuts(struct mask *mask, struct input text, struct input cuts, struct buffer *out)
{
	size_t len = (size_t)(text.end - text.at), seen = 0, at = 0, taken, n;
	size_t count = (size_t)(cuts.end - cuts.at), i = 0;
	struct mask_carry carry = {0};

	do {
		/* Memory of its own for each: what lies behind must not be read. */
		unsigned char *in, *room;

		seen += count > 0 ? cuts.at[i++ % count] % 16u + 1u : len;
		if (seen > len)
			seen = len;
		in = malloc(seen - at + 1);
		room = malloc(seen - at + MASK_STARS);
		memcpy(in, text.at + at, seen - at);
		n = mask_apply(mask, in, seen - at, seen == len, &carry, room, &taken);
		buffer_putn(out, room, n);
		free(in);
		free(room);
		at += taken;
		/* A reader that lost its place goes on with the count alone, or looks back. */
		memset(&carry, 0, sizeof(carry));
		if (count > 0 && cuts.at[i % count] & 16)
			mask_recall(mask, text.at, at, &carry);
	} while (seen < len);
	assert(at == len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input input = {bytes, bytes + (len < INPUT_MOST ? len : INPUT_MOST)}, cuts, line;
	struct mask_reference *reference = mask_reference_new();
	struct mask_sets sets = {NULL};
	struct mask *mask = NULL;
	char first[INPUT_MOST + 1];
	const char *shared[] = {first};
	struct buffer out = BUFFER_INIT;
	struct err err = ERR_INIT;
	unsigned char *expected;
	size_t n;

	cuts = next_line(&input);
	for (line = next_line(&input); line.end > line.at; line = next_line(&input)) {
		/* The first is shared, where it is a string. */
		if (mask == NULL && memchr(line.at, '\0', (size_t)(line.end - line.at)) == NULL) {
			memcpy(first, line.at, (size_t)(line.end - line.at));
			first[line.end - line.at] = '\0';
			mask = mask_new_of(&sets, shared, 1, NULL, 0);
			mask_reference_add(reference, line.at, (size_t)(line.end - line.at));
			continue;
		}
		if (mask == NULL)
			mask = mask_new();
		assert(mask_add(mask, line.at, (size_t)(line.end - line.at), &err) == 0);
		mask_reference_add(reference, line.at, (size_t)(line.end - line.at));
	}
	if (mask == NULL)
		mask = mask_new();
	n = mask_reference_apply(reference, input.at, (size_t)(input.end - input.at), &expected);
	apply_in_cuts(mask, input, cuts, &out);
	assert(out.len == n && (n == 0 || memcmp(out.data, expected, n) == 0));
	free(expected);
	buffer_release(&out);
	mask_free(mask);
	mask_reference_free(reference);
	return 0;
}
