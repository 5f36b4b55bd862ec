/*
 * limit_test.c - each limit of what a config may write, from both sides: what comes up to it
 * compiles, one more is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "compile/compile.h"

struct limit {
	const char *name;
	void (*write)(struct buffer *out, unsigned n);
	unsigned most;
	const char *code; /* of one more */
	const char *says; /* part of its sentence */
};

static const char head[] = "version: 2.1\n";
static const char job[] = "jobs: {b: {machine: true, steps: [checkout]}}\n";

static void
repeat(struct buffer *out, unsigned n, const char *text)
{
	unsigned i;

	for (i = 0; i < n; i++)
		buffer_puts(out, text);
}

/* ---- what has n of something ---- */

static void
write_bytes(struct buffer *out, unsigned n)
{
	buffer_printf(out, "%s%sworkflows: {w: {jobs: [b]}}\n", head, job);
	repeat(out, n - (unsigned)out->len, "#");
}

static void
write_jobs(struct buffer *out, unsigned n)
{
	unsigned i;

	buffer_printf(out, "%s%sworkflows: {w: {jobs: [", head, job);
	for (i = 0; i < n; i++)
		buffer_printf(out, "{b: {name: j%u}},", i);
	buffer_puts(out, "]}}\n");
}

/* n combinations, of which 900 are jobs: a workflow cannot have as many as a matrix. */
static void
write_combinations(struct buffer *out, unsigned n)
{
	unsigned i;

	buffer_printf(out,
		      "%sjobs: {b: {machine: true, parameters: {v: {type: integer}}, steps: "
		      "[checkout]}}\nworkflows: {w: {jobs: [{b: {matrix: {parameters: {v: [",
		      head);
	for (i = 0; i < n; i++)
		buffer_printf(out, "%u,", i);
	buffer_puts(out, "]}, exclude: [");
	for (i = 900; i < n; i++)
		buffer_printf(out, "{v: %u},", i);
	buffer_puts(out, "]}}}]}}\n");
}

static void
write_commands(struct buffer *out, unsigned n)
{
	unsigned i;

	buffer_printf(out, "%scommands:\n", head);
	for (i = 1; i < n; i++)
		buffer_printf(out, "  c%u: {steps: [c%u]}\n", i, i + 1);
	buffer_printf(out,
		      "  c%u: {steps: [checkout]}\njobs: {build: {machine: true, steps: [c1]}}\n",
		      n);
}

static void
write_logic(struct buffer *out, unsigned n)
{
	buffer_printf(out, "%s%sworkflows: {w: {when: ", head, job);
	repeat(out, n, "{not: ");
	buffer_puts(out, "true");
	repeat(out, n, "}");
	buffer_puts(out, ", jobs: [b]}}\n");
}

static void
write_expression(struct buffer *out, unsigned n)
{
	buffer_printf(out, "%s%sworkflows: {w: {when: << ", head, job);
	repeat(out, n, "(");
	buffer_puts(out, "true == true");
	repeat(out, n, ")");
	buffer_puts(out, " >>, jobs: [b]}}\n");
}

static void
write_contexts(struct buffer *out, unsigned n)
{
	unsigned i;

	buffer_printf(out, "%s%sworkflows: {w: {jobs: [{b: {context: [", head, job);
	for (i = 0; i < n; i++)
		buffer_printf(out, "c%u,", i);
	buffer_puts(out, "]}}]}}\n");
}

static void
write_serial_group(struct buffer *out, unsigned n)
{
	buffer_printf(out, "%s%sworkflows: {w: {jobs: [{b: {serial-group: ", head, job);
	repeat(out, n, "x");
	buffer_puts(out, "}}]}}\n");
}

static void
write_cache_key(struct buffer *out, unsigned n)
{
	buffer_printf(out,
		      "%sjobs: {build: {machine: true, steps: [{save_cache: {paths: [a], key: ",
		      head);
	repeat(out, n, "k");
	buffer_puts(out, "}}]}}\n");
}

static void
write_parameters(struct buffer *out, unsigned n)
{
	unsigned i;

	buffer_printf(out, "%sparameters:\n", head);
	for (i = 0; i < n; i++)
		buffer_printf(out, "  p%u: {type: string, default: a}\n", i);
	buffer_printf(out, "%sworkflows: {w: {jobs: [b]}}\n", job);
}

/* Numbers, not the limits' names: a limit that is changed is a promise that is changed. */
static const struct limit limits[] = {
	{"bytes", write_bytes, 3 << 20, "E_YAML_LIMIT", "the limit is 3145728"},
	{"jobs of a workflow", write_jobs, 1000, "E_LIMIT", "more than 1000 jobs"},
	{"combinations of a matrix", write_combinations, 1024, "E_LIMIT",
	 "more than 1024 combinations"},
	{"commands in commands", write_commands, 50, "E_LIMIT", "deeper than 50 levels"},
	{"levels of logic", write_logic, 100, "E_LIMIT", "deeper than 100 levels"},
	{"levels of an expression", write_expression, 99, "E_SUBST_SYNTAX", "nested too deeply"},
	{"contexts", write_contexts, 100, "E_LIMIT", "more than 100 contexts"},
	{"bytes of a serial group's name", write_serial_group, 512, "E_SERIAL_GROUP",
	 "cannot be the name of a serial group"},
	{"bytes of a cache key", write_cache_key, 900, "E_LIMIT", "901 bytes, the limit is 900"},
	{"parameters of a trigger", write_parameters, 100, "E_LIMIT",
	 "101 pipeline parameters are supplied, the limit is 100"},
};

/* ---- compiling ---- */

struct parameter_name {
	char text[16];
};

/* Those that write_parameters() declares; no other reads them. */
static struct compile_value *
make_parameters(struct parameter_name *names, unsigned n)
{
	struct compile_value *values = MEM_NEW_ARRAY(struct compile_value, n);
	unsigned i;

	for (i = 0; i < n; i++) {
		(void)snprintf(names[i].text, sizeof(names[i].text), "p%u", i);
		values[i].name = names[i].text;
		values[i].type = COMPILE_STRING;
		values[i].string = "x";
	}
	return values;
}

/* Whether it compiles; if not, it is because of the limit. */
static bool
compiles(const struct limit *limit, unsigned n)
{
	struct buffer text = BUFFER_INIT;
	const unsigned supplied = limit->write == write_parameters ? n : 0;
	struct parameter_name *names = MEM_NEW_ARRAY(struct parameter_name, supplied);
	struct compile_value *parameters = make_parameters(names, supplied);
	struct compile_input input = {.path = "config.yml",
				      .branch = "main",
				      .parameters = parameters,
				      .policy = {true, FEATURE_ALL}};
	struct diags *diags;
	struct plan *plan;
	int ret;

	limit->write(&text, n);
	input.bytes = buffer_text(&text);
	input.len = text.len;
	input.parameter_count = supplied;
	ret = compile(&input, &plan, &diags);
	if (ret < 0) {
		assert_string_equal(diags_at(diags, 0)->code, limit->code);
		assert_non_null(strstr(diags_at(diags, 0)->message, limit->says));
	}
	plan_free(plan);
	diags_free(diags);
	buffer_release(&text);
	free(parameters);
	free(names);
	return ret == 0;
}

static void
test_limit(void **state)
{
	const struct limit *limit = *state;

	assert_true(compiles(limit, limit->most));
	assert_false(compiles(limit, limit->most + 1));
}

int
main(void)
{
	struct CMUnitTest tests[sizeof(limits) / sizeof(limits[0])] = {{0}};
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		tests[i].name = limits[i].name;
		tests[i].test_func = test_limit;
		tests[i].initial_state = (void *)(uintptr_t)&limits[i];
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
