/*
 * model.h - what is active, in memory: pipelines, workflows, jobs, tasks, agents, classes.
 *
 * The loop decides here at once and the store follows: whoever changes a row calls
 * the kind's *_touch() (the *_enter() functions of states.h do), the change gets the
 * pipeline's next number, and at the end of the loop's turn every touched row goes to the
 * store as one transaction. model_after_commit() runs when all that was touched before it is
 * durable; watchers hear of a change then, too.
 *
 * A pipeline stays here until it has ended, the output of all its tasks is
 * gathered, and nobody holds a pin on it; from then on only the store knows it, until model_revive() for
 * jobs that are run again. Objects belong to their pipeline and go with it. Agents and classes stay.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_MODEL_H
#define HUB_MODEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "base/arena.h"
#include "base/id.h"
#include "hub/key.h"
#include "hub/rows.h"
#include "hub/secrets.h"
#include "loop/loop.h"

struct agent;
struct claim;
struct commit;
struct err;
struct heartbeat;
struct job;
struct json;
struct model;
struct offer;
struct orb_entry;
struct pipeline;
struct resource_class;
struct serial_group;
struct step;
struct store;
struct store_op;
struct store_snapshot;
struct task;
struct watcher;
struct workflow;

enum {
	MODEL_ATTEMPTS_MOST = 100, /* of one step */
	MODEL_CLASSES_OF_AGENT = 32,
	MODEL_JOBS_MOST = 10000,   /* in one pipeline */
	MODEL_PARALLELISM_MOST = 256,
};

/* The one class of a private hub. */
#define MODEL_PRIVATE_CLASS "private"

enum touched_kind {
	TOUCHED_PIPELINE,
	TOUCHED_WORKFLOW,
	TOUCHED_JOB,
	TOUCHED_TASK,
	TOUCHED_STEP,
	TOUCHED_AGENT,
};

enum touched_magic {
	PIPELINE_MAGIC = 0x68700001,
	WORKFLOW_MAGIC,
	JOB_MAGIC,
	TASK_MAGIC,
	STEP_MAGIC,
	AGENT_MAGIC,
};

/* Head of every object whose row is stored. */
struct touched {
	uint32_t magic;
	enum touched_kind kind;
	bool is_touched;	/* in the list of this turn */
	bool is_stored;		/* its row has been submitted before */
	struct touched *next;
};

struct project {
	struct project_row row;
	struct variables variables;
	struct variables ssh_keys; /* ssh_keys.h */
	bool is_touched;
	UT_hash_handle hh; /* by row.slug */
};

struct pipeline {
	struct touched touched;
	struct pipeline_row row;
	struct model *model;
	struct project *project;
	struct arena arena; /* its workflows, jobs, tasks and steps, and the strings of all rows */
	struct workflow **workflows;
	size_t workflow_count;
	unsigned pins;	     /* stays while not 0 */
	bool is_continuing;  /* a config that continues it is being compiled */
	unsigned open_tasks; /* whose output is open */
	struct watcher *watchers;
	UT_hash_handle hh;
};

struct workflow {
	struct touched touched;
	struct workflow_row row;
	struct pipeline *pipeline;
	struct job **jobs;
	size_t job_count;
	bool is_advancing; /* workflow_advance() is at work, or held off */
	UT_hash_handle hh;
};

struct requirement {
	struct job *job;
	unsigned statuses; /* OR of enum plan_status */
};

struct job {
	struct touched touched;
	struct job_row row;
	struct workflow *workflow;
	struct requirement *requires;
	size_t require_count;
	struct resource_class *class; /* NULL where nothing runs */
	struct json *document;	      /* document.h */
	bool is_reading_document;     /* the store is asked for it */
	struct task **tasks;	      /* of all attempts, oldest first */
	size_t task_count;
	const char *waiting;	      /* why it is not running although it could; NULL */
	struct serial_group *serial;  /* that it holds or waits for; NULL: none */
	bool is_serial_waiting;
	struct job *serial_prev, *serial_next; /* of those that wait */
	UT_hash_handle hh;
};

/* How far the hub has one (step, attempt)'s output. */
struct position {
	uint32_t step, attempt;
	uint64_t offset;
};

struct task {
	struct touched touched;
	struct task_row row;
	struct job *job;
	struct step *steps; /* in the order they started */
	struct position *positions;
	size_t position_count;
	struct agent *agent;	     /* while leased */
	struct task *lease_prev, *lease_next; /* of the agent's leases */
	uint64_t lease_until_ms;     /* monotonic */
	bool is_doubted;	     /* its agent names what it has, and not this */
	uint64_t output_until_ms;    /* monotonic; ended, output missing: wait so long */
	struct task *queue_prev, *queue_next; /* of the class's queue */
	bool is_queued;
	bool is_told;		     /* its agent has been told to cancel it */
	bool is_abandoned;	     /* the hub ended it: nothing more comes */
	bool is_gathering;	     /* the store makes its file */
	unsigned char *grant;	     /* grant.h; NULL: none */
	size_t grant_len;
	UT_hash_handle hh;
};

struct step {
	struct touched touched;
	struct step_row row;
	struct task *task;
	struct step *next;
};

struct agent {
	struct touched touched;
	struct agent_row row;
	struct model *model;
	struct task *leases;
	unsigned lease_count;
	struct claim *claim;	       /* held request, or NULL */
	struct offer *offer;	       /* what its last claim said; NULL: none has come yet */
	struct heartbeat *heartbeat;   /* held request, or NULL */
	bool knows_sessions;	       /* its heartbeats say so */
	uint64_t heard_ms;	       /* monotonic */
	bool is_present;	       /* heard of lately: counts in its classes' agents */
	struct resource_class *classes[MODEL_CLASSES_OF_AGENT];
	unsigned class_count;
	UT_hash_handle hh;
};

struct resource_class {
	struct class_row row;
	bool is_known;	       /* has a row of its own; else only named by a job */
	struct model *model;
	struct task *queue;    /* first come, first served */
	unsigned queued, running;
	unsigned agents;       /* present ones that serve it */
	char sentence[HUB_NAME_BYTES + 64]; /* what its jobs are told while there are none */
	UT_hash_handle hh;     /* by row.name */
};

/* A token's owner; found by the digest of the token. */
struct token {
	struct token_row row;
	UT_hash_handle hh; /* by row.digest */
};

/* --- changes, for those who watch ------------------------------------------------------ */

enum change_kind {
	CHANGE_PIPELINE,
	CHANGE_WORKFLOW,
	CHANGE_JOB,
	CHANGE_TASK,
	CHANGE_STEP,
	CHANGE_WAITING, /* a class has no connected agent; message NULL: it has one again */
	CHANGE_OUTPUT,	/* more of task's output is stored; no number */
};

struct change {
	enum change_kind kind;
	uint64_t seq;
	const struct pipeline *pipeline;
	const struct workflow *workflow; /* WORKFLOW */
	const struct job *job;		 /* JOB, TASK, STEP, WAITING (one of those that wait) */
	const struct task *task;	 /* TASK, STEP, OUTPUT */
	const struct step *step;	 /* STEP */
	const char *resource_class, *message; /* WAITING */
};

/*
 * Runs in the loop, after the commit, in the order of the numbers. A row that changed
 * several times within a commit is told once. After CHANGE_PIPELINE with state PIPELINE_ENDED
 * only CHANGE_OUTPUT may follow.
 */
typedef void watcher_fn(void *arg, const struct change *change);

/* Embed it; the zeroed struct is "not watching". */
struct watcher {
	struct pipeline *pipeline;
	watcher_fn *fn;
	void *arg;
	struct watcher *prev, *next;
};

/* Pins the pipeline until watcher_stop(), which is harmless at any time, also inside fn. */
void watcher_start(struct watcher *watcher, struct pipeline *pipeline, watcher_fn *fn, void *arg);
void watcher_stop(struct watcher *watcher);

/* --- the model ---------------------------------------------------------------------- */

/* What "runnerctl" and the status page count. */
struct model_counts {
	unsigned pipelines_active; /* not ended */
	unsigned tasks_queued, tasks_running, agents;
};

struct model {
	struct loop *loop;
	struct store *store;
	int64_t (*unix_ms)(void);
	uint64_t (*mono_ms)(struct model *model);
	bool is_private; /* every class is served by every agent */
	struct project *projects;
	struct pipeline *pipelines;
	struct workflow *workflows;
	struct job *jobs;
	struct task *tasks;
	struct agent *agents;
	struct resource_class *classes;
	struct token *tokens;
	struct context *contexts;
	struct variables oidc; /* oidc.h */
	struct previous *previous; /* previous.h */
	struct orb_entry *orbs;	   /* changed by the loop alone, and under orb_lock */
	pthread_mutex_t orb_lock;  /* for the compiler, which is not in the loop */
	size_t orb_bytes; /* of their sources */
	struct serial_group *serial_groups;
	struct later serial; /* a serial group is free */
	unsigned char seal_key[HUB_KEY_BYTES]; /* secrets.h */
	struct model_counts counts;
	uint64_t claims; /* held so far: their order of arrival */
	/* This turn's changes, and commits under way. */
	struct later flush, reap;
	struct touched *touched_first, **touched_end;
	struct store_op *history, **history_end;
	bool projects_touched, dispatch_wanted;
	struct commit *commit; /* being collected; NULL: nothing yet */
	struct commit *commits, **commits_end;
	/* Leases, absent agents, output that never came. */
	struct timer clock;
	uint64_t clock_due_ms; /* 0: not armed */
};

/* loop and store are borrowed. */
void model_init(struct model *model, struct loop *loop, struct store *store);
/* Take what the store has; every lease is extended by a full period. Fails: ERR_INPUT for rows that contradict each other. */
int model_load(struct model *model, const struct store_snapshot *snapshot, struct err *err);
/* A pipeline that had gone to the store alone (STORE_LOAD_PIPELINE); one that is here stays as it is. Fails as model_load(). */
int model_revive(struct model *model, const struct store_snapshot *snapshot, struct err *err);
void model_release(struct model *model);

/* NULL when there is no such active thing: ask the store then. */
struct pipeline *model_pipeline(struct model *model, const struct id *id);
struct workflow *model_workflow(struct model *model, const struct id *id);
struct job *model_job(struct model *model, const struct id *id);
struct task *model_task(struct model *model, const struct id *id);
struct agent *model_agent(struct model *model, const struct id *id);
struct step *task_step(struct task *task, uint32_t step, uint32_t attempt);
struct position *task_position(struct task *task, uint32_t step, uint32_t attempt); /* made when new */

/* Found or made. */
struct project *model_project(struct model *model, const char *slug);
struct project *model_project_find(struct model *model, const char *slug);
struct resource_class *model_class(struct model *model, const char *name);
struct resource_class *model_class_find(struct model *model, const char *name);

typedef void model_done_fn(void *arg);

/* Runs fn in the loop when everything touched or submitted so far is durable; once, never from inside this call. */
void model_after_commit(struct model *model, model_done_fn *fn, void *arg);

/* --- for the modules that change it --------------------------------------------------- */

/* Put it into this turn's transaction; gives the change its number. */
void pipeline_touch(struct pipeline *pipeline);
void workflow_touch(struct workflow *workflow);
void job_touch(struct job *job);
void task_touch(struct task *task);
void step_touch(struct step *step);
void agent_touch(struct agent *agent);
/* It has no lease and asks for nothing: gone, also from the store. */
void agent_delete(struct agent *agent);
void project_touch(struct model *model, struct project *project);

void pipeline_pin(struct pipeline *pipeline);
void pipeline_unpin(struct pipeline *pipeline);

/* Tell watchers, after the commit, that a task has more output. */
void task_has_output(struct task *task);

/* Make an object of its row (copied; strings into the pipeline's arena) and enter it in the tables. */
struct project *project_new(struct model *model, const struct project_row *row);
struct pipeline *pipeline_new(struct model *model, const struct pipeline_row *row);
struct workflow *workflow_new(struct pipeline *pipeline, const struct workflow_row *row);
struct job *job_new(struct workflow *workflow, const struct job_row *row);
/* Find the jobs that row.requires names, once all of the workflow are there. Fails: ERR_INPUT when one is missing. */
int job_link(struct job *job);
struct task *task_new(struct job *job, const struct task_row *row);
struct step *step_new(struct task *task, const struct step_row *row);
struct agent *agent_new(struct model *model, const struct agent_row *row);

/* Tell watchers that job->waiting changed. */
void job_tell_waiting(struct job *job);

/* A line of the task's history, stored with this turn; of now, or of when its agent says that it was. */
void task_remember(struct task *task, const char *state, const char *reason);
void task_remember_at(struct task *task, const char *state, const char *reason, int64_t time_ms);

/* Work out again, at the end of this turn, which waiting agents get which queued tasks. */
void model_want_dispatch(struct model *model);

/* Wake the model's clock at due_ms (monotonic) or before. */
void model_want_clock(struct model *model, uint64_t due_ms);

#endif
