/*
 * config_pack.c - "config pack": a directory of YAML files as one config.
 *
 * As CircleCI's command line packs it: a directory is a mapping, a file is one under
 * its name without the end; files at the top, and those whose name begins with '@', are
 * not named but become part of the mapping they lie in. Directories that begin with '.' are passed
 * over, files that are no YAML too. In the order of names; what two files both say is an error.
 * A text that is "<<include(FILE)>>" becomes that file's, with its own "<<" escaped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/compile.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "format/yaml.h"
#include "runner/exit.h"

static int config_pack(int argc, char **argv);

const struct command config_pack_command = {"config pack", "DIR",
					    "print the YAML files of a directory as one config",
					    NULL, config_pack};

enum {
	PACK_DEPTH_MAX = 32,
	PACK_FILES_MAX = 2000,
	PACK_MEMORY_BYTES = 64 << 20,
};

struct pack {
	struct arena arena;
	const char *root; /* the directory */
	unsigned files;
	struct err *err;
};

static int
too_large(struct pack *pack)
{
	return err_set(pack->err, ERR_LIMIT, "the directory holds more than can be packed");
}

/* --- trees -------------------------------------------------------------------------------- */

static struct node *
new_map(struct pack *pack)
{
	struct node *map = ARENA_NEW(&pack->arena, struct node);

	if (map != NULL)
		map->kind = NODE_MAP;
	return map;
}

static int merge(struct pack *pack, struct node *into, const struct node *from, const char *path);

/* Two values of one key: mappings become one. */
static int
join(struct pack *pack, struct pair *there, const struct pair *more, const char *path)
{
	struct node *joined;

	if (there->value->kind != NODE_MAP || more->value->kind != NODE_MAP)
		return err_set(pack->err, ERR_INPUT,
			       "key '%s' of '%s' is given by another file, too", more->key->text,
			       path);
	joined = new_map(pack);
	if (joined == NULL)
		return too_large(pack);
	if (merge(pack, joined, there->value, path) < 0 ||
	    merge(pack, joined, more->value, path) < 0)
		return pack->err->code;
	there->value = joined;
	return 0;
}

/* into gets from's pairs; nodes are shared, nothing of from is changed. */
static int
merge(struct pack *pack, struct node *into, const struct node *from, const char *path)
{
	const struct node before = *into;
	const struct pair *there;
	uint32_t i;

	into->pairs = ARENA_NEW_ARRAY(&pack->arena, struct pair, before.count + from->count + 1);
	if (into->pairs == NULL)
		return too_large(pack);
	if (before.count > 0)
		memcpy(into->pairs, before.pairs, before.count * sizeof(*into->pairs));
	for (i = 0; i < from->count; i++) {
		there = node_get_pair(&before, from->pairs[i].key->text);
		if (there == NULL)
			into->pairs[into->count++] = from->pairs[i];
		else if (join(pack, &into->pairs[there - before.pairs], &from->pairs[i], path) < 0)
			return pack->err->code;
	}
	return node_map_finish(into, &pack->arena) == -2 ? too_large(pack) : 0;
}

static int
put_named(struct pack *pack, struct node *into, const char *name, size_t len, struct node *value,
	  const char *path)
{
	struct node *key = ARENA_NEW(&pack->arena, struct node);
	struct pair pair = {key, value};
	struct node one = {.kind = NODE_MAP, .count = 1, .pairs = &pair};

	bool octal;

	if (key == NULL)
		return too_large(pack);
	key->text = arena_strndup(&pack->arena, name, len);
	if (key->text == NULL)
		return too_large(pack);
	key->count = (uint32_t)len;
	yaml_scalar_resolve(key, &octal);
	return merge(pack, into, &one, path);
}

/* --- files -------------------------------------------------------------------------------- */

struct reading {
	const char *path;
	struct err *err;
};

static void
on_problem(void *arg, const struct yaml_problem *problem)
{
	struct reading *reading = arg;

	if (problem->is_warning || reading->err->code < 0)
		return;
	(void)!err_set(reading->err, ERR_INPUT, "%s:%u:%u: %s", reading->path, problem->line,
		       problem->column, problem->message);
}

static int
read_text(struct pack *pack, const char *path, struct buffer *out)
{
	LOCAL_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	void *room;
	ssize_t n;

	if (fd < 0)
		return err_sys(pack->err, "cannot open '%s'", path);
	for (;;) {
		if (buffer_reserve(out, 64 * 1024, &room, pack->err) < 0)
			return err_wrap(pack->err, "'%s'", path);
		n = read(fd, room, 64 * 1024);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_sys(pack->err, "cannot read '%s'", path);
		buffer_grew(out, n < 0 ? 0 : (size_t)n);
	}
}

static bool
is_blank(const struct buffer *text)
{
	size_t i;

	for (i = 0; i < text->len; i++)
		if (strchr(" \t\r\n", text->data[i]) == NULL || text->data[i] == '\0')
			return false;
	return true;
}

/* --- included files ----------------------------------------------------------------------- */

static const char *
skip_blanks(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

/* The file's name in "<<include(NAME)>>", which must be the whole text. */
static const char *
included_name(struct pack *pack, const char *text)
{
	static const char word[] = "include(";
	const char *name = text, *end;

	if (!text_starts(name, "<<"))
		return NULL;
	name = skip_blanks(name + 2);
	if (!text_starts(name, word))
		return NULL;
	name += strlen(word);
	end = strchr(name, ')');
	if (end == NULL || !text_starts(skip_blanks(end + 1), ">>") ||
	    *skip_blanks(skip_blanks(end + 1) + 2) != '\0')
		return NULL;
	return arena_strndup(&pack->arena, name, (size_t)(end - name));
}

/* What the compiler's reading of '<<' turns into the same text again. */
static void
put_escaped(struct buffer *out, const char *text, size_t len)
{
	size_t i, slashes = 0;

	for (i = 0; i < len; i++) {
		if (text[i] == '<' && i + 1 < len && text[i + 1] == '<') {
			for (; slashes > 0; slashes--)
				buffer_putn(out, "\\", 1);
			buffer_puts(out, "\\<<");
			i++;
			continue;
		}
		slashes = text[i] == '\\' ? slashes + 1 : 0;
		buffer_putn(out, &text[i], 1);
	}
}

static int
include_file(struct pack *pack, struct node *node, const char *name)
{
	struct buffer text, escaped = BUFFER_INIT;
	const char *path;
	int rc;

	if (name[0] == '/' || text_eq(name, "..") || text_starts(name, "../") || strstr(name, "/..") != NULL)
		return err_set(pack->err, ERR_INPUT, "'%s', which is to be included, lies outside of '%s'",
			       name, pack->root);
	path = arena_printf(&pack->arena, "%s/%s", pack->root, name);
	if (path == NULL || ++pack->files > PACK_FILES_MAX)
		return too_large(pack);
	buffer_init(&text, COMPILE_CONFIG_MAX_BYTES);
	rc = read_text(pack, path, &text);
	if (rc == 0 && text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
		rc = err_set(pack->err, ERR_INPUT, "'%s', which is to be included, is no text", path);
	if (rc == 0 && text.len > 0)
		put_escaped(&escaped, (const char *)text.data, text.len);
	if (rc == 0) {
		node->text = arena_strndup(&pack->arena, buffer_text(&escaped), escaped.len);
		node->count = (uint32_t)escaped.len;
		node->kind = NODE_STRING;
		node->style = NODE_BLOCK;
		rc = node->text == NULL ? too_large(pack) : 0;
	}
	buffer_release(&text);
	buffer_release(&escaped);
	return rc;
}

static int
include_all(struct pack *pack, struct node *node)
{
	const char *name;
	uint32_t i;
	int rc = 0;

	if (node->kind == NODE_STRING) {
		name = included_name(pack, node->text);
		return name != NULL ? include_file(pack, node, name) : 0;
	}
	for (i = 0; rc == 0 && node->kind == NODE_SEQ && i < node->count; i++)
		rc = include_all(pack, node->items[i]);
	for (i = 0; rc == 0 && node->kind == NODE_MAP && i < node->count; i++)
		rc = include_all(pack, node->pairs[i].value);
	return rc;
}

/* An empty file is an empty mapping. */
static int
read_map(struct pack *pack, const char *path, struct node **out)
{
	struct reading reading = {path, pack->err};
	struct yaml_input input = {.problem = on_problem, .arg = &reading};
	struct buffer text;
	char *kept;
	int rc;

	if (++pack->files > PACK_FILES_MAX)
		return too_large(pack);
	*out = new_map(pack);
	buffer_init(&text, COMPILE_CONFIG_MAX_BYTES + 64 * 1024);
	rc = read_text(pack, path, &text);
	if (rc == 0 && !is_blank(&text)) {
		kept = arena_strndup(&pack->arena, (const char *)text.data, text.len);
		input.bytes = kept;
		input.len = text.len;
		rc = kept == NULL ? too_large(pack) : yaml_read(&input, &pack->arena, out);
		if (rc < 0 && pack->err->code == 0)
			rc = too_large(pack);
	}
	buffer_release(&text);
	if (rc == 0 && *out != NULL && (*out)->kind != NODE_MAP)
		return err_set(pack->err, ERR_INPUT, "'%s' must hold a mapping, not %s", path,
			       node_kind_name((*out)->kind));
	if (rc == 0 && *out == NULL)
		return too_large(pack);
	return rc == 0 ? include_all(pack, *out) : rc;
}

/* --- directories -------------------------------------------------------------------------- */

static size_t
name_length(const char *name)
{
	size_t len = strlen(name);

	if (len > 4 && text_ends(name, ".yml"))
		return len - 4;
	return len > 5 && text_ends(name, ".yaml") ? len - 5 : len;
}

static int
pack_directory(struct pack *pack, const char *directory, unsigned depth, struct node **out);

static int
pack_entry(struct pack *pack, const char *path, const char *name, unsigned depth, struct node *into)
{
	bool is_yaml = name_length(name) < strlen(name);
	struct stat status;
	struct node *map;

	if (stat(path, &status) != 0)
		return err_sys(pack->err, "cannot look at '%s'", path);
	if (S_ISDIR(status.st_mode)) {
		if (name[0] == '.')
			return 0;
		if (pack_directory(pack, path, depth + 1, &map) < 0)
			return pack->err->code;
		/* One without YAML, of scripts perhaps, is no part of the config. */
		return map->count == 0 ? 0 : put_named(pack, into, name, strlen(name), map, path);
	}
	if (!is_yaml || !S_ISREG(status.st_mode))
		return 0;
	if (read_map(pack, path, &map) < 0)
		return pack->err->code;
	if (depth == 0 || name[0] == '@')
		return merge(pack, into, map, path);
	return put_named(pack, into, name, name_length(name), map, path);
}

static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
pack_directory(struct pack *pack, const char *directory, unsigned depth, struct node **out)
{
	struct dirent **entries;
	const char *name;
	char *path;
	int i, count, rc = 0;

	*out = new_map(pack);
	if (depth > PACK_DEPTH_MAX)
		return err_set(pack->err, ERR_LIMIT, "'%.200s' lies deeper than %d directories",
			       directory, PACK_DEPTH_MAX);
	if (*out == NULL)
		return too_large(pack);
	count = scandir(directory, &entries, NULL, by_bytes);
	if (count < 0)
		return err_sys(pack->err, "cannot read directory '%s'", directory);
	for (i = 0; i < count; i++) {
		name = entries[i]->d_name;
		if (rc == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			path = mem_printf("%s/%s", directory, name);
			rc = pack_entry(pack, path, name, depth, *out);
			free(path);
		}
		free(entries[i]);
	}
	free(entries);
	return rc;
}

static int
print_tree(const struct node *root, struct err *err)
{
	struct buffer text;
	int status = EXIT_OK;

	buffer_init(&text, COMPILE_CONFIG_MAX_BYTES);
	if (yaml_write(root, &text, err) < 0)
		status = say_error(err);
	else
		status = say_result(&text);
	buffer_release(&text);
	return status;
}

static int
config_pack(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct pack pack = {.err = &err};
	struct node *root;
	int status = args_read_operands(&config_pack_command, argc, argv, 1);

	if (status != ARGS_GO)
		return status;
	arena_init(&pack.arena, PACK_MEMORY_BYTES);
	pack.root = argv[0];
	if (pack_directory(&pack, argv[0], 0, &root) < 0) {
		status = say_error(&err);
		if (status == EXIT_REFUSED)
			status = EXIT_USAGE;
	} else {
		status = print_tree(root, &err);
	}
	arena_release(&pack.arena);
	return status;
}
