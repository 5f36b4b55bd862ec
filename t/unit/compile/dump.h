/*
 * dump.h - a config compiled and told as lines, for the cases under t/data/config.
 *
 * A case is a directory: config.yml, expect (what dump_case() must give), and where it
 * needs more than a push to branch main, input: one setting a line.
 *
 *	branch NAME | branch -		tag NAME
 *	schedule WORKFLOW		parameter NAME=TEXT (read with the declared type)
 *	integer NAME=N			boolean NAME=true	string NAME=TEXT	typed
 *parameters value NAME=TEXT			value-integer NAME=N	value-boolean NAME=true
 *	supported NONE			no feature at all; docker-on-host off
 *	orb NS/NAME@VERSION=FILE	what the registry answers, a file in the directory
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef T_UNIT_COMPILE_DUMP_H
#define T_UNIT_COMPILE_DUMP_H

#include "base/buffer.h"
#include "compile/compile.h"

/* The whole of a file, with a NUL behind it; NULL where there is none. The caller frees. */
char *dump_read_file(const char *path, size_t *len);

/* Compile a case and append it as lines; whether its plan, processed, gives itself again. */
void dump_case(const char *directory, struct buffer *out);

/*
 * Other bytes compiled as the case would be: the plan as lines without places, or "refused".
 */
void dump_plan(const char *directory, const char *bytes, size_t len, struct buffer *out);

#endif
