/*
 * params.h - typed parameters: declaring them, and binding a call's arguments.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_PARAMS_H
#define COMPILE_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "compile/scope.h"

struct home;

enum param_owner {
	PARAM_OF_JOB = 1 << 0,
	PARAM_OF_COMMAND = 1 << 1,
	PARAM_OF_EXECUTOR = 1 << 2,
	PARAM_OF_PIPELINE = 1 << 3,
};

enum param_type {
	PARAM_STRING,
	PARAM_BOOLEAN,
	PARAM_INTEGER,
	PARAM_ENUM,
	PARAM_EXECUTOR,
	PARAM_STEPS,
	PARAM_ENV_VAR_NAME,
	PARAM_TYPE_COUNT
};

struct parameter {
	const char *name;
	enum param_type type;
	const struct node *at;
	const struct node *fallback; /* the default; NULL: required */
	const struct node *members;  /* of an enum */
};

struct parameters {
	const struct node *section; /* as declared; its pairs are in the order of items */
	struct parameter *items;
	size_t count;
};

/* What params_bind() needs to know of a call. */
struct call {
	const char *what;	       /* "command 'say'" */
	const struct node *at;	       /* where the call is written */
	const struct node *arguments;  /* a mapping, or NULL for none */
	const char *const *attributes; /* keys of the mapping that are no arguments; NULL: none */
	const struct bindings *extra;  /* further arguments (a matrix), or NULL */
	const struct home *caller;     /* steps and executors among the arguments belong here */
	const struct home *declarer;   /* and those among the defaults here */
};

const char *param_type_name(enum param_type type);

/* Read a "parameters" section (NULL: none). false after telling. */
bool params_declare(struct compilation *c, const struct node *section, enum param_owner owner,
		    struct parameters *out);

const struct parameter *params_find(const struct parameters *parameters, const char *name);

/* Check types, missing and unexpected arguments, and bind. false after telling. */
bool params_bind(struct compilation *c, const struct parameters *parameters,
		 const struct call *call, struct bindings *out);

/* Whether a value is of the parameter's type; tells E_TYPE at the value. */
bool
params_accept(struct compilation *c, const struct parameter *parameter, const struct node *value);

#endif
