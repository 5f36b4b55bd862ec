/*
 * scheduler_test.c - what may run, how things end, who gets a task.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "compile/plan.h"
#include "hub/actions.h"
#include "hub/scheduler.h"
#include "world.h"

static void
end_job(struct job *job, enum outcome outcome)
{
	size_t i;

	for (i = 0; i < job->task_count; i++)
		if (job->tasks[i]->row.state != HUB_ENDED)
			task_enter(job->tasks[i], HUB_ENDED, outcome, "");
}

static void
test_jobs_start_when_what_they_require_has_ended(void **state)
{
	struct world world;
	struct job *a, *b, *c;

	(void)state;
	world_init(&world);
	a = world_job(&world, "a", "build", 1);
	b = world_job(&world, "b", "build", 1);
	c = world_job(&world, "c", "build", 1);
	world_require(c, a, PLAN_SUCCESS);
	world_require(c, b, PLAN_SUCCESS);
	workflow_advance(world.workflow);
	assert_int_equal(a->row.state, JOB_QUEUED);
	assert_int_equal(b->row.state, JOB_QUEUED);
	assert_int_equal(schedule_job(c), VERDICT_WAIT);
	end_job(a, OUTCOME_SUCCESS);
	assert_int_equal(c->row.state, JOB_BLOCKED);
	end_job(b, OUTCOME_SUCCESS);
	assert_int_equal(c->row.state, JOB_QUEUED);
	end_job(c, OUTCOME_SUCCESS);
	assert_int_equal(world.workflow->row.state, WORKFLOW_ENDED);
	assert_int_equal(world.workflow->row.outcome, OUTCOME_SUCCESS);
	assert_int_equal(world.pipeline->row.state, PIPELINE_ENDED);
	assert_int_equal(world.pipeline->row.outcome, OUTCOME_SUCCESS);
	world_release(&world);
}

static void
test_a_failure_skips_what_needs_success_and_starts_what_takes_failure(void **state)
{
	struct world world;
	struct job *a, *b, *c, *d;

	(void)state;
	world_init(&world);
	a = world_job(&world, "a", "build", 1);
	b = world_job(&world, "b", "build", 1);
	c = world_job(&world, "c", "build", 1);
	d = world_job(&world, "d", "build", 1);
	world_require(b, a, PLAN_SUCCESS);
	world_require(c, a, PLAN_FAILED | PLAN_CANCELED);
	world_require(d, b, PLAN_NOT_RUN);
	workflow_advance(world.workflow);
	end_job(a, OUTCOME_TIMEDOUT);
	assert_int_equal(b->row.state, JOB_ENDED);
	assert_int_equal(b->row.outcome, OUTCOME_NOT_RUN);
	assert_int_equal(c->row.state, JOB_QUEUED);
	assert_int_equal(d->row.state, JOB_QUEUED);
	assert_int_equal(world.workflow->row.state, WORKFLOW_FAILING);
	end_job(c, OUTCOME_SUCCESS);
	end_job(d, OUTCOME_SUCCESS);
	assert_int_equal(world.workflow->row.outcome, OUTCOME_FAILED);
	assert_int_equal(world.pipeline->row.outcome, OUTCOME_FAILED);
	world_release(&world);
}

static void
test_parallel_nodes_end_the_job_with_the_worst_of_them(void **state)
{
	struct world world;
	struct job *job;

	(void)state;
	world_init(&world);
	job = world_job(&world, "a", "build", 3);
	workflow_advance(world.workflow);
	assert_int_equal(job->task_count, 3);
	assert_int_equal(job->tasks[2]->row.node_index, 2);
	task_enter(job->tasks[1], HUB_ENDED, OUTCOME_FAILED, "exit 3");
	task_enter(job->tasks[0], HUB_ENDED, OUTCOME_SUCCESS, "");
	assert_int_equal(job->row.state, JOB_QUEUED);
	task_enter(job->tasks[2], HUB_ENDED, OUTCOME_SUCCESS, "");
	assert_int_equal(job->row.state, JOB_ENDED);
	assert_int_equal(job->row.outcome, OUTCOME_FAILED);
	assert_string_equal(job->row.reason, "exit 3");
	world_release(&world);
}

static void
test_an_approval_holds_the_workflow_until_somebody_decides(void **state)
{
	struct world world;
	struct job *hold, *noop, *after;
	struct err err = ERR_INIT;

	(void)state;
	world_init(&world);
	noop = world_job(&world, "start", "no-op", 1);
	hold = world_job(&world, "hold", "approval", 1);
	after = world_job(&world, "after", "build", 1);
	world_require(hold, noop, PLAN_SUCCESS);
	world_require(after, hold, PLAN_SUCCESS);
	workflow_advance(world.workflow);
	assert_int_equal(noop->row.outcome, OUTCOME_SUCCESS);
	assert_int_equal(hold->row.state, JOB_ON_HOLD);
	assert_int_equal(world.workflow->row.state, WORKFLOW_ON_HOLD);
	assert_int_equal(job_approve(after, "ada", &err), ERR_INPUT);
	assert_int_equal(job_approve(hold, "ada", &err), 0);
	assert_string_equal(hold->row.by, "ada");
	assert_int_equal(after->row.state, JOB_QUEUED);
	assert_int_equal(world.workflow->row.state, WORKFLOW_RUNNING);
	assert_int_equal(job_approve(hold, "ada", &err), ERR_GONE);
	world_release(&world);
}

static void
test_a_canceled_workflow_starts_nothing_more(void **state)
{
	struct world world;
	struct job *a, *b, *c;
	struct err err = ERR_INIT;

	(void)state;
	world_init(&world);
	a = world_job(&world, "a", "build", 1);
	b = world_job(&world, "b", "build", 1);
	c = world_job(&world, "c", "build", 1);
	world_require(b, a, PLAN_CANCELED);
	world_require(c, b, PLAN_SUCCESS);
	workflow_advance(world.workflow);
	assert_int_equal(workflow_cancel(world.workflow, "ada", &err), 0);
	assert_int_equal(a->row.outcome, OUTCOME_CANCELED);
	assert_string_equal(a->row.reason, "canceled by ada");
	assert_int_equal(b->row.outcome, OUTCOME_CANCELED);
	assert_int_equal(c->row.outcome, OUTCOME_CANCELED);
	assert_int_equal(b->task_count, 0);
	assert_int_equal(world.workflow->row.outcome, OUTCOME_CANCELED);
	assert_int_equal(workflow_cancel(world.workflow, "ada", &err), ERR_GONE);
	world_release(&world);
}

static struct offer
offer_of(struct world *world, unsigned slots, unsigned total, uint64_t since)
{
	struct offer offer = {.free = slots, .total = total, .since = since, .class_count = 1};

	offer.classes[0].class = model_class(&world->model, "o/big");
	offer.classes[0].slots = slots;
	return offer;
}

static void
test_tasks_are_divided_among_waiting_agents_by_their_idleness(void **state)
{
	struct world world;
	struct offer one, two, *offers[2] = {&one, &two}, *to;
	struct agent *agent;
	struct job *job;
	struct task *task;
	unsigned given[2] = {0, 0}, n = 0;
	struct id claim;

	(void)state;
	world_init(&world);
	job = world_job(&world, "a", "build", 6);
	workflow_advance(world.workflow);
	agent = world_agent(&world, "x");
	one = offer_of(&world, 8, 8, 1);
	two = offer_of(&world, 2, 8, 2);
	id_random(&claim);
	while (schedule_next(offers, 2, world_unix_ms(), &task, &to)) {
		/* First come, first served. */
		assert_int_equal(task->row.node_index, n);
		n++;
		given[to == &two]++;
		offer_take(to, job->class);
		lease_take(task, agent, &claim);
	}
	assert_int_equal(n, 6);
	/* 8/8 gives until it is as idle as 2/8; the first that came wins where both are equal. */
	assert_int_equal(given[0], 6);
	assert_int_equal(given[1], 0);
	world_release(&world);
}

static void
test_equal_agents_share_and_a_full_one_gets_nothing(void **state)
{
	struct world world;
	struct offer one, two, full, *offers[3] = {&one, &two, &full}, *to;
	struct agent *agent;
	struct job *job;
	struct task *task;
	unsigned given[2] = {0, 0};
	struct id claim;

	(void)state;
	world_init(&world);
	job = world_job(&world, "a", "build", 7);
	workflow_advance(world.workflow);
	agent = world_agent(&world, "x");
	one = offer_of(&world, 3, 4, 1);
	two = offer_of(&world, 3, 4, 2);
	full = offer_of(&world, 0, 4, 0);
	id_random(&claim);
	while (schedule_next(offers, 3, world_unix_ms(), &task, &to)) {
		assert_ptr_not_equal(to, &full);
		given[to == &two]++;
		offer_take(to, job->class);
		lease_take(task, agent, &claim);
	}
	assert_int_equal(given[0], 3);
	assert_int_equal(given[1], 3);
	assert_int_equal(job->class->queued, 1);
	world_release(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jobs_start_when_what_they_require_has_ended),
		cmocka_unit_test(test_a_failure_skips_what_needs_success_and_starts_what_takes_failure),
		cmocka_unit_test(test_parallel_nodes_end_the_job_with_the_worst_of_them),
		cmocka_unit_test(test_an_approval_holds_the_workflow_until_somebody_decides),
		cmocka_unit_test(test_a_canceled_workflow_starts_nothing_more),
		cmocka_unit_test(test_tasks_are_divided_among_waiting_agents_by_their_idleness),
		cmocka_unit_test(test_equal_agents_share_and_a_full_one_gets_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
