/*
 * yaml_test.c - the tree made of YAML text: types, merges, anchors, bounds, marks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/err.h"
#include "format/yaml.h"

/* What reading a text gave: the tree in short, or the problems. */
struct result {
	struct arena arena;
	struct buffer problems; /* "CODE LINE:COLUMN;" each */
	struct node *root;
	int ret;
};

static void
on_problem(void *arg, const struct yaml_problem *problem)
{
	struct result *result = arg;

	buffer_printf(&result->problems, "%s %u:%u;", problem->code, problem->line,
		      problem->column);
}

static void
read_bytes(struct result *result, const void *bytes, size_t len, size_t limit)
{
	struct yaml_input input = {
		.bytes = bytes, .len = len, .problem = on_problem, .arg = result};

	memset(result, 0, sizeof(*result));
	arena_init(&result->arena, limit);
	result->ret = yaml_read(&input, &result->arena, &result->root);
}

static void
release(struct result *result)
{
	arena_release(&result->arena);
	buffer_release(&result->problems);
}

static void
put_node(struct buffer *out, const struct node *node)
{
	uint32_t i;

	if (node->kind == NODE_SEQ) {
		buffer_puts(out, "[");
		for (i = 0; i < node->count; i++) {
			buffer_puts(out, i > 0 ? "," : "");
			put_node(out, node->items[i]);
		}
		buffer_puts(out, "]");
	} else if (node->kind == NODE_MAP) {
		buffer_puts(out, "{");
		for (i = 0; i < node->count; i++) {
			buffer_printf(out, "%s%s=", i > 0 ? "," : "", node->pairs[i].key->text);
			put_node(out, node->pairs[i].value);
		}
		buffer_puts(out, "}");
	} else if (node->kind == NODE_INT) {
		buffer_printf(out, "int:%lld", (long long)node->integer);
	} else if (node->kind == NODE_FLOAT) {
		buffer_printf(out, "float:%g", node->real);
	} else if (node->kind == NODE_BOOL) {
		buffer_puts(out, node->boolean ? "yes" : "no");
	} else if (node->kind == NODE_NULL) {
		buffer_puts(out, "null");
	} else {
		buffer_printf(out, "'%s'", node->text);
	}
}

static void
expect_tree(const char *text, const char *expected)
{
	struct result result;
	struct buffer got = BUFFER_INIT;

	read_bytes(&result, text, strlen(text), 0);
	assert_int_equal(result.ret, 0);
	put_node(&got, result.root);
	assert_string_equal(buffer_text(&got), expected);
	buffer_release(&got);
	release(&result);
}

/* These leave a tree to look at further. */
static bool
is_of_the_tree(const char *problems)
{
	return strstr(problems, "E_YAML_DUPKEY") != NULL ||
	       strstr(problems, "E_YAML_MERGE") != NULL || strstr(problems, "E_YAML_TAG") != NULL;
}

static void
expect_problems(const char *text, size_t len, int ret, const char *expected)
{
	struct result result;

	read_bytes(&result, text, len, 0);
	assert_int_equal(result.ret, ret);
	assert_string_equal(buffer_text(&result.problems), expected);
	if (ret < 0)
		assert_true((result.root != NULL) == is_of_the_tree(expected));
	release(&result);
}

static void
test_yaml_types_plain_scalars_as_version_1_1_does(void **state)
{
	(void)state;
	expect_tree("[true, True, TRUE, tRUE, yes, No, ON, off, y, n]",
		    "[yes,yes,yes,'tRUE',yes,no,yes,no,'y','n']");
	expect_tree("[~, null, Null, NULL, nULL, '']", "[null,null,null,null,'nULL','']");
	expect_tree(
		"[0, 12, -3, +4, 0x1f, 0b101, 0755, 1_000, _1, 0x, 08, 1a]",
		"[int:0,int:12,int:-3,int:4,int:31,int:5,int:493,int:1000,'_1','0x','08','1a']");
	expect_tree("[1.5, 1., .5, 1e3, -2.5E-1, .inf, -.INF, 1.2.3, ., '1.5', 1e]",
		    "[float:1.5,float:1,float:0.5,float:1000,float:-0.25,float:inf,float:-inf,"
		    "'1.2.3','.','1.5','1e']");
	expect_tree("[9223372036854775807, -9223372036854775808, 9223372036854775808]",
		    "[int:9223372036854775807,int:-9223372036854775808,float:9.22337e+18]");
	expect_tree("[2019-01-01, 22:22, 12:30:45]", "['2019-01-01','22:22','12:30:45']");
}

static void
test_yaml_block_and_quoted_scalars_are_strings(void **state)
{
	(void)state;
	expect_tree("a: |\n  1\nb: >-\n  yes\n  no\nc: \"1\"\nd: !!str 1\n",
		    "{a='1\n',b='yes no',c='1',d='1'}");
}

static void
test_yaml_merge_keeps_own_keys_and_first_source(void **state)
{
	(void)state;
	expect_tree("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {<<: [*x, *y], a: 9}\n",
		    "{x={a=int:1,b=int:2},y={b=int:3,c=int:4},z={b=int:2,c=int:4,a=int:9}}");
	expect_tree("x: &x {a: 1}\nz: {\"<<\": *x}\n", "{x={a=int:1},z={<<={a=int:1}}}");
	expect_tree("z: {<<: {}}", "{z={}}");
	expect_problems("z: {<<: 1}", 10, ERR_INPUT, "E_YAML_MERGE 1:5;");
	expect_problems("z: {<<: [{a: 1}, [b]]}", 22, ERR_INPUT, "E_YAML_MERGE 1:5;");
}

static void
test_yaml_merge_of_many_keys_is_looked_up(void **state)
{
	char text[8000];
	struct result result;
	size_t n = 0;
	int i;

	(void)state;
	n += (size_t)snprintf(text, sizeof(text), "x: &x {");
	for (i = 0; i < 300; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "k%d: %d, ", i, i);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "}\nz: {<<: *x, k7: own}\n");
	read_bytes(&result, text, n, 0);
	assert_int_equal(result.ret, 0);
	assert_int_equal(node_get(node_get(result.root, "z"), "k299")->integer, 299);
	assert_string_equal(node_get(node_get(result.root, "z"), "k7")->text, "own");
	assert_int_equal(node_get(result.root, "z")->count, 300);
	assert_null(node_get(node_get(result.root, "z"), "k300"));
	release(&result);
}

static void
test_yaml_tells_duplicates_where_the_second_stands(void **state)
{
	(void)state;
	expect_problems("a: 1\nb: 2\na: 3\n", 15, ERR_INPUT, "E_YAML_DUPKEY 3:1;");
	expect_problems("{a: {x: 1, x: 2}, b: {y: 1, y: 2}}", 34, ERR_INPUT,
			"E_YAML_DUPKEY 1:12;E_YAML_DUPKEY 1:29;");
	expect_problems("{a: 1, b: 2, b: 3, a: 4, a: 5}", 30, ERR_INPUT,
			"E_YAML_DUPKEY 1:14;E_YAML_DUPKEY 1:20;E_YAML_DUPKEY 1:26;");
}

static void
test_yaml_aliases_share_and_cycles_are_refused(void **state)
{
	struct result result;

	(void)state;
	read_bytes(&result, "a: &a [1]\nb: *a\n", 16, 0);
	assert_int_equal(result.ret, 0);
	assert_ptr_equal(node_get(result.root, "a"), node_get(result.root, "b"));
	release(&result);
	expect_problems("a: &a [*a]", 10, ERR_INPUT, "E_YAML_CYCLE 1:8;");
	expect_problems("a: *b", 5, ERR_INPUT, "E_YAML_ALIAS 1:4;");
	expect_problems("a: &a 1", 7, 0, "W_YAML_ANCHOR 1:4;");
}

static void
test_yaml_refuses_what_is_no_text(void **state)
{
	(void)state;
	expect_problems("", 0, ERR_INPUT, "E_YAML_EMPTY 1:1;");
	expect_problems("a: b\0c", 6, ERR_INPUT, "E_YAML_NUL 1:5;");
	expect_problems("a: 1\nb: \xff", 9, ERR_INPUT, "E_YAML_UTF8 2:4;");
	expect_problems("a: \"\\0\"", 7, ERR_INPUT, "E_YAML_NUL 1:4;");
	expect_problems("a: 1\n--- \nb: 2\n", 15, ERR_INPUT, "E_YAML_MULTIDOC 2:1;");
	expect_problems("a: !x 1", 7, ERR_INPUT, "E_YAML_TAG 1:4;");
	expect_problems("a:\n\tb: 1\n", 9, ERR_INPUT, "E_YAML_SYNTAX 2:1;");
}

static void
test_yaml_stops_after_so_many_errors(void **state)
{
	struct buffer text = BUFFER_INIT;
	struct result result;
	size_t told = 0, i;

	(void)state;
	for (i = 0; i < 1000; i++)
		buffer_puts(&text, "a: !x 1\n");
	read_bytes(&result, buffer_text(&text), text.len, 0);
	for (i = 0; i < result.problems.len; i++)
		told += buffer_text(&result.problems)[i] == ';';
	assert_int_equal(told, YAML_ERRORS_MAX);
	assert_int_equal(result.ret, ERR_INPUT);
	assert_null(result.root);
	release(&result);
	buffer_release(&text);
}

static void
test_yaml_takes_byte_order_mark_and_crlf(void **state)
{
	struct result result;
	static const char text[] = "\xef\xbb\xbf"
				   "a: 1\r\nb: \xc3\xa9 x\r\n";

	(void)state;
	read_bytes(&result, text, sizeof(text) - 1, 0);
	assert_int_equal(result.ret, 0);
	assert_string_equal(node_get(result.root, "b")->text, "\xc3\xa9 x");
	assert_int_equal(node_get(result.root, "b")->line, 2);
	assert_int_equal(node_get(result.root, "b")->column, 4);
	release(&result);
}

static void
test_yaml_bounds_depth_nodes_bytes_and_memory(void **state)
{
	static char text[YAML_BYTES_MAX + 2];
	struct result result;
	size_t n, i;

	(void)state;
	memset(text, '[', 201);
	memset(text + 201, ']', 201);
	expect_problems(text, 402, ERR_LIMIT, "E_YAML_LIMIT 1:201;");
	expect_problems(text + 1, 400, 0, "");

	n = (size_t)snprintf(text, sizeof(text), "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (i = 1; i < 9; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "a%zu: &a%zu [*a%zu,*a%zu,*a%zu,*a%zu,*a%zu,*a%zu,*a%zu]\n",
				      i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	read_bytes(&result, text, n, 0);
	assert_int_equal(result.ret, ERR_LIMIT);
	assert_non_null(strstr(buffer_text(&result.problems), "E_YAML_LIMIT"));
	release(&result);

	memset(text, 'x', sizeof(text));
	expect_problems(text, YAML_BYTES_MAX + 1, ERR_LIMIT, "E_YAML_LIMIT 0:0;");

	n = (size_t)snprintf(text, sizeof(text), "[");
	for (i = 0; i < 20000; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "0,");
	text[n++] = ']';
	read_bytes(&result, text, n, 1 << 20);
	assert_int_equal(result.ret, ERR_LIMIT);
	assert_string_equal(buffer_text(&result.problems), "E_YAML_LIMIT 0:0;");
	release(&result);
}

/* What is written reads back as the same tree, and is written the same again. */
static void
expect_written(const char *text)
{
	struct buffer first = BUFFER_INIT, second = BUFFER_INIT, was = BUFFER_INIT,
		      is = BUFFER_INIT;
	struct result before, after;
	struct err err = ERR_INIT;

	read_bytes(&before, text, strlen(text), 0);
	assert_int_equal(before.ret, 0);
	assert_int_equal(yaml_write(before.root, &first, &err), 0);
	read_bytes(&after, first.data, first.len, 0);
	assert_int_equal(after.ret, 0);
	assert_int_equal(yaml_write(after.root, &second, &err), 0);
	put_node(&was, before.root);
	put_node(&is, after.root);
	assert_string_equal(buffer_text(&is), buffer_text(&was));
	assert_string_equal(buffer_text(&second), buffer_text(&first));
	buffer_release(&first);
	buffer_release(&second);
	buffer_release(&was);
	buffer_release(&is);
	release(&before);
	release(&after);
}

static void
test_yaml_write_gives_what_reads_back_as_the_same(void **state)
{
	(void)state;
	expect_written(
		"a: yes\nb: 'yes'\nc: \"3.10\"\nd: 3.10\ne: ~\nf:\ng: ''\nh: 0755\ni: '0755'\n");
	expect_written("- |\n  a\n\n   b\n- >-\n  folded\n  text\n- |+\n  kept\n\n- "
		       "\"tab\\tand\\nline\"\n");
	expect_written("on: x\n? 'a: b'\n: [1, [], {}, {c: '<< x >>'}]\n'#': ' # no comment'\n");
	expect_written("x: &a {k: [1, 2]}\ny: *a\nz: {<<: *a, l: 'é ✓'}\n");
}

static void
test_yaml_write_stops_at_the_limit(void **state)
{
	struct buffer out;
	struct result result;
	struct err err = ERR_INIT;

	(void)state;
	read_bytes(&result, "[aaaa, bbbb, cccc]", 18, 0);
	buffer_init(&out, 8);
	assert_int_equal(yaml_write(result.root, &out, &err), ERR_LIMIT);
	buffer_release(&out);
	release(&result);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_yaml_types_plain_scalars_as_version_1_1_does),
		cmocka_unit_test(test_yaml_block_and_quoted_scalars_are_strings),
		cmocka_unit_test(test_yaml_merge_keeps_own_keys_and_first_source),
		cmocka_unit_test(test_yaml_merge_of_many_keys_is_looked_up),
		cmocka_unit_test(test_yaml_tells_duplicates_where_the_second_stands),
		cmocka_unit_test(test_yaml_aliases_share_and_cycles_are_refused),
		cmocka_unit_test(test_yaml_refuses_what_is_no_text),
		cmocka_unit_test(test_yaml_stops_after_so_many_errors),
		cmocka_unit_test(test_yaml_takes_byte_order_mark_and_crlf),
		cmocka_unit_test(test_yaml_bounds_depth_nodes_bytes_and_memory),
		cmocka_unit_test(test_yaml_write_gives_what_reads_back_as_the_same),
		cmocka_unit_test(test_yaml_write_stops_at_the_limit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
