/*
 * offer.h - what a waiting agent has room for: slots, and sizes that its classes reserve.
 *
 * Sizes are numbers of one list: cpus, memory, disk, and a number for each kind of device that the
 * agent names. A hub that is not told of a size takes it for boundless.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_OFFER_H
#define HUB_OFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hub/model.h"

struct buffer;
struct err;
struct json;

enum {
	OFFER_CPUS,
	OFFER_MEMORY,
	OFFER_DISK,
	OFFER_DEVICES, /* the first kind of them */
	OFFER_DEVICES_MOST = 8,
	OFFER_SIZES = OFFER_DEVICES + OFFER_DEVICES_MOST,
	OFFER_NAME_BYTES = 64, /* of a kind of device */
	OFFER_WHY_BYTES = 512, /* of a sentence why something is not taken */
};

struct offered_class {
	struct resource_class *class;
	unsigned slots;		      /* tasks of it that the agent takes now */
	uint64_t need[OFFER_SIZES];   /* of each; 0: it reserves none */
	char paused[OFFER_WHY_BYTES]; /* why the agent takes none for now; "": it does */
};

struct offer {
	unsigned free;		    /* slots */
	unsigned total;		    /* of the agent: free / total says how idle it is */
	uint64_t since;		    /* order of arrival */
	char held[OFFER_WHY_BYTES]; /* why the agent's host takes nothing for now; "": it does */
	uint64_t left[OFFER_SIZES];
	char devices[OFFER_DEVICES_MOST][OFFER_NAME_BYTES]; /* the kinds' names; "" where unused */
	struct offered_class classes[MODEL_CLASSES_OF_AGENT];
	unsigned class_count;
};

/* Read "held", and "slots" and the sizes of "free", of a claim; and one of its classes. Fails:
 * ERR_INPUT, ERR_LIMIT. */
int offer_parse_free(struct offer *offer, const struct json *claim, struct err *err);
int offer_parse_class(struct offer *offer, struct offered_class *class, const struct json *item,
		      struct err *err);

/* Number of a class in it; -1: it does not serve it. */
int offer_class(const struct offer *offer, const struct resource_class *class);

/* It takes a task of its class number idx. */
bool offer_has_room(const struct offer *offer, unsigned idx);

/* A task of that class is to have room when others have ended: it is taken, but something is short.
 */
bool offer_is_short(const struct offer *offer, unsigned idx);

/* How short: 0 to 1 of what it needs of the size that is shortest. */
double offer_shortage(const struct offer *offer, unsigned idx);

/* A task of class "by" could go before one of class "kept", which waits for room, without making it
 * wait longer: it takes nothing of what is short, and makes nothing else short. */
bool offer_lets_pass(const struct offer *offer, unsigned by, unsigned kept);

/* Tasks of one class reserve more than those of another: CPUs, then memory, then disk, then
 * devices. Of classes that reserve nothing none is larger than any; one that does is larger than
 * none (than NULL). */
bool offer_is_larger(const struct offer *offer, unsigned idx, const struct offer *than,
		     unsigned than_idx);

/* One task of class is taken off. */
void offer_take(struct offer *offer, const struct resource_class *class);

/* "8 CPUs, 16.0 GiB of memory", what each task of a class reserves; nothing when it reserves
 * nothing. */
void offer_put_need(const struct offer *offer, unsigned idx, struct buffer *text);
/* "16 CPUs where 4 are free": the size that is shortest. */
void offer_put_shortage(const struct offer *offer, unsigned idx, struct buffer *text);

#endif
