/*
 * clean.h - end what a slot's user runs, and delete what it has left outside of its work directory.
 *
 * A user that is a slot's alone is what makes it exact: whatever has its id is the task's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LAUNCHER_CLEAN_H
#define LAUNCHER_CLEAN_H

#include <stdbool.h>
#include <sys/types.h>

/* SIGKILL for each process of uid, at once: none can fork itself away. False: errno. */
bool clean_kill(uid_t uid);

/*
 * The same until none is left, then what uid owns in directories that everybody may write to, its
 * System V objects and its message queues. Returns an exit status: runner/launcher.h.
 */
int clean_slot(uid_t uid);

#endif
