/*
 * scratch.h - a directory of its own for one test.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef T_UNIT_AGENT_SCRATCH_H
#define T_UNIT_AGENT_SCRATCH_H

#include <stddef.h>

/* For cmocka's setup and teardown: *state is a struct scratch. */
struct scratch {
	char path[256];
	int fd;
};

int scratch_setup(void **state);
int scratch_teardown(void **state);

size_t scratch_file_size(const struct scratch *scratch, const char *name);
void scratch_truncate(const struct scratch *scratch, const char *name, size_t size);
/* Turn over the bits of one byte. */
void scratch_damage(const struct scratch *scratch, const char *name, size_t at);
size_t scratch_count_files(const struct scratch *scratch);

#endif
