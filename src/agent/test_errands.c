/*
 * test_errands.c - tests on their way between a job's steps and the hub.
 *
 * What a step has found was made by the job's own process, and the hub checks each line. It is sent
 * from where the process has put it, but where the task has secrets: then it is masked, a batch of
 * half a MiB a turn.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/test_errands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/control.h"
#include "agent/errand.h"
#include "agent/task.h"
#include "base/err.h"
#include "base/text.h"
#include "format/json.h"
#include "task/mask.h"
#include "task/test_case.h"
#include "task/test_mask.h"

enum { NUMBER_DIGITS = 8, PAGE_MOST_BYTES = 64 };

/* --- store -------------------------------------------------------------------------------------
 */

static int
load_tests(struct errand_load *load, struct task *task, const struct control_request *request,
	   struct err *err)
{
	char digits[NUMBER_DIGITS + 1] = "";
	int step = task_current_step(task);
	uint64_t first;

	if (request->len <= NUMBER_DIGITS)
		memcpy(digits, request->value, request->len);
	if (text_parse_u64(digits, TESTS_OF_TASK_MOST, &first, err) < 0)
		return err_wrap(err, "the number of tests");
	if (step < 0)
		return err_set(err, ERR_INPUT, "no step of the job runs");
	load->content_type = TEST_LINES_TYPE;
	(void)snprintf(load->head, sizeof(load->head), "{\"step\":%d,\"first\":%llu}\n", step,
		       (unsigned long long)first);
	if (control_map_sealed(request, TEST_BATCH_MOST_BYTES, &load->map, &load->map_len, err) < 0)
		return err->code;
	if (mask_is_empty(task_mask(task)))
		return 0;
	return test_mask_lines(&load->text, task_mask(task), load->map, load->map_len, err);
}

static void
tell_stored(struct task *task, const struct err *err, const struct hub_answer *answer,
	    struct control_reply *reply)
{
	(void)task;
	(void)answer;
	if (err == NULL)
		(void)snprintf(reply->text, sizeof(reply->text), "ok");
	else
		control_refuse(reply, err->text);
}

/* --- timings and failed tests --------------------------------------------------------------------
 */

static int
describe_page(struct json *body, const char *key, const struct control_request *request,
	      struct err *err)
{
	const char *page = (const char *)request->value;

	(void)key;
	if (request->len > PAGE_MOST_BYTES || memchr(page, '\0', request->len) != NULL ||
	    !text_is_utf8(page, request->len))
		return err_set(err, ERR_INPUT, "there is no such page");
	if (request->len > 0)
		json_put(body, "page_token", json_new_stringn(page, request->len));
	return 0;
}

/* A file with the lines, for the process to read. */
static int
keep_lines(const char *lines, struct err *err)
{
	size_t len = strlen(lines), done = 0;
	int fd = memfd_create("tests", MFD_CLOEXEC);
	ssize_t n;

	while (fd >= 0 && done < len) {
		n = write(fd, lines + done, len - done);
		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0 && done == len && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	if (err_sys(err, "cannot keep what the hub knows of the tests") < 0 && fd >= 0)
		(void)close(fd);
	return -1;
}

static void
tell_page(struct task *task, const struct err *err, const struct hub_answer *answer,
	  struct control_reply *reply)
{
	const char *lines = json_get_str(answer->json, "lines");
	const char *next = json_get_str(answer->json, "next_page_token");
	struct err failed = ERR_INIT;

	(void)task;
	if (err != NULL && answer->status != 404) {
		control_refuse(reply, err->text);
		return;
	}
	if (err != NULL || lines == NULL) {
		(void)snprintf(reply->text, sizeof(reply->text), "none");
		return;
	}
	reply->fd = keep_lines(lines, &failed);
	if (reply->fd < 0)
		control_refuse(reply, failed.text);
	else
		(void)snprintf(reply->text, sizeof(reply->text), "ok%s%.*s",
			       next != NULL ? " " : "", PAGE_MOST_BYTES, next != NULL ? next : "");
}

/* Where the hub knows none: a hub that lives for one run alone knows of no other. */
static void
tell_timings(struct task *task, const struct err *err, const struct hub_answer *answer,
	     struct control_reply *reply)
{
	tell_page(task, err, answer, reply);
	if (!text_eq(reply->text, "none"))
		return;
	reply->fd = task_open_timings(task);
	if (reply->fd >= 0)
		(void)snprintf(reply->text, sizeof(reply->text), "ok");
}

const struct errand_kind tests_store_errand = {
	.post = HUB_POST_TESTS,
	.is_bearer = true,
	.load = load_tests,
	.repeats = true,
	.tell = tell_stored,
};

const struct errand_kind tests_timings_errand = {
	.post = HUB_POST_TIMINGS,
	.is_bearer = true,
	.describe = describe_page,
	.repeats = true,
	.tell = tell_timings,
};

const struct errand_kind tests_failed_errand = {
	.post = HUB_POST_FAILED_TESTS,
	.is_bearer = true,
	.describe = describe_page,
	.repeats = true,
	.tell = tell_page,
};
