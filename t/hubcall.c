/*
 * hubcall.c - an HTTP/2 client for test scripts: requests in as JSON lines, replies out.
 *
 * Usage: hubcall URL. Each line of standard input is one of
 *	{"id": 1, "method": "POST", "path": "/x", "headers": {"a": "b"}, "body": "text"}
 *	{"id": 1, ..., "hex": "00ff"}	a body of bytes
 *	{"id": 1, ..., "raw": true}	the reply's body as "hex", too, and its header as "headers"
 *	{"cancel": 1}			reset that request
 *	{"id": 2, "record": {"task", "epoch", "step", "attempt", "offset", "hex"}}, hex: what was printed; with "raw_len",
 *					"lines", "time_ms" or "frame" (hex, too) the header, or the frame, says so
 * and each line of standard output {"id": 1, "status": 200, "body": "text"}, {"id": 1,
 * "error": "sentence"} or {"id": 2, "hex": "..."} (an output record). Requests run side by
 * side. Ends with standard input.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/mem.h"
#include "format/frame.h"
#include "format/json.h"
#include "http/client.h"
#include "loop/loop.h"
#include "task/output_record.h"

enum { HEADERS_MOST = 16, IDS_MOST = 65536 };

struct asked {
	int64_t id;
	struct http_call *call;
	bool raw;
	unsigned char *body;
};

static struct loop *loop;
static struct http_client *client;
static struct asked *asked[IDS_MOST];
static struct watch input;
static struct buffer waiting = BUFFER_INIT;
static struct frame_packer *packer;

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "hubcall: %s\n", what);
	exit(2);
}

static void
print(struct json *json)
{
	struct buffer text = BUFFER_INIT;

	json_write(&text, json);
	buffer_puts(&text, "\n");
	fwrite(text.data, 1, text.len, stdout);
	fflush(stdout);
	buffer_release(&text);
	json_free(json);
}

static void
forget(struct asked *one)
{
	asked[one->id] = NULL;
	free(one->body);
	free(one);
}

/* Some megabytes of them, in one go. */
static void
put_hex(struct buffer *hex, const unsigned char *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *text = mem_resize(NULL, len + 1, 2);
	size_t i;

	for (i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	buffer_putn(hex, text, 2 * len);
	free(text);
}

static void
put_raw(struct json *json, const struct http_reply *reply)
{
	struct json *headers = json_new_object();
	struct buffer hex = BUFFER_INIT;
	size_t i;

	for (i = 0; i < reply->header_count; i++)
		json_put_str(headers, reply->headers[i].name, reply->headers[i].value);
	json_put(json, "headers", headers);
	put_hex(&hex, (const unsigned char *)reply->body, reply->len);
	json_put_str(json, "hex", buffer_text(&hex));
	buffer_release(&hex);
}

static void
on_done(void *arg, const struct err *err, const struct http_reply *reply)
{
	struct asked *one = arg;
	struct json *json = json_new_object();

	json_put_int(json, "id", one->id);
	if (err != NULL) {
		json_put_str(json, "error", err->text);
	} else {
		json_put_int(json, "status", reply->status);
		json_put(json, "body", json_new_stringn(reply->body, reply->len));
		if (one->raw)
			put_raw(json, reply);
	}
	forget(one);
	print(json);
}

static unsigned
digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c < 'a' || c > 'f')
		die("'hex' is none");
	return (unsigned)(c - 'a' + 10);
}

static size_t
from_hex(unsigned char **out, const char *text)
{
	size_t len = strlen(text) / 2, i;

	*out = mem_zalloc(len + 1, 1);
	for (i = 0; i < len; i++)
		(*out)[i] = (unsigned char)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
	return len;
}

static void
start(const struct json *line, int64_t id)
{
	struct http_header headers[HEADERS_MOST];
	const struct json *list = json_get(line, "headers");
	struct http_call_spec spec = {.method = json_get_str(line, "method"),
				      .path = json_get_str(line, "path"), .headers = headers, .wait = true};
	struct asked *one = MEM_NEW(struct asked);
	struct err err = ERR_INIT;
	void *it;

	for (it = json_first(list); it != NULL && spec.header_count < HEADERS_MOST; it = json_next(list, it))
		headers[spec.header_count++] = (struct http_header){json_key(it), json_str(json_value(it))};
	one->id = id;
	one->raw = json_get_bool(line, "raw", false);
	asked[id] = one;
	if (json_get_str(line, "hex") != NULL) {
		spec.body_len = from_hex(&one->body, json_get_str(line, "hex"));
	} else if (json_get_str(line, "body") != NULL) {
		one->body = (unsigned char *)mem_strdup(json_get_str(line, "body"));
		spec.body_len = strlen((char *)one->body);
	}
	spec.body = one->body;
	if (http_call_start(&one->call, client, &spec, on_done, one, &err) < 0)
		die(err.text);
}

/* A frame of what was printed, or the one that is given. */
static unsigned char *
make_frame(const struct json *from, const unsigned char *raw, size_t len, size_t *frame_len)
{
	unsigned char *frame;

	if (json_get_str(from, "frame") != NULL) {
		*frame_len = from_hex(&frame, json_get_str(from, "frame"));
		return frame;
	}
	frame = mem_zalloc(frame_bound(len), 1);
	*frame_len = frame_pack(packer, frame, frame_bound(len), raw, len);
	return frame;
}

static uint32_t
count_lines(const unsigned char *raw, size_t len)
{
	uint32_t lines = 0;
	size_t i;

	for (i = 0; i < len; i++)
		lines += raw[i] == '\n';
	return lines;
}

static void
make_record(const struct json *from, int64_t id)
{
	unsigned char header[RUNNER_RECORD_HEADER_BYTES], *raw, *frame;
	size_t len = from_hex(&raw, json_get_str(from, "hex")), frame_len;
	struct json *json = json_new_object();
	struct buffer hex = BUFFER_INIT;
	struct output_record record = {
		.epoch = (uint32_t)json_get_int(from, "epoch", 1),
		.step = (uint32_t)json_get_int(from, "step", 0),
		.attempt = (uint32_t)json_get_int(from, "attempt", 1),
		.offset = (uint64_t)json_get_int(from, "offset", 0),
		.time_ms = json_get_int(from, "time_ms", 1769850000123),
		.raw_len = (uint32_t)json_get_int(from, "raw_len", (int64_t)len),
		.lines = (uint32_t)json_get_int(from, "lines", count_lines(raw, len)),
	};

	if (!id_parse(&record.task, json_get_str(from, "task")))
		die("'task' is no id");
	frame = make_frame(from, raw, len, &frame_len);
	record.source_len = record.raw_len;
	record.frame_len = (uint32_t)frame_len;
	record.frame_crc = crc32c(0, frame, frame_len);
	output_record_pack(&record, header);
	put_hex(&hex, header, sizeof(header));
	put_hex(&hex, frame, frame_len);
	json_put_int(json, "id", id);
	json_put_str(json, "hex", buffer_text(&hex));
	buffer_release(&hex);
	free(raw);
	free(frame);
	print(json);
}

static void
take_line(const char *text, size_t len)
{
	struct err err = ERR_INIT;
	struct json *line;
	int64_t id;

	if (json_parse(&line, text, len, &err) < 0)
		die(err.text);
	id = json_get_int(line, "cancel", -1);
	if (id >= 0 && id < IDS_MOST) {
		if (asked[id] != NULL) {
			http_call_cancel(asked[id]->call);
			forget(asked[id]);
		}
		json_free(line);
		return;
	}
	id = json_get_int(line, "id", -1);
	if (id < 0 || id >= IDS_MOST || asked[id] != NULL)
		die("'id' is missing or in use");
	if (json_get(line, "record") != NULL)
		make_record(json_get(line, "record"), id);
	else
		start(line, id);
	json_free(line);
}

static void
on_input(void *arg, unsigned events)
{
	struct err err = ERR_INIT;
	unsigned char *end;
	void *room;
	ssize_t n;

	(void)arg;
	(void)events;
	if (buffer_reserve(&waiting, 65536, &room, &err) < 0)
		die(err.text);
	n = read(STDIN_FILENO, room, 65536);
	if (n <= 0) {
		loop_stop(loop);
		return;
	}
	buffer_grew(&waiting, (size_t)n);
	while ((end = memchr(waiting.data, '\n', waiting.len)) != NULL) {
		size_t len = (size_t)(end - waiting.data);

		take_line((const char *)waiting.data, len);
		buffer_consume(&waiting, len + 1);
	}
}

int
main(int argc, char **argv)
{
	struct http_client_options options = {.backoff_most_ms = 200};
	struct err err = ERR_INIT;
	size_t i;

	if (argc != 2)
		die("usage: hubcall URL");
	options.url = argv[1];
	if (loop_new(&loop, &err) < 0 || http_client_new(&client, loop, &options, &err) < 0 ||
	    frame_packer_new(&packer, FRAME_LEVEL_DEFAULT, &err) < 0 ||
	    watch_start(&input, loop, STDIN_FILENO, WATCH_READ, on_input, NULL, &err) < 0)
		die(err.text);
	loop_run(loop);
	watch_stop(&input);
	http_client_free(client);
	for (i = 0; i < IDS_MOST; i++)
		if (asked[i] != NULL)
			forget(asked[i]);
	frame_packer_free(packer);
	loop_free(loop);
	buffer_release(&waiting);
	return 0;
}
