/*
 * refusal_test.c - configs that would harm: each ends with the code it should, within its memory.
 *
 * Every one is compiled in a process of its own, whose most resident memory is looked at.
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
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/poison.h"
#include "compile/compile.h"

/* CPU_MOST_S tells what does not end from what does, on any machine. */
enum { MEMORY_MOST_KIB = 64 << 10, CPU_MOST_S = 60 };

static const char head[] = "version: 2.1\n";
static const char job[] = "jobs: {b: {machine: true, steps: [checkout]}}\n";

static void
repeat(struct buffer *out, unsigned n, const char *text)
{
	unsigned i;

	for (i = 0; i < n; i++)
		buffer_puts(out, text);
}

/* ---- the configs ---- */

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
write_deep(struct buffer *out)
{
	buffer_puts(out, "version: 2.1\na: ");
	repeat(out, 100000, "[");
	repeat(out, 100000, "]");
}

static void
write_laughs(struct buffer *out)
{
	int i;

	buffer_puts(out, "version: 2.1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (i = 1; i < 12; i++) {
		buffer_printf(out, "a%d: &a%d [", i, i);
		repeat(out, 9, i % 2 ? "*a0, " : "x, ");
		buffer_printf(out, "*a%d, *a%d, *a%d, *a%d, *a%d]\n", i - 1, i - 1, i - 1, i - 1,
			      i - 1);
	}
}

static void
write_cyclic_alias(struct buffer *out)
{
	buffer_puts(out, "version: 2.1\na: &a {b: [*a]}\n");
}

static void
write_duplicates(struct buffer *out)
{
	buffer_puts(out, head);
	repeat(out, 200000, "a: 1\n");
}

static void
write_unknown_commands(struct buffer *out)
{
	int i;

	buffer_printf(out, "%scommands:\n", head);
	for (i = 0; i < 20000; i++)
		buffer_printf(out, "  co%d: {steps: []}\n", i);
	buffer_puts(out, "jobs: {build: {machine: true, steps: [");
	for (i = 0; i < 60000; i++)
		buffer_printf(out, "command%d,\n", i);
	buffer_puts(out, "checkout]}}\n");
}

static void
write_command_bomb(struct buffer *out)
{
	int i;

	buffer_printf(out, "%scommands:\n  c0: {steps: [{run: make}]}\n", head);
	for (i = 1; i < 12; i++)
		buffer_printf(out, "  c%d: {steps: [c%d, c%d, c%d, c%d, c%d, c%d]}\n", i, i - 1,
			      i - 1, i - 1, i - 1, i - 1, i - 1);
	buffer_puts(out, "jobs: {build: {machine: true, steps: [c11]}}\n");
}

static void
write_text_bomb(struct buffer *out)
{
	int i;

	buffer_printf(
		out,
		"%scommands:\n"
		"  c0: {parameters: {t: {type: string}}, steps: [{run: << parameters.t >>}]}\n",
		head);
	for (i = 1; i < 30; i++)
		buffer_printf(out,
			      "  c%d: {parameters: {t: {type: string}}, steps: [c%d: {t: "
			      "'<< parameters.t >><< parameters.t >>'}]}\n",
			      i, i - 1);
	buffer_puts(out, "jobs: {build: {machine: true, steps: [c29: {t: text}]}}\n");
}

static void
write_unused_bomb(struct buffer *out)
{
	write_command_bomb(out);
	buffer_puts(out, "workflows: {w: {jobs: [hold: {type: approval}]}}\n");
}

static void
write_matrix(struct buffer *out)
{
	int i;

	buffer_printf(out,
		      "%sjobs: {b: {machine: true, parameters: {v: {type: integer}}, steps: "
		      "[checkout]}}\n"
		      "workflows: {w: {jobs: [{b: {matrix: {parameters: {v: [",
		      head);
	for (i = 0; i < 1000; i++)
		buffer_printf(out, "%d,", i);
	buffer_puts(out, "]}, exclude: [");
	for (i = 0; i < 200000; i++)
		buffer_printf(out, "{v: %d},", i % 1000);
	buffer_puts(out, "]}}}]}}\n");
}

static void
write_matrix_product(struct buffer *out)
{
	buffer_printf(
		out,
		"%sjobs: {b: {machine: true, parameters: {p: {type: integer}, q: {type: integer}}, "
		"steps: [checkout]}}\nworkflows: {w: {jobs: [{b: {matrix: {parameters: {p: [",
		head);
	repeat(out, 1000, "1,");
	buffer_puts(out, "], q: [");
	repeat(out, 1000, "1,");
	buffer_puts(out, "]}}}}]}}\n");
}

static void
write_jobs(struct buffer *out)
{
	int i;

	buffer_printf(out, "%s%sworkflows: {w: {jobs: [", head, job);
	for (i = 0; i < 1001; i++)
		buffer_printf(out, "{b: {name: j%d}},", i);
	buffer_puts(out, "]}}\n");
}

static void
write_cycle(struct buffer *out)
{
	int i;

	buffer_printf(out, "%s%sworkflows: {w: {jobs: [", head, job);
	for (i = 0; i < 1000; i++)
		buffer_printf(out, "{b: {name: j%d, requires: [j%d]}},", i, (i + 1) % 1000);
	buffer_puts(out, "]}}\n");
}

/* A thousand jobs in four rows, each job waiting for all of the row before. */
static void
write_crowded_cycle(struct buffer *out)
{
	int i, k;

	buffer_printf(out, "%s%sworkflows: {w: {jobs: [", head, job);
	for (i = 0; i < 1000; i++) {
		buffer_printf(out, "{b: {name: j%d, requires: [", i);
		for (k = (i + 1) % 4; k < 1000; k += 4)
			buffer_printf(out, "j%d,", k);
		buffer_puts(out, "]}},");
	}
	buffer_puts(out, "]}}\n");
}

static void
write_regexes(struct buffer *out)
{
	int i;

	buffer_printf(out, "%s%sworkflows: {w: {jobs: [", head, job);
	for (i = 0; i < 900; i++)
		buffer_printf(
			out,
			"{b: {name: j%d, filters: {branches: {only: '/((a+)+b?)+[b-d]x?%d?/'}}}},",
			i, i);
	buffer_puts(out, "]}}\n");
}

/* Each stays below the limit of one match: all of them would take minutes. */
static void
write_many_slow_regexes(struct buffer *out)
{
	buffer_printf(out, "%s%sworkflows: {w: {jobs: [{b: {filters: {branches: {only: [", head, job);
	repeat(out, 20000, "'/a*a*a*a*a*[x-z]/',");
	buffer_puts(out, "]}}}}]}}\n");
}

/* The same pattern of 4,000 bytes, 40,000 times. */
static void
write_many_long_regexes(struct buffer *out)
{
	buffer_printf(out, "%sx: &x '/", head);
	repeat(out, 800, "(a|b)");
	buffer_printf(out, "/'\n%sworkflows: {w: {jobs: [{b: {filters: {branches: {only: [", job);
	repeat(out, 40000, "*x,");
	buffer_puts(out, "]}}}}]}}\n");
}

static void
write_logic(struct buffer *out)
{
	buffer_printf(out, "%s", head);
	buffer_puts(out,
		    "jobs: {build: {machine: true, steps: [when: {steps: [checkout], condition: ");
	repeat(out, 120, "{not: ");
	buffer_puts(out, "true");
	repeat(out, 120, "}");
	buffer_puts(out, "}]}}\n");
}

static void
write_nested_expression(struct buffer *out)
{
	buffer_printf(out, "%sjobs: {build: {machine: true, steps: [run: '<< ", head);
	repeat(out, 100000, "not (");
	buffer_puts(out, " >>']}}\n");
}

static void
write_variables(struct buffer *out)
{
	int i;

	buffer_printf(out, "%sjobs: {build: {machine: true, steps: [checkout], environment: {",
		      head);
	for (i = 0; i < 150000; i++)
		buffer_printf(out, "K%d: 1,", i);
	buffer_puts(out, "}}}\n");
}

static void
write_workflows(struct buffer *out)
{
	int i;

	buffer_printf(out, "%s%sworkflows:\n", head, job);
	for (i = 0; i < 100000; i++)
		buffer_printf(out, "  w%d: {jobs: [b]}\n", i);
}

static const struct refusal {
	const char *name;
	void (*write)(struct buffer *out);
	const char *code; /* of one of its errors; NULL: it compiles */
} refusals[] = {
	{"an empty file", write_empty, "E_YAML_EMPTY"},
	{"more than 3 MiB", write_too_large, "E_YAML_LIMIT"},
	{"bytes that are no UTF-8", write_not_utf8, "E_YAML_UTF8"},
	{"an escaped NUL", write_nul_escape, "E_YAML_NUL"},
	{"100,000 levels", write_deep, "E_YAML_LIMIT"},
	{"a billion laughs", write_laughs, "E_YAML_LIMIT"},
	{"an alias within its anchor", write_cyclic_alias, "E_YAML_CYCLE"},
	{"200,000 equal keys", write_duplicates, "E_YAML_DUPKEY"},
	{"60,000 unknown commands", write_unknown_commands, "E_CMD_UNKNOWN"},
	{"commands that multiply", write_command_bomb, "E_LIMIT"},
	{"text that doubles", write_text_bomb, "E_LIMIT"},
	{"commands that multiply, not called", write_unused_bomb, NULL},
	{"200,000 exclusions", write_matrix, "E_MATRIX_EMPTY"},
	{"a million combinations", write_matrix_product, "E_LIMIT"},
	{"1,001 jobs", write_jobs, "E_LIMIT"},
	{"a cycle of 1,000 jobs", write_cycle, "E_CYCLE"},
	{"a crowd of cycles", write_crowded_cycle, "E_CYCLE"},
	{"regular expressions that go back", write_regexes, "E_REGEX"},
	{"many regular expressions that nearly take too long", write_many_slow_regexes, "E_LIMIT"},
	{"a long regular expression, many times", write_many_long_regexes, "E_LIMIT"},
	{"logic of 120 levels", write_logic, "E_LIMIT"},
	{"an expression of 100,000 levels", write_nested_expression, "E_SUBST_SYNTAX"},
	{"150,000 variables", write_variables, "E_LIMIT"},
	{"100,000 workflows", write_workflows, "E_LIMIT"},
};

/* ---- compiling ---- */

/* 0 where it ends as it should; otherwise tells what came, for whoever reads the log. */
static int
compile_one(const struct refusal *refusal, struct buffer *text)
{
	static const char branch[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	const struct compile_input input = {.path = "config.yml",
					    .bytes = buffer_text(text),
					    .len = text->len,
					    .branch = branch,
					    .policy = {true, FEATURE_ALL}};
	struct buffer shown = BUFFER_INIT;
	struct diags *diags;
	struct plan *plan;
	bool is_told = refusal->code == NULL;
	int ret, status;
	size_t i;

	ret = compile(&input, &plan, &diags);
	for (i = 0; i < diags_count(diags) && !is_told; i++)
		is_told = diags_at(diags, i)->severity == DIAG_ERROR &&
			  strcmp(diags_at(diags, i)->code, refusal->code) == 0;
	status = !is_told || (ret < 0) != (refusal->code != NULL);
	diags_print(diags, &shown, false);
	if (status != 0)
		(void)fprintf(stderr, "%s: %.2000s\n", refusal->name, buffer_text(&shown));
	buffer_release(&shown);
	plan_free(plan);
	diags_free(diags);
	return status;
}

static void
test_refusal(void **state)
{
	const struct refusal *refusal = *state;
	const struct rlimit cpu = {CPU_MOST_S, CPU_MOST_S};
	struct rusage usage;
	int status;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct buffer text = BUFFER_INIT;

		(void)setrlimit(RLIMIT_CPU, &cpu);
		refusal->write(&text);
		status = compile_one(refusal, &text);
		buffer_release(&text);
		_exit(status);
	}
	assert_int_equal(wait4(pid, &status, 0, &usage), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
#ifndef POISON_WITH_ASAN
	assert_in_range(usage.ru_maxrss, 0, MEMORY_MOST_KIB);
#endif
}

int
main(void)
{
	struct CMUnitTest tests[sizeof(refusals) / sizeof(refusals[0])] = {0};
	size_t i;

	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		tests[i].name = refusals[i].name;
		tests[i].test_func = test_refusal;
		tests[i].initial_state = (void *)(uintptr_t)&refusals[i];
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("refusal", tests, i, NULL, NULL);
}
