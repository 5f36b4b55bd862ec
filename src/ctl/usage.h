/*
 * usage.h - what trees of processes on this host use, from one walk through /proc.
 *
 * A tree's CPU time is that of its living processes and of those that they have waited for: under a
 * runner-init, which reaps what loses its parent, nothing is lost. Of disks the same is counted, but
 * only root may ask a runner-init: for others what has ended is gone from the sum.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_USAGE_H
#define CTL_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct usage_sum {
	pid_t root; /* the caller's to set */
	uint64_t cpu_ms;
	uint64_t memory_bytes; /* resident; what processes share counts for each */
	unsigned processes;    /* 0: there is no such tree, or not for us to see */
	bool knows_disks;      /* some of them let us see what follows */
	uint64_t read_bytes, write_bytes; /* from and to disks: what memory answers does not count */
};

/* Fill sums[0..count), which are sorted by root here. */
void usage_measure(struct usage_sum *sums, size_t count);

#endif
