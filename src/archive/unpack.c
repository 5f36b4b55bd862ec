/*
 * unpack.c - an archive back to where its files came from.
 *
 * Names are relative to a tree's directory, so that only what the archive says is checked for
 * links, and not the way to HOME. libarchive sets the times of directories last, by name: each tree
 * has a writer of its own, and its directory is the working one when that writer makes directories,
 * hard links, or a way. Files and links that come into a directory that is there are made from
 * within it: the way to it was checked once, by the kernel, and not part by part for each of them.
 * A file that is new there is made by leaf.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "archive/leaf.h"
#include "archive/pieces.h"
#include "archive/place.h"
#include "archive/reader.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "format/digest.h"

enum {
	BLOCK_BYTES = 256 * 1024,
	FLAGS = ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_SECURE_NODOTDOT |
		ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS | ARCHIVE_EXTRACT_SECURE_SYMLINKS,
};

struct unpacking {
	const struct place *place;
	struct archive *trees[PLACE_TREES]; /* NULL: nothing of it has come */
	int dirs[PLACE_TREES];		    /* their directories */
	int here_tree;			    /* where we are: in that tree (-1: nowhere), */
	char here[PATH_MAX];		    /* in its directory of that name; "": its own */
	mode_t mask;			    /* the process's */
	struct archive *out;		    /* of the entry that is written: its tree's, */
	int leaf;			    /* or its file; NULL and -1: it is passed over */
	int64_t reached;		    /* of what it holds */
	char name[PATH_MAX];		    /* its own, in its tree */
	unpack_take_fn *take;		    /* NULL: all */
	void *arg;
	struct unpack_sum *sum;
};

int
unpack_digest(int fd, unsigned char digest[32], uint64_t *size, struct err *err)
{
	LOCAL_FREE unsigned char *room = malloc(BLOCK_BYTES);
	struct digest *sum = digest_new();
	off_t start = lseek(fd, 0, SEEK_CUR);
	ssize_t n = -1;

	*size = 0;
	while (room != NULL && (n = read(fd, room, BLOCK_BYTES)) > 0) {
		digest_add(sum, room, (size_t)n);
		*size += (uint64_t)n;
	}
	digest_end(sum, digest);
	if (n < 0 || start < 0 || lseek(fd, start, SEEK_SET) != start)
		return err_sys(err, "cannot read the archive");
	return 0;
}

/* libarchive's own refusals (a link in the way, a path that leads out) have no errno. */
static int
cannot_write(struct archive *out, const char *name, struct err *err)
{
	int sys = archive_errno(out);
	const char *why = archive_error_string(out);
	int code = sys == ENOSPC || sys == EDQUOT ? ERR_LIMIT : sys <= 0 ? ERR_INPUT : ERR_HOST;

	return err_set(err, code, "cannot unpack '%.200s': %s%s%s", name, why != NULL ? why : "",
		       why != NULL && sys > 0 ? ": " : "", sys > 0 ? strerror(sys) : "");
}

static int
begin_tree(struct unpacking *unpacking, enum place_tree tree, struct err *err)
{
	const char *dir = place_dir(unpacking->place, tree);

	unpacking->dirs[tree] = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (unpacking->dirs[tree] < 0)
		return err_sys(err, "cannot enter '%s'", dir);
	unpacking->trees[tree] = archive_write_disk_new();
	if (unpacking->trees[tree] == NULL ||
	    archive_write_disk_set_options(unpacking->trees[tree], FLAGS) != ARCHIVE_OK)
		return err_set(err, ERR_HOST, "no memory to unpack");
	return 0;
}

/* The directory of a tree is where its writer works. */
static int
enter_tree(struct unpacking *unpacking, enum place_tree tree, struct err *err)
{
	if (unpacking->trees[tree] == NULL && begin_tree(unpacking, tree, err) < 0)
		return err->code;
	if (unpacking->here_tree == (int)tree && unpacking->here[0] == '\0')
		return 0;
	if (fchdir(unpacking->dirs[tree]) != 0)
		return err_sys(err, "cannot enter '%s'", place_dir(unpacking->place, tree));
	unpacking->here_tree = (int)tree;
	unpacking->here[0] = '\0';
	return 0;
}

/* False: we stay where we were, and the way to it is libarchive's to check and to make. */
static bool
enter_dir(struct unpacking *unpacking, enum place_tree tree, const char *dir, size_t len)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	LOCAL_FD fd = -1;
	char room[PATH_MAX];

	if (len >= sizeof(room))
		return false;
	memcpy(room, dir, len);
	room[len] = '\0';
	if (unpacking->here_tree == (int)tree && strcmp(unpacking->here, room) == 0)
		return true;
	fd = (int)syscall(SYS_openat2, unpacking->dirs[tree], room, &how, sizeof(how));
	if (fd < 0 || fchdir(fd) != 0)
		return false;
	unpacking->here_tree = (int)tree;
	(void)strcpy(unpacking->here, room);
	return true;
}

/*
 * Go where the entry is made from; its name is relative to there afterwards, and *is_leaf says that
 * it is no more than a name in a directory that is there.
 */
static int
enter(struct unpacking *unpacking, enum place_tree tree, struct archive_entry *entry, bool *is_leaf,
      struct err *err)
{
	const char *name = archive_entry_pathname(entry), *slash = strrchr(name, '/');

	*is_leaf = archive_entry_filetype(entry) != AE_IFDIR &&
		   archive_entry_hardlink(entry) == NULL && slash != NULL && slash[1] != '\0';
	if (unpacking->trees[tree] == NULL && begin_tree(unpacking, tree, err) < 0)
		return err->code;
	*is_leaf = *is_leaf && enter_dir(unpacking, tree, name, (size_t)(slash - name));
	if (!*is_leaf)
		return enter_tree(unpacking, tree, err);
	name = strdupa(slash + 1);
	archive_entry_copy_pathname(entry, name);
	return 0;
}

static int
cannot_write_leaf(const char *name, struct err *err)
{
	int code = errno == ENOSPC || errno == EDQUOT ? ERR_LIMIT : ERR_HOST;

	return err_set(err, code, "cannot unpack '%.200s': %s", name, strerror(errno));
}

/* Names become relative to the tree; false for what no archive of ours has. */
static bool
check_entry(const struct place *place, struct archive_entry *entry, enum place_tree *tree)
{
	const char *name = archive_entry_pathname(entry), *link = archive_entry_hardlink(entry);
	mode_t type = archive_entry_filetype(entry);
	enum place_tree link_tree;
	const char *rest;

	if (name == NULL || !place_parse(place, name, tree, &rest))
		return false;
	if (link == NULL && type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK)
		return false;
	if ((archive_entry_perm(entry) & (S_ISUID | S_ISGID)) != 0)
		return false;
	rest = strdupa(rest);
	archive_entry_copy_pathname(entry, rest);
	if (link != NULL) {
		if (!place_parse(place, link, &link_tree, &rest) || link_tree != *tree)
			return false;
		rest = strdupa(rest);
		archive_entry_copy_hardlink(entry, rest);
	}
	return true;
}

static int
refuse(struct archive_entry *entry, struct err *err)
{
	const char *name = archive_entry_pathname(entry);

	if (err_set(err, ERR_INPUT,
		    "the archive's entry '%.200s' is refused: none of ours has such",
		    name != NULL ? name : "") < 0)
		err_hint(err, "it is a device, has set-id bits, or leads out of where it belongs; "
			      "who wrote it was not runnerd: save under another key");
	return err->code;
}

/* HOME itself, and the workspace, are as the task has them. */
static bool
is_wanted(const struct unpacking *unpacking, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);

	if (strcmp(name, ".") == 0)
		return false;
	return unpacking->take == NULL || archive_entry_filetype(entry) == AE_IFDIR ||
	       unpacking->take(unpacking->arg, name);
}

/* What is there already, or is no file, libarchive knows what to do with. */
static int
begin_entry(struct unpacking *unpacking, struct archive_entry *entry, struct err *err)
{
	enum place_tree tree;
	bool is_leaf;

	if (!check_entry(unpacking->place, entry, &tree))
		return refuse(entry, err);
	if (!is_wanted(unpacking, entry))
		return 0;
	(void)snprintf(unpacking->name, sizeof(unpacking->name), "%s",
		       archive_entry_pathname(entry));
	unpacking->sum->entries++;
	if (enter(unpacking, tree, entry, &is_leaf, err) < 0)
		return err->code;
	if (is_leaf && archive_entry_filetype(entry) == AE_IFREG)
		unpacking->leaf = leaf_begin(entry);
	if (unpacking->leaf >= 0)
		return 0;
	unpacking->out = unpacking->trees[tree];
	if (archive_write_header(unpacking->out, entry) < ARCHIVE_WARN)
		return cannot_write(unpacking->out, unpacking->name, err);
	return 0;
}

/* A disk that is full is a mere warning to libarchive. */
static int
write_bytes(struct unpacking *unpacking, const struct piece *piece, struct err *err)
{
	if (unpacking->leaf >= 0) {
		if (leaf_write(unpacking->leaf, piece->bytes, piece->len, piece->at) < 0)
			return cannot_write_leaf(unpacking->name, err);
	} else if (archive_write_data_block(unpacking->out, piece->bytes, piece->len, piece->at) <
		   ARCHIVE_OK) {
		return cannot_write(unpacking->out, unpacking->name, err);
	}
	unpacking->reached = piece->at + (int64_t)piece->len;
	unpacking->sum->bytes += piece->len;
	return 0;
}

static int
end_entry(struct unpacking *unpacking, struct archive_entry *entry, struct err *err)
{
	if (unpacking->leaf < 0)
		return archive_write_finish_entry(unpacking->out) < ARCHIVE_WARN
			       ? cannot_write(unpacking->out, unpacking->name, err)
			       : 0;
	return leaf_end(unpacking->leaf, entry, unpacking->mask, unpacking->reached) < 0
		       ? cannot_write_leaf(unpacking->name, err)
		       : 0;
}

static void
leave_entry(struct unpacking *unpacking)
{
	if (unpacking->leaf >= 0)
		(void)close(unpacking->leaf);
	unpacking->leaf = -1;
	unpacking->out = NULL;
	unpacking->reached = 0;
}

static int
unpack_piece(struct unpacking *unpacking, struct archive_entry *entry, const struct piece *piece,
	     struct err *err)
{
	int rc = 0;

	if (piece->first)
		rc = begin_entry(unpacking, entry, err);
	if (rc == 0 && (unpacking->leaf >= 0 || unpacking->out != NULL)) {
		if (piece->len > 0)
			rc = write_bytes(unpacking, piece, err);
		if (rc == 0 && piece->last)
			rc = end_entry(unpacking, entry, err);
	}
	if (rc < 0 || piece->last)
		leave_entry(unpacking);
	return rc;
}

static int
unpack_all(struct unpacking *unpacking, int fd, struct err *err)
{
	struct reader reader = {.fd = fd};
	struct archive_entry *entry;
	const struct piece *piece;
	struct pieces *pieces;
	int rc = 0, got = 0;

	if (pieces_start(&pieces, reader_make, &reader, err) < 0)
		return err->code;
	while (rc == 0 && (got = pieces_next(pieces, &piece, &entry, err)) > 0)
		rc = unpack_piece(unpacking, entry, piece, err);
	leave_entry(unpacking);
	pieces_free(pieces);
	return rc < 0 ? rc : got;
}

/* What waits for the end of a tree, as the times of its directories, is done now. */
static int
close_trees(struct unpacking *unpacking, struct err *err)
{
	int i, rc = 0;

	for (i = 0; i < PLACE_TREES; i++) {
		if (unpacking->trees[i] == NULL)
			continue;
		if (rc == 0 && err->code == 0)
			rc = enter_tree(unpacking, (enum place_tree)i, err);
		if (rc == 0 && err->code == 0 &&
		    archive_write_close(unpacking->trees[i]) < ARCHIVE_WARN)
			rc = cannot_write(unpacking->trees[i],
					  place_dir(unpacking->place, (enum place_tree)i), err);
		(void)archive_write_free(unpacking->trees[i]);
		(void)close(unpacking->dirs[i]);
	}
	return rc;
}

int
unpack(int fd, const struct place *place, unpack_take_fn *take, void *arg, struct unpack_sum *sum,
       struct err *err)
{
	struct unpacking unpacking = {
		.place = place, .sum = sum, .leaf = -1, .take = take, .arg = arg, .here_tree = -1};
	int closed, rc;

	memset(sum, 0, sizeof(*sum));
	unpacking.mask = umask(0);
	(void)umask(unpacking.mask);
	rc = unpack_all(&unpacking, fd, err);
	closed = close_trees(&unpacking, err);
	return rc < 0 ? rc : closed;
}
