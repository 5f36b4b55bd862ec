/*
 * settings_isolation.c - runnerd.yaml: how far jobs are isolated, of the host or of a class.
 *
 *	isolation: {level: namespace, home: overlay, hidden: [/srv]}
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/settings_reader.h"
#include "base/err.h"
#include "format/yaml.h"

static int
read_list(struct settings_reader *file, const struct pair *pair, struct isolation *out)
{
	char room[SETTINGS_PLACE_BYTES];
	uint32_t i;

	if (pair->value->kind != NODE_SEQ)
		return reader_refuse_kind(file, pair->value, pair->key->text, "a list of paths");
	for (i = 0; i < pair->value->count; i++) {
		const struct node *path = pair->value->items[i];

		if (!reader_is_scalar(path))
			return reader_refuse_kind(file, path, pair->key->text, "a list of paths");
		if (isolation_add(out, pair->key->text, path->text, file->err) < 0)
			return err_wrap(file->err, "%s", reader_place(file, path, "isolation", room));
	}
	return 0;
}

static int
set(struct settings_reader *file, const struct node *at, const char *key, const char *word,
    struct isolation *out)
{
	char room[SETTINGS_PLACE_BYTES];

	return isolation_set(out, key, word, file->err) < 0
		       ? err_wrap(file->err, "%s", reader_place(file, at, "isolation", room))
		       : 0;
}

/* A word is its level; a map may say more. */
static int
read_isolation(struct settings_reader *file, const struct node *value, struct isolation *out)
{
	uint32_t i;
	int rc = 0;

	if (reader_is_scalar(value))
		return set(file, value, "level", value->text, out);
	if (value->kind != NODE_MAP)
		return reader_refuse_kind(file, value, "isolation", "a word or a map");
	for (i = 0; rc == 0 && i < value->count; i++) {
		const struct pair *pair = &value->pairs[i];

		if (isolation_is_list(pair->key->text))
			rc = read_list(file, pair, out);
		else if (!reader_is_scalar(pair->value))
			rc = reader_refuse_kind(file, pair->value, pair->key->text, "a word");
		else
			rc = set(file, pair->key, pair->key->text, pair->value->text, out);
	}
	return rc;
}

/* The level goes the way of the option: what is stronger than the file stands above it. */
int
settings_read_isolation(struct settings_reader *file, const struct node *map)
{
	struct isolation *host = &file->settings->isolations.host;
	char room[SETTINGS_PLACE_BYTES];

	if (read_isolation(file, map, host) < 0)
		return file->err->code;
	return !host->level_said ? 0
				 : settings_set(file->settings, "isolation",
						isolation_level_word(host->level),
						reader_place(file, map, "isolation", room),
						file->err);
}

int
settings_read_class_isolation(struct settings_reader *file, const char *class,
			      const struct node *value)
{
	struct class_isolation *entry;

	if (isolations_add(&file->settings->isolations, class, &entry, file->err) < 0)
		return file->err->code;
	entry->says_own = value != NULL;
	return value == NULL ? 0 : read_isolation(file, value, &entry->isolation);
}
