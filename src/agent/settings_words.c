/*
 * settings_words.c - a setting that is a list of words: command_prefix.
 *
 * In a file it is a list; on the command line and in the environment one text, either words with
 * blanks between them or such a list: ['sudo', '-n'].
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "format/yaml.h"

enum { ARENA_MOST_BYTES = 1 << 20 };

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

static int
add(char ***words, const char *word, size_t len, struct err *err)
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

int
settings_words_take(char ***words, const struct node *list, struct err *err)
{
	const struct node *word;
	uint32_t i;

	settings_words_free(words);
	if (list->kind != NODE_SEQ)
		return err_set(err, ERR_INPUT, "this is %s and no list of words",
			       node_kind_name((enum node_kind)list->kind));
	for (i = 0; i < list->count; i++) {
		word = list->items[i];
		if (word->kind == NODE_SEQ || word->kind == NODE_MAP || word->kind == NODE_NULL)
			return err_set(err, ERR_INPUT, "word %u of the list is %s", i + 1,
				       node_kind_name((enum node_kind)word->kind));
		if (add(words, word->text, strlen(word->text), err) < 0)
			return err->code;
	}
	return 0;
}

static void
on_problem(void *arg, const struct yaml_problem *problem)
{
	(void)arg;
	(void)problem; /* in one line there is no place to point at */
}

static int
take_list(char ***words, const char *text, struct err *err)
{
	struct yaml_input input = {.bytes = text, .len = strlen(text), .problem = on_problem};
	struct arena arena;
	struct node *root;
	int rc;

	arena_init(&arena, ARENA_MOST_BYTES);
	if (yaml_read(&input, &arena, &root) < 0)
		rc = err_set(err, ERR_INPUT,
			     "what begins with '[' must be a list of words: [sudo, -n]");
	else
		rc = settings_words_take(words, root, err);
	arena_release(&arena);
	return rc;
}

int
settings_words_set(char ***words, const char *text, struct err *err)
{
	size_t len;

	settings_words_free(words);
	text += strspn(text, blanks);
	if (*text == '[')
		return take_list(words, text, err);
	for (; *text != '\0'; text += strspn(text, blanks)) {
		len = strcspn(text, blanks);
		if (add(words, text, len, err) < 0)
			return err->code;
		text += len;
	}
	return 0;
}
