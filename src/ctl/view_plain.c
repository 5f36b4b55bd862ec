/*
 * view_plain.c - "[job] line": for pipes and files, in whole lines as they come.
 *
 * A job's line waits until it is whole, so that jobs do not mix within one; a line
 * longer than DISPLAY_LINE_BYTES is printed in pieces of that size, each on a line of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/text.h"
#include "ctl/view.h"

static void
put_line(struct display *display, const struct display_job *job, const void *bytes, size_t len)
{
	buffer_printf(&display->out, "[%s] ", job->name);
	buffer_putn(&display->out, bytes, len);
	buffer_puts(&display->out, "\n");
}

static void
flush_line(struct display *display, struct display_job *job)
{
	if (job->line.len > 0)
		put_line(display, job, job->line.data, job->line.len);
	buffer_clear(&job->line);
}

/* Where to cut a line that is too long: not within a character. */
static size_t
piece_length(const unsigned char *line)
{
	size_t len = DISPLAY_LINE_BYTES;

	while (len > DISPLAY_LINE_BYTES - 4 && (line[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* Print what is whole in job->line. */
static void
put_whole_lines(struct display *display, struct display_job *job)
{
	const unsigned char *newline;
	size_t len;

	while (job->line.len > 0) {
		newline = memchr(job->line.data, '\n', job->line.len);
		len = newline != NULL ? (size_t)(newline - job->line.data) : job->line.len;
		if (len > DISPLAY_LINE_BYTES) {
			len = piece_length(job->line.data);
			put_line(display, job, job->line.data, len);
			buffer_consume(&job->line, len);
			continue;
		}
		if (newline == NULL)
			return;
		put_line(display, job, job->line.data,
			 len > 0 && newline[-1] == '\r' ? len - 1 : len);
		buffer_consume(&job->line, len + 1);
	}
}

static void
plain_output(struct display *display, struct display_job *job, const void *bytes, size_t len)
{
	clean_stream_feed(&job->filter, bytes, len, &job->line);
	put_whole_lines(display, job);
}

static void
plain_job_started(struct display *display, struct display_job *job)
{
	buffer_printf(&display->out, "[%s] started\n", job->name);
}

static void
plain_step_started(struct display *display, struct display_job *job)
{
	flush_line(display, job);
	buffer_printf(&display->out, "[%s] == %s\n", job->name, job->step != NULL ? job->step : "");
}

static void
plain_step_ended(struct display *display, struct display_job *job, const struct step_end *end)
{
	char how[64], took[24];

	flush_line(display, job);
	if (text_eq(end->outcome, "success") || text_eq(end->outcome, "skipped"))
		return;
	buffer_printf(&display->out, "[%s] == %s: %s after %s\n", job->name,
		      job->step != NULL ? job->step : "", step_end_text(how, end),
		      text_duration(took, end->wall_ms));
}

static void
plain_job_ended(struct display *display, struct display_job *job)
{
	char took[24];

	flush_line(display, job);
	buffer_printf(&display->out, "[%s] %s%s%s", job->name, view_look_colour(display, job->look),
		      view_look_name(job->look), view_colour_end(display));
	if (job->started_us != 0)
		buffer_printf(&display->out, " after %s", text_duration(took, job->took_ms));
	if (job->reason != NULL)
		buffer_printf(&display->out, ": %s", job->reason);
	buffer_puts(&display->out, "\n");
}

const struct view plain_view = {
	.job_started = plain_job_started,
	.step_started = plain_step_started,
	.output = plain_output,
	.step_ended = plain_step_ended,
	.job_ended = plain_job_ended,
};
