/*
 * hostile_yaml.c - configs that make reading YAML dear.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/buffer.h"
#include "hostile.h"

static const char head[] = "version: 2.1\n";

static void
repeat(struct buffer *out, unsigned n, const char *text)
{
	unsigned i;

	for (i = 0; i < n; i++)
		buffer_puts(out, text);
}

/* ---- bytes ---- */

static void
write_empty(struct buffer *out)
{
	(void)out;
}

static void
write_too_large(struct buffer *out)
{
	buffer_puts(out, head);
	repeat(out, (3 << 20) / 16 + 1, "# 16 characters\n");
}

static void
write_not_utf8(struct buffer *out)
{
	buffer_puts(out, "version: 2.1\na: \xc3\x28\n");
}

static void
write_nul_escape(struct buffer *out)
{
	buffer_puts(out, "version: 2.1\na: \"\\0\"\n");
}

static void
write_comments(struct buffer *out)
{
	buffer_puts(out, head);
	repeat(out, 1400000, "#\n");
}

static void
write_blank_lines(struct buffer *out)
{
	buffer_puts(out, head);
	repeat(out, 2900000, "\n");
}

static void
write_plain_scalar(struct buffer *out)
{
	buffer_printf(out, "%sa: ", head);
	repeat(out, 1400000, "a ");
}

static void
write_escapes(struct buffer *out)
{
	buffer_printf(out, "%sa: \"", head);
	repeat(out, 700000, "\\x41");
	buffer_puts(out, "\"\n");
}

static void
write_folded_lines(struct buffer *out)
{
	buffer_printf(out, "%sa: >\n", head);
	repeat(out, 900000, " a\n");
}

/* ---- nodes ---- */

static void
write_list(struct buffer *out)
{
	buffer_printf(out, "%sa:\n", head);
	repeat(out, 700000, "- a\n");
}

static void
write_flow_list(struct buffer *out)
{
	buffer_printf(out, "%sa: [", head);
	repeat(out, 1400000, "a,");
	buffer_puts(out, "]\n");
}

static void
write_empty_lists(struct buffer *out)
{
	buffer_printf(out, "%sa: [", head);
	repeat(out, 1000000, "[],");
	buffer_puts(out, "]\n");
}

static void
write_single_pairs(struct buffer *out)
{
	buffer_printf(out, "%sa: [", head);
	repeat(out, 600000, "a: ,");
	buffer_puts(out, "]\n");
}

static void
write_deep(struct buffer *out)
{
	buffer_printf(out, "%sa: ", head);
	repeat(out, 100000, "[");
	repeat(out, 100000, "]");
}

/* libyaml looks at each open bracket for every token. */
static void
write_list_in_brackets(struct buffer *out)
{
	buffer_printf(out, "%sa: ", head);
	repeat(out, 198, "[");
	repeat(out, 1000000, "a,");
	repeat(out, 198, "]");
}

static void
write_many_deep(struct buffer *out)
{
	unsigned i;

	buffer_printf(out, "%sa: [", head);
	for (i = 0; i < 7000; i++) {
		repeat(out, 197, "[");
		repeat(out, 197, "]");
		buffer_puts(out, ",");
	}
	buffer_puts(out, "]\n");
}

static void
write_many_indents(struct buffer *out)
{
	unsigned i, k;

	buffer_puts(out, head);
	for (i = 0; i < 160; i++) {
		for (k = 0; k < 190; k++)
			buffer_printf(out, "%*sa%u:\n", (int)k, "", i);
	}
}

/* ---- keys ---- */

static void
write_duplicates(struct buffer *out)
{
	buffer_puts(out, head);
	repeat(out, 300000, "a: 1234\n");
}

static void
write_keys(struct buffer *out)
{
	unsigned i;

	buffer_puts(out, head);
	for (i = 0; i < 220000; i++)
		buffer_printf(out, "a%u: 1\n", i * 7919 % 220000);
}

static void
write_long_keys(struct buffer *out)
{
	unsigned i;

	buffer_puts(out, head);
	for (i = 0; i < 3000; i++) {
		repeat(out, 110, "12345678");
		buffer_printf(out, "%u: 1\n", i * 7919 % 3000);
	}
}

/* ---- anchors and merge keys ---- */

static void
write_tag_directives(struct buffer *out)
{
	unsigned i;

	for (i = 0; i < 100000; i++)
		buffer_printf(out, "%%TAG !a%u! !\n", i);
	buffer_printf(out, "---\n%s", head);
}

static void
write_tags(struct buffer *out)
{
	buffer_printf(out, "%%TAG !a! !\n---\n%sa: [", head);
	repeat(out, 300000, "!a!b c,");
	buffer_puts(out, "]\n");
}

static void
write_anchors(struct buffer *out)
{
	unsigned i;

	buffer_printf(out, "%sa: [", head);
	for (i = 0; i < 230000; i++)
		buffer_printf(out, "&a%u a,", i);
	buffer_puts(out, "]\n");
}

static void
write_aliases(struct buffer *out)
{
	buffer_printf(out, "%sy: &a 1\na: [", head);
	repeat(out, 700000, "*a ,");
	buffer_puts(out, "]\n");
}

static void
write_laughs(struct buffer *out)
{
	int i;

	buffer_printf(out, "%sa0: &a0 [x, x, x, x, x, x, x, x, x, x]\n", head);
	for (i = 1; i < 12; i++) {
		buffer_printf(out, "a%d: &a%d [", i, i);
		repeat(out, 9, i % 2 ? "*a0, " : "x, ");
		buffer_printf(out, "*a%d, *a%d, *a%d, *a%d, *a%d]\n", i - 1, i - 1, i - 1, i - 1,
			      i - 1);
	}
}

/* Just below a million nodes, which is then walked where no key is known. */
static void
write_large_aliases(struct buffer *out)
{
	buffer_printf(out, "%sx-a: &a [", head);
	repeat(out, 1000, "a,");
	buffer_puts(out, "]\n");
	buffer_puts(out, "nobody: [");
	repeat(out, 980, "*a ,");
	buffer_puts(out, "]\n");
}

static void
write_cyclic_alias(struct buffer *out)
{
	buffer_puts(out, "version: 2.1\na: &a {b: [*a]}\n");
}

static void
write_merges(struct buffer *out)
{
	unsigned i;

	buffer_printf(out, "%sx-a: &a {", head);
	for (i = 0; i < 1000; i++)
		buffer_printf(out, "k%u: v,", i);
	buffer_puts(out, "}\nx-b: [");
	repeat(out, 480, "{<<: *a},");
	buffer_puts(out, "]\n");
}

/* Each merges the one before and adds a key: n * n pairs. */
static void
write_merge_chain(struct buffer *out)
{
	unsigned i;

	buffer_printf(out, "%sx-a: [&a0 {}", head);
	for (i = 1; i < 50000; i++)
		buffer_printf(out, ",&a%u {<<: *a%u, k%u: 1}", i, i - 1, i);
	buffer_puts(out, "]\n");
}

static void
write_merge_keys(struct buffer *out)
{
	buffer_printf(out, "%sx-a: &a {k: v}\nx-b: {", head);
	repeat(out, 200000, "<<: *a ,");
	buffer_puts(out, "}\n");
}

static void
write_merge_list(struct buffer *out)
{
	buffer_printf(out, "%sx-a: &a {k: v, l: w}\nx-b: {<<: [", head);
	repeat(out, 190000, "*a ,");
	buffer_puts(out, "]}\n");
}

const struct hostile hostile_yaml[] = {
	{"an empty file", write_empty, "E_YAML_EMPTY"},
	{"more than 3 MiB", write_too_large, "E_YAML_LIMIT"},
	{"bytes that are no UTF-8", write_not_utf8, "E_YAML_UTF8"},
	{"an escaped NUL", write_nul_escape, "E_YAML_NUL"},
	{"1,400,000 comments", write_comments, "E_NO_BUILD_JOB"},
	{"2,900,000 blank lines", write_blank_lines, "E_NO_BUILD_JOB"},
	{"a line of 2.8 MB", write_plain_scalar, "E_NO_BUILD_JOB"},
	{"700,000 escapes", write_escapes, "E_NO_BUILD_JOB"},
	{"900,000 folded lines", write_folded_lines, "E_NO_BUILD_JOB"},
	{"700,000 list items", write_list, "E_YAML_LIMIT"},
	{"1,400,000 items in brackets", write_flow_list, "E_YAML_LIMIT"},
	{"a million empty lists", write_empty_lists, "E_YAML_LIMIT"},
	{"600,000 mappings of one pair", write_single_pairs, "E_YAML_LIMIT"},
	{"100,000 levels", write_deep, "E_YAML_LIMIT"},
	{"a million items in 198 brackets", write_list_in_brackets, "E_YAML_LIMIT"},
	{"7,000 times 197 brackets", write_many_deep, "E_YAML_LIMIT"},
	{"160 times 190 levels of indentation", write_many_indents, "E_NO_BUILD_JOB"},
	{"300,000 equal keys", write_duplicates, "E_YAML_LIMIT"},
	{"220,000 keys", write_keys, "E_YAML_LIMIT"},
	{"3,000 long keys", write_long_keys, "E_NO_BUILD_JOB"},
	{"100,000 tag directives", write_tag_directives, "E_YAML_LIMIT"},
	{"300,000 tags", write_tags, "E_YAML_TAG"},
	{"230,000 anchors", write_anchors, "E_YAML_LIMIT"},
	{"700,000 aliases", write_aliases, "E_YAML_LIMIT"},
	{"a billion laughs", write_laughs, "E_YAML_LIMIT"},
	{"aliases of large lists", write_large_aliases, "E_NO_BUILD_JOB"},
	{"an alias within its anchor", write_cyclic_alias, "E_YAML_CYCLE"},
	{"480,000 merged keys", write_merges, "E_NO_BUILD_JOB"},
	{"a chain of merges", write_merge_chain, "E_YAML_LIMIT"},
	{"200,000 merge keys of one mapping", write_merge_keys, "E_YAML_LIMIT"},
	{"a merge of 190,000 mappings", write_merge_list, "E_NO_BUILD_JOB"},
	{NULL, NULL, NULL},
};
