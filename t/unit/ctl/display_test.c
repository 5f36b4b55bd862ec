/*
 * display_test.c - facts in, bytes out, with a clock that is turned by hand.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"
#include "ctl/clean.h"
#include "ctl/display.h"

struct fixture {
	struct display *display;
	struct buffer out;
	uint64_t now_us;
	unsigned rows, columns;
};

static uint64_t
now_us(void *arg)
{
	return ((struct fixture *)arg)->now_us;
}

static void
put(void *arg, const void *bytes, size_t len)
{
	buffer_putn(&((struct fixture *)arg)->out, bytes, len);
}

static void
size(void *arg, unsigned *rows, unsigned *columns)
{
	struct fixture *f = arg;

	*rows = f->rows;
	*columns = f->columns;
}

static void
begin(struct fixture *f, enum display_kind kind, bool colour)
{
	const struct display_place place = {now_us, put, size, f};

	memset(f, 0, sizeof(*f));
	f->now_us = 1000000;
	f->rows = 24;
	f->columns = 80;
	f->display = display_new(kind, colour, &place);
}

static void
end(struct fixture *f)
{
	display_free(f->display);
	buffer_release(&f->out);
}

/* What was written since the last time. */
static const char *
taken(struct fixture *f)
{
	static char room[64 * 1024];

	(void)snprintf(room, sizeof(room), "%s", buffer_text(&f->out));
	buffer_clear(&f->out);
	return room;
}

static void
output(struct fixture *f, unsigned job, const char *text)
{
	display_output(f->display, job, text, strlen(text));
}

static const struct step_end failed_step = {
	.step = "Run tests", .outcome = "failed", .exit_code = 2, .wall_ms = 1200};
static const struct step_end good_step = {.step = "Build", .outcome = "success", .exit_code = 0};

/* --- plain --------------------------------------------------------------------------------- */

static void
test_plain_prefixes_whole_lines_and_never_mixes_two_jobs_in_one(void **state)
{
	struct fixture f;
	unsigned a, b;

	(void)state;
	begin(&f, DISPLAY_PLAIN, false);
	a = display_job(f.display, "a");
	b = display_job(f.display, "b");
	display_job_started(f.display, a, 0);
	display_step_started(f.display, a, "Build");
	assert_string_equal(taken(&f), "[a] started\n[a] == Build\n");
	output(&f, a, "one\ntw");
	output(&f, b, "from b\n");
	output(&f, a, "o\nthr");
	assert_string_equal(taken(&f), "[a] one\n[b] from b\n[a] two\n");
	display_step_ended(f.display, a, &good_step);
	assert_string_equal(taken(&f), "[a] thr\n");
	f.now_us += 2300000;
	display_job_ended(f.display, a, JOB_SUCCESS, NULL, UINT64_MAX);
	assert_string_equal(taken(&f), "[a] success after 2.3s\n");
	end(&f);
}

static void
test_plain_cuts_a_line_without_end_into_pieces_of_whole_characters(void **state)
{
	struct fixture f;
	unsigned job, i;

	(void)state;
	begin(&f, DISPLAY_PLAIN, false);
	job = display_job(f.display, "j");
	for (i = 0; i < 3 * DISPLAY_LINE_BYTES; i++)
		output(&f, job, "\xc3\xa4");
	assert_true(text_is_utf8((const char *)f.out.data, f.out.len));
	assert_true(f.out.len > 5 * DISPLAY_LINE_BYTES);
	assert_true(text_starts(buffer_text(&f.out), "[j] \xc3\xa4"));
	end(&f);
}

static void
test_plain_tells_how_a_step_failed_and_why_a_job_was_not_run(void **state)
{
	struct fixture f;
	unsigned job;

	(void)state;
	begin(&f, DISPLAY_PLAIN, false);
	job = display_job(f.display, "test");
	display_job_started(f.display, job, 0);
	display_step_started(f.display, job, "Run tests");
	display_step_ended(f.display, job, &failed_step);
	display_job_ended(f.display, job, JOB_FAILED, "step 'Run tests': exit code 2", 1300);
	assert_string_equal(taken(&f), "[test] started\n[test] == Run tests\n"
				       "[test] == Run tests: exit code 2 after 1.2s\n"
				       "[test] failed after 1.3s: step 'Run tests': exit code 2\n");
	job = display_job(f.display, "package");
	display_job_ended(f.display, job, JOB_NOT_RUN, "requires 'test'", UINT64_MAX);
	assert_string_equal(taken(&f), "[package] not run: requires 'test'\n");
	end(&f);
}

/* --- a failure in one piece ------------------------------------------------------------------- */

static void
test_failure_is_printed_in_one_piece_with_a_header(void **state)
{
	struct fixture f;
	unsigned job;

	(void)state;
	begin(&f, DISPLAY_QUIET, false);
	job = display_job(f.display, "test");
	display_job_started(f.display, job, 0);
	output(&f, job, "not shown\n");
	display_failure_begin(f.display, job, &failed_step);
	display_failure_output(f.display, "one\n\033[31mtw", 11);
	display_failure_output(f.display, "o\033[0m", 5);
	display_failure_end(f.display);
	assert_string_equal(
		taken(&f),
		"--- test: step 'Run tests' failed: exit code 2 after 1.2s\none\ntwo\n---\n");
	end(&f);
}

static void
test_failure_on_a_terminal_takes_the_status_lines_away_and_ends_its_colours(void **state)
{
	struct fixture f;
	unsigned job;

	(void)state;
	begin(&f, DISPLAY_TERMINAL, true);
	job = display_job(f.display, "test");
	display_job_started(f.display, job, 0);
	display_tick(f.display);
	(void)taken(&f);
	display_failure_begin(f.display, job, &failed_step);
	assert_true(text_starts(buffer_text(&f.out), "\033[2A\r\033[J"));
	(void)taken(&f);
	display_failure_output(f.display, "\033[31mred\033[2J", 12);
	assert_string_equal(taken(&f), "\033[31mred");
	display_tick(f.display); /* draws nothing into the piece */
	assert_string_equal(taken(&f), "");
	display_failure_end(f.display);
	assert_true(text_starts(taken(&f), "\033[0m\n"));
	end(&f);
}

/* --- terminal ----------------------------------------------------------------------------------
 */

/* Lines of what was drawn, without sequences; the widest in *width. */
static unsigned
count_lines(const char *drawn, unsigned *width)
{
	char copy[64 * 1024], line[4096], *rest = copy, *one;
	unsigned lines = 0;

	(void)snprintf(copy, sizeof(copy), "%s", drawn);
	*width = 0;
	while ((one = strsep(&rest, "\n")) != NULL) {
		if (rest != NULL)
			lines++;
		if (strrchr(one, '\r') != NULL) /* back to the first column */
			one = strrchr(one, '\r') + 1;
		clean_text(line, sizeof(line), one, strlen(one));
		if (clean_width(line) > *width)
			*width = clean_width(line);
	}
	return lines;
}

static void
test_terminal_shows_a_line_a_job_with_state_time_and_last_line(void **state)
{
	struct fixture f;
	const char *drawn;
	unsigned a;

	(void)state;
	begin(&f, DISPLAY_TERMINAL, false);
	a = display_job(f.display, "build");
	(void)display_job(f.display, "test");
	display_job_started(f.display, a, 0);
	display_step_started(f.display, a, "Compile");
	output(&f, a, "cc -c a.c\ncc -c \033[31mb.c\033[0m\n");
	f.now_us += 3400000;
	assert_string_equal(taken(&f), "");
	display_tick(f.display);
	drawn = taken(&f);
	assert_non_null(strstr(drawn, "running  build    3.4s  cc -c b.c\033[K\n"));
	assert_non_null(strstr(drawn, "waiting  test "));
	assert_non_null(strstr(drawn, "0 of 2 jobs done, 1 running, 0 failed  3.4s"));
	display_tick(f.display);
	assert_true(text_starts(taken(&f), "\033[3A\r"));
	end(&f);
}

static void
test_terminal_never_draws_wider_than_the_screen(void **state)
{
	static const unsigned widths[] = {20, 21, 40, 80, 200};
	struct fixture f;
	unsigned job, width, i;

	(void)state;
	begin(&f, DISPLAY_TERMINAL, true);
	job = display_job(f.display, "a-job-with-a-name-that-goes-on-and-on-for-a-long-time");
	display_job_started(f.display, job, 0);
	output(&f, job,
	       "\xe6\xbc\xa2\xe6\xbc\xa2 a long line of output, with "
	       "\033[2J\033[9999;9999Hsequences, "
	       "0123456789012345678901234567890123456789012345678901234567890123456789\n");
	for (i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		f.columns = widths[i];
		display_tick(f.display);
		(void)count_lines(taken(&f), &width);
		assert_true(width <= (widths[i] > 20 ? widths[i] - 1 : 20));
	}
	end(&f);
}

static void
test_terminal_shows_only_what_runs_or_failed_where_the_screen_is_too_small(void **state)
{
	struct fixture f;
	char name[16];
	const char *drawn;
	unsigned i, width;

	(void)state;
	begin(&f, DISPLAY_TERMINAL, false);
	f.rows = 10;
	for (i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof(name), "job%02u", i);
		(void)display_job(f.display, name);
	}
	display_job_started(f.display, 30, 0);
	display_job_started(f.display, 31, 0);
	display_job_ended(f.display, 31, JOB_FAILED, NULL, UINT64_MAX);
	display_tick(f.display);
	drawn = taken(&f);
	assert_non_null(strstr(drawn, "running  job30"));
	assert_non_null(strstr(drawn, "failed   job31"));
	assert_null(strstr(drawn, "job00"));
	for (i = 0; i < 30; i++)
		display_job_started(f.display, i, 0);
	display_tick(f.display);
	drawn = taken(&f);
	assert_true(count_lines(drawn, &width) < f.rows);
	assert_non_null(strstr(drawn, "24 not shown"));
	end(&f);
}

/* --- the end ------------------------------------------------------------------------------------
 */

static void
test_summary_has_a_line_a_job_and_the_count(void **state)
{
	struct fixture f;
	struct display_counts counts;
	unsigned a, b, c;

	(void)state;
	begin(&f, DISPLAY_PLAIN, false);
	a = display_job(f.display, "a");
	b = display_job(f.display, "b-long");
	c = display_job(f.display, "c");
	display_job_started(f.display, a, 0);
	display_job_started(f.display, b, 0);
	display_job_ended(f.display, a, JOB_SUCCESS, NULL, 1500);
	display_job_ended(f.display, b, JOB_FAILED, "step 'x': exit code 1", 61000);
	display_job_ended(f.display, c, JOB_NOT_RUN, NULL, UINT64_MAX);
	(void)taken(&f);
	f.now_us += 62000000;
	display_summary(f.display);
	assert_string_equal(taken(&f), "\n"
				       "success   a          1.5s\n"
				       "failed    b-long    1m01s  step 'x': exit code 1\n"
				       "not run   c\n"
				       "3 jobs: 1 succeeded, 1 failed, 1 not run (1m02s)\n");
	display_count(f.display, &counts);
	assert_int_equal(counts.jobs, 3);
	assert_int_equal(counts.failed, 1);
	end(&f);
}

static void
test_names_and_notes_of_others_cannot_move_the_cursor(void **state)
{
	struct fixture f;
	unsigned job;

	(void)state;
	begin(&f, DISPLAY_PLAIN, false);
	job = display_job(f.display, "evil\033[2J\nname");
	display_job_started(f.display, job, 0);
	display_step_started(f.display, job, "step\033]0;x\007\r");
	display_note(f.display, "note\033[1A");
	assert_string_equal(taken(&f), "[evil name] started\n[evil name] == step \nnote\n");
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_prefixes_whole_lines_and_never_mixes_two_jobs_in_one),
		cmocka_unit_test(
			test_plain_cuts_a_line_without_end_into_pieces_of_whole_characters),
		cmocka_unit_test(test_plain_tells_how_a_step_failed_and_why_a_job_was_not_run),
		cmocka_unit_test(test_failure_is_printed_in_one_piece_with_a_header),
		cmocka_unit_test(
			test_failure_on_a_terminal_takes_the_status_lines_away_and_ends_its_colours),
		cmocka_unit_test(test_terminal_shows_a_line_a_job_with_state_time_and_last_line),
		cmocka_unit_test(test_terminal_never_draws_wider_than_the_screen),
		cmocka_unit_test(
			test_terminal_shows_only_what_runs_or_failed_where_the_screen_is_too_small),
		cmocka_unit_test(test_summary_has_a_line_a_job_and_the_count),
		cmocka_unit_test(test_names_and_notes_of_others_cannot_move_the_cursor),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
