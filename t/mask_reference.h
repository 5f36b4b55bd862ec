/*
 * mask_reference.h - what masking must do, said as plainly as it can be: tries every form at every
 * place. For tests; short texts only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MASK_REFERENCE_H
#define MASK_REFERENCE_H

#include <stddef.h>

struct mask_reference;

struct mask_reference *mask_reference_new(void);
void mask_reference_free(struct mask_reference *reference);
void mask_reference_add(struct mask_reference *reference, const void *value, size_t len);

/* The text as a reader may see it; the caller frees *out. */
size_t mask_reference_apply(const struct mask_reference *reference, const unsigned char *in,
			    size_t len, unsigned char **out);

#endif
