/*
 * cache_key.h - a cache's key as the config has it becomes the key of this job.
 *
 * "v1-{{ arch }}-{{ checksum "go.sum" }}": what stands between braces is put in when the step
 * begins, in the job's working directory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_CACHE_KEY_H
#define ARCHIVE_CACHE_KEY_H

struct buffer;
struct err;

enum {
	CACHE_KEY_MOST_BYTES = 900,
	CACHE_KEY_CHECKSUM_MOST_BYTES = 1 << 30, /* of a file whose checksum is asked for */
};

/*
 * What the template asks for: variables of the environment (NULL: not set), files by their path,
 * and the time. A test gives its own.
 */
struct cache_key_facts {
	void *arg;
	const char *(*variable)(void *arg, const char *name);
	int (*checksum)(void *arg, const char *path, unsigned char digest[32], struct err *err);
	long long epoch;  /* Unix time in seconds */
	const char *arch; /* "arch1-linux-amd64-6_85" */
	/* A name that has no value was asked for: the key has nothing in its place. May be NULL. */
	void (*on_unset)(void *arg, const char *name);
};

/*
 * Append the key. Fails: ERR_INPUT (an unknown word or field, braces that do not close, an empty
 * key, a key that is longer than allowed or not one line of UTF-8), or what checksum() fails with.
 */
int cache_key_render(struct buffer *out, const char *text, const struct cache_key_facts *facts,
		     struct err *err);

/* The facts of this process: its environment, working directory, clock and processor. */
void cache_key_facts_of_process(struct cache_key_facts *facts);

#endif
