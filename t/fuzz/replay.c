/*
 * replay.c - the main of a fuzz target where there is no fuzzer: its corpus, and each file a little
 * damaged.
 *
 * usage: TARGET CORPUS_DIR. Prints TAP. The damage is the same in every run: each file cut at up to
 * CUTS places, and with up to FLIPS bytes changed by a fixed sequence.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { FILE_MOST_BYTES = 1 << 20, CUTS = 64, FLIPS = 512 };

static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u; /* Numerical Recipes' constants */
	return *state >> 8;
}

/* A copy of its own, so that a read past its end is seen by the sanitizers. */
static void
try(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len != 0 ? len : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, bytes, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void
replay(uint8_t *bytes, size_t len)
{
	uint32_t state = (uint32_t)len;
	size_t i, at;
	uint8_t was;

	try(bytes, len);
	for (i = 0; i < CUTS && len > 0; i++)
		try(bytes, len > CUTS ? next_random(&state) % len : i % len);
	for (i = 0; i < FLIPS && len > 0; i++) {
		at = next_random(&state) % len;
		was = bytes[at];
		bytes[at] = (uint8_t)next_random(&state);
		try(bytes, len);
		bytes[at] = was;
	}
}

static int
replay_file(const char *dir, const char *name)
{
	static uint8_t bytes[FILE_MOST_BYTES];
	char path[4096];
	FILE *file;
	size_t len;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "rbe");
	if (file == NULL)
		return -1;
	len = fread(bytes, 1, sizeof(bytes), file);
	(void)fclose(file);
	replay(bytes, len);
	return 0;
}

int
main(int argc, char **argv)
{
	struct dirent *entry;
	int n = 0, bad = 0;
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;

	if (dir == NULL) {
		(void)fprintf(stderr, "usage: %s CORPUS_DIR\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		n++;
		if (replay_file(argv[1], entry->d_name) < 0)
			bad++;
		(void)printf("%s %d - %s and its damaged copies\n", bad ? "not ok" : "ok", n,
			     entry->d_name);
	}
	(void)closedir(dir);
	(void)printf("1..%d\n", n);
	return n == 0 || bad != 0;
}
