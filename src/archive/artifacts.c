/*
 * artifacts.c - the step store_artifacts, from within the job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/artifacts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/place.h"
#include "archive/sender.h"
#include "archive/step.h"
#include "archive/walk.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	TELL_MOST = 50,		   /* files that are left out, and told of by name */
	FIRST_STILL_MS = 2 * 1000, /* until the first line that says how far it has come, */
	STILL_MS = 10 * 1000,	   /* and between two */
};

struct storing {
	struct sender *sender;
	const char *base; /* that names begin with; "": nothing */
	uint64_t started_ms, still_ms;
	uint64_t files, bytes; /* that were taken up */
	uint64_t stored, failed, left_out;
};

/* --- what is told ---------------------------------------------------------------------------- */

/* A name may hold anything: what would move a terminal's cursor is shown as '?'. */
static char *
printable(const char *name)
{
	char *copy = mem_strdup(name), *at;

	for (at = copy; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	return copy;
}

static void
tell_left_out(struct storing *storing, const char *name, const char *why)
{
	char *shown = printable(name);

	if (++storing->left_out <= TELL_MOST)
		step_warn("'%s' is left out: %s", shown, why);
	free(shown);
}

static void
tell_failed(struct storing *storing, const char *name, const char *why)
{
	char *shown = printable(name);

	if (++storing->failed <= TELL_MOST)
		(void)fprintf(stderr, "'%s' is not stored: %s\n", shown, why);
	free(shown);
}

static void
on_sent(void *arg, const char *name, enum sender_end end, const char *why)
{
	struct storing *storing = arg;

	if (end == SENDER_STORED)
		storing->stored++;
	else
		tell_failed(storing, name, why != NULL ? why : "the hub has one of that name");
}

static void
on_still(void *arg, uint64_t bytes)
{
	struct storing *storing = arg;
	uint64_t now = step_now_ms();
	char read[24], all[24];

	if (now < storing->still_ms + STILL_MS)
		return;
	storing->still_ms = now;
	step_say("%llu of %llu files so far, %s of %s", (unsigned long long)storing->stored,
		 (unsigned long long)storing->files, text_bytes(read, bytes),
		 text_bytes(all, storing->bytes));
}

/* --- files ----------------------------------------------------------------------------------- */

static int
send_file(struct storing *storing, const char *name, int fd, uint64_t size, struct err *err)
{
	if (strlen(name) > BLOB_NAME_MOST_BYTES) {
		tell_failed(storing, name, "its name is too long");
		(void)close(fd);
		return 0;
	}
	storing->files++;
	storing->bytes += size;
	return sender_add(storing->sender, fd, name, size, err);
}

static int
on_file(void *arg, const char *name, int fd, uint64_t size, struct err *err)
{
	struct storing *storing = arg;
	struct buffer whole = BUFFER_INIT;
	int rc;

	buffer_printf(&whole, "%s%s%s", storing->base, storing->base[0] != '\0' ? "/" : "", name);
	rc = send_file(storing, buffer_text(&whole), fd, size, err);
	buffer_release(&whole);
	return rc;
}

static void
on_left_out(void *arg, const char *name, const char *why)
{
	tell_left_out(arg, name, why);
}

static void
on_unreadable(void *arg, const char *name, const char *why)
{
	tell_failed(arg, name, why);
}

/* What the step names itself may be a link, to anywhere. */
static int
store_one(struct storing *storing, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0) {
		if (errno == ENXIO) /* a socket, or no device */
			tell_left_out(storing, path, "it is no regular file");
		else
			tell_failed(storing, path, strerror(errno));
		return 0;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		/* A destination that names no place is the directory above all names. */
		const char *name =
			storing->base[0] != '\0' ? storing->base : strrchr(path, '/') + 1;

		return send_file(storing, name, fd, (uint64_t)st.st_size, err);
	}
	tell_left_out(storing, path, "it is no regular file");
	(void)close(fd);
	return 0;
}

static int
store_all(struct storing *storing, const char *path, bool is_dir, struct err *err)
{
	const struct walk_hooks walking = {storing, on_file, on_left_out, on_unreadable};
	const struct sender_hooks sending = {storing, on_sent, on_still};
	int rc = sender_new(&storing->sender, BLOB_ARTIFACT, &sending, err);

	if (rc == 0)
		rc = is_dir ? walk(path, &walking, err) : store_one(storing, path, err);
	if (rc == 0)
		rc = sender_finish(storing->sender, err);
	sender_free(storing->sender);
	return rc;
}

/* --- the step -------------------------------------------------------------------------------- */

/* "a/b/" and "/a//b" are both "a/b"; "." and ".." stand for no place. */
static char *
clean_name(const char *name)
{
	struct buffer out = BUFFER_INIT;
	size_t len;

	for (; *name != '\0'; name += len) {
		name += strspn(name, "/");
		len = strcspn(name, "/");
		if (len == 0 || (len == 1 && name[0] == '.') ||
		    (len == 2 && memcmp(name, "..", 2) == 0))
			continue;
		if (out.len > 0)
			buffer_puts(&out, "/");
		buffer_putn(&out, name, len);
	}
	return buffer_take_text(&out);
}

static int
sum_up(const struct storing *storing, struct err *err)
{
	char bytes[24], took[24];
	uint64_t untold = 0;

	if (storing->left_out > TELL_MOST)
		untold += storing->left_out - TELL_MOST;
	if (storing->failed > TELL_MOST)
		untold += storing->failed - TELL_MOST;
	if (untold > 0)
		step_warn("and %llu more", (unsigned long long)untold);
	if (storing->files == 0 && storing->failed == 0)
		step_warn("there are no files: nothing is stored");
	else
		step_say("Stored %llu artifact%s, %s, in %s", (unsigned long long)storing->stored,
			 storing->stored == 1 ? "" : "s", text_bytes(bytes, storing->bytes),
			 text_duration(took, step_now_ms() - storing->started_ms));
	if (storing->failed == 0)
		return 0;
	return err_set(err, ERR_HOST, "%llu file%s could not be stored",
		       (unsigned long long)storing->failed, storing->failed == 1 ? "" : "s");
}

int
artifacts_store(const char *path, const char *destination, struct err *err)
{
	uint64_t now = step_now_ms();
	struct storing storing = {.started_ms = now, .still_ms = now + FIRST_STILL_MS - STILL_MS};
	static struct place place;
	char absolute[PATH_MAX], *base;
	struct stat st = {0};
	int rc = place_init_at(&place, path, absolute, err);

	if (rc < 0)
		return rc;
	if (stat(absolute, &st) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
		step_warn("there is no '%s': nothing is stored", path);
		return 0;
	}
	storing.base = base = clean_name(
		destination[0] != '\0' ? destination : place_lasting_name(&place, absolute));
	step_say("Storing '%s' as '%s'", path, base);
	rc = store_all(&storing, absolute, S_ISDIR(st.st_mode), err);
	if (rc == 0)
		rc = sum_up(&storing, err);
	free(base);
	return rc;
}
