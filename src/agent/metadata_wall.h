/*
 * metadata_wall.h - what keeps tasks from the address where clouds hand out credentials.
 *
 * 169.254.169.254 and fd00:ec2::254 give a host's rights to whoever asks. In the host's network a
 * process can be kept from them by its user alone, so this is for a runnerd that root has started:
 * its tasks' users are nobody else's. A table of the host's packet filter (nftables) refuses them
 * the way; it stays when runnerd ends, as tasks do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_METADATA_WALL_H
#define AGENT_METADATA_WALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct isolations;
struct loop;
struct privilege;

struct metadata_wall_settings {
	struct loop *loop;
	const struct isolations *isolations;
	const struct privilege *privilege;
	uint64_t jobs; /* so many users each side needs */
	bool only_try; /* change nothing, and log nothing */
};

struct metadata_wall {
	uint32_t open_from; /* the first slot whose user may reach it; those before it may not */
	uint32_t users;	    /* so many at least there are on either side that has any */
	bool is_wanted;	    /* somebody is to be kept from it in the host's network */
	struct err lack;    /* why that cannot be done; code 0: it is */
};

/*
 * As the host and its classes say, for tasks in the host's network; while we are root. Where it
 * cannot be done and is not asked for by name the log says so.
 * Fails: ERR_HOST or ERR_INPUT when block was said and cannot be done: with what is missing;
 * ERR_INPUT when there are too few users for classes that may and classes that may not.
 */
int metadata_wall_raise(struct metadata_wall *wall, const struct metadata_wall_settings *settings,
			struct err *err);

#endif
