/*
 * run_result.h - what "run --json" prints when all has ended: doc/run-result.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_RUN_RESULT_H
#define CTL_RUN_RESULT_H

struct api;
struct err;
struct json;

enum { RUN_RESULT_VERSION = 1 };

/* Of a pipeline that has ended, as its hub knows it. The caller frees *out. Fails: as api_get(). */
int run_result_make(struct json **out, struct api *api, const char *pipeline, struct err *err);

/* To standard output: the document, or its items a line each. Returns the exit status. */
int run_result_print(const struct json *result);

#endif
