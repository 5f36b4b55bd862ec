/*
 * holding.c - the words that say what of this host a task holds by name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/holding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/state_dir.h"
#include "agent/state_version.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "runner/state_dir.h"

void
holding_put(struct buffer *words, const char *noun, const char *what)
{
	buffer_printf(words, "%s%s:%s", words->len > 0 ? " " : "", noun, what);
}

bool
holding_next(const char **words, struct holding_word *word)
{
	const char *at = *words, *end, *colon;

	for (;; at = end) {
		at += strspn(at, " ");
		if (*at == '\0')
			return false;
		end = at + strcspn(at, " ");
		colon = memchr(at, ':', (size_t)(end - at));
		if (colon != NULL)
			break;
	}
	*word = (struct holding_word){at, colon + 1, (size_t)(colon - at),
				      (size_t)(end - colon - 1)};
	*words = end;
	return true;
}

bool
holding_is(const struct holding_word *word, const char *noun)
{
	return strlen(noun) == word->noun_len && memcmp(word->noun, noun, word->noun_len) == 0;
}

const char *
holding_what(const char *words, const char *noun, char *room, size_t size)
{
	struct holding_word word;

	while (holding_next(&words, &word)) {
		if (!holding_is(&word, noun))
			continue;
		if (word.what_len >= size)
			return NULL;
		memcpy(room, word.what, word.what_len);
		room[word.what_len] = '\0';
		return room;
	}
	return NULL;
}

/* --- as it is kept: "1 WORD WORD...\n" --- */

int
holding_write(int dir_fd, const char *words, struct err *err)
{
	char *line;
	int rc;

	if (words[0] == '\0')
		return 0;
	line = mem_printf("%d %s\n", HOLDING_VERSION, words);
	rc = state_dir_write(dir_fd, STATE_HOLDING_NAME, line, strlen(line), err);
	free(line);
	return rc;
}

/* Its version is always said. */
static int
parse(const char *text, char **words, struct err *err)
{
	const char *at = text, *end;

	if (state_version_check_text(STATE_HOLDING_NAME, &at, HOLDING_VERSION, err) < 0)
		return err->code;
	end = strchr(at, '\n');
	if (at == text || end == NULL || end[1] != '\0')
		return err_set(err, ERR_INPUT,
			       "file '" STATE_HOLDING_NAME "' is not one line of words");
	*words = mem_printf("%.*s", (int)(end - at), at);
	return 0;
}

int
holding_read(int dir_fd, char **words, struct err *err)
{
	struct buffer bytes = BUFFER_INIT;
	char *text;
	int rc = state_dir_read(dir_fd, STATE_HOLDING_NAME, HOLDING_MOST_BYTES, &bytes, err);

	if (rc == ERR_GONE) {
		*err = (struct err)ERR_INIT;
		*words = mem_strdup("");
		return 0;
	}
	if (rc == 0) {
		text = buffer_take_text(&bytes);
		rc = parse(text, words, err);
		free(text);
	}
	buffer_release(&bytes);
	return rc;
}
