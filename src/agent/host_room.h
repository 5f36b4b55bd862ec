/*
 * host_room.h - what this host has for tasks, as the kernel tells: where runnerd.yaml does not say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_HOST_ROOM_H
#define AGENT_HOST_ROOM_H

#include <sched.h>
#include <stdint.h>

struct room;

enum {
	HOST_ROOM_RESERVE_LEAST_BYTES = 256 << 20, /* of memory, which is nobody's task's */
	HOST_ROOM_RESERVE_PART = 32,		   /* or that part of it, if it is more, */
};
#define HOST_ROOM_RESERVE_MOST_BYTES (4ull << 30) /* up to this */

/* The CPUs that we may run on; all that there can be where the kernel does not say. */
void host_room_cpus(cpu_set_t *cpus);

/*
 * CPUs and memory: of the host, or of the cgroup (v2) that we were put in, without the reserve.
 * root: where /proc and /sys are ("", for tests a directory).
 */
void host_room_read(struct room *room, const char *root);

/* Of the disk that a directory, which need not be there yet, is on: its size for users, without
 * what is kept free. */
uint64_t host_room_disk(const char *dir, uint64_t keep_bytes);

#endif
