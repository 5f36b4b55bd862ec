/*
 * yaml_reader.h - a YAML document being read. Private to format/yaml*.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FORMAT_YAML_READER_H
#define FORMAT_YAML_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/yaml.h"

struct anchor;

struct frame {
	struct node *node;
	size_t base; /* where its children begin on the stack */
};

struct reader {
	const struct yaml_input *input;
	struct arena *arena;
	struct frame frames[YAML_DEPTH_MAX];
	size_t depth;
	struct node **stack;
	size_t stacked, stack_room;
	struct node *root;
	struct anchor *anchors;	    /* newest first */
	void *by_name;		    /* of tsearch(3) */
	struct yaml_totals *totals; /* the caller's, or own */
	struct yaml_totals own;
	unsigned brackets; /* open now */
	unsigned errors, warnings;
};

/* Tell a problem; codes that begin with W are warnings. hint may be NULL. */
void yaml_tell(struct reader *reader, const char *code, uint32_t line, uint32_t column,
	       const char *hint, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* "the file", or with those that were read before it. */
const char *yaml_counted(const struct reader *reader);

/* The arena is full: tells so and returns ERR_LIMIT. */
int yaml_tell_memory(struct reader *reader);

/* Fill a map from its keys and values, which lie on the stack from base on. */
int yaml_end_map(struct reader *reader, struct node *map, size_t base);

/* "&name" before a node; NULL: there is none. A later one of the same name replaces the one before.
 */
int yaml_anchor_add(struct reader *reader, const char *name, struct node *node);
/* What an alias names, from then on used; NULL: nothing. */
struct node *yaml_anchor_find(struct reader *reader, const char *name);
/* Warn of those that no alias named. */
void yaml_anchors_tell_unused(struct reader *reader);
void yaml_anchors_forget(struct reader *reader);

#endif
