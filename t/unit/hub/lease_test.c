/*
 * lease_test.c - leases, agents and events under a clock that is turned.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "hub/actions.h"
#include "hub/progress.h"
#include "task/event.h"
#include "task/output_record.h"
#include "world.h"

static void
turn(struct world *world, uint64_t ms)
{
	world_ms += ms;
	leases_check(&world->model);
}

static enum progress
report(struct world *world, struct task *task, struct agent *agent, uint32_t epoch, uint32_t seq,
       enum event_type type, uint32_t *stored)
{
	struct task_event event = {.task = task->row.id, .epoch = epoch, .seq = seq, .time_ms = 5,
				   .type = type, .attempt = 1, .exit_code = EVENT_NO_EXIT_CODE};

	if (type == EVENT_ENDED || type == EVENT_STEP_ENDED)
		event.outcome = OUTCOME_SUCCESS;
	return progress_event(&world->model, &agent->row.id, &event, stored);
}

static void
test_a_lease_lost_before_it_ran_goes_back_to_the_queue_once(void **state)
{
	struct world world;
	struct agent *agent;
	struct task *task;

	(void)state;
	world_init(&world);
	world_job(&world, "a", "build", 1);
	workflow_advance(world.workflow);
	agent = world_agent(&world, "big1");
	task = world_lease(&world, agent);
	assert_int_equal(task->row.epoch, 1);
	assert_int_equal(task->job->row.state, JOB_RUNNING);
	turn(&world, RUNNER_LEASE_MS - 1);
	assert_int_equal(task->row.state, HUB_LEASED);
	turn(&world, 1);
	assert_int_equal(task->row.state, HUB_QUEUED);
	assert_int_equal(task->job->row.state, JOB_QUEUED);
	assert_int_equal(task->row.lost, 1);
	/* What was given back is counted apart. */
	task = world_lease(&world, agent);
	assert_true(lease_return(task, "full"));
	assert_int_equal(task->row.returned, 1);
	task = world_lease(&world, agent);
	assert_int_equal(task->row.epoch, 3);
	turn(&world, RUNNER_LEASE_MS);
	assert_int_equal(task->row.state, HUB_ENDED);
	assert_int_equal(task->row.outcome, OUTCOME_INFRA_FAIL);
	assert_string_equal(task->row.reason,
			    "agent 'big1' was not heard from before it ran, and it had been lost so before");
	assert_int_equal(world.pipeline->row.state, PIPELINE_ENDED);
	world_release(&world);
}

static struct task *
lose_running(struct world *world, struct agent *agent)
{
	struct task *task = world_lease(world, agent);
	uint32_t seq;

	assert_int_equal(report(world, task, agent, 1, 1, EVENT_RUNNING, &seq), PROGRESS_OK);
	turn(world, RUNNER_LOST_MS);
	assert_int_equal(task->row.state, HUB_ENDED);
	assert_int_equal(task->row.outcome, OUTCOME_INFRA_FAIL);
	return task;
}

static void
test_a_job_that_may_be_is_run_again_as_often_as_it_says_when_its_tasks_are_lost(void **state)
{
	struct world world;
	struct agent *agent;
	struct task *task, *again;
	struct job *job;
	uint32_t seq;

	(void)state;
	world_init(&world);
	job = world_job(&world, "a", "build", 1);
	job->row.retries = 2;
	workflow_advance(world.workflow);
	agent = world_agent(&world, "big1");
	task = lose_running(&world, agent);
	assert_int_equal(job->row.state, JOB_QUEUED);
	assert_int_equal(job->row.retried, 1);
	assert_string_equal(job->row.reason, "retry 1 of 2 after an infrastructure failure: agent 'big1' was "
					     "not heard from for 10 min while it ran this task");
	again = world_lease(&world, agent);
	assert_ptr_not_equal(again, task);
	assert_int_equal(again->row.attempt, 2);
	/* The first comes back: too late. */
	assert_int_equal(report(&world, task, agent, 1, 2, EVENT_ENDED, &seq), PROGRESS_GONE);
	task_enter(again, HUB_ENDED, OUTCOME_INFRA_FAIL, "the host was restarted");
	assert_int_equal(job->row.retried, 2);
	(void)lose_running(&world, agent);
	assert_int_equal(job->task_count, 3);
	assert_int_equal(job->row.state, JOB_ENDED);
	assert_int_equal(job->row.outcome, OUTCOME_INFRA_FAIL);
	world_release(&world);
}

static void
test_a_job_that_may_be_is_not_run_again_when_it_failed_itself_or_was_canceled(void **state)
{
	struct world world;
	struct agent *agent;
	struct task *task;
	struct job *job;

	(void)state;
	world_init(&world);
	job = world_job(&world, "a", "build", 2);
	job->row.retries = 2;
	workflow_advance(world.workflow);
	agent = world_agent(&world, "big1");
	task = world_lease(&world, agent);
	task_enter(task, HUB_ENDED, OUTCOME_FAILED, "step 0 failed");
	task = world_lease(&world, agent);
	task_enter(task, HUB_ENDED, OUTCOME_SUCCESS, "");
	assert_int_equal(job->row.state, JOB_ENDED);
	assert_int_equal(job->row.outcome, OUTCOME_FAILED);
	assert_int_equal(job->task_count, 2);
	job = world_job(&world, "b", "build", 1);
	job->row.retries = 2;
	job_begin(job);
	task = world_lease(&world, agent);
	(void)snprintf(task->row.cancel_by, sizeof(task->row.cancel_by), "ada");
	task_enter(task, HUB_ENDED, OUTCOME_INFRA_FAIL, "lost");
	assert_int_equal(job->row.state, JOB_ENDED);
	assert_int_equal(job->task_count, 1);
	world_release(&world);
}

static void
test_a_task_lost_while_it_ran_is_not_run_twice(void **state)
{
	struct world world;
	struct agent *agent;
	struct task *task;
	uint32_t seq;

	(void)state;
	world_init(&world);
	world_job(&world, "a", "build", 1);
	workflow_advance(world.workflow);
	agent = world_agent(&world, "big1");
	task = world_lease(&world, agent);
	assert_int_equal(report(&world, task, agent, 1, 1, EVENT_PREPARING, &seq), PROGRESS_OK);
	assert_int_equal(report(&world, task, agent, 1, 2, EVENT_RUNNING, &seq), PROGRESS_OK);
	turn(&world, RUNNER_LOST_MS - 1);
	assert_int_equal(task->row.state, HUB_LEASED);
	turn(&world, 1);
	assert_int_equal(task->row.state, HUB_ENDED);
	assert_int_equal(task->row.outcome, OUTCOME_INFRA_FAIL);
	assert_string_equal(task->row.reason,
			    "agent 'big1' was not heard from for 10 min while it ran this task");
	/* It comes back: too late. */
	assert_int_equal(report(&world, task, agent, 1, 3, EVENT_ENDED, &seq), PROGRESS_GONE);
	world_release(&world);
}

/* What its agent has sent meanwhile lies in the socket. */
static void
test_a_hub_that_did_not_run_judges_nobody_before_it_has_listened(void **state)
{
	struct world world;
	struct agent *agent;
	struct task *task;
	uint32_t seq;

	(void)state;
	world_init(&world);
	world_job(&world, "a", "build", 1);
	workflow_advance(world.workflow);
	agent = world_agent(&world, "big1");
	task = world_lease(&world, agent);
	assert_int_equal(report(&world, task, agent, 1, 1, EVENT_RUNNING, &seq), PROGRESS_OK);
	world_ms += 8 * (uint64_t)RUNNER_LOST_MS;
	leases_excuse(&world.model, 7 * (uint64_t)RUNNER_LOST_MS);
	leases_check(&world.model);
	assert_int_equal(task->row.state, HUB_LEASED);
	assert_true(agent->is_present);
	turn(&world, LEASE_DOUBT_MS - 1);
	assert_int_equal(task->row.state, HUB_LEASED);
	assert_true(agent->is_present);
	lease_renew(task); /* its word comes */
	turn(&world, RUNNER_LOST_MS - 1);
	assert_int_equal(task->row.state, HUB_LEASED);
	turn(&world, 1);
	assert_int_equal(task->row.state, HUB_ENDED);
	world_release(&world);
}

static void
test_a_heartbeat_keeps_a_lease_and_doubt_shortens_it(void **state)
{
	struct world world;
	struct agent *agent;
	struct task *task;
	uint32_t seq;
	int i;

	(void)state;
	world_init(&world);
	world_job(&world, "a", "build", 1);
	workflow_advance(world.workflow);
	agent = world_agent(&world, "big1");
	task = world_lease(&world, agent);
	for (i = 0; i < 5; i++) {
		turn(&world, RUNNER_LEASE_MS - 1);
		assert_int_equal(task->row.state, HUB_LEASED);
		lease_renew(task);
	}
	lease_doubt(task);
	turn(&world, LEASE_DOUBT_MS);
	assert_int_equal(task->row.state, HUB_QUEUED);
	assert_int_equal(task->row.returned, 1); /* its word: it is not lost */
	assert_int_equal(task->row.lost, 0);
	task = world_lease(&world, agent);
	assert_int_equal(report(&world, task, agent, 2, 1, EVENT_PREPARING, &seq), PROGRESS_OK);
	assert_int_equal(report(&world, task, agent, 2, 2, EVENT_RUNNING, &seq), PROGRESS_OK);
	lease_doubt(task);
	turn(&world, RUNNER_LEASE_MS - 1);
	lease_renew(task); /* word of it came in time */
	turn(&world, RUNNER_LEASE_MS);
	assert_int_equal(task->row.state, HUB_LEASED);
	lease_doubt(task);
	turn(&world, RUNNER_LEASE_MS);
	assert_string_equal(task->row.reason,
			    "agent 'big1' came back without this task, which had been running");
	world_release(&world);
}

static void
test_what_an_agent_has_forgotten_ends_at_once(void **state)
{
	struct world world;
	struct agent *agent;
	struct task *fresh, *running;
	uint32_t seq;

	(void)state;
	world_init(&world);
	world_job(&world, "a", "build", 2);
	workflow_advance(world.workflow);
	agent = world_agent(&world, "big1");
	fresh = world_lease(&world, agent);
	running = world_lease(&world, agent);
	assert_int_equal(report(&world, running, agent, 1, 1, EVENT_RUNNING, &seq), PROGRESS_OK);
	lease_forget(fresh);
	assert_int_equal(fresh->row.state, HUB_QUEUED);
	lease_forget(running);
	assert_int_equal(running->row.outcome, OUTCOME_INFRA_FAIL);
	assert_string_equal(running->row.reason, "agent 'big1' came back without this task, which had been "
						 "running: its host was restarted");
	world_release(&world);
}

static void
test_a_task_can_be_given_back_three_times(void **state)
{
	struct world world;
	struct agent *agent;
	struct task *task = NULL;
	int i;

	(void)state;
	world_init(&world);
	world_job(&world, "a", "build", 1);
	workflow_advance(world.workflow);
	agent = world_agent(&world, "big1");
	for (i = 0; i < RUNNER_UNCLAIM_MOST; i++) {
		task = world_lease(&world, agent);
		assert_true(lease_return(task, "full"));
	}
	task = world_lease(&world, agent);
	assert_false(lease_return(task, "full"));
	assert_int_equal(task->row.state, HUB_LEASED);
	world_release(&world);
}

static void
test_events_count_once_and_in_order_and_only_for_the_present_lease(void **state)
{
	struct world world;
	struct agent *agent, *other;
	struct task *task;
	uint32_t seq;

	(void)state;
	world_init(&world);
	world_job(&world, "a", "build", 1);
	workflow_advance(world.workflow);
	agent = world_agent(&world, "big1");
	other = world_agent(&world, "big2");
	task = world_lease(&world, agent);
	assert_int_equal(report(&world, task, agent, 1, 2, EVENT_RUNNING, &seq), PROGRESS_GAP);
	assert_int_equal(seq, 0);
	assert_int_equal(report(&world, task, agent, 1, 1, EVENT_PREPARING, &seq), PROGRESS_OK);
	assert_int_equal(seq, 1);
	assert_int_equal(report(&world, task, agent, 1, 1, EVENT_ENDED, &seq), PROGRESS_OK);
	assert_int_equal(task->row.state, HUB_LEASED);
	assert_int_equal(report(&world, task, other, 1, 2, EVENT_ENDED, &seq), PROGRESS_GONE);
	assert_true(lease_return(task, "full"));
	assert_int_equal(report(&world, task, agent, 1, 2, EVENT_RUNNING, &seq), PROGRESS_GONE);
	assert_ptr_equal(world_lease(&world, other), task);
	assert_int_equal(report(&world, task, agent, 1, 2, EVENT_RUNNING, &seq), PROGRESS_GONE);
	assert_int_equal(report(&world, task, other, 2, 1, EVENT_PREPARING, &seq), PROGRESS_OK);
	assert_int_equal(report(&world, task, other, 2, 2, EVENT_STEP_STARTED, &seq), PROGRESS_OK);
	assert_string_equal(task->steps->row.name, "a");
	assert_int_equal(report(&world, task, other, 2, 3, EVENT_STEP_ENDED, &seq), PROGRESS_OK);
	assert_int_equal(report(&world, task, other, 2, 4, EVENT_ENDED, &seq), PROGRESS_OK);
	assert_int_equal(task->row.outcome, OUTCOME_SUCCESS);
	/* The reply was lost: the same again is known. */
	assert_int_equal(report(&world, task, other, 2, 4, EVENT_ENDED, &seq), PROGRESS_OK);
	assert_int_equal(seq, 4);
	assert_int_equal(report(&world, task, other, 2, 5, EVENT_RUNNING, &seq), PROGRESS_GONE);
	world_release(&world);
}

static void
test_an_event_of_a_step_that_is_not_there_ends_the_task(void **state)
{
	struct task_event event = {.epoch = 1, .seq = 1, .type = EVENT_STEP_STARTED, .step = 5, .attempt = 1};
	struct world world;
	struct agent *agent;
	struct task *task;
	uint32_t seq;

	(void)state;
	world_init(&world);
	world_job(&world, "a", "build", 1);
	workflow_advance(world.workflow);
	agent = world_agent(&world, "big1");
	task = world_lease(&world, agent);
	event.task = task->row.id;
	assert_int_equal(progress_event(&world.model, &agent->row.id, &event, &seq), PROGRESS_GONE);
	assert_int_equal(task->row.outcome, OUTCOME_INFRA_FAIL);
	assert_string_equal(task->row.reason,
			    "agent 'big1' reported what cannot be (event 1): the task has no step 5");
	world_release(&world);
}

static void
test_output_has_one_place_for_each_byte(void **state)
{
	struct world world;
	struct agent *agent;
	struct task *task;
	struct output_record record = {.epoch = 1, .attempt = 1, .raw_len = 10};
	struct err err = ERR_INIT;
	uint64_t offset;
	bool is_new;

	(void)state;
	world_init(&world);
	world_job(&world, "a", "build", 1);
	workflow_advance(world.workflow);
	agent = world_agent(&world, "big1");
	task = world_lease(&world, agent);
	record.task = task->row.id;
#define TRY() progress_output(&world.model, &agent->row.id, &record, &offset, &is_new, &err)
	record.offset = 5;
	assert_int_equal(TRY(), PROGRESS_GAP);
	assert_int_equal(offset, 0);
	record.offset = 0;
	assert_int_equal(TRY(), PROGRESS_OK);
	assert_true(is_new);
	assert_int_equal(task->row.phase, TASK_CLAIMED);
	progress_output_position(&world.model, &record);
	/* What has printed has run, whatever events say so far. */
	assert_int_equal(task->row.phase, TASK_RUNNING);
	turn(&world, RUNNER_LEASE_MS);
	assert_int_equal(task->row.state, HUB_LEASED);
	assert_int_equal(TRY(), PROGRESS_OK);
	assert_false(is_new);
	assert_int_equal(offset, 10);
	record.offset = 5; /* begins within, ends beyond */
	assert_int_equal(TRY(), PROGRESS_GAP);
	assert_int_equal(offset, 10);
	record.step = 1;
	assert_int_equal(TRY(), PROGRESS_REFUSED);
	record.step = 0;
	record.attempt = 2; /* another attempt begins at 0 again */
	record.offset = 0;
	assert_int_equal(TRY(), PROGRESS_OK);
	assert_true(is_new);
	record.epoch = 2;
	assert_int_equal(TRY(), PROGRESS_GONE);
#undef TRY
	world_release(&world);
}

static void
test_a_job_says_that_no_agent_serves_its_class_until_one_comes(void **state)
{
	struct world world;
	struct agent *agent;
	struct job *job;

	(void)state;
	world_init(&world);
	job = world_job(&world, "a", "build", 1);
	workflow_advance(world.workflow);
	assert_string_equal(job->waiting, "no connected agent serves resource class 'o/big'");
	agent = world_agent(&world, "big1");
	assert_null(job->waiting);
	turn(&world, RUNNER_LEASE_MS);
	assert_non_null(job->waiting);
	agent_heard(agent);
	assert_null(job->waiting);
	assert_int_equal(world.model.counts.agents, 1);
	world_release(&world);
}

static void
test_a_canceled_task_that_nobody_answers_for_ends_as_canceled(void **state)
{
	struct world world;
	struct agent *agent;
	struct task *task;
	struct err err = ERR_INIT;

	(void)state;
	world_init(&world);
	world_job(&world, "a", "build", 1);
	workflow_advance(world.workflow);
	agent = world_agent(&world, "big1");
	task = world_lease(&world, agent);
	assert_int_equal(job_cancel(task->job, "ada", &err), 0);
	assert_int_equal(task->row.state, HUB_LEASED);
	turn(&world, RUNNER_LEASE_MS);
	assert_int_equal(task->row.state, HUB_ENDED);
	assert_int_equal(task->row.outcome, OUTCOME_CANCELED);
	assert_int_equal(world.workflow->row.outcome, OUTCOME_CANCELED);
	world_release(&world);
}

static void
test_a_document_is_in_memory_while_somebody_runs_the_job(void **state)
{
	struct world world;
	struct agent *agent;
	struct task *first, *second;
	struct job *job;
	uint32_t seq;

	(void)state;
	world_init(&world);
	job = world_job(&world, "a", "build", 2);
	workflow_advance(world.workflow);
	assert_null(job->document);
	agent = world_agent(&world, "big1");
	first = world_lease(&world, agent);
	second = world_lease(&world, agent);
	assert_non_null(job->document);
	assert_true(lease_return(first, "its agent gave it back"));
	assert_non_null(job->document);
	assert_int_equal(report(&world, second, agent, 1, 1, EVENT_ENDED, &seq), PROGRESS_OK);
	assert_int_equal(second->row.state, HUB_ENDED);
	assert_null(job->document);
	first = world_lease(&world, agent);
	assert_non_null(job->document);
	assert_true(lease_return(first, "its agent gave it back"));
	assert_null(job->document);
	world_release(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_lease_lost_before_it_ran_goes_back_to_the_queue_once),
		cmocka_unit_test(test_a_job_that_may_be_is_run_again_as_often_as_it_says_when_its_tasks_are_lost),
		cmocka_unit_test(test_a_job_that_may_be_is_not_run_again_when_it_failed_itself_or_was_canceled),
		cmocka_unit_test(test_a_task_lost_while_it_ran_is_not_run_twice),
		cmocka_unit_test(test_a_hub_that_did_not_run_judges_nobody_before_it_has_listened),
		cmocka_unit_test(test_a_heartbeat_keeps_a_lease_and_doubt_shortens_it),
		cmocka_unit_test(test_what_an_agent_has_forgotten_ends_at_once),
		cmocka_unit_test(test_a_task_can_be_given_back_three_times),
		cmocka_unit_test(test_events_count_once_and_in_order_and_only_for_the_present_lease),
		cmocka_unit_test(test_an_event_of_a_step_that_is_not_there_ends_the_task),
		cmocka_unit_test(test_output_has_one_place_for_each_byte),
		cmocka_unit_test(test_a_job_says_that_no_agent_serves_its_class_until_one_comes),
		cmocka_unit_test(test_a_canceled_task_that_nobody_answers_for_ends_as_canceled),
		cmocka_unit_test(test_a_document_is_in_memory_while_somebody_runs_the_job),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
