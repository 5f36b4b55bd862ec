/*
 * blob_send.c - the bytes of a blob as a reply.
 *
 * One piece is read while the one before is on its way; a client that reads slowly is waited for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/blob_send.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/range.h"
#include "http/server.h"
#include "hub/blobs.h"
#include "hub/hub.h"

enum { QUEUED_MOST_BYTES = 2 * BLOBS_READ_BYTES };

struct sending {
	struct call *call;
	struct blob_reader *reader;
	bool is_reading;
};

static void
sending_free(struct sending *sending)
{
	blob_reader_free(sending->reader);
	free(sending);
}

static void
send_want(struct sending *sending)
{
	if (sending->is_reading || call_stream_queued(sending->call) > QUEUED_MOST_BYTES)
		return;
	sending->is_reading = true;
	blob_read(sending->reader);
}

static void
on_send_drain(struct call *call)
{
	send_want(call->user);
}

static void
on_send_close(struct call *call)
{
	sending_free(call->user);
	call_drop(call);
}

static void
on_piece(void *arg, const struct err *err, const void *bytes, size_t len)
{
	struct sending *sending = arg;
	struct call *call = sending->call;

	sending->is_reading = false;
	if (err == NULL && len > 0) {
		if (call_stream_write(call, bytes, len))
			send_want(sending);
		return;
	}
	sending_free(sending);
	if (err == NULL) {
		call_stream_end(call);
		return;
	}
	log_error("%s", err->text);
	call_stream_abort(call);
}

/* 0: the reply is sent. */
static int
choose(struct call *call, const struct blob_row *row, const char *etag, uint64_t *from,
       uint64_t *until)
{
	struct http_request *request = call->request;
	char text[80];

	*from = 0;
	*until = row->size;
	if (http_etag_is_named(http_request_header(request, "if-none-match"), etag)) {
		call_reply_empty(call, 304);
		return 0;
	}
	if (!http_if_range_holds(http_request_header(request, "if-range"), etag))
		return 200;
	switch (http_range_read(http_request_header(request, "range"), row->size, from, until)) {
	case HTTP_RANGE_ALL:
		return 200;
	case HTTP_RANGE_PART:
		(void)snprintf(text, sizeof(text), "bytes %llu-%llu/%llu",
			       (unsigned long long)*from, (unsigned long long)*until - 1,
			       (unsigned long long)row->size);
		http_reply_add_header(request, "content-range", text);
		return 206;
	case HTTP_RANGE_NONE:
		break;
	}
	(void)snprintf(text, sizeof(text), "bytes */%llu", (unsigned long long)row->size);
	http_reply_add_header(request, "content-range", text);
	call_reply_message(call, 416, "there are %llu bytes", (unsigned long long)row->size);
	return 0;
}

void
blob_send(struct call *call, const struct blob_row *row, const char *type)
{
	struct http_request *request = call->request;
	char digest[DIGEST_TEXT_BYTES], etag[DIGEST_TEXT_BYTES + 2], length[24];
	struct sending *sending;
	uint64_t from, until;
	int status;

	if (request == NULL) {
		call_reply_empty(call, 200);
		return;
	}
	(void)snprintf(etag, sizeof(etag), "\"%s\"", digest_hex(digest, row->digest));
	http_reply_add_header(request, "etag", etag);
	http_reply_add_header(request, "accept-ranges", "bytes");
	status = choose(call, row, etag, &from, &until);
	if (status == 0)
		return;
	(void)snprintf(length, sizeof(length), "%llu", (unsigned long long)(until - from));
	http_reply_add_header(request, "content-length", length);
	call_stream_start(call, status, type);
	if (strcmp(http_request_method(request), "HEAD") == 0) {
		call_stream_end(call);
		return;
	}
	sending = MEM_NEW(struct sending);
	sending->call = call;
	sending->reader = blob_reader_new(call->hub->blobs, row, from, until, on_piece, sending);
	call->user = sending;
	call_on_close(call, on_send_close);
	call_stream_on_drain(call, on_send_drain);
	send_want(sending);
}
