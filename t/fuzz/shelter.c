/*
 * shelter.c - fuzz target: a task's shelter, as runner-init is given it.
 *
 * What unpacks packs to the same bytes again, where it is of the version that is packed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "wire/shelter.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct shelter_row rows[SHELTER_ROWS_MOST];
	static uint8_t room[SHELTER_MOST_BYTES];
	struct shelter_view view;
	uint8_t *copy = malloc(len > 0 ? len : 1);
	const char *wrong;
	size_t count = 0;

	if (copy == NULL)
		return 0;
	memcpy(copy, bytes, len);
	if (shelter_unpack(&view, copy, len) == NULL) {
		unsigned flags = view.flags, version = view.version;
		size_t size;

		while (shelter_next(&view, &rows[count]))
			count++;
		size = shelter_pack(room, sizeof(room), flags, rows, count, &wrong);
		assert(version != SHELTER_VERSION || (size == len && memcmp(room, bytes, len) == 0));
	}
	free(copy);
	return 0;
}
