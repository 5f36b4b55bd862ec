/*
 * environment.h - "environment" in its five spellings, and "shell" as words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_ENVIRONMENT_H
#define COMPILE_ENVIRONMENT_H

#include "compile/compilation.h"

/*
 * Add a mapping, a list of mappings, a list of "K=V", one "K=V" or null to out; a name that
 * is there already gets the new value. NULL: nothing. Tells E_ENV_NAME, E_ENV_VALUE.
 */
void environment_read(struct compilation *c, const struct node *node, struct plan_environment *out);

/* The same for a container's entrypoint: images take names such as "discovery.type", too. */
void environment_read_container(struct compilation *c, const struct node *node,
				struct plan_environment *out);

void environment_set(struct compilation *c, struct plan_environment *environment, const char *name,
		     const char *value);

/* NULL: it has no such variable. */
const char *environment_get(struct compilation *c, const struct plan_environment *environment,
			    const char *name);

/* A shell: a list is an argv; a string is split as a shell would, nothing expanded. */
void shell_read(struct compilation *c, const struct node *node, struct plan_strings *out);

#endif
