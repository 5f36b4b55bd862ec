/*
 * needles.h - a set of byte strings, and the automaton that finds all of them in one pass.
 *
 * Aho-Corasick. A node's first child is the node behind it, so that a string costs its bytes
 * and only branches need a table: ten bytes a node when it is linked. A step costs constant time in
 * the mean, whatever the strings are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_NEEDLES_H
#define TASK_NEEDLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NEEDLE_MOST_BYTES = 4096,	      /* of one string */
	NEEDLES_MOST_NODES = 4 * 1024 * 1024, /* about the bytes of all strings */
};

struct needle_branch {
	uint32_t from, to; /* to == 0: free */
};

struct needle_head {
	uint32_t node, parent;
};

struct needles {
	uint32_t count, room;
	unsigned char *byte; /* that leads to the node */
	unsigned char *flags;
	uint16_t *depth;
	uint16_t *found; /* length of the longest string that ends in the node; 0: none */
	uint32_t *fail;	 /* the node of the longest proper suffix */
	/* Parents of nodes that neither follow theirs nor hang on the root, in the nodes' order. */
	struct needle_head *heads;
	uint32_t head_count, head_room;
	struct needle_branch *branches;
	uint32_t branch_count, branch_room;
	uint32_t root[256];
};

void needles_init(struct needles *needles);
void needles_release(struct needles *needles); /* its strings are wiped from memory */

/* Into what holds nothing. The copy has yet to be linked. */
void needles_copy(struct needles *needles, const struct needles *from);

/* Add bytes (1..NEEDLE_MOST_BYTES of them). False when the set is full: nothing is added then. */
bool needles_add(struct needles *needles, const unsigned char *bytes, size_t len);

/* Give back the room that was taken for more; linking does so too. */
void needles_fit(struct needles *needles);

/* Make what needles_step() needs; again when something was added since. */
void needles_link(struct needles *needles);

/* Child of a node by c, or the best that is left of it; node 0 is where nothing is begun. */
uint32_t needles_step(const struct needles *needles, uint32_t node, unsigned char c);

/* Does a string end in the node itself? */
bool needles_is_end(const struct needles *needles, uint32_t node);

/* The first len bytes (at most its depth) of what leads to a node. */
void needles_prefix(const struct needles *needles, uint32_t node, size_t len, unsigned char *room);

#endif
