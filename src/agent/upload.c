/*
 * upload.c - one blob on its way from a job's pipe to the hub.
 *
 * A stage is what is asked of the hub next; upload_want() asks it, if it can be asked now. Whatever
 * goes wrong with the connection leads back to the first: there the hub says how far it has come.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "agent/hub_link.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/digest.h"
#include "format/json.h"
#include "http/url.h"
#include "loop/loop.h"
#include "runner/carrier.h"
#include "task/blob.h"

enum {
	UPLOAD_MAGIC = 0x75706c64,
	ASK_TIMEOUT_MS = 60 * 1000,
	COMPLETE_TIMEOUT_MS = 15 * 60 * 1000, /* the hub syncs all of it to its disk */
};

enum stage {
	STAGE_OPEN,	/* ask how far it has come */
	STAGE_BYTES,	/* bring what is missing */
	STAGE_DIGEST,	/* all is there: wait for upload_finish() */
	STAGE_COMPLETE, /* say so */
};

struct uploads {
	struct loop *loop;
	struct hub_link *link;
	struct later turn;
	struct upload *list; /* in the order they came */
};

struct upload {
	uint32_t magic;
	struct uploads *uploads;
	struct upload *prev, *next;
	struct upload_hooks hooks;
	char *token;
	enum blob_kind kind;
	char *name; /* percent-encoded; NULL: records */
	uint64_t size, sent;
	enum stage stage;
	unsigned *turns;		/* of its task */
	bool is_active;			/* one of UPLOADS_AT_ONCE */
	char id[ID_TEXT_BYTES];		/* at the hub; "": not known */
	char digest[DIGEST_TEXT_BYTES]; /* "": not known */
	struct hub_request *request;	/* NULL: none is under way */
	int pipe;
	struct watch watch; /* of the pipe, while it is empty */
	struct timer retry;
	uint64_t retry_ms;
};

static void upload_want(struct upload *upload);

/* --- turns ----------------------------------------------------------------------------------- */

/* One frees itself at most. */
static void
on_turn(void *arg)
{
	struct uploads *uploads = arg;
	struct upload *upload, *next;

	DL_FOREACH_SAFE (uploads->list, upload, next)
		upload_want(upload);
}

void
uploads_new(struct uploads **out, struct loop *loop, struct hub_link *link)
{
	struct uploads *uploads = MEM_NEW(struct uploads);

	uploads->loop = loop;
	uploads->link = link;
	later_init(&uploads->turn, loop, on_turn, uploads);
	*out = uploads;
}

void
uploads_free(struct uploads *uploads)
{
	if (uploads == NULL)
		return;
	assert(uploads->list == NULL);
	later_release(&uploads->turn);
	free(uploads);
}

void
uploads_want(struct uploads *uploads)
{
	later_want(&uploads->turn);
}

static bool
has_turn(struct upload *upload)
{
	if (!upload->is_active && *upload->turns < UPLOADS_AT_ONCE) {
		upload->is_active = true;
		(*upload->turns)++;
	}
	return upload->is_active;
}

/* --- the pipe -------------------------------------------------------------------------------- */

static void
close_pipe(struct upload *upload)
{
	watch_stop(&upload->watch);
	if (upload->pipe >= 0)
		(void)close(upload->pipe);
	upload->pipe = -1;
}

/* Its other end goes to the job. */
static int
open_pipe(struct upload *upload, int *job_end, struct err *err)
{
	int ends[2];

	close_pipe(upload);
	if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
		return err_sys(err, "the agent cannot make a pipe");
	/* Beyond what its user may have (pipe(7)) it stays as it is. */
	(void)fcntl(ends[0], F_SETPIPE_SZ, CARRIER_PIPE_BYTES);
	upload->pipe = ends[0];
	*job_end = ends[1];
	return 0;
}

/* --- its end --------------------------------------------------------------------------------- */

static void
upload_free(struct upload *upload)
{
	struct uploads *uploads = upload->uploads;

	OBJ_CHECK(upload, UPLOAD_MAGIC);
	hub_request_cancel(upload->request);
	close_pipe(upload);
	timer_release(&upload->retry);
	DL_DELETE(uploads->list, upload);
	if (upload->is_active)
		(*upload->turns)--;
	free(upload->token);
	free(upload->name);
	OBJ_WIPE(upload);
	free(upload);
	uploads_want(uploads);
}

static void
on_dropped(void *arg, const struct err *err, const struct hub_answer *answer)
{
	(void)arg;
	(void)err;
	(void)answer; /* else it goes with its task */
}

static void
drop_at_hub(struct upload *upload)
{
	char *path = mem_printf("/api/v3/runner/blobs/%s", upload->id);
	struct hub_post drop = {.kind = HUB_POST_BLOBS,
				.method = "DELETE",
				.path = path,
				.token = upload->token,
				.timeout_ms = ASK_TIMEOUT_MS};
	struct hub_request *request;
	struct err err = ERR_INIT;

	if (upload->id[0] != '\0' && hub_link_is_up(upload->uploads->link))
		(void)!hub_post(&request, upload->uploads->link, &drop, on_dropped, NULL, &err);
	free(path);
}

static void
end(struct upload *upload, enum upload_end how, const char *why)
{
	struct upload_hooks hooks = upload->hooks;

	upload_free(upload);
	hooks.on_end(hooks.arg, how, why);
}

static void
refuse(struct upload *upload, enum upload_end how, const struct err *err)
{
	struct err copy = *err;

	drop_at_hub(upload);
	end(upload, how, copy.text);
}

static void
on_retry(void *arg)
{
	struct upload *upload = arg;

	OBJ_CHECK(upload, UPLOAD_MAGIC);
	upload_want(upload);
}

/* From the beginning, which is where the hub says; at once when the connection is there again, else
 * after a while. */
static void
again(struct upload *upload, enum stage stage)
{
	close_pipe(upload);
	upload->stage = stage;
	upload->retry_ms = upload->retry_ms == 0 ? UPLOAD_RETRY_LEAST_MS : upload->retry_ms * 2;
	if (upload->retry_ms > UPLOAD_RETRY_MOST_MS)
		upload->retry_ms = UPLOAD_RETRY_MOST_MS;
	timer_start_ms(&upload->retry, upload->retry_ms);
}

/*
 * What an answer that is no success leads to. What the hub's disk refuses, and what a later try
 * would bring again, is the end; what is about the offset is asked anew.
 */
static void
fail(struct upload *upload, const struct err *err, const struct hub_answer *answer)
{
	const char *message = json_get_str(answer->json, "message");
	struct err why = *err;
	bool is_full = answer->status == 507;

	if (message != NULL)
		(void)!err_set(&why, err->code, "%s", message);
	if (answer->status == 409 || answer->status == 404)
		again(upload, STAGE_OPEN);
	else if (err->code == ERR_AGAIN && !is_full)
		again(upload, upload->stage == STAGE_COMPLETE ? STAGE_COMPLETE : STAGE_OPEN);
	else
		refuse(upload, answer->status == 422 ? UPLOAD_OTHER : UPLOAD_REFUSED, &why);
}

static void
post(struct upload *upload, const struct hub_post *post, hub_done_fn *done)
{
	struct err err = ERR_INIT;

	if (hub_post(&upload->request, upload->uploads->link, post, done, upload, &err) == 0)
		return;
	if (err.code == ERR_AGAIN || err.code == ERR_LIMIT)
		again(upload, upload->stage == STAGE_COMPLETE ? STAGE_COMPLETE : STAGE_OPEN);
	else
		refuse(upload, UPLOAD_REFUSED, &err);
}

/* --- open ------------------------------------------------------------------------------------ */

/* False: it is over. */
static bool
begin_bytes(struct upload *upload, uint64_t offset)
{
	struct err err = ERR_INIT;
	int job_end = -1;

	if (open_pipe(upload, &job_end, &err) < 0) {
		refuse(upload, UPLOAD_REFUSED, &err);
		return false;
	}
	upload->sent = offset;
	upload->stage = offset < upload->size ? STAGE_BYTES : STAGE_DIGEST;
	upload->hooks.on_from(upload->hooks.arg, offset, job_end);
	return true;
}

/* The hub has a cache of that name: an answer about an offset would state it. */
static bool
is_taken(const struct hub_answer *answer)
{
	return answer->status == 409 && json_get(answer->json, "offset") == NULL;
}

static void
on_opened(void *arg, const struct err *err, const struct hub_answer *answer)
{
	struct upload *upload = arg;
	const char *id = json_get_str(answer->json, "id");
	int64_t offset = json_get_int(answer->json, "offset", -1);
	struct err odd = ERR_INIT;

	OBJ_CHECK(upload, UPLOAD_MAGIC);
	upload->request = NULL;
	if (err != NULL && is_taken(answer)) {
		end(upload, UPLOAD_TAKEN, NULL);
	} else if (err != NULL) {
		fail(upload, err, answer);
	} else if (id == NULL || strlen(id) != ID_TEXT_BYTES - 1 || offset < 0 ||
		   (uint64_t)offset > upload->size) {
		(void)!err_set(&odd, ERR_INPUT,
			       "the hub's answer to the beginning of an upload cannot be read");
		refuse(upload, UPLOAD_REFUSED, &odd);
	} else {
		memcpy(upload->id, id, ID_TEXT_BYTES);
		if (begin_bytes(upload, (uint64_t)offset))
			upload_want(upload);
	}
}

static void
ask_open(struct upload *upload)
{
	struct json *json = json_new_object();
	struct buffer body = BUFFER_INIT;
	struct hub_post open = {.kind = HUB_POST_BLOBS,
				.token = upload->token,
				.body = &body,
				.timeout_ms = ASK_TIMEOUT_MS};

	json_put_str(json, "kind", blob_kind_name(upload->kind));
	json_put_str(json, "name", upload->name);
	json_put_int(json, "size", (int64_t)upload->size);
	hub_body(&body, json);
	post(upload, &open, on_opened);
}

/* --- bytes ----------------------------------------------------------------------------------- */

static void
on_pipe(void *arg, unsigned events)
{
	struct upload *upload = arg;

	(void)events;
	OBJ_CHECK(upload, UPLOAD_MAGIC);
	watch_want(&upload->watch, 0);
	if (upload->request != NULL)
		hub_request_body_want(upload->request);
}

static ssize_t
wait_for_pipe(struct upload *upload, struct err *err)
{
	if (watch_is_on(&upload->watch))
		watch_want(&upload->watch, WATCH_READ);
	else if (watch_start(&upload->watch, upload->uploads->loop, upload->pipe, WATCH_READ,
			     on_pipe, upload, err) < 0)
		return err->code;
	return 0;
}

static bool
took(struct upload *upload, size_t len)
{
	upload->sent += len;
	upload->retry_ms = 0;
	return upload->sent == upload->size;
}

/* What it cannot do, nothing there or an end, on_body_read() says. */
static size_t
on_body_splice(void *arg, int into, size_t len, bool *is_end)
{
	struct upload *upload = arg;
	uint64_t left = upload->size - upload->sent;
	ssize_t n;

	OBJ_CHECK(upload, UPLOAD_MAGIC);
	n = splice(upload->pipe, NULL, into, NULL, left < len ? (size_t)left : len,
		   SPLICE_F_NONBLOCK);
	if (n <= 0)
		return 0;
	*is_end = took(upload, (size_t)n);
	return (size_t)n;
}

static ssize_t
on_body_read(void *arg, void *room, size_t room_len, bool *is_end, struct err *err)
{
	struct upload *upload = arg;
	uint64_t left = upload->size - upload->sent;
	ssize_t n;

	OBJ_CHECK(upload, UPLOAD_MAGIC);
	do
		n = read(upload->pipe, room, left < room_len ? (size_t)left : room_len);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return wait_for_pipe(upload, err);
	if (n < 0)
		return err_sys(err, "cannot read from the job's pipe");
	if (n == 0)
		return err_set(err, ERR_GONE, "the job stopped in the middle of an upload");
	*is_end = took(upload, (size_t)n);
	return n;
}

static void
on_bytes(void *arg, const struct err *err, const struct hub_answer *answer)
{
	struct upload *upload = arg;
	int64_t offset = json_get_int(answer->json, "offset", -1);

	OBJ_CHECK(upload, UPLOAD_MAGIC);
	upload->request = NULL;
	if (err != NULL) {
		fail(upload, err, answer);
		return;
	}
	if (offset != (int64_t)upload->size) {
		again(upload, STAGE_OPEN);
		return;
	}
	upload->stage = STAGE_DIGEST;
	upload_want(upload);
}

static void
bring_bytes(struct upload *upload)
{
	char *path = mem_printf("/api/v3/runner/blobs/%s?offset=%llu", upload->id,
				(unsigned long long)upload->sent);
	struct hub_post put = {.kind = HUB_POST_BLOBS,
			       .method = "PUT",
			       .path = path,
			       .token = upload->token,
			       .content_type = "application/octet-stream",
			       .body_read = on_body_read,
			       .body_splice = on_body_splice,
			       .stream_arg = upload};

	post(upload, &put, on_bytes);
	free(path);
}

/* --- records: bytes and their end in one ----------------------------------------------------- */

static void
on_records(void *arg, const struct err *err, const struct hub_answer *answer)
{
	struct upload *upload = arg;
	const struct json *refused = json_get(answer->json, "refused");
	size_t count = json_count(refused);
	const char *message;
	struct err why = ERR_INIT;

	OBJ_CHECK(upload, UPLOAD_MAGIC);
	upload->request = NULL;
	if (err != NULL) {
		fail(upload, err, answer);
	} else if (count > 0) {
		message = json_get_str(json_at(refused, 0), "message");
		(void)!err_set(&why, ERR_INPUT, "%zu of them were refused: %s", count,
			       message != NULL ? message : "the hub does not say why");
		refuse(upload, UPLOAD_REFUSED, &why);
	} else {
		end(upload, UPLOAD_STORED, NULL);
	}
}

static void
bring_records(struct upload *upload)
{
	char *path =
		mem_printf("/api/v3/runner/blobs/records?kind=%s", blob_kind_name(upload->kind));
	struct hub_post records = {.kind = HUB_POST_BLOBS,
				   .path = path,
				   .token = upload->token,
				   .content_type = BLOB_RECORDS_TYPE,
				   .body_read = on_body_read,
				   .body_splice = on_body_splice,
				   .stream_arg = upload};

	post(upload, &records, on_records);
	free(path);
}

/* --- complete -------------------------------------------------------------------------------- */

static void
on_completed(void *arg, const struct err *err, const struct hub_answer *answer)
{
	struct upload *upload = arg;

	OBJ_CHECK(upload, UPLOAD_MAGIC);
	upload->request = NULL;
	if (err == NULL)
		end(upload, UPLOAD_STORED, NULL);
	else if (is_taken(answer))
		end(upload, UPLOAD_TAKEN, NULL);
	else
		fail(upload, err, answer);
}

static void
ask_complete(struct upload *upload)
{
	char *path = mem_printf("/api/v3/runner/blobs/%s", upload->id);
	struct json *json = json_new_object();
	struct buffer body = BUFFER_INIT;
	struct hub_post complete = {.kind = HUB_POST_BLOBS,
				    .path = path,
				    .token = upload->token,
				    .body = &body,
				    .timeout_ms = COMPLETE_TIMEOUT_MS};

	json_put_str(json, "digest", upload->digest);
	hub_body(&body, json);
	post(upload, &complete, on_completed);
	free(path);
}

/* --- what comes next ------------------------------------------------------------------------- */

static void
want_open(struct upload *upload)
{
	if (upload->name != NULL) {
		ask_open(upload);
		return;
	}
	if (begin_bytes(upload, 0))
		upload_want(upload);
}

static void
upload_want(struct upload *upload)
{
	if (upload->request != NULL || !hub_link_is_up(upload->uploads->link) ||
	    timer_is_on(&upload->retry) || !has_turn(upload))
		return;
	switch (upload->stage) {
	case STAGE_OPEN:
		want_open(upload);
		break;
	case STAGE_BYTES:
		if (upload->name != NULL)
			bring_bytes(upload);
		else
			bring_records(upload);
		break;
	case STAGE_DIGEST:
		if (upload->digest[0] == '\0')
			break;
		upload->stage = STAGE_COMPLETE;
		/* fall through */
	case STAGE_COMPLETE:
		ask_complete(upload);
		break;
	}
}

/* --- its life -------------------------------------------------------------------------------- */

void
upload_start(struct upload **out, struct uploads *uploads, const struct upload_spec *spec,
	     const struct upload_hooks *hooks)
{
	struct upload *upload = MEM_NEW(struct upload);
	struct buffer name = BUFFER_INIT;

	upload->magic = UPLOAD_MAGIC;
	upload->uploads = uploads;
	upload->hooks = *hooks;
	upload->token = mem_strdup(spec->token);
	upload->kind = spec->kind;
	upload->size = spec->size;
	upload->turns = spec->turns;
	upload->pipe = -1;
	if (spec->name != NULL) {
		url_encode(&name, spec->name);
		upload->name = buffer_take_text(&name);
	}
	timer_init(&upload->retry, uploads->loop, on_retry, upload);
	DL_APPEND(uploads->list, upload);
	*out = upload;
	/* From the loop: nothing is told from inside. */
	timer_start_us(&upload->retry, 1);
}

void
upload_finish(struct upload *upload, const char *digest)
{
	OBJ_CHECK(upload, UPLOAD_MAGIC);
	(void)snprintf(upload->digest, sizeof(upload->digest), "%s", digest);
	upload_want(upload);
}

void
upload_cancel(struct upload *upload)
{
	if (upload == NULL)
		return;
	OBJ_CHECK(upload, UPLOAD_MAGIC);
	drop_at_hub(upload);
	upload_free(upload);
}
