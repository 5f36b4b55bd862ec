/*
 * tasks.h - all tasks of this host, and what they share.
 *
 * tasks_new() -> tasks_recover() once -> tasks_add() for each claimed document ->
 * loop -> tasks_free(), which leaves running tasks running: their runner-inits
 * go on and the next runnerd finds them by tasks_recover().
 *
 * A task's life as its owner (the hub link) sees it:
 *	tasks_add() -> task_begin() -> events and output come -> on_done: its slot is
 *	free -> the hub has acknowledged everything -> on_removed: the pointer is gone.
 * or	tasks_add() -> task_unclaim() -> the hub has it back -> task_forget() -> on_removed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_TASKS_H
#define AGENT_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/download.h"
#include "agent/output_limit.h"
#include "base/id.h"
#include "base/slab.h"

struct arena;
struct cgroup_tree;
struct control_reply;
struct control_request;
struct depot;
struct env_var;
struct errand_kind;
struct err;
struct isolations;
struct json;
struct launcher;
struct limits;
struct loop;
struct press;
struct state_dir;
struct task;
struct tasks;

/*
 * What the owner of the tasks wants to hear. Called from the loop or from inside the calls below;
 * a callback may call task_*_acked(), task_cancel() and queries, but must not call tasks_free().
 */
struct tasks_hooks {
	void *arg;
	void (*on_events)(void *arg, struct task *task); /* journal has something to send */
	void (*on_output)(void *arg, struct task *task); /* spool has something to send */
	/* No process is left, nor a hook that runs behind it: the slot is free. */
	void (*on_done)(void *arg, struct task *task);
	/* It is kept, and all of it is sent: nothing more comes of it until on_removed. */
	void (*on_resting)(void *arg, struct task *task);
	void (*on_removed)(void *arg,
			   struct task *task); /* nothing is left of it; forget the pointer */
	/* A process asks something of the hub (errand.h). NULL: there is none. */
	void (*on_errand)(void *arg, struct task *task, const struct errand_kind *kind,
			  const char *key, const struct control_request *request,
			  struct control_reply *reply);
	/* A process sends blobs on a channel (carrier.h), which is the callee's, also on failure. NULL as above. */
	int (*on_channel)(void *arg, struct task *task, int fd, struct err *err);
	/*
	 * A process asks for an archive that is not here: as downloads_ask(), the token of spec
	 * is filled by the callee. NULL as above.
	 */
	bool (*on_fetch)(void *arg, struct task *task, struct download_spec *spec,
			 const struct control_request *request, struct control_reply *reply,
			 enum download_end *end, char *why);
	/* What the host adds to the environment of its steps, in arena; *count is how many. NULL: nothing. */
	const struct env_var *(*on_environment)(void *arg, const struct task *task, struct arena *arena,
						size_t *count);
	/* What it may use at most. NULL: there is no limit. */
	void (*on_limits)(void *arg, const struct task *task, struct limits *limits);
	/* May people open terminals in it? where_unsaid: as the host says. NULL: so it is. */
	bool (*lets_in)(void *arg, const struct task *task, bool where_unsaid);
};

/* Texts are borrowed for the life of the tasks. Times in milliseconds. */
struct tasks_settings {
	struct state_dir *state_dir; /* open and locked */
	bool is_after_restart; /* of the host: what its tasks have left is cleared away */
	const char *proc_dir;  /* "/proc" */
	const char *work_dir;	     /* absolute; made if absent */
	bool wants_disk;	     /* some class says how much of that disk its tasks may have */
	const char *mirrors;	     /* absolute; git's mirrors; NULL: none */
	uint64_t mirrors_most_bytes, mirrors_age_ms;
	const char *known_hosts; /* a file instead of the forges' keys that we know; NULL: none */
	const char *run_dir;   /* in memory, ours alone: keys lie there while a mirror is updated */
	const char *cache_dir; /* absolute; made if absent; NULL: no caches are kept */
	uint64_t cache_most_bytes; /* of all caches in it; 0: no ceiling */
	const char *workspace_dir;     /* absolute; made if absent; NULL: no layers are kept */
	uint64_t workspace_most_bytes; /* of all layers in it; 0: no ceiling */
	struct launcher *launcher; /* gives each task a user of its own; NULL: tasks have ours. Borrowed */
	const char *slot_home; /* what tasks with users of their own may have as HOME; absolute; NULL: nothing */
	uint32_t open_from; /* which of its slots: metadata_wall.h */
	const struct isolations *isolations; /* of each class */
	const char *const *ours; /* files and directories that no isolated job may see; NULL-terminated, or NULL */
	struct cgroup_tree *cgroups; /* where tasks have their groups; NULL: they have none. Borrowed */
	uint64_t max_run_time_ms; /* ceiling over what documents say; 0: none */
	uint32_t grace_ms;	  /* from TERM to KILL; 0: SUPERVISOR_GRACE_MS */
	uint32_t orphan_ms; /* how long a task goes on without a runnerd; SUPERVISOR_ORPHAN_FOREVER
			     */
	uint64_t spool_most_bytes;  /* of one task */
	struct depot *depot;	    /* shared by all spools; NULL: nothing goes to the disk */
	uint64_t output_most_bytes; /* memory that output is on its way through: agent/press.h */
	struct output_limits limits;
	uint64_t output_rate; /* bytes of one task in a second; 0: no limit */
	int zstd_level;
	const char *const *mask; /* values that no task's output shows; NULL-terminated, or NULL */
	const char *hooks_dir;	 /* absolute; where pre-job, on-failure, post-job lie; NULL: none run */
	uint64_t hook_timeout_ms; /* of each run of one */
	bool keep_work;		 /* never remove a work directory */
	const char *const *command_prefix; /* what steps' commands are started through; NULL: nothing */
	uint64_t keep_failed_ms; /* keep a task that failed for so long; 0: not */
	unsigned keep_most;	 /* so many at a time */
	bool attach;		 /* people may have terminals in tasks */
};

/* What a person may count: never reset. */
struct tasks_counters {
	uint64_t claimed, done, unclaimed, recovered;
	uint64_t by_outcome[8]; /* by enum outcome */
	uint64_t output_bytes, output_records, frame_bytes;
	uint64_t output_dropped; /* bytes beyond limits, or without room for them */
	uint64_t events;	 /* recorded in journals for the hub */
};

/* Output on its way, as of now. */
struct tasks_output {
	struct slab_use memory;	   /* between pipe and hub, but for the spool */
	uint64_t spool_bytes;	   /* that waits for the hub */
	uint64_t spool_disk_bytes; /* of these, on the disk */
	uint64_t oldest_unsent_ms; /* age of the oldest record that the hub has not got; 0: none */
};

/*
 * Set up what tasks share: executor, packer, work directory.
 * Owns: the settings' texts and state directory stay the caller's. Fails: ERR_HOST, ERR_INPUT
 * (isolation).
 */
int tasks_new(struct tasks **out, struct loop *loop, const struct tasks_settings *settings,
	      const struct tasks_hooks *hooks, struct err *err);

/* Let go of every task without ending it, and free everything. NULL is fine. No hook is called. */
void tasks_free(struct tasks *tasks);

/*
 * Rebuild the tasks that an earlier runnerd left behind and go on with them: claimed ones wait for
 * task_begin(), unclaimed ones for task_forget(), ended ones for their acknowledgements. What cannot be read
 * is logged and removed. *count says how many there are. Fails: as the host refused (no descriptor,
 * no memory, an I/O error): every task stays as it is, for the next try.
 */
int tasks_recover(struct tasks *tasks, size_t *count, struct err *err);

/*
 * Take a task document, as it is in the claim's reply. *out is a task in state claimed that is
 * journaled: from here on a crash does not lose it. A document that task_doc_parse() refuses
 * becomes a task all the same, as long as it says who it is: task_begin() ends it as infra-fail
 * with the reason. Fails: ERR_INPUT without id, epoch or token; ERR_GONE when this task is here
 * already (a claim's reply that came twice); ERR_HOST, ERR_LIMIT when the state directory has no
 * room.
 */
int tasks_add(struct task **out, struct tasks *tasks, const struct json *document, struct err *err);

struct task *tasks_find(struct tasks *tasks, const struct id *id); /* NULL when there is none */

/* In the order in which they were added. tasks_next(tasks, NULL) is the first. */
struct task *tasks_next(struct tasks *tasks, struct task *after);

/* All that are not removed, but for those that rest (task_keep.h); those that occupy a slot (neither done nor unclaimed). */
size_t tasks_count(const struct tasks *tasks);
size_t tasks_running(const struct tasks *tasks);
/* Of these, so many only since processes of theirs that were killed do not end. */
unsigned tasks_stuck(const struct tasks *tasks);

/* What its tasks' output passes through: chunks for what sends it; slab_use(press->slab) says how
 * much is in use, for metrics and people. */
struct press *tasks_press(struct tasks *tasks);

const struct tasks_counters *tasks_counters(struct tasks *tasks);
void tasks_measure_output(struct tasks *tasks, struct tasks_output *output);

/* The level of isolation in force where a class says none: "namespace", "user" or "none". */
const char *tasks_isolation(const struct tasks *tasks);

#endif
