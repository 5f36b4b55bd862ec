/*
 * hostile_steps.c - configs that make commands, steps and text dear to compile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/buffer.h"
#include "hostile.h"

static const char head[] = "version: 2.1\n";
static const char job[] = "jobs: {b: {machine: true, steps: [checkout]}}\n";

static void
repeat(struct buffer *out, unsigned n, const char *text)
{
	unsigned i;

	for (i = 0; i < n; i++)
		buffer_puts(out, text);
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
write_large_enum(struct buffer *out)
{
	int i;

	buffer_printf(out, "%scommands: {c: {parameters: {e: {type: enum, enum: [", head);
	for (i = 0; i < 100000; i++)
		buffer_printf(out, "e%d,", i);
	buffer_puts(out, "]}}, steps: []}}\njobs: {build: {machine: true, steps: [");
	repeat(out, 18000, "{c: {e: e99999}},");
	buffer_puts(out, "nope]}}\n");
}

static void
write_many_parameters(struct buffer *out)
{
	int i;

	buffer_printf(out, "%scommands: {c: {parameters: {", head);
	for (i = 0; i < 20000; i++)
		buffer_printf(out, "p%d: {type: string, default: a},", i);
	buffer_puts(out, "}, steps: []}}\njobs: {build: {machine: true, steps: [");
	repeat(out, 20000, "c,");
	buffer_puts(out, "]}}\n");
}

static void
write_unexpected_arguments(struct buffer *out)
{
	int i;

	buffer_printf(out, "%scommands: {c: {parameters: {", head);
	for (i = 0; i < 13000; i++)
		buffer_printf(out, "parameter%d: {type: string, default: a},", i);
	buffer_puts(out, "}, steps: []}}\njobs: {build: {machine: true, steps: [{c: {");
	for (i = 0; i < 50000; i++)
		buffer_printf(out, "argument%d: 1,", i);
	buffer_puts(out, "}}]}}\n");
}

static void
write_fan_out(struct buffer *out)
{
	int i;

	buffer_printf(out, "%scommands:\n  c0: {steps: []}\n", head);
	for (i = 1; i < 49; i++)
		buffer_printf(out, "  c%d: {steps: [c%d, c%d]}\n", i, i - 1, i - 1);
	buffer_puts(out, "jobs: {build: {machine: true, steps: [c48]}}\n");
}

static void
write_steps_of_steps(struct buffer *out)
{
	int i;

	buffer_printf(out, "%scommands:\n", head);
	buffer_puts(out,
		    "  c0: {parameters: {s: {type: steps}}, steps: [steps: << parameters.s >>]}\n");
	for (i = 1; i < 45; i++)
		buffer_printf(
			out,
			"  c%d: {parameters: {s: {type: steps}}, steps: [c%d: {s: [{steps: << "
			"parameters.s >>}, {steps: << parameters.s >>}]}]}\n",
			i, i - 1);
	buffer_puts(out, "jobs: {build: {machine: true, steps: [c44: {s: [run: make]}]}}\n");
}

static void
write_command_chain(struct buffer *out)
{
	int i;

	buffer_printf(out, "%scommands:\n  c0: {steps: [checkout]}\n", head);
	for (i = 1; i < 30000; i++)
		buffer_printf(out, "  c%d: {steps: [c%d]}\n", i, i - 1);
	buffer_puts(out, "jobs: {build: {machine: true, steps: [c29999]}}\n");
}

static void
write_command_circle(struct buffer *out)
{
	int i;

	buffer_printf(out, "%scommands:\n", head);
	for (i = 0; i < 30000; i++)
		buffer_printf(out, "  c%d: {steps: [c%d]}\n", i, (i + 1) % 30000);
	buffer_puts(out, "jobs: {build: {machine: true, steps: [c0]}}\n");
}

static void
write_pre_steps(struct buffer *out)
{
	int i;

	buffer_printf(out, "%s%sx-s: &s [", head, job);
	repeat(out, 800, "{run: make},");
	buffer_puts(out, "]\nworkflows: {w: {jobs: [");
	for (i = 0; i < 400; i++)
		buffer_printf(out, "{b: {name: j%d, pre-steps: *s, post-steps: [nope]}},", i);
	buffer_puts(out, "]}}\n");
}

static void
write_tags_in_text(struct buffer *out)
{
	buffer_printf(out, "%sjobs:\n  build:\n    machine: true\n    steps:\n      - run: |\n",
		      head);
	repeat(out, 70000, "          echo << pipeline.number >> x\n");
	buffer_puts(out, "          << nope >>\n");
}

/* Text that is dear to look through, with mistakes at its end, filled in again and again. */
static void
write_mistakes_in_text(struct buffer *out)
{
	int i;

	buffer_printf(out, "%scommands:\n  c:\n    steps:\n      - run: |\n", head);
	repeat(out, 190000, "          \\<<\n");
	for (i = 0; i < 150; i++)
		buffer_printf(out, "          << parameters.nope%d >>\n", i);
	buffer_puts(out, "jobs: {build: {machine: true, steps: [");
	repeat(out, 1000, "c,");
	buffer_puts(out, "]}}\n");
}

static void
write_same_mistake(struct buffer *out)
{
	buffer_printf(out, "%scommands:\n  c: {steps: [run: << parameters.nope >>]}\n", head);
	buffer_puts(out, "jobs: {build: {machine: true, steps: [");
	repeat(out, 180000, "c,");
	buffer_puts(out, "]}}\n");
}

static void
write_open_tags(struct buffer *out)
{
	buffer_printf(out, "%sjobs: {build: {machine: true, steps: [run: '", head);
	repeat(out, 1400000, "<<");
	buffer_puts(out, "']}}\n");
}

static void
write_backslashes(struct buffer *out)
{
	buffer_printf(out, "%sjobs: {build: {machine: true, steps: [run: '", head);
	repeat(out, 2800000, "\\");
	buffer_puts(out, "<< nope >>']}}\n");
}

static void
write_open_sections(struct buffer *out)
{
	buffer_printf(out, "%sjobs: {build: {machine: true, steps: [run: '", head);
	repeat(out, 100000, "<<# pipeline.number >>");
	buffer_puts(out, "']}}\n");
}

static void
write_sections(struct buffer *out)
{
	buffer_printf(out, "%sjobs: {build: {machine: true, steps: [run: '", head);
	repeat(out, 50000, "<<# pipeline.number >>x<</ pipeline.number >>");
	buffer_puts(out, "<< nope >>']}}\n");
}

static void
write_long_expression(struct buffer *out)
{
	buffer_printf(out, "%sjobs: {build: {machine: true, steps: [run: '<< ", head);
	repeat(out, 100000, "pipeline.number == 8 or ");
	buffer_puts(out, "nope >>']}}\n");
}

static void
write_wide_logic(struct buffer *out)
{
	buffer_printf(out,
		      "%sjobs: {build: {machine: true, steps: [when: {steps: [nope], "
		      "condition: {and: [",
		      head);
	repeat(out, 45000, "{or: [true]},");
	buffer_puts(out, "]}}]}}\n");
}

static void
write_doubling_logic(struct buffer *out)
{
	int i;

	buffer_printf(out, "%sx-l: [&a0 true", head);
	for (i = 1; i < 16; i++)
		buffer_printf(out, ", &a%d {and: [*a%d, *a%d]}", i, i - 1, i - 1);
	buffer_puts(out, "]\njobs: {build: {machine: true, steps: [");
	repeat(out, 2, "{when: {condition: *a15, steps: [nope]}},");
	buffer_puts(out, "]}}\n");
}

static void
write_nested_whens(struct buffer *out)
{
	int i;

	buffer_printf(out, "%sx-s: [&a0 {run: make}", head);
	for (i = 1; i < 15; i++)
		buffer_printf(out, ", &a%d {when: {condition: true, steps: [*a%d, *a%d]}}", i,
			      i - 1, i - 1);
	buffer_puts(out, "]\njobs: {build: {machine: true, steps: [*a14, *a14, nope]}}\n");
}

static void
write_equal_operands(struct buffer *out)
{
	int i;

	buffer_printf(out, "%sx-a: &a [", head);
	repeat(out, 1000, "a,");
	buffer_puts(out,
		    "]\njobs: {build: {machine: true, steps: [when: {steps: [nope], condition: "
		    "{equal: [");
	for (i = 0; i < 900; i++)
		buffer_puts(out, "*a ,");
	buffer_puts(out, "]}}]}}\n");
}

static void
write_long_unknown_name(struct buffer *out)
{
	int i;

	buffer_printf(out, "%scommands:\n", head);
	for (i = 0; i < 40000; i++)
		buffer_printf(out, "  command%d: {steps: []}\n", i);
	buffer_puts(out, "jobs: {build: {machine: true, steps: [&a ");
	repeat(out, 1600000, "c");
	buffer_puts(out, ",");
	repeat(out, 100, "*a ,");
	buffer_puts(out, "]}}\n");
}

/* One line: mistakes at its begin and at its end in turn. */
static void
write_mistakes_in_a_line(struct buffer *out)
{
	int i;

	buffer_printf(out, "%scommands: {a: {steps: [", head);
	for (i = 0; i < 100; i++)
		buffer_printf(out, "a%d,", i);
	buffer_puts(out, "]}, x: {description: '");
	repeat(out, 2700000, "x");
	buffer_puts(out, "', steps: []}, b: {steps: [");
	for (i = 0; i < 100; i++)
		buffer_printf(out, "b%d,", i);
	buffer_puts(out, "]}}\njobs: {build: {machine: true, steps: [");
	repeat(out, 2000, "a, b,");
	buffer_puts(out, "]}}\n");
}

static void
write_step_environment(struct buffer *out)
{
	int i;

	buffer_printf(out, "%sx-e: &e {", head);
	for (i = 0; i < 1000; i++)
		buffer_printf(out, "V%d: v,", i);
	buffer_puts(out, "}\njobs: {build: {machine: true, steps: [");
	repeat(out, 480, "{run: {command: make, environment: *e}},");
	buffer_puts(out, "nope]}}\n");
}

static void
write_shell_words(struct buffer *out)
{
	buffer_printf(out, "%sjobs: {build: {machine: true, shell: '", head);
	repeat(out, 1400000, "a ");
	buffer_puts(out, "', steps: [nope]}}\n");
}

static void
write_cache_keys(struct buffer *out)
{
	buffer_printf(out, "%sjobs: {build: {machine: true, steps: [restore_cache: {keys: [", head);
	repeat(out, 100000, "'v1-{{ .Branch }}',");
	buffer_puts(out, "]}, nope]}}\n");
}

static void
write_expression_again(struct buffer *out)
{
	buffer_printf(out, "%sx-e: &e '<< ", head);
	repeat(out, 50000, "pipeline.number == 8 or ");
	buffer_puts(out, "true >>'\njobs: {build: {machine: true, steps: [");
	repeat(out, 1000, "{run: *e},");
	buffer_puts(out, "nope]}}\n");
}

static void
write_text_again(struct buffer *out)
{
	buffer_printf(out, "%sx-e: &e '", head);
	repeat(out, 100000, "\\<< x ");
	buffer_puts(out, "<< pipeline.number >>'\njobs: {build: {machine: true, steps: [");
	repeat(out, 1000, "{run: *e},");
	buffer_puts(out, "nope]}}\n");
}

static void
write_cache_keys_again(struct buffer *out)
{
	buffer_printf(out, "%sx-k: &k {keys: [", head);
	repeat(out, 1000, "'v1-{{ .Branch }}-{{ checksum \"a\" }}-{{ arch }}',");
	buffer_puts(out, "]}\njobs: {build: {machine: true, steps: [");
	repeat(out, 900, "{restore_cache: *k},");
	buffer_puts(out, "nope]}}\n");
}

static void
write_shell_again(struct buffer *out)
{
	buffer_printf(out, "%sx-s: &s '", head);
	repeat(out, 100000, "a ");
	buffer_puts(out, "'\njobs: {build: {machine: true, steps: [");
	repeat(out, 1000, "{run: {command: make, shell: *s}},");
	buffer_puts(out, "nope]}}\n");
}

static void
write_logic_again(struct buffer *out)
{
	buffer_printf(out, "%sx-l: &l {and: [", head);
	repeat(out, 900, "{equal: [a, a]},");
	buffer_puts(out, "]}\njobs: {build: {machine: true, steps: [");
	repeat(out, 200, "{when: {condition: *l, steps: []}},");
	buffer_puts(out, "nope]}}\n");
}

const struct hostile hostile_steps[] = {
	{"60,000 unknown commands", write_unknown_commands, "E_CMD_UNKNOWN"},
	{"commands that multiply", write_command_bomb, "E_LIMIT"},
	{"text that doubles", write_text_bomb, "E_LIMIT"},
	{"commands that multiply, not called", write_unused_bomb, NULL},
	{"logic of 120 levels", write_logic, "E_LIMIT"},
	{"an expression of 100,000 levels", write_nested_expression, "E_SUBST_SYNTAX"},
	{"an enum of 100,000", write_large_enum, "E_LIMIT"},
	{"a command of 20,000 parameters", write_many_parameters, "E_LIMIT"},
	{"50,000 unexpected arguments", write_unexpected_arguments, "E_ARG_UNEXPECTED"},
	{"commands that double", write_fan_out, "E_LIMIT"},
	{"steps parameters that double", write_steps_of_steps, "E_LIMIT"},
	{"a chain of 30,000 commands", write_command_chain, "E_LIMIT"},
	{"a circle of 30,000 commands", write_command_circle, "E_LIMIT"},
	{"320,000 pre-steps", write_pre_steps, "E_LIMIT"},
	{"70,000 tags in a text", write_tags_in_text, "E_VAR_UNKNOWN"},
	{"mistakes at the end of a text, again and again", write_mistakes_in_text, "E_LIMIT"},
	{"the same mistake 180,000 times", write_same_mistake, "E_LIMIT"},
	{"1,400,000 open tags", write_open_tags, "E_SUBST_UNCLOSED"},
	{"2,800,000 backslashes", write_backslashes, "E_VAR_UNKNOWN"},
	{"100,000 open sections", write_open_sections, "E_SUBST_SECTION"},
	{"50,000 sections", write_sections, "E_VAR_UNKNOWN"},
	{"an expression of 2.4 MB", write_long_expression, "E_VAR_UNKNOWN"},
	{"logic of 45,000 operands", write_wide_logic, "E_CMD_UNKNOWN"},
	{"logic that doubles", write_doubling_logic, "E_CMD_UNKNOWN"},
	{"conditions that double", write_nested_whens, "E_LIMIT"},
	{"lists of 1,000 compared", write_equal_operands, "E_LIMIT"},
	{"an unknown name of 1.6 MB", write_long_unknown_name, "E_LIMIT"},
	{"mistakes at both ends of a line of 2.7 MB", write_mistakes_in_a_line, "E_LIMIT"},
	{"480 steps of 1,000 variables", write_step_environment, "E_LIMIT"},
	{"a shell of 1,400,000 words", write_shell_words, "E_LIMIT"},
	{"100,000 cache keys", write_cache_keys, "E_CMD_UNKNOWN"},
	{"a long expression 1,000 times", write_expression_again, "E_LIMIT"},
	{"a long text 1,000 times", write_text_again, "E_LIMIT"},
	{"1,000 cache keys 900 times", write_cache_keys_again, "E_LIMIT"},
	{"a long shell 1,000 times", write_shell_again, "E_LIMIT"},
	{"900 operands 200 times", write_logic_again, "E_LIMIT"},
	{NULL, NULL, NULL},
};
