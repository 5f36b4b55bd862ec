/*
 * frame.c - one zstd frame for one chunk of output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "format/frame.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"

struct frame_packer {
	ZSTD_CCtx *zstd;
};

struct frame_reader {
	ZSTD_DCtx *zstd;
};

int
frame_packer_new(struct frame_packer **out, int level, struct err *err)
{
	struct frame_packer *packer;

	if (level < 1 || level > FRAME_LEVEL_MOST)
		return err_set(err, ERR_INPUT, "zstd level %d is not from 1 to %d", level, FRAME_LEVEL_MOST);
	packer = MEM_NEW(struct frame_packer);
	packer->zstd = ZSTD_createCCtx();
	if (packer->zstd == NULL) {
		free(packer);
		return err_set(err, ERR_LIMIT, "no memory for a compression context");
	}
	(void)ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel, level);
	(void)ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_checksumFlag, 1);
	(void)ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_contentSizeFlag, 1);
	*out = packer;
	return 0;
}

void
frame_packer_free(struct frame_packer *packer)
{
	if (packer == NULL)
		return;
	(void)ZSTD_freeCCtx(packer->zstd);
	free(packer);
}

size_t
frame_bound(size_t len)
{
	return ZSTD_compressBound(len);
}

size_t
frame_pack(struct frame_packer *packer, void *room, size_t size, const void *bytes, size_t len)
{
	size_t n = ZSTD_compress2(packer->zstd, room, size, bytes, len);

	assert(!ZSTD_isError(n)); /* the room is large enough: nothing else can go wrong */
	return n;
}

int
frame_reader_new(struct frame_reader **out, struct err *err)
{
	struct frame_reader *reader = MEM_NEW(struct frame_reader);

	reader->zstd = ZSTD_createDCtx();
	if (reader->zstd == NULL) {
		free(reader);
		return err_set(err, ERR_LIMIT, "no memory for a decompression context");
	}
	*out = reader;
	return 0;
}

void
frame_reader_free(struct frame_reader *reader)
{
	if (reader == NULL)
		return;
	(void)ZSTD_freeDCtx(reader->zstd);
	free(reader);
}

/*
 * A frame of any program that has what frame_pack() gives it. A reader's memory hangs on the window that a frame names,
 * unless it is a single segment (RFC 8878, 3.1.1.1.2).
 */
static int
check_head(size_t want, const unsigned char *frame, size_t len, struct err *err)
{
	static const unsigned char magic[] = {0x28, 0xb5, 0x2f, 0xfd};
	enum { KIND = 0x27, CHECKSUM_OF_ONE_SEGMENT = 0x24 }; /* the lowest bits: is there a dictionary? */

	if (len <= sizeof(magic) || memcmp(frame, magic, sizeof(magic)) != 0)
		return err_set(err, ERR_INPUT, "this is no zstd frame");
	if ((frame[sizeof(magic)] & KIND) != CHECKSUM_OF_ONE_SEGMENT)
		return err_set(err, ERR_INPUT, "a frame must be one segment with a checksum and without a dictionary");
	if (ZSTD_getFrameContentSize(frame, len) != want)
		return err_set(err, ERR_INPUT, "a frame does not hold the %zu bytes it should", want);
	if (ZSTD_findFrameCompressedSize(frame, len) != len)
		return err_set(err, ERR_INPUT, "a frame is cut short or has bytes behind it");
	return 0;
}

int
frame_unpack(struct frame_reader *reader, void *room, size_t want, const void *frame, size_t len,
	     struct err *err)
{
	int rc = check_head(want, frame, len, err);
	size_t n;

	if (rc < 0)
		return rc;
	n = ZSTD_decompressDCtx(reader->zstd, room, want, frame, len);
	if (ZSTD_isError(n))
		return err_set(err, ERR_INPUT, "a frame is damaged: %s", ZSTD_getErrorName(n));
	if (n != want)
		return err_set(err, ERR_INPUT, "a frame does not hold the %zu bytes it should", want);
	return 0;
}
