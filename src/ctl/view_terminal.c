/*
 * view_terminal.c - a line a job at the bottom of the screen, redrawn in place.
 *
 * The lines are ours as long as display->drawn says so: the cursor stands at the
 * beginning of the line below them. Permanent text goes above: make_way() clears ours, the next
 * tick draws them again. Nothing of a job's output gets here but through clean.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/text.h"
#include "ctl/view.h"

enum { LINE_BYTES = 1024, LEAST_COLUMNS = 20, NAME_COLUMNS_MOST = 32 };

static void
terminal_output(struct display *display, struct display_job *job, const void *bytes, size_t len)
{
	(void)display;
	clean_line_feed(&job->last, bytes, len);
}

static void
terminal_make_way(struct display *display)
{
	if (display->drawn > 0)
		buffer_printf(&display->out, "\033[%uA\r\033[J", display->drawn);
	display->drawn = 0;
}

/* What stands behind the time: the last line, or the step, or why it failed. */
static const char *
tail_of(const struct display_job *job, char room[CLEAN_LINE_BYTES])
{
	if (job->look != JOB_RUNNING)
		return job->reason != NULL ? job->reason : "";
	if (job->last.len > 0)
		return clean_line_text(&job->last, room);
	return job->step != NULL ? job->step : "";
}

/* The line's left part has fixed columns; what is over goes to the tail, cut in its middle. */
static void
draw_job(struct display *display, const struct display_job *job, unsigned columns)
{
	char name[LINE_BYTES], tail[LINE_BYTES], last[CLEAN_LINE_BYTES], took[24] = "";
	unsigned name_columns = display->name_width, left;

	if (name_columns > NAME_COLUMNS_MOST)
		name_columns = NAME_COLUMNS_MOST;
	if (name_columns > columns / 3)
		name_columns = columns / 3;
	if (job->started_us != 0)
		(void)text_duration(took, view_took_ms(display, job));
	(void)clean_cut(name, sizeof(name), job->name, name_columns);
	buffer_printf(&display->out, "%s%-8s%s %s%*s", view_look_colour(display, job->look),
		      view_look_name(job->look), view_colour_end(display), name,
		      (int)(name_columns - clean_width(name)), "");
	left = 8 + 1 + name_columns + 1 + 7;
	if (left <= columns)
		buffer_printf(&display->out, " %7s", took);
	if (left + 2 < columns) {
		(void)clean_cut(tail, sizeof(tail), tail_of(job, last), columns - left - 2);
		if (tail[0] != '\0')
			buffer_printf(&display->out, "  %s", tail);
	}
	buffer_puts(&display->out, "\033[K\n");
	display->drawn++;
}

static bool
matters(const struct display_job *job)
{
	return job->look == JOB_RUNNING || job->look == JOB_FAILED;
}

static void
draw_count(struct display *display, unsigned columns, unsigned hidden)
{
	struct display_counts counts;
	char line[LINE_BYTES], cut[LINE_BYTES], took[24];
	unsigned i, running = 0;
	int n;

	display_count(display, &counts);
	for (i = 0; i < display->job_count; i++)
		running += display->jobs[i].look == JOB_RUNNING;
	n = snprintf(line, sizeof(line), "%u of %u jobs done, %u running, %u failed",
		     counts.succeeded + counts.failed + counts.canceled, counts.jobs, running,
		     counts.failed);
	if (hidden > 0)
		n += snprintf(line + n, sizeof(line) - (size_t)n, ", %u not shown", hidden);
	(void)snprintf(line + n, sizeof(line) - (size_t)n, "  %s",
		       text_duration(took, (view_now(display) - display->begun_us) / 1000));
	buffer_printf(&display->out, "%s\033[K\n", clean_cut(cut, sizeof(cut), line, columns));
	display->drawn++;
}

/* All jobs where they fit above the count; else those that run or failed, as many as fit. */
static void
terminal_tick(struct display *display)
{
	unsigned rows = 24, columns = 80, room, i, hidden = 0;
	bool all;

	if (display->job_count == 0)
		return;
	display->place.size(display->place.arg, &rows, &columns);
	columns = columns > LEAST_COLUMNS ? columns - 1
					  : LEAST_COLUMNS; /* the last column may wrap */
	room = rows > 3 ? rows - 2 : 1;
	if (display->drawn > 0)
		buffer_printf(&display->out, "\033[%uA\r", display->drawn);
	display->drawn = 0;
	all = display->job_count <= room;
	for (i = 0; i < display->job_count; i++) {
		if (!all && !matters(&display->jobs[i]))
			continue;
		if (display->drawn < room)
			draw_job(display, &display->jobs[i], columns);
		else
			hidden++;
	}
	draw_count(display, columns, hidden);
	buffer_puts(&display->out, "\033[J");
}

const struct view terminal_view = {
	.output = terminal_output,
	.tick = terminal_tick,
	.make_way = terminal_make_way,
};
