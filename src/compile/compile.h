/*
 * compile.h - the configuration compiler: bytes and values in, a plan and diagnostics out.
 *
 * No I/O, no clock, no locale, no global state: equal input gives an equal plan.
 *
 *	struct compile_input input = {.path = ".circleci/config.yml", .bytes = b, .len = n};
 *	struct plan *plan;
 *	struct diags *diags;
 *
 *	input.values = values;		("pipeline.id" and so on)
 *	input.branch = "main";
 *	input.policy.supported = FEATURE_ARTIFACTS | FEATURE_PARALLELISM;
 *	if (compile(&input, &plan, &diags) < 0)
 *		...			plan is NULL, diags hold at least one error
 *	diags_print(diags, &text, false);	warnings come with a good plan, too
 *	plan_free(plan);
 *	diags_free(diags);
 *
 * Bounds: COMPILE_CONFIG_MAX_BYTES of config and orbs together, COMPILE_MEMORY_BYTES for all
 * the compilation makes; what passes them is refused with a diagnostic.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_COMPILE_H
#define COMPILE_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile/diag.h"
#include "compile/plan.h"

struct err;

enum {
	COMPILE_CONFIG_MAX_BYTES = 3 << 20,
	COMPILE_MEMORY_BYTES = 46 << 20, /* with what libyaml and the program take, less than 64 MiB */
	COMPILE_PARAMETERS_MAX = 100,
	COMPILE_PARAMETER_NAME_MAX_BYTES = 128,
	COMPILE_PARAMETER_VALUE_MAX_BYTES = 512,
};

/*
 * What the caller can carry out. A config that uses something outside the set is
 * refused at the key's line and column with E_UNSUPPORTED, so nothing is left out in
 * silence. FEATURE_ALL is for "config validate --all" and for tests.
 */
enum compile_feature {
	FEATURE_CACHE = 1 << 0,		   /* save_cache, restore_cache */
	FEATURE_WORKSPACE = 1 << 1,	   /* persist_to_workspace, attach_workspace */
	FEATURE_ARTIFACTS = 1 << 2,	   /* store_artifacts */
	FEATURE_TEST_RESULTS = 1 << 3,	   /* store_test_results */
	FEATURE_APPROVAL = 1 << 4,	   /* type: approval */
	FEATURE_SERIAL_GROUP = 1 << 5,	   /* serial-group */
	FEATURE_STEP_RERUNS = 1 << 6,	   /* max_auto_reruns of a run step */
	FEATURE_WORKFLOW_RERUNS = 1 << 7,  /* max_auto_reruns of a workflow */
	FEATURE_SCHEDULES = 1 << 8,	   /* triggers: schedule: */
	FEATURE_SETUP = 1 << 9,		   /* setup: true */
	FEATURE_CONTEXTS = 1 << 10,	   /* context */
	FEATURE_PARALLELISM = 1 << 11,	   /* parallelism above 1 */
	FEATURE_REMOTE_DOCKER = 1 << 12,   /* setup_remote_docker */
	FEATURE_SSH_KEYS = 1 << 13,	   /* add_ssh_keys */
	FEATURE_BACKGROUND = 1 << 14,	   /* background: true */
	FEATURE_DOCKER = 1 << 15,	   /* docker: executors, in containers */
	FEATURE_DOCKER_SERVICES = 1 << 16, /* more than one image of a docker: executor */
	FEATURE_MACOS = 1 << 17,	   /* macos: executors */
	FEATURE_REQUIRES_STATUS = 1 << 18, /* requires: [{job: failed}] and the like */
	FEATURE_RETENTION = 1 << 19,	   /* retention: caches: */
	FEATURE_CHECKOUT = 1 << 20,	   /* checkout */
	FEATURE_ALL = (1 << 21) - 1,
	/* What runner-hub and runnerd carry out: the one list that hub and runnerctl compile with.
	 */
	FEATURE_CARRIED_OUT = FEATURE_CHECKOUT | FEATURE_PARALLELISM | FEATURE_BACKGROUND |
			      FEATURE_STEP_RERUNS | FEATURE_REQUIRES_STATUS | FEATURE_APPROVAL |
			      FEATURE_CONTEXTS | FEATURE_SSH_KEYS | FEATURE_SERIAL_GROUP |
			      FEATURE_WORKFLOW_RERUNS | FEATURE_SETUP | FEATURE_SCHEDULES | FEATURE_CACHE |
			      FEATURE_WORKSPACE | FEATURE_ARTIFACTS | FEATURE_TEST_RESULTS |
			      FEATURE_RETENTION,
};

struct selection;

struct compile_policy {
	/* Take docker: executors without FEATURE_DOCKER: the steps run on the host ("--executor
	 * host"). */
	bool docker_on_host;
	uint64_t supported; /* OR of enum compile_feature */
	/* What jobs need that is not supported is told of those that this takes; NULL: of all. Borrowed. */
	const struct selection *selection;
};

enum compile_type {
	COMPILE_NULL,
	COMPILE_STRING,
	COMPILE_INTEGER,
	COMPILE_BOOLEAN,
	COMPILE_TEXT, /* parameters only: string, to be read with the declared type */
};

/* A pipeline value ("pipeline.git.branch") or a pipeline parameter ("go", without the prefix). */
struct compile_value {
	const char *name;
	enum compile_type type;
	const char *string; /* COMPILE_STRING, COMPILE_TEXT */
	int64_t integer;
	bool boolean;
	bool if_declared; /* a parameter that the config need not declare */
};

/*
 * Fetch a registry orb. ref is "ns/name@version" as written, substitution done. On
 * success *bytes (malloc; compile() frees), *len, *path (for diagnostics) and *resolved
 * ("ns/name@1.2.3") are set, the latter two malloc'd likewise, and 0 is returned. Otherwise
 * negative with err filled: its sentence and hint become the diagnostic's. ERR_INPUT says that
 * the orb is there and is not the one it ought to be (E_ORB_LOCK), all else that it cannot be had
 * (E_ORB_UNKNOWN).
 */
typedef int compile_orb_fn(void *arg, const char *ref, void **bytes, size_t *len, char **path,
			   char **resolved, struct err *err);

struct compile_input {
	const char *path; /* for diagnostics and places only; never opened */
	const void *bytes;
	size_t len;
	/*
	 * Pipeline values of this trigger. A name the specification knows and that is not
	 * here (nor null here) is null. pipeline.git.branch and .tag need not be given: they
	 * come from branch and tag below.
	 */
	const struct compile_value *values;
	size_t value_count;
	const struct compile_value *parameters;
	size_t parameter_count;
	const char *branch; /* what is built: a branch, a tag, or (rarely) both; NULL: not one */
	const char *tag;
	const char *schedule; /* the workflow a clock starts; NULL: push, API or command line */
	struct compile_policy policy;
	compile_orb_fn *orb; /* NULL: registry orbs are refused with E_ORB_UNKNOWN */
	void *orb_arg;
	bool is_orb_check; /* what the config's registry orbs define is looked at as what it defines */
};

/*
 * Compile. *diags is always set; *plan is NULL unless 0 is returned. The input is
 * borrowed for the call only.
 * Fails: ERR_INPUT (diags hold the errors), ERR_LIMIT (a bound was met; diags say which).
 */
int compile(const struct compile_input *input, struct plan **plan, struct diags **diags);

/*
 * Import an orb that stands nowhere yet, as name ("ns/name@1.2.3"); those that it imports come from
 * others(arg, ...). What no config could use yet (a step that is not there) is warned of. *diags is
 * always set. Fails: as compile().
 */
int compile_orb(const char *name, const void *bytes, size_t len, compile_orb_fn *others, void *arg,
		struct diags **diags);

/* The E_UNSUPPORTED wording of one feature bit: "caches (save_cache, restore_cache)". */
const char *compile_feature_name(enum compile_feature feature);

#endif
