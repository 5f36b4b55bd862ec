/*
 * pipeline.h - what the trigger brought: pipeline values, and parameters checked
 * against the config's declarations.
 *
 * Values are a flat dictionary by full dotted name: pipeline.git.branch and
 * pipeline.git.branch.is_default stand side by side.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_PIPELINE_H
#define COMPILE_PIPELINE_H

#include "compile/scope.h"

struct pipeline {
	struct bindings values;
	struct bindings parameters;
};

/* Take the input's values and set c->pipeline, without parameters yet. */
struct pipeline *pipeline_of_trigger(struct compilation *c);

/*
 * Declare the config's "parameters" section (NULL: none) and bind what the input
 * supplies: unknown names, wrong types and limits are told. is_setup: the config is a setup config.
 */
void pipeline_bind(struct compilation *c, struct pipeline *pipeline, const struct node *section,
		   bool is_setup);

/* A value by its full name, null where this trigger has none; NULL for a name nobody knows. */
const struct node *pipeline_value(struct compilation *c, const char *name, size_t len);

/* A bound parameter by its name, any text; NULL where there is none. */
const struct node *pipeline_parameter(struct compilation *c, const char *name, size_t len);

/* "did you mean ..." for a name nobody knows, or NULL. */
const char *pipeline_suggest(struct compilation *c, const char *name);

#endif
