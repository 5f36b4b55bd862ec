/*
 * settings_file.c - runnerd.yaml: a map of settings, the host's capacity, resource classes.
 *
 *	output_memory: 128M
 *	capacity: {cpus: 32, memory: 120G, devices: {gpu: 2}}
 *	resource_classes:
 *	  - {name: acme/large, token_file: /etc/runner/large, cpus: 8, memory: 16G}
 *
 * A file of CircleCI's machine runner in its place is read too (settings_circleci.c).
 * A key that is not known is an error: a misspelt setting must not be a silent default.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/yaml.h"

enum { FILE_MOST_BYTES = 1 << 20, ARENA_MOST_BYTES = 32 << 20, PLACE_BYTES = 256 };

struct file {
	struct settings *settings;
	const char *path;
	const char *name; /* the path's last part: for messages */
	struct err *err;
	bool failed; /* err is filled by the reader */
};

/* A place in the file for messages: "runnerd.yaml:12: output_memory". */
static const char *
place(const struct file *file, const struct node *node, const char *what, char room[PLACE_BYTES])
{
	(void)snprintf(room, PLACE_BYTES, "%s:%u: %.100s", file->name, node->line, what);
	return room;
}

static int
refuse_kind(const struct file *file, const struct node *node, const char *what, const char *wanted)
{
	char room[PLACE_BYTES];

	return err_set(file->err, ERR_INPUT, "%s must be %s, this is %s",
		       place(file, node, what, room), wanted,
		       node_kind_name((enum node_kind)node->kind));
}

static bool
is_scalar(const struct node *node)
{
	return node->kind != NODE_SEQ && node->kind != NODE_MAP && node->kind != NODE_NULL;
}

/* --- a setting -------------------------------------------------------------------------------- */

static int
set_list(struct file *file, const char *name, const char *key, const struct node *value)
{
	char room[PLACE_BYTES];
	uint32_t i;

	for (i = 0; i < value->count; i++) {
		if (!is_scalar(value->items[i]))
			return refuse_kind(file, value->items[i], key, "a list of texts");
		if (settings_set(file->settings, name, value->items[i]->text,
				 place(file, value->items[i], key, room), file->err) < 0)
			return file->err->code;
	}
	return 0;
}

static int
refuse_unknown(struct file *file, const struct node *key, const char *name)
{
	const char *nearest = settings_nearest(name);
	char near[SETTINGS_WORD_BYTES], room[PLACE_BYTES];
	char *dash;

	if (nearest == NULL)
		return err_set(file->err, ERR_INPUT, "%s is no setting of runnerd",
			       place(file, key, key->text, room));
	(void)snprintf(near, sizeof(near), "%s", nearest);
	while ((dash = strchr(near, '-')) != NULL)
		*dash = '_';
	return err_set(file->err, ERR_INPUT, "%s is no setting of runnerd: did you mean '%s'?",
		       place(file, key, key->text, room), near);
}

static int
read_setting(struct file *file, const struct node *key, const struct node *value)
{
	char name[SETTINGS_WORD_BYTES], room[PLACE_BYTES], *underscore;

	(void)snprintf(name, sizeof(name), "%.60s", key->text);
	while ((underscore = strchr(name, '_')) != NULL)
		*underscore = '-';
	if (strchr(key->text, '-') != NULL || !settings_knows(name))
		return refuse_unknown(file, key, name);
	if (settings_is_list(name) && value->kind == NODE_SEQ)
		return set_list(file, name, key->text, value);
	if (settings_is_words(name) && value->kind == NODE_SEQ)
		return settings_words_take(&file->settings->command_prefix, value, file->err) < 0
			       ? err_wrap(file->err, "%s", place(file, value, key->text, room))
			       : 0;
	if (!is_scalar(value))
		return refuse_kind(file, value, key->text, "one value");
	return settings_set(file->settings, name, value->text, place(file, value, key->text, room),
			    file->err);
}

/* --- room: the host's or a task's ----------------------------------------------------------------
 */

static int
read_count(struct file *file, const struct node *value, const char *what, uint32_t *out)
{
	uint64_t number;
	char room[PLACE_BYTES];

	if (!is_scalar(value))
		return refuse_kind(file, value, what, "a number");
	if (text_parse_u64(value->text, 1 << 20, &number, file->err) < 0)
		return err_wrap(file->err, "%s", place(file, value, what, room));
	*out = (uint32_t)number;
	return 0;
}

static int
read_devices(struct file *file, const struct node *map, struct room *out)
{
	unsigned kind;
	uint32_t i;

	if (map->kind != NODE_MAP)
		return refuse_kind(file, map, "devices", "a map of names and numbers");
	for (i = 0; i < map->count; i++) {
		if (slots_device(&file->settings->slots, map->pairs[i].key->text, &kind,
				 file->err) < 0)
			return file->err->code;
		if (read_count(file, map->pairs[i].value, map->pairs[i].key->text,
			       &out->devices[kind]) < 0)
			return file->err->code;
	}
	return 0;
}

/* 1 when the key is none of cpus, memory, devices. */
static int
read_room(struct file *file, const struct pair *pair, struct room *out)
{
	char room[PLACE_BYTES];

	if (text_eq(pair->key->text, "cpus"))
		return read_count(file, pair->value, "cpus", &out->cpus);
	if (text_eq(pair->key->text, "devices"))
		return read_devices(file, pair->value, out);
	if (!text_eq(pair->key->text, "memory"))
		return 1;
	if (!is_scalar(pair->value))
		return refuse_kind(file, pair->value, "memory", "a size");
	if (text_parse_bytes(pair->value->text, &out->memory_bytes, file->err) < 0)
		return err_wrap(file->err, "%s", place(file, pair->value, "memory", room));
	return 0;
}

static int
read_capacity(struct file *file, const struct node *map)
{
	char room[PLACE_BYTES];
	uint32_t i;
	int rc;

	if (map->kind != NODE_MAP)
		return refuse_kind(file, map, "capacity", "a map with cpus, memory, devices");
	for (i = 0; i < map->count; i++) {
		rc = read_room(file, &map->pairs[i], &file->settings->slots.host);
		if (rc > 0)
			return err_set(file->err, ERR_INPUT, "%s is none of cpus, memory, devices",
				       place(file, map->pairs[i].key, map->pairs[i].key->text,
					     room));
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* --- classes
 * ------------------------------------------------------------------------------------------ */

static int
read_class_text(struct file *file, const struct pair *pair, struct slots_class *class,
		const char **token_file)
{
	char room[PLACE_BYTES];

	if (!is_scalar(pair->value))
		return refuse_kind(file, pair->value, pair->key->text, "a text");
	if (text_eq(pair->key->text, "token_file")) {
		*token_file = pair->value->text;
		return 0;
	}
	if (!text_eq(pair->key->text, "name"))
		return err_set(file->err, ERR_INPUT,
			       "%s is none of name, token_file, cpus, memory, devices",
			       place(file, pair->key, pair->key->text, room));
	if (strlen(pair->value->text) >= SLOTS_NAME_BYTES)
		return err_set(file->err, ERR_LIMIT, "%s is longer than %d characters",
			       place(file, pair->value, "name", room), SLOTS_NAME_BYTES - 1);
	(void)snprintf(class->name, sizeof(class->name), "%s", pair->value->text);
	return 0;
}

static int
read_class(struct file *file, const struct node *map)
{
	struct slots_class class;
	const char *token_file = NULL;
	char room[PLACE_BYTES];
	uint32_t i;
	int rc;

	memset(&class, 0, sizeof(class));
	if (map->kind != NODE_MAP)
		return refuse_kind(file, map, "resource_classes", "a list of maps");
	for (i = 0; i < map->count; i++) {
		rc = read_room(file, &map->pairs[i], &class.need);
		if (rc > 0)
			rc = read_class_text(file, &map->pairs[i], &class, &token_file);
		if (rc < 0)
			return rc;
	}
	if (token_file == NULL)
		return err_set(file->err, ERR_INPUT, "%s has no token_file",
			       place(file, map, "a resource class", room));
	if (settings_add_tokens(file->settings, token_file, &class, file->err) < 0)
		return err_wrap(file->err, "%s", place(file, map, "a resource class", room));
	return 0;
}

static int
read_classes(struct file *file, const struct node *list)
{
	uint32_t i;

	if (list->kind != NODE_SEQ)
		return refuse_kind(file, list, "resource_classes", "a list of maps");
	for (i = 0; i < list->count; i++)
		if (read_class(file, list->items[i]) < 0)
			return file->err->code;
	return 0;
}

/* --- the file
 * --------------------------------------------------------------------------------------------- */

/* Capacity first: classes are measured against it. */
static int
read_root(struct file *file, const struct node *root)
{
	const struct node *capacity = node_get(root, "capacity"),
			  *classes = node_get(root, "resource_classes");
	const struct pair *pair;
	uint32_t i;

	if (root->kind != NODE_MAP)
		return refuse_kind(file, root, "the file", "a map of settings");
	if (capacity != NULL && read_capacity(file, capacity) < 0)
		return file->err->code;
	for (i = 0; i < root->count; i++) {
		pair = &root->pairs[i];
		if (pair->value == capacity || pair->value == classes)
			continue;
		if (read_setting(file, pair->key, pair->value) < 0)
			return file->err->code;
	}
	return classes != NULL ? read_classes(file, classes) : 0;
}

static void
on_problem(void *arg, const struct yaml_problem *problem)
{
	struct file *file = arg;

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
	struct file file = {settings, path, slash != NULL ? slash + 1 : path, err, false};
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
