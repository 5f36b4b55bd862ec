/*
 * state_version.c - the one rule for versions of what runnerd finds that another runnerd has written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/state_version.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

int
state_version_check(const char *file, uint64_t version, unsigned known, struct err *err)
{
	if (version == 0)
		return err_set(err, ERR_INPUT, "file '%s' has version 0, which there is not", file);
	if (version <= known)
		return 0;
	if (err_set(err, ERR_HOST, "file '%s' has version %" PRIu64 ", this runnerd reads up to %u", file,
		    version, known) < 0)
		err_hint(err, "start the newer runnerd that wrote it, or let its tasks end first");
	return err->code;
}

int
state_version_check_text(const char *file, const char **text, unsigned known, struct err *err)
{
	size_t digits = strspn(*text, "0123456789");
	uint64_t version;

	if (digits == 0 || (*text)[digits] != ' ')
		return 0;
	version = strtoull(*text, NULL, 10); /* too many digits are the largest number */
	*text += digits + 1;
	return state_version_check(file, version, known, err);
}
