/*
 * tree.h - the config as a checked tree: loading it, and asking it for what must be there.
 *
 * The askers tell what is wrong at the node and return false or NULL; "what" is how the
 * thing is called in the message ("job 'build'", "key 'shell'"). A node that is TREE_BAD
 * has been complained about already: they fail on it in silence.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_TREE_H
#define COMPILE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/plan.h"
#include "format/yaml.h"

struct compilation;

enum tree_flag {
	TREE_SEEN = 1 << 0,	/* tree_load() has been here */
	TREE_HAS_TAG = 1 << 1,	/* "<<" in a scalar of the subtree */
	TREE_FROM_TAG = 1 << 2, /* what a whole-scalar "<< x >>" gave: a value, not source text */
	TREE_BAD = 1 << 3,	/* stands for something that was in error */
};

/*
 * Read a file of the compilation. NULL after telling why not; the root is a mapping. There may have
 * been errors (a duplicate key) that leave the rest to be looked at.
 */
struct node *tree_load(struct compilation *c, const char *path, const void *bytes, size_t len);

/* node_map_finish() for a map of the compilation's own: the index of a duplicate, or -1. */
long tree_map_finish(struct compilation *c, struct node *map);

/* Whether node is of the kind; tells E_SHAPE. */
bool
tree_expect(struct compilation *c, const struct node *node, enum node_kind kind, const char *what);

/* The text of a string; NULL and E_TYPE otherwise, with the advice to quote what YAML took for a
 * number. */
const char *tree_string(struct compilation *c, const struct node *node, const char *what);
/* The source text of any scalar but null. */
const char *tree_scalar(struct compilation *c, const struct node *node, const char *what);
/* A string, or a list of strings. */
bool tree_strings(struct compilation *c, const struct node *node, const char *what,
		  struct plan_strings *out);
bool tree_bool(struct compilation *c, const struct node *node, const char *what, bool *out);

/* Required key of a map: tells E_KEY_MISSING at the map. */
struct node *
tree_need(struct compilation *c, const struct node *map, const char *key, const char *what);

/*
 * Every key of the map must be in keys (NULL-terminated); else code (E_... or W_...) at the
 * key, with the nearest name as hint.
 */
void tree_check_keys(struct compilation *c, const struct node *map, const char *const *keys,
		     const char *code, const char *what);
bool tree_is_in(const char *const *keys, const char *key);

/* Keys that only version 2.1 has: tells E_NEEDS_21 for each in a version 2 config. */
void tree_need_21(struct compilation *c, const struct node *map, const char *const *keys);

#endif
