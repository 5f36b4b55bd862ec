/*
 * peers_test.c - peers that speak something else, too much, too slowly or not at all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "http/listener.h"
#include "http/tls_session.h"
#include "http/transport.h"
#include "pair.h"

/* A peer that sends and keeps bytes as the test says. */
struct raw {
	int fd;
	struct watch watch;
	struct buffer got;
	bool closed;
};

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static void
on_raw_ready(void *arg, unsigned events)
{
	struct raw *raw = arg;
	char room[4096];
	ssize_t got = recv(raw->fd, room, sizeof(room), MSG_DONTWAIT);

	(void)events;
	if (got > 0) {
		buffer_putn(&raw->got, room, (size_t)got);
		return;
	}
	raw->closed = true;
	watch_stop(&raw->watch);
}

static void
raw_watch(struct pair *pair, struct raw *raw)
{
	assert_int_equal(watch_start(&raw->watch, pair->loop, raw->fd, WATCH_READ, on_raw_ready,
				     raw, &pair->err),
			 0);
}

static void
raw_open(struct pair *pair, struct raw *raw)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memset(raw, 0, sizeof(*raw));
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", pair->dir);
	raw->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(raw->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	raw_watch(pair, raw);
}

static void
raw_send(struct raw *raw, const void *bytes, size_t len)
{
	assert_int_equal(send(raw->fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void
raw_close(struct raw *raw)
{
	watch_stop(&raw->watch);
	(void)close(raw->fd);
	buffer_release(&raw->got);
}

static void
put_frame(struct buffer *out, unsigned type, unsigned flags, uint32_t stream, const void *bytes,
	  size_t len)
{
	unsigned char head[9] = {(unsigned char)(len >> 16),
				 (unsigned char)(len >> 8),
				 (unsigned char)len,
				 (unsigned char)type,
				 (unsigned char)flags,
				 (unsigned char)(stream >> 24),
				 (unsigned char)(stream >> 16),
				 (unsigned char)(stream >> 8),
				 (unsigned char)stream};

	buffer_putn(out, head, sizeof(head));
	buffer_putn(out, bytes, len);
}

/* "GET /hello", RFC 7541 by hand. */
static void
put_request(struct buffer *out, uint32_t stream)
{
	static const unsigned char fields[] = {0x82, 0x86, 0x41, 0x01, 'a', 0x04, 0x06,
					       '/',  'h',  'e',	 'l',  'l', 'o'};

	put_frame(out, 1, 0x5, stream, fields, sizeof(fields));
}

static void
put_greeting(struct buffer *out)
{
	buffer_putn(out, preface, sizeof(preface) - 1);
	put_frame(out, 4, 0, 0, "", 0);
}

/* --- clients of our server --- */

static void
assert_505(struct pair *pair, const char *const *parts, size_t count)
{
	struct raw raw;
	size_t i;

	raw_open(pair, &raw);
	for (i = 0; i < count; i++) {
		raw_send(&raw, parts[i], strlen(parts[i]));
		pair_run_ms(pair, 5);
	}
	pair_run(pair, &raw.closed);
	assert_memory_equal(raw.got.data, "HTTP/1.1 505 HTTP Version Not Supported\r\n", 41);
	assert_non_null(strstr(buffer_text(&raw.got),
			       "\r\n\r\n{\"message\": \"this server speaks HTTP/2 only: "));
	assert_int_equal(pair->handled, 0);
	raw_close(&raw);
}

static void
test_http1_is_told_that_we_do_not_speak_it(void **state)
{
	static const char *const whole[] = {"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"};
	static const char *const split[] = {"P", "O", "ST /hello HTTP/1.1\r\nHost: a\r\n\r\n"};
	struct pair *pair = *state;

	pair_listen(pair, NULL);
	assert_505(pair, whole, 1);
	assert_505(pair, split, 3);
}

static void
test_garbage_is_cut_off(void **state)
{
	static const char hello[] = "\x05\x01\x00 SOCKS, that is";
	struct pair *pair = *state;
	struct raw raw;

	pair_listen(pair, NULL);
	raw_open(pair, &raw);
	raw_send(&raw, hello, sizeof(hello) - 1);
	pair_run(pair, &raw.closed);
	assert_int_equal(raw.got.len, 0);
	raw_close(&raw);
	raw_open(pair, &raw);
	raw_send(&raw, preface, sizeof(preface) - 1);
	raw_send(&raw, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
	pair_run(pair, &raw.closed);
	raw_close(&raw);
	PAIR_RUN_UNTIL(pair, http_server_connections(pair->server) == 0);
}

static void
test_silent_client_is_cut_off_in_time(void **state)
{
	struct pair *pair = *state;
	struct raw raw;

	pair->handshake_ms = 30;
	pair_listen(pair, NULL);
	raw_open(pair, &raw);
	pair_run(pair, &raw.closed);
	raw_close(&raw);
	assert_int_equal(http_server_connections(pair->server), 0);
}

static void
test_client_that_comes_byte_by_byte_is_served(void **state)
{
	struct pair *pair = *state;
	struct buffer bytes = BUFFER_INIT;
	struct raw raw;
	size_t i;

	pair_listen(pair, NULL);
	put_greeting(&bytes);
	put_request(&bytes, 1);
	raw_open(pair, &raw);
	for (i = 0; i < bytes.len; i++) {
		raw_send(&raw, bytes.data + i, 1);
		pair_run_ms(pair, 1);
	}
	PAIR_RUN_UNTIL(pair, memmem(raw.got.data, raw.got.len, "hello", 5) != NULL);
	assert_int_equal(pair->handled, 1);
	raw_close(&raw);
	buffer_release(&bytes);
}

static void
test_client_that_resets_in_a_loop_is_cut_off(void **state)
{
	struct pair *pair = *state;
	struct buffer bytes = BUFFER_INIT;
	uint32_t stream;
	struct outcome out;
	struct raw raw;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	put_greeting(&bytes);
	for (stream = 1; stream < 2 * 1500; stream += 2) {
		put_request(&bytes, stream);
		put_frame(&bytes, 3, 0, stream, "\0\0\0\x08", 4);
	}
	raw_open(pair, &raw);
	raw_send(&raw, bytes.data, bytes.len);
	pair_run(pair, &raw.closed);
	assert_in_range(pair->handled, 990, 1100);
	/* GOAWAY with ENHANCE_YOUR_CALM ends what we got. */
	assert_true(raw.got.len > 17);
	assert_non_null(memmem(raw.got.data, raw.got.len, "\x00\x00\x00\x0b", 4));
	raw_close(&raw);
	buffer_release(&bytes);
	pair_get(pair, &out, "/hello");
	assert_int_equal(out.status, 200);
}

static void
test_header_block_without_an_end_is_cut_off(void **state)
{
	struct pair *pair = *state;
	struct buffer bytes = BUFFER_INIT;
	struct raw raw;
	unsigned i;

	pair_listen(pair, NULL);
	put_greeting(&bytes);
	put_frame(&bytes, 1, 0x1, 1, "\x82\x86\x84", 3);
	for (i = 0; i < 100; i++)
		put_frame(&bytes, 9, 0, 1, "\x00\x01x\x01y", 5);
	raw_open(pair, &raw);
	raw_send(&raw, bytes.data, bytes.len);
	pair_run(pair, &raw.closed);
	raw_close(&raw);
	buffer_release(&bytes);
}

static void
test_client_beyond_the_most_allowed_is_closed(void **state)
{
	struct pair *pair = *state;
	struct raw raw[3];

	pair->connections_max = 2;
	pair_listen(pair, NULL);
	raw_open(pair, &raw[0]);
	raw_open(pair, &raw[1]);
	raw_open(pair, &raw[2]);
	pair_run(pair, &raw[2].closed);
	assert_false(raw[0].closed || raw[1].closed);
	assert_int_equal(http_server_connections(pair->server), 2);
	raw_close(&raw[0]);
	raw_close(&raw[2]);
	PAIR_RUN_UNTIL(pair, http_server_connections(pair->server) == 1);
	raw_open(pair, &raw[0]);
	PAIR_RUN_UNTIL(pair, http_server_connections(pair->server) == 2);
	assert_false(raw[0].closed);
	raw_close(&raw[0]);
	raw_close(&raw[1]);
}

/* A head, and then nothing: the stream is reset, the connection stays. */
static void
test_request_that_stops_arriving_is_reset(void **state)
{
	static const unsigned char reset[] = {0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8};
	struct pair *pair = *state;
	struct buffer bytes = BUFFER_INIT;
	struct raw raw;
	bool found = false;
	unsigned i;

	pair->slow_ms = 60;
	pair_listen(pair, NULL);
	put_greeting(&bytes);
	put_frame(&bytes, 1, 0x4, 1,
		  "\x83\x86\x84\x41\x01"
		  "a",
		  6);
	put_frame(&bytes, 0, 0, 1, "half", 4);
	raw_open(pair, &raw);
	raw_send(&raw, bytes.data, bytes.len);
	for (i = 0; i < 500 && !found; i++) {
		pair_run_ms(pair, 20);
		found = memmem(raw.got.data, raw.got.len, reset, sizeof(reset)) != NULL;
	}
	assert_true(found);
	assert_false(raw.closed);
	raw_close(&raw);
	buffer_release(&bytes);
}

/* Flow control is wide open, but nobody reads the socket. */
static void
test_client_that_takes_no_byte_is_closed(void **state)
{
	static const char settings[] = "\x00\x04\x7f\xff\xff\xff";
	struct pair *pair = *state;
	struct buffer bytes = BUFFER_INIT;
	struct raw raw;
	unsigned i;

	pair->slow_ms = 60;
	pair_listen(pair, NULL);
	buffer_putn(&bytes, preface, sizeof(preface) - 1);
	put_frame(&bytes, 4, 0, 0, settings, 6);
	put_frame(&bytes, 8, 0, 0, "\x7f\x00\x00\x00", 4);
	put_frame(&bytes, 1, 0x5, 1,
		  "\x82\x86\x41\x01"
		  "a\x04\x10/bytes?n=8000000",
		  23);
	raw_open(pair, &raw);
	watch_stop(&raw.watch);
	raw_send(&raw, bytes.data, bytes.len);
	pair_run_count(pair, &pair->handled, 1);
	for (i = 0; i < 500 && http_server_connections(pair->server) > 0; i++)
		pair_run_ms(pair, 20);
	assert_int_equal(http_server_connections(pair->server), 0);
	assert_int_equal(http_server_requests(pair->server), 0);
	raw_close(&raw);
	buffer_release(&bytes);
}

/* --- limits of a request --- */

static ssize_t
on_endless_body(void *arg, void *room, size_t len, bool *end, struct err *err)
{
	(void)arg;
	(void)end;
	(void)err;
	memset(room, 'x', len);
	return (ssize_t)len;
}

static void
test_body_over_the_limit_is_413(void **state)
{
	struct pair *pair = *state;
	unsigned char *body = pair_bytes(5000001);
	struct http_call_spec spec = {
		.method = "POST", .path = "/echo", .body = body, .body_len = 100001, .wait = true};
	struct outcome out;

	pair->body_max = 100000;
	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call_spec(pair, &out, &spec);
	pair_run(pair, &out.done);
	assert_int_equal(out.status, 413);
	assert_string_equal(
		out.body,
		"{\"message\": \"the body of a request may have 100000 bytes at most\"}\n");
	spec.body_len = 5000001;
	pair_call_spec(pair, &out, &spec);
	pair_run(pair, &out.done);
	assert_int_equal(out.status, 413);
	spec.body = NULL;
	spec.body_len = 0;
	spec.body_read = on_endless_body;
	pair_call_spec(pair, &out, &spec);
	pair_run(pair, &out.done);
	assert_int_equal(out.status, 413);
	spec.body_read = NULL;
	spec.body = body;
	spec.body_len = 100000;
	pair_call_spec(pair, &out, &spec);
	pair_run(pair, &out.done);
	assert_int_equal(out.status, 200);
	assert_int_equal(out.len, 100000);
	assert_int_equal(pair->handled, 1);
	free(body);
}

static void
test_request_with_too_large_a_head_is_431(void **state)
{
	struct pair *pair = *state;
	char *path = mem_zalloc(1, 12001);
	char *value = mem_zalloc(1, 12001);
	struct http_header headers[] = {{"x-one", value}, {"x-two", value}};
	struct http_call_spec spec = {
		.path = path, .headers = headers, .header_count = 2, .wait = true};
	struct outcome out;

	memset(path, 'p', 12000);
	memset(value, 'v', 12000);
	path[0] = '/';
	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call_spec(pair, &out, &spec);
	pair_run(pair, &out.done);
	assert_int_equal(out.status, 431);
	assert_int_equal(pair->handled, 0);
	free(path);
	free(value);
}

static void
test_request_with_a_broken_path_is_400(void **state)
{
	char deep[2 * (HTTP_SEGMENTS_MAX + 1) + 1];
	const char *const paths[] = {"/a%zz", "/a%00b", "/a%4", "/show?q=%g1", deep};
	struct pair *pair = *state;
	struct outcome out;
	size_t i;

	for (i = 0; i <= HTTP_SEGMENTS_MAX; i++)
		memcpy(deep + 2 * i, "/x", 3);
	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		pair_get(pair, &out, paths[i]);
		assert_int_equal(out.status, 400);
		assert_memory_equal(out.body, "{\"message\": \"", 13);
	}
	assert_int_equal(pair->handled, 0);
}

static void
test_reader_that_takes_nothing_is_broken_off(void **state)
{
	struct pair *pair = *state;
	unsigned char *piece = pair_bytes(1000000);
	struct outcome out;
	unsigned i;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call(pair, &out, NULL, "/hang");
	pair_run_count(pair, &pair->hanging_count, 1);
	http_reply_start(pair->hanging[0], 200, NULL);
	for (i = 0; i < 8; i++)
		assert_int_equal(http_reply_write(pair->hanging[0], piece, 1000000),
				 (i + 1) * 1000000);
	assert_int_equal(http_reply_write(pair->hanging[0], piece, 1000000), 0);
	pair_run_count(pair, &pair->closed, 1);
	pair_run(pair, &out.done);
	assert_int_equal(out.code, ERR_AGAIN);
	free(piece);
}

static void
test_request_whose_client_left_can_still_be_answered(void **state)
{
	struct pair *pair = *state;
	struct outcome whole, streamed, aborted;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call(pair, &whole, NULL, "/hang");
	pair_call(pair, &streamed, NULL, "/hang");
	pair_call(pair, &aborted, NULL, "/hang");
	pair_run_count(pair, &pair->hanging_count, 3);
	http_request_on_close(pair->hanging[0], NULL, NULL);
	http_request_on_close(pair->hanging[1], NULL, NULL);
	http_request_on_close(pair->hanging[2], NULL, NULL);
	http_client_free(pair->client);
	pair->client = NULL;
	PAIR_RUN_UNTIL(pair, http_server_connections(pair->server) == 0);
	assert_true(http_request_peer(pair->hanging[0])->is_unix);
	http_reply(pair->hanging[0], 200, NULL, "x", 1);
	http_reply_start(pair->hanging[1], 200, NULL);
	(void)http_reply_write(pair->hanging[1], "x", 1);
	pair_stop(pair);
	http_reply_end(pair->hanging[1]);
	http_reply_abort(pair->hanging[2]);
	assert_int_equal(pair->closed, 0);
}

/* --- servers of our client --- */

struct fake {
	struct pair *pair;
	struct listener *listener;
	struct raw raw;
	const void *says;
	size_t len;
	unsigned accepted;
};

static void
on_fake_accept(void *arg, int fd)
{
	struct fake *fake = arg;

	if (fake->accepted++ > 0)
		raw_close(&fake->raw);
	memset(&fake->raw, 0, sizeof(fake->raw));
	fake->raw.fd = fd;
	raw_watch(fake->pair, &fake->raw);
	if (fake->len > 0)
		raw_send(&fake->raw, fake->says, fake->len);
}

static void
fake_open(struct pair *pair, struct fake *fake, const void *says, size_t len)
{
	*fake = (struct fake){.pair = pair, .says = says, .len = len};
	(void)snprintf(pair->url, sizeof(pair->url), "unix:%s/socket", pair->dir);
	assert_int_equal(listener_open(&fake->listener, pair->url, &pair->err), 0);
	assert_int_equal(
		listener_start(fake->listener, pair->loop, on_fake_accept, fake, &pair->err), 0);
}

static void
fake_close(struct fake *fake)
{
	http_client_free(fake->pair->client);
	fake->pair->client = NULL;
	listener_free(fake->listener);
	if (fake->accepted > 0)
		raw_close(&fake->raw);
}

static void
test_server_that_answers_no_ping_is_given_up(void **state)
{
	static const char settings[] = "\0\0\0\4\0\0\0\0\0";
	struct pair *pair = *state;
	struct outcome out;
	struct fake fake;

	pair->ping_ms = 20;
	pair->pong_ms = 20;
	fake_open(pair, &fake, settings, 9);
	pair_connect(pair, NULL);
	pair_call(pair, &out, NULL, "/hello");
	pair_run(pair, &out.done);
	assert_int_equal(out.code, ERR_AGAIN);
	assert_non_null(strstr(out.text, "was lost: no answer to a PING within 20 ms"));
	fake_close(&fake);
}

/* GOAWAY names stream 1 as the last one taken: stream 3 may be tried again, elsewhere. */
static void
test_calls_beyond_the_last_stream_taken_may_be_retried(void **state)
{
	static const char settings[] = "\0\0\0\4\0\0\0\0\0", last_head[] = "\1\x25\0\0\0\3";
	struct pair *pair = *state;
	struct buffer bytes = BUFFER_INIT;
	struct outcome first, second;
	struct fake fake;

	fake_open(pair, &fake, settings, 9);
	pair_connect(pair, NULL);
	pair_run_count(pair, &pair->ups, 1);
	listener_stop(fake.listener); /* the next connection is left waiting */
	pair_call(pair, &first, NULL, "/first");
	pair_call(pair, &second, NULL, "/second");
	PAIR_RUN_UNTIL(pair, memmem(fake.raw.got.data, fake.raw.got.len, last_head,
				    sizeof(last_head) - 1) != NULL);
	put_frame(&bytes, 7, 0, 0, "\0\0\0\1\0\0\0\0", 8);
	raw_send(&fake.raw, bytes.data, bytes.len);
	pair_run(pair, &second.done);
	assert_int_equal(second.code, ERR_AGAIN);
	assert_non_null(strstr(second.text, "did not take GET /second"));
	assert_false(first.done);
	assert_false(http_client_is_up(pair->client));
	buffer_clear(&bytes);
	put_frame(&bytes, 1, 0x5, 1, "\x88", 1);
	raw_send(&fake.raw, bytes.data, bytes.len);
	pair_run(pair, &first.done);
	assert_int_equal(first.status, 200);
	fake_close(&fake);
	buffer_release(&bytes);
}

static void
test_server_that_speaks_http1_is_told_apart(void **state)
{
	static const char reply[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	struct pair *pair = *state;
	struct fake fake;

	fake_open(pair, &fake, reply, sizeof(reply) - 1);
	pair_connect(pair, NULL);
	pair_run_count(pair, &pair->downs, 1);
	assert_int_equal(pair->down.code, ERR_INPUT);
	assert_non_null(strstr(pair->down.text, "what is there answers in HTTP/1, not HTTP/2"));
	fake_close(&fake);
}

static void
test_server_that_speaks_garbage_is_an_error_each_time(void **state)
{
	static const char garbage[] = "220 mail.example.org ESMTP at your service, go ahead\r\n";
	struct pair *pair = *state;
	struct fake fake;

	fake_open(pair, &fake, garbage, sizeof(garbage) - 1);
	pair_connect(pair, NULL);
	pair_run_count(pair, &pair->downs, 3);
	assert_int_equal(pair->ups, 0);
	assert_non_null(strstr(pair->down.text, "cannot reach 'unix:"));
	fake_close(&fake);
}

/* A TLS server that knows of no ALPN. */
struct mute {
	struct transport transport;
	struct watch watch;
};

static void
on_mute_ready(void *arg, unsigned events)
{
	struct mute *mute = arg;
	struct err err = ERR_INIT;

	(void)events;
	if (transport_handshake(&mute->transport, &err) != 0)
		watch_stop(&mute->watch);
}

static struct tls_context *mute_tls;

static void
on_mute_accept(void *arg, int fd)
{
	struct mute *mute = arg;
	struct err err = ERR_INIT;
	struct loop *loop = mute->watch.loop;

	assert_int_equal(transport_init(&mute->transport, fd, mute_tls, NULL, &err), 0);
	assert_int_equal(watch_start(&mute->watch, loop, fd, WATCH_READ, on_mute_ready, mute, &err),
			 0);
}

static void
test_server_without_alpn_is_told_apart(void **state)
{
	static const char *const names[] = {"127.0.0.1"};
	struct pair *pair = *state;
	char ca[128], ca_key[128], cert[128], key[128], expected[300];
	struct tls_cert_spec spec = {ca, ca_key, names, 1, 10};
	struct tls_client_options options = {.cacert = ca};
	struct tls_context *tls;
	struct listener *listener;
	struct mute mute = {0};

	(void)snprintf(ca, sizeof(ca), "%s/ca", pair->dir);
	(void)snprintf(ca_key, sizeof(ca_key), "%s/ca_key", pair->dir);
	(void)snprintf(cert, sizeof(cert), "%s/cert", pair->dir);
	(void)snprintf(key, sizeof(key), "%s/key", pair->dir);
	assert_int_equal(tls_make_ca(ca, ca_key, "CA", 10, &pair->err), 0);
	assert_int_equal(tls_make_cert(cert, key, &spec, &pair->err), 0);
	assert_int_equal(tls_server_new(&mute_tls, cert, key, &pair->err), 0);
	assert_int_equal(tls_client_new(&tls, &options, &pair->err), 0);
	SSL_CTX_set_alpn_select_cb(mute_tls->ctx, NULL, NULL);
	assert_int_equal(listener_open(&listener, "127.0.0.1:0", &pair->err), 0);
	mute.watch.loop = pair->loop;
	assert_int_equal(listener_start(listener, pair->loop, on_mute_accept, &mute, &pair->err),
			 0);
	(void)snprintf(pair->url, sizeof(pair->url), "https://%s", listener_text(listener));
	pair_connect(pair, tls);
	pair_run_count(pair, &pair->downs, 1);
	(void)snprintf(expected, sizeof(expected),
		       "cannot reach '%s': '127.0.0.1' does not speak HTTP/2: it did not choose "
		       "'h2' (ALPN) in the TLS handshake",
		       pair->url);
	assert_string_equal(pair->down.text, expected);
	http_client_free(pair->client);
	pair->client = NULL;
	watch_stop(&mute.watch);
	transport_release(&mute.transport);
	listener_free(listener);
	tls_free(tls);
	tls_free(mute_tls);
	assert_int_equal(unlink(ca) | unlink(ca_key) | unlink(cert) | unlink(key), 0);
}

/* --- on the way to the server --- */

/* A proxy that answers CONNECT with what it is told and then passes bytes on. */
struct proxy {
	struct pair *pair;
	struct listener *listener;
	const char *answer;
	char asked[256];
	size_t asked_len;
	int client;
	int server;
	struct watch from_client;
	struct watch from_server;
	struct timer rest; /* the second half of the answer is due */
	char url[128];
};

static void
pass_on(struct watch *watch, int from, int to)
{
	char room[4096];
	ssize_t got = recv(from, room, sizeof(room), MSG_DONTWAIT);

	if (got <= 0)
		watch_stop(watch);
	else
		assert_int_equal(send(to, room, (size_t)got, MSG_NOSIGNAL), got);
}

static void
on_proxy_server(void *arg, unsigned events)
{
	struct proxy *proxy = arg;

	(void)events;
	pass_on(&proxy->from_server, proxy->server, proxy->client);
}

static void
connect_on(struct proxy *proxy)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	proxy->server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", proxy->pair->address + 5);
	assert_int_equal(connect(proxy->server, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(watch_start(&proxy->from_server, proxy->pair->loop, proxy->server,
				     WATCH_READ, on_proxy_server, proxy, &proxy->pair->err),
			 0);
}

static void
on_proxy_rest(void *arg)
{
	struct proxy *proxy = arg;
	const char *rest = proxy->answer + strlen(proxy->answer) / 2;

	assert_int_equal(send(proxy->client, rest, strlen(rest), MSG_NOSIGNAL), strlen(rest));
	connect_on(proxy);
}

static void
on_proxy_client(void *arg, unsigned events)
{
	struct proxy *proxy = arg;
	size_t half = strlen(proxy->answer) / 2;
	ssize_t got;

	(void)events;
	if (proxy->server >= 0) {
		pass_on(&proxy->from_client, proxy->client, proxy->server);
		return;
	}
	got = recv(proxy->client, proxy->asked + proxy->asked_len,
		   sizeof(proxy->asked) - proxy->asked_len - 1, MSG_DONTWAIT);
	if (got <= 0) {
		watch_stop(&proxy->from_client);
		return;
	}
	proxy->asked_len += (size_t)got;
	if (strstr(proxy->asked, "\r\n\r\n") == NULL)
		return;
	assert_int_equal(send(proxy->client, proxy->answer, half, MSG_NOSIGNAL), half);
	timer_start_ms(&proxy->rest, 5);
}

static void
on_proxy_accept(void *arg, int fd)
{
	struct proxy *proxy = arg;

	if (proxy->client >= 0) {
		(void)close(fd);
		return;
	}
	proxy->client = fd;
	assert_int_equal(watch_start(&proxy->from_client, proxy->pair->loop, fd, WATCH_READ,
				     on_proxy_client, proxy, &proxy->pair->err),
			 0);
}

static void
proxy_open(struct pair *pair, struct proxy *proxy, const char *answer)
{
	*proxy = (struct proxy){.pair = pair, .answer = answer, .client = -1, .server = -1};
	assert_int_equal(listener_open(&proxy->listener, "127.0.0.1:0", &pair->err), 0);
	assert_int_equal(
		listener_start(proxy->listener, pair->loop, on_proxy_accept, proxy, &pair->err), 0);
	timer_init(&proxy->rest, pair->loop, on_proxy_rest, proxy);
	(void)snprintf(proxy->url, sizeof(proxy->url), "http://%s", listener_text(proxy->listener));
	pair->proxy = proxy->url;
	/* A server that only the proxy can reach: the name has no address. */
	(void)snprintf(pair->url, sizeof(pair->url), "http://server.invalid:7070");
}

static void
proxy_close(struct proxy *proxy)
{
	http_client_free(proxy->pair->client);
	proxy->pair->client = NULL;
	watch_stop(&proxy->from_client);
	watch_stop(&proxy->from_server);
	timer_release(&proxy->rest);
	(void)close(proxy->client);
	if (proxy->server >= 0)
		(void)close(proxy->server);
	listener_free(proxy->listener);
}

static void
test_proxy_is_asked_to_connect(void **state)
{
	struct pair *pair = *state;
	struct proxy proxy;
	struct outcome out;

	pair_listen(pair, NULL);
	proxy_open(pair, &proxy, "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n");
	pair_connect(pair, NULL);
	pair_get(pair, &out, "/hello");
	assert_string_equal(out.body, "hello");
	assert_string_equal(
		proxy.asked,
		"CONNECT server.invalid:7070 HTTP/1.1\r\nHost: server.invalid:7070\r\n\r\n");
	proxy_close(&proxy);
}

static void
test_proxy_that_refuses_is_quoted(void **state)
{
	struct pair *pair = *state;
	struct proxy proxy;
	struct outcome out;

	pair->give_up = true;
	pair_listen(pair, NULL);
	proxy_open(pair, &proxy, "HTTP/1.1 403 Not to there\r\n\r\n");
	pair_connect(pair, NULL);
	pair_get(pair, &out, "/hello");
	assert_string_equal(out.text, "cannot reach 'http://server.invalid:7070': the proxy "
				      "refuses to connect: 403 Not to there");
	proxy_close(&proxy);
}

static void
test_name_without_an_address_is_named(void **state)
{
	struct pair *pair = *state;
	struct outcome out;

	pair->give_up = true;
	pair->connect_ms = 300;
	(void)snprintf(pair->url, sizeof(pair->url), "http://server.invalid:7070");
	pair_connect(pair, NULL);
	pair_get(pair, &out, "/hello");
	assert_int_equal(out.code, ERR_AGAIN);
	assert_non_null(strstr(out.text, "cannot reach 'http://server.invalid:7070': "));
	assert_non_null(strstr(out.text, "'server.invalid'"));
	http_client_free(pair->client);
	pair_connect(pair, NULL);
	pair_run_ms(pair, 1);
	http_client_free(pair->client); /* while it asks */
	pair->client = NULL;
	pair_run_ms(pair, 5);
}

/* --- listeners --- */

static void
test_listener_replaces_a_stale_socket_only(void **state)
{
	struct pair *pair = *state;
	struct listener *first, *second;
	char address[160], moved[160];
	struct stat st;

	(void)snprintf(address, sizeof(address), "unix:%s/socket", pair->dir);
	(void)snprintf(moved, sizeof(moved), "%s/moved", pair->dir);
	assert_int_equal(listener_open(&first, address, &pair->err), 0);
	assert_int_equal(stat(address + 5, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(listener_open(&second, address, &pair->err), ERR_HOST);
	assert_non_null(strstr(pair->err.text, "another process listens there"));
	/* A socket file whose listener is gone: moved away while it lived, and back. */
	assert_int_equal(rename(address + 5, moved), 0);
	listener_free(first);
	assert_int_equal(rename(moved, address + 5), 0);
	assert_int_equal(listener_open(&second, address, &pair->err), 0);
	assert_true(listener_is_unix(second));
	listener_free(second);
	assert_int_equal(stat(address + 5, &st), -1);
}

static void
test_listener_refuses_what_is_no_address(void **state)
{
	static const char *const bad[] = {
		"",	 "8080",	"localhost", "example.org:80", "127.0.0.1:99999", "unix:",
		"[::1]", "1.2.3.4.5:1", ":",	     "127.0.0.1:x"};
	struct pair *pair = *state;
	struct listener *listener;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(listener_open(&listener, bad[i], &pair->err) < 0);
	assert_int_equal(listener_open(&listener, "localhost:0", &pair->err), 0);
	assert_false(listener_is_public(listener));
	assert_true(listener_port(listener) != 0);
	listener_free(listener);
	assert_int_equal(listener_open(&listener, "*:0", &pair->err), 0);
	assert_true(listener_is_public(listener));
	listener_free(listener);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, pair_setup, pair_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_http1_is_told_that_we_do_not_speak_it),
		TEST(test_garbage_is_cut_off),
		TEST(test_silent_client_is_cut_off_in_time),
		TEST(test_client_that_comes_byte_by_byte_is_served),
		TEST(test_client_that_resets_in_a_loop_is_cut_off),
		TEST(test_header_block_without_an_end_is_cut_off),
		TEST(test_client_beyond_the_most_allowed_is_closed),
		TEST(test_request_that_stops_arriving_is_reset),
		TEST(test_client_that_takes_no_byte_is_closed),
		TEST(test_body_over_the_limit_is_413),
		TEST(test_request_with_too_large_a_head_is_431),
		TEST(test_request_with_a_broken_path_is_400),
		TEST(test_reader_that_takes_nothing_is_broken_off),
		TEST(test_request_whose_client_left_can_still_be_answered),
		TEST(test_server_that_answers_no_ping_is_given_up),
		TEST(test_calls_beyond_the_last_stream_taken_may_be_retried),
		TEST(test_server_that_speaks_http1_is_told_apart),
		TEST(test_server_that_speaks_garbage_is_an_error_each_time),
		TEST(test_server_without_alpn_is_told_apart),
		TEST(test_proxy_is_asked_to_connect),
		TEST(test_proxy_that_refuses_is_quoted),
		TEST(test_name_without_an_address_is_named),
		TEST(test_listener_replaces_a_stale_socket_only),
		TEST(test_listener_refuses_what_is_no_address),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
