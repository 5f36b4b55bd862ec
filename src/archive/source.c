/*
 * source.c - what is packed: paths with all below them, read in a thread of its own.
 *
 * One directory is open at a time, and read to its end; those in it wait by their names. So a tree
 * may be deeper than a process may have descriptors, and a file is opened by one name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/source.h"

#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/paths.h"
#include "archive/pieces.h"
#include "archive/place.h"
#include "archive/warnings.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"

enum {
	DISK_BLOCK_BYTES = 512, /* of st_blocks, stat(3type) */
	STOPPED = 1,		/* nobody wants more */
};

struct extent {
	off_t at, end;
};

struct reading {
	const struct source *source;
	struct pieces *pieces;
	struct archive_entry_linkresolver *links;
	char **dirs; /* to be read, the next one last */
	size_t dir_count, dir_room;
	struct extent *extents; /* of the file that is open: where its data are */
	size_t extent_count, extent_room;
};

/* --- one entry ---------------------------------------------------------------------------------
 */

static int
leave_out(struct reading *reading, const char *path, const char *why)
{
	warnings_tell(reading->source->warnings, "'%s' is left out: %s", path, why);
	return 0;
}

/* False: it is left out. */
static bool
describe(struct reading *reading, struct archive_entry *entry, const char *path,
	 const struct stat *st)
{
	char name[PATH_MAX];

	if (!place_name(reading->source->place, path, name)) {
		warnings_tell(reading->source->warnings,
			      "'%.80s...' is left out: its path is too long", path);
		return false;
	}
	archive_entry_copy_pathname(entry, name);
	archive_entry_set_filetype(entry, st->st_mode & S_IFMT);
	archive_entry_set_perm(entry, st->st_mode & 01777); /* no set-id bits */
	archive_entry_set_mtime(entry, st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	archive_entry_set_size(entry, S_ISREG(st->st_mode) ? st->st_size : 0);
	archive_entry_set_nlink(entry, (unsigned)st->st_nlink);
	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1) {
		archive_entry_set_dev(entry, st->st_dev);
		archive_entry_set_ino(entry, (la_int64_t)st->st_ino);
	}
	return true;
}

/* One that holds nothing but what it says. */
static int
put_bare(struct reading *reading, struct piece *piece)
{
	struct archive_entry *entry = piece->entry, *spare = NULL;

	archive_entry_linkify(reading->links, &entry, &spare);
	piece->first = piece->last = true;
	pieces_put(reading->pieces);
	return 0;
}

static int
add_link(struct reading *reading, int dir, const char *name, const char *path)
{
	struct piece *piece = pieces_room(reading->pieces);
	char target[PATH_MAX];
	struct stat st;
	ssize_t len;

	if (piece == NULL)
		return STOPPED;
	len = readlinkat(dir, name, target, sizeof(target) - 1);
	if (len < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return leave_out(reading, path, strerror(errno));
	if (!S_ISLNK(st.st_mode))
		return leave_out(reading, path, "it is no link any more");
	target[len] = '\0';
	if (!describe(reading, piece->entry, path, &st))
		return 0;
	archive_entry_copy_symlink(piece->entry, target);
	return put_bare(reading, piece);
}

/* --- a file's bytes ----------------------------------------------------------------------------
 */

static void
add_extent(struct reading *reading, off_t at, off_t end)
{
	if (reading->extent_count == reading->extent_room) {
		reading->extent_room = reading->extent_room == 0 ? 16 : reading->extent_room * 2;
		reading->extents = mem_resize(reading->extents, reading->extent_room,
					      sizeof(*reading->extents));
	}
	reading->extents[reading->extent_count++] = (struct extent){at, end};
}

/* False: a file system that knows none. */
static bool
find_extents(struct reading *reading, int fd, off_t size)
{
	off_t data, hole = 0;

	while (hole < size) {
		data = lseek(fd, hole, SEEK_DATA);
		if (data < 0)
			return errno == ENXIO;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0 || hole > size)
			hole = size;
		if (data < hole)
			add_extent(reading, data, hole);
	}
	return true;
}

/* An empty one at the entry's end says that it ends with a hole. */
static void
note_extents(struct reading *reading, struct archive_entry *entry, int fd, const struct stat *st)
{
	size_t i;

	reading->extent_count = 0;
	if (st->st_blocks >= st->st_size / DISK_BLOCK_BYTES ||
	    !find_extents(reading, fd, st->st_size)) {
		reading->extent_count = 0;
		add_extent(reading, 0, st->st_size);
		return;
	}
	for (i = 0; i < reading->extent_count; i++)
		archive_entry_sparse_add_entry(entry, reading->extents[i].at,
					       reading->extents[i].end - reading->extents[i].at);
	if (i == 0 || reading->extents[i - 1].end < st->st_size)
		archive_entry_sparse_add_entry(entry, st->st_size, 0);
}

static ssize_t
read_some(int fd, void *room, size_t most, off_t at)
{
	ssize_t n;

	do
		n = pread(fd, room, most, at);
	while (n < 0 && errno == EINTR);
	return n;
}

/* False: the file ends before its size, or cannot be read; that was told. */
static bool
fill(struct reading *reading, struct piece *piece, int fd, const struct extent *left,
     const char *path)
{
	off_t most = left->end - left->at;
	ssize_t n = read_some(fd, piece->bytes, most < PIECE_BYTES ? (size_t)most : PIECE_BYTES,
			      left->at);

	if (n < 0)
		warnings_tell(reading->source->warnings, "cannot read all of '%s': %s", path,
			      strerror(errno));
	else if (n == 0)
		warnings_tell(reading->source->warnings, "'%s' became shorter while it was read",
			      path);
	piece->at = left->at;
	piece->len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* piece is its first one, with its entry. */
static int
put_content(struct reading *reading, struct piece *piece, int fd, const char *path)
{
	bool more = reading->extent_count > 0;
	struct extent left = more ? reading->extents[0] : (struct extent){0, 0};
	size_t next = 1;

	piece->first = true;
	while (true) {
		more = left.at < left.end && fill(reading, piece, fd, &left, path);
		left.at += (off_t)piece->len;
		while (left.at == left.end && next < reading->extent_count)
			left = reading->extents[next++];
		piece->last = !more || left.at == left.end;
		more = !piece->last;
		pieces_put(reading->pieces);
		if (!more)
			return 0;
		piece = pieces_room(reading->pieces);
		if (piece == NULL)
			return STOPPED;
	}
}

static int
put_file(struct reading *reading, struct piece *piece, int fd, const char *path,
	 const struct stat *st)
{
	struct archive_entry *entry = piece->entry, *spare = NULL;

	if (!describe(reading, entry, path, st))
		return 0;
	note_extents(reading, entry, fd, st);
	archive_entry_linkify(reading->links, &entry, &spare);
	if (archive_entry_hardlink(piece->entry) == NULL)
		return put_content(reading, piece, fd, path);
	piece->first = piece->last = true;
	pieces_put(reading->pieces);
	return 0;
}

/* Opened before all else: nothing becomes a link to what is left out. */
static int
add_file(struct reading *reading, int dir, const char *name, const char *path)
{
	struct piece *piece = pieces_room(reading->pieces);
	LOCAL_FD fd = -1;
	struct stat st;

	if (piece == NULL)
		return STOPPED;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return leave_out(reading, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return leave_out(reading, path, "it is no file any more");
	return put_file(reading, piece, fd, path, &st);
}

/* --- directories -------------------------------------------------------------------------------
 */

static int
add_later(struct reading *reading, const char *path)
{
	if (reading->dir_count == reading->dir_room) {
		reading->dir_room = reading->dir_room == 0 ? 64 : reading->dir_room * 2;
		reading->dirs =
			mem_resize(reading->dirs, reading->dir_room, sizeof(*reading->dirs));
	}
	reading->dirs[reading->dir_count++] = mem_strdup(path);
	return 0;
}

static int
add(struct reading *reading, int dir, const char *name, const char *path, unsigned char type)
{
	struct stat st = {.st_mode = DTTOIF(type)};

	if (type == DT_UNKNOWN && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return leave_out(reading, path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return add_later(reading, path);
	if (S_ISREG(st.st_mode))
		return add_file(reading, dir, name, path);
	if (S_ISLNK(st.st_mode))
		return add_link(reading, dir, name, path);
	return leave_out(reading, path, "it is no file, directory or link");
}

static int
add_names(struct reading *reading, DIR *names, const char *path)
{
	struct buffer whole = BUFFER_INIT;
	struct dirent *found;
	size_t len;
	int rc = 0;

	buffer_printf(&whole, "%s/", strcmp(path, "/") == 0 ? "" : path);
	len = whole.len;
	while (rc == 0 && (errno = 0, found = readdir(names)) != NULL) {
		if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
			continue;
		whole.len = len;
		buffer_puts(&whole, found->d_name);
		rc = add(reading, dirfd(names), found->d_name, buffer_text(&whole), found->d_type);
	}
	if (rc == 0 && errno != 0)
		warnings_tell(reading->source->warnings, "cannot read all of '%s': %s", path,
			      strerror(errno));
	buffer_release(&whole);
	return rc;
}

/* What cannot be read is there all the same, and empty. */
static int
add_dir(struct reading *reading, const char *path)
{
	struct piece *piece = pieces_room(reading->pieces);
	DIR *names = NULL;
	struct stat st;
	int fd, rc = 0;

	if (piece == NULL)
		return STOPPED;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		names = fdopendir(fd);
	if (names == NULL)
		warnings_tell(reading->source->warnings, "cannot read '%s': %s", path,
			      strerror(errno));
	if (names == NULL && fd >= 0)
		(void)close(fd);
	if ((names != NULL ? fstat(fd, &st) : lstat(path, &st)) == 0 && S_ISDIR(st.st_mode) &&
	    describe(reading, piece->entry, path, &st))
		rc = put_bare(reading, piece);
	if (rc == 0 && names != NULL)
		rc = add_names(reading, names, path);
	if (names != NULL)
		(void)closedir(names);
	return rc;
}

static int
add_path(struct reading *reading, const char *path)
{
	char *dir;
	int rc = add(reading, AT_FDCWD, path, path, DT_UNKNOWN);

	while (rc == 0 && reading->dir_count > 0) {
		dir = reading->dirs[--reading->dir_count];
		rc = add_dir(reading, dir);
		free(dir);
	}
	return rc;
}

int
source_make(void *arg, struct pieces *pieces, struct err *err)
{
	const struct source *source = arg;
	struct reading reading = {.source = source, .pieces = pieces};
	size_t i;
	int rc = 0;

	reading.links = archive_entry_linkresolver_new();
	if (reading.links == NULL)
		return err_set(err, ERR_HOST, "there is no memory");
	archive_entry_linkresolver_set_strategy(reading.links, source->format);
	for (i = 0; rc == 0 && i < source->paths->count; i++)
		rc = add_path(&reading, source->paths->list[i]);
	while (reading.dir_count > 0)
		free(reading.dirs[--reading.dir_count]);
	free(reading.dirs);
	free(reading.extents);
	archive_entry_linkresolver_free(reading.links);
	return rc == STOPPED ? 0 : rc;
}
