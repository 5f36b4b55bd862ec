/*
 * hostile.h - configs that would harm, each as large as its harm needs: what refusal_test holds
 * to its bounds and t/bench/hostile measures.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef T_UNIT_COMPILE_HOSTILE_H
#define T_UNIT_COMPILE_HOSTILE_H

#include <stddef.h>

#include "compile/compile.h"

struct buffer;

struct hostile {
	const char *name;
	void (*write)(struct buffer *out);
	const char *code; /* of one of its errors; NULL: it compiles */
};

/* By what they make dear; a name of NULL is behind the last. */
extern const struct hostile hostile_yaml[];
extern const struct hostile hostile_jobs[];
extern const struct hostile hostile_steps[];
extern const struct hostile hostile_orbs[];

/* Where their registry orbs come from. */
compile_orb_fn hostile_orb;

enum { HOSTILE_MAX = 200 }; /* of all together */

/* The branch they are compiled for. */
#define HOSTILE_BRANCH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#endif
