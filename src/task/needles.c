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
	FOUND = 8,    /* or in a suffix of it */
	DEEP = 16,    /* its longest suffix has two bytes or more */
};

/* What is left of one to link. */
struct chain {
	uint32_t node, end, parent, depth;
};

/* From the root downwards: of all chains that have begun one node each, and then the next. */
struct needle_linking {
	uint32_t *fail;	 /* of each node that of its longest proper suffix */
	uint16_t *found; /* of each node the longest string that ends in it */
	uint32_t deep, ends;
	struct chain *chains; /* those that go on, and from begun on those that begin deeper */
	uint32_t count, begun, live, depth;
	bool levels_done;
	uint32_t kept; /* nodes before are in the needles' own */
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

static void
end_linking(struct needles *needles)
{
	struct needle_linking *linking = needles->linking;

	if (linking == NULL)
		return;
	free(linking->fail);
	free(linking->found);
	free(linking->chains);
	free(linking);
	needles->linking = NULL;
}

void
needles_release(struct needles *needles)
{
	free_bytes(needles);
	free(needles->flags);
	free(needles->heads);
	free(needles->branches);
	sparse_release(&needles->fails);
	sparse_release(&needles->founds);
	end_linking(needles);
	needles_init(needles);
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

/* --- chains --- */

static void
add_head(struct needles *needles, uint32_t node, uint32_t parent, uint32_t depth)
{
	if (needles->head_count == needles->head_room) {
		needles->head_room = needles->head_room > 0 ? needles->head_room * 2 : 32;
		needles->heads =
			mem_resize(needles->heads, needles->head_room, sizeof(*needles->heads));
	}
	needles->heads[needles->head_count++] = (struct needle_head){node, parent, depth};
}

/* Of the chain that a node, not the root, is in. */
static const struct needle_head *
head_of(const struct needles *needles, uint32_t node)
{
	uint32_t low = 0, high = needles->head_count, middle;

	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (needles->heads[middle].node <= node)
			low = middle;
		else
			high = middle;
	}
	return &needles->heads[low];
}

/* Behind the last node of a chain. */
static uint32_t
end_of(const struct needles *needles, const struct needle_head *head)
{
	return head + 1 < needles->heads + needles->head_count ? head[1].node : needles->count;
}

static uint32_t
parent_of(const struct needles *needles, uint32_t node)
{
	return (needles->flags[node] & FOLLOWS) != 0 ? node - 1 : head_of(needles, node)->parent;
}

uint32_t
needles_depth(const struct needles *needles, uint32_t node)
{
	const struct needle_head *head;

	if (node == 0)
		return 0;
	head = head_of(needles, node);
	return head->depth + node - head->node;
}

void
needles_visit(const struct needles *needles, uint32_t least, uint32_t most, needles_node_fn *fn,
	      void *arg)
{
	const struct needle_head *head = needles->heads;
	uint32_t i, node, end;

	for (i = 0; i < needles->head_count; i++, head++) {
		if (head->depth > most)
			continue;
		node = head->node + (head->depth < least ? least - head->depth : 0);
		end = end_of(needles, head);
		if (end - head->node > most - head->depth)
			end = head->node + most - head->depth + 1;
		for (; node < end; node++)
			fn(arg, node);
	}
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
	memset(needles->flags + room - more, 0, more);
	needles->room = room;
}

static uint32_t
add_node(struct needles *needles, uint32_t parent, uint32_t depth, unsigned char c)
{
	uint32_t node = needles->count++;

	needles->byte[node] = c;
	if (parent != 0 && parent == node - 1) {
		needles->flags[node] = FOLLOWS;
		return node;
	}
	add_head(needles, node, parent, depth);
	if (parent == 0)
		needles->root[c] = node;
	else
		add_branch(needles, parent, node);
	return node;
}

bool
needles_add(struct needles *needles, const unsigned char *bytes, size_t len)
{
	uint32_t node = 0, next, need = needles->count + (uint32_t)len + 2;
	size_t i;

	assert(len > 0 && len <= NEEDLE_MOST_BYTES);
	end_linking(needles);
	if (need > NEEDLES_MOST_NODES)
		return false;
	if (need > needles->room)
		resize(needles, need * 2);
	if (needles->count == 0)
		needles->count = 1;
	for (i = 0; i < len; i++) {
		next = child(needles, node, bytes[i]);
		node = next != 0 ? next : add_node(needles, node, (uint32_t)i + 1, bytes[i]);
	}
	needles->flags[node] |= END;
	return true;
}

/* --- suffixes --- */

static void
link_node(struct needles *needles, const struct chain *chain, uint32_t depth)
{
	struct needle_linking *linking = needles->linking;
	uint32_t next = 0, at = chain->parent, node = chain->node;
	unsigned char c = needles->byte[node];
	unsigned flags = needles->flags[node] & ~(unsigned)(FOUND | DEEP);

	while (next == 0 && at != 0) {
		at = linking->fail[at];
		next = child(needles, at, c);
	}
	linking->fail[node] = next;
	linking->found[node] = (flags & END) != 0 ? (uint16_t)depth : linking->found[next];
	if (linking->found[node] != 0) {
		flags |= FOUND;
		linking->ends++;
	}
	if (next != 0 && next != needles->root[c]) {
		flags |= DEEP;
		linking->deep++;
	}
	needles->flags[node] = (unsigned char)flags;
}

static int
compare_depth(const void *one, const void *other)
{
	const struct chain *a = one, *b = other;

	return (a->depth > b->depth) - (a->depth < b->depth);
}

static struct chain *
chains_by_depth(const struct needles *needles)
{
	struct chain *chains = MEM_NEW_ARRAY(struct chain, needles->head_count);
	const struct needle_head *head = needles->heads;
	uint32_t i;

	for (i = 0; i < needles->head_count; i++, head++)
		chains[i] = (struct chain){head->node, end_of(needles, head), head->parent,
					   head->depth};
	qsort(chains, needles->head_count, sizeof(*chains), compare_depth);
	return chains;
}

static void
begin_linking(struct needles *needles)
{
	struct needle_linking *linking = MEM_NEW(struct needle_linking);

	if (needles->room > needles->count + 1)
		resize(needles, needles->count + 1);
	linking->fail = MEM_NEW_ARRAY(uint32_t, needles->count);
	linking->found = MEM_NEW_ARRAY(uint16_t, needles->count);
	linking->chains = chains_by_depth(needles);
	linking->count = needles->head_count;
	needles->linking = linking;
}

/* All nodes of the next depth; returns how many these are, 0: there is none. */
static uint32_t
link_level(struct needles *needles)
{
	struct needle_linking *linking = needles->linking;
	struct chain *chains = linking->chains;
	uint32_t depth = ++linking->depth, linked, i = 0;

	while (linking->begun < linking->count && chains[linking->begun].depth == depth)
		chains[linking->live++] = chains[linking->begun++];
	linked = linking->live;
	while (i < linking->live) {
		link_node(needles, &chains[i], depth);
		chains[i].parent = chains[i].node++;
		if (chains[i].node == chains[i].end)
			chains[i] = chains[--linking->live];
		else
			i++;
	}
	return linked;
}

/* The suffixes of some nodes more; true when these were the last. */
static bool
keep_links(struct needles *needles, size_t most)
{
	struct needle_linking *linking = needles->linking;
	uint32_t node = linking->kept, end = needles->count;

	if (node == 0) {
		sparse_release(&needles->fails);
		sparse_release(&needles->founds);
		sparse_init(&needles->fails, needles->count, linking->deep);
		sparse_init(&needles->founds, needles->count, linking->ends);
		node = 1;
	}
	if (end - node > most)
		end = node + (uint32_t)most;
	for (; node < end; node++) {
		if ((needles->flags[node] & DEEP) != 0)
			sparse_put(&needles->fails, node, linking->fail[node]);
		if ((needles->flags[node] & FOUND) != 0)
			sparse_put(&needles->founds, node, linking->found[node]);
	}
	linking->kept = node;
	return node == needles->count;
}

/* As many levels as have so many nodes; true when these were the last. */
static bool
link_levels(struct needles *needles, size_t most)
{
	size_t linked = 0;
	uint32_t n;

	do {
		n = link_level(needles);
		linked += n;
	} while (n > 0 && linked < most);
	return n == 0;
}

bool
needles_link(struct needles *needles, size_t most)
{
	struct needle_linking *linking;

	if (needles->count == 0)
		return true;
	if (needles->linking == NULL)
		begin_linking(needles);
	linking = needles->linking;
	if (!linking->levels_done) {
		linking->levels_done = link_levels(needles, most);
		return false;
	}
	if (!keep_links(needles, most))
		return false;
	end_linking(needles);
	return true;
}

/* --- what they find --- */

static void
fall_back(const struct needles *needles, struct needle_place *place)
{
	uint32_t next;

	if ((needles->flags[place->node] & DEEP) != 0) {
		place->node = sparse_get(&needles->fails, place->node);
		place->depth = needles_depth(needles, place->node);
		return;
	}
	next = needles->root[needles->byte[place->node]];
	place->node = place->depth > 1 ? next : 0;
	place->depth = place->node != 0;
}

uint32_t
needles_step(const struct needles *needles, struct needle_place *place, unsigned char c)
{
	uint32_t next = child(needles, place->node, c);

	while (next == 0 && place->node != 0) {
		fall_back(needles, place);
		next = child(needles, place->node, c);
	}
	place->node = next;
	place->depth = next != 0 ? place->depth + 1 : 0;
	return (needles->flags[next] & FOUND) != 0 ? sparse_get(&needles->founds, next) : 0;
}

bool
needles_is_end(const struct needles *needles, uint32_t node)
{
	return (needles->flags[node] & END) != 0;
}

void
needles_prefix(const struct needles *needles, uint32_t node, size_t len, unsigned char *room)
{
	uint32_t depth = needles_depth(needles, node);

	for (; node != 0; node = parent_of(needles, node), depth--)
		if (depth <= len)
			room[depth - 1] = needles->byte[node];
}
