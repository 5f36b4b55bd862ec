/*
 * outgoing.c - bytes that wait for the socket: copied, borrowed, or in a pipe.
 *
 * A list of blocks, each a piece of a room or of somebody else's memory. Rooms are filled
 * from front to back whatever is borrowed in between, and begun anew when nothing of them
 * waits any more; blocks are used again. So a body of any length is sent without malloc(3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/outgoing.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"

enum { ROOM_BYTES = 4 * 1024, SPARE_MOST = 32, PIPE_BYTES = 512 * 1024, LOAD_BYTES = 64 * 1024 };

struct outgoing_room {
	unsigned refs; /* blocks in it, and one while it is being filled */
	size_t used, size;
	unsigned char bytes[];
};

struct outgoing_block {
	struct outgoing_block *next;
	const unsigned char *bytes;
	size_t len;
	struct outgoing_room *room; /* where they are; NULL when borrowed */
	int32_t owner;		    /* of what is borrowed, else 0 */
	enum outgoing_kind kind;
	bool is_load; /* of what outgoing_load() has read */
};

/* --- rooms and blocks --- */

static struct outgoing_room *
room_new(size_t size)
{
	struct outgoing_room *room = mem_resize(NULL, 1, sizeof(*room) + size);

	room->refs = 1;
	room->used = 0;
	room->size = size;
	return room;
}

/* One of those in it is gone. A room for a large piece is not kept for small ones. */
static void
room_left(struct outgoing *out, struct outgoing_room *room)
{
	if (room == NULL)
		return;
	room->refs--;
	if (room->refs == 1 && room == out->room) {
		room->used = 0;
		if (room->size <= ROOM_BYTES)
			return;
		out->room = NULL;
		room->refs = 0;
	}
	if (room->refs == 0)
		free(room);
}

static struct outgoing_block *
block_new(struct outgoing *out)
{
	struct outgoing_block *block = out->spare;

	if (block != NULL) {
		out->spare = block->next;
		out->spares--;
	} else {
		block = mem_resize(NULL, 1, sizeof(*block));
	}
	*block = (struct outgoing_block){0};
	return block;
}

static struct outgoing_block *
push(struct outgoing *out)
{
	struct outgoing_block *block = block_new(out);

	if (out->last != NULL)
		out->last->next = block;
	else
		out->first = block;
	out->last = block;
	return block;
}

static void
block_spare(struct outgoing *out, struct outgoing_block *block)
{
	if (out->spares == SPARE_MOST) {
		free(block);
		return;
	}
	block->next = out->spare;
	out->spare = block;
	out->spares++;
}

static void
pop(struct outgoing *out)
{
	struct outgoing_block *block = out->first;

	out->first = block->next;
	if (out->first == NULL)
		out->last = NULL;
	room_left(out, block->room);
	if (block->is_load)
		out->is_loaded = false;
	block_spare(out, block);
}

void
outgoing_release(struct outgoing *out)
{
	struct outgoing_block *block;

	while (out->first != NULL)
		pop(out);
	while ((block = out->spare) != NULL) {
		out->spare = block->next;
		free(block);
	}
	free(out->room);
	free(out->load);
	if (out->has_pipe) {
		(void)close(out->pipe[0]);
		(void)close(out->pipe[1]);
	}
	*out = (struct outgoing){0};
}

/* --- in --- */

/* The last block, when what comes next can lie behind it. */
static struct outgoing_block *
open_block(struct outgoing *out)
{
	struct outgoing_block *last = out->last;

	if (last != NULL && last->room != NULL && last->room == out->room)
		return last;
	last = push(out);
	last->room = out->room;
	last->bytes = out->room->bytes + out->room->used;
	out->room->refs++;
	return last;
}

void
outgoing_copy(struct outgoing *out, const void *bytes, size_t len)
{
	const unsigned char *from = bytes;

	out->len += len;
	while (len > 0) {
		struct outgoing_room *room = out->room;
		size_t part;

		if (room == NULL || room->used == room->size) {
			out->room = room_new(len > ROOM_BYTES ? len : ROOM_BYTES);
			room_left(out, room);
			room = out->room;
		}
		part = len < room->size - room->used ? len : room->size - room->used;
		open_block(out)->len += part;
		memcpy(room->bytes + room->used, from, part);
		room->used += part;
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
	block = push(out);
	block->bytes = bytes;
	block->len = len;
	block->owner = owner;
	out->len += len;
}

void
outgoing_detach(struct outgoing *out, int32_t owner)
{
	struct outgoing_block *block;

	for (block = out->first; block != NULL; block = block->next) {
		if (block->owner != owner)
			continue;
		block->room = room_new(block->len);
		memcpy(block->room->bytes, block->bytes, block->len);
		block->bytes = block->room->bytes;
		block->owner = 0;
	}
}

/* --- by a pipe --- */

int
outgoing_pipe(struct outgoing *out)
{
	if (!out->has_pipe && pipe2(out->pipe, O_CLOEXEC | O_NONBLOCK) == 0) {
		out->has_pipe = true;
		/* Beyond what its user may have (pipe(7)) it stays as it is. */
		(void)fcntl(out->pipe[1], F_SETPIPE_SZ, PIPE_BYTES);
	}
	return out->has_pipe ? out->pipe[1] : -1;
}

static void
push_piped(struct outgoing *out, enum outgoing_kind kind)
{
	struct outgoing_block *block = push(out);

	block->kind = kind;
	block->len = out->unclaimed;
	out->len += block->len;
	out->unclaimed = 0;
}

void
outgoing_moved(struct outgoing *out, size_t len)
{
	if (out->unclaimed > 0)
		push_piped(out, OUTGOING_WASTE);
	out->unclaimed = len;
}

void
outgoing_piped(struct outgoing *out)
{
	assert(out->unclaimed > 0);
	push_piped(out, OUTGOING_PIPED);
}

/* The head of a frame may be before it: they go together. */
void
outgoing_load(struct outgoing *out)
{
	struct outgoing_block **at = &out->first, *block = *at, *load;
	size_t len = LOAD_BYTES;
	ssize_t got;

	if (block->kind == OUTGOING_BYTES && block->next != NULL && block->len < len) {
		len -= block->len;
		at = &block->next;
		block = *at;
	}
	if (block->kind != OUTGOING_PIPED || out->is_loaded)
		return;
	if (out->load == NULL)
		out->load = mem_resize(NULL, 1, LOAD_BYTES);
	got = read(out->pipe[0], out->load, len < block->len ? len : block->len);
	assert(got > 0);
	load = block_new(out);
	load->bytes = out->load;
	load->len = (size_t)got;
	load->is_load = true;
	load->next = block;
	*at = load;
	out->is_loaded = true;
	block->len -= (size_t)got;
	if (block->len == 0) {
		load->next = block->next;
		if (out->last == block)
			out->last = load;
		block_spare(out, block);
	}
}

/* --- out --- */

enum outgoing_kind
outgoing_front(const struct outgoing *out, size_t *len)
{
	*len = out->first->len;
	return out->first->kind;
}

int
outgoing_pipe_end(const struct outgoing *out)
{
	return out->pipe[0];
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

	for (block = out->first; block != NULL && count < most && block->kind == OUTGOING_BYTES;
	     block = block->next) {
		pieces[count].iov_base = (void *)(uintptr_t)block->bytes;
		pieces[count].iov_len = block->len;
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

		if (len < block->len) {
			if (block->kind == OUTGOING_BYTES)
				block->bytes += len;
			block->len -= len;
			return;
		}
		len -= block->len;
		pop(out);
	}
}
