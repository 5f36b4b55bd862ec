/*
 * shelter.h - what runner-init makes of the place it was started in, before any step runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_SHELTER_H
#define SUPERVISOR_SHELTER_H

#include <stdint.h>
#include <sys/types.h>

#include "supervisor/mounts.h"

/* What could not be had of a task's shelter. */
struct shelter_fault {
	int sys; /* errno; 0: all of it is there */
	struct mounts_fault mount;
};

/*
 * As PID 1: mounts of its own, a /proc of its own, and what the record says (NULL: there is none).
 * Else: a subreaper. Then the out-of-memory score, no dumps, default signals, no capability that a
 * step could inherit. Returns enum hello_flag bits of what could be had; what the kernel refused is
 * a missing bit, and with a row of the record a fault: no step may run then.
 *
 * uid: who we become behind it, as root; 0: we stay. What the record says is done with that user's rights to
 * files, since runnerd wrote it, which has no more. Who becomes another could not take protection from the
 * out-of-memory killer from a step any more, and has none. home_path: of home.h, or NULL.
 */
uint32_t shelter_make(const struct shelter_view *view, uid_t uid, gid_t gid, const char *home_path,
		      struct shelter_fault *fault);

#endif
