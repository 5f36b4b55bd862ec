/*
 * control.h - what a job's processes may ask of the agent: the task's control socket.
 *
 * A SOCK_SEQPACKET socket whose path is in the step's environment. One packet asks: a verb, a newline,
 * the value. One packet answers: "ok", perhaps with a blank and more; "none", perhaps with a blank and a sentence: there is no such thing; "later", ask again;
 * "wait", it is being done: ask again for as long as it takes (the answer itself may take some seconds, too); "again", what it waited for is over: ask at once; or "no " and a sentence. A descriptor may come with
 * either (SCM_RIGHTS). Who asks is known by descent: a process below a task's runner-init speaks for that task.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUNNER_CONTROL_H
#define RUNNER_CONTROL_H

#define CONTROL_VARIABLE    "RUNNER_TASK_SOCKET"
#define CONTROL_DIR_NAME    ".agent"   /* in the work directory; stays, since tasks have it in their mounts */
#define CONTROL_SOCKET_NAME ".control" /* in it; a link in the work directory leads there */

#define CONTROL_VERB_MASK "mask" /* value: the bytes that output must not show from now on */
#define CONTROL_VERB_HALT "halt" /* no value: no step follows the one that runs */
/* No value: bring the host's mirror of the task's repository up to date. "doubtful": it could not be
 * read; look at it before it is used again. */
#define CONTROL_VERB_MIRROR "mirror"

/*
 * A cache is saved in two steps: "begin" with its key is answered by a file to write to, or by "none" where
 * the key has a cache, which stays; "save" brings that file again with "DIGEST KEY" and the file becomes the
 * cache. "find" with a key is answered by "ok DIGEST SIZE KEY" and the file of the newest cache whose key begins so, or by
 * "none", with a sentence where the hub could not be asked. "lose" with a key: its file is not what was saved.
 * "share" with the key of one that this host has is answered as "find" is where the hub is to have it, too, else by "none".
 */
#define CONTROL_VERB_CACHE_BEGIN "cache-begin"
#define CONTROL_VERB_CACHE_SAVE	 "cache-save"
#define CONTROL_VERB_CACHE_FIND	 "cache-find"
#define CONTROL_VERB_CACHE_LOSE	 "cache-lose"
#define CONTROL_VERB_CACHE_SHARE "cache-share"

/*
 * A layer of the workspace is named by the task and the step that persisted it: "TASK/STEP". "list" is answered
 * by a file that holds the task document's member "workspace", or by "none". "begin" with the number of a step of
 * this task is answered by a file to write to, "save" brings it again with "DIGEST STEP". "find" with the name of a
 * layer that is on the list is answered by "ok DIGEST SIZE" and the file, or by "none" where neither this
 * host nor the hub has it. "lose" with a name: its file is not what was persisted. "share" with
 * the number of a step: as a cache's.
 */
#define CONTROL_VERB_LAYER_LIST	 "layer-list"
#define CONTROL_VERB_LAYER_BEGIN "layer-begin"
#define CONTROL_VERB_LAYER_SAVE	 "layer-save"
#define CONTROL_VERB_LAYER_FIND	 "layer-find"
#define CONTROL_VERB_LAYER_SHARE "layer-share"
#define CONTROL_VERB_LAYER_LOSE	 "layer-lose"

/*
 * The config that the task's pipeline goes on with, for the jobs of a setup workflow. The value says in digits
 * how many bytes of the descriptor are the config; behind them is a JSON object, the parameters, or nothing. The
 * descriptor is a memfd that is sealed against change (F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW): reading it
 * waits for nothing. "ok" when the hub has taken it.
 */
#define CONTROL_VERB_CONTINUE "continue"

/*
 * A token by which the job shows others who it is (OpenID Connect). The value is a JSON object: "claims", an object,
 * and "root_issuer", true or false. "ok" comes with a descriptor to read the token from; what stands behind "ok" is a
 * sentence: why it is not masked.
 */
#define CONTROL_VERB_IDENTITY "identity"

/* No value; a socket comes along on which blobs are sent from then on: runner/carrier.h. */
#define CONTROL_VERB_CARRY "carry"

/*
 * What a step has found of tests. The value says in digits how many of the step's tests came before;
 * the descriptor is a sealed memfd as above, with lines of task/test_case.h. "ok" when the hub has them.
 */
#define CONTROL_VERB_TESTS_STORE "tests-store"

/*
 * What the hub knows of the tests of this task's job: "ok NEXT" and a file of lines, microseconds, file,
 * classname and name with tabs between. The value is empty at first; where NEXT is there, it is the value
 * that asks for more. "tests-timings": of the latest run that succeeded. "tests-failed": those that failed in
 * the attempt before, where the job runs again for these alone. "none": there are none, or it does not.
 */
#define CONTROL_VERB_TESTS_TIMINGS "tests-timings"
#define CONTROL_VERB_TESTS_FAILED  "tests-failed"

enum {
	CONTROL_CONTINUE_MOST_BYTES = 4 << 20, /* config and parameters */
	CONTROL_VALUE_MOST_BYTES = 64 << 10, /* also of all values that one task adds */
	CONTROL_REQUEST_MOST_BYTES = CONTROL_VALUE_MOST_BYTES + 32,
	CONTROL_REPLY_MOST_BYTES = 1280, /* a cache's key has up to 900 */
	CONTROL_RETRY_MS = 60000, /* so long a helper waits for an agent that is being restarted */
};

#endif
