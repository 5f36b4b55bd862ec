/*
 * needles.h - a set of byte strings, and the automaton that finds all of them in one pass.
 *
 * Aho-Corasick. A node's first child is the node behind it, so that a string is a chain of nodes
 * and costs two bytes each; only branches need a table. Of most nodes the longest suffix that is a
 * node too is one byte or none, which needs no room; the others' stand aside. A step costs constant
 * time in the mean, whatever the strings are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_NEEDLES_H
#define TASK_NEEDLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "task/sparse.h"

enum {
	NEEDLE_MOST_BYTES = 4096,	      /* of one string */
	NEEDLES_MOST_NODES = 4 * 1024 * 1024, /* about the bytes of all strings */
};

struct needle_linking;

struct needle_branch {
	uint32_t from, to; /* to == 0: free */
};

/* Where a chain begins. */
struct needle_head {
	uint32_t node, parent;
	uint32_t depth; /* of the node */
};

struct needles {
	uint32_t count, room;
	unsigned char *byte; /* that leads to the node */
	unsigned char *flags;
	struct needle_head *heads; /* in the nodes' order */
	uint32_t head_count, head_room;
	struct needle_branch *branches;
	uint32_t branch_count, branch_room;
	struct sparse fails;  /* nodes of the longest proper suffixes, of two bytes or more */
	struct sparse founds; /* lengths of the longest strings that end in a node */
	struct needle_linking *linking; /* begun and not over; NULL: none */
	uint32_t root[256];
};

/* A node and how many bytes lead to it; all zero is where nothing is begun. */
struct needle_place {
	uint32_t node, depth;
};

void needles_init(struct needles *needles);
void needles_release(struct needles *needles); /* its strings are wiped from memory */

/* Add bytes (1..NEEDLE_MOST_BYTES of them). False when the set is full: nothing is added then. */
bool needles_add(struct needles *needles, const unsigned char *bytes, size_t len);

/*
 * Make some of what needles_step() needs: of about so many nodes. True when all is there, and to be
 * called again from then on only when something was added.
 */
bool needles_link(struct needles *needles, size_t most);

/*
 * To the child by c, or the best that is left of it. Returns the length of the longest string that
 * ends there; 0: none.
 */
uint32_t needles_step(const struct needles *needles, struct needle_place *place, unsigned char c);

/* How many bytes lead to a node. */
uint32_t needles_depth(const struct needles *needles, uint32_t node);

/* Call for each node of a depth from least to most. */
typedef void needles_node_fn(void *arg, uint32_t node);
void needles_visit(const struct needles *needles, uint32_t least, uint32_t most,
		   needles_node_fn *fn, void *arg);

/* Does a string end in the node itself? */
bool needles_is_end(const struct needles *needles, uint32_t node);

/* The first len bytes (at most its depth) of what leads to a node. */
void needles_prefix(const struct needles *needles, uint32_t node, size_t len, unsigned char *room);

#endif
