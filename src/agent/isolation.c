/*
 * isolation.c - how far jobs are kept from the host and from one another: a host's, or a class's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/isolation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

static const char *const level_words[] = {
#define X(NAME, word) word,
	ISOLATION_LEVELS(X)
#undef X
		NULL,
};
static const char *const home_words[] = {"private", "overlay", NULL};
static const char *const network_words[] = {"host", "none", "outside", NULL};
static const char *const metadata_words[] = {"", "block", "allow", NULL};
static const char *const privileges_words[] = {"drop", "keep", NULL};

/* --- one value ------------------------------------------------------------------------------ */

/* "auto, none or namespace" */
static void
list_words(char *room, size_t size, const char *const *words)
{
	size_t len = 0, i;

	room[0] = '\0';
	for (i = 0; words[i] != NULL && len < size; i++) {
		const char *between = len == 0 ? "" : words[i + 1] == NULL ? " or " : ", ";

		if (words[i][0] != '\0')
			len += (size_t)snprintf(room + len, size - len, "%s%s", between, words[i]);
	}
}

static int
choose(unsigned *out, const char *key, const char *const *words, const char *word, struct err *err)
{
	char all[64];
	unsigned i;

	for (i = 0; words[i] != NULL; i++)
		if (words[i][0] != '\0' && text_eq(words[i], word)) {
			*out = i;
			return 0;
		}
	list_words(all, sizeof(all), words);
	return err_set(err, ERR_INPUT, "%s '%.40s' is not known: it is %s", key, word, all);
}

int
isolation_set(struct isolation *isolation, const char *key, const char *word, struct err *err)
{
	static const struct {
		const char *key;
		const char *const *words;
	} keys[] = {{"level", level_words},
		    {"home", home_words},
		    {"network", network_words},
		    {"metadata_address", metadata_words},
		    {"privileges", privileges_words}};
	unsigned i, value = 0;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (text_eq(keys[i].key, key))
			break;
	if (i == sizeof(keys) / sizeof(keys[0]))
		return err_set(err, ERR_INPUT,
			       "'%.40s' is none of level, read_only, hidden, home, network, "
			       "metadata_address, privileges",
			       key);
	if (choose(&value, i == 0 ? "isolation" : key, keys[i].words, word, err) < 0)
		return err->code;
	switch (i) {
	case 0:
		isolation->level = (enum isolation_level)value;
		isolation->level_said = true;
		break;
	case 1:
		isolation->home = (enum isolation_home)value;
		break;
	case 2:
		isolation->network = (enum isolation_network)value;
		break;
	case 3:
		isolation->metadata = (enum isolation_metadata)value;
		break;
	default:
		isolation->keeps_privileges = value != 0;
		break;
	}
	return 0;
}

/* --- paths -------------------------------------------------------------------------------------- */

bool
isolation_is_list(const char *key)
{
	return text_eq(key, "read_only") || text_eq(key, "hidden");
}

int
isolation_add(struct isolation *isolation, const char *key, const char *path, struct err *err)
{
	bool is_hidden = text_eq(key, "hidden");
	char **paths = is_hidden ? isolation->hidden : isolation->read_only;
	unsigned *count = is_hidden ? &isolation->hidden_count : &isolation->read_only_count;
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (path[0] != '/' || len == 1 || len >= ISOLATION_PATH_BYTES)
		return err_set(err, ERR_INPUT, "%s: '%.80s' is not an absolute path below /", key,
			       path);
	if (*count == ISOLATION_PATHS_MOST)
		return err_set(err, ERR_LIMIT, "%s: there are more than %d paths", key,
			       ISOLATION_PATHS_MOST);
	paths[(*count)++] = mem_printf("%.*s", (int)len, path);
	return 0;
}

bool
isolation_needs_namespace(const struct isolation *isolation)
{
	return isolation->read_only_count > 0 || isolation->hidden_count > 0 ||
	       isolation->network != ISOLATION_NETWORK_HOST;
}

bool
isolation_is_open(const struct isolation *isolation)
{
	return isolation->metadata == ISOLATION_METADATA_ALLOW &&
	       isolation->network != ISOLATION_NETWORK_NONE;
}

/* Do its parts go together? */
static int
isolation_check(const struct isolation *isolation, struct err *err)
{
	if ((isolation->level == ISOLATION_NONE || isolation->level == ISOLATION_USER) &&
	    (isolation->home == ISOLATION_HOME_OVERLAY || isolation_needs_namespace(isolation)))
		return err_set(err, ERR_INPUT,
			       "isolation %s has the host's own files and network: home, "
			       "read_only, hidden and network are for namespace",
			       level_words[isolation->level]);
	return 0;
}

const char *
isolation_level_word(enum isolation_level level)
{
	return level_words[level];
}

/* --- a host's ------------------------------------------------------------------------------------ */

static void
isolation_release(struct isolation *isolation)
{
	while (isolation->read_only_count > 0)
		free(isolation->read_only[--isolation->read_only_count]);
	while (isolation->hidden_count > 0)
		free(isolation->hidden[--isolation->hidden_count]);
}

void
isolations_init(struct isolations *isolations)
{
	memset(&isolations->host, 0, sizeof(isolations->host));
	isolations->count = 0;
}

void
isolations_release(struct isolations *isolations)
{
	isolation_release(&isolations->host);
	while (isolations->count > 0)
		isolation_release(&isolations->of_class[--isolations->count].isolation);
}

int
isolations_add(struct isolations *isolations, const char *class, struct class_isolation **out,
	       struct err *err)
{
	struct class_isolation *entry = &isolations->of_class[isolations->count];

	if (isolations->count == SLOTS_CLASSES_MOST)
		return err_set(err, ERR_LIMIT, "there are more than %d resource classes",
			       SLOTS_CLASSES_MOST);
	isolations->count++;
	memset(entry, 0, sizeof(*entry));
	(void)snprintf(entry->name, sizeof(entry->name), "%s", class);
	*out = entry;
	return 0;
}

int
isolations_settle(struct isolations *isolations, struct err *err)
{
	unsigned i;

	if (isolation_check(&isolations->host, err) < 0)
		return err->code;
	for (i = 0; i < isolations->count; i++) {
		struct class_isolation *entry = &isolations->of_class[i];

		if (!entry->isolation.level_said)
			entry->isolation.level = isolations->host.level;
		if (entry->says_own && isolation_check(&entry->isolation, err) < 0)
			return err_wrap(err, "resource class '%s'", entry->name);
	}
	return 0;
}

static const struct isolation *
own_or_host(const struct isolations *isolations, const struct class_isolation *entry)
{
	return entry->says_own ? &entry->isolation : &isolations->host;
}

const struct isolation *
isolations_of(const struct isolations *isolations, const char *class)
{
	unsigned i;

	for (i = 0; i < isolations->count; i++)
		if (text_eq(isolations->of_class[i].name, class))
			return own_or_host(isolations, &isolations->of_class[i]);
	for (i = 0; i < isolations->count; i++)
		if (isolations->of_class[i].name[0] == '\0')
			return own_or_host(isolations, &isolations->of_class[i]);
	return &isolations->host;
}
