/*
 * fixture.h - a compilation without a config, for tests of single stages.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef T_UNIT_COMPILE_FIXTURE_H
#define T_UNIT_COMPILE_FIXTURE_H

#include "base/buffer.h"
#include "compile/compilation.h"
#include "compile/scope.h"

struct fixture {
	struct compile_input input; /* branch main, no tag, pipeline.number 7 */
	struct arena arena;
	struct diags *diags;
	struct compilation *c;
	struct bindings parameters; /* seen as parameters.NAME in scope */
	struct scope scope;
};

void fixture_init(struct fixture *fixture);
void fixture_release(struct fixture *fixture);

/* A tree of YAML text; the test fails where it is none. */
const struct node *fixture_tree(struct fixture *fixture, const char *text);

/* Codes told so far, "E_TYPE;E_KEY;" in order of place. Borrowed until the next call. */
const char *fixture_codes(struct fixture *fixture);

#endif
