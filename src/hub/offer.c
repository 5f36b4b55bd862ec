/*
 * offer.c - what a waiting agent has room for: slots, and sizes that its classes reserve.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/offer.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "format/json.h"

enum { SLOTS_MOST = 65536 };

static const char *const size_names[] = {
	[OFFER_CPUS] = "cpus", [OFFER_MEMORY] = "memory_bytes", [OFFER_DISK] = "disk_bytes"};

/* --- reading ------------------------------------------------------------------------------------
 */

/* The place of a kind of device, made when it is new. */
static int
device_at(struct offer *offer, const char *name, unsigned *at, struct err *err)
{
	unsigned i;

	for (i = 0; i < OFFER_DEVICES_MOST && offer->devices[i][0] != '\0'; i++)
		if (text_eq(offer->devices[i], name))
			break;
	if (i == OFFER_DEVICES_MOST || strlen(name) >= OFFER_NAME_BYTES)
		return err_set(
			err, ERR_LIMIT,
			"more than %d kinds of device, or '%.64s' has more than %d characters",
			OFFER_DEVICES_MOST, name, OFFER_NAME_BYTES - 1);
	(void)snprintf(offer->devices[i], OFFER_NAME_BYTES, "%s", name);
	*at = OFFER_DEVICES + i;
	return 0;
}

static int
parse_devices(struct offer *offer, const struct json *devices, uint64_t sizes[OFFER_SIZES],
	      struct err *err)
{
	unsigned at = 0;
	int64_t value;
	void *it;

	for (it = json_first(devices); it != NULL; it = json_next(devices, it)) {
		if (json_need_int(devices, json_key(it), 0, INT64_MAX, &value, err) < 0)
			return err_wrap(err, "member 'devices'");
		if (device_at(offer, json_key(it), &at, err) < 0)
			return err->code;
		sizes[at] = (uint64_t)value;
	}
	return 0;
}

/* One that is not named is "absent". */
static int
parse_sizes(struct offer *offer, const struct json *object, uint64_t absent,
	    uint64_t sizes[OFFER_SIZES], struct err *err)
{
	const struct json *devices = json_get(object, "devices");
	size_t i;

	for (i = 0; i < OFFER_SIZES; i++)
		sizes[i] = i < OFFER_DEVICES ? absent : 0;
	for (i = 0; i < OFFER_DEVICES; i++) {
		int64_t value;

		if (json_get(object, size_names[i]) == NULL)
			continue;
		if (json_need_int(object, size_names[i], 0, INT64_MAX, &value, err) < 0)
			return err->code;
		sizes[i] = (uint64_t)value;
	}
	return devices != NULL ? parse_devices(offer, devices, sizes, err) : 0;
}

/* Sentences are for people: what is too long is cut, between characters. */
static void
take_sentence(const struct json *object, const char *key, char room[OFFER_WHY_BYTES])
{
	const char *text = json_get_str(object, key);

	(void)snprintf(room, OFFER_WHY_BYTES, "%s", text != NULL ? text : "");
	room[text_utf8_prefix(room, strlen(room))] = '\0';
}

int
offer_parse_free(struct offer *offer, const struct json *claim, struct err *err)
{
	struct json *free_room;
	int64_t slots;

	take_sentence(claim, "held", offer->held);
	if (json_need_object(claim, "free", &free_room, err) < 0 ||
	    json_need_int(free_room, "slots", 0, SLOTS_MOST, &slots, err) < 0)
		return err->code;
	offer->free = (unsigned)slots;
	return parse_sizes(offer, free_room, UINT64_MAX, offer->left, err);
}

int
offer_parse_class(struct offer *offer, struct offered_class *class, const struct json *item,
		  struct err *err)
{
	int64_t slots;

	if (json_need_int(item, "slots", 0, SLOTS_MOST, &slots, err) < 0)
		return err->code;
	class->slots = (unsigned)slots;
	take_sentence(item, "paused", class->paused);
	return parse_sizes(offer, item, 0, class->need, err);
}

/* --- asking --------------------------------------------------------------------------------------
 */

static bool
fits(const struct offer *offer, const uint64_t need[OFFER_SIZES])
{
	unsigned i;

	for (i = 0; i < OFFER_SIZES; i++)
		if (need[i] > offer->left[i])
			return false;
	return true;
}

int
offer_class(const struct offer *offer, const struct resource_class *class)
{
	unsigned i;

	for (i = 0; i < offer->class_count; i++)
		if (offer->classes[i].class == class)
			return (int)i;
	return -1;
}

bool
offer_has_room(const struct offer *offer, unsigned idx)
{
	return offer->free > 0 && offer->classes[idx].slots > 0 &&
	       fits(offer, offer->classes[idx].need);
}

bool
offer_is_short(const struct offer *offer, unsigned idx)
{
	const struct offered_class *class = &offer->classes[idx];

	return class->paused[0] == '\0' && !fits(offer, class->need);
}

/* The size that is shortest, of those that are short; how short goes to *shortage. */
static unsigned
shortest(const struct offer *offer, const uint64_t need[OFFER_SIZES], double *shortage)
{
	unsigned i, at = 0;
	double one;

	*shortage = 0;
	for (i = 0; i < OFFER_SIZES; i++) {
		one = need[i] > offer->left[i]
			      ? (double)(need[i] - offer->left[i]) / (double)need[i]
			      : 0;
		if (one > *shortage) {
			*shortage = one;
			at = i;
		}
	}
	return at;
}

double
offer_shortage(const struct offer *offer, unsigned idx)
{
	double shortage;

	(void)shortest(offer, offer->classes[idx].need, &shortage);
	return shortage;
}

bool
offer_lets_pass(const struct offer *offer, unsigned by, unsigned kept)
{
	const uint64_t *takes = offer->classes[by].need, *need = offer->classes[kept].need;
	unsigned i;

	if (offer->free < 2) /* one is the other's */
		return false;
	for (i = 0; i < OFFER_SIZES; i++)
		if (takes[i] > 0 &&
		    (takes[i] > offer->left[i] || need[i] > offer->left[i] - takes[i]) &&
		    need[i] > 0)
			return false;
	return true;
}

bool
offer_is_larger(const struct offer *offer, unsigned idx, const struct offer *than,
		unsigned than_idx)
{
	static const uint64_t nothing[OFFER_SIZES];
	const uint64_t *a = offer->classes[idx].need,
		       *b = than != NULL ? than->classes[than_idx].need : nothing;
	unsigned i;

	for (i = 0; i < OFFER_SIZES; i++)
		if (a[i] != b[i])
			return a[i] > b[i];
	return false;
}

void
offer_take(struct offer *offer, const struct resource_class *class)
{
	unsigned i, j;

	assert(offer->free > 0);
	offer->free--;
	for (i = 0; i < offer->class_count; i++)
		if (offer->classes[i].class == class && offer->classes[i].slots > 0)
			break;
	if (i == offer->class_count)
		return;
	offer->classes[i].slots--;
	for (j = 0; j < OFFER_SIZES; j++)
		if (offer->left[j] != UINT64_MAX)
			offer->left[j] -= offer->classes[i].need[j] < offer->left[j]
						  ? offer->classes[i].need[j]
						  : offer->left[j];
}

/* --- for people ----------------------------------------------------------------------------------
 */

static void
put_size(const struct offer *offer, unsigned at, uint64_t value, bool noun, struct buffer *text)
{
	char room[24];

	if (at == OFFER_CPUS)
		buffer_printf(text, "%llu%s", (unsigned long long)value,
			      !noun	   ? ""
			      : value == 1 ? " CPU"
					   : " CPUs");
	else if (at == OFFER_MEMORY || at == OFFER_DISK)
		buffer_printf(text, "%s%s", text_bytes(room, value),
			      !noun		   ? ""
			      : at == OFFER_MEMORY ? " of memory"
						   : " of disk");
	else
		buffer_printf(text, "%llu%s%s%s", (unsigned long long)value,
			      noun ? " of device '" : "",
			      noun ? offer->devices[at - OFFER_DEVICES] : "", noun ? "'" : "");
}

void
offer_put_need(const struct offer *offer, unsigned idx, struct buffer *text)
{
	const uint64_t *need = offer->classes[idx].need;
	bool more = false;
	unsigned i;

	for (i = 0; i < OFFER_SIZES; i++) {
		if (need[i] == 0)
			continue;
		if (more)
			buffer_puts(text, ", ");
		put_size(offer, i, need[i], true, text);
		more = true;
	}
}

void
offer_put_shortage(const struct offer *offer, unsigned idx, struct buffer *text)
{
	const uint64_t *need = offer->classes[idx].need;
	double shortage;
	unsigned at = shortest(offer, need, &shortage);

	put_size(offer, at, need[at], true, text);
	buffer_puts(text, " where ");
	put_size(offer, at, offer->left[at], false, text);
	buffer_puts(text, at == OFFER_MEMORY || at == OFFER_DISK || offer->left[at] == 1
				  ? " is free"
				  : " are free");
}
