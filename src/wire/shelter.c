/*
 * shelter.c - what a task's sealed shelter memfd holds.
 *
 * Four numbers of four bytes (version, size of the whole, flags, rows), then the rows: kind and
 * flags, two bytes each, a size of eight (from version 2 on), and as many strings with their NULs as
 * the kind has paths.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "wire/shelter.h"

#include <string.h>

#include "base/assert.h"
#include "wire/bytes.h"

enum { HEAD_BYTES = 16, ROW_BYTES_1 = 4, ROW_BYTES = 12 };

static const struct {
	const char *name;
	unsigned paths;
} kinds[] = {
#define X(NAME, name, paths) {#name, paths},
	SHELTER_KINDS(X)
#undef X
};

unsigned
shelter_kind_paths(enum shelter_kind kind)
{
	assert(kind < SHELTER_KIND_COUNT);
	return kinds[kind].paths;
}

const char *
shelter_kind_name(enum shelter_kind kind)
{
	assert(kind < SHELTER_KIND_COUNT);
	return kinds[kind].name;
}

static bool
row_has_wrong_size(const struct shelter_row *row)
{
	return row->size_bytes != 0 && row->kind != SHELTER_MEMORY;
}

/* Bytes of a row; 0 when one of its paths cannot be sent. */
static size_t
row_size(const struct shelter_row *row)
{
	size_t size = ROW_BYTES, len;
	unsigned i;

	for (i = 0; i < shelter_kind_paths(row->kind); i++) {
		len = strnlen(row->paths[i], SHELTER_PATH_BYTES);
		if (len == SHELTER_PATH_BYTES || row->paths[i][0] != '/')
			return 0;
		size += len + 1;
	}
	return size;
}

static uint8_t *
pack_row(uint8_t *at, const struct shelter_row *row)
{
	unsigned i;
	size_t len;

	bytes_put(at, row->kind, 2);
	bytes_put(at + 2, row->flags, 2);
	bytes_put(at + 4, row->size_bytes, 8);
	at += ROW_BYTES;
	for (i = 0; i < shelter_kind_paths(row->kind); i++) {
		len = strlen(row->paths[i]) + 1;
		memcpy(at, row->paths[i], len);
		at += len;
	}
	return at;
}

size_t
shelter_pack(uint8_t *room, size_t size, unsigned flags, const struct shelter_row *rows, size_t count,
	     const char **wrong)
{
	uint8_t *at = room + HEAD_BYTES;
	size_t i, len;

	*wrong = NULL;
	if (count > SHELTER_ROWS_MOST)
		*wrong = "there are more than 128 paths";
	else if (size < HEAD_BYTES || size > SHELTER_MOST_BYTES)
		*wrong = "there is no room for it";
	for (i = 0; *wrong == NULL && i < count; i++) {
		len = row_size(&rows[i]);
		if (len == 0)
			*wrong = "a path is not absolute, or longer than 4095 bytes";
		else if (row_has_wrong_size(&rows[i]))
			*wrong = "only memory has a size";
		else if (len > size - (size_t)(at - room))
			*wrong = "there is no room for it";
		else
			at = pack_row(at, &rows[i]);
	}
	if (*wrong != NULL)
		return 0;
	bytes_put(room, SHELTER_VERSION, 4);
	bytes_put(room + 4, (uint64_t)(at - room), 4);
	bytes_put(room + 8, flags, 4);
	bytes_put(room + 12, count, 4);
	return (size_t)(at - room);
}

/* Reads one row; false when it does not check. */
static bool
read_row(struct shelter_view *view, struct shelter_row *row)
{
	const size_t fixed = view->version == 1 ? ROW_BYTES_1 : ROW_BYTES;
	size_t left = (size_t)(view->end - view->at), most;
	const char *nul;
	uint64_t kind;
	unsigned i;

	if (left < fixed)
		return false;
	kind = bytes_get((const uint8_t *)view->at, 2);
	row->flags = (unsigned)bytes_get((const uint8_t *)view->at + 2, 2);
	if (kind >= SHELTER_KIND_COUNT || (row->flags & ~(unsigned)SHELTER_ROW_FLAGS_ALL) != 0)
		return false;
	row->kind = (enum shelter_kind)kind;
	row->size_bytes = fixed == ROW_BYTES ? bytes_get((const uint8_t *)view->at + 4, 8) : 0;
	if (row_has_wrong_size(row))
		return false;
	view->at += fixed;
	for (i = 0; i < SHELTER_PATHS_MOST; i++) {
		row->paths[i] = NULL;
		if (i >= kinds[kind].paths)
			continue;
		most = (size_t)(view->end - view->at);
		if (most > SHELTER_PATH_BYTES)
			most = SHELTER_PATH_BYTES;
		nul = memchr(view->at, '\0', most);
		if (nul == NULL || view->at[0] != '/')
			return false;
		row->paths[i] = view->at;
		view->at = nul + 1;
	}
	return true;
}

const char *
shelter_unpack(struct shelter_view *view, const void *bytes, size_t size)
{
	const uint8_t *head = bytes;
	struct shelter_row row;
	struct shelter_view all;
	uint32_t i;

	if (size < HEAD_BYTES || size > SHELTER_MOST_BYTES)
		return "it is shorter than its head, or larger than 256 KiB";
	view->version = (uint32_t)bytes_get(head, 4);
	if (view->version < SHELTER_VERSION_OLDEST || view->version > SHELTER_VERSION)
		return "its version is not ours";
	if (bytes_get(head + 4, 4) != size)
		return "its size is not the one it states";
	view->flags = (unsigned)bytes_get(head + 8, 4);
	view->rows = (uint32_t)bytes_get(head + 12, 4);
	if ((view->flags & ~(unsigned)SHELTER_FLAGS_ALL) != 0 || view->rows > SHELTER_ROWS_MOST)
		return "a number in its head is above its limit";
	view->at = (const char *)bytes + HEAD_BYTES;
	view->end = (const char *)bytes + size;
	all = *view;
	for (i = 0; i < view->rows; i++)
		if (!read_row(&all, &row))
			return "one of its rows does not check";
	return all.at == all.end ? NULL : "its rows do not end where it ends";
}

bool
shelter_next(struct shelter_view *view, struct shelter_row *row)
{
	if (view->rows == 0)
		return false;
	view->rows--;
	return read_row(view, row);
}
