/*
 * supervisor.h - what runnerd and runner-init must agree on.
 *
 * One message is one packet of a SOCK_SEQPACKET Unix socket. It begins with four
 * bytes (version, type, length in little endian, head included) and goes on with the
 * fields of its struct in their order, little endian, without padding. Descriptors
 * travel beside it by SCM_RIGHTS. doc/supervisor-messages.md has a table per message;
 * wire/message.h packs and unpacks; wire/spec.h writes and reads what a step's memfd
 * holds; wire/record.h does the same for the records of the state directory.
 *
 * A step is known by (step, attempt). What runner-init has told about a step it tells
 * again on the next connection, until ACK_STEP: a repeated message is no news.
 *
 * Changing a message or a record: raise its version, keep the old reader.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUNNER_SUPERVISOR_H
#define RUNNER_SUPERVISOR_H

#include <stdint.h>

enum {
	SUPERVISOR_VERSION = 1,		     /* first byte of every message and record */
	SUPERVISOR_LISTEN_FD = 3,	     /* listening socket runner-init is started with */
	SUPERVISOR_DIR_FD = 4,		     /* the task's state directory (O_PATH or O_RDONLY) */
	SUPERVISOR_HEAD_BYTES = 4,	     /* version, type, length (2 bytes) */
	SUPERVISOR_MESSAGE_MOST_BYTES = 128, /* longest message, head included */
	SUPERVISOR_FDS_MOST = 3,	     /* most descriptors beside one message */
	SUPERVISOR_STEPS_MOST = 128,	     /* steps and sessions that run or wait for their ACK_STEP */
	SUPERVISOR_GRACE_MS = 10000,	     /* from TERM to KILL where a message says 0 */
	SUPERVISOR_FIRST_AGENT_MS = 10000,   /* least time the first agent has to connect */
	SUPERVISOR_STUCK_MS = 5000,	     /* from KILL to "these do not end", and again as often */
	SUPERVISOR_GIVE_UP_MS = 30000,	     /* from KILL to "these cannot be ended" */
	SUPERVISOR_SESSION_GRACE_MS = 5000,  /* from HUP to KILL when the agent of a session is gone */
	SUPERVISOR_SESSION_ATTEMPT = 0,	     /* where a session stands for a step; its number is the step's */
};

/* Names in the task's state directory. */
#define SUPERVISOR_SOCKET_NAME "init.sock"
#define SUPERVISOR_LOG_NAME    "init.log"

/* Values with a meaning of their own. */
#define SUPERVISOR_ORPHAN_FOREVER UINT32_MAX	   /* orphan_ms: never end for want of an agent */
#define SUPERVISOR_ORPHAN_KEEP	  (UINT32_MAX - 1) /* START_STEP's orphan_ms: as it is */
#define SUPERVISOR_NO_GRACE	  UINT32_MAX	   /* grace_ms: KILL at once, no TERM */
#define SUPERVISOR_NO_STEP	  UINT32_MAX	   /* ERROR's step: it is about no step */

/* X(NAME, name, number, who sends, descriptors at least, at most); its struct is message_<name> */
#define SUPERVISOR_MESSAGES(X)                                                                     \
	X(START_STEP, start_step, 1, AGENT, 2, 3)                                                  \
	X(SIGNAL_STEP, signal_step, 2, AGENT, 0, 0)                                                \
	X(KILL_ALL, kill_all, 3, AGENT, 0, 0)                                                      \
	X(ORPHAN_POLICY, orphan_policy, 4, AGENT, 0, 0)                                            \
	X(ACK_STEP, ack_step, 5, AGENT, 0, 0)                                                      \
	X(QUIT, quit, 6, AGENT, 0, 0)                                                              \
	X(START_SESSION, start_session, 7, AGENT, 1, 2)                                            \
	X(HELLO, hello, 16, INIT, 0, 0)                                                            \
	X(STEP_STATE, step_state, 17, INIT, 0, 2)                                                  \
	X(STEP_STARTED, step_started, 18, INIT, 1, 3)                                              \
	X(STEP_FAILED_TO_START, step_failed_to_start, 19, INIT, 0, 0)                              \
	X(STEP_EXITED, step_exited, 20, INIT, 0, 0)                                                \
	X(EMPTY, empty, 21, INIT, 0, 0)                                                            \
	X(ERROR, error, 22, INIT, 0, 0)

enum message_type {
#define X(NAME, name, number, sender, least, most) MESSAGE_##NAME = number,
	SUPERVISOR_MESSAGES(X)
#undef X
};

enum start_flag {
	START_BACKGROUND = 1 << 0,   /* told back in STEP_STATE; runner-init treats it alike */
	START_NO_NEW_PRIVS = 1 << 1, /* no setuid program gains anything */
	START_SETS_IDS = 1 << 2,     /* uid, gid and the spec's groups are set; else kept */
	START_IN_CGROUP = 1 << 3,    /* third descriptor: the group's directory, or its cgroup.procs, open for writing */
	START_FLAGS_ALL = (1 << 4) - 1,
	START_TERMINAL = 1 << 4, /* of START_SESSION alone: a terminal, not three pipes */
	START_SESSION_FLAGS_ALL = (1 << 5) - 2,
};

enum hello_flag {
	HELLO_PID_NAMESPACE = 1 << 0, /* runner-init is PID 1: its end is the task's end */
	HELLO_PROC_MOUNTED = 1 << 1,  /* /proc shows the task's own processes */
	HELLO_SUBREAPER = 1 << 2,     /* no namespace: orphans come to runner-init instead */
	HELLO_OOM_PROTECTED = 1 << 3, /* oom_score_adj is -1000; steps have 0 */
	HELLO_ENDING = 1 << 4,	      /* on its way out: no step is started any more */
	HELLO_SESSIONS = 1 << 5,      /* knows START_SESSION */
	HELLO_SHELTERED = 1 << 6,     /* every row of its shelter is in force (runner/shelter.h) */
};

/* How far a step has come, as STEP_STATE tells it. X(NAME, name) */
#define SUPERVISOR_STEP_STATES(X)                                                                  \
	X(FREE, free)                                                                              \
	X(RUNNING, running)                                                                        \
	X(TERMINATING, terminating)                                                                \
	X(KILLED, killed)                                                                          \
	X(EXITED, exited)                                                                          \
	X(FAILED, failed)

enum init_step {
#define X(NAME, name) INIT_STEP_##NAME,
	SUPERVISOR_STEP_STATES(X)
#undef X
		INIT_STEP_COUNT,
};

/* Why a step has ended. X(NAME, name) */
#define SUPERVISOR_WHYS(X)                                                                         \
	X(ITSELF, itself)                                                                          \
	X(DEADLINE, deadline)                                                                      \
	X(REQUEST, request)

enum step_why {
#define X(NAME, name) STEP_ENDED_BY_##NAME,
	SUPERVISOR_WHYS(X)
#undef X
		STEP_WHY_COUNT,
};

/* Why runner-init has ended, in its END record. X(NAME, name) */
#define SUPERVISOR_ENDS(X)                                                                         \
	X(QUIT, quit)                                                                              \
	X(ORPHANED, orphaned)                                                                      \
	X(SIGNALED, signaled)                                                                      \
	X(BROKEN, broken)

enum supervisor_end {
#define X(NAME, name) SUPERVISOR_END_##NAME,
	SUPERVISOR_ENDS(X)
#undef X
		SUPERVISOR_END_COUNT,
};

/*
 * What could not be done: "what" of STEP_FAILED_TO_START and of ERROR. X(NAME, name, sentence).
 * The sentence follows "cannot"; sys beside it is the errno or 0.
 */
#define SUPERVISOR_FAULTS(X)                                                                       \
	X(NONE, none, "")                                                                          \
	X(SPEC, spec, "read the step's specification")                                             \
	X(ROOM, room, "hold one more step: too many wait to be acknowledged")                      \
	X(TWICE, twice, "start a step that is there already")                                      \
	X(ENDING, ending, "start a step while the task's processes are being ended")               \
	X(PIPE, pipe, "make the step's output pipe")                                               \
	X(PROCESS, process, "make a process")                                                      \
	X(SESSION, session, "start a session")                                                     \
	X(OUTPUT, output, "connect the step's input and output")                                   \
	X(CGROUP, cgroup, "enter the step's control group")                                        \
	X(RLIMIT, rlimit, "set a resource limit")                                                  \
	X(IDS, ids, "change to the step's user and groups")                                        \
	X(PRIVILEGES, privileges, "give up privileges")                                            \
	X(CWD_MAKE, cwd_make, "make the working directory")                                        \
	X(CWD_ENTER, cwd_enter, "enter the working directory")                                     \
	X(FILTER, filter, "install the system call filter")                                        \
	X(EXEC, exec, "execute the step's program")                                                \
	X(MESSAGE, message, "understand a message")                                                \
	X(NO_STEP, no_step, "find the step a message names")                                       \
	X(STILL_RUNS, still_runs, "forget a step that still runs")                                 \
	X(SIGNAL, signal, "send a signal")                                                         \
	X(RECORD, record, "append a record to init.log")                                           \
	X(PROC, proc, "look through /proc for what is left")                                       \
	X(LEFT, left, "end every process: some belong to another user now")                        \
	X(BUG, bug, "go on: runner-init found itself wrong")                                       \
	X(SHELTER, shelter, "give the task its isolation")                                         \
	X(STUCK, stuck, "end processes that were killed: they sleep uninterruptibly")              \
	X(OUTSIDE, outside, "keep the task's way outside: pasta has ended")

enum supervisor_fault {
#define X(NAME, name, sentence) FAULT_##NAME,
	SUPERVISOR_FAULTS(X)
#undef X
		FAULT_COUNT,
};

/* --- agent to init ---------------------------------------------------------------- */

/*
 * Start a step. Descriptors: sealed memfd of the specification (wire/spec.h), the step's
 * output memfd, and the group with START_IN_CGROUP. Answer: STEP_STARTED or
 * STEP_FAILED_TO_START.
 */
struct message_start_step {
	uint32_t step;
	uint32_t attempt;
	uint32_t flags;	    /* enum start_flag */
	uint32_t uid;	    /* with START_SETS_IDS */
	uint32_t gid;	    /* with START_SETS_IDS */
	uint32_t orphan_ms; /* as ORPHAN_POLICY, or SUPERVISOR_ORPHAN_KEEP */
	uint32_t grace_ms;  /* from TERM to KILL when the deadline passes; 0: SUPERVISOR_GRACE_MS */
	uint64_t deadline_ms; /* from the start; 0: none */
};

/* Send a signal to the step's process group. TERM and KILL make the end one "on request". */
struct message_signal_step {
	uint32_t step;
	uint32_t attempt;
	uint32_t signo;
};

/* End every process of the task but runner-init. Answers: STEP_EXITED per step, then EMPTY. */
struct message_kill_all {
	uint32_t grace_ms; /* TERM, then KILL after it; 0: the usual; SUPERVISOR_NO_GRACE: KILL at
			      once */
};

/* How long to go on without an agent. 0: end at once. */
struct message_orphan_policy {
	uint32_t orphan_ms;
};

/* The agent has journaled the end of the step: forget it and its descriptors. */
struct message_ack_step {
	uint32_t step;
	uint32_t attempt;
};

/* KILL_ALL, an END record, and the end of runner-init (exit 0). */
struct message_quit {
	uint32_t grace_ms;
};

/*
 * Start a person's shell or command beside the steps. Descriptors: sealed memfd of the
 * specification, and cgroup.procs with START_IN_CGROUP. Answers: as of a step whose attempt is
 * SUPERVISOR_SESSION_ATTEMPT. It ends with the connection it was asked for on.
 */
struct message_start_session {
	uint32_t session; /* the agent's number for it */
	uint32_t flags;	  /* enum start_flag */
	uint32_t uid;	  /* with START_SETS_IDS */
	uint32_t gid;	  /* with START_SETS_IDS */
	uint32_t rows;	  /* of its terminal */
	uint32_t cols;
};

/* --- init to agent ---------------------------------------------------------------- */

/* First message of each connection; as many STEP_STATE follow as steps says. */
struct message_hello {
	uint32_t flags;	     /* enum hello_flag */
	uint32_t pid;	     /* as runner-init sees itself */
	uint32_t steps;	     /* not acknowledged yet */
	uint32_t orphan_ms;  /* the policy in force */
	uint64_t started_ms; /* Unix time of runner-init's start */
};

/*
 * A step that an earlier connection started. Descriptors: read end of its pipe, its output memfd
 * (none when it failed to start). Its STEP_EXITED or STEP_FAILED_TO_START follows when it has
 * ended.
 */
struct message_step_state {
	uint32_t step;
	uint32_t attempt;
	uint32_t state; /* enum init_step */
	uint32_t flags; /* of its START_STEP */
	uint32_t pid;	/* as runner-init sees it */
	uint64_t started_ms;
};

/*
 * Descriptor: read end of the step's pipe (non-blocking). Of a session: its terminal's master side, or
 * the write end of its input, the read ends of its output and its errors; runner-init keeps none of them.
 */
struct message_step_started {
	uint32_t step;
	uint32_t attempt;
	uint32_t pid; /* as runner-init sees it */
	uint64_t started_ms;
};

struct message_step_failed_to_start {
	uint32_t step;
	uint32_t attempt;
	uint32_t what; /* enum supervisor_fault */
	uint32_t sys;  /* errno, or 0 */
};

/* The step's main process has ended; usage is its own and that of children it waited for. */
struct message_step_exited {
	uint32_t step;
	uint32_t attempt;
	uint32_t status;	       /* as wait(2) gives it */
	uint32_t why;		       /* enum step_why */
	uint64_t started_ms, ended_ms; /* Unix time */
	uint64_t utime_us, stime_us;
	uint64_t maxrss_kib;
	uint64_t in_blocks, out_blocks; /* of 512 bytes */
};

/* After KILL_ALL and QUIT: no process is left but those that could not be ended. */
struct message_empty {
	uint32_t left; /* 0 but for processes that belong to another user now */
};

struct message_error {
	uint32_t what; /* enum supervisor_fault */
	uint32_t sys;  /* errno, or 0 */
	uint32_t step; /* or SUPERVISOR_NO_STEP */
};

/* --- records of init.log ----------------------------------------------------------- */

enum { RECORD_BYTES = 96 };

enum record_type {
	RECORD_STEP_EXITED = 1, /* written before the message is sent */
	RECORD_STEP_FAILED = 2,
	RECORD_END = 3, /* the last one: runner-init has ended and no process is left */
};

struct record_end {
	uint32_t reason; /* enum supervisor_end */
	uint32_t left;	 /* as in EMPTY */
	uint64_t ended_ms;
};

/* --- limits of a step's specification ------------------------------------------------ */

enum {
	SPEC_MOST_BYTES = 4 * 1024 * 1024,
	SPEC_STRING_MOST_BYTES =
		128 * 1024, /* MAX_ARG_STRLEN of the kernel, NUL included: execve(2) */
	SPEC_ARGS_MOST = 65536,
	SPEC_ENV_MOST = 65536,
	SPEC_RLIMITS_MOST = 16, /* RLIM_NLIMITS */
	SPEC_GROUPS_MOST = 1024,
	SPEC_FILTER_MOST = 4096, /* BPF_MAXINSNS */
};

#endif
