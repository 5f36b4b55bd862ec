/*
 * hostile_jobs.c - configs that make jobs, workflows and executors dear to compile.
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
write_bad_jobs(struct buffer *out)
{
	int i;

	buffer_printf(out, "%sjobs:\n", head);
	for (i = 0; i < 60000; i++)
		buffer_printf(out, "  j%d: {machine: true, steps: [nope]}\n", i);
}

/* As many as a file can write, each used and in error. */
static void
write_bad_used_jobs(struct buffer *out)
{
	int i;

	buffer_printf(out, "%sjobs:\n", head);
	for (i = 0; i < 20000; i++)
		buffer_printf(out, "  j%d: {machine: true, steps: [nope%d], x%d: 1}\n", i, i, i);
	buffer_puts(out, "workflows: {w: {jobs: [");
	for (i = 0; i < 20000; i++)
		buffer_printf(out, "j%d,", i);
	buffer_puts(out, "]}}\n");
}

static void
write_equal_names(struct buffer *out)
{
	int i, k;

	buffer_printf(out, "%s%sworkflows:\n", head, job);
	for (i = 0; i < 50; i++) {
		buffer_printf(out, "  w%d:\n    jobs: [", i);
		for (k = 0; k < 999; k++)
			buffer_puts(out, k % 2 ? "b," : "{b: {name: b-1}},");
		buffer_puts(out, "nope]\n");
	}
}

static void
write_long_names(struct buffer *out)
{
	int i;

	buffer_printf(out,
		      "%sjobs: {b: {machine: true, parameters: {v: {type: string}, w: {type: "
		      "integer}}, steps: [checkout]}}\n"
		      "workflows: {w: {jobs: [{b: {matrix: {parameters: {v: [",
		      head);
	repeat(out, 100000, "abcdefghijkl");
	buffer_puts(out, "], w: [");
	for (i = 0; i < 900; i++)
		buffer_printf(out, "%d,", i);
	buffer_puts(out, "]}}}}]}}\n");
}

/* Two hundred matrices of five, each waiting for all the others by 200 aliases. */
static void
write_crowded_requires(struct buffer *out)
{
	int i, k;

	buffer_printf(out,
		      "%sjobs: {b: {machine: true, parameters: {v: {type: integer}}, steps: "
		      "[checkout]}}\nworkflows: {w: {jobs: [",
		      head);
	for (i = 0; i < 200; i++) {
		buffer_printf(out,
			      "{b: {matrix: {alias: a%d, parameters: {v: [1, 2, 3, 4, 5]}}, "
			      "requires: [",
			      i);
		for (k = 0; k < 200; k++)
			if (k != i)
				buffer_printf(out, "a%d,", k);
		buffer_puts(out, "]}},");
	}
	buffer_puts(out, "]}}\n");
}

static void
write_backwards_chain(struct buffer *out)
{
	int i, k;

	buffer_printf(out, "%s%sworkflows: {w: {jobs: [", head, job);
	for (i = 0; i < 999; i++) {
		buffer_printf(out, "{b: {name: j%d, requires: [", i);
		for (k = i + 1; k < 999 && k < i + 200; k++)
			buffer_printf(out, "j%d,", k);
		buffer_puts(out, "]}},");
	}
	buffer_puts(out, "{b: {requires: [nobody]}}]}}\n");
}

static void
write_lost_requires(struct buffer *out)
{
	int i;

	buffer_printf(out, "%s%sworkflows: {w: {jobs: [", head, job);
	for (i = 0; i < 30000; i++)
		buffer_printf(out, "n%d,", i);
	buffer_puts(out, "{b: {requires: [");
	for (i = 0; i < 60000; i++)
		buffer_printf(out, "m%d,", i);
	buffer_puts(out, "]}}]}}\n");
}

static void
write_groups(struct buffer *out)
{
	int i;

	buffer_printf(out, "%s%sjob-groups: {g: {jobs: [", head, job);
	for (i = 0; i < 900; i++)
		buffer_printf(out, "{b: {name: m%d}},", i);
	buffer_puts(out, "]}}\nworkflows:\n  w:\n    jobs:\n");
	for (i = 0; i < 900; i++)
		buffer_printf(out, "      - g: {name: g%d}\n", i);
}

static void
write_schedules(struct buffer *out)
{
	int i;

	buffer_printf(out, "%s%sworkflows:\n  w:\n    jobs: [b, nope]\n    triggers:\n", head, job);
	for (i = 0; i < 15000; i++)
		buffer_puts(out, "      - schedule: {cron: \"0 0 29 2 *\", filters: {branches: "
				 "{only: main}}}\n");
}

static void
write_contexts(struct buffer *out)
{
	int i;

	buffer_printf(out, "%s%sworkflows: {w: {jobs: [{b: {context: [", head, job);
	for (i = 0; i < 180000; i++)
		buffer_printf(out, "c%d,", i % 100);
	buffer_puts(out, "nope, c101]}}]}}\n");
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
	for (i = 0; i < 60000; i++)
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

/* Eight hundred jobs in four rows, each job waiting for all of the row before. */
static void
write_crowded_cycle(struct buffer *out)
{
	int i, k;

	buffer_printf(out, "%s%sworkflows: {w: {jobs: [", head, job);
	for (i = 0; i < 800; i++) {
		buffer_printf(out, "{b: {name: j%d, requires: [", i);
		for (k = (i + 1) % 4; k < 800; k += 4)
			buffer_printf(out, "j%d,", k);
		buffer_puts(out, "]}},");
	}
	buffer_puts(out, "]}}\n");
}

/* Five hundred jobs wait for one another's two rows and for a cycle of two at the end. */
static void
write_waiters_of_a_cycle(struct buffer *out)
{
	int i, k;

	buffer_printf(out, "%s%sworkflows: {w: {jobs: [", head, job);
	for (i = 0; i < 600; i++) {
		buffer_printf(out, "{b: {name: j%d, requires: [", i);
		for (k = i + 1; k < 600 && k < i + 300; k++)
			buffer_printf(out, "j%d,", k);
		buffer_puts(out, "x0]}},");
	}
	for (i = 0; i < 40; i++)
		buffer_printf(out, "{b: {name: x%d, requires: [x%d]}},", i,
			      i % 2 ? i - 1 : (i + 2) % 40);
	for (i = 0; i < 40; i++)
		buffer_printf(out, "{b: {name: y%d, requires: [y%d]}},", i, i % 2 ? i - 1 : i + 1);
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
	buffer_printf(out, "%s%sworkflows: {w: {jobs: [{b: {filters: {branches: {only: [", head,
		      job);
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
write_nested_repeats(struct buffer *out)
{
	int i;

	buffer_printf(out, "%s%sworkflows: {w: {jobs: [{b: {filters: {branches: {only: [", head,
		      job);
	for (i = 0; i < 40000; i++)
		buffer_printf(out, "'/((((x{0,9}){0,9}){0,9}){0,3})+%d/',", i);
	buffer_puts(out, "]}}}}]}}\n");
}

static void
write_alternations(struct buffer *out)
{
	int i;

	buffer_printf(out, "%s%sworkflows: {w: {jobs: [{b: {filters: {branches: {only: [", head,
		      job);
	for (i = 0; i < 700; i++) {
		buffer_printf(out, "'/(?:%d", i);
		repeat(out, 1000, "|a*");
		buffer_puts(out, ")*x/',");
	}
	buffer_puts(out, "]}}}}]}}\n");
}

static void
write_workflows(struct buffer *out)
{
	int i;

	buffer_printf(out, "%s%sworkflows:\n", head, job);
	for (i = 0; i < 100000; i++)
		buffer_printf(out, "  w%d: {jobs: [b]}\n", i);
}

static void
write_matrix_axes(struct buffer *out)
{
	int i;

	buffer_printf(out, "%sjobs: {b: {machine: true, parameters: {", head);
	for (i = 0; i < 20000; i++)
		buffer_printf(out, "p%d: {type: integer},", i);
	buffer_puts(out, "}, steps: [checkout]}}\n"
			 "workflows: {w: {jobs: [{b: {matrix: {parameters: {");
	for (i = 0; i < 20000; i++)
		buffer_printf(out, "p%d: [1],", i);
	buffer_puts(out, "}, exclude: [{");
	for (i = 20000; i-- > 0;)
		buffer_printf(out, "p%d: 1,", i);
	buffer_puts(out, "}]}}}]}}\n");
}

static void
write_matrix_powers(struct buffer *out)
{
	int i;

	buffer_printf(out, "%sjobs: {b: {machine: true, parameters: {", head);
	for (i = 0; i < 40; i++)
		buffer_printf(out, "p%d: {type: integer},", i);
	buffer_puts(out, "}, steps: [checkout]}}\n"
			 "workflows: {w: {jobs: [{b: {matrix: {parameters: {");
	for (i = 0; i < 40; i++)
		buffer_printf(out, "p%d: [1, 2],", i);
	buffer_puts(out, "}}}}]}}\n");
}

/* Ten parameters of two values; excluded is what differs in the last place only. */
static void
write_matrix_near_misses(struct buffer *out)
{
	int i, k;

	buffer_printf(out, "%sjobs: {b: {machine: true, parameters: {", head);
	for (i = 0; i < 10; i++)
		buffer_printf(out, "p%d: {type: integer},", i);
	buffer_puts(out, "}, steps: [checkout]}}\n"
			 "workflows: {w: {jobs: [{b: {matrix: {parameters: {");
	for (i = 0; i < 10; i++)
		buffer_printf(out, "p%d: [1, 2],", i);
	buffer_puts(out, "}, exclude: [");
	for (k = 0; k < 8000; k++)
		buffer_puts(out, "{p0: 1, p1: 1, p2: 1, p3: 1, p4: 1, p5: 1, p6: 1, p7: 1, p8: 1, "
				 "p9: 3},");
	buffer_puts(out, "]}}}, nope]}}\n");
}

static void
write_parallelism(struct buffer *out)
{
	int i;

	buffer_printf(out,
		      "%sjobs: {b: {machine: true, parallelism: 10000, steps: [checkout]}}\n"
		      "workflows: {w: {jobs: [",
		      head);
	for (i = 0; i < 999; i++)
		buffer_printf(out, "{b: {name: j%d}},", i);
	buffer_puts(out, "nope]}}\n");
}

static void
write_long_default(struct buffer *out)
{
	int i;

	buffer_printf(out,
		      "%sjobs: {b: {machine: true, parameters: {v: {type: integer}, t: {type: "
		      "string, default: ",
		      head);
	repeat(out, 100000, "0123456789");
	buffer_puts(out, "}}, steps: [{run: 'echo << parameters.t >>'}]}}\n"
			 "workflows: {w: {jobs: [{b: {matrix: {parameters: {v: [");
	for (i = 0; i < 1000; i++)
		buffer_printf(out, "%d,", i);
	buffer_puts(out, "]}}}}]}}\n");
}

static void
write_pipeline_parameters(struct buffer *out)
{
	int i;

	buffer_printf(out, "%sparameters:\n", head);
	for (i = 0; i < 30000; i++)
		buffer_printf(out, "  p%d: {type: string, default: a}\n", i);
}

static void
write_executors(struct buffer *out)
{
	int i;

	buffer_printf(out, "%sexecutors:\n", head);
	for (i = 0; i < 20000; i++)
		buffer_printf(out, "  e%d: {machine: true, environment: {A: [b]}}\n", i);
	buffer_puts(out, "jobs: {build: {executor: nope, steps: [checkout]}}\n");
}

static void
write_executor_environment(struct buffer *out)
{
	int i;

	buffer_printf(out, "%sexecutors: {e: {machine: true, environment: {", head);
	for (i = 0; i < 2000; i++)
		buffer_printf(out, "V%d: value,", i);
	buffer_puts(out, "}}}\njobs: {b: {executor: e, steps: [checkout]}}\n"
			 "workflows: {w: {jobs: [");
	for (i = 0; i < 1000; i++)
		buffer_printf(out, "{b: {name: j%d}},", i);
	buffer_puts(out, "nope]}}\n");
}

static void
write_images(struct buffer *out)
{
	buffer_printf(out, "%sjobs: {build: {docker: [", head);
	repeat(out, 60000, "{image: a},");
	buffer_puts(out, "], steps: [nope]}}\n");
}

static void
write_images_again(struct buffer *out)
{
	int i;

	buffer_printf(out, "%sexecutors: {e: {docker: [", head);
	repeat(out, 1000, "{image: a},");
	buffer_puts(out, "]}}\njobs: {b: {executor: e, steps: [checkout]}}\n"
			 "workflows: {w: {jobs: [");
	for (i = 0; i < 999; i++)
		buffer_printf(out, "{b: {name: j%d}},", i);
	buffer_puts(out, "nope]}}\n");
}

static void
write_filters_again(struct buffer *out)
{
	int i;

	buffer_printf(out, "%s%sx-f: &f {branches: {only: [", head, job);
	repeat(out, 900, "main,");
	buffer_puts(out, "]}}\nworkflows: {w: {jobs: [");
	for (i = 0; i < 999; i++)
		buffer_printf(out, "{b: {name: j%d, filters: *f}},", i);
	buffer_puts(out, "nope]}}\n");
}

static void
write_requires_again(struct buffer *out)
{
	int i;

	buffer_printf(out, "%s%sx-r: &r [", head, job);
	for (i = 0; i < 900; i++)
		buffer_printf(out, "j%d,", i % 3);
	buffer_puts(out, "]\nworkflows: {w: {jobs: [");
	for (i = 0; i < 999; i++)
		buffer_printf(out, "{b: {name: j%d%s}},", i, i > 2 ? ", requires: *r" : "");
	buffer_puts(out, "nope]}}\n");
}

static void
write_matrix_again(struct buffer *out)
{
	int i;

	buffer_printf(out,
		      "%sjobs: {b: {machine: true, parameters: {v: {type: string}}, steps: "
		      "[checkout]}}\nx-m: &m {parameters: {v: [",
		      head);
	for (i = 0; i < 1000; i++)
		buffer_printf(out, "v%d,", i);
	buffer_puts(out, "]}, exclude: [");
	for (i = 0; i < 999; i++)
		buffer_printf(out, "{v: v%d},", i);
	buffer_puts(out, "]}\nworkflows: {w: {jobs: [");
	for (i = 0; i < 200; i++)
		buffer_printf(out, "{b: {name: j%d, matrix: *m}},", i);
	buffer_puts(out, "nope]}}\n");
}

static void
write_variables(struct buffer *out)
{
	int i;

	buffer_printf(out, "%sjobs: {build: {machine: true, steps: [nope], environment: {", head);
	for (i = 0; i < 90000; i++)
		buffer_printf(out, "K%d: 1,", i);
	buffer_puts(out, "}}}\n");
}

static void
write_octals(struct buffer *out)
{
	buffer_printf(out, "%sx-a: [", head);
	repeat(out, 190000, "0777,");
	buffer_puts(out, "]\njobs: {build: {machine: true, steps: [nope]}}\n");
}

static void
write_orbs(struct buffer *out)
{
	int i;

	buffer_printf(out, "%sorbs:\n", head);
	for (i = 0; i < 12000; i++)
		buffer_printf(out, "  orb%d: {commands: {c: {steps: []}}}\n", i);
	buffer_puts(out, "jobs: {build: {machine: true, steps: [");
	for (i = 12000; i-- > 0;)
		buffer_printf(out, "orb%d/c,", i);
	buffer_puts(out, "nope]}}\n");
}

static void
write_nested_orbs(struct buffer *out)
{
	buffer_printf(out, "%sorbs: ", head);
	repeat(out, 40, "{o: {commands: {c: {steps: [o/c]}}, orbs: ");
	buffer_puts(out, "{}");
	repeat(out, 40, "}}");
	buffer_puts(out, "\njobs: {build: {machine: true, steps: [o/c]}}\n");
}

const struct hostile hostile_jobs[] = {
	{"60,000 jobs with an error each", write_bad_jobs, "E_YAML_LIMIT"},
	{"20,000 jobs with errors, used", write_bad_used_jobs, "E_YAML_LIMIT"},
	{"50,000 jobs of two names", write_equal_names, "E_LIMIT"},
	{"names of 1.2 MB", write_long_names, "E_LIMIT"},
	{"a million requirements by matrix aliases", write_crowded_requires, "E_LIMIT"},
	{"180,000 requirements, last first", write_backwards_chain, "E_LIMIT"},
	{"requirements of jobs that are not there", write_lost_requires, "E_JOB_UNKNOWN"},
	{"900 times a group of 900", write_groups, "E_LIMIT"},
	{"15,000 schedules", write_schedules, "E_JOB_UNKNOWN"},
	{"180,000 contexts", write_contexts, "E_LIMIT"},
	{"60,000 exclusions", write_matrix, "E_MATRIX_EMPTY"},
	{"a million combinations", write_matrix_product, "E_LIMIT"},
	{"1,001 jobs", write_jobs, "E_LIMIT"},
	{"a cycle of 1,000 jobs", write_cycle, "E_CYCLE"},
	{"a crowd of cycles", write_crowded_cycle, "E_CYCLE"},
	{"jobs that wait for cycles", write_waiters_of_a_cycle, "E_LIMIT"},
	{"regular expressions that go back", write_regexes, "E_REGEX"},
	{"many regular expressions that nearly take too long", write_many_slow_regexes, "E_LIMIT"},
	{"a long regular expression, many times", write_many_long_regexes, "E_LIMIT"},
	{"regular expressions that expand", write_nested_repeats, "E_LIMIT"},
	{"regular expressions of 1,000 alternatives", write_alternations, "E_LIMIT"},
	{"100,000 workflows", write_workflows, "E_YAML_LIMIT"},
	{"a matrix of 20,000 parameters", write_matrix_axes, "E_MATRIX_EMPTY"},
	{"a matrix of 2 to the 40", write_matrix_powers, "E_LIMIT"},
	{"exclusions that differ in the last parameter", write_matrix_near_misses, "E_LIMIT"},
	{"a thousand jobs of 10,000 tasks", write_parallelism, "E_JOB_UNKNOWN"},
	{"a default of 1 MB in 1,000 jobs", write_long_default, "E_LIMIT"},
	{"30,000 pipeline parameters", write_pipeline_parameters, "E_NO_BUILD_JOB"},
	{"20,000 executors", write_executors, "E_EXEC_UNKNOWN"},
	{"an executor's 2,000 variables in 1,000 jobs", write_executor_environment, "E_LIMIT"},
	{"60,000 images", write_images, "E_CMD_UNKNOWN"},
	{"1,000 images in 1,000 jobs", write_images_again, "E_LIMIT"},
	{"900 branches in 1,000 filters", write_filters_again, "E_LIMIT"},
	{"900 repeated requirements in 1,000 jobs", write_requires_again, "E_LIMIT"},
	{"200 matrices with 1,000 exclusions", write_matrix_again, "E_LIMIT"},
	{"90,000 variables", write_variables, "E_CMD_UNKNOWN"},
	{"190,000 octal numbers", write_octals, "E_CMD_UNKNOWN"},
	{"12,000 orbs", write_orbs, "E_LIMIT"},
	{"orbs of 40 levels", write_nested_orbs, "E_LIMIT"},
	{NULL, NULL, NULL},
};
