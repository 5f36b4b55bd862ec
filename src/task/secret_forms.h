/*
 * secret_forms.h - how a secret may look where a program prints it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_SECRET_FORMS_H
#define TASK_SECRET_FORMS_H

#include <stdbool.h>
#include <stddef.h>

enum {
	SECRET_LEAST_BYTES = 4,
	SECRET_LINES_MOST_BYTES = 16384, /* beyond, its lines are known as they are alone */
};

typedef void secret_form_fn(void *arg, const unsigned char *bytes, size_t len);

/*
 * Is it one to mask? Not below 4 bytes (line ends behind it aside), nor true or false in any case:
 * half of every log would go.
 */
bool secret_is_one(const void *value, size_t len);

/*
 * Call form for each way to write the secret, and each line of one of several: as it is;
 * percent-encoded; as a JSON string; as sh and bash quote it. Of the whole also: in base64 at each
 * of the three alignments, of both alphabets, and in rows of 64 and 76 where it stands at the
 * beginning. Line ends behind it are no part of it. The same form may come twice. A secret that
 * secret_is_one() refuses has none. No form is shorter than SECRET_LEAST_BYTES.
 *
 * Base64 of each line costs half of masking's speed with ten keys (RSA, 4096 bits), and rows that
 * begin anywhere are a hundred forms more: neither is looked for. What is the end of a longer text,
 * a token's signature, does not stand at the beginning: it has no rows.
 */
void secret_forms(const void *value, size_t len, bool is_end, secret_form_fn *form, void *arg);

#endif
