/*
 * settings_words.c - a setting that is a list of words: command_prefix.
 *
 * In a file it is a list; on the command line and in the environment one text, either words with
 * blanks between them or, where a word has a blank in it, a JSON array.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "format/json.h"

static const char blanks[] = " \t\n";

static size_t
count(char *const *words)
{
	size_t n = 0;

	while (words != NULL && words[n] != NULL)
		n++;
	return n;
}

void
settings_words_free(char ***words)
{
	size_t i;

	for (i = 0; i < count(*words); i++)
		free((*words)[i]);
	free(*words);
	*words = NULL;
}

int
settings_words_add(char ***words, const char *word, size_t len, struct err *err)
{
	size_t n = count(*words);

	if (len == 0)
		return err_set(err, ERR_INPUT, "a word is empty");
	if (n == SETTINGS_PREFIX_WORDS_MOST)
		return err_set(err, ERR_LIMIT, "more than %d words", SETTINGS_PREFIX_WORDS_MOST);
	if (*words == NULL)
		*words = MEM_NEW_ARRAY(char *, SETTINGS_PREFIX_WORDS_MOST + 1);
	(*words)[n] = mem_strndup(word, len);
	(*words)[n + 1] = NULL;
	return 0;
}

static int
add_array(char ***words, const char *text, struct err *err)
{
	struct json *json, *word;
	size_t i;
	int rc = json_parse(&json, text, strlen(text), err);

	if (rc < 0)
		return err_wrap(err, "what begins with '[' must be a JSON array of words");
	for (i = 0; rc == 0 && i < json_count(json); i++) {
		word = json_at(json, i);
		if (json_is_string(word))
			rc = settings_words_add(words, json_str(word), strlen(json_str(word)), err);
		else
			rc = err_set(err, ERR_INPUT, "word %zu of the array is no text", i + 1);
	}
	json_free(json);
	return rc;
}

int
settings_words_set(char ***words, const char *text, struct err *err)
{
	size_t len;

	settings_words_free(words);
	text += strspn(text, blanks);
	if (*text == '[')
		return add_array(words, text, err);
	for (; *text != '\0'; text += strspn(text, blanks)) {
		len = strcspn(text, blanks);
		if (settings_words_add(words, text, len, err) < 0)
			return err->code;
		text += len;
	}
	return 0;
}
