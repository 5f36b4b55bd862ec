/*
 * upstream_test.c - which layers a job gets, and in which order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "compile/plan.h"
#include "format/json.h"
#include "hub/upstream.h"
#include "world.h"

/* A task of a job and, when it persists, the step that did so. */
static void
ran(struct job *job, uint32_t attempt, uint32_t node, const char *kind, enum outcome outcome)
{
	struct task_row row = {.attempt = attempt, .node_index = node, .state = HUB_ENDED};
	struct step_row step = {.step = 2, .attempt = 1, .state = STEP_ENDED, .outcome = outcome};
	struct task *task;

	id_random(&row.id);
	task = task_new(job, &row);
	(void)snprintf(step.kind, sizeof(step.kind), "%s", kind);
	(void)step_new(task, &step);
}

static void
persisted(struct job *job)
{
	ran(job, 1, 0, "persist_to_workspace", OUTCOME_SUCCESS);
}

/* "a<>:1 b<0>:2": names, the jobs each is behind, and how many layers it has. */
static char *
layers_of(struct job *job)
{
	struct json *list = upstream_layers(job), *after;
	struct buffer text = BUFFER_INIT;
	size_t i, k;

	for (i = 0; i < json_count(list); i++) {
		buffer_printf(&text, "%s%s<", i > 0 ? " " : "",
			      json_get_str(json_at(list, i), "job"));
		after = json_get(json_at(list, i), "after");
		for (k = 0; k < json_count(after); k++)
			buffer_printf(&text, "%d", (int)json_int_value(json_at(after, k)));
		buffer_printf(&text, ">:%zu", json_count(json_get(json_at(list, i), "layers")));
	}
	json_free(list);
	return buffer_take_text(&text);
}

static void
assert_layers(struct job *job, const char *expected)
{
	char *text = layers_of(job);

	assert_string_equal(text, expected);
	free(text);
}

static struct job *
job_behind(struct world *world, const char *name, struct job *one, struct job *two)
{
	struct job *job = world_job(world, name, "build", 1);

	if (one != NULL)
		world_require(job, one, PLAN_SUCCESS);
	if (two != NULL)
		world_require(job, two, PLAN_SUCCESS);
	return job;
}

static void
test_upstream_layers_come_in_the_order_of_what_is_required(void **state)
{
	struct world world;
	struct job *last, *first, *quiet, *other, *beside;

	(void)state;
	world_init(&world);
	last = world_job(&world, "last", "build", 1); /* stands before what it requires */
	first = job_behind(&world, "first", NULL, NULL);
	quiet = job_behind(&world, "quiet", first, NULL);
	other = job_behind(&world, "other", NULL, NULL);
	beside = job_behind(&world, "beside", quiet, other);
	world_require(last, beside, PLAN_SUCCESS);
	world_require(last, quiet, PLAN_SUCCESS);
	assert_layers(last, "");
	persisted(first);
	persisted(other);
	persisted(beside);
	assert_layers(last, "first<>:1 other<>:1 beside<01>:1");
	assert_layers(quiet, "first<>:1");
	assert_layers(first, "");
	world_release(&world);
}

static void
test_upstream_layers_are_those_of_the_last_attempt(void **state)
{
	struct world world;
	struct job *kept, *again, *job;

	(void)state;
	world_init(&world);
	kept = job_behind(&world, "kept", NULL, NULL);
	again = job_behind(&world, "again", NULL, NULL);
	job = job_behind(&world, "job", kept, again);
	persisted(kept);
	ran(again, 1, 0, "persist_to_workspace", OUTCOME_SUCCESS);
	ran(again, 1, 1, "persist_to_workspace", OUTCOME_SUCCESS);
	assert_layers(job, "kept<>:1 again<>:2");
	ran(again, 2, 0, "persist_to_workspace", OUTCOME_SUCCESS);
	assert_layers(job, "kept<>:1 again<>:1");
	ran(again, 3, 0, "persist_to_workspace", OUTCOME_FAILED);
	ran(again, 3, 1, "run", OUTCOME_SUCCESS);
	assert_layers(job, "kept<>:1");
	world_release(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_upstream_layers_come_in_the_order_of_what_is_required),
		cmocka_unit_test(test_upstream_layers_are_those_of_the_last_attempt),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
