/*
 * slots.h - room for tasks: slots, and what each resource class reserves of this host.
 *
 * Pure bookkeeping, no clock, no descriptors: what is free is a fact that others
 * act on. slots_init() -> slots_add_class() -> slots_settle() -> slots_take() / slots_give().
 * A slot costs nothing: only numbers move.
 *
 * A class reserves cpus, memory, disk and devices for each of its tasks; tasks are packed
 * by what is reserved, not by what they use. A class that reserves nothing is held
 * back by the number of slots alone. What a task got is its reservation: numbers, and the
 * names of the devices and CPUs that are its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_SLOTS_H
#define AGENT_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/cpu_layout.h"
#include "agent/cpu_list.h"
#include "agent/devices.h"

struct buffer;
struct err;
struct json;

enum {
	SLOTS_MOST = 4096,
	SLOTS_CLASSES_MOST = 64,
	SLOTS_TEXT_BYTES = 512,
	SLOTS_NAME_BYTES = 128,
	SLOTS_TOKEN_BYTES = 513,
};

/* Of the host, of a class's task, or what is free. */
struct room {
	uint32_t cpus;
	uint64_t memory_bytes, disk_bytes;
	uint32_t devices[DEVICES_KINDS_MOST]; /* by kind */
};

/* How far a task may press on what it shares with others. 0: the kernel's own. */
struct throttle {
	uint64_t memory_high_bytes; /* from there on it is slowed down and its memory reclaimed */
	uint32_t cpu_hundredths;    /* of processors, a ceiling: 150 is one and a half */
	uint32_t cpu_weight, io_weight; /* THROTTLE_WEIGHT_LEAST to _MOST; 0: in proportion to its cpus */
};

enum { THROTTLE_WEIGHT_LEAST = 1, THROTTLE_WEIGHT_MOST = 10000 }; /* the kernel's: cgroup-v2.rst */

enum slots_attach { SLOTS_ATTACH_UNSAID, SLOTS_ATTACH_YES, SLOTS_ATTACH_NO };

struct slots_class {
	char name[SLOTS_NAME_BYTES]; /* "" when only the token is known */
	char token[SLOTS_TOKEN_BYTES];
	struct room need; /* of one task */
	bool share_cpus;  /* need.cpus is what slots_settle() finds: the host's, divided among the slots */
	bool pin_cpus;	  /* they are its own, and it runs on no others */
	uint32_t pids;	  /* most at a time; 0: no limit of ours */
	struct throttle throttle;
	bool rlimits;	  /* what no control group holds is held by resource limits: agent/ceilings.h */
	enum slots_attach attach; /* may people enter its tasks? */
	char cuda[DEVICES_NAME_BYTES]; /* kind of device that CUDA_VISIBLE_DEVICES tells of; "": none */
	char proxy[SLOTS_TEXT_BYTES], no_proxy[SLOTS_TEXT_BYTES], ca_file[SLOTS_TEXT_BYTES]; /* for jobs; "": none */
	char paused[SLOTS_TEXT_BYTES]; /* why its tasks are not wanted for now; "": they are */
	unsigned taken;		       /* tasks that hold it */
};

struct slots {
	unsigned total, taken;
	struct room host, reserved;
	struct devices devices;
	struct cpu_layout layout; /* read only where a class pins */
	cpu_set_t pinned;	  /* to tasks */
	struct slots_class classes[SLOTS_CLASSES_MOST];
	unsigned class_count;
};

/* What one task holds. */
struct reservation {
	unsigned class;
	struct room room;
	char *words; /* devices and CPUs by name: agent/holding.h; "" where it has none of its own */
};

/* What a task may use at most, and where, as its class says. 0, and "": no limit. */
struct limits {
	uint64_t memory_bytes, disk_bytes;
	uint32_t cpus;	 /* that are reserved for it: a weight, not a ceiling */
	uint32_t pids;
	struct throttle throttle;
	bool rlimits; /* as its class says */
	char cpu_list[CPU_LIST_MOST_BYTES]; /* the only ones it may run on */
};

void slots_init(struct slots *slots, unsigned total, const struct room *host);

/* Add a class (copied). Fails: ERR_LIMIT. */
int slots_add_class(struct slots *slots, const struct slots_class *class, struct err *err);

/*
 * The class a task of this resource class counts under: the one of that name, else the
 * first without a name, else the first.
 */
unsigned slots_class_of(const struct slots *slots, const char *resource_class);

/*
 * All classes are there, and total is what it stays: divide the CPUs among the slots where classes
 * want that (they reserve none where there are fewer CPUs than slots), and find out where those of
 * the set allowed lie, as the directory sys ("/sys") tells. Nothing is taken yet. Fails: as
 * cpu_layout_read(); ERR_INPUT when one task of a class is more than the host has.
 */
int slots_settle(struct slots *slots, const char *sys, const cpu_set_t *allowed, struct err *err);

/* May people enter a task of this resource class? where_unsaid: the answer where its class does not say. */
bool slots_lets_in(const struct slots *slots, const char *resource_class, bool where_unsaid);

/* How many more tasks of a class there is room for now. */
unsigned slots_room(const struct slots *slots, unsigned class);
/* The same as it is offered to the hub: none of a class that is paused. */
unsigned slots_offer(const struct slots *slots, unsigned class);
bool slots_any_paused(const struct slots *slots);
/* Does some class say how much of the disk its tasks may have? */
bool slots_any_disk(const struct slots *slots);
/* A sentence in room: what a task of that class would reserve and is not free; NULL when all of it is, slots aside. */
const char *slots_lack(const struct slots *slots, unsigned class, char *room, size_t size);
/* Free slots; 0 when more are taken than there are (fewer slots after a reload). */
unsigned slots_free(const struct slots *slots);

/*
 * A task that holds what its class reserves, also when there is no room. words says by name what it
 * has already (it was found again, or the settings are new), NULL: choose. *out is the caller's,
 * until slots_give() or reservation_release().
 */
void slots_take(struct slots *slots, unsigned class, const char *words, struct reservation *out);
void slots_give(struct slots *slots, struct reservation *reservation);
/* Forget it without giving it back: the slots it was of are gone. */
void reservation_release(struct reservation *reservation);

/* words: what the task holds by name. */
void slots_limits(const struct slots *slots, unsigned class, const char *words, struct limits *limits);

/*
 * New settings: capacity and classes of "next", the tasks that are there counted anew by the caller
 * with slots_take().
 */
void slots_replace(struct slots *slots, const struct slots *next);

/* Members "free" and "classes" of a claim. With nothing true: no room at all. */
void slots_write(const struct slots *slots, bool nothing, struct json *claim);

#endif
