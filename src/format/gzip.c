/*
 * gzip.c - a gzip stream made bit by bit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "format/gzip.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"

/* zlib.h: 16 more than the window's bits makes it gzip. */
enum {
	GZIP_LEVEL = 1,
	GZIP_WINDOW_BITS = 15 + 16,
	GZIP_MEM_LEVEL = 8,
	GZIP_ROOM_BYTES = 16 * 1024
};

struct gzip_packer {
	z_stream zlib;
	bool is_open;  /* deflateInit2() has been called */
	bool is_dirty; /* added to and not flushed */
};

int
gzip_packer_new(struct gzip_packer **out, struct err *err)
{
	struct gzip_packer *packer = MEM_NEW(struct gzip_packer);

	packer->is_open = deflateInit2(&packer->zlib, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS,
				       GZIP_MEM_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
	if (!packer->is_open) {
		gzip_packer_free(packer);
		return err_set(err, ERR_LIMIT, "no memory for a gzip stream");
	}
	*out = packer;
	return 0;
}

void
gzip_packer_free(struct gzip_packer *packer)
{
	if (packer == NULL)
		return;
	if (packer->is_open)
		(void)deflateEnd(&packer->zlib);
	free(packer);
}

static void
run(struct gzip_packer *packer, struct buffer *out, const void *bytes, size_t len, int flush)
{
	unsigned char room[GZIP_ROOM_BYTES];
	int rc;

	assert(len <= UINT32_MAX);
	packer->zlib.next_in = (unsigned char *)(uintptr_t)bytes;
	packer->zlib.avail_in = (uInt)len;
	do {
		packer->zlib.next_out = room;
		packer->zlib.avail_out = sizeof(room);
		rc = deflate(&packer->zlib, flush);
		assert(rc != Z_STREAM_ERROR); /* only our own misuse makes one */
		buffer_putn(out, room, sizeof(room) - packer->zlib.avail_out);
	} while (packer->zlib.avail_out == 0);
}

void
gzip_add(struct gzip_packer *packer, struct buffer *out, const void *bytes, size_t len)
{
	if (len == 0)
		return;
	run(packer, out, bytes, len, Z_NO_FLUSH);
	packer->is_dirty = true;
}

void
gzip_flush(struct gzip_packer *packer, struct buffer *out)
{
	if (packer->is_dirty)
		run(packer, out, NULL, 0, Z_SYNC_FLUSH);
	packer->is_dirty = false;
}

void
gzip_end(struct gzip_packer *packer, struct buffer *out)
{
	run(packer, out, NULL, 0, Z_FINISH);
}
