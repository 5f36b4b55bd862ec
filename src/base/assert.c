/*
 * assert.c - the end of a program that found itself wrong.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void (*on_fail)(void);

void
assert_on_fail(void (*hook)(void))
{
	on_fail = hook;
}

_Noreturn void
assert_failed(const char *file, int line, const char *what)
{
	void (*hook)(void) = on_fail;
	char text[512];
	int n;

	on_fail = NULL; /* an assertion inside the hook ends here, not in a loop */
	n = snprintf(text, sizeof(text), "%s:%d: assertion '%s' does not hold\n", file, line, what);
	if (n > 0 && write(STDERR_FILENO, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1) < 0)
		_exit(70);
	if (hook != NULL)
		hook();
	abort();
}
