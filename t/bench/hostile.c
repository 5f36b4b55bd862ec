/*
 * hostile.c - what refusing configs made to hurt costs, against libyaml's bare event parse of a
 * fixed text in the same run.
 *
 * usage: hostile [--write NAME]
 * Compiles each in a process of its own (--write prints one), the best of some rounds, and prints a
 * line for each: "CPU_MS FLOORS KIB BYTES NAME", FLOORS being the multiple of the floor's time. The
 * floor is as many nodes as a file may write.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <yaml.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "compile/compile.h"
#include "format/yaml.h"
#include "hostile.h"

enum { ROUNDS = 5 };

static double
cpu_ms(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e3 +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e3;
}

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

static void
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
					    .branch = HOSTILE_BRANCH,
					    .policy = {true, FEATURE_ALL},
					    .orb = hostile_orb};
	struct buffer text = BUFFER_INIT;
	struct diags *diags;
	struct plan *plan;

	(void)compile(&input, &plan, &diags);
	diags_print(diags, &text, false);
	buffer_release(&text);
	plan_free(plan);
	diags_free(diags);
}

/* CPU of work(config) in a process of its own; *resident: the most memory it had. */
static double
run(void (*work)(struct buffer *config), struct buffer *config, long *resident)
{
	struct rusage usage;
	int status;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	assert(pid >= 0);
	if (pid == 0) {
		work(config);
		_exit(0);
	}
	assert(wait4(pid, &status, 0, &usage) == pid);
	assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	*resident = usage.ru_maxrss;
	return cpu_ms(&usage);
}

static void
keep_least(double *least, double value)
{
	if (*least == 0 || value < *least)
		*least = value;
}

/* Floor and config in turn, so that what else the machine does meets both. */
static void
measure(const struct hostile *hostile, struct buffer *floor_text)
{
	struct buffer config = BUFFER_INIT;
	double floor = 0, ms = 0;
	long resident;
	int i;

	hostile->write(&config);
	for (i = 0; i < ROUNDS; i++) {
		keep_least(&floor, run(parse_events, floor_text, &resident));
		keep_least(&ms, run(compile_config, &config, &resident));
	}
	printf("%8.1f %6.2f %7ld %8zu  %s\n", ms, ms / floor, resident, config.len, hostile->name);
	buffer_release(&config);
}

static void
measure_all(const struct hostile *hostile, struct buffer *floor_text)
{
	for (; hostile->name != NULL; hostile++)
		measure(hostile, floor_text);
}

static bool
write_one(const struct hostile *hostile, const char *name)
{
	for (; hostile->name != NULL; hostile++) {
		struct buffer config = BUFFER_INIT;

		if (strcmp(hostile->name, name) != 0)
			continue;
		hostile->write(&config);
		(void)fwrite(buffer_text(&config), 1, config.len, stdout);
		buffer_release(&config);
		return true;
	}
	return false;
}

int
main(int argc, char **argv)
{
	struct buffer floor_text = BUFFER_INIT;
	unsigned i;

	if (argc == 3 && strcmp(argv[1], "--write") == 0 &&
	    (write_one(hostile_yaml, argv[2]) || write_one(hostile_jobs, argv[2]) ||
	     write_one(hostile_steps, argv[2]) || write_one(hostile_orbs, argv[2])))
		return 0;
	if (argc != 1) {
		(void)fprintf(stderr, "usage: hostile [--write NAME]\n");
		return 2;
	}
	for (i = 0; i < YAML_WRITTEN_MAX; i++)
		buffer_puts(&floor_text, "- a\n");
	printf("%8s %6s %7s %8s  %s\n", "cpu_ms", "floors", "KiB", "bytes", "config");
	measure_all(hostile_yaml, &floor_text);
	measure_all(hostile_jobs, &floor_text);
	measure_all(hostile_steps, &floor_text);
	measure_all(hostile_orbs, &floor_text);
	buffer_release(&floor_text);
	return 0;
}
