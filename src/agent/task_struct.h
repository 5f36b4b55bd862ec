/*
 * task_struct.h - what a task is made of: for task*.c and recovery.c.
 *
 * Nobody but task_enter() assigns state, but recovery.c, which reads it from the journal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_TASK_STRUCT_H
#define AGENT_TASK_STRUCT_H

#include <uthash.h>

#include "agent/command.h"
#include "agent/control.h"
#include "agent/environment.h"
#include "agent/journal.h"
#include "agent/output.h"
#include "agent/press.h"
#include "agent/rate.h"
#include "agent/sequence.h"
#include "agent/session.h"
#include "agent/slot_users.h"
#include "agent/spool.h"
#include "agent/step.h"
#include "agent/supervisor.h"
#include "agent/task.h"
#include "agent/task_keep.h"
#include "agent/tasks.h"
#include "agent/work_dir.h"
#include "base/arena.h"
#include "base/id.h"
#include "loop/loop.h"
#include "runner/protocol.h"
#include "task/mask_set.h"
#include "wire/journal_record.h"

struct caches;
struct ceilings;
struct cgroup;
struct job_hook;
struct json;
struct mirrors;
struct shelters;
struct task_doc;

enum { TASK_MAGIC = 0x7a5c0de1, TASKS_MAGIC = 0x7a5c5e77 };

struct tasks {
	uint32_t magic;
	struct loop *loop;
	struct tasks_settings settings;
	struct tasks_hooks hooks;
	struct tasks_counters counters;
	struct shelters *shelters;
	struct press press;
	struct mask_sets mask_sets;
	struct control *control; /* its processes' socket */
	struct caches *caches;	 /* NULL: none are kept */
	struct caches *layers;	 /* of workspaces; NULL: none are kept */
	struct work_dirs work_dirs;
	struct slot_users slot_users; /* none without a launcher */
	struct mirrors *mirrors;
	struct arena arena; /* of command_host */
	struct command_host command_host;
	struct task *by_id; /* uthash, in the order of their coming */
	size_t running;	    /* neither done nor unclaimed */
	struct later reap;  /* frees those that are removable */
	unsigned stuck;	    /* tasks with killed processes that do not end */
	size_t sought;	    /* found again, whose runner-inits have not spoken yet */
	size_t regained;    /* whose have */
	uint64_t sought_us; /* since when */
	uint64_t keep_changes;
	size_t resting; /* kept, and the hub has all of them */
	struct sessions refused_sessions; /* that tell why they are none */
};

struct task {
	uint32_t magic;
	UT_hash_handle hh;
	struct tasks *tasks;
	void *owner;

	struct id id;
	char id_text[ID_TEXT_BYTES];
	uint32_t epoch;
	uint64_t lease_ms;
	char *token, *resource_class, *job_name;
	char *holding; /* what it has of this host by name; NULL: not begun */
	int64_t doc_version;
	struct task_doc *doc; /* NULL when it was refused, and once the task and its hooks are done */

	enum task_state state;
	enum outcome verdict; /* canceled, timedout or infra-fail: no step follows */
	enum outcome outcome; /* once done */
	char reason[RUNNER_REASON_BYTES];

	int dir_fd;
	struct journal journal;
	struct spool spool;
	struct rate rate; /* of its output */
	struct mask *mask; /* until it is done */
	struct turn masking; /* makes it ready, while the task is preparing */
	bool masked;
	size_t masks_bytes; /* of the file of those that its processes have added */
	uint64_t claimed_us; /* what a mirror's update has seen that began later is new enough */
	uint64_t asked_us;  /* when a second of their requests began */
	unsigned asked;	    /* how many there were in it */
	struct supervisor supervisor;
	struct work_dir work;
	bool has_work, work_gone;
	int slot; /* whose user it has; -1: it has none of its own, or none any more */
	bool cleaning;	/* what its control group and that user have left is seen to, or will be again */
	struct child cleaner;
	struct cgroup *cgroup; /* NULL: none */
	uint64_t leaving_us;   /* when its last processes were first told to go; 0: they were not */

	struct job_hook *hook; /* that runs now; NULL: none */
	size_t next_hook;      /* behind the last step */
	bool pre_job_begun;    /* or found to be none, by this runnerd */
	bool prepared;	       /* has been: hooks count it as a job */
	bool holds_slot;       /* done, and its owner has not heard of it */

	struct sessions sessions; /* of people */
	struct keep keep;
	struct timer keep_timer;
	bool resting;	/* counted in tasks->resting */
	bool left;	/* task_leave() was called */
	bool leaving;	/* its work directory is being removed, or kept for good */
	struct sequence sequence;
	struct step *steps;   /* not quiet yet, the newest first */
	struct step *current; /* the foreground one that has not ended */
	int64_t running_ms;   /* Unix time when it began to run */
	int64_t running_us;   /* the same of the loop's clock, which stands still while the machine sleeps */
	char last_line[OUTPUT_LINE_BYTES];

	struct timer timer; /* to look again: a repeated step, a full journal, a runner-init that
			       does not answer */
	uint64_t answer_due_us; /* when runner-init counts as not answering; 0: nothing is asked */
	struct later tidy;
	bool begun;   /* task_begin() was called */
	bool ready;   /* runner-init has told what it holds: steps can be started */
	bool sought;  /* counted in tasks->sought */
	bool fresh;   /* we started runner-init: its first on_ready is no news */
	bool sheltered; /* it has namespaces of its own: steps are bounded, too */
	bool stuck;   /* killed processes of it do not end */
	bool dropped; /* the lease is another's: nothing is sent */
	bool kill_sent, empty, overdue; /* finishing: KILL_ALL, its EMPTY, no answer */
	bool wanting, want_again;	/* task_want() is on the stack; it was called from inside */
	bool removable;
};

/* --- task_state.c --- */

/* Look what can be done next, and do it. Any time, from anywhere. */
void task_want(struct task *task);

/* Decide how it ends, against its steps' will. The first verdict stays. */
void task_judge(struct task *task, enum outcome outcome, const char *reason);

/* Append to the journal; false, and task_want() comes again later, when there is no room. */
bool task_journal_append(struct task *task, struct journal_record *record);

/* The one way into a state; it must be one that may follow. False: it could not be journaled, and all is as it was. */
bool task_enter(struct task *task, enum task_state to);

/* Runner-init has been asked to end all: where nothing comes of it for so long and some time, it is killed. */
void task_expect_answer(struct task *task, uint64_t grace_ms);
/* QUIT: its runner-init ends, or is killed. */
void task_quit_supervisor(struct task *task);
/* End all its processes, after the grace that it has. */
void task_kill_all(struct task *task);

/* Remove the work directory, or keep it for good: work_gone is set now or later. */
void task_remove_work(struct task *task);

/* The last: what is left of a task that is done, but for what the hub has not got yet. */
void task_leave(struct task *task);

/* --- task.c --- */

/* Memory and descriptors of a task that no list holds; nothing on disk is touched. */
struct task *task_alloc(struct tasks *tasks, const struct id *id, uint32_t epoch);
void task_dispose(struct task *task);

void task_open_spool(struct task *task);
void task_name_work_dir(struct task *task);

/* --- task_news.c --- */

/* Make the work directory and start a runner-init. False, and judged, when the host refuses. */
bool task_prepare(struct task *task);
/* Connect to the runner-init that runs. Fails as supervisor_find(). */
int task_find_supervisor(struct task *task, struct err *err);

/* --- task_slot.c --- */

/* Where there is a launcher: a slot of its own, if it has none. Fails: ERR_LIMIT, ERR_HOST. */
int task_take_slot(struct task *task, struct err *err);
/* The one that an earlier runnerd gave it; none where what it noted is not one. Fails: ERR_HOST, ERR_LIMIT. */
int task_find_slot(struct task *task, struct err *err);
/* May it be this user that speaks for the task? Any, where it has none of its own. */
bool task_is_user(const struct task *task, uid_t uid);
/* SIGKILL for all that its user runs, runner-init too. */
void task_kill_slot(struct task *task);
/* Is nothing of its user left? Else it is seen to, and task_leave() comes again. */
bool task_slot_is_clean(struct task *task);
/* --- task_cgroup.c: where tasks have no control groups only the first three and task_account_step() do something --- */

/* Its class's memory, and disk; 0: any. */
uint64_t task_memory_most(const struct task *task);
uint64_t task_disk_most(const struct task *task);
/* What each process of it may have, since no group holds the task to that. */
void task_choose_ceilings(const struct task *task, struct ceilings *ceilings);

/* Make the task's group, or find it again. Fails: as cgroup_new(). */
int task_open_cgroup(struct task *task, struct err *err);
/* A runner-init that is our child is with the others from now on. Fails: ERR_HOST; it is killed then. */
int task_move_supervisor(struct task *task, struct err *err);
/* Of a step's group; *fd is the caller's, -1: none. Fails: as cgroup_enter(). */
int task_enter_cgroup(struct task *task, const struct step *step, int *fd, struct err *err);
/*
 * The same for what runs beside the steps, a session or a hook, also when they have ended. as_other: whoever goes in is not
 * our user. Fails: likewise, and as cgroup_new().
 */
int task_enter_cgroup_beside(struct task *task, const char *name, bool as_other, int *fd,
			     struct err *err);
/* What the step has used, and why it has failed where that is known here, into the record of its end. */
void task_account_step(struct task *task, const struct step *step, struct journal_record *record);
/* The last word: kill what is left, remove the group. False: somebody is still there, task_want()
 * comes again. */
bool task_leave_cgroup(struct task *task);

/* --- task_hooks.c --- */

/* Can it be read which have begun? Fails: ERR_HOST, also when a later runnerd has written it. */
int task_check_hooks(const struct task *task, struct err *err);
/* Run the hook before the first step. False: it runs, or has failed, and the task is judged. */
bool task_pre_job(struct task *task);
/* End the one that runs. False: it is not gone yet, task_want() comes again. */
bool task_stop_hook(struct task *task);
/* Run those behind the last step, and then task_leave(), from inside or later. */
void task_post_job(struct task *task);

/* --- tasks.c --- */

/* Read the document into task->doc; where it is refused, say so in task->reason. */
void task_read_document(struct task *task, const struct json *document);
void tasks_hold(struct tasks *tasks, struct task *task);

/* --- task_control.c --- */

/* A process asks: a control_fn. */
void tasks_control(void *tasks, const struct control_request *request, struct control_reply *reply);

/* --- task_archives.c --- */

/* A request of runner-archive; false: it is none. */
bool task_asks_archive(struct task *task, const struct control_request *request,
		       struct control_reply *reply);

/* --- task_keep.c --- */

void task_init_keep(struct task *task);
/* It has ended, and is not to go yet. */
bool task_is_kept(const struct task *task);
/* Would it be kept if it ended so? */
bool task_will_be_kept(const struct task *task, enum outcome outcome);
/* It has ended so, no process is left but its runner-init: keep it. Where that cannot be noted it is not kept. */
void task_begin_keep(struct task *task, enum outcome outcome);
/* Read what an earlier runnerd noted; go on with it once it is in the list. Fails: ERR_HOST when a later one did. */
int task_recover_keep(struct task *task, struct err *err);
void task_resume_keep(struct task *task);
/* No more of them than may be. */
void task_bound_kept(struct tasks *tasks);

/* --- task_sessions.c --- */

/* Why nobody can have a terminal in it now; NULL: one can. */
const char *task_session_refusal(const struct task *task);
/* Its processes are about to be ended: people are told. */
void task_end_sessions(struct task *task, const char *sentence);
/* What its sessions' processes were is gone with runner-init, or with the connection to it. */
void task_lose_sessions(struct task *task, const char *sentence);
/* Free them, without a word. */
void task_drop_sessions(struct task *task);
/* News of runner-init's. Owns: fds. */
void task_session_started(struct task *task, uint32_t number, const int *fds, size_t fd_count);
void task_session_failed(struct task *task, const struct message_step_failed_to_start *failed);
void task_session_exited(struct task *task, const struct message_step_exited *exited);

/* --- task_steps.c --- */

struct step *task_find_step(struct task *task, uint32_t index, uint32_t attempt);
struct step *task_add_step(struct task *task, uint32_t index, uint32_t attempt);

/* What the host adds to the environment of its steps. */
struct env_layer task_host_environment(struct task *task, struct arena *arena);

/* An isolated task's commands gain no privileges and cannot make some system calls. */
void task_bound(const struct task *task, struct command *command);

/* Start, repeat or skip what comes next. False when nothing can be done now. */
bool task_next_step(struct task *task);
/* Ask runner-init for a step that the journal says has begun. */
void task_ask_step(struct task *task, struct step *step);
/* Journal every step that is over. */
void task_end_steps(struct task *task);
/* Runner-init is gone: so are all steps. */
void task_lose_steps(struct task *task, const char *reason);
/* What could not be done, with the name of what it was tried with. */
void task_fault_sentence(char room[RUNNER_REASON_BYTES], struct task *task, const struct step *step,
			 const struct message_step_failed_to_start *failed);
/* Take what waits in every step's pipe: true when all of it is in the spool. */
bool task_drain_steps(struct task *task);
bool task_steps_are_quiet(const struct task *task);
bool task_steps_have_ended(const struct task *task);
/* Let runner-init forget steps that nobody can print for any more, and free them. */
void task_tidy_steps(struct task *task);
void task_free_steps(struct task *task);
/* Runner-init may forget all of them. */
void task_ack_steps(struct task *task);

#endif
