/*
 * yaml.c - fuzz target: YAML text. A tree that was read can be written, and reads as the same tree.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "format/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { ARENA_BYTES = 48 << 20 };

static void
on_problem(void *arg, const struct yaml_problem *problem)
{
	unsigned *errors = arg;

	assert(problem->message[0] != '\0');
	*errors += !problem->is_warning;
}

static bool
is_same(const struct node *a, const struct node *b)
{
	uint32_t i;

	if (a->kind != b->kind || a->count != b->count)
		return false;
	for (i = 0; a->kind == NODE_SEQ && i < a->count; i++)
		if (!is_same(a->items[i], b->items[i]))
			return false;
	for (i = 0; a->kind == NODE_MAP && i < a->count; i++)
		if (strcmp(a->pairs[i].key->text, b->pairs[i].key->text) != 0 ||
		    !is_same(a->pairs[i].value, b->pairs[i].value))
			return false;
	return a->kind >= NODE_SEQ || strcmp(a->text, b->text) == 0;
}

static void
check_written(const struct node *root)
{
	struct buffer text = BUFFER_INIT;
	struct err err = ERR_INIT;
	struct arena arena;
	struct node *again;
	unsigned errors = 0;
	struct yaml_input input = {.problem = on_problem, .arg = &errors};

	arena_init(&arena, ARENA_BYTES);
	assert(yaml_write(root, &text, &err) == 0);
	input.bytes = buffer_text(&text);
	input.len = text.len;
	if (yaml_read(&input, &arena, &again) == 0)
		assert(is_same(root, again));
	else
		assert(text.len > YAML_BYTES_MAX || arena_is_full(&arena));
	arena_release(&arena);
	buffer_release(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct arena arena;
	struct node *root;
	unsigned errors = 0;
	struct yaml_input input = {
		.bytes = bytes, .len = len, .problem = on_problem, .arg = &errors};
	int ret;

	arena_init(&arena, ARENA_BYTES);
	ret = yaml_read(&input, &arena, &root);
	assert((ret < 0) == (errors > 0));
	if (ret == 0 && root->kind >= NODE_SEQ && root->weight < 10000)
		check_written(root);
	arena_release(&arena);
	return 0;
}
