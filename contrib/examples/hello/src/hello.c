/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "greeting.h"

int
main(int argc, char **argv)
{
	char line[80];

	if (greeting(line, sizeof(line), argc > 1 ? argv[1] : "world") == 0) {
		fprintf(stderr, "hello: that name is too long\n");
		return 1;
	}
	puts(line);
	return 0;
}
