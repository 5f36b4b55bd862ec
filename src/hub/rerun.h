/*
 * rerun.h - jobs of a workflow once more.
 *
 * A rerun is a new attempt of the jobs in the workflow they are of: they wait for what they
 * require and get new tasks; what was before stays as the tasks of earlier attempts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_RERUN_H
#define HUB_RERUN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/id.h"
#include "hub/model.h"

struct err;

enum { RERUNS_MOST = 100 }; /* of one workflow */

/* Neither from_failed nor jobs: all of the workflow. */
struct rerun {
	bool from_failed;      /* what did not end as success */
	bool failed_tests;     /* that, and "tests run" in it runs the tests that failed alone */
	const struct id *jobs; /* these, and of those that require them what did not end as success */
	size_t job_count;
};

/*
 * Of a workflow that has ended; by is the login of who asks. Fails: ERR_AGAIN (it has not ended),
 * ERR_INPUT (a job is not of this workflow; nothing failed; it is a setup workflow), ERR_LIMIT.
 */
int workflow_rerun(struct workflow *workflow, const struct rerun *rerun, const char *by,
		   struct err *err);

/* A workflow all of whose jobs have ended, before it ends: true when its failed jobs run once more by themselves. */
bool workflow_rerun_by_itself(struct workflow *workflow, enum outcome outcome);

#endif
