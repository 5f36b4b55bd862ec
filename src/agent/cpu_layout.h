/*
 * cpu_layout.h - which CPUs this host has, which of them are threads of one core, and where they
 * lie.
 *
 * cpu_layout_read() once -> cpu_layout_pick() as often as wanted: facts and free CPUs in, a choice
 * out; nothing is kept here. Files: Documentation/admin-guide/cputopology.rst of the kernel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CPU_LAYOUT_H
#define AGENT_CPU_LAYOUT_H

#include <sched.h>
#include <stdint.h>

struct err;

struct cpu_place {
	uint16_t cpu;
	uint16_t core; /* the lowest CPU of it */
	uint16_t node; /* of memory */
};

struct cpu_layout {
	unsigned count;
	struct cpu_place all[CPU_SETSIZE]; /* by node, core, number */
};

/*
 * The CPUs that are online and in allowed, as the directory sys ("/sys") tells. What it does not
 * tell is plain: each CPU a core, one node. Fails: ERR_INPUT, ERR_LIMIT (a file that is no list).
 */
int cpu_layout_read(struct cpu_layout *layout, const char *sys, const cpu_set_t *allowed,
		    struct err *err);

unsigned cpu_layout_free(const struct cpu_layout *layout, const cpu_set_t *taken);

/*
 * Choose n of the CPUs that are not taken (which *out must not be): whole cores, so that nobody
 * else computes on the other thread, on one node where one has enough, and on that which has least
 * to spare; a part of a core last, one that is broken already before a whole one. Returns how many
 * there were, at most n.
 */
unsigned cpu_layout_pick(const struct cpu_layout *layout, const cpu_set_t *taken, unsigned n,
			 cpu_set_t *out);

/*
 * What one of so many slots that are free gets when they divide what is not taken: whole cores
 * while there is one for each of them, else single threads; 0 when there are fewer CPUs than slots.
 */
unsigned cpu_layout_share(const struct cpu_layout *layout, const cpu_set_t *taken, unsigned slots);

#endif
