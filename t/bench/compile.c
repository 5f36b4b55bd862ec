/*
 * compile.c - the config compiler against libyaml's bare event parse of the same bytes, in the same
 * run.
 *
 * usage: compile [--write NAME]
 * Generates its configs (--write prints one: large, typical, jobs-10, ...), takes the best of some
 * rounds and prints a line for each: "NAME BYTES JOBS YAML_MS COMPILE_MS RATIO TASKS_US
 * PROCESS_MS", TASKS_US being the time one task document takes from its plan to JSON text. The last
 * line is the most memory ever resident.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <yaml.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "compile/compile.h"
#include "compile/plan_task.h"
#include "format/json.h"

enum { ROUNDS = 7, LARGE_JOBS = 300, LARGE_STEPS = 10, LARGE_STEP_BYTES = 600, FLAT_STEPS = 5 };

static double
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* ---- configs ---- */

static void
add_head(struct buffer *out)
{
	buffer_printf(out, "version: 2.1\n"
			   "executors:\n"
			   "  host:\n"
			   "    machine: true\n"
			   "    resource_class: acme/linux\n"
			   "    environment: {LANG: C, MAKEFLAGS: -j2}\n"
			   "commands:\n"
			   "  say:\n"
			   "    parameters:\n"
			   "      to: {type: string, default: x}\n"
			   "    steps:\n"
			   "      - run: echo << parameters.to >>\n");
}

static void
add_step(struct buffer *out, unsigned step, size_t bytes)
{
	size_t end;

	if (step % 4 == 3) {
		buffer_printf(out, "      - say:\n          to: \"<< parameters.v >>-%u\"\n", step);
		return;
	}
	buffer_printf(out,
		      "      - run:\n"
		      "          name: step %u of << parameters.v >>\n"
		      "          command: |\n"
		      "            echo %u << pipeline.number >>\n",
		      step, step);
	for (end = out->len + bytes; out->len < end;)
		buffer_printf(out,
			      "            make -C dir/%zu target && test \"$HOME\" != / # a line "
			      "of shell\n",
			      out->len);
}

/* So many jobs of so many steps, each job three times by a matrix. */
static void
write_large(struct buffer *out)
{
	unsigned i, k;

	add_head(out);
	buffer_printf(out, "jobs:\n");
	for (i = 0; i < LARGE_JOBS; i++) {
		buffer_printf(out,
			      "  job%u:\n"
			      "    executor: host\n"
			      "    parameters: {v: {type: string}}\n"
			      "    steps:\n",
			      i);
		for (k = 0; k < LARGE_STEPS; k++)
			add_step(out, k, LARGE_STEP_BYTES);
	}
	buffer_printf(out, "workflows:\n  w:\n    jobs:\n");
	for (i = 0; i < LARGE_JOBS; i++)
		buffer_printf(out, "      - job%u: {matrix: {parameters: {v: [a, b, c]}}}\n", i);
}

/* What people have: ten jobs in a row, 300 lines. */
static void
write_typical(struct buffer *out)
{
	unsigned i, k;

	add_head(out);
	buffer_printf(out, "jobs:\n");
	for (i = 0; i < 10; i++) {
		buffer_printf(out,
			      "  job%u:\n"
			      "    executor: host\n"
			      "    parameters: {v: {type: string, default: a}}\n"
			      "    environment: {A: b, C: d}\n"
			      "    steps:\n"
			      "      - checkout\n",
			      i);
		for (k = 0; k < 4; k++)
			add_step(out, k, 150);
	}
	buffer_printf(out, "workflows:\n  w:\n    jobs:\n      - job0: {filters: {branches: {only: "
			   "/ma.*/}}}\n");
	for (i = 1; i < 10; i++)
		buffer_printf(out, "      - job%u: {requires: [job%u]}\n", i, i - 1);
}

/* jobs entries, each a job of its own definition. */
static void
write_jobs(struct buffer *out, unsigned jobs)
{
	unsigned i, k;

	add_head(out);
	buffer_printf(out, "jobs:\n");
	for (i = 0; i < jobs; i++) {
		buffer_printf(out, "  job%u:\n    executor: host\n    steps:\n", i);
		for (k = 0; k < FLAT_STEPS; k++)
			buffer_printf(out, "      - run: make target-%u\n", k);
	}
	buffer_printf(out, "workflows:\n  w:\n    jobs:\n");
	for (i = 0; i < jobs; i++)
		buffer_printf(out, "      - job%u\n", i);
}

static bool
write_config(const char *name, struct buffer *out)
{
	if (strcmp(name, "large") == 0)
		write_large(out);
	else if (strcmp(name, "typical") == 0)
		write_typical(out);
	else if (strncmp(name, "jobs-", 5) == 0)
		write_jobs(out, (unsigned)strtoul(name + 5, NULL, 10));
	else
		return false;
	return true;
}

/* ---- measuring ---- */

static void
parse_events(struct buffer *config)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool at_end;

	assert(yaml_parser_initialize(&parser));
	yaml_parser_set_input_string(&parser, (const unsigned char *)buffer_text(config),
				     config->len);
	do {
		assert(yaml_parser_parse(&parser, &event));
		at_end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	} while (!at_end);
	yaml_parser_delete(&parser);
}

static struct plan *
compile_config(struct buffer *config)
{
	static const struct compile_value values[] = {
		{.name = "pipeline.number", .type = COMPILE_INTEGER, .integer = 7},
	};
	const struct compile_input input = {.path = "config.yml",
					    .bytes = buffer_text(config),
					    .len = config->len,
					    .values = values,
					    .value_count = 1,
					    .branch = "main",
					    .policy = {true, FEATURE_ALL}};
	struct buffer text = BUFFER_INIT;
	struct diags *diags;
	struct plan *plan;

	if (compile(&input, &plan, &diags) < 0) {
		diags_print(diags, &text, false);
		(void)fputs(buffer_text(&text), stderr);
		exit(1);
	}
	diags_free(diags);
	return plan;
}

static void
write_tasks(const struct plan *plan)
{
	const struct plan_task_facts facts = {.job_id = "00000000-0000-0000-0000-000000000001",
					      .job_number = 1,
					      .workflow_name = "w",
					      .project_slug = "gh/acme/shop",
					      .resource_class = "acme/linux",
					      .branch = "main"};
	struct buffer text = BUFFER_INIT;
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < plan->workflows[0].job_count; i++) {
		struct task_doc *doc;
		struct json *json;

		assert(plan_task(&doc, &plan->workflows[0].jobs[i], &facts, &err) == 0);
		json = task_doc_write(doc);
		buffer_clear(&text);
		json_write(&text, json);
		json_free(json);
		task_doc_free(doc);
	}
	buffer_release(&text);
}

static void
keep_least(double *least, double value)
{
	if (*least == 0 || value < *least)
		*least = value;
}

static void
measure(const char *name)
{
	double yaml = 0, compiled = 0, tasks = 0, process = 0;
	struct buffer config = BUFFER_INIT;
	size_t jobs = 0;
	unsigned i;

	assert(write_config(name, &config));
	for (i = 0; i < ROUNDS; i++) {
		struct buffer text = BUFFER_INIT;
		struct plan *plan;
		double from = now_ms(), to;

		parse_events(&config);
		to = now_ms();
		keep_least(&yaml, to - from);
		from = to;
		plan = compile_config(&config);
		to = now_ms();
		keep_least(&compiled, to - from);
		from = to;
		write_tasks(plan);
		to = now_ms();
		jobs = plan->workflows[0].job_count;
		keep_least(&tasks, (to - from) * 1e3 / (double)jobs);
		from = to;
		plan_process(plan, &text);
		keep_least(&process, now_ms() - from);
		buffer_release(&text);
		plan_free(plan);
	}
	printf("%-10s %8zu %5zu %8.2f %8.2f %6.2f %8.1f %8.2f\n", name, config.len, jobs, yaml,
	       compiled, compiled / yaml, tasks, process);
	buffer_release(&config);
}

int
main(int argc, char **argv)
{
	static const char *const names[] = {"large", "typical", "jobs-10", "jobs-100", "jobs-1000"};
	struct buffer config = BUFFER_INIT;
	struct rusage usage;
	size_t i;

	if (argc == 3 && strcmp(argv[1], "--write") == 0 && write_config(argv[2], &config)) {
		(void)fwrite(buffer_text(&config), 1, config.len, stdout);
		buffer_release(&config);
		return 0;
	}
	if (argc != 1) {
		(void)fprintf(stderr, "usage: compile [--write large|typical|jobs-N]\n");
		return 2;
	}
	printf("%-10s %8s %5s %8s %8s %6s %8s %8s\n", "config", "bytes", "jobs", "yaml_ms",
	       "compile", "ratio", "task_us", "process");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		measure(names[i]);
	(void)getrusage(RUSAGE_SELF, &usage);
	printf("resident at most: %ld KiB\n", usage.ru_maxrss);
	return 0;
}
