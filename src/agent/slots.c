/*
 * slots.c - room for tasks: slots, and what each resource class reserves of this host.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/holding.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
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

static uint64_t
left_of(uint64_t host, uint64_t reserved)
{
	return host > reserved ? host - reserved : 0;
}

static struct room
room_left(const struct slots *slots)
{
	const struct room *host = &slots->host, *reserved = &slots->reserved;
	struct room left;
	unsigned i;

	left.cpus = (uint32_t)left_of(host->cpus, reserved->cpus);
	left.memory_bytes = left_of(host->memory_bytes, reserved->memory_bytes);
	left.disk_bytes = left_of(host->disk_bytes, reserved->disk_bytes);
	for (i = 0; i < DEVICES_KINDS_MOST; i++)
		left.devices[i] = (uint32_t)left_of(host->devices[i], reserved->devices[i]);
	return left;
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
	most = fits(host->disk_bytes, reserved->disk_bytes, need->disk_bytes, most);
	for (i = 0; i < DEVICES_KINDS_MOST; i++)
		most = fits(host->devices[i], reserved->devices[i], need->devices[i], most);
	return most;
}

int
slots_add_class(struct slots *slots, const struct slots_class *class, struct err *err)
{
	if (slots->class_count == SLOTS_CLASSES_MOST)
		return err_set(err, ERR_LIMIT, "more than %d resource classes", SLOTS_CLASSES_MOST);
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

bool
slots_lets_in(const struct slots *slots, const char *resource_class, bool where_unsaid)
{
	switch (slots->classes[slots_class_of(slots, resource_class)].attach) {
	case SLOTS_ATTACH_UNSAID:
		break;
	case SLOTS_ATTACH_YES:
		return true;
	case SLOTS_ATTACH_NO:
		return false;
	}
	return where_unsaid;
}

unsigned
slots_free(const struct slots *slots)
{
	return slots->total > slots->taken ? slots->total - slots->taken : 0;
}

/* The first of the sizes that is short. */
static bool
lack_size(char *room, size_t size, const char *of, uint64_t need, uint64_t left)
{
	char wanted[24], rest[24];

	if (need <= left)
		return false;
	(void)snprintf(room, size, "%s of %s are reserved by each and %s are not reserved",
		       text_bytes(wanted, need), of, text_bytes(rest, left));
	return true;
}

static const char *
lack_device(const struct slots *slots, const struct room *need, const struct room *left, char *room, size_t size)
{
	unsigned i;

	for (i = 0; i < DEVICES_KINDS_MOST; i++) {
		if (need->devices[i] <= left->devices[i])
			continue;
		(void)snprintf(room, size, "%u of device '%s' are reserved by each and %u of %u are not reserved",
			       need->devices[i], slots->devices.kinds[i], left->devices[i], slots->host.devices[i]);
		return room;
	}
	return NULL;
}

const char *
slots_lack(const struct slots *slots, unsigned class, char *room, size_t size)
{
	const struct room *need = &slots->classes[class].need;
	const struct room left = room_left(slots);

	assert(class < slots->class_count);
	if (need->cpus > left.cpus) {
		(void)snprintf(room, size, "%u CPUs are reserved by each and %u of %u are not reserved", need->cpus,
			       left.cpus, slots->host.cpus);
		return room;
	}
	if (lack_size(room, size, "memory", need->memory_bytes, left.memory_bytes) ||
	    lack_size(room, size, "disk", need->disk_bytes, left.disk_bytes))
		return room;
	return lack_device(slots, need, &left, room, size);
}

unsigned
slots_room(const struct slots *slots, unsigned class)
{
	assert(class < slots->class_count);
	return room_fits(&slots->host, &slots->reserved, &slots->classes[class].need, slots_free(slots));
}

unsigned
slots_offer(const struct slots *slots, unsigned class)
{
	return slots->classes[class].paused[0] == '\0' ? slots_room(slots, class) : 0;
}

bool
slots_any_disk(const struct slots *slots)
{
	unsigned i = 0;

	while (i < slots->class_count && slots->classes[i].need.disk_bytes == 0)
		i++;
	return i < slots->class_count;
}

bool
slots_any_paused(const struct slots *slots)
{
	unsigned i;

	for (i = 0; i < slots->class_count; i++)
		if (slots->classes[i].paused[0] != '\0')
			return true;
	return false;
}

/* --- settling --------------------------------------------------------------------------------- */

/* As long as nothing is taken: what one task lacks it will never have. */
static int
check_class(const struct slots *slots, unsigned class, struct err *err)
{
	const char *name = slots->classes[class].name;
	char lack[256];

	if (slots_lack(slots, class, lack, sizeof(lack)) == NULL)
		return 0;
	return err_set(err, ERR_INPUT, "tasks of %s%s%s are larger than this host: %s",
		       name[0] != '\0' ? "resource class '" : "a class without a name", name,
		       name[0] != '\0' ? "'" : "", lack);
}

int
slots_settle(struct slots *slots, const char *sys, const cpu_set_t *allowed, struct err *err)
{
	bool pins = false;
	unsigned i;

	for (i = 0; i < slots->class_count; i++) {
		struct slots_class *class = &slots->classes[i];

		if (class->share_cpus)
			class->need.cpus = slots->host.cpus / slots->total;
		pins |= class->pin_cpus;
		if (check_class(slots, i, err) < 0)
			return err->code;
	}
	CPU_ZERO(&slots->pinned);
	return pins ? cpu_layout_read(&slots->layout, sys, allowed, err) : 0;
}

/* Shares are what the slots that are free, this one with them, come to: together all of the host. */
static unsigned
cpus_wanted(const struct slots *slots, const struct slots_class *class)
{
	unsigned share;

	if (!class->share_cpus)
		return class->need.cpus;
	share = cpu_layout_share(&slots->layout, &slots->pinned, slots_free(slots));
	return share > class->need.cpus ? share : class->need.cpus;
}

/* Adds the word; *cpus is what is reserved in the end. */
static void
pin(struct slots *slots, const struct slots_class *class, struct buffer *words, uint32_t *cpus)
{
	struct buffer list = BUFFER_INIT;
	cpu_set_t own;
	unsigned n = cpu_layout_pick(&slots->layout, &slots->pinned, cpus_wanted(slots, class), &own);

	if (n == 0 || n < class->need.cpus)
		return; /* others have them: it runs wherever it may */
	CPU_OR(&slots->pinned, &slots->pinned, &own);
	cpu_list_put(&list, &own);
	holding_put(words, HOLDING_CPUS, buffer_text(&list));
	buffer_release(&list);
	*cpus = n;
}

static bool
words_cpus(const char *words, cpu_set_t *cpus)
{
	char list[CPU_LIST_MOST_BYTES];
	struct err err = ERR_INIT;

	return holding_what(words, HOLDING_CPUS, list, sizeof(list)) != NULL && cpu_list_parse(list, cpus, &err) == 0;
}

/* --- one task ----------------------------------------------------------------------------------- */

static void
reserve(struct room *reserved, const struct room *need, bool give)
{
	unsigned i;

	if (give) {
		assert(reserved->cpus >= need->cpus && reserved->memory_bytes >= need->memory_bytes &&
		       reserved->disk_bytes >= need->disk_bytes);
		reserved->cpus -= need->cpus;
		reserved->memory_bytes -= need->memory_bytes;
		reserved->disk_bytes -= need->disk_bytes;
	} else {
		reserved->cpus += need->cpus;
		reserved->memory_bytes += need->memory_bytes;
		reserved->disk_bytes += need->disk_bytes;
	}
	for (i = 0; i < DEVICES_KINDS_MOST; i++)
		reserved->devices[i] += give ? -need->devices[i] : need->devices[i];
}

static void
choose(struct slots *slots, const struct slots_class *class, struct reservation *out)
{
	struct buffer words = BUFFER_INIT;
	unsigned i;

	if (class->pin_cpus)
		pin(slots, class, &words, &out->room.cpus);
	for (i = 0; i < DEVICES_KINDS_MOST; i++)
		(void)devices_take(&slots->devices, i, class->need.devices[i], &words);
	out->words = buffer_take_text(&words);
}

static void
take_again(struct slots *slots, const char *words, struct reservation *out)
{
	cpu_set_t own;

	if (words_cpus(words, &own)) {
		CPU_OR(&slots->pinned, &slots->pinned, &own);
		out->room.cpus = (uint32_t)CPU_COUNT(&own);
	}
	devices_retake(&slots->devices, words, out->room.devices);
	out->words = mem_strdup(words);
}

void
slots_take(struct slots *slots, unsigned class, const char *words, struct reservation *out)
{
	assert(class < slots->class_count);
	out->class = class;
	out->room = slots->classes[class].need;
	if (words == NULL)
		choose(slots, &slots->classes[class], out);
	else
		take_again(slots, words, out);
	slots->taken++;
	slots->classes[class].taken++;
	reserve(&slots->reserved, &out->room, false);
}

void
slots_give(struct slots *slots, struct reservation *reservation)
{
	struct slots_class *class = &slots->classes[reservation->class];
	cpu_set_t own;

	assert(reservation->class < slots->class_count && slots->taken > 0 && class->taken > 0);
	slots->taken--;
	class->taken--;
	reserve(&slots->reserved, &reservation->room, true);
	if (words_cpus(reservation->words, &own)) {
		CPU_AND(&own, &own, &slots->pinned);
		CPU_XOR(&slots->pinned, &slots->pinned, &own);
	}
	devices_give(&slots->devices, reservation->words);
	reservation_release(reservation);
}

void
reservation_release(struct reservation *reservation)
{
	free(reservation->words);
	reservation->words = NULL;
}

void
slots_replace(struct slots *slots, const struct slots *next)
{
	assert(next->taken == 0);
	*slots = *next;
}

void
slots_limits(const struct slots *slots, unsigned class, const char *words, struct limits *limits)
{
	memset(limits, 0, sizeof(*limits));
	limits->memory_bytes = slots->classes[class].need.memory_bytes;
	limits->disk_bytes = slots->classes[class].need.disk_bytes;
	limits->cpus = slots->classes[class].need.cpus;
	limits->pids = slots->classes[class].pids;
	limits->throttle = slots->classes[class].throttle;
	limits->rlimits = slots->classes[class].rlimits;
	(void)holding_what(words, HOLDING_CPUS, limits->cpu_list, sizeof(limits->cpu_list));
}

/* --- as a claim says it --- */

static void
put_devices(const struct slots *slots, const struct room *room, struct json *object)
{
	struct json *devices = json_new_object();
	unsigned i;

	for (i = 0; i < DEVICES_KINDS_MOST && slots->devices.kinds[i][0] != '\0'; i++)
		json_put_int(devices, slots->devices.kinds[i], room->devices[i]);
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
	json_put_int(object, "disk_bytes", (int64_t)room->disk_bytes);
	put_devices(slots, room, object);
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
		put_room(slots, &slots->classes[i].need, nothing ? 0 : slots_offer(slots, i),
			 object);
		if (slots->classes[i].paused[0] != '\0')
			json_put_str(object, "paused", slots->classes[i].paused);
		json_push(list, object);
	}
	json_put(claim, "classes", list);
}
