/*
 * space.h - the names of one file: its commands, jobs, executors and the orbs it imports.
 *
 * config.yml is a space, each orb is one. A name without "/" is the space's own; "alias/name"
 * is an own element of an imported orb, and goes one level deep only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_SPACE_H
#define COMPILE_SPACE_H

#include <stdbool.h>
#include <stddef.h>

#include "compile/params.h"
#include "compile/scope.h"

enum element_kind { ELEMENT_COMMAND, ELEMENT_JOB, ELEMENT_EXECUTOR, ELEMENT_KIND_COUNT };

struct space;

/* A command, job or executor as declared. */
struct element {
	enum element_kind kind;
	const char *name;      /* as its space has it */
	const char *full_name; /* "alias/name" in messages and job names */
	const struct node *key;
	const struct node *body; /* a mapping */
	struct parameters parameters;
	const struct space *space;
	bool is_bad; /* told already: not to be expanded */
	bool is_used;
	bool is_expanded; /* what its body says was looked at */
};

struct section {
	const struct node *map; /* NULL: the file has no such section */
	struct element *items;	/* one for each pair of map, same order */
};

struct orb {
	const char *alias;
	const struct node *key;
	struct space *space; /* NULL: it could not be imported, which was told */
	const char *resolved;
	bool is_inline; /* written in the config */
	bool is_used;
};

struct space {
	const char *alias; /* how config.yml or the importing orb calls it; NULL: config.yml */
	struct section sections[ELEMENT_KIND_COUNT];
	struct orb *orbs;
	size_t orb_count;
};

/* Where steps and executor references were written: which names they see. */
struct home {
	const struct space *space;
	const struct element *command; /* the command whose body it is, or NULL */
};

/* Read the three sections of a file; shapes, names and parameter declarations are told. */
void space_declare(struct compilation *c, struct space *space, const struct node *root);

/* The element; NULL where there is none (nothing is told). */
struct element *space_get(struct compilation *c, const struct space *space, enum element_kind kind,
			  const char *name);
/* The same; tells E_CMD_UNKNOWN, E_JOB_UNKNOWN or E_EXEC_UNKNOWN at the node. */
struct element *space_find(struct compilation *c, const struct space *space, enum element_kind kind,
			   const char *name, const struct node *at);

/* The scope in which a body of this space is filled in; bindings as params_bind() made them. */
struct scope space_scope(const struct space *space, const struct bindings *parameters);

/* Warn of what nothing uses. */
void space_tell_unused(struct compilation *c, const struct space *space);

#endif
