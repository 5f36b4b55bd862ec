/*
 * plan.c - what a config comes to: its memory, and the words for its values.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/plan.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"
#include "compile/plan_text.h"

struct plan_box {
	struct plan plan; /* first: a plan's address is its box's */
	struct arena arena;
};

struct plan *
plan_new(const struct plan *content, struct arena *arena)
{
	struct plan_box *box = MEM_NEW(struct plan_box);

	box->plan = *content;
	box->arena = *arena;
	arena_init(arena, 0);
	return &box->plan;
}

void
plan_free(struct plan *plan)
{
	struct plan_box *box = (struct plan_box *)plan;

	if (plan == NULL)
		return;
	arena_release(&box->arena);
	free(box);
}

const char *
plan_job_type_name(enum plan_job_type type)
{
	static const char *const names[PLAN_JOB_TYPE_COUNT] = {[PLAN_JOB_BUILD] = "build",
							       [PLAN_JOB_APPROVAL] = "approval",
							       [PLAN_JOB_NO_OP] = "no-op",
							       [PLAN_JOB_LOCK] = "lock",
							       [PLAN_JOB_UNLOCK] = "unlock"};

	assert(type < PLAN_JOB_TYPE_COUNT);
	return names[type];
}

const char *
plan_executor_name(enum plan_executor_kind kind)
{
	static const char *const names[PLAN_EXECUTOR_COUNT] = {[PLAN_EXECUTOR_NONE] = "none",
							       [PLAN_EXECUTOR_MACHINE] = "machine",
							       [PLAN_EXECUTOR_DOCKER] = "docker",
							       [PLAN_EXECUTOR_MACOS] = "macos"};

	assert(kind < PLAN_EXECUTOR_COUNT);
	return names[kind];
}

const char *
plan_step_kind_name(enum plan_step_kind kind)
{
	static const char *const names[PLAN_STEP_KIND_COUNT] = {
		[PLAN_STEP_RUN] = "run",
		[PLAN_STEP_CHECKOUT] = "checkout",
		[PLAN_STEP_SAVE_CACHE] = "save_cache",
		[PLAN_STEP_RESTORE_CACHE] = "restore_cache",
		[PLAN_STEP_STORE_ARTIFACTS] = "store_artifacts",
		[PLAN_STEP_STORE_TEST_RESULTS] = "store_test_results",
		[PLAN_STEP_PERSIST_TO_WORKSPACE] = "persist_to_workspace",
		[PLAN_STEP_ATTACH_WORKSPACE] = "attach_workspace",
		[PLAN_STEP_ADD_SSH_KEYS] = "add_ssh_keys",
		[PLAN_STEP_SETUP_REMOTE_DOCKER] = "setup_remote_docker"};

	assert(kind < PLAN_STEP_KIND_COUNT);
	return names[kind];
}

const char *
plan_when_name(enum plan_when when)
{
	static const char *const names[PLAN_WHEN_COUNT] = {[PLAN_ON_SUCCESS] = "on_success",
							   [PLAN_ON_FAIL] = "on_fail",
							   [PLAN_ALWAYS] = "always"};

	assert(when < PLAN_WHEN_COUNT);
	return names[when];
}

const char *
plan_checkout_name(enum plan_checkout method)
{
	static const char *const names[PLAN_CHECKOUT_COUNT] = {[PLAN_CHECKOUT_BLOBLESS] =
								       "blobless",
							       [PLAN_CHECKOUT_FULL] = "full",
							       [PLAN_CHECKOUT_SHALLOW] = "shallow"};

	assert(method < PLAN_CHECKOUT_COUNT);
	return names[method];
}

const char *
plan_status_name(enum plan_status status)
{
	switch (status) {
	case PLAN_SUCCESS:
		return "success";
	case PLAN_FAILED:
		return "failed";
	case PLAN_CANCELED:
		return "canceled";
	case PLAN_UNAUTHORIZED:
		return "unauthorized";
	case PLAN_NOT_RUN:
		return "not_run";
	case PLAN_TERMINAL:
		return "terminal";
	}
	UNREACHABLE();
}
