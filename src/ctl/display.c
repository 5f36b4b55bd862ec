/*
 * display.c - jobs side by side: keeps how they stand, and hands each fact to the view.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/display.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/view.h"

enum { NAME_BYTES = 128, REASON_BYTES = 512, STEP_NAME_BYTES = 256, STEP_NAME_COLUMNS = 60 };

static const struct {
	const char *name, *colour;
} looks[JOB_LOOK_COUNT] = {
	[JOB_WAITING] = {"waiting", "\033[2m"},	   [JOB_RUNNING] = {"running", "\033[33m"},
	[JOB_SUCCESS] = {"success", "\033[32m"},   [JOB_FAILED] = {"failed", "\033[31m"},
	[JOB_CANCELED] = {"canceled", "\033[35m"}, [JOB_NOT_RUN] = {"not run", "\033[2m"},
};

/* Failures are printed by what all views share, and errors by their callers. */
const struct view quiet_view;

struct display *
display_new(enum display_kind kind, bool colour, const struct display_place *place)
{
	static const struct view *const views[] = {
		[DISPLAY_PLAIN] = &plain_view,
		[DISPLAY_TERMINAL] = &terminal_view,
		[DISPLAY_QUIET] = &quiet_view,
	};
	struct display *display = MEM_NEW(struct display);

	display->view = views[kind];
	display->colour = colour;
	display->place = *place;
	display->begun_us = view_now(display);
	return display;
}

void
display_free(struct display *display)
{
	unsigned i;

	if (display == NULL)
		return;
	for (i = 0; i < display->job_count; i++) {
		free(display->jobs[i].name);
		free(display->jobs[i].step);
		free(display->jobs[i].reason);
		buffer_release(&display->jobs[i].line);
	}
	free(display->jobs);
	buffer_release(&display->out);
	free(display);
}

/* --- what views share ----------------------------------------------------------------- */

void
view_flush(struct display *display)
{
	if (display->out.len > 0)
		display->place.write(display->place.arg, display->out.data, display->out.len);
	buffer_clear(&display->out);
}

uint64_t
view_now(const struct display *display)
{
	return display->place.now_us(display->place.arg);
}

uint64_t
view_took_ms(const struct display *display, const struct display_job *job)
{
	if (job->look != JOB_RUNNING)
		return job->took_ms;
	return (view_now(display) - job->started_us) / 1000;
}

const char *
view_look_name(enum job_look look)
{
	return looks[look].name;
}

const char *
view_look_colour(const struct display *display, enum job_look look)
{
	return display->colour ? looks[look].colour : "";
}

const char *
view_colour_end(const struct display *display)
{
	return display->colour ? "\033[0m" : "";
}

const char *
step_end_text(char room[64], const struct step_end *end)
{
	if (text_eq(end->outcome, "failed") && end->exit_code >= 0)
		(void)snprintf(room, 64, "exit code %d", end->exit_code);
	else if (text_eq(end->outcome, "failed") && end->signal > 0)
		(void)snprintf(room, 64, "ended by signal %d", end->signal);
	else
		(void)snprintf(room, 64, "%s", end->outcome != NULL ? end->outcome : "failed");
	return room;
}

static void
make_way(struct display *display)
{
	if (display->view->make_way != NULL)
		display->view->make_way(display);
}

/* --- facts ---------------------------------------------------------------------------- */

static struct display_job *
job_at(struct display *display, unsigned job)
{
	assert(job < display->job_count);
	return &display->jobs[job];
}

static void
replace_text(char **at, const char *text)
{
	char room[REASON_BYTES];

	free(*at);
	*at = NULL;
	if (text == NULL || text[0] == '\0')
		return;
	clean_text(room, sizeof(room), text, strlen(text));
	*at = mem_strdup(room);
}

static void
name_job(struct display *display, struct display_job *job, const char *name)
{
	char room[NAME_BYTES];
	unsigned width;

	clean_text(room, sizeof(room), name, strlen(name));
	free(job->name);
	job->name = mem_strdup(room);
	width = clean_width(room);
	if (width > display->name_width)
		display->name_width = width;
}

unsigned
display_job(struct display *display, const char *name)
{
	unsigned n = display->job_count;
	struct display_job *job;

	if ((n & (n - 1)) == 0)
		display->jobs =
			mem_resize(display->jobs, n > 0 ? n * 2 : 1, sizeof(*display->jobs));
	job = &display->jobs[n];
	memset(job, 0, sizeof(*job));
	job->filter.colour = display->colour;
	job->first = n;
	display->job_count++;
	name_job(display, job, name);
	return n;
}

void
display_job_rename(struct display *display, unsigned job, const char *name)
{
	name_job(display, job_at(display, job), name);
}

void
display_job_joins(struct display *display, unsigned job, unsigned first)
{
	job_at(display, job)->first = job_at(display, first)->first;
}

void
display_job_started(struct display *display, unsigned job, uint64_t running_ms)
{
	struct display_job *it = job_at(display, job);

	it->look = JOB_RUNNING;
	it->started_us = view_now(display) - running_ms * 1000;
	if (display->view->job_started != NULL)
		display->view->job_started(display, it);
	view_flush(display);
}

/* A step without a name is called what it runs, which may be long. */
static const char *
step_name(char room[STEP_NAME_BYTES], const char *step)
{
	char clean[REASON_BYTES];

	clean_text(clean, sizeof(clean), step, strlen(step));
	return clean_cut(room, STEP_NAME_BYTES, clean, STEP_NAME_COLUMNS);
}

void
display_step_started(struct display *display, unsigned job, const char *step)
{
	struct display_job *it = job_at(display, job);
	char room[STEP_NAME_BYTES];

	replace_text(&it->step, step_name(room, step));
	memset(&it->last, 0, sizeof(it->last));
	if (display->view->step_started != NULL)
		display->view->step_started(display, it);
	view_flush(display);
}

void
display_output(struct display *display, unsigned job, const void *bytes, size_t len)
{
	struct display_job *it = job_at(display, job);

	assert(!display->block_open);
	if (display->view->output != NULL)
		display->view->output(display, it, bytes, len);
	view_flush(display);
}

void
display_step_ended(struct display *display, unsigned job, const struct step_end *end)
{
	if (display->view->step_ended != NULL)
		display->view->step_ended(display, job_at(display, job), end);
	view_flush(display);
}

void
display_job_ended(struct display *display, unsigned job, enum job_look look, const char *reason,
		  uint64_t took_ms)
{
	struct display_job *it = job_at(display, job);

	if (took_ms != UINT64_MAX)
		it->took_ms = took_ms;
	else if (it->look == JOB_RUNNING)
		it->took_ms = view_took_ms(display, it);
	it->look = look;
	replace_text(&it->reason, reason);
	if (display->view->job_ended != NULL)
		display->view->job_ended(display, it);
	buffer_release(&it->line);
	view_flush(display);
}

void
display_note(struct display *display, const char *text)
{
	char room[REASON_BYTES];

	if (display->view == &quiet_view)
		return;
	make_way(display);
	clean_text(room, sizeof(room), text, strlen(text));
	buffer_printf(&display->out, "%s\n", room);
	view_flush(display);
	display_tick(display);
}

void
display_tick(struct display *display)
{
	if (display->view->tick == NULL || display->block_open)
		return;
	display->view->tick(display);
	view_flush(display);
}

/* --- a failed step's output, in one piece ---------------------------------------------- */

void
display_failure_begin(struct display *display, unsigned job, const struct step_end *end)
{
	struct display_job *it = job_at(display, job);
	char how[64], took[24], step[STEP_NAME_BYTES];

	make_way(display);
	display->block_open = true;
	display->block_line_open = false;
	memset(&display->block, 0, sizeof(display->block));
	display->block.colour = display->colour;
	buffer_printf(&display->out, "%s--- %s: step '%s' failed: %s after %s%s\n",
		      view_look_colour(display, JOB_FAILED), it->name, step_name(step, end->step),
		      step_end_text(how, end), text_duration(took, end->wall_ms),
		      view_colour_end(display));
	view_flush(display);
}

void
display_failure_output(struct display *display, const void *bytes, size_t len)
{
	assert(display->block_open);
	clean_stream_feed(&display->block, bytes, len, &display->out);
	if (display->out.len > 0)
		display->block_line_open = display->out.data[display->out.len - 1] != '\n';
	view_flush(display);
}

void
display_failure_end(struct display *display)
{
	assert(display->block_open);
	display->block_open = false;
	if (display->block.coloured)
		buffer_puts(&display->out, "\033[0m");
	if (display->block_line_open)
		buffer_puts(&display->out, "\n");
	buffer_printf(&display->out, "%s---%s\n", view_look_colour(display, JOB_FAILED),
		      view_colour_end(display));
	view_flush(display);
	display_tick(display);
}

/* --- the end -------------------------------------------------------------------------- */

/* A job with several nodes is as its worst one: these from best to worst. */
static unsigned
badness(enum job_look look)
{
	static const unsigned char ranks[JOB_LOOK_COUNT] = {
		[JOB_SUCCESS] = 1, [JOB_NOT_RUN] = 2,  [JOB_WAITING] = 3,
		[JOB_RUNNING] = 4, [JOB_CANCELED] = 5, [JOB_FAILED] = 6,
	};

	return ranks[look];
}

static void
count_look(struct display_counts *counts, enum job_look look)
{
	counts->jobs++;
	switch (look) {
	case JOB_SUCCESS:
		counts->succeeded++;
		break;
	case JOB_FAILED:
		counts->failed++;
		break;
	case JOB_CANCELED:
		counts->canceled++;
		break;
	case JOB_WAITING:
	case JOB_RUNNING:
	case JOB_NOT_RUN:
	case JOB_LOOK_COUNT:
		counts->not_run++;
		break;
	}
}

void
display_count(const struct display *display, struct display_counts *counts)
{
	enum job_look *worst = MEM_NEW_ARRAY(enum job_look, display->job_count + 1);
	const struct display_job *job;
	unsigned i;

	memset(counts, 0, sizeof(*counts));
	/* The first node stands in front of its others. */
	for (i = 0; i < display->job_count; i++) {
		job = &display->jobs[i];
		if (job->first == i || badness(job->look) > badness(worst[job->first]))
			worst[job->first] = job->look;
	}
	for (i = 0; i < display->job_count; i++)
		if (display->jobs[i].first == i)
			count_look(counts, worst[i]);
	free(worst);
}

static void
summarize_job(struct display *display, const struct display_job *job)
{
	char took[24] = "";

	if (job->started_us != 0)
		(void)text_duration(took, view_took_ms(display, job));
	buffer_printf(&display->out, "%s%-8s%s  %s", view_look_colour(display, job->look),
		      view_look_name(job->look), view_colour_end(display), job->name);
	if (took[0] != '\0' || job->reason != NULL)
		buffer_printf(&display->out, "%*s  %7s",
			      (int)(display->name_width - clean_width(job->name)), "", took);
	if (job->reason != NULL)
		buffer_printf(&display->out, "  %s", job->reason);
	buffer_puts(&display->out, "\n");
}

void
display_summary(struct display *display)
{
	struct display_counts counts;
	char took[24];
	unsigned i;

	if (display->view == &quiet_view)
		return;
	make_way(display);
	buffer_puts(&display->out, "\n");
	for (i = 0; i < display->job_count; i++)
		summarize_job(display, &display->jobs[i]);
	display_count(display, &counts);
	buffer_printf(&display->out, "%u job%s: %u succeeded, %u failed, %u not run", counts.jobs,
		      counts.jobs == 1 ? "" : "s", counts.succeeded, counts.failed, counts.not_run);
	if (counts.canceled > 0)
		buffer_printf(&display->out, ", %u canceled", counts.canceled);
	buffer_printf(&display->out, " (%s)\n",
		      text_duration(took, (view_now(display) - display->begun_us) / 1000));
	view_flush(display);
}
