/*
 * hostile_orbs.c - configs that import what is dear to read: as many orbs as may be, each as large
 * as an orb may be.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/compile.h"
#include "hostile.h"

static const char head[] = "version: 2.1\n";
static const char orb_head[] = "version: 2.1\ncommands: {c: {steps: [checkout]}}\n";

enum { IMPORTED = 63 };

static void
repeat(struct buffer *out, unsigned n, const char *text)
{
	unsigned i;

	for (i = 0; i < n; i++)
		buffer_puts(out, text);
}

/* ---- the orbs ---- */

static void
write_comments(struct buffer *out)
{
	buffer_puts(out, orb_head);
	repeat(out, 1400000, "#\n");
}

static void
write_blank_lines(struct buffer *out)
{
	buffer_puts(out, orb_head);
	repeat(out, 2900000, "\n");
}

static void
write_nodes(struct buffer *out)
{
	buffer_printf(out, "%sexamples:\n", orb_head);
	repeat(out, 190000, "- a\n");
}

/* As write_nodes, and then no YAML: others are looked at all the same. */
static void
write_nodes_in_vain(struct buffer *out)
{
	write_nodes(out);
	buffer_puts(out, "\t]\n");
}

static void
write_brackets(struct buffer *out)
{
	unsigned i;

	buffer_printf(out, "%sexamples:\n", orb_head);
	for (i = 0; i < 100; i++) {
		buffer_puts(out, "- ");
		repeat(out, 190, "[");
		repeat(out, 190, "]");
		buffer_puts(out, "\n");
	}
}

static void
write_merges(struct buffer *out)
{
	unsigned i;

	buffer_printf(out, "%sexamples:\n  a: &a {", orb_head);
	for (i = 0; i < 1000; i++)
		buffer_printf(out, "k%u: ,", i);
	buffer_puts(out, "}\n");
	for (i = 0; i < 480; i++)
		buffer_printf(out, "  b%u: {<<: *a}\n", i);
}

static void
write_wrong_keys(struct buffer *out)
{
	unsigned i;

	buffer_puts(out, orb_head);
	for (i = 0; i < 90000; i++)
		buffer_printf(out, "k%u:\n", i);
}

static void
write_bad_commands(struct buffer *out)
{
	unsigned i;

	buffer_puts(out, "version: 2.1\ncommands:\n");
	for (i = 0; i < 60000; i++)
		buffer_printf(out, "  c%u: 1\n", i);
}

static void
write_parameters(struct buffer *out)
{
	unsigned i;

	buffer_puts(out, "version: 2.1\ncommands:\n  c:\n    steps: []\n    parameters:\n");
	for (i = 0; i < 30000; i++)
		buffer_printf(out, "      p%u: {type: string}\n", i);
}

static void
write_imports_itself(struct buffer *out)
{
	buffer_printf(out, "%sorbs: {a: bad/self@1.0.0, b: bad/self@1.0.0}\n", orb_head);
}

static void
write_small(struct buffer *out)
{
	buffer_puts(out, orb_head);
}

static const struct {
	const char *reference;
	void (*write)(struct buffer *out);
} orbs[] = {
	{"bad/comments@1.0.0", write_comments},	    {"bad/blank@1.0.0", write_blank_lines},
	{"bad/nodes@1.0.0", write_nodes},	    {"bad/vain@1.0.0", write_nodes_in_vain},
	{"bad/brackets@1.0.0", write_brackets},	    {"bad/merges@1.0.0", write_merges},
	{"bad/keys@1.0.0", write_wrong_keys},	    {"bad/commands@1.0.0", write_bad_commands},
	{"bad/parameters@1.0.0", write_parameters}, {"bad/self@1.0.0", write_imports_itself},
	{"bad/small@1.0.0", write_small},
};

int
hostile_orb(void *arg, const char *ref, void **bytes, size_t *len, char **path, char **resolved,
	    struct err *err)
{
	struct buffer text = BUFFER_INIT;
	size_t i;

	(void)arg;
	for (i = 0; i < sizeof(orbs) / sizeof(orbs[0]); i++) {
		if (!text_eq(orbs[i].reference, ref))
			continue;
		orbs[i].write(&text);
		*len = text.len;
		*bytes = mem_strndup(buffer_text(&text), text.len);
		*path = mem_strdup(ref);
		*resolved = mem_strdup(ref);
		buffer_release(&text);
		return 0;
	}
	return err_set(err, ERR_GONE, "there is none");
}

/* ---- the configs ---- */

static void
import(struct buffer *out, unsigned n, const char *reference)
{
	unsigned i;

	buffer_printf(out, "%sorbs:\n", head);
	for (i = 0; i < n; i++)
		buffer_printf(out, "  o%u: %s\n", i, reference);
	buffer_puts(out, "jobs: {build: {machine: true, steps: [o0/c, nope]}}\n");
}

#define IMPORTS(name)                                                                              \
	static void import_##name(struct buffer *out)                                              \
	{                                                                                          \
		import(out, IMPORTED, "bad/" #name "@1.0.0");                                      \
	}

IMPORTS(comments)
IMPORTS(blank)
IMPORTS(nodes)
IMPORTS(vain)
IMPORTS(brackets)
IMPORTS(merges)
IMPORTS(keys)
IMPORTS(commands)
IMPORTS(parameters)
IMPORTS(self)
IMPORTS(small)

static void
import_too_many(struct buffer *out)
{
	import(out, 64, "bad/small@1.0.0");
}

static void
import_absent(struct buffer *out)
{
	import(out, 60000, "bad/absent@1.0.0");
}

/* The config itself as dear as may be, and orbs. */
static void
import_beside_nodes(struct buffer *out)
{
	import_nodes(out);
	buffer_puts(out, "x:\n");
	repeat(out, 190000, "- a\n");
}

const struct hostile hostile_orbs[] = {
	{"63 orbs of 1,400,000 comments", import_comments, "E_YAML_LIMIT"},
	{"63 orbs of 2,900,000 blank lines", import_blank, "E_YAML_LIMIT"},
	{"63 orbs of 190,000 list items", import_nodes, "E_YAML_LIMIT"},
	{"63 orbs of 190,000 list items, and then no YAML", import_vain, "E_YAML_LIMIT"},
	{"63 orbs of 100 times 190 brackets", import_brackets, "E_YAML_LIMIT"},
	{"63 orbs of 480,000 merged keys", import_merges, "E_YAML_LIMIT"},
	{"63 orbs of 90,000 keys that no orb has", import_keys, "E_ORB_KEY"},
	{"63 orbs of 60,000 commands in error", import_commands, "E_SHAPE"},
	{"63 orbs of 30,000 parameters", import_parameters, "E_YAML_LIMIT"},
	{"an orb that imports itself, twice", import_self, "E_LIMIT"},
	{"63 orbs", import_small, "E_CMD_UNKNOWN"},
	{"64 orbs", import_too_many, "E_LIMIT"},
	{"60,000 orbs that are not there", import_absent, "E_LIMIT"},
	{"a config of 190,000 list items, and 63 orbs of as many", import_beside_nodes,
	 "E_YAML_LIMIT"},
	{NULL, NULL, NULL},
};
