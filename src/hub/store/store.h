/*
 * store.h - the hub's disk: a database and segments of output, behind one thread.
 *
 * store_open() -> store_load() -> store_start() -> store_submit() any number of times
 * -> store_close().
 *
 * The loop never waits for the disk. It submits operations; at the end of the loop's
 * turn they go to the store thread together, and all that has come together while the
 * last commit ran is the next transaction. So what one turn submits is stored as a
 * whole or not at all, in the order it was submitted. done() runs in the loop when the
 * transaction is durable (output bytes first: their segment is synced before the
 * commit), also for reads, which see every write submitted before them. A reply that
 * acknowledges something is sent from the done() of a STORE_SYNC (or of the write itself).
 *
 * A write that fails (disk full, I/O error) ends the store: no done() runs any more,
 * on_failed() is called once, and the program ends; what was acknowledged is on disk.
 *
 * Only this folder sees the database's library.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_STORE_STORE_H
#define HUB_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/id.h"
#include "hub/key.h"
#include "hub/rows.h"

struct err;
struct loop;
struct store;
struct store_op;

enum {
	STORE_LIST_MOST = 1000,			/* rows in one list */
	STORE_OUTPUT_READ_MOST_BYTES = 1 << 20, /* of frames in one read */
	STORE_SEGMENT_BYTES = 64 << 20,		/* a segment is closed beyond this */
	STORE_SWEEP_PIPELINES_MOST = 64,	/* that one sweep names */
};

#define STORE_OPS(X)            \
	X(SYNC, sync)           \
	X(PUT_PROJECT, project) \
	X(ADD_PIPELINE, pipeline) \
	X(PUT_PIPELINE, pipeline) \
	X(CONTINUE_PIPELINE, pipeline) \
	X(ADD_WORKFLOW, workflow) \
	X(PUT_WORKFLOW, workflow) \
	X(ADD_JOB, job)         \
	X(PUT_JOB, job)         \
	X(PUT_TASK, task)       \
	X(PUT_STEP, step)       \
	X(ADD_HISTORY, history) \
	X(PUT_AGENT, agent)     \
	X(DELETE_AGENT, id)     \
	X(PUT_CLASS, class)     \
	X(DELETE_CLASS, id)     \
	X(PUT_TOKEN, token)     \
	X(DELETE_TOKEN, id)     \
	X(PUT_CONTEXT, context) \
	X(DELETE_CONTEXT, id)   \
	X(PUT_VARIABLE, variable) \
	X(DELETE_VARIABLE, variable) \
	X(PUT_KEY_NAME, key_name) \
	X(PUT_ORB, orb)         \
	X(DELETE_ORB, orb)      \
	X(PUT_TIMETABLE, timetable) \
	X(DELETE_TIMETABLE, id) \
	X(ADD_BLOB, blob)       \
	X(COMPLETE_BLOBS, blobs) \
	X(USE_BLOB, blob)       \
	X(DELETE_BLOBS, blobs)  \
	X(ADD_OUTPUT, output)   \
	X(ADD_TESTS, tests_found) \
	X(GATHER, id)           \
	X(SWEEP, sweep)         \
	X(GET_DOCUMENT, id) \
	X(GET_PIPELINE, id) \
	X(LOAD_PIPELINE, id) \
	X(GET_TIMETABLE, id) \
	X(LIST_PIPELINES, query) \
	X(LIST_WORKFLOWS, query) \
	X(LIST_JOBS, query)     \
	X(LIST_TASKS, query)    \
	X(LIST_HISTORY, query)  \
	X(LIST_AGENTS, query)   \
	X(LIST_CHANGES, change_query) \
	X(LIST_TESTS, test_query) \
	X(LIST_TEST_RUNS, test_run_query) \
	X(NAME_TESTS, test_query) \
	X(READ_OUTPUT, output_query) \
	X(SEEK_OUTPUT, seek)    \
	X(LIST_BLOBS, blob_query) \
	X(FIND_FILES, files)    \
	X(LIST_USAGE, id)

#define X(upper, member) STORE_##upper,
enum store_op_kind { STORE_OPS(X) STORE_OP_COUNT };
#undef X

/* Runs in the loop; op and all it holds is freed when done returns. */
typedef void store_done_fn(void *arg, struct store_op *op);

/* One record of output: its index row. It is where a frame lies and all its header said. */
struct output_row {
	struct id task;
	uint32_t step, attempt, epoch;
	uint64_t offset;
	int64_t time_ms;
	uint32_t raw_len, lines, frame_len, frame_crc;
	uint32_t segment; /* 0: in the task's own file */
	uint64_t at;	  /* of the frame's first byte in that file */
};

/* STORE_ADD_OUTPUT: records as they came. For each row, at is where its frame begins in bytes. */
struct store_output {
	unsigned char *bytes; /* from malloc; the op owns it */
	size_t len;
	struct output_row *rows; /* from malloc; the op owns it */
	size_t count;
};

/*
 * A list. Members that are zero (or NULL, or negative where said) do not restrict. Rows come newest
 * first, but workflows, tasks, history and the jobs of one workflow in their order.
 */
struct store_query {
	bool by_id, by_project, by_pipeline, by_workflow, by_job, by_task;
	struct id id, project, pipeline, workflow, job, task;
	const char *project_slug;  /* copied by store_submit() */
	const char *branch;	   /* pipelines, jobs; copied by store_submit() */
	const char *name;	   /* jobs; copied by store_submit() */
	const char *workflow_name; /* jobs; copied by store_submit() */
	int64_t number;		   /* pipelines, jobs; 0: any */
	int64_t before;		   /* pipelines: number below this, when by project, else created before */
	int state;		   /* jobs: enum job_state; tasks: enum hub_state; -1: any */
	bool failed_only;	   /* jobs: ended neither as success nor not_run */
	bool green_only;	   /* jobs: ended as success */
	bool with_number;	   /* jobs: that run something */
	bool with_steps;	   /* tasks: their steps, too */
	size_t skip;		   /* rows of the list, counted from its beginning, that are not wanted */
	size_t limit;		   /* 0: STORE_LIST_MOST */
};

/*
 * STORE_READ_OUTPUT: records of a task in the order step, attempt, offset. from is where in
 * that step's output to begin (a record that holds it comes whole). Results are op->outputs and the
 * frames, one behind another, in op->bytes. Fewer than asked for means that a bound was met: go on behind the last.
 */
struct store_output_query {
	struct id task;
	bool one_step;		/* only step (all its attempts, or attempt where not 0) */
	uint32_t step, attempt; /* begin there */
	uint64_t from;
	size_t most_bytes;	/* 0: STORE_OUTPUT_READ_MOST_BYTES; at least one record comes */
	size_t most_raw_bytes;	/* of what the frames hold; 0: no such bound */
	bool index_only;	/* the rows alone: op->bytes stays NULL */
};

/*
 * STORE_SEEK_OUTPUT: how much an attempt of a step has printed, and in which record a line begins, from the index alone.
 * Line N (from 1) begins behind N - 1 newlines; line -N behind the newline before the last N whole lines; 0: none is
 * sought. A long output is sought in pieces, so that the store is not held: submit again what came back until is_done.
 */
struct store_seek {
	struct id task;
	uint32_t step;
	uint32_t attempt; /* 0: the last that has printed; says which it is */
	int64_t line;
	/* Results; zero at first. */
	bool is_begun, is_done;
	uint32_t first_attempt; /* of the step that has printed; 0: none has */
	uint64_t size;		/* of the attempt's output */
	uint64_t offset;	/* of the record in which the line begins, or size where there is no such line */
	uint64_t newlines;	/* from there to the line */
};

/*
 * STORE_COMPLETE_BLOBS: they are there from now on, whether STORE_ADD_BLOB has told of them or not, in the place of
 * what was there under the same name (artifacts, workspace layers); a cache whose name is taken is not stored and taken
 * says so. STORE_DELETE_BLOBS: those ids. Both: the files in which nothing lies any more are op->freed; whoever
 * submitted it removes them (blobs_remove_files()). Rows and their names live in op->arena: store_blobs_of() makes room.
 */
struct store_blobs {
	struct blob_row *rows;
	bool *taken; /* a result, one for each row */
	size_t count;
};

/*
 * STORE_LIST_BLOBS: complete ones, of a kind, in the order node, name (of a job, a task), else newest first. What is
 * zero, NULL or false does not restrict. Of a job only what its last attempt has left.
 */
struct store_blob_query {
	int kind; /* -1: any */
	bool by_id, by_job, by_task, by_project, by_pipeline;
	struct id id, job, task, project, pipeline;
	int64_t node;	    /* with by_job: of this node; -1: of all */
	const char *name;   /* this one, or */
	const char *prefix; /* those that begin so; both are copied by store_submit() */
	int64_t now_ms; /* without those that say themselves that they are too old by now; 0: with them */
	size_t skip, limit; /* limit 0: STORE_LIST_MOST */
};

/* STORE_FIND_FILES: which of them no blob lies in: op->freed. */
struct store_files {
	struct id *ids; /* in op->arena */
	size_t count;
};

/*
 * STORE_SWEEP: delete some of what is older than it is kept (sweep.c), so little that others do not wait long. Submit it
 * again, when it is done, while is_busy. The files in which no blob lies any more are op->freed.
 */
struct store_sweep {
	int64_t before_ms[KEPT_KIND_COUNT]; /* what came (pipelines: ended) before; 0: none */
	int64_t now_ms;			    /* for what says itself how long it is kept */
	/* Pipelines to delete: found by a sweep before, and neither in memory nor on their way there. */
	struct id drop[STORE_SWEEP_PIPELINES_MOST];
	size_t drop_count;
	/* Results. */
	struct id found[STORE_SWEEP_PIPELINES_MOST]; /* old enough */
	size_t found_count;
	uint64_t deleted[KEPT_KIND_COUNT], bytes[KEPT_KIND_COUNT]; /* by this operation */
	bool is_busy; /* there was something to do */
};

/* STORE_LIST_USAGE: of each project and kind that has anything, by slug. */
struct usage_row {
	const char *project_slug;
	unsigned usage; /* enum kept_kind, or USAGE_TESTS */
	uint64_t bytes, items;
};

enum { STORE_TESTS_MOST = 5000 }; /* tests in one list */

/*
 * STORE_ADD_TESTS: tests that a step of a task has found, the first'th and those behind it. What is there already stays,
 * so that all may be sent again. found is false afterwards where the task would have more than TESTS_OF_TASK_MOST: nothing is
 * stored then. cases and all strings live in the op's arena.
 */
struct store_tests {
	struct test_run_row run;
	uint32_t step, first;
	struct test_case *cases;
	size_t count;
};

enum store_tests_of {
	STORE_TESTS_OF_TASK, /* id is the task's */
	STORE_TESTS_OF_JOB,  /* id is the job's: of all nodes of an attempt */
	STORE_TESTS_TIMED,   /* of the latest job of that name that succeeded, on the branch, else on any; id comes back */
};

/*
 * STORE_LIST_TESTS: op->tests in the order of nodes and of their finding, op->next_page where a page is to follow. Members that are
 * zero do not restrict. STORE_NAME_TESTS: the names of ids[0..id_count), in their order.
 */
struct store_test_query {
	enum store_tests_of of;
	struct id id;
	struct id project;	/* TIMED; and: */
	const char *job_name;	/* copied by store_submit() */
	const char *branch;	/* copied by store_submit() */
	const char *default_branch; /* likewise; NULL: nobody has said which it is */
	uint32_t attempt;	/* 0: TIMED: the one with most tests, else the last that has any */
	bool failed_only;
	bool with_messages;
	bool numbers_only;	/* without any text */
	int64_t from;		/* where a page begins: op->next_page */
	size_t limit;		/* 0: STORE_TESTS_MOST */
	const int64_t *ids;	/* NAME: they live in the op's arena */
	size_t id_count;
};

/* STORE_LIST_TEST_RUNS: of a pipeline, or of the last pipelines of a branch that have tests; the newest pipeline first. */
struct store_test_run_query {
	bool by_pipeline;
	struct id pipeline, project;
	const char *branch; /* copied by store_submit(); NULL: all */
	size_t last;	    /* so many pipelines */
};

/* STORE_LIST_CHANGES: rows of a pipeline whose number is above after, in the order of the numbers. */
struct store_change_query {
	struct id pipeline;
	uint64_t after;
	size_t limit; /* 0: STORE_LIST_MOST */
};

/* One of them: a workflow, a job, a task (and its job) or a step (and its task and job); the rest is NULL. */
struct store_change {
	uint64_t seq;
	const struct workflow_row *workflow;
	const struct job_row *job;
	const struct task_row *task;
	const struct step_row *step;
};

struct store_op {
	enum store_op_kind kind;
	/* Given. Strings in rows of the ADD_ operations are borrowed until done has run; see store_submit(). */
	union {
		struct project_row project;
		struct pipeline_row pipeline;
		struct workflow_row workflow;
		struct job_row job; /* ADD: document is from malloc, and the op's */
		struct task_row task;
		struct step_row step;
		struct history_row history;
		struct agent_row agent;
		struct class_row class;
		struct token_row token;
		struct context_row context;
		struct variable_row variable; /* PUT: sealed is copied by store_submit() */
		struct orb_row orb; /* PUT: source is copied by store_submit() */
		struct timetable_row timetable; /* PUT: copied by store_submit() */
		unsigned char key_name[HUB_KEY_BYTES];
		struct id id; /* DELETE_AGENT, DELETE_CLASS, DELETE_TOKEN, DELETE_CONTEXT; GATHER: task; GET_DOCUMENT: job; GET_PIPELINE, LOAD_PIPELINE */
		struct blob_row blob; /* ADD: its name is copied by store_submit(); USE: id and used_ms count */
		struct store_blobs blobs;
		struct store_blob_query blob_query;
		struct store_files files;
		struct store_output output;
		struct store_tests tests_found;
		struct store_test_query test_query;
		struct store_test_run_query test_run_query;
		struct store_query query;
		struct store_output_query output_query;
		struct store_change_query change_query;
		struct store_seek seek; /* SEEK_OUTPUT: its results, too */
		struct store_sweep sweep; /* SWEEP: its results, too */
	};

	/* Results of reads; they live in the op's arena. */
	bool found; /* GET_DOCUMENT: op->bytes is it; GET_PIPELINE, LOAD_PIPELINE, LIST_CHANGES: there is such a pipeline; lists: count > 0 */
	struct pipeline_row *pipelines; /* LIST_CHANGES, too: the one */
	struct workflow_row *workflows;
	struct job_row *jobs;
	struct task_row *tasks;
	struct step_row *steps; /* of the tasks listed, in their order */
	struct history_row *histories;
	struct agent_row *agents;
	struct timetable_row *timetables; /* GET_TIMETABLE: the one */
	struct output_row *outputs;
	bool is_deleted; /* READ_OUTPUT: it was deleted, or is being */
	struct usage_row *usages;
	struct test_row *tests;
	struct test_run_row *test_runs;
	int64_t next_page; /* LIST_TESTS */
	struct store_change *changes;
	struct blob_row *blob_rows; /* LIST_BLOBS */
	struct id *freed;	    /* files in which no blob lies */
	size_t freed_count;
	size_t count, step_count;
	const unsigned char *bytes;
	size_t byte_count;
	bool more; /* the limit was met */
	struct store_snapshot *snapshot; /* LOAD_PIPELINE: it alone, with all that belongs to it */

	/* The store's own. */
	struct arena arena;
	struct store_op *next;
	store_done_fn *done;
	void *arg;
};

/* What is active, read once at the start. All lives in arena. */
struct store_snapshot {
	struct arena arena;
	struct project_row *projects;
	struct pipeline_row *pipelines; /* not ended, or with output still open */
	struct workflow_row *workflows; /* of these pipelines, in order */
	struct job_row *jobs;
	struct task_row *tasks;
	struct step_row *steps;
	struct output_row *positions; /* offset + raw_len is how far each (task, step, attempt) has come */
	struct agent_row *agents;
	struct class_row *classes;
	struct token_row *tokens;
	struct context_row *contexts;
	struct variable_row *variables;
	struct orb_row *orbs;
	struct build_row *builds;
	struct timetable_row *timetables; /* without config and request */
	struct blob_row *blobs; /* that are open */
	unsigned char key_name[HUB_KEY_BYTES]; /* of the key that values are sealed with */
	bool has_key_name;
	size_t project_count, pipeline_count, workflow_count, job_count, task_count, step_count,
		position_count, agent_count, class_count, token_count, context_count,
		variable_count, orb_count, build_count, timetable_count,
		blob_count;
};

struct store_numbers {
	uint64_t commits, rows, syncs, output_bytes, gathered;
};

/*
 * Open or make the database and the folder of segments in dir (which must exist); nothing else may have it
 * open. Fails: ERR_HOST, ERR_INPUT (made by a newer version).
 */
int store_open(struct store **out, const char *dir, struct err *err);

/* Before store_start() only. store_snapshot_release() ends *out. */
int store_load(struct store *store, struct store_snapshot *out, struct err *err);
void store_snapshot_release(struct store_snapshot *snapshot);

/* Start the thread. on_failed runs in the loop, once, when a write has failed. */
int store_start(struct store *store, struct loop *loop,
		void (*on_failed)(void *arg, const struct err *err), void *arg, struct err *err);

/* Finish what was submitted (done functions run no more), close. NULL is fine. */
void store_close(struct store *store);

/* A zeroed operation of that kind, to be filled and submitted. */
struct store_op *store_op_new(enum store_op_kind kind);
/* Of one that was not submitted. */
void store_op_free(struct store_op *op);

/*
 * Hand the operation over; the store frees it. done may be NULL.
 * Strings of a query are copied; strings of an ADD_ row must live until the next STORE_SYNC submitted after it is done.
 */
void store_submit(struct store *store, struct store_op *op, store_done_fn *done, void *arg);

/* Room for so many rows in op->blobs; of each the name is to be put into op->arena. */
void store_blobs_of(struct store_op *op, size_t count);

/* done will not run: for a caller that goes away. */
void store_forget(struct store_op *op);

/* Write results directly, for administration commands without a loop: opens no thread. Before store_start() only. */
int store_put_now(struct store *store, struct store_op *op, struct err *err);

/* The same with several, in one transaction. They and ops[] stay the caller's. */
int store_put_all_now(struct store *store, struct store_op **ops, size_t count, struct err *err);

struct store_numbers store_numbers(struct store *store);

/* --- for "runner-hub check": before store_start() only -------------------------------------- */

struct store_inspection {
	uint64_t pipelines, tasks, records, output_bytes, blobs, blob_bytes;
	uint64_t faults; /* found; the first ones were told */
};

typedef void store_fault_fn(void *arg, const char *text);

/*
 * Read all of it: the database's own check, references between rows, every record of output by its checksum, every blob by its digest. Faults are
 * told, not errors. Fails: ERR_HOST when the database cannot be read at all.
 */
int store_inspect(struct store *store, struct store_inspection *out, store_fault_fn *tell,
		  void *arg, struct err *err);

#endif
