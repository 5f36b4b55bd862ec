/*
 * plan.h - what a config comes to: workflows of fully literal jobs.
 *
 * Made by compile() (compile.h), given back with plan_free(). Plain structs; every
 * string, list and struct below lives in the plan's arena and is read only. No
 * "<< >>", no command, no executor name is left in it. Order is the config's order
 * throughout. A list is (pointer, count); an empty one has count 0 and any pointer.
 * A string that the config did not state is NULL, never "".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_PLAN_H
#define COMPILE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

enum { PLAN_NO_OUTPUT_TIMEOUT_MS = 10 * 60 * 1000 };

enum plan_job_type {
	PLAN_JOB_BUILD,
	PLAN_JOB_APPROVAL, /* waits for a person; success once approved */
	PLAN_JOB_NO_OP,	   /* success at once; no steps, no executor */
	PLAN_JOB_LOCK,	   /* takes serial_group (entry of a job group) */
	PLAN_JOB_UNLOCK,   /* gives serial_group back, whatever came before it */
	PLAN_JOB_TYPE_COUNT
};

/* How a job may end, as its dependants see it: the accepted set of a dependency is an OR of these.
 */
enum plan_status {
	PLAN_SUCCESS = 1 << 0,
	PLAN_FAILED = 1 << 1,
	PLAN_CANCELED = 1 << 2,
	PLAN_UNAUTHORIZED = 1 << 3,
	PLAN_NOT_RUN = 1 << 4,
	PLAN_TERMINAL = (1 << 5) - 1,
};

enum plan_executor_kind {
	PLAN_EXECUTOR_NONE, /* approval, no-op, lock, unlock */
	PLAN_EXECUTOR_MACHINE,
	PLAN_EXECUTOR_DOCKER,
	PLAN_EXECUTOR_MACOS,
	PLAN_EXECUTOR_COUNT
};

enum plan_step_kind {
	PLAN_STEP_RUN,
	PLAN_STEP_CHECKOUT,
	PLAN_STEP_SAVE_CACHE,
	PLAN_STEP_RESTORE_CACHE,
	PLAN_STEP_STORE_ARTIFACTS,
	PLAN_STEP_STORE_TEST_RESULTS,
	PLAN_STEP_PERSIST_TO_WORKSPACE,
	PLAN_STEP_ATTACH_WORKSPACE,
	PLAN_STEP_ADD_SSH_KEYS,
	PLAN_STEP_SETUP_REMOTE_DOCKER,
	PLAN_STEP_KIND_COUNT
};

enum plan_when { PLAN_ON_SUCCESS, PLAN_ON_FAIL, PLAN_ALWAYS, PLAN_WHEN_COUNT };

enum plan_checkout {
	PLAN_CHECKOUT_BLOBLESS,
	PLAN_CHECKOUT_FULL,
	PLAN_CHECKOUT_SHALLOW,
	PLAN_CHECKOUT_COUNT
};

struct plan_strings {
	const char **items;
	size_t count;
};

/* Names are unique in one environment; sorted as first written. */
struct plan_pair {
	const char *name;
	const char *value;
};

struct plan_environment {
	struct plan_pair *items;
	size_t count;
	uint32_t *slots; /* environment.c's: where a name's item is; NULL: they are few */
};

/* Where in the config something was written; lines and columns count from 1. */
struct plan_place {
	const char *path;
	uint32_t line;
	uint32_t column;
};

/* One container of a docker executor. */
struct plan_image {
	const char *image;
	const char *name;
	const char *user;
	struct plan_strings entrypoint;
	struct plan_strings command;
	struct plan_environment environment; /* for the container's entrypoint, not for steps */
	struct plan_environment auth; /* auth, aws_auth and gcp_auth keys; values may hold $NAME */
};

struct plan_executor {
	enum plan_executor_kind kind;
	const char *image;	   /* machine: image, or NULL */
	const char *xcode;	   /* macos */
	struct plan_image *images; /* docker: [0] is where steps run */
	size_t image_count;
	bool docker_layer_caching; /* machine */
};

/*
 * A step. Which fields count depends on kind; the rest are zero.
 *
 * run				command shell environment working_directory background
 *				no_output_timeout_ms max_auto_reruns auto_rerun_delay_ms
 * checkout			path method depth
 * save_cache			key paths
 * restore_cache		keys (in the order to try)
 * store_artifacts		path destination
 * store_test_results		path
 * persist_to_workspace		root paths
 * attach_workspace		path
 * add_ssh_keys			fingerprints (none: all keys)
 * setup_remote_docker		version docker_layer_caching
 */
struct plan_step {
	enum plan_step_kind kind;
	const char *name;    /* what to display; never NULL */
	enum plan_when when; /* artifacts and test results are PLAN_ALWAYS */
	const char *command;
	struct plan_strings shell; /* argv; empty: the job's */
	struct plan_environment environment;
	const char *working_directory; /* relative to the job's; NULL: the job's */
	bool background;
	uint64_t no_output_timeout_ms;
	unsigned max_auto_reruns; /* further attempts; 0: none */
	uint64_t auto_rerun_delay_ms;
	const char *path;
	const char *destination;
	const char *key;
	struct plan_strings keys;
	struct plan_strings paths;
	const char *root;
	enum plan_checkout method;
	unsigned depth;
	struct plan_strings fingerprints;
	const char *version;
	bool docker_layer_caching;
	struct plan_place place;
	struct plan_strings origin; /* commands it came through, outermost first */
};

struct plan_requirement {
	uint32_t job;	   /* index in the workflow's jobs */
	unsigned statuses; /* accepted ends: OR of enum plan_status, never 0 */
};

struct plan_job {
	const char *name; /* effective and unique in its workflow */
	const char *
		job; /* key under "jobs"; "orb/job" from an orb; the entry's name for an approval */
	enum plan_job_type type;
	struct plan_requirement *requires;
	size_t require_count;
	struct plan_executor executor;
	const char *resource_class;   /* as written */
	unsigned parallelism;	      /* >= 1: this many tasks, CIRCLE_NODE_INDEX 0.. */
	struct plan_strings contexts; /* later ones override */
	const char *serial_group;
	unsigned retention_days;	     /* retention.caches; 0: not stated */
	struct plan_strings shell;	     /* argv; empty: the default shell */
	const char *working_directory;	     /* NULL: the agent's choice */
	struct plan_environment environment; /* executor's and job's, merged */
	unsigned retries; /* RUNNER_RETRIES of these: further attempts where the host fails */
	size_t given;			     /* the last of these are not the config's (select.h) */
	struct plan_step *steps;
	size_t step_count;
	struct plan_place place; /* the entry in the workflow */
};

struct plan_workflow {
	const char *name;
	struct plan_job *jobs;
	size_t job_count;
	unsigned max_auto_reruns; /* rerun from failed this often; 0: never */
	struct plan_place place;
};

/* A workflow that a clock starts; compile again with compile_input.schedule = workflow. */
struct plan_schedule {
	const char *workflow;
	const char *cron;	    /* five fields, UTC */
	struct plan_strings only;   /* branches: names or /regex/ */
	struct plan_strings ignore; /* branches; not consulted where only is not empty */
	bool is_of_branch;	    /* by these, of the branch that the plan was made for */
};

/* Why a workflow of the config is not among those that the trigger selects. */
enum plan_idle_cause { PLAN_IDLE_SCHEDULE, PLAN_IDLE_CONDITION, PLAN_IDLE_FILTERS };

struct plan_idle {
	const char *workflow;
	enum plan_idle_cause cause;
};

struct plan_orb {
	const char *alias;
	const char *resolved; /* "ns/name@1.2.3", or "inline" */
};

struct plan {
	struct plan_workflow *workflows; /* those this trigger selects; may be none */
	size_t workflow_count;
	struct plan_idle *idle; /* the others */
	size_t idle_count;
	struct plan_schedule *schedules; /* all of the config */
	size_t schedule_count;
	struct plan_orb *orbs;
	size_t orb_count;
	bool is_tag; /* made for a tag and no branch */
	bool setup;  /* "setup: true": its one workflow may continue the pipeline */
};

/* NULL is fine. */
void plan_free(struct plan *plan);

/*
 * Append the plan as a version 2 config. Compiling it again gives the same plan and
 * the same text, as far as version 2 can say it; what only 2.1 can say (status sets
 * other than success, serial groups, reruns) is written with version 2.1.
 */
void plan_process(const struct plan *plan, struct buffer *out);

/* Words as users write them: "build", "machine", "run", "on_fail", "blobless", "success". */
const char *plan_job_type_name(enum plan_job_type type);
const char *plan_executor_name(enum plan_executor_kind kind);
const char *plan_step_kind_name(enum plan_step_kind kind);
const char *plan_when_name(enum plan_when when);
const char *plan_checkout_name(enum plan_checkout method);
const char *plan_status_name(enum plan_status status); /* one bit */

#endif
