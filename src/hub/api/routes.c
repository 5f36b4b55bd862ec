/*
 * routes.c - the tables of routes, in the order they are looked through.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>

#include "hub/api/people.h"
#include "hub/api/router.h"

const struct route *const route_tables[] = {
	agent_routes,
	blob_routes,
	blob_bytes_routes,
	session_routes,
	blob_get_routes,
	people_run_routes,
	people_v2_routes,
	people_rerun_routes,
	people_continue_routes,
	context_routes,
	project_routes,
	ssh_key_routes,
	oidc_routes,
	orb_routes,
	schedule_routes,
	runner_class_routes,
	storage_routes,
	people_job_routes,
	people_why_routes,
	kept_routes,
	people_agent_routes,
	artifact_routes,
	people_test_routes,
	test_history_routes,
	watch_routes,
	output_routes,
	search_routes,
	NULL,
};
