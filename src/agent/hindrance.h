/*
 * hindrance.h - what keeps this host from claiming a task, as a word and as a sentence.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_HINDRANCE_H
#define AGENT_HINDRANCE_H

#include <stddef.h>
#include <stdint.h>

struct claim;
struct headroom;
struct hub_link;
struct slots;

enum { HINDRANCE_WHY_BYTES = 640 };

/* From FULL on it is tasks that it has. */
#define HINDRANCES(X)                                                                              \
	X(NONE, none)                                                                              \
	X(DRAINING, draining)                                                                      \
	X(STOPPED, stopped)                                                                        \
	X(REFUSED, token_refused)                                                                  \
	X(AWAY, hub_away)                                                                          \
	X(UNANSWERED, unanswered)                                                                  \
	X(FAILING, claims_fail)                                                                    \
	X(HOST, host_cannot)                                                                       \
	X(DISK, disk_low)                                                                          \
	X(PRESSED, host_pressed)                                                                   \
	X(FULL, slots_full)                                                                        \
	X(RESERVED, all_reserved)                                                                  \
	X(PAUSED, class_paused)

#define X(upper, name) HINDRANCE_##upper,
enum hindrance { HINDRANCES(X) HINDRANCE_COUNT };
#undef X

/* What is asked; all is borrowed. */
struct hindrance_facts {
	uint64_t now_us;       /* of the loop's clock */
	const char *drain_why; /* NULL: it does not drain */
	size_t tasks;	       /* that it has */
	unsigned stuck;	       /* of these: killed processes of theirs do not end */
	const struct slots *slots;
	const struct claim *claim;
	const struct hub_link *link;
	const struct headroom *headroom;
	const char *untaken;	/* why it could not take a task */
	uint64_t take_again_us; /* until then it claims none for that */
};

const char *hindrance_name(enum hindrance hindrance);

/* The first that holds. The sentence goes into room, also where there is none. */
enum hindrance hindrance_find(const struct hindrance_facts *facts, char room[HINDRANCE_WHY_BYTES]);

/* The same of what lies between us and the hub, or is this host's, tasks aside; where there is none
 * room is left alone. */
enum hindrance
hindrance_find_trouble(const struct hindrance_facts *facts, char room[HINDRANCE_WHY_BYTES]);

/* Of these what the host itself is short of. */
enum hindrance hindrance_find_shortage(const struct headroom *headroom, char room[HINDRANCE_WHY_BYTES]);

#endif
