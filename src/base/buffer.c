/*
 * buffer.c - bytes that grow at the end and leave at the front, with a ceiling.
 *
 * data points into base; what was consumed lies before it and is reclaimed by a
 * memmove when the end is reached and at least half of the room is dead.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"

enum { FIRST_ROOM_BYTES = 256 };

void
buffer_init(struct buffer *buf, size_t limit)
{
	memset(buf, 0, sizeof(*buf));
	buf->limit = limit;
}

void
buffer_release(struct buffer *buf)
{
	size_t limit = buf->limit;

	free(buf->base);
	buffer_init(buf, limit);
}

void
buffer_clear(struct buffer *buf)
{
	buf->len = 0;
	buf->data = buf->base;
}

static void
make_room(struct buffer *buf, size_t len)
{
	size_t dead = buf->base != NULL ? (size_t)(buf->data - buf->base) : 0;
	size_t want;

	if (buf->room - dead - buf->len >= len && buf->base != NULL)
		return;
	if (buf->base != NULL && dead >= buf->room / 2 && buf->room - buf->len >= len) {
		memmove(buf->base, buf->data, buf->len);
		buf->data = buf->base;
		return;
	}
	want = buf->room != 0 ? buf->room : FIRST_ROOM_BYTES;
	while (want < dead + buf->len + len)
		want *= 2;
	buf->base = mem_resize(buf->base, want, 1);
	buf->room = want;
	buf->data = buf->base + dead;
}

int
buffer_reserve(struct buffer *buf, size_t len, void **room, struct err *err)
{
	if (buf->limit != 0 && (len > buf->limit || buf->len > buf->limit - len))
		return err_set(err, ERR_LIMIT, "more than the %zu bytes allowed", buf->limit);
	make_room(buf, len);
	*room = buf->data + buf->len;
	return 0;
}

void
buffer_grew(struct buffer *buf, size_t len)
{
	assert(len <= buf->room - (size_t)(buf->data - buf->base) - buf->len);
	buf->len += len;
}

int
buffer_append(struct buffer *buf, const void *bytes, size_t len, struct err *err)
{
	void *room = NULL;
	int rc;

	if (len == 0)
		return 0;
	rc = buffer_reserve(buf, len, &room, err);
	if (rc < 0)
		return rc;
	memcpy(room, bytes, len);
	buf->len += len;
	return 0;
}

void
buffer_consume(struct buffer *buf, size_t len)
{
	assert(len <= buf->len);
	buf->len -= len;
	buf->data = buf->len != 0 ? buf->data + len : buf->base;
}

void
buffer_putn(struct buffer *buf, const void *bytes, size_t len)
{
	assert(buf->limit == 0);
	if (len == 0)
		return;
	make_room(buf, len);
	memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
}

void
buffer_puts(struct buffer *buf, const char *text)
{
	buffer_putn(buf, text, strlen(text));
}

void
buffer_vprintf(struct buffer *buf, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	assert(buf->limit == 0);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	assert(n >= 0);
	make_room(buf, (size_t)n + 1);
	(void)vsnprintf((char *)buf->data + buf->len, (size_t)n + 1, fmt, again);
	va_end(again);
	buf->len += (size_t)n;
}

void
buffer_printf(struct buffer *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buffer_vprintf(buf, fmt, ap);
	va_end(ap);
}

const char *
buffer_text(struct buffer *buf)
{
	make_room(buf, 1);
	buf->data[buf->len] = '\0';
	return (const char *)buf->data;
}

char *
buffer_take_text(struct buffer *buf)
{
	char *text;

	(void)buffer_text(buf);
	memmove(buf->base, buf->data, buf->len + 1);
	text = mem_resize(buf->base, buf->len + 1, 1); /* it may be kept for long */
	buf->base = NULL;
	buffer_release(buf);
	return text;
}
