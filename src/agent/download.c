/*
 * download.c - one archive of the hub on its way into this host's directory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/download.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/caches.h"
#include "agent/hub_link.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "http/url.h"
#include "loop/child.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "loop/pipe.h"
#include "runner/exit.h"
#include "task/blob.h"

enum {
	DOWNLOAD_MAGIC = 0x646f776e,
	ASK_TIMEOUT_MS = 30 * 1000,
	RETRY_FIRST_MS = 100,
	RETRY_MOST_MS = 5000,
	PIPE_BYTES = 1 << 20,
};

struct download {
	uint32_t magic;
	struct loop *loop;
	struct hub_link *link;
	struct caches *caches;
	enum blob_kind kind;
	char *project, *token, *name;
	bool is_prefix;
	download_end_fn *on_end;
	void *arg;

	struct hub_request *request; /* NULL: none is under way */
	char id[ID_TEXT_BYTES];	     /* at the hub; "": it is not looked up yet */
	struct cache_file file;	     /* what it will be */
	int fd;			     /* of the file; -1: none yet */
	uint64_t got;		     /* bytes of it that have come */
	struct buffer rest;	     /* of these, what the pipe does not take yet */
	int pipe;
	struct watch watch;  /* of the pipe, while it is full */
	struct child keeper; /* reads the pipe */
	struct timer retry;
	uint64_t retry_ms;
	uint64_t progress_us; /* when a byte or an answer came last */
};

static void look(struct download *download);

/* --- its end --------------------------------------------------------------------------------- */

static void
close_pipe(struct download *download)
{
	watch_stop(&download->watch);
	if (download->pipe >= 0)
		(void)close(download->pipe);
	download->pipe = -1;
}

static void
download_free(struct download *download)
{
	OBJ_CHECK(download, DOWNLOAD_MAGIC);
	hub_request_cancel(download->request);
	close_pipe(download);
	child_release(&download->keeper); /* it ends at the pipe's end; its file has no name */
	timer_release(&download->retry);
	if (download->fd >= 0)
		(void)close(download->fd);
	buffer_release(&download->rest);
	free(download->project);
	free(download->token);
	free(download->name);
	OBJ_WIPE(download);
	free(download);
}

static void
end(struct download *download, enum download_end how, const char *why)
{
	download_end_fn *on_end = download->on_end;
	void *arg = download->arg;
	char text[sizeof(((struct err *)0)->text)] = "";

	if (why != NULL)
		(void)snprintf(text, sizeof(text), "%s", why);
	download_free(download);
	on_end(arg, how, why != NULL ? text : NULL);
}

void
download_cancel(struct download *download)
{
	if (download != NULL)
		download_free(download);
}

/* --- again ------------------------------------------------------------------------------------ */

static void
note_progress(struct download *download)
{
	download->progress_us = loop_now_us(download->loop);
	download->retry_ms = 0;
}

static void
on_retry(void *arg)
{
	struct download *download = arg;
	uint64_t idle_us;

	OBJ_CHECK(download, DOWNLOAD_MAGIC);
	idle_us = loop_now_us(download->loop) - download->progress_us;
	if (idle_us > (uint64_t)DOWNLOAD_PATIENCE_MS * 1000)
		end(download, DOWNLOAD_FAILED, "the hub does not answer");
	else
		look(download);
}

static void
again(struct download *download)
{
	download->retry_ms = download->retry_ms == 0 ? RETRY_FIRST_MS : download->retry_ms * 2;
	if (download->retry_ms > RETRY_MOST_MS)
		download->retry_ms = RETRY_MOST_MS;
	timer_start_ms(&download->retry, download->retry_ms);
}

static void
fail(struct download *download, const struct err *err, const struct hub_answer *answer)
{
	if (answer->status == 404)
		end(download, DOWNLOAD_NONE, NULL);
	else if (answer->status == 410)
		end(download, DOWNLOAD_AGAIN, NULL);
	else if (err->code == ERR_AGAIN)
		again(download);
	else
		end(download, DOWNLOAD_FAILED, err->text);
}

static void
ask(struct download *download, const struct hub_post *post, hub_done_fn *done)
{
	struct err err = ERR_INIT;
	int rc = hub_post(&download->request, download->link, post, done, download, &err);

	if (rc == ERR_AGAIN || rc == ERR_LIMIT)
		again(download);
	else if (rc < 0)
		end(download, DOWNLOAD_FAILED, err.text);
}

/* --- the child that keeps it ------------------------------------------------------------------ */

static void
save(struct download *download)
{
	const struct cache_file *file = &download->file;
	const struct cache_offer offer = {file->project, file->key, file->digest,
					  (uint64_t)file->keep_ms, file->created_ms};
	struct err err = ERR_INIT;
	int rc = caches_save(download->caches, &offer, download->fd, &err);

	if (rc < 0 && rc != ERR_GONE) {
		end(download, DOWNLOAD_FAILED, err.text);
		return;
	}
	log_info("'%s' of project '%s' has come from the hub", download->file.key,
		 download->project);
	end(download, DOWNLOAD_HERE, NULL);
}

static void
on_keeper_exit(void *arg, int status, const struct rusage *usage)
{
	struct download *download = arg;

	(void)usage;
	OBJ_CHECK(download, DOWNLOAD_MAGIC);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OK)
		save(download);
	else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO)
		end(download, DOWNLOAD_FAILED, "what has come is not what the hub announced");
	else
		end(download, DOWNLOAD_FAILED,
		    "it cannot be written: is there room in the cache directory?");
}

static int
start_keeper(struct download *download, int pipe_end, struct err *err)
{
	char path[PATH_MAX], size[24];
	char keep[] = "keep";
	char *argv[] = {path, keep, download->file.digest, size, NULL};
	const struct child_fd fds[] = {{pipe_end, STDIN_FILENO}, {download->fd, STDOUT_FILENO}};
	struct child_spec spec = {.path = path, .argv = argv, .fds = fds, .fd_count = 2};

	(void)snprintf(size, sizeof(size), "%llu", (unsigned long long)download->file.size);
	if (child_find_program(path, sizeof(path), "runner-archive", err) < 0)
		return err->code;
	return child_start(&download->keeper, download->loop, &spec, on_keeper_exit, download, err);
}

static int
open_keeper(struct download *download, struct err *err)
{
	int ends[2], rc;

	rc = caches_begin(download->caches, download->project, download->file.key, &download->fd,
			  err);
	if (rc < 0)
		return rc;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, "the agent cannot make a pipe");
	download->pipe = ends[1];
	(void)pipe_grow(ends[1], PIPE_BYTES);
	rc = start_keeper(download, ends[0], err);
	(void)close(ends[0]);
	if (rc == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) != 0)
		rc = err_sys(err, "the agent cannot make a pipe");
	return rc;
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void on_pipe(void *arg, unsigned events);

/* Into the pipe what it takes; false where something is left. */
static bool
drain(struct download *download)
{
	ssize_t n = 0;

	while (download->rest.len > 0 && n >= 0) {
		n = write(download->pipe, download->rest.data, download->rest.len);
		if (n > 0)
			buffer_consume(&download->rest, (size_t)n);
		else if (n < 0 && errno == EINTR)
			n = 0;
	}
	/* EPIPE: the child has ended, which on_keeper_exit() tells. */
	if (n < 0 && errno != EAGAIN)
		buffer_clear(&download->rest);
	return download->rest.len == 0;
}

static void
wait_for_pipe(struct download *download)
{
	struct err err = ERR_INIT;

	if (download->request != NULL)
		hub_request_pause(download->request);
	if (watch_is_on(&download->watch))
		watch_want(&download->watch, WATCH_WRITE);
	else if (watch_start(&download->watch, download->loop, download->pipe, WATCH_WRITE, on_pipe,
			     download, &err) < 0)
		end(download, DOWNLOAD_FAILED, err.text);
}

static bool
has_all(const struct download *download)
{
	return download->got == download->file.size;
}

static void
on_pipe(void *arg, unsigned events)
{
	struct download *download = arg;

	(void)events;
	OBJ_CHECK(download, DOWNLOAD_MAGIC);
	if (!drain(download))
		return;
	watch_want(&download->watch, 0);
	if (download->request != NULL)
		hub_request_resume(download->request);
	else if (has_all(download))
		close_pipe(download);
}

static void
on_data(void *arg, const void *bytes, size_t len)
{
	struct download *download = arg;

	OBJ_CHECK(download, DOWNLOAD_MAGIC);
	note_progress(download);
	if (len > download->file.size - download->got)
		len = (size_t)(download->file.size - download->got);
	download->got += len;
	buffer_putn(&download->rest, bytes, len);
	if (!drain(download))
		wait_for_pipe(download);
}

static void
on_bytes(void *arg, const struct err *err, const struct hub_answer *answer)
{
	struct download *download = arg;

	OBJ_CHECK(download, DOWNLOAD_MAGIC);
	download->request = NULL;
	if (err != NULL)
		fail(download, err, answer);
	else if (!has_all(download))
		again(download);
	else if (download->rest.len == 0)
		close_pipe(download);
}

static void
bring_bytes(struct download *download)
{
	LOCAL_FREE char *path = mem_printf("/api/v3/runner/blobs/%s", download->id);
	struct hub_post get = {.kind = HUB_POST_BLOBS,
			       .method = "GET",
			       .path = path,
			       .token = download->token,
			       .on_data = on_data,
			       .stream_arg = download,
			       .from = download->got};

	ask(download, &get, on_bytes);
}

/* --- what there is ---------------------------------------------------------------------------- */

/* The first of the list. */
static int
read_found(struct download *download, const struct json *item, struct err *err)
{
	const char *id = json_get_str(item, "id"), *name = json_get_str(item, "name");
	const char *digest = json_get_str(item, "digest");
	int64_t size = json_get_int(item, "size", -1);
	LOCAL_FREE char *key = name != NULL ? mem_zalloc(strlen(name) + 1, 1) : NULL;

	if (id == NULL || key == NULL || digest == NULL || size < 0 ||
	    strlen(id) != ID_TEXT_BYTES - 1 ||
	    url_decode(key, name, strlen(name), false, err) < 0 ||
	    !cache_file_init(&download->file, download->project, key, digest) ||
	    !text_starts(key, download->name))
		return err_set(err, ERR_INPUT, "what the hub says of an archive cannot be read");
	download->file.size = (uint64_t)size;
	download->file.created_ms = json_get_int(item, "created_ms", 0);
	download->file.keep_ms = json_get_int(item, "keep_ms", 0);
	if (download->file.keep_ms < 0 || download->file.keep_ms > CACHE_KEEP_MS)
		download->file.keep_ms = 0; /* as long as any */
	memcpy(download->id, id, ID_TEXT_BYTES);
	return 0;
}

static void
on_found(void *arg, const struct err *failed, const struct hub_answer *answer)
{
	struct download *download = arg;
	const struct json *items = json_get(answer->json, "items");
	struct err err = ERR_INIT;
	int rc;

	OBJ_CHECK(download, DOWNLOAD_MAGIC);
	download->request = NULL;
	note_progress(download);
	if (failed != NULL) {
		fail(download, failed, answer);
		return;
	}
	if (json_count(items) == 0) {
		end(download, DOWNLOAD_NONE, NULL);
		return;
	}
	rc = read_found(download, json_at(items, 0), &err);
	if (rc == 0 && download->file.created_ms + CACHE_KEEP_MS < clock_unix_ms()) {
		end(download, DOWNLOAD_NONE, NULL); /* it would count as none here */
		return;
	}
	if (rc == 0)
		rc = open_keeper(download, &err);
	if (rc == ERR_GONE)
		end(download, DOWNLOAD_HERE, NULL); /* it came meanwhile */
	else if (rc < 0)
		end(download, DOWNLOAD_FAILED, err.text);
	else if (download->file.size == 0)
		close_pipe(download);
	else
		bring_bytes(download);
}

static void
ask_what(struct download *download)
{
	struct buffer path = BUFFER_INIT;
	struct hub_post find = {.kind = HUB_POST_BLOBS,
				.method = "GET",
				.token = download->token,
				.timeout_ms = ASK_TIMEOUT_MS};

	buffer_printf(&path,
		      "/api/v3/runner/blobs?kind=%s&limit=1&%s=", blob_kind_name(download->kind),
		      download->is_prefix ? "prefix" : "name");
	url_encode(&path, download->name);
	find.path = buffer_text(&path);
	ask(download, &find, on_found);
	buffer_release(&path);
}

static void
look(struct download *download)
{
	if (download->request != NULL || timer_is_on(&download->retry))
		return;
	if (!hub_link_is_up(download->link))
		again(download);
	else if (download->id[0] == '\0')
		ask_what(download);
	else if (!has_all(download))
		bring_bytes(download);
}

void
download_want(struct download *download)
{
	OBJ_CHECK(download, DOWNLOAD_MAGIC);
	if (timer_is_on(&download->retry))
		timer_start_us(&download->retry, 1);
}

void
download_start(struct download **out, struct loop *loop, struct hub_link *link,
	       const struct download_spec *spec, download_end_fn *on_end, void *arg)
{
	struct download *download = MEM_NEW(struct download);

	download->magic = DOWNLOAD_MAGIC;
	download->loop = loop;
	download->link = link;
	download->caches = spec->caches;
	download->kind = spec->kind;
	download->project = mem_strdup(spec->project);
	download->token = mem_strdup(spec->token);
	download->name = mem_strdup(spec->name);
	download->is_prefix = spec->is_prefix;
	download->on_end = on_end;
	download->arg = arg;
	download->fd = download->pipe = -1;
	download->keeper = (struct child)CHILD_INIT;
	download->progress_us = loop_now_us(loop);
	timer_init(&download->retry, loop, on_retry, download);
	*out = download;
	/* From the loop: nothing is told from inside. */
	timer_start_us(&download->retry, 1);
}
