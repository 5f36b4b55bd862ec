/*
 * mask.c - what masking costs beside counting lines and zstd on the same bytes.
 *
 * usage: mask [LOG...]: the files are the text (without: lines that a build could print). Each
 * figure is the best of five passes, in 64 KiB chunks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/mask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

#include "base/mem.h"
#include "task/mask_set.h"

enum {
	TEXT_BYTES = 24 * 1024 * 1024,
	CHUNK_BYTES = 65536,
	PASSES = 5,
	TOKEN_BYTES = 342, /* the signature of an identity token */
};

static unsigned char *text;
static size_t text_len;
static unsigned char room[2 * CHUNK_BYTES];

static double
cpu_seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint32_t
draw(uint32_t below)
{
	static uint32_t seed = 1;

	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void
make_text(void)
{
	static const char *const forms[] = {
		"gcc -O2 -Wall -Wextra -Isrc -c src/module_%u/file_%u.c -o build/file_%u.o\n",
		"npm notice package-%u@%u.%u.0 node_modules/.cache/integrity sha512-verified\n",
		"[%u/%u] Linking CXX executable bin/target-%u\n",
		"--- PASS: TestRequestHandler/case_%u (0.%02us) goroutine %u\n",
	};

	while (text_len + 200 < TEXT_BYTES)
		text_len += (size_t)snprintf((char *)text + text_len, 200, forms[draw(4)],
					     draw(5000), draw(60), draw(9000));
}

static void
read_text(int count, char **names)
{
	int i;

	text = mem_zalloc(TEXT_BYTES, 1);
	for (i = 0; i < count; i++) {
		FILE *file = fopen(names[i], "re");

		if (file == NULL) {
			perror(names[i]);
			exit(1);
		}
		text_len += fread(text + text_len, 1, TEXT_BYTES - text_len, file);
		(void)fclose(file);
	}
	if (count == 0)
		make_text();
}

static void
pass_lines(void *arg)
{
	const unsigned char *at = text, *end = text + text_len;
	size_t *lines = arg;

	for (; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
		(*lines)++;
}

static void
pass_zstd(void *arg)
{
	static unsigned char frame[ZSTD_COMPRESSBOUND(CHUNK_BYTES)];
	size_t at, n;

	for (at = 0; at < text_len; at += n) {
		n = text_len - at < CHUNK_BYTES ? text_len - at : CHUNK_BYTES;
		(void)ZSTD_compressCCtx(arg, frame, sizeof(frame), text + at, n, 1);
	}
}

static void
pass_mask(void *arg)
{
	struct mask_carry carry = {0};
	size_t at, n, taken;

	for (at = 0; at < text_len; at += taken) {
		n = text_len - at < CHUNK_BYTES ? text_len - at : CHUNK_BYTES;
		(void)mask_apply(arg, text + at, n, at + n == text_len, &carry, room, &taken);
	}
}

static double
rate(const char *what, void (*pass)(void *arg), void *arg)
{
	double best = 1e9, begun, took;
	int i;

	for (i = 0; i < PASSES; i++) {
		begun = cpu_seconds();
		pass(arg);
		took = cpu_seconds() - begun;
		if (took < best)
			best = took;
	}
	(void)printf("%-52s %7.0f MB/s\n", what, (double)text_len / best / 1e6);
	return (double)text_len / best / 1e6;
}

static void
draw_secret(char *secret, size_t len)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

	while (len-- > 0)
		*secret++ = letters[draw(64)];
}

enum { SECRETS_MOST = 1000, SECRET_BYTES = 400 };

static char secrets[SECRETS_MOST][SECRET_BYTES];

/* As a task's are: so many that it has with others, and so many of its own behind them. */
static struct mask *
make_mask(struct mask_sets *sets, unsigned shared, unsigned own)
{
	const char *values[SECRETS_MOST];
	struct mask_carry carry = {0};
	struct mask *mask;
	size_t taken;
	unsigned i;

	for (i = 0; i < shared + own; i++)
		values[i] = secrets[i];
	mask = mask_new_of(sets, values, shared, values + shared, own);
	(void)mask_apply(mask, text, 1, true, &carry, room, &taken);
	return mask;
}

static double
bench_mask(unsigned count, size_t least, size_t most, unsigned tokens)
{
	struct mask_sets sets = {NULL};
	struct mask *mask;
	char name[96];
	double begun, built, result;
	unsigned i;

	for (i = 0; i < count + tokens; i++) {
		size_t len = i < count ? least + draw((uint32_t)(most - least + 1)) : TOKEN_BYTES;

		draw_secret(secrets[i], len);
		secrets[i][len] = '\0';
	}
	begun = cpu_seconds();
	mask = make_mask(&sets, count, tokens);
	built = cpu_seconds() - begun;
	(void)snprintf(name, sizeof(name), "mask, %u secrets of %zu to %zu bytes%s (%.2f ms)",
		       count, least, most, tokens > 0 ? ", 2 tokens" : "", built * 1e3);
	result = rate(name, pass_mask, mask);
	mask_free(mask);
	return result;
}

int
main(int argc, char **argv)
{
	size_t lines = 0;
	double one, hundred, zstd;
	ZSTD_CCtx *packer = ZSTD_createCCtx();

	read_text(argc - 1, argv + 1);
	(void)rate("lines counted with memchr", pass_lines, &lines);
	zstd = rate("zstd -1, 64 KiB frames", pass_zstd, packer);
	one = bench_mask(1, 16, 40, 0);
	(void)bench_mask(10, 16, 40, 0);
	hundred = bench_mask(100, 16, 40, 0);
	(void)bench_mask(0, 0, 0, 2);
	(void)bench_mask(10, 16, 40, 2);
	(void)bench_mask(100, 16, 40, 2);
	(void)bench_mask(1, 4, 7, 0);
	(void)bench_mask(10, 4, 7, 0);
	(void)bench_mask(100, 4, 7, 0);
	(void)bench_mask(100, 4, 40, 0);
	(void)bench_mask(1000, 8, 40, 0);
	(void)printf("one secret : hundred = %.2f; hundred : zstd = %.1f\n", one / hundred,
		     hundred / zstd);
	(void)ZSTD_freeCCtx(packer);
	free(text);
	return 0;
}
