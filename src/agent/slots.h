/*
 * slots.h - room for tasks: slots, and what each resource class reserves of this host.
 *
 * Pure bookkeeping, no clock, no descriptors: what is free is a fact that others
 * act on. slots_init() -> slots_add_class() -> slots_take() / slots_give(). A slot
 * costs nothing: only numbers move.
 *
 * A class reserves cpus, memory and devices for each of its tasks; tasks are packed
 * by what is reserved, not by what they use. A class that reserves nothing is held
 * back by the number of slots alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_SLOTS_H
#define AGENT_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct json;

enum {
	SLOTS_MOST = 4096,
	SLOTS_CLASSES_MOST = 64,
	SLOTS_DEVICES_MOST = 8, /* kinds of device */
	SLOTS_NAME_BYTES = 128,
	SLOTS_TOKEN_BYTES = 513,
};

/* Of the host, of a class's task, or what is free. */
struct room {
	uint32_t cpus;
	uint64_t memory_bytes;
	uint32_t devices[SLOTS_DEVICES_MOST]; /* by kind, see struct slots */
};

struct slots_class {
	char name[SLOTS_NAME_BYTES]; /* "" when only the token is known */
	char token[SLOTS_TOKEN_BYTES];
	struct room need; /* of one task */
	unsigned taken;	  /* tasks that hold it */
};

struct slots {
	unsigned total, taken;
	struct room host, reserved;
	char devices[SLOTS_DEVICES_MOST]
		    [SLOTS_NAME_BYTES]; /* names of the kinds; "" where unused */
	struct slots_class classes[SLOTS_CLASSES_MOST];
	unsigned class_count;
};

void slots_init(struct slots *slots, unsigned total, const struct room *host);

/* Index of a kind of device, made when it is new. Fails: ERR_LIMIT. */
int slots_device(struct slots *slots, const char *name, unsigned *kind, struct err *err);

/* Add a class (copied). Fails: ERR_LIMIT; ERR_INPUT when one task of it is more than the host has.
 */
int slots_add_class(struct slots *slots, const struct slots_class *class, struct err *err);

/*
 * The class a task of this resource class counts under: the one of that name, else the
 * first without a name, else the first.
 */
unsigned slots_class_of(const struct slots *slots, const char *resource_class);

/* How many more tasks of a class there is room for now. */
unsigned slots_room(const struct slots *slots, unsigned class);
/* A sentence in room: what a task of that class would reserve and is not free; NULL when all of it is, slots aside. */
const char *slots_lack(const struct slots *slots, unsigned class, char *room, size_t size);
/* Free slots; 0 when more are taken than there are (fewer slots after a reload). */
unsigned slots_free(const struct slots *slots);

/* A task that holds what its class reserves. Also when there is no room: a task found again runs
 * already. */
void slots_take(struct slots *slots, unsigned class);
void slots_give(struct slots *slots, unsigned class);

/*
 * New settings: capacity and classes of "next", the tasks that are there counted anew by the caller
 * with slots_take().
 */
void slots_replace(struct slots *slots, const struct slots *next);

/* Members "free" and "classes" of a claim. With nothing true: no room at all. */
void slots_write(const struct slots *slots, bool nothing, struct json *claim);

#endif
