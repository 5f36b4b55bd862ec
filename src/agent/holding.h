/*
 * holding.h - the words that say what of this host a task holds by name: "cpus:0-3
 * gpu:/dev/nvidia0".
 *
 * A text, since it is kept in the task's state directory and must be read again by a runnerd whose
 * settings number things otherwise. Each word is NOUN:WHAT; neither holds a blank, NOUN no colon.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_HOLDING_H
#define AGENT_HOLDING_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;
struct err;

#define HOLDING_CPUS "cpus" /* what it is pinned to, as a list: "0-3,64-67" */

enum { HOLDING_MOST_BYTES = 64 << 10 };

struct holding_word {
	const char *noun, *what; /* in the text, not terminated */
	size_t noun_len, what_len;
};

void holding_put(struct buffer *words, const char *noun, const char *what);

/* The word at *words, which is moved behind it. False at the end. */
bool holding_next(const char **words, struct holding_word *word);
bool holding_is(const struct holding_word *word, const char *noun);

/* What the first word of that noun says, in room; NULL when there is none, or no room. */
const char *holding_what(const char *words, const char *noun, char *room, size_t size);

/* Keep the words in a task's state directory (nothing where there are none), and read them: ""
 * where none were kept; *words is the caller's to free. Fails: as state_dir_write(); ERR_INPUT. */
int holding_write(int dir_fd, const char *words, struct err *err);
int holding_read(int dir_fd, char **words, struct err *err);

#endif
