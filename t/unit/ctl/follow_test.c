/*
 * follow_test.c - a hub that says things in any order, and what a person gets to see.
 *
 * The hub is a scripted server: each test writes the watch's lines and the output's
 * records when it wants to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/display.h"
#include "ctl/follow.h"
#include "ctl/outlet.h"
#include "format/frame.h"
#include "http/listener.h"
#include "http/server.h"
#include "loop/loop.h"
#include "task/output_record.h"

#define JOB  "11111111-1111-4111-8111-111111111111"
#define TASK "22222222-2222-4222-8222-222222222222"

enum { DEADLINE_MS = 60 * 1000 };

struct fixture {
	struct loop *loop;
	struct http_server *server;
	struct http_request *watch, *output, *block;
	char dir[64], url[128];
	struct api *api;
	struct outlet outlet;
	int null_fd;
	struct display *display;
	struct follow *follow;
	struct buffer shown;
	struct frame_packer *packer;
	struct timer deadline;
	uint64_t now_us;
	struct err err;
};

/* With this the request ends when its client goes; without, it would wait for our answer. */
static void
on_gone(void *arg)
{
	*(struct http_request **)arg = NULL;
}

static void
handle(void *arg, struct http_request *req)
{
	struct fixture *f = arg;
	const char *path = http_request_path(req);
	struct http_request **held = text_ends(path, "/watch")	       ? &f->watch
				     : strstr(path, "/tasks/") != NULL ? &f->block
								       : &f->output;

	http_reply_start(req, 200, "application/octet-stream");
	http_request_on_close(req, on_gone, held);
	*held = req;
	loop_stop(f->loop);
}

static void
on_deadline(void *arg)
{
	(void)arg;
	fail_msg("nothing has happened for %d s", DEADLINE_MS / 1000);
}

static uint64_t
now_us(void *arg)
{
	return ((struct fixture *)arg)->now_us;
}

static void
put(void *arg, const void *bytes, size_t len)
{
	struct fixture *f = arg;

	buffer_putn(&f->shown, bytes, len);
	outlet_put(&f->outlet, bytes, len);
	loop_stop(f->loop);
}

static void
on_change(void *arg)
{
	loop_stop(((struct fixture *)arg)->loop);
}

static void
connect_all(struct fixture *f)
{
	const struct http_server_options options = {.handler = handle, .arg = f};
	const struct display_place place = {now_us, put, NULL, f};
	struct follow_options follow = {.pipeline = JOB, .on_change = on_change, .arg = f};
	struct listener *listener;

	assert_int_equal(listener_open(&listener, f->url, &f->err), 0);
	assert_int_equal(http_server_new(&f->server, f->loop, &options, &f->err), 0);
	assert_int_equal(http_server_listen(f->server, listener, NULL, &f->err), 0);
	assert_int_equal(api_open_at(&f->api, f->loop, f->url, "token", &f->err), 0);
	f->display = display_new(DISPLAY_PLAIN, false, &place);
	follow.api = f->api;
	follow.display = f->display;
	follow.outlet = &f->outlet;
	assert_int_equal(follow_start(&f->follow, &follow, &f->err), 0);
	while (f->watch == NULL || f->output == NULL)
		loop_run(f->loop);
}

static int
setup(void **state)
{
	static struct fixture fixture;
	struct fixture *f = &fixture;

	memset(f, 0, sizeof(*f));
	f->now_us = 1000000;
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/follow-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->url, sizeof(f->url), "unix:%.60s/hub.sock", f->dir);
	assert_int_equal(loop_new(&f->loop, &f->err), 0);
	assert_int_equal(frame_packer_new(&f->packer, FRAME_LEVEL_DEFAULT, &f->err), 0);
	timer_init(&f->deadline, f->loop, on_deadline, f);
	timer_start_ms(&f->deadline, DEADLINE_MS);
	f->null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	outlet_init(&f->outlet, f->loop, f->null_fd, NULL, NULL);
	connect_all(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	follow_free(f->follow);
	display_free(f->display);
	api_close(f->api);
	http_server_free(f->server);
	outlet_release(&f->outlet);
	timer_release(&f->deadline);
	frame_packer_free(f->packer);
	buffer_release(&f->shown);
	loop_free(f->loop);
	(void)close(f->null_fd);
	(void)rmdir(f->dir);
	return 0;
}

/* --- what the hub says ----------------------------------------------------------------------- */

static void
say(struct fixture *f, const char *line)
{
	(void)http_reply_write(f->watch, line, strlen(line));
	(void)http_reply_write(f->watch, "\n", 1);
}

static void
say_job(struct fixture *f, const char *task_members)
{
	char line[1024];

	(void)snprintf(line, sizeof(line),
		       "{\"seq\":1,\"type\":\"job\",\"job\":{\"id\":\"" JOB
		       "\",\"name\":\"build\",\"state\":\"running\","
		       "\"tasks\":[{\"id\":\"" TASK "\",\"attempt\":1,\"node_index\":0,%s}]}}",
		       task_members);
	say(f, line);
}

static void
say_step(struct fixture *f, int index, const char *members)
{
	char line[1024];

	(void)snprintf(line, sizeof(line),
		       "{\"seq\":2,\"type\":\"step\",\"task\":\"" TASK "\",\"job\":\"" JOB "\","
		       "\"step\":{\"index\":%d,\"attempt\":1,%s}}",
		       index, members);
	say(f, line);
}

static void
begin_job(struct fixture *f)
{
	say_job(f, "\"state\":\"leased\",\"started_at\":\"2026-01-01T00:00:00.000Z\"");
	say_step(f, 0, "\"name\":\"Make\",\"state\":\"running\"");
}

static void
end_step(struct fixture *f, int output_bytes, const char *outcome, int exit_code)
{
	char members[256];

	(void)snprintf(members, sizeof(members),
		       "\"name\":\"Make\",\"state\":\"ended\",\"outcome\":\"%s\",\"exit_code\":%d,"
		       "\"output_bytes\":%d,\"wall_ms\":1500",
		       outcome, exit_code, output_bytes);
	say_step(f, 0, members);
}

static void
end_job(struct fixture *f, const char *outcome)
{
	char members[256];

	(void)snprintf(members, sizeof(members),
		       "\"state\":\"ended\",\"outcome\":\"%s\",\"started_at\":\"2026-01-01T00:00:"
		       "00.000Z\","
		       "\"stopped_at\":\"2026-01-01T00:00:02.500Z\"",
		       outcome);
	say_job(f, members);
}

static void
end_pipeline(struct fixture *f, const char *outcome)
{
	char line[128];

	(void)snprintf(line, sizeof(line),
		       "{\"seq\":9,\"type\":\"pipeline\",\"state\":\"ended\",\"outcome\":\"%s\"}",
		       outcome);
	say(f, line);
	http_reply_end(f->watch);
	http_reply_end(f->output);
}

static void
print_to(struct fixture *f, struct http_request *to, uint64_t offset, const char *text)
{
	unsigned char bytes[4096];
	struct output_record record = {.epoch = 1,
				       .attempt = 1,
				       .offset = offset,
				       .raw_len = (uint32_t)strlen(text),
				       .source_len = (uint32_t)strlen(text)};

	assert_true(id_parse(&record.task, TASK));
	record.frame_len = (uint32_t)frame_pack(f->packer, bytes + RUNNER_RECORD_HEADER_BYTES,
						sizeof(bytes) - RUNNER_RECORD_HEADER_BYTES, text,
						strlen(text));
	record.frame_crc = crc32c(0, bytes + RUNNER_RECORD_HEADER_BYTES, record.frame_len);
	output_record_pack(&record, bytes);
	/* In two pieces: a reader may see a record cut anywhere. */
	(void)http_reply_write(to, bytes, 40);
	(void)http_reply_write(to, bytes + 40, RUNNER_RECORD_HEADER_BYTES + record.frame_len - 40);
}

/* --- what is shown ------------------------------------------------------------------------------
 */

static void
wait_shown(struct fixture *f, const char *text)
{
	while (strstr(buffer_text(&f->shown), text) == NULL)
		loop_run(f->loop);
}

static void
wait_done(struct fixture *f)
{
	while (!follow_is_done(f->follow))
		loop_run(f->loop);
}

/* Turns of the loop in which nothing new is shown. */
static void
settle(struct fixture *f)
{
	struct timer timer = {0};

	timer_init(&timer, f->loop, on_change, f);
	timer_start_ms(&timer, 50);
	while (timer_is_on(&timer))
		loop_run(f->loop);
	timer_release(&timer);
}

static const char in_order[] = "[build] started\n"
			       "[build] == Make\n"
			       "[build] one\n"
			       "[build] two\n"
			       "[build] success after 2.5s\n";

static void
test_follow_shows_a_job_from_begin_to_end(void **state)
{
	struct fixture *f = *state;

	begin_job(f);
	wait_shown(f, "== Make");
	print_to(f, f->output, 0, "one\n");
	wait_shown(f, "one");
	print_to(f, f->output, 4, "two\n");
	end_step(f, 8, "success", 0);
	end_job(f, "success");
	end_pipeline(f, "success");
	wait_done(f);
	assert_string_equal(buffer_text(&f->shown), in_order);
	assert_int_equal(follow_error(f->follow, &f->err), 0);
	assert_string_equal(follow_outcome(f->follow), "success");
}

static void
test_follow_holds_output_back_until_its_step_has_begun(void **state)
{
	struct fixture *f = *state;

	print_to(f, f->output, 0, "one\n");
	print_to(f, f->output, 4, "two\n");
	settle(f);
	assert_string_equal(buffer_text(&f->shown), "");
	begin_job(f);
	end_step(f, 8, "success", 0);
	end_job(f, "success");
	end_pipeline(f, "success");
	wait_done(f);
	assert_string_equal(buffer_text(&f->shown), in_order);
}

static void
test_follow_shows_a_step_end_behind_its_output(void **state)
{
	struct fixture *f = *state;

	begin_job(f);
	end_step(f, 8, "success", 0);
	end_job(f, "success");
	settle(f);
	assert_null(strstr(buffer_text(&f->shown), "success"));
	print_to(f, f->output, 0, "one\n");
	print_to(f, f->output, 4, "two\n");
	end_pipeline(f, "success");
	wait_done(f);
	assert_string_equal(buffer_text(&f->shown), in_order);
}

/* The watch says how things are now: a step that began and ended since is one line. */
static void
test_follow_shows_the_start_of_a_step_that_only_its_end_tells_of(void **state)
{
	struct fixture *f = *state;

	say_job(f, "\"state\":\"leased\",\"started_at\":\"2026-01-01T00:00:00.000Z\"");
	end_step(f, 8, "success", 0);
	say_step(f, 1, "\"name\":\"Test\",\"state\":\"running\"");
	print_to(f, f->output, 0, "one\n");
	print_to(f, f->output, 4, "two\n");
	wait_shown(f, "== Test");
	assert_string_equal(buffer_text(&f->shown), "[build] started\n[build] == Make\n[build] one\n"
						    "[build] two\n[build] == Test\n");
	end_pipeline(f, "success");
	wait_done(f);
}

static void
test_follow_shows_no_start_of_a_step_that_was_skipped(void **state)
{
	struct fixture *f = *state;

	say_job(f, "\"state\":\"leased\",\"started_at\":\"2026-01-01T00:00:00.000Z\"");
	end_step(f, 0, "skipped", -1);
	say_step(f, 1, "\"name\":\"Test\",\"state\":\"running\"");
	wait_shown(f, "== Test");
	assert_string_equal(buffer_text(&f->shown), "[build] started\n[build] == Test\n");
	end_pipeline(f, "success");
	wait_done(f);
}

static void
test_follow_shows_what_comes_twice_once(void **state)
{
	struct fixture *f = *state;

	begin_job(f);
	print_to(f, f->output, 0, "one\n");
	print_to(f, f->output, 0, "one\n");
	print_to(f, f->output, 4, "two\n");
	end_step(f, 8, "success", 0);
	end_job(f, "success");
	end_job(f, "success");
	end_pipeline(f, "success");
	wait_done(f);
	assert_string_equal(buffer_text(&f->shown), in_order);
}

static void
test_follow_prints_a_failed_steps_output_again_in_one_piece(void **state)
{
	struct fixture *f = *state;
	const char *at;

	begin_job(f);
	print_to(f, f->output, 0, "one\n");
	end_step(f, 4, "failed", 2);
	end_job(f, "failed");
	while (f->block == NULL)
		loop_run(f->loop);
	end_pipeline(f, "failed");
	settle(f);
	assert_false(follow_is_done(f->follow));
	print_to(f, f->block, 0, "one\n");
	wait_done(f);
	at = strstr(buffer_text(&f->shown),
		    "--- build: step 'Make' failed: exit code 2 after 1.5s\n");
	assert_non_null(at);
	assert_true(text_starts(strchr(at, '\n') + 1, "one\n---\n"));
	assert_non_null(strstr(buffer_text(&f->shown),
			       "[build] failed after 2.5s: step 'Make': exit code 2\n"));
	assert_string_equal(follow_outcome(f->follow), "failed");
}

static void
test_follow_does_not_print_a_failure_that_recovered(void **state)
{
	struct fixture *f = *state;

	begin_job(f);
	end_step(f, 0, "failed", 1);
	say_step(f, 0, "\"name\":\"Make\",\"state\":\"running\"");
	end_step(f, 0, "success", 0);
	end_job(f, "success");
	end_pipeline(f, "success");
	wait_done(f);
	assert_null(f->block);
	assert_null(strstr(buffer_text(&f->shown), "---"));
}

static void
test_follow_names_the_nodes_of_a_parallel_job(void **state)
{
	struct fixture *f = *state;

	say(f, "{\"type\":\"job\",\"job\":{\"id\":\"" JOB
	       "\",\"name\":\"test\",\"state\":\"ended\",\"tasks\":["
	       "{\"id\":\"" TASK
	       "\",\"attempt\":1,\"node_index\":0,\"state\":\"ended\",\"outcome\":\"success\"},"
	       "{\"id\":\"33333333-3333-4333-8333-333333333333\",\"attempt\":1,\"node_index\":1,"
	       "\"state\":\"ended\",\"outcome\":\"canceled\"}]}}");
	say(f, "{\"type\":\"job\",\"job\":{\"id\":\"44444444-4444-4444-8444-444444444444\","
	       "\"name\":\"pack\","
	       "\"state\":\"ended\",\"outcome\":\"not_run\",\"reason\":\"requires "
	       "test\",\"tasks\":[]}}");
	end_pipeline(f, "canceled");
	wait_done(f);
	assert_non_null(strstr(buffer_text(&f->shown), "[test/1] canceled"));
	assert_non_null(strstr(buffer_text(&f->shown), "[pack] not run: requires test\n"));
	display_summary(f->display);
	assert_non_null(strstr(buffer_text(&f->shown), "success   test/0"));
	assert_non_null(strstr(buffer_text(&f->shown),
			       "2 jobs: 0 succeeded, 0 failed, 1 not run, 1 canceled"));
}

static void
test_follow_names_the_workflow_where_there_are_several(void **state)
{
	struct fixture *f = *state;

	say(f, "{\"type\":\"job\",\"job\":{\"id\":\"" JOB
	       "\",\"name\":\"test\",\"workflow\":{\"name\":\"one\"},"
	       "\"state\":\"queued\",\"tasks\":[]}}");
	say(f, "{\"type\":\"job\",\"job\":{\"id\":\"44444444-4444-4444-8444-444444444444\","
	       "\"name\":\"test\","
	       "\"workflow\":{\"name\":\"two\"},\"state\":\"ended\",\"outcome\":\"not_run\","
	       "\"tasks\":[]}}");
	say(f, "{\"type\":\"job\",\"job\":{\"id\":\"" JOB
	       "\",\"name\":\"test\",\"state\":\"ended\",\"outcome\":\"canceled\","
	       "\"tasks\":[]}}");
	end_pipeline(f, "canceled");
	wait_done(f);
	assert_non_null(strstr(buffer_text(&f->shown), "[two/test] not run\n"));
	assert_non_null(strstr(buffer_text(&f->shown), "[one/test] canceled\n"));
}

static void
test_follow_says_when_it_is_cut_off(void **state)
{
	struct fixture *f = *state;

	begin_job(f);
	http_reply_end(f->watch);
	wait_done(f);
	assert_int_equal(follow_error(f->follow, &f->err), ERR_AGAIN);
	assert_null(follow_outcome(f->follow));
}

static void
test_follow_refuses_damaged_records_and_lines(void **state)
{
	struct fixture *f = *state;
	char garbage[RUNNER_RECORD_HEADER_BYTES];

	begin_job(f);
	memset(garbage, 'x', sizeof(garbage));
	(void)http_reply_write(f->output, garbage, sizeof(garbage));
	wait_done(f);
	assert_int_equal(follow_error(f->follow, &f->err), ERR_INPUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_follow_shows_a_job_from_begin_to_end, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_follow_holds_output_back_until_its_step_has_begun, setup, teardown),
		cmocka_unit_test_setup_teardown(test_follow_shows_a_step_end_behind_its_output,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_follow_shows_the_start_of_a_step_that_only_its_end_tells_of, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_follow_shows_no_start_of_a_step_that_was_skipped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_follow_shows_what_comes_twice_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_follow_prints_a_failed_steps_output_again_in_one_piece, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_follow_does_not_print_a_failure_that_recovered,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_follow_names_the_nodes_of_a_parallel_job,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_follow_names_the_workflow_where_there_are_several, setup, teardown),
		cmocka_unit_test_setup_teardown(test_follow_says_when_it_is_cut_off, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_follow_refuses_damaged_records_and_lines,
						setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
