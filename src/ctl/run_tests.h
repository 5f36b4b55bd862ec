/*
 * run_tests.h - the tests of a run: summed up at its end, their times kept for the next one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_RUN_TESTS_H
#define CTL_RUN_TESTS_H

struct api;
struct err;
struct json;

enum { RUN_TESTS_FAILURES_SHOWN = 10 };

/*
 * What a pipeline that has ended found, on standard output, or standard error with --json: "12
 * tests, 1 failed: NAME (JOB)", a line for each further one. Nothing where there are no tests.
 * *out, the hub's sum, is the caller's. Fails: as api_get().
 */
int run_tests_tell(struct json **out, struct api *api, const char *pipeline, struct err *err);

/*
 * Keep the times of those jobs that succeeded below dir, the cache directory (task/timings_file.h),
 * as project's. tests is what run_tests_tell() gave. Fails: as api_get(); ERR_HOST, ERR_LIMIT (the
 * disk is full).
 */
int run_tests_keep(const struct json *tests, struct api *api, const char *pipeline,
		   const char *project, const char *dir, struct err *err);

#endif
