/*
 * variant.c - the same config written another way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "variant.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/err.h"
#include "format/yaml.h"

static void
put_quoted(struct buffer *out, const char *text)
{
	buffer_puts(out, "\"");
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buffer_printf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			buffer_printf(out, "\\x%02x", (unsigned char)*text);
		else
			buffer_putn(out, text, 1);
	}
	buffer_puts(out, "\"");
}

static void
put_flow(struct buffer *out, const struct node *node)
{
	uint32_t i;

	if (node->kind == NODE_STRING) {
		put_quoted(out, node->text);
	} else if (node->kind < NODE_STRING) {
		buffer_puts(out, node->kind == NODE_NULL ? "~" : node->text);
	} else {
		buffer_puts(out, node->kind == NODE_SEQ ? "[" : "{");
		for (i = 0; i < node->count; i++) {
			buffer_puts(out, i > 0 ? ", " : "");
			if (node->kind == NODE_MAP) {
				put_quoted(out, node->pairs[i].key->text);
				buffer_puts(out, ": ");
			}
			put_flow(out,
				 node->kind == NODE_SEQ ? node->items[i] : node->pairs[i].value);
		}
		buffer_puts(out, node->kind == NODE_SEQ ? "]" : "}");
	}
}

static void
reverse(struct node *map)
{
	uint32_t i;

	for (i = 0; i < map->count / 2; i++) {
		struct pair pair = map->pairs[i];

		map->pairs[i] = map->pairs[map->count - 1 - i];
		map->pairs[map->count - 1 - i] = pair;
	}
}

static void
on_problem(void *arg, const struct yaml_problem *problem)
{
	(void)arg;
	(void)problem;
}

bool
variant_write(enum variant variant, const char *bytes, size_t len, struct buffer *out)
{
	struct yaml_input input = {.bytes = bytes, .len = len, .problem = on_problem};
	struct err err = ERR_INIT;
	struct arena arena;
	struct node *root;
	int ret;

	arena_init(&arena, 0);
	ret = yaml_read(&input, &arena, &root);
	if (ret == 0 && root->kind == NODE_MAP && variant == VARIANT_REVERSED)
		reverse(root);
	if (ret == 0 && variant == VARIANT_FLOW)
		put_flow(out, root);
	else if (ret == 0)
		assert(yaml_write(root, out, &err) == 0);
	arena_release(&arena);
	return ret == 0;
}
