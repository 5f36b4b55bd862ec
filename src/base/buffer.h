/*
 * buffer.h - bytes that grow at the end and leave at the front, with a ceiling.
 *
 * buffer_init() -> buffer_append*() / buffer_consume() -> buffer_release().
 * Growth past the limit is ERR_LIMIT and leaves the content as it was. A zeroed
 * struct is an empty buffer without a limit: for text we make ourselves
 * (buffer_printf cannot fail then).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdarg.h>
#include <stddef.h>

struct err;

struct buffer {
	unsigned char *data; /* first byte held; not NUL-terminated, see buffer_text() */
	size_t len;	     /* bytes held */
	size_t limit;	     /* most bytes it may hold; 0: no limit */
	unsigned char *base; /* private: start of the allocation */
	size_t room;	     /* private: its size */
};

#define BUFFER_INIT {NULL, 0, 0, NULL, 0}

void buffer_init(struct buffer *buf, size_t limit);
void buffer_release(struct buffer *buf);

/* Forget the content, keep the memory. */
void buffer_clear(struct buffer *buf);

/* Fails: ERR_LIMIT when the limit would be passed. */
int buffer_append(struct buffer *buf, const void *bytes, size_t len, struct err *err);

/* Room for at least len more bytes at the end; *room is where to write. buffer_grew() keeps them. */
int buffer_reserve(struct buffer *buf, size_t len, void **room, struct err *err);
void buffer_grew(struct buffer *buf, size_t len);

/* Drop len bytes (at most buf->len) at the front. */
void buffer_consume(struct buffer *buf, size_t len);

/* For text of our own: the buffer must have no limit. */
void buffer_puts(struct buffer *buf, const char *text);
void buffer_putn(struct buffer *buf, const void *bytes, size_t len);
void buffer_printf(struct buffer *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *buf, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* The content with a NUL behind it (not counted in len). Borrowed until the next change. */
const char *buffer_text(struct buffer *buf);
/* The same, taken: the caller frees; the buffer is empty then. */
char *buffer_take_text(struct buffer *buf);

#endif
