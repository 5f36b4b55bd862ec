/*
 * scope.h - which names a "<< >>" may use, and what they stand for.
 *
 * Lexical: an element sees its own parameters, never its caller's. Pipeline values are
 * seen everywhere; pipeline parameters everywhere but in orbs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_SCOPE_H
#define COMPILE_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "compile/compilation.h"

struct binding {
	const char *name;
	const struct node *value;
};

struct bindings {
	struct binding *items;
	size_t count;
	bool is_sorted; /* by name: bindings_sort() */
};

struct scope {
	const struct bindings *parameters; /* NULL: nothing declares parameters here */
	const struct bindings *matrix;	   /* NULL: no matrix here */
	bool sees_pipeline_parameters;
};

/* NULL where there is no such name. */
const struct node *bindings_get(const struct bindings *bindings, const char *name, size_t len);
/* After the last one is added: what is looked up often is looked up fast. */
void bindings_sort(struct bindings *bindings);
void bindings_add(struct compilation *c, struct bindings *bindings, const char *name,
		  const struct node *value);

/* Whether a name begins as a reference does: "parameters.", "matrix.", "pipeline.". */
bool scope_is_reference(const char *name, size_t len);

/*
 * What a reference ("parameters.x", "pipeline.git.branch") stands for; NULL after telling
 * E_PARAM_UNDECLARED or E_VAR_UNKNOWN at spot.
 */
const struct node *scope_find(struct compilation *c, const struct scope *scope, const char *name,
			      size_t len, const struct spot *spot);

#endif
