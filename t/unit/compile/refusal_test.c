/*
 * refusal_test.c - configs that would harm: each ends with the code it should, within its bounds.
 *
 * Every one is compiled in a process of its own, whose most resident memory is looked at. What time
 * it takes is held by counts, which are the same on any machine: events taken from libyaml, steps
 * of its scanner through open brackets, work of the compilation, and diagnostics told.
 * t/bench/hostile says what those come to.
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
#include <yaml.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/poison.h"
#include "compile/compilation.h"
#include "compile/compile.h"
#include "format/yaml.h"
#include "hostile.h"

/*
 * Numbers, not the limits' names: who raises a limit measures with t/bench/hostile, then comes
 * here. CPU_MOST_S tells what does not end from what does, on any machine.
 */
enum {
	MEMORY_MOST_KIB = 64 << 10,
	CPU_MOST_S = 60,
	EVENTS_MOST = 400100, /* a list has two */
	BRACKETS_MOST = 16000000,
	WORK_MOST = 6000000, /* the last call may count much at once; a rehearsal has its own */
	TOLD_MOST = 31000,
};

static struct {
	uint64_t events;
	uint64_t brackets; /* open ones, summed over events */
	uint64_t open;
	uint64_t work;
	uint64_t told;
} seen;

#ifdef POISON_WITH_ASAN
const char *__asan_default_options(void);

/* Its strstr() first measures the whole text, each time: a long one would take minutes. */
const char *
__asan_default_options(void)
{
	return "intercept_strstr=0";
}
#endif

/* ---- what is counted on the way, by the linker's --wrap ---- */

int __real_yaml_parser_parse(yaml_parser_t *parser, yaml_event_t *event);
int __wrap_yaml_parser_parse(yaml_parser_t *parser, yaml_event_t *event);
void __real_comp_work(struct compilation *c, uint64_t n);
void __wrap_comp_work(struct compilation *c, uint64_t n);
bool __real_diags_wants(const struct diags *diags, enum diag_severity severity);
bool __wrap_diags_wants(const struct diags *diags, enum diag_severity severity);

static bool
begins_in_brackets(const yaml_event_t *event)
{
	return (event->type == YAML_SEQUENCE_START_EVENT &&
		event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE) ||
	       (event->type == YAML_MAPPING_START_EVENT &&
		event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE);
}

int
__wrap_yaml_parser_parse(yaml_parser_t *parser, yaml_event_t *event)
{
	int ret = __real_yaml_parser_parse(parser, event);
	bool ends;

	seen.events++;
	if (ret == 0)
		return ret;
	ends = event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT;
	if (begins_in_brackets(event))
		seen.open++;
	else if (ends && seen.open > 0)
		seen.open--;
	seen.brackets += seen.open;
	return ret;
}

void
__wrap_comp_work(struct compilation *c, uint64_t n)
{
	seen.work += n;
	__real_comp_work(c, n);
}

/* Asked once for each that is told. */
bool
__wrap_diags_wants(const struct diags *diags, enum diag_severity severity)
{
	seen.told++;
	return __real_diags_wants(diags, severity);
}

/* ---- compiling ---- */

static int
check_bound(const char *name, const char *what, uint64_t value, uint64_t most)
{
	if (value <= most)
		return 0;
	(void)fprintf(stderr, "%s: %llu %s, at most %llu are expected\n", name,
		      (unsigned long long)value, what, (unsigned long long)most);
	return 1;
}

static int
check_bounds(const char *name)
{
	return check_bound(name, "events", seen.events, EVENTS_MOST) |
	       check_bound(name, "brackets passed", seen.brackets, BRACKETS_MOST) |
	       check_bound(name, "units of work", seen.work, WORK_MOST) |
	       check_bound(name, "diagnostics told", seen.told, TOLD_MOST);
}

/* 0 where it ends as it should; otherwise tells what came, for whoever reads the log. */
static int
compile_one(const struct hostile *hostile, struct buffer *text)
{
	const struct compile_input input = {.path = "config.yml",
					    .bytes = buffer_text(text),
					    .len = text->len,
					    .branch = HOSTILE_BRANCH,
					    .policy = {true, FEATURE_ALL},
					    .orb = hostile_orb};
	struct buffer shown = BUFFER_INIT;
	struct diags *diags;
	struct plan *plan;
	bool is_told = hostile->code == NULL;
	int ret, status;
	size_t i;

	ret = compile(&input, &plan, &diags);
	for (i = 0; i < diags_count(diags) && !is_told; i++)
		is_told = diags_at(diags, i)->severity == DIAG_ERROR &&
			  strcmp(diags_at(diags, i)->code, hostile->code) == 0;
	status = !is_told || (ret < 0) != (hostile->code != NULL);
	diags_print(diags, &shown, false);
	if (status != 0)
		(void)fprintf(stderr, "%s: %.2000s\n", hostile->name, buffer_text(&shown));
	buffer_release(&shown);
	plan_free(plan);
	diags_free(diags);
	return status | check_bounds(hostile->name);
}

static void
test_refusal(void **state)
{
	const struct hostile *hostile = *state;
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
		hostile->write(&text);
		assert_in_range(text.len, 0, COMPILE_CONFIG_MAX_BYTES + 100);
		status = compile_one(hostile, &text);
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

static size_t
add_tests(struct CMUnitTest *tests, size_t n, const struct hostile *hostile)
{
	for (; hostile->name != NULL; hostile++, n++) {
		assert_in_range(n, 0, HOSTILE_MAX - 1);
		tests[n].name = hostile->name;
		tests[n].test_func = test_refusal;
		tests[n].initial_state = (void *)(uintptr_t)hostile;
	}
	return n;
}

int
main(void)
{
	static struct CMUnitTest tests[HOSTILE_MAX];
	size_t n = add_tests(tests, 0, hostile_yaml);

	n = add_tests(tests, n, hostile_jobs);
	n = add_tests(tests, n, hostile_steps);
	n = add_tests(tests, n, hostile_orbs);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("refusal", tests, n, NULL, NULL);
}
