/*
 * pressure.h - how hard the host is pressed: memory that is free, and time lost waiting for it, for
 * CPUs, for disks.
 *
 * The kernel says how much of the last ten seconds some process has waited (PSI, "some avg10":
 * Documentation/accounting/psi.rst) and how much memory could be had without swapping
 * (MemAvailable: proc_meminfo(5)). pressure_init() with the limits -> pressure_look() whenever it
 * matters. High is high until it is a quarter below the limit (memory: an eighth above), so that a
 * host at its limit does not stop and go. A kernel that does not count is said once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_PRESSURE_H
#define AGENT_PRESSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PRESSURE_GAP_MS = 1000 };

/* X(NAME, name): a file of /proc/pressure. */
#define PRESSURES(X)                                                                               \
	X(CPU, cpu)                                                                                \
	X(MEMORY, memory)                                                                          \
	X(IO, io)

#define X(upper, name) PRESSURE_##upper,
enum pressure_kind { PRESSURES(X) PRESSURE_COUNT };
#undef X

struct pressure {
	const char *proc;	      /* "/proc"; borrowed */
	double most[PRESSURE_COUNT];  /* percent; 0: no limit */
	double now[PRESSURE_COUNT];   /* as last read */
	bool missing[PRESSURE_COUNT]; /* the kernel does not count it, which has been said */
	bool high[PRESSURE_COUNT];
	uint64_t least_bytes, free_bytes; /* of memory; least 0: no limit */
	bool low_memory;
	uint64_t next_us; /* not read again before */
};

void pressure_init(struct pressure *pressure, const char *proc);

/* True when something is beyond its limit; a change is logged. What cannot be read stays as it was.
 */
bool pressure_look(struct pressure *pressure, uint64_t now_us);

/* As it was last looked at. */
bool pressure_is_high(const struct pressure *pressure);

/* The sentence for one that is high. */
void pressure_say(const struct pressure *pressure, char *room, size_t size);

const char *pressure_name(enum pressure_kind kind);

/* One number now, for metrics. False: the kernel does not count it. */
bool pressure_read(const struct pressure *pressure, enum pressure_kind kind, double *percent);
bool pressure_read_memory(const struct pressure *pressure, uint64_t *free_bytes);

#endif
