/*
 * test_case.h - one test and how it ended: what a job's step tells the hub.
 *
 * As a line of JSON, in this order; what is empty or false is left out, but name and result:
 *
 *	{"name":"adds","classname":"sum","file":"t/sum.py","source":"pytest","result":"failure",
 *	 "flaky":true,"run_time_us":1200,"message":"1 + 1 is not 3"}
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_TEST_CASE_H
#define TASK_TEST_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct err;
struct json;

enum {
	TEST_NAME_MOST_BYTES = 4096,
	TEST_PLACE_MOST_BYTES = 2048, /* of classname, file and source, each */
	TEST_MESSAGE_MOST_BYTES = 16384,
	TEST_RUN_TIME_MOST_S = 2000000, /* three weeks; more is cut */
	TESTS_OF_TASK_MOST = 100000,
	TEST_BATCH_MOST_BYTES = 512 << 10, /* lines that travel together */
	TEST_LINE_MOST_BYTES = 192 << 10,  /* a message of escapes alone */
};

/* What was longer is cut, and ends so: an ellipsis. */
#define TEST_CUT_END "\xe2\x80\xa6"

#define TEST_LINES_TYPE "application/x-ndjson"

enum test_result { TEST_SUCCESS, TEST_FAILURE, TEST_SKIPPED, TEST_RESULT_COUNT };

/* Strings are UTF-8 without NUL, "" where there is none; name is never empty. */
struct test_case {
	const char *name, *classname, *file, *source, *message;
	enum test_result result;
	bool flaky; /* a success that failed before, in the same run */
	uint64_t run_time_us;
};

const char *test_result_name(enum test_result result); /* "success" */
bool test_result_parse(enum test_result *out, const char *name);

/* Append the line, with its newline. */
void test_case_write(struct buffer *out, const struct test_case *test);

/*
 * Read a line (without its newline). *hold owns the strings: json_free() ends them.
 * Fails: ERR_INPUT when a member is missing, wrong or longer than above.
 */
int test_case_parse(struct test_case *out, struct json **hold, const char *line, size_t len,
		    struct err *err);

#endif
