/*
 * blobs.c - what tasks leave at the hub: the directory, and which blobs are open.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/blobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <utlist.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/digest.h"
#include "hub/blobs_private.h"
#include "hub/hub.h"
#include "hub/store/store.h"

enum {
	WRITE_THREADS = 4,
	READ_THREADS = 2,
	WORKS_MOST = INT32_MAX, /* who submits is bounded: one a blob, a reader, a request */
	STRAYS_AT_ONCE = 500,
};

/* --- files ----------------------------------------------------------------------------------- */

int
blobs_file_open(const struct blobs *blobs, const struct id *file, int flags, struct err *err)
{
	char name[ID_TEXT_BYTES];
	int fd = openat(blobs->dir, id_text(name, file), flags | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd >= 0 ? fd : err_sys(err, "cannot open the blob '%s'", name);
}

int
blobs_check_room(int fd, size_t len, struct err *err)
{
	struct statvfs fs;
	uint64_t free_bytes, reserve;

	if (fstatvfs(fd, &fs) != 0)
		return err_sys(err, "cannot ask how full the disk of blobs is");
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	reserve = (uint64_t)fs.f_blocks * fs.f_frsize / BLOBS_RESERVE_PART;
	if (reserve > BLOBS_RESERVE_BYTES)
		reserve = BLOBS_RESERVE_BYTES;
	if (free_bytes >= reserve + len)
		return 0;
	return err_set(err, ERR_LIMIT, "the hub's disk is full");
}

int
blobs_write_all(int fd, const void *bytes, size_t len, uint64_t at, struct err *err)
{
	const char *from = bytes;

	while (len > 0) {
		ssize_t n = pwrite(fd, from, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
			return err_set(err, ERR_LIMIT, "the hub's disk is full");
		if (n < 0)
			return err_sys(err, "the hub cannot write to its disk");
		from += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int
blobs_sync(const struct blobs *blobs, int fd, struct err *err)
{
	if (fsync(fd) != 0 || fsync(blobs->dir) != 0)
		return err_sys(err, "the hub cannot write to its disk");
	return 0;
}

/* --- files that go --------------------------------------------------------------------------- */

struct blobs_removal {
	struct work work;
	struct blobs *blobs;
	struct blobs_removal *prev, *next;
	size_t count;
	struct id files[];
};

static void
run_removal(void *arg)
{
	struct blobs_removal *removal = arg;
	char name[ID_TEXT_BYTES];
	size_t i;

	for (i = 0; i < removal->count; i++)
		(void)unlinkat(removal->blobs->dir, id_text(name, &removal->files[i]), 0);
}

static void
on_removed(void *arg)
{
	struct blobs_removal *removal = arg;

	DL_DELETE(removal->blobs->removals, removal);
	free(removal);
}

void
blobs_submit(struct worker *worker, struct work *work)
{
	struct err err = ERR_INIT;
	int rc = worker_submit(worker, work, &err);

	assert(rc == 0);
}

void
blobs_remove_files(struct blobs *blobs, const struct id *files, size_t count)
{
	struct blobs_removal *removal;

	if (count == 0)
		return;
	removal = mem_zalloc(1, sizeof(*removal) + count * sizeof(*files));
	removal->blobs = blobs;
	removal->count = count;
	memcpy(removal->files, files, count * sizeof(*files));
	removal->work = (struct work){.run = run_removal, .done = on_removed, .arg = removal};
	DL_APPEND(blobs->removals, removal);
	blobs_submit(blobs->writers, &removal->work);
}

void
blobs_on_freed(void *arg, struct store_op *op)
{
	blobs_remove_files(arg, op->freed, op->freed_count);
}

/* --- one that is open ------------------------------------------------------------------------ */

static struct blob *
blob_new(struct blobs *blobs, const struct blob_row *row)
{
	struct blob *blob = MEM_NEW(struct blob);

	blob->magic = BLOB_MAGIC;
	blob->blobs = blobs;
	blob->row = *row;
	blob->row.name = mem_strdup(row->name);
	blob->fd = -1;
	HASH_ADD(hh, blobs->open, row.id, sizeof(blob->row.id), blob);
	return blob;
}

void
blob_free(struct blob *blob)
{
	unsigned char digest[DIGEST_BYTES];

	OBJ_CHECK(blob, BLOB_MAGIC);
	assert(!blob->is_busy);
	HASH_DEL(blob->blobs->open, blob);
	if (blob->fd >= 0)
		(void)close(blob->fd);
	if (blob->digest != NULL)
		digest_end(blob->digest, digest);
	buffer_release(&blob->piece);
	free((char *)(uintptr_t)blob->row.name);
	OBJ_WIPE(blob);
	free(blob);
}

struct blob *
blobs_find(struct blobs *blobs, const struct id *id)
{
	struct blob *blob;

	HASH_FIND(hh, blobs->open, id, sizeof(*id), blob);
	return blob == NULL || blob->is_dropped ? NULL : blob;
}

unsigned
blobs_writers_of(const struct blobs *blobs, const struct id *task)
{
	const struct blob *blob;
	unsigned count = 0;

	for (blob = blobs->open; blob != NULL; blob = blob->hh.next)
		count += blob->writer != NULL && id_eq(&blob->row.task, task);
	return count;
}

void
blob_drop(struct blob *blob)
{
	struct blobs *blobs = blob->blobs;
	struct store_op *op;

	OBJ_CHECK(blob, BLOB_MAGIC);
	blob->is_dropped = true;
	if (blob->is_busy)
		return;
	op = store_op_new(STORE_DELETE_BLOBS);
	store_blobs_of(op, 1);
	op->blobs.rows[0].id = blob->row.id;
	store_submit(blobs->hub->store, op, blobs_on_freed, blobs);
	blob_free(blob);
}

/* The one that goes on; how many the task has open. */
static struct blob *
find_same(struct blobs *blobs, const struct blob_row *row, size_t *of_task)
{
	struct blob *blob, *next, *same = NULL;

	*of_task = 0;
	HASH_ITER (hh, blobs->open, blob, next) {
		if (!id_eq(&blob->row.task, &row->task))
			continue;
		(*of_task)++;
		if (!blob->is_dropped && blob->on_complete == NULL && blob->row.kind == row->kind &&
		    text_eq(blob->row.name, row->name))
			same = blob;
	}
	return same;
}

int
blobs_open(struct blobs *blobs, const struct blob_row *row, struct blob **out, struct err *err)
{
	size_t of_task;
	struct blob *blob = find_same(blobs, row, &of_task);
	struct blob_row made = *row;
	struct store_op *op;

	if (blob != NULL && blob->row.size == row->size) {
		*out = blob;
		return 0;
	}
	if (of_task >= BLOB_OPEN_MOST)
		return err_set(err, ERR_LIMIT, "the task has %d uploads open, the most allowed",
			       BLOB_OPEN_MOST);
	if (HASH_COUNT(blobs->open) >= BLOBS_OPEN_MOST)
		return err_set(err, ERR_AGAIN, "%d uploads are open, the most allowed",
			       BLOBS_OPEN_MOST);
	if (blob != NULL)
		blob_drop(blob);
	id_random(&made.id);
	id_random(&made.file);
	made.state = BLOB_OPEN;
	*out = blob_new(blobs, &made);
	op = store_op_new(STORE_ADD_BLOB);
	op->blob = made;
	store_submit(blobs->hub->store, op, NULL, NULL);
	return 0;
}

/* --- what nobody completes, and strays ------------------------------------------------------- */

static bool
is_abandoned(const struct blob *blob)
{
	const struct task *task = model_task(&blob->blobs->hub->model, &blob->row.task);

	return task == NULL || task->row.state == HUB_ENDED;
}

/* Files that were there at the start and that no row names. A few at a time. */
static void
ask_strays(struct blobs *blobs)
{
	struct store_op *op;
	size_t n = blobs->stray_count < STRAYS_AT_ONCE ? blobs->stray_count : STRAYS_AT_ONCE;

	if (n == 0)
		return;
	op = store_op_new(STORE_FIND_FILES);
	blobs->stray_count -= n;
	op->files.ids = ARENA_NEW_ARRAY(&op->arena, struct id, n);
	op->files.count = n;
	memcpy(op->files.ids, blobs->strays + blobs->stray_count, n * sizeof(struct id));
	store_submit(blobs->hub->store, op, blobs_on_freed, blobs);
}

static void
on_sweep(void *arg)
{
	struct blobs *blobs = arg;
	struct blob *blob, *next;

	HASH_ITER (hh, blobs->open, blob, next)
		if (!blob->is_dropped && !blob->on_complete && blob->writer == NULL &&
		    is_abandoned(blob))
			blob_drop(blob);
	ask_strays(blobs);
	if (blobs->open != NULL || blobs->stray_count > 0)
		timer_start_ms(&blobs->sweep, BLOBS_SWEEP_MS);
}

static int
list_files(struct blobs *blobs, struct err *err)
{
	DIR *dir = fdopendir(openat(blobs->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;
	size_t room = 0;
	struct id id;

	if (dir == NULL)
		return err_sys(err, "cannot read the directory of blobs");
	while ((entry = readdir(dir)) != NULL) {
		if (!id_parse(&id, entry->d_name))
			continue;
		if (blobs->stray_count == room) {
			room = room == 0 ? 1024 : room * 2;
			blobs->strays = mem_resize(blobs->strays, room, sizeof(id));
		}
		blobs->strays[blobs->stray_count++] = id;
	}
	(void)closedir(dir);
	return 0;
}

/* --- life ------------------------------------------------------------------------------------ */

static int
open_dir(struct blobs *blobs, struct err *err)
{
	char *path = mem_printf("%s/blobs", blobs->hub->settings.data_dir);
	int rc = 0;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		rc = err_sys(err, "cannot make directory '%s'", path);
	if (rc == 0)
		blobs->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rc == 0 && blobs->dir < 0)
		rc = err_sys(err, "cannot open directory '%s'", path);
	free(path);
	return rc == 0 ? list_files(blobs, err) : rc;
}

/* What lies in its file is what it has: there may be none yet. */
static void
reload(struct blobs *blobs, const struct store_snapshot *snapshot)
{
	char name[ID_TEXT_BYTES];
	struct stat st;
	size_t i;

	for (i = 0; i < snapshot->blob_count; i++) {
		struct blob *blob = blob_new(blobs, &snapshot->blobs[i]);

		if (fstatat(blobs->dir, id_text(name, &blob->row.file), &st, AT_SYMLINK_NOFOLLOW) ==
		    0)
			blob->offset = (uint64_t)st.st_size < blob->row.size ? (uint64_t)st.st_size
									     : blob->row.size;
	}
}

int
blobs_new(struct blobs **out, struct hub *hub, const struct store_snapshot *snapshot,
	  struct err *err)
{
	struct blobs *blobs = MEM_NEW(struct blobs);
	int rc;

	blobs->hub = hub;
	blobs->dir = -1;
	rc = open_dir(blobs, err);
	if (rc == 0)
		rc = worker_new(&blobs->writers, hub->loop, WRITE_THREADS, WORKS_MOST, err);
	if (rc == 0)
		rc = worker_new(&blobs->readers, hub->loop, READ_THREADS, WORKS_MOST, err);
	if (rc < 0) {
		blobs_free(blobs);
		return rc;
	}
	reload(blobs, snapshot);
	timer_init(&blobs->sweep, hub->loop, on_sweep, blobs);
	if (blobs->open != NULL || blobs->stray_count > 0)
		timer_start_ms(&blobs->sweep, BLOBS_SWEEP_MS);
	*out = blobs;
	return 0;
}

void
blobs_free(struct blobs *blobs)
{
	struct blob *blob, *next;

	if (blobs == NULL)
		return;
	worker_free(blobs->writers);
	worker_free(blobs->readers);
	timer_release(&blobs->sweep);
	/* What is left of them are strays at the next start. */
	while (blobs->removals != NULL)
		on_removed(blobs->removals);
	HASH_ITER (hh, blobs->open, blob, next) {
		blob->is_busy = false;
		blob_free(blob);
	}
	if (blobs->dir >= 0)
		(void)close(blobs->dir);
	free(blobs->strays);
	free(blobs);
}
