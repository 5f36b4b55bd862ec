/*
 * slots.c - room for tasks: slots, and what each resource class reserves of this host.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/slots.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/text.h"
#include "format/json.h"

void
slots_init(struct slots *slots, unsigned total, const struct room *host)
{
	assert(total >= 1 && total <= SLOTS_MOST);
	memset(slots, 0, sizeof(*slots));
	slots->total = total;
	slots->host = *host;
}

int
slots_device(struct slots *slots, const char *name, unsigned *kind, struct err *err)
{
	unsigned i;

	for (i = 0; i < SLOTS_DEVICES_MOST && slots->devices[i][0] != '\0'; i++)
		if (text_eq(slots->devices[i], name))
			break;
	if (i == SLOTS_DEVICES_MOST)
		return err_set(err, ERR_LIMIT, "more than %d kinds of device: '%.64s' has no place",
			       SLOTS_DEVICES_MOST, name);
	(void)snprintf(slots->devices[i], SLOTS_NAME_BYTES, "%s", name);
	*kind = i;
	return 0;
}

static uint64_t
left_of(uint64_t host, uint64_t reserved)
{
	return host > reserved ? host - reserved : 0;
}

/* Of one kind: how many times need fits into what is left; most when it needs none. */
static unsigned
fits(uint64_t host, uint64_t reserved, uint64_t need, unsigned most)
{
	uint64_t left = left_of(host, reserved);

	if (need == 0)
		return most;
	return left / need < most ? (unsigned)(left / need) : most;
}

static unsigned
room_fits(const struct room *host, const struct room *reserved, const struct room *need,
	  unsigned most)
{
	unsigned i;

	most = fits(host->cpus, reserved->cpus, need->cpus, most);
	most = fits(host->memory_bytes, reserved->memory_bytes, need->memory_bytes, most);
	for (i = 0; i < SLOTS_DEVICES_MOST; i++)
		most = fits(host->devices[i], reserved->devices[i], need->devices[i], most);
	return most;
}

int
slots_add_class(struct slots *slots, const struct slots_class *class, struct err *err)
{
	static const struct room none;

	if (slots->class_count == SLOTS_CLASSES_MOST)
		return err_set(err, ERR_LIMIT, "more than %d resource classes", SLOTS_CLASSES_MOST);
	if (room_fits(&slots->host, &none, &class->need, 1) == 0)
		return err_set(err, ERR_INPUT,
			       "one task of resource class '%s' reserves more than this host has",
			       class->name);
	slots->classes[slots->class_count] = *class;
	slots->classes[slots->class_count].taken = 0;
	slots->class_count++;
	return 0;
}

unsigned
slots_class_of(const struct slots *slots, const char *resource_class)
{
	unsigned i;

	for (i = 0; i < slots->class_count; i++)
		if (text_eq(slots->classes[i].name, resource_class))
			return i;
	for (i = 0; i < slots->class_count; i++)
		if (slots->classes[i].name[0] == '\0')
			return i;
	return 0;
}

unsigned
slots_free(const struct slots *slots)
{
	return slots->total > slots->taken ? slots->total - slots->taken : 0;
}

const char *
slots_lack(const struct slots *slots, unsigned class, char *room, size_t size)
{
	const struct room *need = &slots->classes[class].need, *host = &slots->host,
			  *reserved = &slots->reserved;
	char wanted[24], left[24];
	unsigned i;

	assert(class < slots->class_count);
	if (need->cpus > left_of(host->cpus, reserved->cpus)) {
		(void)snprintf(room, size, "%u CPUs are reserved by each and %llu of %u are not reserved",
			       need->cpus, (unsigned long long)left_of(host->cpus, reserved->cpus), host->cpus);
		return room;
	}
	if (need->memory_bytes > left_of(host->memory_bytes, reserved->memory_bytes)) {
		(void)snprintf(room, size, "%s of memory are reserved by each and %s are not reserved",
			       text_bytes(wanted, need->memory_bytes),
			       text_bytes(left, left_of(host->memory_bytes, reserved->memory_bytes)));
		return room;
	}
	for (i = 0; i < SLOTS_DEVICES_MOST; i++)
		if (need->devices[i] > left_of(host->devices[i], reserved->devices[i])) {
			(void)snprintf(room, size, "%u of device '%s' are reserved by each and %llu of %u are not reserved",
				       need->devices[i], slots->devices[i],
				       (unsigned long long)left_of(host->devices[i], reserved->devices[i]),
				       host->devices[i]);
			return room;
		}
	return NULL;
}

unsigned
slots_room(const struct slots *slots, unsigned class)
{
	assert(class < slots->class_count);
	return room_fits(&slots->host, &slots->reserved, &slots->classes[class].need,
			 slots_free(slots));
}

static void
reserve(struct room *reserved, const struct room *need, bool give)
{
	unsigned i;

	if (give) {
		assert(reserved->cpus >= need->cpus &&
		       reserved->memory_bytes >= need->memory_bytes);
		reserved->cpus -= need->cpus;
		reserved->memory_bytes -= need->memory_bytes;
	} else {
		reserved->cpus += need->cpus;
		reserved->memory_bytes += need->memory_bytes;
	}
	for (i = 0; i < SLOTS_DEVICES_MOST; i++)
		reserved->devices[i] += give ? -need->devices[i] : need->devices[i];
}

void
slots_take(struct slots *slots, unsigned class)
{
	assert(class < slots->class_count);
	slots->taken++;
	slots->classes[class].taken++;
	reserve(&slots->reserved, &slots->classes[class].need, false);
}

void
slots_give(struct slots *slots, unsigned class)
{
	assert(class < slots->class_count && slots->taken > 0 && slots->classes[class].taken > 0);
	slots->taken--;
	slots->classes[class].taken--;
	reserve(&slots->reserved, &slots->classes[class].need, true);
}

void
slots_replace(struct slots *slots, const struct slots *next)
{
	assert(next->taken == 0);
	*slots = *next;
}

/* --- as a claim says it --- */

static void
put_devices(const struct slots *slots, const struct room *room, struct json *object)
{
	struct json *devices = json_new_object();
	unsigned i;

	for (i = 0; i < SLOTS_DEVICES_MOST && slots->devices[i][0] != '\0'; i++)
		json_put_int(devices, slots->devices[i], room->devices[i]);
	if (json_count(devices) > 0)
		json_put(object, "devices", devices);
	else
		json_free(devices);
}

static void
put_room(const struct slots *slots, const struct room *room, unsigned count, struct json *object)
{
	json_put_int(object, "slots", count);
	json_put_int(object, "cpus", room->cpus);
	json_put_int(object, "memory_bytes", (int64_t)room->memory_bytes);
	put_devices(slots, room, object);
}

static struct room
room_left(const struct slots *slots)
{
	struct room left;
	unsigned i;

	left.cpus = slots->host.cpus > slots->reserved.cpus
			    ? slots->host.cpus - slots->reserved.cpus
			    : 0;
	left.memory_bytes = slots->host.memory_bytes > slots->reserved.memory_bytes
				    ? slots->host.memory_bytes - slots->reserved.memory_bytes
				    : 0;
	for (i = 0; i < SLOTS_DEVICES_MOST; i++)
		left.devices[i] = slots->host.devices[i] > slots->reserved.devices[i]
					  ? slots->host.devices[i] - slots->reserved.devices[i]
					  : 0;
	return left;
}

void
slots_write(const struct slots *slots, bool nothing, struct json *claim)
{
	struct room left = room_left(slots);
	struct json *object = json_new_object(), *list = json_new_array();
	unsigned i;

	put_room(slots, &left, nothing ? 0 : slots_free(slots), object);
	json_put(claim, "free", object);
	for (i = 0; i < slots->class_count; i++) {
		object = json_new_object();
		json_put_str(object, "token", slots->classes[i].token);
		put_room(slots, &slots->classes[i].need, nothing ? 0 : slots_room(slots, i),
			 object);
		json_push(list, object);
	}
	json_put(claim, "classes", list);
}
