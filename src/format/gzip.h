/*
 * gzip.h - a gzip stream (RFC 1952) made bit by bit, for clients that take no zstd.
 *
 * gzip_packer_new() -> gzip_add(), gzip_flush() after what the reader should have now -> gzip_end()
 * once -> gzip_packer_free(). A packer takes 256 KiB.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FORMAT_GZIP_H
#define FORMAT_GZIP_H

#include <stddef.h>

struct buffer;
struct err;
struct gzip_packer;

/* Fails: ERR_LIMIT when there is no memory. */
int gzip_packer_new(struct gzip_packer **out, struct err *err);
void gzip_packer_free(struct gzip_packer *packer); /* NULL is fine */

/* What is ready is appended to out, which must have no limit. */
void gzip_add(struct gzip_packer *packer, struct buffer *out, const void *bytes, size_t len);
/* All that was added can be read now; nothing is written when nothing was. */
void gzip_flush(struct gzip_packer *packer, struct buffer *out);
void gzip_end(struct gzip_packer *packer, struct buffer *out);

#endif
