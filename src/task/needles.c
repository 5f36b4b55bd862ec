/*
 * needles.c - a set of byte strings, and the automaton that finds all of them in one pass.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/needles.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

enum {
	FOLLOWS = 1,  /* is a child of the node before it */
	BRANCHES = 2, /* has other children */
	END = 4,      /* a string ends here */
};

void
needles_init(struct needles *needles)
{
	memset(needles, 0, sizeof(*needles));
}

static void
free_bytes(struct needles *needles)
{
	if (needles->byte != NULL)
		explicit_bzero(needles->byte, needles->room);
	free(needles->byte);
}

void
needles_release(struct needles *needles)
{
	free_bytes(needles);
	free(needles->flags);
	free(needles->depth);
	free(needles->found);
	free(needles->fail);
	free(needles->heads);
	free(needles->branches);
	needles_init(needles);
}

static void *
copy_of(const void *from, uint32_t n, size_t size)
{
	return n > 0 ? memcpy(mem_zalloc(n, size), from, n * size) : NULL;
}

void
needles_copy(struct needles *needles, const struct needles *from)
{
	*needles = *from;
	needles->byte = copy_of(from->byte, from->room, sizeof(*from->byte));
	needles->flags = copy_of(from->flags, from->room, sizeof(*from->flags));
	needles->depth = copy_of(from->depth, from->room, sizeof(*from->depth));
	needles->found = copy_of(from->found, from->room, sizeof(*from->found));
	needles->fail = NULL;
	needles->heads = copy_of(from->heads, from->head_room, sizeof(*from->heads));
	needles->branches = copy_of(from->branches, from->branch_room, sizeof(*from->branches));
}

/* --- branches: (node, byte) -> node --- */

static uint32_t
branch_slot(const struct needles *needles, uint32_t from, unsigned char c)
{
	uint32_t hash = (from * 256 + c) * 0x9e3779b1u;

	return (hash ^ hash >> 15) & (needles->branch_room - 1);
}

static uint32_t
find_branch(const struct needles *needles, uint32_t from, unsigned char c)
{
	uint32_t slot = branch_slot(needles, from, c);

	for (; needles->branches[slot].to != 0; slot = (slot + 1) & (needles->branch_room - 1))
		if (needles->branches[slot].from == from &&
		    needles->byte[needles->branches[slot].to] == c)
			return needles->branches[slot].to;
	return 0;
}

static void
put_branch(struct needles *needles, struct needle_branch branch)
{
	uint32_t slot = branch_slot(needles, branch.from, needles->byte[branch.to]);

	while (needles->branches[slot].to != 0)
		slot = (slot + 1) & (needles->branch_room - 1);
	needles->branches[slot] = branch;
}

static void
add_branch(struct needles *needles, uint32_t from, uint32_t to)
{
	struct needle_branch *old = needles->branches;
	uint32_t room = needles->branch_room, i;

	if (needles->branch_count * 2 >= room) {
		needles->branch_room = room > 0 ? room * 2 : 64;
		needles->branches = MEM_NEW_ARRAY(struct needle_branch, needles->branch_room);
		for (i = 0; i < room; i++)
			if (old[i].to != 0)
				put_branch(needles, old[i]);
		free(old);
	}
	put_branch(needles, (struct needle_branch){from, to});
	needles->branch_count++;
	needles->flags[from] |= BRANCHES;
}

static void
add_head(struct needles *needles, uint32_t node, uint32_t parent)
{
	if (needles->head_count == needles->head_room) {
		needles->head_room = needles->head_room > 0 ? needles->head_room * 2 : 32;
		needles->heads =
			mem_resize(needles->heads, needles->head_room, sizeof(*needles->heads));
	}
	needles->heads[needles->head_count++] = (struct needle_head){node, parent};
}

static uint32_t
parent_of(const struct needles *needles, uint32_t node)
{
	uint32_t low = 0, high = needles->head_count, middle;

	if ((needles->flags[node] & FOLLOWS) != 0)
		return node - 1;
	while (low < high) {
		middle = low + (high - low) / 2;
		if (needles->heads[middle].node == node)
			return needles->heads[middle].parent;
		if (needles->heads[middle].node < node)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

/* --- nodes --- */

static uint32_t
child(const struct needles *needles, uint32_t node, unsigned char c)
{
	if (node == 0)
		return needles->root[c];
	/* There is always room for one node more: its flags are zero. */
	if (needles->byte[node + 1] == c && (needles->flags[node + 1] & FOLLOWS) != 0)
		return node + 1;
	return needles->flags[node] & BRANCHES ? find_branch(needles, node, c) : 0;
}

/* Not by realloc(): it would leave them where they were. */
static void
move_bytes(struct needles *needles, uint32_t room)
{
	unsigned char *bytes = mem_zalloc(room, 1);

	if (needles->byte != NULL)
		memcpy(bytes, needles->byte, room < needles->room ? room : needles->room);
	free_bytes(needles);
	needles->byte = bytes;
}

/* More room, which is zeroed, or less. */
static void
resize(struct needles *needles, uint32_t room)
{
	uint32_t more = room > needles->room ? room - needles->room : 0;

	move_bytes(needles, room);
	needles->flags = mem_resize(needles->flags, room, 1);
	needles->depth = mem_resize(needles->depth, room, sizeof(*needles->depth));
	needles->found = mem_resize(needles->found, room, sizeof(*needles->found));
	memset(needles->flags + room - more, 0, more);
	memset(needles->depth + room - more, 0, more * sizeof(*needles->depth));
	memset(needles->found + room - more, 0, more * sizeof(*needles->found));
	needles->room = room;
}

static uint32_t
add_node(struct needles *needles, uint32_t parent, unsigned char c)
{
	uint32_t node = needles->count++;

	needles->byte[node] = c;
	needles->depth[node] = (uint16_t)(needles->depth[parent] + 1);
	if (parent == 0) {
		needles->root[c] = node;
	} else if (parent == node - 1) {
		needles->flags[node] = FOLLOWS;
	} else {
		add_head(needles, node, parent);
		add_branch(needles, parent, node);
	}
	return node;
}

bool
needles_add(struct needles *needles, const unsigned char *bytes, size_t len)
{
	uint32_t node = 0, next, need = needles->count + (uint32_t)len + 2;
	size_t i;

	assert(len > 0 && len <= NEEDLE_MOST_BYTES);
	if (need > NEEDLES_MOST_NODES)
		return false;
	if (need > needles->room)
		resize(needles, need * 2);
	if (needles->count == 0)
		needles->count = 1;
	for (i = 0; i < len; i++) {
		next = child(needles, node, bytes[i]);
		node = next != 0 ? next : add_node(needles, node, bytes[i]);
	}
	needles->flags[node] |= END;
	return true;
}

void
needles_fit(struct needles *needles)
{
	if (needles->count > 0 && needles->room > needles->count + 1)
		resize(needles, needles->count + 1);
}

/* Node numbers from the root downwards. */
static uint32_t *
by_depth(const struct needles *needles)
{
	uint32_t *order = MEM_NEW_ARRAY(uint32_t, needles->count),
		 *at = MEM_NEW_ARRAY(uint32_t, NEEDLE_MOST_BYTES + 2), i;

	for (i = 0; i < needles->count; i++)
		at[needles->depth[i] + 1]++;
	for (i = 1; i < NEEDLE_MOST_BYTES + 2; i++)
		at[i] += at[i - 1];
	for (i = 0; i < needles->count; i++)
		order[at[needles->depth[i]]++] = i;
	free(at);
	return order;
}

void
needles_link(struct needles *needles)
{
	uint32_t *order, i, node, parent;

	if (needles->count == 0)
		return;
	needles_fit(needles);
	order = by_depth(needles);
	free(needles->fail);
	needles->fail = MEM_NEW_ARRAY(uint32_t, needles->count);
	for (i = 1; i < needles->count; i++) {
		node = order[i];
		parent = parent_of(needles, node);
		if (parent != 0)
			needles->fail[node] =
				needles_step(needles, needles->fail[parent], needles->byte[node]);
		needles->found[node] = needles_is_end(needles, node)
					       ? needles->depth[node]
					       : needles->found[needles->fail[node]];
	}
	free(order);
}

uint32_t
needles_step(const struct needles *needles, uint32_t node, unsigned char c)
{
	uint32_t next;

	for (;;) {
		next = child(needles, node, c);
		if (next != 0 || node == 0)
			return next;
		node = needles->fail[node];
	}
}

bool
needles_is_end(const struct needles *needles, uint32_t node)
{
	return (needles->flags[node] & END) != 0;
}

void
needles_prefix(const struct needles *needles, uint32_t node, size_t len, unsigned char *room)
{
	for (; node != 0; node = parent_of(needles, node))
		if (needles->depth[node] <= len)
			room[needles->depth[node] - 1] = needles->byte[node];
}
