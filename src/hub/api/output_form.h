/*
 * output_form.h - records of output in the form a reader asked for.
 *
 * output_form_choose() by the request's headers -> output_form_add() record by record,
 * output_form_flush() after what goes out at once -> output_form_end().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_OUTPUT_FORM_H
#define HUB_API_OUTPUT_FORM_H

#include <stddef.h>
#include <stdint.h>

struct buffer;
struct err;
struct output_form;
struct output_row;

enum output_form_kind {
	OUTPUT_RECORDS, /* doc/output-record.md */
	OUTPUT_ZSTD,	/* frames as they are stored: Content-Encoding zstd */
	OUTPUT_GZIP,	/* Content-Encoding gzip */
	OUTPUT_PLAIN,	/* decompressed */
	OUTPUT_EVENTS,	/* text/event-stream: an event a record */
	OUTPUT_INDEX,	/* of each record what its header says, a JSON line each; needs no frames */
};

enum output_form_kind output_form_choose(const char *accept, const char *accept_encoding);

/* Fails: ERR_HOST. */
int output_form_new(struct output_form **out, enum output_form_kind kind, struct err *err);
void output_form_free(struct output_form *form); /* NULL is fine */

enum output_form_kind output_form_kind(const struct output_form *form);
const char *output_form_type(const struct output_form *form);	  /* Content-Type */
const char *output_form_encoding(const struct output_form *form); /* Content-Encoding, or NULL */

/*
 * What a frame holds, or what stands for it (output_unpack.h): row->raw_len bytes, borrowed until
 * the next frame. Fails: ERR_INPUT when the row says more than any can have.
 */
int output_form_bytes(struct output_form *form, const struct output_row *row,
		      const unsigned char *frame, const unsigned char **out, struct err *err);

/*
 * Append the bytes from..until of the record whose frame is at frame. A whole record passes as it
 * is where the form is as it is stored; a part is packed anew, and so is what stands for a damaged
 * one. Fails: as output_form_bytes().
 */
int output_form_add(struct output_form *form, struct buffer *out, const struct output_row *row,
		    const unsigned char *frame, size_t from, size_t until, struct err *err);
void output_form_flush(struct output_form *form, struct buffer *out);
void output_form_end(struct output_form *form, struct buffer *out);

#endif
