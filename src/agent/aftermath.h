/*
 * aftermath.h - what tasks have left on this host that ended with it: cleared away at the next start.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_AFTERMATH_H
#define AGENT_AFTERMATH_H

struct tasks;

/*
 * For an agent whose run directory was lost, before it takes a task: directories that tasks worked in are
 * removed by a child, unless directories are kept for people; what users of slots own elsewhere is deleted, and waited for.
 */
void aftermath_clear(struct tasks *tasks);

#endif
