/*
 * reader.c - what an archive holds, decompressed and read in a thread of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <string.h>

#include "archive/pieces.h"
#include "base/err.h"

enum {
	BLOCK_BYTES = 256 * 1024,
	STOPPED = 1, /* nobody wants more */
};

static int
cannot_read(struct archive *in, struct err *err)
{
	const char *why = archive_error_string(in);

	return err_set(err, ERR_INPUT, "cannot read the archive: %s",
		       why != NULL ? why : "it is damaged");
}

/* Behind what the piece has, or into the next one. NULL: nobody wants more. */
static struct piece *
add_bytes(struct pieces *pieces, struct piece *piece, const unsigned char *bytes, size_t len,
	  int64_t at)
{
	size_t n;

	for (; len > 0; bytes += n, at += (int64_t)n, len -= n) {
		if (piece->len == PIECE_BYTES ||
		    (piece->len > 0 && piece->at + (int64_t)piece->len != at)) {
			pieces_put(pieces);
			piece = pieces_room(pieces);
			if (piece == NULL)
				return NULL;
		}
		if (piece->len == 0)
			piece->at = at;
		n = PIECE_BYTES - piece->len < len ? PIECE_BYTES - piece->len : len;
		memcpy(piece->bytes + piece->len, bytes, n);
		piece->len += n;
	}
	return piece;
}

/* A piece is put when there is more: so the last one is known. */
static int
add_entry(struct archive *in, struct pieces *pieces, struct piece *piece, struct err *err)
{
	bool any = archive_entry_size(piece->entry) > 0;
	const void *bytes;
	int got = ARCHIVE_EOF;
	int64_t at;
	size_t len;

	piece->first = true;
	while (any && (got = archive_read_data_block(in, &bytes, &len, &at)) == ARCHIVE_OK) {
		piece = add_bytes(pieces, piece, bytes, len, at);
		if (piece == NULL)
			return STOPPED;
	}
	if (got != ARCHIVE_EOF)
		return cannot_read(in, err);
	piece->last = true;
	pieces_put(pieces);
	return 0;
}

static int
add_all(struct archive *in, struct pieces *pieces, struct err *err)
{
	struct piece *piece;
	int got, rc = 0;

	while (rc == 0) {
		piece = pieces_room(pieces);
		if (piece == NULL)
			return STOPPED;
		got = archive_read_next_header2(in, piece->entry);
		if (got == ARCHIVE_EOF)
			return 0;
		rc = got < ARCHIVE_WARN ? cannot_read(in, err) : add_entry(in, pieces, piece, err);
	}
	return rc;
}

int
reader_make(void *arg, struct pieces *pieces, struct err *err)
{
	const struct reader *reader = arg;
	struct archive *in = archive_read_new();
	int rc;

	if (in == NULL)
		return err_set(err, ERR_HOST, "there is no memory");
	if (archive_read_support_format_tar(in) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(in) != ARCHIVE_OK ||
	    archive_read_open_fd(in, reader->fd, BLOCK_BYTES) != ARCHIVE_OK)
		rc = cannot_read(in, err);
	else
		rc = add_all(in, pieces, err);
	(void)archive_read_free(in);
	return rc < 0 ? rc : 0;
}
