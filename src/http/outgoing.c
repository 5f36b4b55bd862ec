/*
 * outgoing.c - bytes that wait for the socket, copied or borrowed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/outgoing.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

enum { BLOCK_BYTES = 8 * 1024 };

struct outgoing_block {
	struct outgoing_block *next;
	const unsigned char *bytes; /* room, or borrowed */
	size_t from;
	size_t to;
	size_t size;   /* of room; 0 when borrowed */
	int32_t owner; /* of what is borrowed, else 0 */
	unsigned char room[];
};

static struct outgoing_block *
block_new(size_t size)
{
	struct outgoing_block *block = mem_zalloc(1, sizeof(*block));

	if (size > 0)
		block = mem_resize(block, 1, sizeof(*block) + size);
	block->size = size;
	block->bytes = block->room;
	return block;
}

static void
push(struct outgoing *out, struct outgoing_block *block)
{
	if (out->last != NULL)
		out->last->next = block;
	else
		out->first = block;
	out->last = block;
}

static void
pop(struct outgoing *out)
{
	struct outgoing_block *block = out->first;

	out->first = block->next;
	if (out->first == NULL)
		out->last = NULL;
	free(block);
}

void
outgoing_release(struct outgoing *out)
{
	while (out->first != NULL)
		pop(out);
	out->len = 0;
}

void
outgoing_copy(struct outgoing *out, const void *bytes, size_t len)
{
	const unsigned char *from = bytes;

	out->len += len;
	while (len > 0) {
		struct outgoing_block *last = out->last;
		size_t part;

		if (last == NULL || last->to == last->size || last->owner != 0) {
			push(out, block_new(len > BLOCK_BYTES ? len : BLOCK_BYTES));
			last = out->last;
		}
		part = len < last->size - last->to ? len : last->size - last->to;
		memcpy(last->room + last->to, from, part);
		last->to += part;
		from += part;
		len -= part;
	}
}

void
outgoing_borrow(struct outgoing *out, const void *bytes, size_t len, int32_t owner)
{
	struct outgoing_block *block;

	assert(owner != 0);
	if (len == 0)
		return;
	block = block_new(0);
	block->bytes = bytes;
	block->to = len;
	block->owner = owner;
	push(out, block);
	out->len += len;
}

/* The same bytes in a block of ours, in the same place of the list. */
static struct outgoing_block *
copied(const struct outgoing_block *block)
{
	size_t len = block->to - block->from;
	struct outgoing_block *copy = block_new(len);

	memcpy(copy->room, block->bytes + block->from, len);
	copy->to = len;
	copy->next = block->next;
	return copy;
}

void
outgoing_detach(struct outgoing *out, int32_t owner)
{
	struct outgoing_block **link;

	for (link = &out->first; *link != NULL; link = &(*link)->next) {
		struct outgoing_block *block = *link;

		if (block->owner != owner)
			continue;
		*link = copied(block);
		if (out->last == block)
			out->last = *link;
		free(block);
	}
}

bool
outgoing_has(const struct outgoing *out, int32_t owner)
{
	const struct outgoing_block *block;

	for (block = out->first; block != NULL; block = block->next) {
		if (block->owner == owner)
			return true;
	}
	return false;
}

int
outgoing_pieces(const struct outgoing *out, struct iovec *pieces, int most)
{
	const struct outgoing_block *block;
	int count = 0;

	for (block = out->first; block != NULL && count < most; block = block->next) {
		pieces[count].iov_base = (void *)(uintptr_t)(block->bytes + block->from);
		pieces[count].iov_len = block->to - block->from;
		count++;
	}
	return count;
}

void
outgoing_consume(struct outgoing *out, size_t len)
{
	assert(len <= out->len);
	out->len -= len;
	while (len > 0) {
		struct outgoing_block *block = out->first;
		size_t part = block->to - block->from;

		if (len < part) {
			block->from += len;
			return;
		}
		len -= part;
		pop(out);
	}
}
