/*
 * protocol.h - versions and limits that agent, hub and readers agree on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUNNER_PROTOCOL_H
#define RUNNER_PROTOCOL_H

enum {
	RUNNER_PROTOCOL = 1,	  /* agent to hub: doc/api.md */
	RUNNER_TASK_DOC = 1,	  /* doc/task-document.md */

	RUNNER_CLAIM_WAIT_MS = 60000,	  /* longest a claim is held open */
	RUNNER_HEARTBEAT_WAIT_MS = 10000, /* longest a heartbeat is held open */
	RUNNER_LEASE_MS = 60000,	  /* without a heartbeat, before the task has started */
	RUNNER_LOST_MS = 600000,	  /* without a heartbeat, once it runs: it may be going on */
	RUNNER_UNCLAIM_MOST = 3,	  /* times that a task can be given back before it ran */
	RUNNER_LOST_MOST = 1,		  /* times that it is queued again when its agent is lost before it ran */

	RUNNER_CLAIM_TASKS_MOST = 256,	 /* task documents in one reply */
	RUNNER_TASK_DOC_MOST_BYTES = 4 << 20,
	RUNNER_TASK_STEPS_MOST = 1000,
	RUNNER_EVENTS_MOST = 1024,	 /* in one request */
	RUNNER_OUTPUT_MOST_BYTES = 1 << 20, /* one output request; agents close one at 256 KiB */
	RUNNER_JSON_MOST_BYTES = 8 << 20,   /* any other body */
	RUNNER_REASON_BYTES = 200,	 /* a reason is cut there */

	RUNNER_RECORD_MAGIC = 0x34424f52,   /* doc/output-record.md */
	RUNNER_RECORD_MAGIC_1 = 0x31424f52, /* of versions 1 and 2, which are read still */
	RUNNER_RECORD_MAGIC_2 = 0x32424f52,
	RUNNER_RECORD_HEADER_BYTES = 72,
	RUNNER_RECORD_RAW_MOST_BYTES = 65536,
	RUNNER_RECORD_FRAME_MOST_BYTES = 66000,
};

#define RUNNER_OUTPUT_TYPE "application/vnd.runner.output"

#endif
