/*
 * variant.h - the same config written another way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef T_UNIT_COMPILE_VARIANT_H
#define T_UNIT_COMPILE_VARIANT_H

#include <stdbool.h>

#include "base/buffer.h"

enum variant {
	VARIANT_EXPANDED, /* aliases and merge keys written out, block style */
	VARIANT_REVERSED, /* the same, top-level sections in the opposite order */
	VARIANT_FLOW,	  /* the same in flow style on one line, all strings in double quotes */
	VARIANT_COUNT
};

/* Append the config in that form; false where its bytes are no YAML to begin with. */
bool variant_write(enum variant variant, const char *bytes, size_t len, struct buffer *out);

#endif
