/*
 * environment.h - variables as they are typed: NAME=VALUE, NAME, files of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_ENVIRONMENT_H
#define CTL_ENVIRONMENT_H

#include <stddef.h>

#include "compile/plan.h"

struct err;

enum { ENVIRONMENT_MOST = 1000, ENVIRONMENT_FILE_BYTES = 1 << 20 };

/* Zeroed: empty. A name stands in it once, with the value that was given last. */
struct environment {
	struct plan_pair *pairs; /* names and values are ours */
	size_t count;
};

void environment_release(struct environment *environment);

/* "NAME=VALUE", or "NAME": ours, nothing when we do not have it. Fails: ERR_INPUT, ERR_LIMIT. */
int environment_add(struct environment *environment, const char *typed, struct err *err);

/* One of these a line; empty lines and those that begin with '#' are passed over. Fails: ERR_HOST,
 * too. */
int environment_add_file(struct environment *environment, const char *path, struct err *err);

#endif
