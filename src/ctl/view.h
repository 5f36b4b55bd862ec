/*
 * view.h - what the views of display.h share: the jobs as they stand, and how to write.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_VIEW_H
#define CTL_VIEW_H

#include "base/buffer.h"
#include "ctl/clean.h"
#include "ctl/display.h"

struct display_job {
	char *name;   /* clean */
	char *step;   /* that runs or ran last; clean; NULL: none yet */
	char *reason; /* clean; NULL: none */
	enum job_look look;
	unsigned first;	     /* of the nodes of the same job; itself where there is one */
	uint64_t started_us; /* 0: not started */
	uint64_t took_ms;    /* once it has ended */
	struct clean_line last;
	struct clean_stream filter;
	struct buffer line; /* plain view: of the line that is not whole yet */
};

/* One row a view; NULL where a fact is not shown. */
struct view {
	void (*job_started)(struct display *display, struct display_job *job);
	void (*step_started)(struct display *display, struct display_job *job);
	void (*output)(struct display *display, struct display_job *job, const void *bytes,
		       size_t len);
	void (*step_ended)(struct display *display, struct display_job *job,
			   const struct step_end *end);
	void (*job_ended)(struct display *display, struct display_job *job);
	void (*tick)(struct display *display);
	/* Clear what would be in the way of permanent text. */
	void (*make_way)(struct display *display);
};

extern const struct view plain_view, terminal_view, quiet_view;

struct display {
	const struct view *view;
	bool colour;
	struct display_place place;
	struct display_job *jobs;
	unsigned job_count;
	unsigned name_width; /* of the longest name */
	uint64_t begun_us;
	struct buffer out;	   /* of one fact; written at its end */
	struct clean_stream block; /* of the failure being printed */
	bool block_open, block_line_open;
	unsigned drawn; /* terminal: lines that are ours at the bottom */
};

/* Hand what is in display->out on. */
void view_flush(struct display *display);

uint64_t view_now(const struct display *display);
/* How long a job has taken so far, or took. */
uint64_t view_took_ms(const struct display *display, const struct display_job *job);

const char *view_look_name(enum job_look look);
/* SGR sequence of a look, and the one that ends it; "" without colour. */
const char *view_look_colour(const struct display *display, enum job_look look);
const char *view_colour_end(const struct display *display);

#endif
