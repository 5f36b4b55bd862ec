/*
 * matrix.h - "matrix": every combination of some parameters' values.
 *
 * Parameters in byte order of their names, the last one varies fastest, values in the
 * order they are written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_MATRIX_H
#define COMPILE_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

#include "compile/space.h"

enum { MATRIX_COMBINATIONS_MAX = 1024 };

struct matrix {
	struct bindings *combinations; /* each sorted by name */
	size_t count;
	const char *alias; /* "alias", or NULL */
};

/*
 * Read a matrix (filled in) of an entry that calls job. arguments is the entry's mapping:
 * a parameter may not stand in both. false after telling.
 */
bool matrix_read(struct compilation *c, const struct node *node, const struct element *job,
		 const struct node *arguments, struct matrix *out);

/* "JOB-value-value". */
const char *matrix_name(struct compilation *c, const char *job, const struct bindings *combination);

#endif
