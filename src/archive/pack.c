/*
 * pack.c - files and directories into one archive.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/pieces.h"
#include "archive/source.h"
#include "archive/warnings.h"
#include "base/err.h"
#include "base/mem.h"
#include "format/digest.h"

enum {
	BLOCK_BYTES = 256 * 1024, /* of what is written at a time */
	ZEROS_BYTES = 64 * 1024,
};

static const char zeros[ZEROS_BYTES];

struct pack {
	struct archive *out;
	struct digest *digest;
	int fd;
	int64_t at; /* in the entry that is written */
	struct warnings warnings;
	struct pack_sum sum;
};

/* --- the archive's bytes ------------------------------------------------------------------- */

static la_ssize_t
on_write(struct archive *archive, void *arg, const void *bytes, size_t len)
{
	struct pack *pack = arg;
	ssize_t n;

	do
		n = write(pack->fd, bytes, len);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		archive_set_error(archive, errno, "%s", strerror(errno));
		return -1;
	}
	digest_add(pack->digest, bytes, (size_t)n);
	pack->sum.archive_bytes += (uint64_t)n;
	return n;
}

static int
cannot_write(struct pack *pack, struct err *err)
{
	int code = archive_errno(pack->out);

	return err_set(err,
		       code == ENOSPC || code == EFBIG || code == EDQUOT ? ERR_LIMIT : ERR_HOST,
		       "cannot write the archive: %s", archive_error_string(pack->out));
}

static void
pack_free(struct pack *pack)
{
	unsigned char unused[DIGEST_BYTES];

	if (pack == NULL)
		return;
	if (pack->digest != NULL)
		digest_end(pack->digest, unused);
	if (pack->out != NULL)
		(void)archive_write_free(pack->out);
	free(pack);
}

static int
pack_new(struct pack **out, int fd, unsigned threads, struct err *err)
{
	struct pack *pack = MEM_NEW(struct pack);
	char count[16];
	int rc;

	(void)snprintf(count, sizeof(count), "%u", threads);
	pack->fd = fd;
	pack->digest = digest_new();
	pack->out = archive_write_new();
	if (pack->out == NULL || archive_write_set_format_pax(pack->out) != ARCHIVE_OK ||
	    archive_write_add_filter_zstd(pack->out) != ARCHIVE_OK ||
	    archive_write_set_filter_option(pack->out, "zstd", "compression-level", "1") !=
		    ARCHIVE_OK ||
	    archive_write_set_filter_option(pack->out, "zstd", "threads", count) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(pack->out, BLOCK_BYTES) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(pack->out, 1) != ARCHIVE_OK ||
	    archive_write_open(pack->out, pack, NULL, on_write, NULL) != ARCHIVE_OK)
		goto failed;
	*out = pack;
	return 0;

failed:
	rc = err_set(err, ERR_HOST, "cannot begin an archive: %s",
		     pack->out != NULL ? archive_error_string(pack->out) : "no memory");
	pack_free(pack);
	return rc;
}

/* --- one entry ------------------------------------------------------------------------------- */

static int
write_bytes(struct pack *pack, const void *bytes, size_t len, struct err *err)
{
	return archive_write_data(pack->out, bytes, len) < 0 ? cannot_write(pack, err) : 0;
}

/* Holes are written as zeros; the format leaves them out by the entry's own list. */
static int
write_hole(struct pack *pack, int64_t len, struct err *err)
{
	int rc = 0;

	for (; rc == 0 && len > 0; len -= ZEROS_BYTES)
		rc = write_bytes(pack, zeros, len < ZEROS_BYTES ? (size_t)len : ZEROS_BYTES, err);
	return rc;
}

/* *written false: it is left out. */
static int
write_header(struct pack *pack, struct archive_entry *entry, bool *written, struct err *err)
{
	int rc = archive_write_header(pack->out, entry);

	*written = rc >= ARCHIVE_WARN;
	if (rc == ARCHIVE_FATAL)
		return cannot_write(pack, err);
	if (!*written)
		warnings_tell(&pack->warnings, "'%s' is left out: %s",
			      archive_entry_pathname(entry), archive_error_string(pack->out));
	else if (archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == NULL)
		pack->sum.files++;
	return 0;
}

/* What it says it holds: zeros where there is nothing, up to its size at last. */
static int
write_piece(struct pack *pack, struct archive_entry *entry, const struct piece *piece,
	    struct err *err)
{
	int rc = write_hole(pack, piece->at - pack->at, err);

	if (rc == 0 && piece->len > 0)
		rc = write_bytes(pack, piece->bytes, piece->len, err);
	pack->at = piece->at + (int64_t)piece->len;
	if (rc == 0 && piece->last) {
		rc = write_hole(pack, archive_entry_size(entry) - pack->at, err);
		pack->sum.bytes += (uint64_t)archive_entry_size(entry);
	}
	return rc;
}

static int
write_all(struct pack *pack, struct pieces *pieces, struct err *err)
{
	struct archive_entry *entry;
	const struct piece *piece;
	bool written = false;
	int rc = 0, got = 0;

	while (rc == 0 && (got = pieces_next(pieces, &piece, &entry, err)) > 0) {
		if (piece->first) {
			rc = write_header(pack, entry, &written, err);
			pack->at = 0;
		}
		if (rc == 0 && written)
			rc = write_piece(pack, entry, piece, err);
	}
	return rc < 0 ? rc : got;
}

static int
finish(struct pack *pack, struct pack_sum *sum, struct err *err)
{
	if (archive_write_close(pack->out) != ARCHIVE_OK)
		return cannot_write(pack, err);
	warnings_end(&pack->warnings);
	digest_end(pack->digest, pack->sum.digest);
	pack->digest = NULL;
	*sum = pack->sum;
	return 0;
}

int
pack_paths(int fd, unsigned threads, const struct place *place, const struct paths *paths,
	   struct pack_sum *sum, struct err *err)
{
	struct source source = {.place = place, .paths = paths};
	struct pieces *pieces = NULL;
	struct pack *pack = NULL;
	int rc = pack_new(&pack, fd, threads, err);

	if (rc == 0) {
		source.warnings = &pack->warnings;
		source.format = archive_format(pack->out);
		rc = pieces_start(&pieces, source_make, &source, err);
	}
	if (rc == 0)
		rc = write_all(pack, pieces, err);
	if (rc == 0)
		rc = finish(pack, sum, err);
	pieces_free(pieces);
	pack_free(pack);
	return rc;
}
