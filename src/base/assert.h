/*
 * assert.h - what must hold between our own functions, checked in every build.
 *
 * Never for input, never for what a system call returned, never for memory: those
 * are errors (err.h). No side effects inside.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

#include <stdint.h>

/* Prints the place, calls the hook set by assert_on_fail(), aborts. */
_Noreturn void assert_failed(const char *file, int line, const char *what);

/* Called once before the abort, so that a program can leave its last words; NULL for none. */
void assert_on_fail(void (*hook)(void));

#undef assert
#define assert(cond) ((cond) ? (void)0 : assert_failed(__FILE__, __LINE__, #cond))
#define UNREACHABLE() assert_failed(__FILE__, __LINE__, "not reachable")

/*
 * Objects that travel as void * begin with "uint32_t magic". OBJ_CHECK on entry;
 * OBJ_WIPE before the memory is given back.
 */
#define OBJ_CHECK(obj, expected) assert((obj) != NULL && (obj)->magic == (expected))
#define OBJ_WIPE(obj) ((void)((obj)->magic = 0xdeadu))

#endif
