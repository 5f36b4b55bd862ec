/*
 * h2_frames.c - one HTTP/2 connection: what nghttp2 asks for and tells.
 *
 * A stream's user data is its "struct h2_stream"; NULL when the owner has let go of
 * it, and then nothing of it is touched. After any event h2->freed is looked at first:
 * the owner may have freed the connection.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "http/h2_private.h"
#include "http/header.h"

enum { FRAME_HEAD_BYTES = 9, CONTINUATIONS_MAX = 8 };

static struct h2_stream *
stream_of(nghttp2_session *session, int32_t id)
{
	return id != 0 ? nghttp2_session_get_stream_user_data(session, id) : NULL;
}

/* What a callback returns: stop at once when the connection was freed or broke in an event. */
static int
verdict(const struct h2 *h2)
{
	return h2_is_alive(h2) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* --- sending --- */

static ssize_t
on_send(nghttp2_session *session, const uint8_t *bytes, size_t len, int flags, void *arg)
{
	struct h2 *h2 = arg;

	(void)session;
	(void)flags;
	if (h2->out.len >= H2_OUT_MAX_BYTES)
		return NGHTTP2_ERR_WOULDBLOCK;
	outgoing_copy(&h2->out, bytes, len);
	return (ssize_t)len;
}

static void
lend(struct h2 *h2, struct h2_stream *stream, size_t len)
{
	assert(len <= stream->body_left);
	stream->body_left -= len;
	while (len > 0) {
		size_t left = stream->body->iov_len - stream->body_at;
		size_t part = len < left ? len : left;

		outgoing_borrow(&h2->out, (const char *)stream->body->iov_base + stream->body_at,
				part, stream->id);
		stream->body_at += part;
		len -= part;
		if (part == left) {
			stream->body++;
			stream->body_at = 0;
		}
	}
}

/* A DATA frame of a borrowed body: the head copied, the bytes where they are. */
static int
on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t len,
	     nghttp2_data_source *source, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *stream = stream_of(session, frame->hd.stream_id);

	(void)source;
	if (h2->out.len >= H2_OUT_MAX_BYTES)
		return NGHTTP2_ERR_WOULDBLOCK;
	if (stream == NULL)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	assert(frame->data.padlen == 0);
	outgoing_copy(&h2->out, head, FRAME_HEAD_BYTES);
	if (stream->pull != NULL)
		outgoing_piped(&h2->out);
	else
		lend(h2, stream, len);
	return 0;
}

static ssize_t
pull_more(struct h2 *h2, struct h2_stream *stream, int32_t id, uint8_t *room, size_t len,
	  uint32_t *flags)
{
	bool end = false;
	ssize_t got = stream->pull(stream, room, len, &end);

	if (!h2_is_alive(h2))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (got < 0 || stream_of(h2->session, id) == NULL)
		return NGHTTP2_ERR_DEFERRED;
	assert((size_t)got <= len);
	if (end)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return got > 0 || end ? got : NGHTTP2_ERR_DEFERRED;
}

/* Bytes that need no frame of nghttp2's; 0: they do. */
static size_t
splice_more(struct h2 *h2, struct h2_stream *stream, size_t len, uint32_t *flags)
{
	int pipe = stream->splice != NULL ? outgoing_pipe(&h2->out) : -1;
	bool end = false;
	size_t moved = pipe >= 0 ? stream->splice(stream, pipe, len, &end) : 0;

	if (moved == 0)
		return 0;
	assert(moved <= len);
	outgoing_moved(&h2->out, moved);
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (end)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return moved;
}

static ssize_t
on_read_body(nghttp2_session *session, int32_t id, uint8_t *room, size_t len, uint32_t *flags,
	     nghttp2_data_source *source, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *stream = stream_of(session, id);

	(void)source;
	if (stream == NULL)
		return NGHTTP2_ERR_DEFERRED;
	if (stream->pull != NULL) {
		size_t moved = splice_more(h2, stream, len, flags);

		return moved > 0 ? (ssize_t)moved : pull_more(h2, stream, id, room, len, flags);
	}
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (stream->body_left <= len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)(stream->body_left < len ? stream->body_left : len);
}

/*
 * How much on_read_body() is asked for at once: what a stream has ready is few large frames, where
 * the peer says that it takes them (all of ours do). Behind a full queue no more urgent one waits.
 */
static ssize_t
on_frame_room(nghttp2_session *session, uint8_t frame_type, int32_t id, int32_t connection_window,
	      int32_t stream_window, uint32_t frame_most, void *arg)
{
	const struct h2 *h2 = arg;
	const struct h2_stream *stream = stream_of(session, id);
	size_t room = h2->out.len < H2_OUT_MAX_BYTES ? H2_OUT_MAX_BYTES - h2->out.len : 0;

	(void)frame_type;
	(void)connection_window; /* of the two nghttp2 takes care itself */
	(void)stream_window;
	if (stream == NULL || stream->splice == NULL || room < H2_FRAME_BYTES)
		room = H2_FRAME_BYTES;
	return frame_most < room ? (ssize_t)frame_most : (ssize_t)room;
}

static int
on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *stream = stream_of(session, frame->hd.stream_id);

	if (frame->hd.type == NGHTTP2_DATA)
		h2->sent_bytes += frame->hd.length;
	if (stream == NULL || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0 ||
	    (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS))
		return 0;
	stream->sent_end = true;
	/* The reply is complete before the request is: the rest of it is not wanted (RFC
	 * 9113, 8.1). */
	if (h2->server && !stream->got_end)
		(void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id,
						NGHTTP2_NO_ERROR);
	return 0;
}

/* --- a peer that makes work by resets --- */

static void
count_reset(struct h2 *h2)
{
	uint64_t now_us = loop_now_us(h2->loop);

	if (!h2->server || h2->reset_tokens < 0)
		return;
	h2->reset_tokens += (double)(now_us - h2->reset_refill_us) * H2_RESETS_PER_S / 1e6;
	h2->reset_refill_us = now_us;
	if (h2->reset_tokens > H2_RESETS_BURST)
		h2->reset_tokens = H2_RESETS_BURST;
	h2->reset_tokens -= 1;
	if (h2->reset_tokens >= 0)
		return;
	log_warn("http: a client opens and resets streams in a loop (more than %d at once): "
		 "connection closed",
		 H2_RESETS_BURST);
	h2_terminate(h2, NGHTTP2_ENHANCE_YOUR_CALM);
}

static int
on_bad_frame(nghttp2_session *session, const nghttp2_frame *frame, int code, void *arg)
{
	(void)session;
	(void)frame;
	(void)code;
	count_reset(arg);
	return 0;
}

/* Endless CONTINUATION frames cost us while no header limit is ever met. */
static int
on_frame_begin(nghttp2_session *session, const nghttp2_frame_hd *head, void *arg)
{
	struct h2 *h2 = arg;

	(void)session;
	h2->continuations = head->type == NGHTTP2_CONTINUATION ? h2->continuations + 1 : 0;
	if (h2->continuations <= CONTINUATIONS_MAX)
		return 0;
	log_warn("http: a peer sends header fields without an end: connection closed");
	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* --- receiving --- */

static int
on_headers_begin(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *stream;

	if (!h2->server || frame->hd.type != NGHTTP2_HEADERS ||
	    frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	stream = h2->events->on_begin(h2->arg, frame->hd.stream_id);
	if (stream == NULL) {
		(void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
						NGHTTP2_REFUSED_STREAM);
		return 0;
	}
	*stream = (struct h2_stream){.h2 = h2, .id = frame->hd.stream_id};
	(void)nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
	return 0;
}

static int
on_field(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
	 const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *stream = stream_of(session, frame->hd.stream_id);

	(void)name_len;
	(void)value_len;
	(void)flags;
	/* Trailers carry nothing we use. nghttp2 ends names and values with a NUL and allows none
	 * inside. */
	if (stream != NULL && !stream->head_done)
		h2->events->on_header(stream, (const char *)name, (const char *)value);
	return verdict(h2);
}

static int
on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
	      void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *stream = stream_of(session, id);

	(void)flags;
	h2->got_bytes += len;
	if (nghttp2_session_consume_connection(session, len) != 0)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (stream != NULL)
		h2->events->on_data(stream, bytes, len);
	return verdict(h2);
}

static void
handle_settings(struct h2 *h2)
{
	if (h2->settled)
		return;
	h2->settled = true;
	h2->events->on_open(h2->arg);
}

/* A complete HEADERS or DATA frame. */
static void
handle_message_frame(struct h2 *h2, nghttp2_session *session, const nghttp2_frame *frame)
{
	int32_t id = frame->hd.stream_id;
	bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	struct h2_stream *stream = stream_of(session, id);

	if (stream == NULL)
		return;
	if (end)
		stream->got_end = true;
	if (frame->hd.type == NGHTTP2_HEADERS && !stream->head_done) {
		h2->events->on_headers(stream);
		if (!h2_is_alive(h2))
			return;
		stream = stream_of(session, id);
	}
	if (end && stream != NULL)
		h2->events->on_message(stream);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h2 = arg;

	switch (frame->hd.type) {
	case NGHTTP2_SETTINGS:
		if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
			handle_settings(h2);
		break;
	case NGHTTP2_PING:
		if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
			h2->events->on_pong(h2->arg);
		break;
	case NGHTTP2_GOAWAY:
		h2->events->on_goaway(h2->arg, frame->goaway.error_code);
		break;
	case NGHTTP2_WINDOW_UPDATE:
		if (frame->hd.stream_id != 0)
			h2->taken_bytes += (uint64_t)frame->window_update.window_size_increment;
		break;
	case NGHTTP2_RST_STREAM:
		count_reset(h2);
		break;
	case NGHTTP2_HEADERS:
	case NGHTTP2_DATA:
		handle_message_frame(h2, session, frame);
		break;
	default:
		break;
	}
	return verdict(h2);
}

/* What was sent on a stream and no credit came back for: its reply says that it was taken. */
static uint64_t
uncredited(nghttp2_session *session, int32_t id)
{
	int64_t first =
		nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);
	int64_t now = nghttp2_session_get_stream_remote_window_size(session, id);

	return now >= 0 && now < first ? (uint64_t)(first - now) : 0;
}

static int
on_stream_closed(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *stream = stream_of(session, id);

	if (code == NGHTTP2_NO_ERROR)
		h2->taken_bytes += uncredited(session, id);
	if (stream == NULL)
		return 0;
	stream->code = code;
	if (outgoing_has(&h2->out, id)) {
		stream->closing = true;
		stream->next_closing = h2->closing;
		h2->closing = stream;
		h2_want(h2);
		return 0;
	}
	stream->h2 = NULL;
	h2->events->on_close(stream, code);
	return verdict(h2);
}

/* --- the session --- */

static nghttp2_session_callbacks *
callbacks_new(void)
{
	nghttp2_session_callbacks *callbacks;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return NULL;
	nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
	nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
	nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, on_frame_room);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_bad_frame);
	nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_frame_begin);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_headers_begin);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_field);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_closed);
	return callbacks;
}

static int
submit_settings(struct h2 *h2, uint32_t streams_max)
{
	nghttp2_settings_entry entries[] = {
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW_STREAM_BYTES},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEADERS_MAX_BYTES},
		{NGHTTP2_SETTINGS_MAX_FRAME_SIZE, H2_FRAME_MOST_BYTES},
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams_max},
	};
	size_t count = sizeof(entries) / sizeof(entries[0]);

	/* A server has no say on push, a client none on streams: nobody opens any at it. */
	if (h2->server) {
		entries[3] = entries[4];
		count--;
	} else {
		entries[4].value = 0;
	}
	if (nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, entries, count) != 0)
		return -1;
	return nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
						     H2_WINDOW_CONNECTION_BYTES);
}

int
h2_session_new(struct h2 *h2, const struct h2_config *config, struct err *err)
{
	nghttp2_session_callbacks *callbacks = callbacks_new();
	nghttp2_option *option = NULL;
	int rv = NGHTTP2_ERR_NOMEM;

	if (callbacks != NULL && nghttp2_option_new(&option) == 0) {
		nghttp2_option_set_no_auto_window_update(option, 1);
		nghttp2_option_set_no_closed_streams(option, 1);
		rv = config->server
			     ? nghttp2_session_server_new2(&h2->session, callbacks, h2, option)
			     : nghttp2_session_client_new2(&h2->session, callbacks, h2, option);
	}
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	if (rv != 0)
		return err_set(err, ERR_LIMIT, "no memory for one more connection");
	if (submit_settings(h2, config->streams_max) != 0) {
		nghttp2_session_del(h2->session);
		return err_set(err, ERR_LIMIT, "no memory for one more connection");
	}
	return 0;
}

void
h2_shutdown(struct h2 *h2)
{
	(void)nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
				    nghttp2_session_get_last_proc_stream_id(h2->session),
				    NGHTTP2_NO_ERROR, NULL, 0);
	h2_want(h2);
}

void
h2_terminate(struct h2 *h2, uint32_t code)
{
	(void)nghttp2_session_terminate_session(h2->session, code);
	h2_want(h2);
}

void
h2_ping(struct h2 *h2)
{
	(void)nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, NULL);
	h2_want(h2);
}

uint32_t
h2_streams_allowed(const struct h2 *h2)
{
	return nghttp2_session_get_remote_settings(h2->session,
						   NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

/* --- streams --- */

nghttp2_nv
h2_field(const char *name, const char *value)
{
	return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
			    strlen(value), NGHTTP2_NV_FLAG_NONE};
}

void
h2_stream_set_body(struct h2_stream *stream, const struct iovec *pieces, size_t len)
{
	stream->body = pieces;
	stream->body_at = 0;
	stream->body_left = len;
}

int
h2_request(struct h2 *h2, struct h2_stream *stream, const nghttp2_nv *fields, size_t count,
	   struct err *err)
{
	nghttp2_data_provider body = {.read_callback = on_read_body};
	bool has_body = stream->pull != NULL || stream->body_left > 0;
	nghttp2_priority_spec priority;
	int32_t id;

	nghttp2_priority_spec_init(&priority, 0,
				   stream->is_bulk ? NGHTTP2_MIN_WEIGHT : NGHTTP2_MAX_WEIGHT, 0);
	id = nghttp2_submit_request(h2->session, &priority, fields, count, has_body ? &body : NULL,
				    stream);
	if (id < 0)
		return err_set(err, ERR_AGAIN, "cannot begin a request: %s", nghttp2_strerror(id));
	stream->h2 = h2;
	stream->id = id;
	h2_want(h2);
	return 0;
}

void
h2_respond(struct h2_stream *stream, const nghttp2_nv *fields, size_t count, bool has_body)
{
	nghttp2_data_provider body = {.read_callback = on_read_body};

	if (stream->h2 == NULL || stream->closing)
		return;
	(void)nghttp2_submit_response(stream->h2->session, stream->id, fields, count,
				      has_body ? &body : NULL);
	h2_want(stream->h2);
}

void
h2_stream_more(struct h2_stream *stream)
{
	if (stream->h2 == NULL || stream->closing)
		return;
	if (nghttp2_session_resume_data(stream->h2->session, stream->id) == 0)
		h2_want(stream->h2);
}

void
h2_stream_consume(struct h2_stream *stream, size_t len)
{
	if (stream->h2 == NULL || stream->closing || len == 0)
		return;
	(void)nghttp2_session_consume_stream(stream->h2->session, stream->id, len);
	h2_want(stream->h2);
}

static void
forget_closing(struct h2 *h2, struct h2_stream *stream)
{
	struct h2_stream **link;

	for (link = &h2->closing; *link != NULL; link = &(*link)->next_closing) {
		if (*link == stream) {
			*link = stream->next_closing;
			break;
		}
	}
	stream->closing = false;
}

void
h2_stream_reset(struct h2_stream *stream, uint32_t code)
{
	struct h2 *h2 = stream->h2;

	if (h2 == NULL)
		return;
	if (stream->closing) {
		forget_closing(h2, stream);
	} else {
		(void)nghttp2_session_set_stream_user_data(h2->session, stream->id, NULL);
		if (!stream->sent_end || !stream->got_end)
			(void)nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, stream->id,
							code);
		h2_want(h2);
	}
	outgoing_detach(&h2->out, stream->id);
	stream->h2 = NULL;
}
