/*
 * pack.c - files and directories into one archive.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/paths.h"
#include "archive/place.h"
#include "archive/source.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "format/digest.h"

enum {
	BLOCK_BYTES = 256 * 1024, /* of what is written at a time */
	ZEROS_BYTES = 64 * 1024,
	WARNINGS_TOLD_MOST = 20,
	SHORTER = -1, /* beside errno's values: the file ends before its size */
};

static const char zeros[ZEROS_BYTES];

struct pack {
	const struct place *place;
	struct archive *disk, *out;
	struct archive_entry_linkresolver *links;
	struct digest *digest;
	int fd;
	struct pack_sum sum;
};

static void warn(struct pack *pack, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
warn(struct pack *pack, const char *fmt, ...)
{
	va_list ap;

	if (++pack->sum.warnings > WARNINGS_TOLD_MOST)
		return;
	(void)fputs("warning: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

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
	if (pack->links != NULL)
		archive_entry_linkresolver_free(pack->links);
	if (pack->out != NULL)
		(void)archive_write_free(pack->out);
	if (pack->disk != NULL)
		(void)archive_read_free(pack->disk);
	free(pack);
}

static int
pack_new(struct pack **out, int fd, unsigned threads, const struct place *place, struct err *err)
{
	struct pack *pack = MEM_NEW(struct pack);
	char count[16];
	int rc;

	(void)snprintf(count, sizeof(count), "%u", threads);
	pack->place = place;
	pack->fd = fd;
	pack->digest = digest_new();
	pack->disk = archive_read_disk_new();
	pack->out = archive_write_new();
	pack->links = archive_entry_linkresolver_new();
	if (pack->disk == NULL || pack->out == NULL || pack->links == NULL)
		goto failed;
	(void)archive_read_disk_set_symlink_physical(pack->disk);
	(void)archive_read_disk_set_behavior(pack->disk, ARCHIVE_READDISK_NO_XATTR |
								 ARCHIVE_READDISK_NO_ACL |
								 ARCHIVE_READDISK_NO_FFLAGS |
								 ARCHIVE_READDISK_NO_SPARSE);
	if (archive_write_set_format_pax(pack->out) != ARCHIVE_OK ||
	    archive_write_add_filter_zstd(pack->out) != ARCHIVE_OK ||
	    archive_write_set_filter_option(pack->out, "zstd", "compression-level", "1") !=
		    ARCHIVE_OK ||
	    archive_write_set_filter_option(pack->out, "zstd", "threads", count) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(pack->out, BLOCK_BYTES) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(pack->out, 1) != ARCHIVE_OK ||
	    archive_write_open(pack->out, pack, NULL, on_write, NULL) != ARCHIVE_OK)
		goto failed;
	archive_entry_linkresolver_set_strategy(pack->links, archive_format(pack->out));
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

/* So many bytes from where the file stands; zeros where it has fewer, and *trouble says why. */
static int
write_piece(struct pack *pack, int fd, int64_t len, int *trouble, struct err *err)
{
	static unsigned char room[BLOCK_BYTES];
	ssize_t n = 1;
	int rc = 0;

	for (; rc == 0 && len > 0; len -= n) {
		n = source_read(fd, room, len < BLOCK_BYTES ? (size_t)len : BLOCK_BYTES);
		if (n <= 0) {
			*trouble = n < 0 ? errno : SHORTER;
			return write_hole(pack, len, err);
		}
		rc = write_bytes(pack, room, (size_t)n, err);
	}
	return rc;
}

static int
write_content(struct pack *pack, struct archive_entry *entry, int fd, struct err *err)
{
	int64_t size = archive_entry_size(entry), done = 0, at = 0, len = size;
	bool has_holes = archive_entry_sparse_reset(entry) > 0;
	int trouble = 0, rc = 0;

	while (rc == 0 && done < size) {
		if (has_holes && archive_entry_sparse_next(entry, &at, &len) != ARCHIVE_OK)
			at = size, len = 0;
		rc = write_hole(pack, at - done, err);
		if (has_holes && lseek(fd, at, SEEK_SET) < 0)
			trouble = errno;
		if (rc == 0)
			rc = write_piece(pack, fd, len, &trouble, err);
		done = at + len;
	}
	if (trouble > 0)
		warn(pack, "cannot read all of '%s': %s", archive_entry_pathname(entry),
		     strerror(trouble));
	else if (trouble == SHORTER)
		warn(pack, "'%s' became shorter while it was read", archive_entry_pathname(entry));
	pack->sum.bytes += (uint64_t)size;
	return rc;
}

/* fd: of a regular file, else -1. */
static int
write_entry(struct pack *pack, struct archive_entry *entry, int fd, struct err *err)
{
	int rc = archive_write_header(pack->out, entry);

	if (rc == ARCHIVE_FATAL)
		return cannot_write(pack, err);
	if (rc < ARCHIVE_WARN) {
		warn(pack, "'%s' is left out: %s", archive_entry_pathname(entry),
		     archive_error_string(pack->out));
		return 0;
	}
	if (fd < 0 || archive_entry_hardlink(entry) != NULL)
		return 0;
	pack->sum.files++;
	return write_content(pack, entry, fd, err);
}

/* What of an entry is the same wherever it is unpacked. */
static bool
prepare(struct pack *pack, struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);
	char name[PATH_MAX];
	mode_t type = archive_entry_filetype(entry);

	if (type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK) {
		warn(pack, "'%s' is left out: it is no file, directory or link", path);
		return false;
	}
	if (!place_name(pack->place, path, name)) {
		warn(pack, "'%.80s...' is left out: its path is too long", path);
		return false;
	}
	archive_entry_copy_pathname(entry, name);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	archive_entry_set_uname(entry, "");
	archive_entry_set_gname(entry, "");
	archive_entry_unset_atime(entry);
	archive_entry_unset_ctime(entry);
	archive_entry_unset_birthtime(entry);
	archive_entry_set_perm(entry, archive_entry_perm(entry) & 01777); /* no set-id bits */
	return true;
}

static int
add_entry(struct pack *pack, struct archive_entry *entry, struct err *err)
{
	struct archive_entry *spare = NULL;
	LOCAL_FD fd = -1;

	if (!prepare(pack, entry))
		return 0;
	if (archive_entry_filetype(entry) == AE_IFREG && (fd = source_open(entry)) < 0) {
		warn(pack, "'%s' is left out: %s", archive_entry_sourcepath(entry),
		     errno == EINVAL ? "it is no file any more" : strerror(errno));
		return 0;
	}
	/* Behind that: nothing becomes a link to what is left out. */
	archive_entry_linkify(pack->links, &entry, &spare);
	return entry != NULL ? write_entry(pack, entry, fd, err) : 0;
}

/* --- a tree ------------------------------------------------------------------------------------
 */

static int
walk(struct pack *pack, struct archive_entry *entry, struct err *err)
{
	int got, rc = 0;

	while (rc == 0 && (got = archive_read_next_header2(pack->disk, entry)) != ARCHIVE_EOF) {
		if (got == ARCHIVE_FATAL)
			return err_set(err, ERR_HOST, "cannot go on reading: %s",
				       archive_error_string(pack->disk));
		if (got < ARCHIVE_WARN) {
			warn(pack, "%s", archive_error_string(pack->disk));
			continue;
		}
		(void)archive_read_disk_descend(pack->disk);
		rc = add_entry(pack, entry, err);
		archive_entry_clear(entry);
	}
	return rc;
}

static int
add_path(struct pack *pack, const char *absolute, struct err *err)
{
	struct archive_entry *entry;
	int rc;

	if (archive_read_disk_open(pack->disk, absolute) != ARCHIVE_OK) {
		warn(pack, "cannot read '%s': %s", absolute, archive_error_string(pack->disk));
		return 0;
	}
	entry = archive_entry_new2(pack->disk);
	rc = walk(pack, entry, err);
	archive_entry_free(entry);
	(void)archive_read_close(pack->disk);
	return rc;
}

static int
finish(struct pack *pack, struct pack_sum *sum, struct err *err)
{
	if (archive_write_close(pack->out) != ARCHIVE_OK)
		return cannot_write(pack, err);
	if (pack->sum.warnings > WARNINGS_TOLD_MOST)
		(void)fprintf(stderr, "warning: %llu more like these\n",
			      (unsigned long long)pack->sum.warnings - WARNINGS_TOLD_MOST);
	digest_end(pack->digest, pack->sum.digest);
	pack->digest = NULL;
	*sum = pack->sum;
	return 0;
}

int
pack_paths(int fd, unsigned threads, const struct place *place, const struct paths *paths,
	   struct pack_sum *sum, struct err *err)
{
	struct pack *pack = NULL;
	size_t i;
	int rc = pack_new(&pack, fd, threads, place, err);

	for (i = 0; rc == 0 && i < paths->count; i++)
		rc = add_path(pack, paths->list[i], err);
	if (rc == 0)
		rc = finish(pack, sum, err);
	pack_free(pack);
	return rc;
}
