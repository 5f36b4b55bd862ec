/*
 * settings_file.c - runnerd.yaml: a map of settings, the host's capacity, resource classes.
 *
 *	output_memory: 128M
 *
 * Capacity and classes are read by settings_class.c, isolation by settings_isolation.c.
 * A file of CircleCI's machine runner in its place is read too (settings_circleci.c).
 * A key that is not known is an error: a misspelt setting must not be a silent default.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/settings_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/yaml.h"

enum { FILE_MOST_BYTES = 1 << 20, ARENA_MOST_BYTES = 32 << 20 };

/* A place in the file for messages: "runnerd.yaml:12: output_memory". */
const char *
reader_place(const struct settings_reader *file, const struct node *node, const char *what,
	      char room[SETTINGS_PLACE_BYTES])
{
	(void)snprintf(room, SETTINGS_PLACE_BYTES, "%s:%u: %.100s", file->name, node->line, what);
	return room;
}

int
reader_refuse_kind(const struct settings_reader *file, const struct node *node, const char *what, const char *wanted)
{
	char room[SETTINGS_PLACE_BYTES];

	return err_set(file->err, ERR_INPUT, "%s must be %s, this is %s",
		       reader_place(file, node, what, room), wanted,
		       node_kind_name((enum node_kind)node->kind));
}

bool
reader_is_scalar(const struct node *node)
{
	return node->kind != NODE_SEQ && node->kind != NODE_MAP && node->kind != NODE_NULL;
}

/* --- a setting -------------------------------------------------------------------------------- */

static int
set_list(struct settings_reader *file, const char *name, const char *key, const struct node *value)
{
	char room[SETTINGS_PLACE_BYTES];
	uint32_t i;

	for (i = 0; i < value->count; i++) {
		if (!reader_is_scalar(value->items[i]))
			return reader_refuse_kind(file, value->items[i], key, "a list of texts");
		if (settings_set(file->settings, name, value->items[i]->text,
				 reader_place(file, value->items[i], key, room), file->err) < 0)
			return file->err->code;
	}
	return 0;
}

static int
refuse_unknown(struct settings_reader *file, const struct node *key, const char *name)
{
	const char *nearest = settings_nearest(name);
	char near[SETTINGS_WORD_BYTES], room[SETTINGS_PLACE_BYTES];
	char *dash;

	if (nearest == NULL)
		return err_set(file->err, ERR_INPUT, "%s is no setting of runnerd",
			       reader_place(file, key, key->text, room));
	(void)snprintf(near, sizeof(near), "%s", nearest);
	while ((dash = strchr(near, '-')) != NULL)
		*dash = '_';
	return err_set(file->err, ERR_INPUT, "%s is no setting of runnerd: did you mean '%s'?",
		       reader_place(file, key, key->text, room), near);
}

static int
read_setting(struct settings_reader *file, const struct node *key, const struct node *value)
{
	char name[SETTINGS_WORD_BYTES], room[SETTINGS_PLACE_BYTES], *underscore;

	(void)snprintf(name, sizeof(name), "%.60s", key->text);
	while ((underscore = strchr(name, '_')) != NULL)
		*underscore = '-';
	if (strchr(key->text, '-') != NULL || !settings_knows(name))
		return refuse_unknown(file, key, name);
	if (settings_is_list(name) && value->kind == NODE_SEQ)
		return set_list(file, name, key->text, value);
	if (settings_is_words(name) && value->kind == NODE_SEQ)
		return settings_words_take(&file->settings->command_prefix, value, file->err) < 0
			       ? err_wrap(file->err, "%s", reader_place(file, value, key->text, room))
			       : 0;
	if (!reader_is_scalar(value))
		return reader_refuse_kind(file, value, key->text, "one value");
	return settings_set(file->settings, name, value->text, reader_place(file, value, key->text, room),
			    file->err);
}

/* --- the file
 * --------------------------------------------------------------------------------------------- */

/* Capacity first: classes are measured against it. */
static int
read_root(struct settings_reader *file, const struct node *root)
{
	const struct node *capacity = node_get(root, "capacity"),
			  *classes = node_get(root, "resource_classes");
	const struct pair *pair;
	uint32_t i;

	if (root->kind != NODE_MAP)
		return reader_refuse_kind(file, root, "the file", "a map of settings");
	if (capacity != NULL && settings_read_capacity(file, capacity) < 0)
		return file->err->code;
	for (i = 0; i < root->count; i++) {
		pair = &root->pairs[i];
		if (pair->value == capacity || pair->value == classes)
			continue;
		if (text_eq(pair->key->text, "isolation") && pair->value->kind == NODE_MAP) {
			if (settings_read_isolation(file, pair->value) < 0)
				return file->err->code;
			continue;
		}
		if (read_setting(file, pair->key, pair->value) < 0)
			return file->err->code;
	}
	return classes != NULL ? settings_read_classes(file, classes) : 0;
}

static void
on_problem(void *arg, const struct yaml_problem *problem)
{
	struct settings_reader *file = arg;

	if (problem->is_warning || file->failed)
		return;
	file->failed = err_set(file->err, ERR_INPUT, "%s:%u: %s", file->name, problem->line,
			       problem->message) < 0;
}

static int
read_bytes(const char *path, char *room, size_t size, size_t *len, struct err *err)
{
	FILE *stream = fopen(path, "re");

	if (stream == NULL)
		return err_sys(err, "cannot open settings '%s'", path);
	*len = fread(room, 1, size, stream);
	(void)fclose(stream);
	if (*len == size)
		return err_set(err, ERR_LIMIT, "settings '%s' are longer than %zu bytes", path,
			       size - 1);
	return 0;
}

/* Nothing but comments: the sample as it is installed. */
static bool
is_blank(const char *bytes, size_t len)
{
	const char *end = bytes + len, *newline;

	for (; bytes < end; bytes = newline + 1) {
		newline = memchr(bytes, '\n', (size_t)(end - bytes));
		if (newline == NULL)
			newline = end;
		while (bytes < newline && (*bytes == ' ' || *bytes == '\t' || *bytes == '\r'))
			bytes++;
		if (bytes < newline && *bytes != '#')
			return false;
	}
	return true;
}

int
settings_read_file(struct settings *settings, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	struct settings_reader file = {settings, path, slash != NULL ? slash + 1 : path, err, false};
	struct yaml_input input = {.problem = on_problem, .arg = &file};
	char *room = MEM_NEW_ARRAY(char, FILE_MOST_BYTES);
	struct arena arena;
	struct node *root;
	int rc;

	arena_init(&arena, ARENA_MOST_BYTES);
	rc = read_bytes(path, room, FILE_MOST_BYTES, &input.len, err);
	input.bytes = room;
	if (rc == 0 && !is_blank(room, input.len)) {
		rc = yaml_read(&input, &arena, &root);
		if (rc == 0)
			rc = settings_is_circleci(root)
				     ? settings_read_circleci(settings, file.name, root, err)
				     : read_root(&file, root);
	}
	arena_release(&arena);
	free(room);
	return rc;
}
