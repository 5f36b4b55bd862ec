/* SPDX-License-Identifier: Apache-2.0 */
#include "greeting.h"

#include <stdio.h>

size_t
greeting(char *room, size_t size, const char *name)
{
	int n = snprintf(room, size, "Hello, %s!", name);

	return n < 0 || (size_t)n >= size ? 0 : (size_t)n;
}
