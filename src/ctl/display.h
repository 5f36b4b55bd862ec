/*
 * display.h - jobs side by side, as a person sees them: it is given facts, never text.
 *
 * display_new() -> display_job() for each job -> facts -> display_summary() ->
 * display_free(). Three views take the same facts:
 *
 *	terminal  a line a job, redrawn in place by display_tick()
 *	plain     "[job] line", in whole lines, as they come
 *	quiet     failures only
 *
 * A failed step's output is printed whole, in one piece, between
 * display_failure_begin() and _end(); the caller sends no display_output() meanwhile.
 * Time and place come through functions: tests turn the clock and read the bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_DISPLAY_H
#define CTL_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct display;

enum display_kind { DISPLAY_PLAIN, DISPLAY_TERMINAL, DISPLAY_QUIET };

/* How often display_tick() is worth calling. */
enum { DISPLAY_TICK_MS = 100, DISPLAY_LINE_BYTES = 4096 };

enum job_look {
	JOB_WAITING,
	JOB_RUNNING,
	JOB_SUCCESS,
	JOB_FAILED, /* timedout and infra-fail, too: the reason says so */
	JOB_CANCELED,
	JOB_NOT_RUN,
	JOB_LOOK_COUNT
};

struct display_place {
	uint64_t (*now_us)(void *arg);
	void (*write)(void *arg, const void *bytes, size_t len);
	/* Of the terminal; not called by the other views. */
	void (*size)(void *arg, unsigned *rows, unsigned *columns);
	void *arg;
};

/* How a step ended. */
struct step_end {
	const char *step;    /* its name */
	const char *outcome; /* "failed", "timedout", ... */
	int exit_code;	     /* negative: none */
	int signal;	     /* 0: none */
	uint64_t wall_ms;
};

/* "exit code 2", "ended by signal 9", "timedout". Returns room. */
const char *step_end_text(char room[64], const struct step_end *end);

struct display_counts {
	unsigned jobs, succeeded, failed, canceled, not_run;
};

/* colour: escape sequences may be written, our own and those of the jobs. */
struct display *display_new(enum display_kind kind, bool colour, const struct display_place *place);
void display_free(struct display *display); /* NULL is fine */

/* One more job; what it is called from here on. name is copied. */
unsigned display_job(struct display *display, const char *name);
/* Parallel nodes are known late: the job's name changes with the second one. */
void display_job_rename(struct display *display, unsigned job, const char *name);
/* It is a node of the same job as first: they are counted as one. */
void display_job_joins(struct display *display, unsigned job, unsigned first);

/* running_ms: for how long it has been running already. */
void display_job_started(struct display *display, unsigned job, uint64_t running_ms);
void display_step_started(struct display *display, unsigned job, const char *step);
void display_output(struct display *display, unsigned job, const void *bytes, size_t len);
void display_step_ended(struct display *display, unsigned job, const struct step_end *end);
/* reason may be NULL or "". took_ms: UINT64_MAX: since display_job_started(). */
void display_job_ended(struct display *display, unsigned job, enum job_look look,
		       const char *reason, uint64_t took_ms);

void display_failure_begin(struct display *display, unsigned job, const struct step_end *end);
void display_failure_output(struct display *display, const void *bytes, size_t len);
void display_failure_end(struct display *display);

/* Something a person should know now: one line. */
void display_note(struct display *display, const char *text);

/* Time has passed. */
void display_tick(struct display *display);

/* The last thing: a line a job and the count of all. */
void display_summary(struct display *display);

void display_count(const struct display *display, struct display_counts *counts);

#endif
