/*
 * search.c - fuzz target: a pattern, and output that is searched for it in pieces.
 *
 * The first line is the pattern, the second says by its bytes how what follows is cut into
 * records, or which of them are damaged. Of what is whole each line must be found that is found
 * alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "format/frame.h"
#include "hub/api/search_pattern.h"
#include "hub/api/search_piece.h"
#include "runner/protocol.h"

enum { INPUT_MOST = 4096, DAMAGED = 255 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct scene {
	struct search_pattern *pattern;
	struct frame_packer *packer;
	struct search_cutter cutter;
	size_t found; /* lines */
	bool is_slow, is_damaged;
};

static size_t
count_lines(const void *bytes, size_t len)
{
	const char *text = bytes;
	size_t count = 0, i;

	for (i = 0; i < len; i++)
		count += text[i] == '\n';
	return count;
}

static void
take(struct scene *scene, struct search_piece *piece)
{
	atomic_bool is_cancelled = false;
	struct err err = ERR_INIT;

	while (piece != NULL && !scene->is_slow && !piece->is_over) {
		if (search_piece_run(piece, scene->pattern, &is_cancelled, &err) < 0) {
			assert(err.code == ERR_LIMIT);
			scene->is_slow = true;
		}
		scene->found += count_lines(piece->found.data, piece->found.len);
		buffer_clear(&piece->found);
	}
	search_piece_free(piece);
}

static void
add(struct scene *scene, const uint8_t *bytes, size_t len, size_t offset, bool is_damaged)
{
	static unsigned char frame[RUNNER_RECORD_FRAME_MOST_BYTES];
	struct output_row row = {.attempt = 1, .offset = offset, .raw_len = (uint32_t)len};

	row.lines = (uint32_t)count_lines(bytes, len);
	row.frame_len = (uint32_t)frame_pack(scene->packer, frame, sizeof(frame), bytes, len);
	if (is_damaged)
		frame[row.frame_len - 1] ^= 1;
	scene->is_damaged = scene->is_damaged || is_damaged;
	take(scene, search_cutter_add(&scene->cutter, &row, frame));
}

/* How many lines the pattern is found in, each looked at alone. */
static size_t
count_found(const struct search_pattern *pattern, const uint8_t *bytes, size_t len, bool *is_slow)
{
	const uint8_t *end = bytes + len, *stop;
	struct search_matcher *matcher;
	struct err err = ERR_INIT;
	size_t count = 0;
	int rc;

	assert(search_matcher_new(&matcher, pattern, &err) == 0);
	for (; bytes < end; bytes = stop + 1) {
		stop = memchr(bytes, '\n', (size_t)(end - bytes));
		if (stop == NULL)
			stop = end;
		rc = search_matcher_finds(matcher, bytes, (size_t)(stop - bytes), true, true, &err);
		*is_slow = *is_slow || rc < 0;
		count += rc > 0;
	}
	search_matcher_free(matcher);
	return count;
}

static void
search(struct scene *scene, const uint8_t *cuts, size_t cut_count, const uint8_t *text, size_t len)
{
	struct err err = ERR_INIT;
	size_t at = 0, i = 0, n, alone;
	uint8_t cut;

	assert(frame_packer_new(&scene->packer, FRAME_LEVEL_DEFAULT, &err) == 0);
	while (at < len) {
		cut = cut_count > 0 ? cuts[i++ % cut_count] : 64;
		n = 1 + cut % 64u;
		n = len - at < n ? len - at : n;
		add(scene, text + at, n, at, cut == DAMAGED);
		at += n;
	}
	take(scene, search_cutter_end(&scene->cutter));
	alone = count_found(scene->pattern, text, len, &scene->is_slow);
	assert(scene->is_slow || scene->is_damaged || scene->found == alone);
	frame_packer_free(scene->packer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const uint8_t *end = bytes + (len < INPUT_MOST ? len : INPUT_MOST), *first, *second;
	struct scene scene = {.found = 0};
	struct err err = ERR_INIT;
	char *text;

	first = memchr(bytes, '\n', (size_t)(end - bytes));
	second = first != NULL ? memchr(first + 1, '\n', (size_t)(end - first - 1)) : NULL;
	if (second == NULL)
		return 0;
	text = strndup((const char *)bytes, (size_t)(first - bytes));
	if (search_pattern_new(&scene.pattern, text, false, &err) == 0)
		search(&scene, first + 1, (size_t)(second - first - 1), second + 1,
		       (size_t)(end - second - 1));
	else
		assert(err.code == ERR_INPUT);
	search_pattern_free(scene.pattern);
	free(text);
	return 0;
}
