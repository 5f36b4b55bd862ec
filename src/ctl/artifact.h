/*
 * artifact.h - artifacts of a pipeline that "runnerctl run" has run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_ARTIFACT_H
#define CTL_ARTIFACT_H

struct api;
struct err;

/*
 * All that its jobs have stored, into dir/JOB/ (of a job with several nodes: dir/JOB/NODE/; where
 * several workflows ran: dir/WORKFLOW/JOB/). Says how much that was. Fails: ERR_HOST, ERR_AGAIN
 * (some did not come, which was said).
 */
int artifacts_land(struct api *api, const char *pipeline, const char *dir, struct err *err);

#endif
