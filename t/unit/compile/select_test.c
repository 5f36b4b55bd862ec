/*
 * select_test.c - of a plan, what a person wants to run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/err.h"
#include "compile/compile.h"
#include "compile/select.h"

static const char config[] =
	"version: 2.1\n"
	"jobs:\n"
	"  a: {machine: true, steps: [run: echo a]}\n"
	"  b: {machine: true, environment: {V: job, W: job}, steps: [run: echo b]}\n"
	"  c: {docker: [{image: x}], steps: [run: echo c]}\n"
	"  d:\n"
	"    machine: true\n"
	"    steps:\n"
	"      - run: {name: one, command: 'true'}\n"
	"      - run: {name: two, command: 'true'}\n"
	"      - run: {name: three, command: 'true', when: always}\n"
	"workflows:\n"
	"  one:\n"
	"    jobs:\n"
	"      - c: {requires: [b]}\n"
	"      - a\n"
	"      - b: {requires: [a]}\n"
	"  two:\n"
	"    jobs:\n"
	"      - a: {name: other}\n"
	"  parts:\n"
	"    jobs: [d]\n";

struct fixture {
	struct plan *plan, out;
	struct arena arena;
	struct err err;
};

static struct plan *
compiled(const char *text, size_t len)
{
	struct compile_input input = {.path = "config.yml",
				      .bytes = text,
				      .len = len,
				      .policy = {.docker_on_host = true, .supported = 0}};
	struct diags *diags;
	struct plan *plan;

	assert_int_equal(compile(&input, &plan, &diags), 0);
	diags_free(diags);
	return plan;
}

static int
setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.plan = compiled(config, sizeof(config) - 1);
	arena_init(&f.arena, 1 << 20);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	plan_free(f->plan);
	arena_release(&f->arena);
	return 0;
}

static int
chosen(struct fixture *f, struct selection selection)
{
	return select_plan(&f->out, f->plan, &selection, &f->arena, &f->err);
}

static void
test_select_takes_all_where_nothing_is_named(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chosen(f, (struct selection){0}), 0);
	assert_int_equal(f->out.workflow_count, 3);
	assert_int_equal(f->out.workflows[0].job_count, 3);
}

static void
test_select_takes_a_job_with_all_it_requires(void **state)
{
	struct fixture *f = *state;
	const struct plan_workflow *workflow;

	assert_int_equal(chosen(f, (struct selection){.job = "b"}), 0);
	assert_int_equal(f->out.workflow_count, 1);
	workflow = &f->out.workflows[0];
	assert_int_equal(workflow->job_count, 2);
	assert_string_equal(workflow->jobs[0].name, "a");
	assert_string_equal(workflow->jobs[1].name, "b");
	assert_int_equal(workflow->jobs[1].require_count, 1);
	assert_int_equal(workflow->jobs[1].requires[0].job, 0);
}

static void
test_select_cuts_steps_behind_the_last_wanted_one(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chosen(f, (struct selection){.job = "d", .until = "two"}), 0);
	assert_int_equal(f->out.workflows[0].jobs[0].step_count, 2);
	assert_int_equal(chosen(f, (struct selection){.job = "d", .until = "0"}), 0);
	assert_int_equal(f->out.workflows[0].jobs[0].step_count, 1);
	/* Where no job is named: in every job that has it. */
	assert_int_equal(chosen(f, (struct selection){.until = "two"}), 0);
	assert_int_equal(f->out.workflows[0].jobs[0].step_count, 1);
	assert_int_equal(f->out.workflows[2].jobs[0].step_count, 2);
	assert_int_equal(chosen(f, (struct selection){.job = "d", .until = "3"}), ERR_INPUT);
	assert_string_equal(f->err.text,
			    "job 'd' has no step '3': it has 0 'one', 1 'two', 2 'three'");
	assert_int_equal(chosen(f, (struct selection){.until = "four"}), ERR_INPUT);
}

static void
test_select_takes_a_job_alone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chosen(f, (struct selection){.job = "one/c", .alone = true}), 0);
	assert_int_equal(f->out.workflows[0].job_count, 1);
	assert_int_equal(f->out.workflows[0].jobs[0].require_count, 0);
}

static void
test_select_knows_a_job_by_its_key_in_every_workflow(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chosen(f, (struct selection){.job = "a"}), 0);
	assert_int_equal(f->out.workflow_count, 2);
	assert_int_equal(chosen(f, (struct selection){.job = "a", .workflow = "two"}), 0);
	assert_int_equal(f->out.workflow_count, 1);
	assert_string_equal(f->out.workflows[0].jobs[0].name, "other");
}

static void
test_select_puts_variables_above_the_jobs_own(void **state)
{
	static const struct plan_pair pairs[] = {{"V", "mine"}, {"X", "new"}};
	struct fixture *f = *state;
	const struct plan_environment *environment;

	assert_int_equal(chosen(f, (struct selection){.job = "b",
						      .alone = true,
						      .environment = pairs,
						      .environment_count = 2}),
			 0);
	environment = &f->out.workflows[0].jobs[0].environment;
	assert_int_equal(environment->count, 3);
	assert_string_equal(environment->items[0].value, "job");
	assert_string_equal(environment->items[1].value, "mine");
	assert_string_equal(environment->items[2].value, "new");
}

/* What goes to the hub has no containers in it and compiles there to the same jobs. */
static void
test_select_makes_docker_jobs_host_jobs_that_compile_again(void **state)
{
	struct fixture *f = *state;
	struct compile_input input = {.path = "config.yml"};
	struct buffer text = BUFFER_INIT;
	struct diags *diags;
	struct plan *again;

	assert_int_equal(chosen(f, (struct selection){.docker_on_host = true}), 0);
	plan_process(&f->out, &text);
	input.bytes = text.data;
	input.len = text.len;
	assert_int_equal(compile(&input, &again, &diags), 0);
	assert_int_equal(again->workflow_count, 3);
	assert_int_equal(again->workflows[0].job_count, 3);
	assert_int_equal(again->workflows[0].jobs[0].executor.kind, PLAN_EXECUTOR_MACHINE);
	assert_int_equal(again->workflows[0].jobs[0].requires[0].job, 2);
	plan_free(again);
	diags_free(diags);
	buffer_release(&text);
}

static void
test_select_leaves_out_what_waits_for_an_approval(void **state)
{
	static const char text[] = "version: 2.1\n"
				   "jobs:\n"
				   "  a: {machine: true, steps: [run: echo a]}\n"
				   "  b: {machine: true, steps: [run: echo b]}\n"
				   "workflows:\n"
				   "  w: {jobs: [b: {name: last, requires: [deploy]}, b: {name: "
				   "deploy, requires: [hold, a]},\n"
				   "             hold: {type: approval, requires: [a]}, a]}\n";
	struct fixture *f = *state;
	struct selection selection = {.no_approvals = true};
	struct compile_input input = {.path = "config.yml",
				      .bytes = text,
				      .len = sizeof(text) - 1,
				      .policy = {.supported = FEATURE_APPROVAL}};
	struct diags *diags;
	size_t held = 0;

	plan_free(f->plan);
	assert_int_equal(compile(&input, &f->plan, &diags), 0);
	diags_free(diags);
	selection.held = &held;
	assert_int_equal(select_plan(&f->out, f->plan, &selection, &f->arena, &f->err), 0);
	assert_int_equal(f->out.workflows[0].job_count, 1);
	assert_string_equal(f->out.workflows[0].jobs[0].name, "a");
	assert_int_equal(held, 3);
	selection.job = "deploy";
	assert_int_equal(select_plan(&f->out, f->plan, &selection, &f->arena, &f->err), ERR_INPUT);
	assert_string_equal(f->err.text,
			    "job 'deploy' waits for an approval, and nobody can give it here");
	selection.alone = true;
	assert_int_equal(select_plan(&f->out, f->plan, &selection, &f->arena, &f->err), 0);
	assert_string_equal(f->out.workflows[0].jobs[0].name, "deploy");
}

static void
test_select_says_why_a_workflow_does_not_run(void **state)
{
	static const char text[] = "version: 2.1\n"
				   "jobs: {b: {machine: true, steps: [run: echo a]}}\n"
				   "workflows:\n"
				   "  clock: {jobs: [b], triggers: [{schedule: {cron: 0 0 * * *, "
				   "filters: {branches: {only: main}}}}]}\n"
				   "  never: {jobs: [b], when: false}\n"
				   "  empty: {jobs: [b: {filters: {branches: {only: other}}}]}\n";
	struct fixture *f = *state;
	struct compile_input input = {.path = "config.yml",
				      .bytes = text,
				      .len = sizeof(text) - 1,
				      .branch = "main",
				      .policy = {.supported = FEATURE_SCHEDULES}};
	struct diags *diags;

	plan_free(f->plan);
	assert_int_equal(compile(&input, &f->plan, &diags), 0);
	diags_free(diags);
	assert_int_equal(chosen(f, (struct selection){.workflow = "clock"}), ERR_INPUT);
	assert_string_equal(f->err.text,
			    "workflow 'clock' has 'triggers': the clock alone starts it");
	assert_int_equal(chosen(f, (struct selection){.workflow = "never"}), ERR_INPUT);
	assert_string_equal(f->err.text,
			    "workflow 'never' does not run: its 'when' or 'unless' says no");
	assert_int_equal(chosen(f, (struct selection){.workflow = "empty"}), ERR_INPUT);
	assert_string_equal(f->err.text,
			    "workflow 'empty' has no job to run: the filters of its jobs say no");
	assert_int_equal(chosen(f, (struct selection){.workflow = "w"}), ERR_INPUT);
	assert_string_equal(f->err.text, "there is no workflow 'w' to run: there is none");
}

static void
test_select_says_what_is_not_there(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chosen(f, (struct selection){.workflow = "three"}), ERR_INPUT);
	assert_string_equal(f->err.text,
			    "there is no workflow 'three' to run: there is 'one', 'two', 'parts'");
	assert_int_equal(chosen(f, (struct selection){.job = "othr"}), ERR_INPUT);
	assert_string_equal(f->err.text, "there is no job 'othr' to run: did you mean 'other'?");
	assert_int_equal(chosen(f, (struct selection){.workflow = "two", .job = "d"}), ERR_INPUT);
	assert_string_equal(f->err.text,
			    "workflow 'two' has no job 'd': it is in workflow 'parts'");
	assert_int_equal(chosen(f, (struct selection){.job = "elsewhere"}), ERR_INPUT);
	assert_int_equal(chosen(f, (struct selection){.job = "two/a", .workflow = "one"}),
			 ERR_INPUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_select_takes_all_where_nothing_is_named, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_select_takes_a_job_with_all_it_requires, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_select_takes_a_job_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_select_cuts_steps_behind_the_last_wanted_one,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_select_knows_a_job_by_its_key_in_every_workflow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_select_puts_variables_above_the_jobs_own,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_select_makes_docker_jobs_host_jobs_that_compile_again, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_select_leaves_out_what_waits_for_an_approval,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_select_says_why_a_workflow_does_not_run, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_select_says_what_is_not_there, setup,
						teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
