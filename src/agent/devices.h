/*
 * devices.h - what this host has by the piece: GPUs, boards, licences, each one task's at a time.
 *
 * devices_kind() and devices_add() from the settings -> devices_take() / devices_give(). What a
 * task holds is said in words, KIND:NAME, with spaces between: so it survives a restart and new
 * settings, in which kinds and pieces may have other numbers. A zeroed struct has none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_DEVICES_H
#define AGENT_DEVICES_H

#include <stdbool.h>
#include <stdint.h>

struct buffer;
struct err;

enum {
	DEVICES_KINDS_MOST = 8,
	DEVICES_MOST = 256, /* of all kinds together */
	DEVICES_NAME_BYTES = 64,
};

struct device {
	uint8_t kind;
	bool taken;
	char name[DEVICES_NAME_BYTES]; /* "0", "/dev/nvidia0" */
};

struct devices {
	char kinds[DEVICES_KINDS_MOST][DEVICES_NAME_BYTES]; /* "gpu"; "" where unused */
	struct device all[DEVICES_MOST];
	unsigned count;
};

/* Number of a kind, made when it is new. Fails: ERR_INPUT (a name that no variable could have),
 * ERR_LIMIT. */
int devices_kind(struct devices *devices, const char *name, unsigned *kind, struct err *err);

/* One more piece of a kind. Fails: ERR_INPUT (blanks in its name, or it is there), ERR_LIMIT. */
int devices_add(struct devices *devices, unsigned kind, const char *name, struct err *err);

unsigned devices_count(const struct devices *devices, unsigned kind);

/* Take n pieces of a kind, the first that are free, and append their words. Returns how many there
 * were. */
unsigned devices_take(struct devices *devices, unsigned kind, unsigned n, struct buffer *words);

/* Take what the words name, and give it back; words of other nouns, and of pieces that are not
 * here any more, are passed over. counts: how many of each kind were taken. */
void
devices_retake(struct devices *devices, const char *words, uint32_t counts[DEVICES_KINDS_MOST]);
void devices_give(struct devices *devices, const char *words);

/* Names of the pieces in words, with commas between: of the kind, or of every one (NULL). */
void devices_names(const char *words, const char *kind, struct buffer *out);

#endif
