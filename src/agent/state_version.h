/*
 * state_version.h - the one rule for versions of what runnerd finds that another runnerd has written.
 *
 * What an earlier one has written is read. A later one's is refused before anything is changed: runnerd does not
 * start, no task is given up, and the later one finds all as it was. doc/state-directory.md names the versions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_STATE_VERSION_H
#define AGENT_STATE_VERSION_H

#include <stdint.h>

struct err;

/*
 * May a file of that version be read, where known is the latest that is? Fails: ERR_HOST when a later runnerd has
 * written it, so that nothing is given up for that; ERR_INPUT when it is 0, which nobody has written.
 */
int state_version_check(const char *file, uint64_t version, unsigned known, struct err *err);

/*
 * The same for a file of text, whose version is the number that it begins with, a blank behind it; *text is moved
 * there. What begins otherwise is of version 1.
 */
int state_version_check_text(const char *file, const char **text, unsigned known, struct err *err);

#endif
