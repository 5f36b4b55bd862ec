/*
 * download.c - artifacts from the hub into a directory.
 *
 * Each is written to a file without a name in its directory, so that nothing is left of one that is
 * broken off, and gets its own by rename(2). Where the file system knows no such files it has
 * another name till then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/say.h"
#include "ctl/screen.h"
#include "format/digest.h"
#include "format/json.h"
#include "http/url.h"
#include "loop/clock.h"
#include "loop/loop.h"

#define OWN_FDS "/proc/self/fd"

enum { TEMPORARY_BYTES = 32, PROGRESS_MS = 200, RENEW_MS = 500 };

struct download {
	struct downloads *downloads;
	struct download *next;
	char *path; /* below dir */
	char *url;  /* at the hub */
	char *sha256;
	uint64_t size, got;
	unsigned tries;
	int dir, fd;			 /* -1: not opened */
	char temporary[TEMPORARY_BYTES]; /* "": it has no name */
	struct digest *digest;
	struct api_stream stream;
};

struct downloads {
	struct api *api;
	struct loop *loop;
	int dir;
	struct download *waiting, **end;
	struct download *active[DOWNLOADS_AT_ONCE];
	unsigned active_count;
	bool is_lost; /* the connection */
	struct err lost;
	struct timer progress, renew;
	uint64_t files, total_files, bytes, total_bytes, failed;
	bool drawn;
};

static void download_want(struct downloads *downloads);

/* --- progress, on a terminal ----------------------------------------------------------------- */

static void
clear_progress(struct downloads *downloads)
{
	if (downloads->drawn)
		(void)fputs("\r\033[K", stderr);
	downloads->drawn = false;
}

static void
on_progress(void *arg)
{
	struct downloads *downloads = arg;
	char got[24], all[24];

	(void)fprintf(stderr, "\r\033[K%llu of %llu files, %s of %s",
		      (unsigned long long)downloads->files,
		      (unsigned long long)downloads->total_files, text_bytes(got, downloads->bytes),
		      text_bytes(all, downloads->total_bytes));
	(void)fflush(stderr);
	downloads->drawn = true;
	timer_start_ms(&downloads->progress, PROGRESS_MS);
}

/* --- where it goes --------------------------------------------------------------------------- */

/* The directory of path below top, made as far as it is missing; *name is what is left. No link is
 * followed. */
static int
open_parent(int top, const char *path, const char **name, struct err *err)
{
	int dir = fcntl(top, F_DUPFD_CLOEXEC, 0), next;
	size_t len;

	for (;; path += len + 1) {
		LOCAL_FREE char *part = NULL;

		len = strcspn(path, "/");
		part = mem_strndup(path, len);
		if (len == 0 || strcmp(part, ".") == 0 || strcmp(part, "..") == 0) {
			(void)close(dir);
			return err_set(err, ERR_INPUT, "its name would lead elsewhere");
		}
		*name = path;
		if (path[len] == '\0')
			return dir;
		if (mkdirat(dir, part, 0777) != 0 && errno != EEXIST) {
			(void)close(dir);
			return err_sys(err, "cannot make directory '%s'", part);
		}
		next = openat(dir, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		(void)close(dir);
		if (next < 0)
			return err_sys(err, "cannot open directory '%s'", part);
		dir = next;
	}
}

static void
choose_temporary(char name[TEMPORARY_BYTES])
{
	char random[17];

	random_hex(random, 8);
	(void)snprintf(name, TEMPORARY_BYTES, ".runnerctl-%s", random);
}

static int
open_file(struct download *download, struct err *err)
{
	const char *name;

	download->dir = open_parent(download->downloads->dir, download->path, &name, err);
	if (download->dir < 0)
		return err->code;
	/* It is given a name by its descriptor's. */
	if (access(OWN_FDS, X_OK) == 0)
		download->fd = openat(download->dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	if (download->fd < 0) {
		choose_temporary(download->temporary);
		download->fd = openat(download->dir, download->temporary,
				      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	}
	if (download->fd < 0)
		return err_sys(err, "cannot make a file");
	download->digest = digest_new();
	return 0;
}

static void
close_file(struct download *download)
{
	unsigned char digest[DIGEST_BYTES];

	if (download->fd >= 0) {
		(void)close(download->fd);
		if (download->temporary[0] != '\0')
			(void)unlinkat(download->dir, download->temporary, 0);
	}
	if (download->dir >= 0)
		(void)close(download->dir);
	if (download->digest != NULL)
		digest_end(download->digest, digest);
	download->fd = download->dir = -1;
	download->digest = NULL;
}

static int
link_temporary(struct download *download, struct err *err)
{
	char path[sizeof(OWN_FDS) + 16], name[TEMPORARY_BYTES];

	if (download->temporary[0] != '\0')
		return 0;
	choose_temporary(name);
	(void)snprintf(path, sizeof(path), OWN_FDS "/%d", download->fd);
	if (linkat(AT_FDCWD, path, download->dir, name, AT_SYMLINK_FOLLOW) != 0)
		return err_sys(err, "cannot give it a name");
	memcpy(download->temporary, name, sizeof(name));
	return 0;
}

/* All of it has come: it gets its name. */
static int
keep_file(struct download *download, struct err *err)
{
	const char *slash = strrchr(download->path, '/');
	unsigned char digest[DIGEST_BYTES];
	char text[DIGEST_TEXT_BYTES];
	int rc;

	digest_end(download->digest, digest);
	download->digest = NULL;
	if (download->got != download->size ||
	    strcmp(digest_hex(text, digest), download->sha256) != 0)
		return err_set(err, ERR_HOST, "what came is not what was stored");
	if (ftruncate(download->fd, (off_t)download->size) != 0)
		return err_sys(err, "cannot write it");
	if (link_temporary(download, err) < 0)
		return err->code;
	rc = close(download->fd);
	download->fd = -1;
	if (rc != 0)
		(void)!err_sys(err, "cannot write it");
	else if (renameat(download->dir, download->temporary, download->dir,
			  slash != NULL ? slash + 1 : download->path) != 0)
		(void)!err_sys(err, "cannot give it its name");
	else
		return 0;
	(void)unlinkat(download->dir, download->temporary, 0);
	return err->code;
}

/* --- its end --------------------------------------------------------------------------------- */

static void
download_free(struct download *download)
{
	close_file(download);
	free(download->path);
	free(download->url);
	free(download->sha256);
	free(download);
}

static void
say_failed(struct download *download, const struct err *err)
{
	struct buffer text = BUFFER_INIT;

	clear_progress(download->downloads);
	buffer_printf(&text, "runnerctl: '%s': %s\n", download->path, err->text);
	say_foreign(&text);
	buffer_release(&text);
	download->downloads->failed++;
}

static void
leave_active(struct download *download)
{
	struct downloads *downloads = download->downloads;
	unsigned i;

	for (i = 0; i < DOWNLOADS_AT_ONCE; i++)
		if (downloads->active[i] == download)
			downloads->active[i] = NULL;
	downloads->active_count--;
}

static void
finish(struct download *download, const struct err *err)
{
	struct downloads *downloads = download->downloads;
	struct err own = ERR_INIT;

	leave_active(download);
	if (err == NULL && keep_file(download, &own) < 0)
		err = &own;
	if (err != NULL)
		say_failed(download, err);
	else
		downloads->files++;
	download_free(download);
	download_want(downloads);
}

/* It goes on where it was, on another connection. */
static void
go_on_later(struct download *download, const struct err *err)
{
	struct downloads *downloads = download->downloads;

	leave_active(download);
	download->next = downloads->waiting;
	downloads->waiting = download;
	if (download->next == NULL)
		downloads->end = &download->next;
	downloads->is_lost = true;
	downloads->lost = *err;
	download_want(downloads);
}

/* What is all zeros becomes a hole, as it most likely was. */
static bool
is_zero(const char *bytes, size_t len)
{
	return len > 0 && bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* --- bytes ----------------------------------------------------------------------------------- */

static void
on_data(void *arg, const void *bytes, size_t len)
{
	struct download *download = arg;
	const char *from = bytes;
	struct err err = ERR_INIT;

	digest_add(download->digest, bytes, len);
	download->got += len;
	download->downloads->bytes += len;
	if (is_zero(from, len) && lseek(download->fd, (off_t)len, SEEK_CUR) >= 0)
		return;
	while (len > 0) {
		ssize_t n = write(download->fd, from, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			(void)!err_sys(&err, "cannot write it");
			api_stream_stop(&download->stream);
			finish(download, &err);
			return;
		}
		from += n;
		len -= (size_t)n;
	}
}

static void
on_ended(void *arg, const struct err *err)
{
	struct download *download = arg;

	if (err != NULL && err->code == ERR_AGAIN && ++download->tries < DOWNLOAD_TRIES)
		go_on_later(download, err);
	else
		finish(download, err);
}

static void
start(struct download *download, unsigned place)
{
	struct downloads *downloads = download->downloads;
	struct err err = ERR_INIT;
	char etag[DIGEST_TEXT_BYTES + 2];
	int rc = 0;

	downloads->active[place] = download;
	downloads->active_count++;
	if (download->fd < 0)
		rc = open_file(download, &err);
	(void)snprintf(etag, sizeof(etag), "\"%s\"", download->sha256);
	if (rc == 0)
		rc = api_stream_part(&download->stream, downloads->api, download->url,
				     download->got, etag, on_data, on_ended, download, &err);
	if (rc < 0)
		finish(download, &err);
}

/* --- turns ----------------------------------------------------------------------------------- */

static void
on_renew(void *arg)
{
	struct downloads *downloads = arg;

	if (api_renew(downloads->api, &downloads->lost) == 0)
		downloads->is_lost = false;
	download_want(downloads);
}

/* Start what can be started; without a connection, when nothing is under way any more. */
static void
download_want(struct downloads *downloads)
{
	struct download *download;
	unsigned i;

	if (downloads->is_lost) {
		if (downloads->active_count == 0 && !timer_is_on(&downloads->renew))
			timer_start_ms(&downloads->renew, RENEW_MS);
		return;
	}
	for (i = 0; i < DOWNLOADS_AT_ONCE && downloads->waiting != NULL; i++) {
		if (downloads->active[i] != NULL)
			continue;
		download = downloads->waiting;
		downloads->waiting = download->next;
		if (downloads->waiting == NULL)
			downloads->end = &downloads->waiting;
		start(download, i);
		if (downloads->is_lost)
			return;
	}
	if (downloads->active_count == 0 && downloads->waiting == NULL)
		loop_stop(downloads->loop);
}

void
downloads_run(struct downloads *downloads, struct downloads_sum *sum)
{
	uint64_t started_ms = clock_monotonic_us() / 1000;

	if (downloads->waiting != NULL) {
		if (!globals()->quiet && screen_redraws(STDERR_FILENO))
			timer_start_ms(&downloads->progress, PROGRESS_MS);
		download_want(downloads);
		while (downloads->active_count > 0 || downloads->waiting != NULL)
			loop_run(downloads->loop);
	}
	timer_stop(&downloads->progress);
	clear_progress(downloads);
	*sum = (struct downloads_sum){.files = downloads->files,
				      .bytes = downloads->bytes,
				      .failed = downloads->failed,
				      .took_ms = clock_monotonic_us() / 1000 - started_ms};
}

/* --- what is wanted -------------------------------------------------------------------------- */

/* The name as it is, out of what the hub percent-encodes. */
static char *
name_of(const struct json *artifact)
{
	const char *encoded = json_get_str(artifact, "name");
	struct err ignored = ERR_INIT;
	char *name;

	if (encoded == NULL)
		return mem_strdup("");
	name = MEM_NEW_ARRAY(char, strlen(encoded) + 1);
	if (url_decode(name, encoded, strlen(encoded), false, &ignored) < 0)
		name[0] = '\0'; /* no file has it: it is told when its turn comes */
	return name;
}

static const char *
text_of(const struct json *artifact, const char *key)
{
	const char *text = json_get_str(artifact, key);

	return text != NULL ? text : "";
}

void
downloads_add(struct downloads *downloads, const struct json *artifact, const char *below)
{
	struct download *download = MEM_NEW(struct download);
	LOCAL_FREE char *name = name_of(artifact);
	char node[24];

	download->downloads = downloads;
	download->dir = download->fd = -1;
	download->path = mem_printf("%s%s%s", below, below[0] != '\0' ? "/" : "", name);
	(void)snprintf(node, sizeof(node), "%lld",
		       (long long)json_get_int(artifact, "node_index", 0));
	download->url = api_path("/output/job/%s/artifacts/%s/%p", text_of(artifact, "job"), node,
				 text_of(artifact, "name"));
	download->sha256 = mem_strdup(text_of(artifact, "sha256"));
	download->size = (uint64_t)json_get_int(artifact, "size_bytes", 0);
	downloads->total_files++;
	downloads->total_bytes += download->size;
	*downloads->end = download;
	downloads->end = &download->next;
}

/* --- life ------------------------------------------------------------------------------------ */

static int
make_dirs(const char *dir, struct err *err)
{
	LOCAL_FREE char *path = mem_strdup(dir);
	char *at;

	for (at = path + 1; *path != '\0' && *at != '\0'; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		(void)mkdir(path, 0777);
		*at = '/';
	}
	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		return err_sys(err, "cannot make directory '%s'", dir);
	return 0;
}

int
downloads_new(struct downloads **out, struct api *api, const char *dir, struct err *err)
{
	struct downloads *downloads;
	int fd;

	if (make_dirs(dir, err) < 0)
		return err->code;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "cannot open directory '%s'", dir);
	downloads = MEM_NEW(struct downloads);
	downloads->api = api;
	downloads->loop = api_loop(api);
	downloads->dir = fd;
	downloads->end = &downloads->waiting;
	timer_init(&downloads->progress, downloads->loop, on_progress, downloads);
	timer_init(&downloads->renew, downloads->loop, on_renew, downloads);
	*out = downloads;
	return 0;
}

void
downloads_free(struct downloads *downloads)
{
	struct download *download;

	if (downloads == NULL)
		return;
	while ((download = downloads->waiting) != NULL) {
		downloads->waiting = download->next;
		download_free(download);
	}
	timer_release(&downloads->progress);
	timer_release(&downloads->renew);
	(void)close(downloads->dir);
	free(downloads);
}
