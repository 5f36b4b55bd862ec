/*
 * output_form.h - records of output in the form a reader asked for.
 *
 * output_form_choose() by the request's headers -> output_form_add() record by record.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_OUTPUT_FORM_H
#define HUB_API_OUTPUT_FORM_H

#include <stdint.h>

struct buffer;
struct err;
struct http_request;
struct output_form;
struct output_row;

enum output_form_kind {
	OUTPUT_RECORDS, /* doc/output-record.md */
	OUTPUT_ZSTD,	/* frames as they are stored: Content-Encoding zstd */
	OUTPUT_PLAIN,	/* decompressed */
};

enum output_form_kind output_form_choose(const char *accept, const char *accept_encoding);

/* Fails: ERR_HOST. */
int output_form_new(struct output_form **out, enum output_form_kind kind, struct err *err);
void output_form_free(struct output_form *form); /* NULL is fine */

enum output_form_kind output_form_kind(const struct output_form *form);
const char *output_form_type(const struct output_form *form); /* Content-Type */

/*
 * Append one record whose frame is at frame. What lies below from is left out where the form has no offsets
 * of its own. Fails: ERR_INPUT when the frame is damaged.
 */
int output_form_add(struct output_form *form, struct buffer *out, const struct output_row *row,
		    const unsigned char *frame, uint64_t from, struct err *err);

#endif
