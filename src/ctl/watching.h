/*
 * watching.h - a pipeline on a terminal, or in a file, until it has ended: display, outlet and
 * follow put together.
 *
 * watching_start() -> loop_run() until watching_is_done() -> watching_finish() ->
 * watching_free().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_WATCHING_H
#define CTL_WATCHING_H

#include <stdbool.h>

struct api;
struct err;
struct json;
struct loop;
struct watching;

/* fd: where it is shown; borrowed. resumes: a connection that is cut is made again, and all goes on;
 * without, it is the end. */
int watching_start(struct watching **out, struct api *api, const char *pipeline, int fd,
		   bool resumes, struct err *err);
void watching_free(struct watching *watching); /* NULL is fine */

/* Checked after each loop_run(), which ends whenever it may have changed. */
bool watching_is_done(const struct watching *watching);
/* 0, or why it was not followed to its end. */
int watching_error(const struct watching *watching, struct err *err);

/* One line of our own among the output. */
void watching_note(struct watching *watching, const char *text);

/* Print the summary and wait until all is written or *stop. EXIT_OK when every job succeeded, else
 * EXIT_NO. */
int watching_finish(struct watching *watching, const bool *stop);

/* All of it: follow a pipeline to its end. Says by itself what goes wrong; returns the exit status.
 */
int watching_run(struct api *api, const char *pipeline);

/* The "diagnostics" of a hub's answer, as the compiler prints them, to standard error. */
void watching_print_diagnostics(const struct json *answer);

#endif
