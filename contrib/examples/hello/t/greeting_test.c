/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "greeting.h"

static int failed;

static void
check(const char *what, int holds)
{
	printf("%s - %s\n", holds ? "ok" : "not ok", what);
	failed |= !holds;
}

int
main(void)
{
	char room[16];

	check("it greets by name", greeting(room, sizeof(room), "Ada") == 11);
	check("it says hello", strcmp(room, "Hello, Ada!") == 0);
	check("it refuses a name that does not fit", greeting(room, sizeof(room), "Augusta Ada King") == 0);
	return failed;
}
