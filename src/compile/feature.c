/*
 * feature.c - what a runner may or may not be able to do, in words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/compile.h"

static const struct {
	enum compile_feature feature;
	const char *name;
} features[] = {
	{FEATURE_CACHE, "caches (save_cache, restore_cache)"},
	{FEATURE_WORKSPACE, "workspaces (persist_to_workspace, attach_workspace)"},
	{FEATURE_ARTIFACTS, "artifacts (store_artifacts)"},
	{FEATURE_TEST_RESULTS, "test results (store_test_results)"},
	{FEATURE_APPROVAL, "approval jobs (type: approval)"},
	{FEATURE_SERIAL_GROUP, "serial groups (serial-group)"},
	{FEATURE_STEP_RERUNS, "reruns of steps (max_auto_reruns)"},
	{FEATURE_WORKFLOW_RERUNS, "reruns of workflows (max_auto_reruns)"},
	{FEATURE_SCHEDULES, "scheduled workflows (triggers)"},
	{FEATURE_SETUP, "dynamic configuration (setup: true)"},
	{FEATURE_CONTEXTS, "contexts (context)"},
	{FEATURE_PARALLELISM, "parallel jobs (parallelism)"},
	{FEATURE_REMOTE_DOCKER, "a remote Docker engine (setup_remote_docker)"},
	{FEATURE_SSH_KEYS, "additional SSH keys (add_ssh_keys)"},
	{FEATURE_BACKGROUND, "background steps (background: true)"},
	{FEATURE_DOCKER, "containers (docker:)"},
	{FEATURE_DOCKER_SERVICES, "service containers (more than one image)"},
	{FEATURE_MACOS, "macOS (macos:)"},
	{FEATURE_REQUIRES_STATUS, "requirements on other ends than success"},
	{FEATURE_RETENTION, "retention of caches (retention)"},
	{FEATURE_CHECKOUT, "checkout"},
};

const char *
compile_feature_name(enum compile_feature feature)
{
	size_t i;

	for (i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		if (features[i].feature == feature)
			return features[i].name;
	return "this";
}
