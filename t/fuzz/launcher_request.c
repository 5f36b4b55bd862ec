/*
 * launcher_request.c - fuzz target: a packet that the launcher, which is root, reads.
 *
 * The first byte says how many descriptors come along, the second how many slots there are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "launcher/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct launcher_request request;

	if (len < 2)
		return 0;
	if (!request_check(&request, bytes + 2, len - 2, bytes[0], 1u + bytes[1]))
		return 0;
	assert(len - 2 == sizeof(request) && bytes[0] <= LAUNCHER_FDS_MOST);
	assert(request.slot <= bytes[1] && request.level < LAUNCHER_LEVEL_COUNT);
	assert(request.verb > LAUNCHER_NO_VERB && request.verb < LAUNCHER_VERB_COUNT);
	assert(bytes[0] == 0 || request.verb == LAUNCHER_START);
	return 0;
}
