/*
 * request.c - is what runnerd asks something that the launcher does?
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "launcher/request.h"

#include <stdbool.h>
#include <string.h>

_Static_assert(sizeof(struct launcher_request) == 6 * 4 + LAUNCHER_TASK_BYTES + LAUNCHER_CPU_BYTES,
	       "no padding");

static const struct verb {
	unsigned fields;
	size_t fds_least, fds_most;
} verbs[LAUNCHER_VERB_COUNT] = {
#define X(NAME, name, fields, least, most) [LAUNCHER_##NAME] = {fields, least, most},
	LAUNCHER_VERBS(X)
#undef X
};

static bool
is_zero(const uint8_t *bytes, size_t len)
{
	uint8_t all = 0;

	while (len > 0)
		all |= bytes[--len];
	return all == 0;
}

static bool
fields_are_good(const struct launcher_request *request, unsigned fields, uint32_t slots)
{
	if (request->slot >= ((fields & LAUNCHER_HAS_SLOT) ? slots : 1))
		return false;
	if ((fields & LAUNCHER_HAS_LEVEL) ? request->level >= LAUNCHER_LEVEL_COUNT
					  : (request->level | request->orphan_ms) != 0 ||
						    !is_zero(request->cpus, sizeof(request->cpus)))
		return false;
	if (!(fields & LAUNCHER_HAS_DISK) && request->disk_mib != 0)
		return false;
	return (fields & LAUNCHER_HAS_TASK) || is_zero(request->task, sizeof(request->task));
}

bool
request_check(struct launcher_request *out, const void *bytes, size_t len, size_t fd_count,
	      uint32_t slots)
{
	const struct verb *verb;

	if (len != sizeof(*out))
		return false;
	memcpy(out, bytes, sizeof(*out));
	if (out->version != LAUNCHER_VERSION || out->verb == LAUNCHER_NO_VERB ||
	    out->verb >= LAUNCHER_VERB_COUNT)
		return false;
	verb = &verbs[out->verb];
	/* None, or those without which the others are of no use, too. */
	if (fd_count > verb->fds_most || (fd_count != 0 && fd_count < verb->fds_least))
		return false;
	return fields_are_good(out, verb->fields, slots);
}
