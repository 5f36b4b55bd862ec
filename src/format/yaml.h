/*
 * yaml.h - YAML text as a checked tree with marks; libyaml stays behind it.
 *
 * One document. Aliases and merge keys are resolved: an aliased subtree is the same
 * node reached twice, a "<<" merge is gone. Scalars have the types of YAML 1.1's core
 * schema as CircleCI reads it: booleans are true false yes no on off in lower case,
 * Capitalised and UPPER CASE; y and n are strings; integers are decimal, 0x, 0b or with
 * a leading 0 octal; no dates, no sexagesimal. A quoted or block scalar is a string.
 *
 * Everything lives in the caller's arena; nothing is changed once it is read, but for
 * the fields that say so. Strings hold no NUL and are valid UTF-8.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FORMAT_YAML_H
#define FORMAT_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buffer;
struct err;

/*
 * What is read has bounds so that no file takes libyaml longer than a few ordinary large ones do:
 * its time goes by nodes, for each token by the brackets that are open, and by the square of the
 * %TAG directives.
 */
enum {
	YAML_DEPTH_MAX = 200,
	YAML_NODES_MAX = 1000000,  /* aliases expanded */
	YAML_WRITTEN_MAX = 200000, /* nodes as written: values, keys, lists, mappings, aliases */
	YAML_BRACKETS_MAX = 20,	   /* open ones that make no node dear */
	YAML_ENCLOSED_MAX = 20000, /* nodes within more of them */
	YAML_ANCHORS_MAX = 10000,
	YAML_TAG_DIRECTIVES_MAX = 16,
	YAML_BYTES_MAX = 3 << 20,
	YAML_ERRORS_MAX = 20,
	YAML_WARNINGS_MAX = 200
};

enum node_kind {
	NODE_NULL,
	NODE_BOOL,
	NODE_INT,
	NODE_FLOAT,
	NODE_STRING,
	NODE_SEQ,
	NODE_MAP,
	NODE_KIND_COUNT
};

enum node_style { NODE_PLAIN, NODE_QUOTED, NODE_BLOCK };

struct node;

struct pair {
	struct node *key; /* a scalar; keys are compared by their text, whatever their kind */
	struct node *value;
};

struct node {
	uint8_t kind;	 /* enum node_kind */
	uint8_t style;	 /* enum node_style; scalars */
	uint8_t source;	 /* yaml_input.source: which of the caller's files it is from */
	uint8_t flags;	 /* the tree's owner's; 0 from yaml_read() */
	uint32_t line;	 /* from 1 */
	uint32_t column; /* from 1, in characters */
	uint32_t count;	 /* items, pairs, or bytes of text */
	uint32_t weight; /* nodes of the subtree, shared ones counted each time */
	uint16_t height; /* levels below */
	bool has_anchor; /* "&name" stands before it */
	union {
		struct {
			const char *text; /* scalars: as written, quotes and escapes resolved */
			union {
				bool boolean;
				int64_t integer;
				double real;
			};
		};
		struct node **items;
		struct {
			struct pair *pairs; /* merged ones first, then the mapping's own */
			uint32_t *sorted;   /* private: order by key, where there are many */
		};
	};
	const void *home; /* the tree's owner's; NULL from yaml_read() */
};

struct yaml_problem {
	bool is_warning;
	const char *code; /* "E_YAML_SYNTAX"; warnings "W_..." */
	uint32_t line;	  /* from 1 */
	uint32_t column;
	const char *message;
	const char *hint; /* or NULL */
};

/* What files have come to against those of the bounds that count. */
struct yaml_totals {
	size_t bytes;
	uint32_t expanded; /* nodes, aliased ones counted each time */
	uint32_t written;  /* the same as they are written */
	uint32_t enclosed; /* of those, within more than YAML_BRACKETS_MAX brackets */
	unsigned anchors;
};

/* The problem is borrowed for the call. */
typedef void yaml_problem_fn(void *arg, const struct yaml_problem *problem);

struct yaml_input {
	const void *bytes;
	size_t len;
	uint8_t source; /* copied to every node */
	/* The bounds hold for all files that are read with the same (zeroed before the first);
	 * NULL: for this one. */
	struct yaml_totals *totals;
	yaml_problem_fn *problem;
	void *arg;
};

/*
 * Read one document. Problems are told as they are met, up to YAML_ERRORS_MAX errors and
 * YAML_WARNINGS_MAX warnings.
 * Fails: ERR_INPUT after at least one error was told; ERR_LIMIT when a bound (one of those above,
 * the arena's ceiling) was met, told as E_YAML_LIMIT. *root is then NULL, but for
 * errors that leave a tree to look at further (duplicate keys, tags): it is that tree.
 */
int yaml_read(const struct yaml_input *input, struct arena *arena, struct node **root);

/* The value at a key, or NULL; map may be NULL or no map (NULL then). */
struct node *node_get(const struct node *map, const char *key);
/* The same with its key. */
const struct pair *node_get_pair(const struct node *map, const char *key);

/* "a string", "an integer", "a list", ...: for messages. */
const char *node_kind_name(enum node_kind kind);

/* Give a scalar (text and count set) the kind and value that plain text has; *octal: it was 0755.
 */
void yaml_scalar_resolve(struct node *scalar, bool *octal);

/* Whether a plain scalar's text reads as something else than a string; for writers. */
bool yaml_is_ambiguous(const char *text);

/*
 * Append a tree (a mapping or a list) as a YAML document in block style. Scalars keep the style
 * they were written in as far as it can say them. out may have a limit. Fails: ERR_LIMIT.
 */
int yaml_write(const struct node *root, struct buffer *out, struct err *err);

/*
 * For those who build trees of their own: order a map's pairs for node_get(), count its
 * weight and height. Returns the index of a pair whose key another pair before it has,
 * or -1; -2 when the arena is full.
 */
long node_map_finish(struct node *map, struct arena *arena);
/* Mark each pair (is_shadowed[0..count), all false) whose key another before it has. -2: arena
 * full. */
int node_map_mark_shadowed(const struct node *map, bool *is_shadowed, struct arena *arena);
void node_seq_finish(struct node *seq);

#endif
