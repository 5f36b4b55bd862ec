/*
 * rows.h - what the hub knows of a thing, as it is stored, held in memory and shown.
 *
 * One struct a kind. The model's objects embed them, the store reads and writes them,
 * and the API renders them, so that a thing looks the same whether it is active or
 * long ended. Strings are borrowed from whoever holds the row (an arena of the model
 * or of a store operation); NULL is "none". Times are Unix milliseconds, 0 is "not
 * yet".
 *
 * seq is the number, counted in the pipeline, of the last change of the row: what
 * "watch?after=" asks for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_ROWS_H
#define HUB_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "format/digest.h"
#include "runner/blob.h"
#include "runner/protocol.h"
#include "runner/states.h"
#include "task/test_case.h"

enum {
	HUB_NAME_BYTES = 200,  /* of an agent, a class, a login; with the NUL */
	HUB_VERSION_BYTES = 32,
	CONTEXT_NAME_BYTES = 801, /* 200 characters of UTF-8 */
	VARIABLE_NAME_BYTES = 256,
};

#define JOB_STATES(X)        \
	X(BLOCKED, blocked) /* a job it requires has not ended */ \
	X(ON_HOLD, on_hold) /* waits for a person */              \
	X(QUEUED, queued)   /* no task of it has been leased */   \
	X(RUNNING, running)  \
	X(ENDED, ended)

#define WORKFLOW_STATES(X)   \
	X(RUNNING, running)  \
	X(FAILING, failing) /* a job failed, others go on */             \
	X(ON_HOLD, on_hold) /* nothing runs, an approval is waited for */ \
	X(ENDED, ended)

#define PIPELINE_STATES(X)  \
	X(RUNNING, running) \
	X(ENDED, ended)

#define STEP_STATES(X)      \
	X(RUNNING, running) \
	X(ENDED, ended)

/* What a person wants of an agent. */
#define AGENT_STANDINGS(X)    \
	X(ACTIVE, active)     \
	X(PAUSED, paused)     /* gets no task */ \
	X(DRAINING, draining) /* gets none, and ends when it has none */

#define BLOB_STATES(X)        \
	X(OPEN, open) /* bytes are to come */ \
	X(COMPLETE, complete)

/* What is kept for a time, and for how many days where no setting says it. Their numbers are stored: new ones go to the
 * end; a blob's is that of its kind and 1. */
#define KEPT_KINDS(X)                      \
	X(OUTPUT, output, 90)              \
	X(ARTIFACTS, artifacts, 30)        \
	X(CACHES, caches, 15)              \
	X(WORKSPACES, workspaces, 15)      \
	X(PIPELINES, pipelines, 365)

#define TOKEN_KINDS(X)            \
	X(CLASS, resource_class) \
	X(PERSON, person)

#define X(upper, name) JOB_##upper,
enum job_state { JOB_STATES(X) JOB_STATE_COUNT };
#undef X
#define X(upper, name) WORKFLOW_##upper,
enum workflow_state { WORKFLOW_STATES(X) WORKFLOW_STATE_COUNT };
#undef X
#define X(upper, name) PIPELINE_##upper,
enum pipeline_state { PIPELINE_STATES(X) PIPELINE_STATE_COUNT };
#undef X
#define X(upper, name) STEP_##upper,
enum step_state { STEP_STATES(X) STEP_STATE_COUNT };
#undef X
#define X(upper, name) AGENT_##upper,
enum agent_standing { AGENT_STANDINGS(X) AGENT_STANDING_COUNT };
#undef X
#define X(upper, name, days) KEPT_##upper,
enum kept_kind { KEPT_KINDS(X) KEPT_KIND_COUNT };
#undef X
#define X(upper, name) BLOB_##upper,
enum blob_state { BLOB_STATES(X) BLOB_STATE_COUNT };
#undef X
#define X(upper, name) TOKEN_##upper,
enum token_kind { TOKEN_KINDS(X) TOKEN_KIND_COUNT };
#undef X

/* Dynamic configuration: what a pipeline's config says of another one to come. */
enum pipeline_setup {
	SETUP_NONE,
	SETUP_PENDING,	 /* "setup: true": one config may continue it */
	SETUP_CONTINUED, /* it came */
};

const char *job_state_name(enum job_state state);
const char *workflow_state_name(enum workflow_state state);
const char *pipeline_state_name(enum pipeline_state state);
const char *step_state_name(enum step_state state);
const char *agent_standing_name(enum agent_standing standing);
bool job_state_parse(enum job_state *out, const char *name);

struct project_row {
	struct id id;
	const char *slug;
	int64_t last_pipeline, last_job; /* numbers given so far */
	const char *default_branch;	 /* as a pipeline's checkout has said; NULL: none has */
};

struct pipeline_row {
	struct id id, project;
	const char *project_slug;
	int64_t number;
	enum pipeline_state state;
	enum outcome outcome;
	int64_t created_ms, ended_ms;
	uint64_t seq; /* the highest in the pipeline */
	const char *actor; /* login of who started it */
	const char *branch, *tag, *revision, *repository;
	const char *directory;	 /* what a checkout copies; private hubs only */
	const char *config_path;
	enum pipeline_setup setup;
	const char *errors;	 /* of the config that continued it: a JSON array of sentences */
	const char *trigger;	 /* as CircleCI names it: "api", "scheduled_pipeline"; NULL: "api" */
	/* Large; only STORE_GET_PIPELINE reads them, NULL elsewhere. */
	const char *config;	 /* as sent; of a continued one what continued it */
	const char *compiled;	 /* as plan_process() writes it */
	const char *setup_config, *setup_compiled; /* of a continued one */
	const char *request;	 /* launch.h */
};

struct workflow_row {
	struct id id, pipeline;
	const char *name;
	uint32_t position; /* in the pipeline */
	enum workflow_state state;
	enum outcome outcome;
	int64_t created_ms, ended_ms;
	uint64_t seq;
	char canceled_by[HUB_NAME_BYTES]; /* "": nobody */
	uint32_t reruns;      /* times that jobs of it were run again */
	uint32_t auto_reruns; /* times it may yet run its failed jobs again by itself */
	/* Of its pipeline; not stored with it. */
	const char *project_slug, *actor;
	int64_t pipeline_number;
};

struct job_row {
	struct id id, workflow, pipeline;
	int64_t number; /* in the project; 0: it has none (approvals, no-ops) */
	uint32_t position; /* in the workflow */
	const char *name;
	const char *type; /* plan_job_type_name(): "build", "approval", "no-op" */
	const char *requires; /* job_requires_next() reads it */
	const char *resource_class; /* as resolved; NULL where nothing runs */
	const char *serial_group;   /* NULL: none */
	uint32_t parallelism;
	const char *document; /* task document without what a lease adds: document.h; NULL in lists */
	uint32_t document_bytes;
	/* What a lease of it needs to know; of active jobs only. */
	const char *contexts; /* that it names: a JSON array; NULL: none */
	bool needs_keys;      /* the project's: a step of it uses them */
	uint32_t retries; /* times that it may be run again because its host failed (infra-fail) */
	uint32_t retried; /* times that it was, since a person last had it run */
	uint32_t failed_tests_of; /* it runs again for the tests that failed in this attempt; 0: for all */
	enum job_state state;
	enum outcome outcome;
	char reason[RUNNER_REASON_BYTES];
	char by[HUB_NAME_BYTES]; /* who approved or canceled it; "": nobody */
	int64_t created_ms, queued_ms, started_ms, ended_ms;
	uint64_t seq;
	/* Of what it belongs to; not stored with it. */
	const char *workflow_name, *project_slug;
	int64_t pipeline_number;
};

struct task_row {
	struct id id, job, pipeline;
	uint32_t attempt; /* of the job, from 1 */
	uint32_t node_index;
	enum hub_state state;
	enum task_state phase; /* where the agent has come to; counts while leased */
	enum outcome outcome;
	char reason[RUNNER_REASON_BYTES];
	char cancel_by[HUB_NAME_BYTES]; /* set: it is to end as canceled */
	uint32_t epoch;	   /* of the last lease; 0: never leased */
	uint32_t returned; /* times its agent gave it back before it ran, or came back without it */
	uint32_t lost;	   /* times its lease was lost before it ran */
	uint32_t event_seq; /* last event stored */
	uint32_t history_seq;
	bool output_open; /* output may still come, or has not been gathered yet */
	struct id agent, claim;
	char agent_name[HUB_NAME_BYTES];
	int64_t queued_ms, leased_ms, started_ms, ended_ms;
	uint64_t seq;
	/* Of its job and its output; not stored with it. */
	const char *job_name;
	int64_t job_number;
	bool output_deleted; /* it was older than output is kept */
};

struct step_row {
	struct id task;
	uint32_t step, attempt; /* index in the task document; attempt from 1 */
	char name[HUB_NAME_BYTES];
	char kind[24];
	enum step_state state;
	enum outcome outcome;
	char reason[RUNNER_REASON_BYTES];
	int32_t exit_code; /* EVENT_NO_EXIT_CODE: none */
	int32_t signal;	   /* 0: none */
	uint64_t output_bytes; /* the agent's word once it has ended, else what the hub has */
	uint64_t wall_ms, user_us, system_us;
	uint64_t max_rss_bytes; /* of its largest process */
	uint64_t peak_bytes;	/* of all of them; 0: not known */
	uint64_t read_bytes, write_bytes; /* of disks */
	int64_t started_ms, ended_ms;
	uint64_t seq;
};

/* The tests of one task. */
struct test_run_row {
	struct id task, job, pipeline, project;
	const char *branch; /* "": none */
	const char *job_name;
	int64_t pipeline_number;
	uint32_t attempt, node_index;
	uint32_t total, failures, skipped, flaky;
	uint64_t bytes; /* of its results, about */
	/* Of what it belongs to; not stored with it. */
	int64_t pipeline_created_ms; /* for STORE_ADD_TESTS alone */
	const char *workflow_name, *revision;
	struct id workflow;
	int64_t job_number, created_ms; /* of the workflow */
};

/* One test in one task. */
struct test_row {
	uint32_t node_index;
	uint32_t place; /* in the task: the step, and there */
	int64_t id;	/* of the test, in all tasks of the project */
	struct test_case test;
};

/* One line of a task's life: what it came to and why. */
struct history_row {
	struct id task;
	uint32_t seq;
	int64_t time_ms;
	char state[24];
	char reason[RUNNER_REASON_BYTES];
};

struct class_row {
	struct id id;
	char name[HUB_NAME_BYTES];
	char description[HUB_NAME_BYTES];
};

struct token_row {
	struct id id;
	enum token_kind kind;
	unsigned char digest[DIGEST_BYTES];
	char name[HUB_NAME_BYTES];     /* of the class it proves, or the person's login */
	char nickname[HUB_NAME_BYTES];
	int64_t created_ms;
};

/* Variables that jobs of an owner's projects may ask for by the context's name. */
struct context_row {
	struct id id;
	char owner[HUB_NAME_BYTES]; /* "gh/ada": the slugs of its projects begin so */
	char name[CONTEXT_NAME_BYTES];
	int64_t created_ms;
};

/* The last build of a job on a branch that has ended: previous.h. */
struct build_row {
	const char *project_slug, *branch, *name;
	int64_t number, pipeline_number;
};

/* A variable of a context or a project, its value sealed: secrets.h. */
struct variable_row {
	struct id owner; /* the context's or the project's */
	char name[VARIABLE_NAME_BYTES];
	int64_t created_ms, updated_ms;
	const unsigned char *sealed;
	size_t sealed_len;
};

/* Scheduled workflows of a branch, with the config they are of. */
struct timetable_row {
	struct id id;
	const char *project_slug, *branch;
	const char *actor, *revision, *repository, *config_path;
	const char *config, *request; /* large; STORE_GET_TIMETABLE alone reads them */
	const char *entries; /* JSON: [{"workflow", "cron"}] */
	int64_t created_ms;
};

/*
 * What a task has left: bytes in a file below "blobs", which several small ones share (blobs.h). Its task, and all that
 * this belongs to, is of when it came.
 */
struct blob_row {
	struct id id, project, pipeline, job, task;
	enum blob_kind kind;
	enum blob_state state;
	uint32_t attempt, node_index; /* of the task */
	const char *name;	      /* any bytes */
	uint64_t size;
	unsigned char digest[DIGEST_BYTES]; /* once it is complete */
	struct id file;
	uint64_t at; /* of its first byte in that file */
	int64_t created_ms, used_ms;
	int64_t keep_ms; /* of a cache whose job says it; 0: as long as the hub keeps its kind */
};

struct orb_row {
	char name[400]; /* "ns/name@1.2.3": compile/orb_ref.h */
	const char *source;
	int64_t created_ms;
};

struct agent_row {
	struct id id;
	char name[HUB_NAME_BYTES];
	char version[HUB_VERSION_BYTES], os[HUB_VERSION_BYTES], arch[HUB_VERSION_BYTES];
	uint32_t slots;
	char classes[1024]; /* names it proved last, one blank between */
	int64_t first_ms, last_ms, used_ms; /* connected first, last; leased a task last */
	enum agent_standing standing;
	char standing_by[HUB_NAME_BYTES]; /* who wanted it; "": nobody has said anything */
	int64_t standing_ms;
};

extern const char *const kept_kind_names[KEPT_KIND_COUNT];

/* What usage counts beside the kinds; stored, too. Results of tests go with their pipeline. */
enum { USAGE_TESTS = 16, USAGE_COUNT };

/* Of a kind or USAGE_TESTS; NULL: it is not counted, as pipelines are not, which take what is theirs. */
const char *usage_name(unsigned usage);

/*
 * Walk the jobs a job requires: start with *at = row->requires, until false.
 * statuses is an OR of enum plan_status.
 */
bool job_requires_next(const char **at, struct id *job, unsigned *statuses);

#endif
