/*
 * junit.c - fuzz target: JUnit XML; what is read must come back from the line it travels as.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "archive/junit.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "format/json.h"
#include "task/test_case.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static int
on_case(void *arg, const struct test_case *test, struct err *err)
{
	struct buffer *line = arg;
	struct test_case back;
	struct json *hold;
	int rc;

	buffer_clear(line);
	test_case_write(line, test);
	assert(line->len <= TEST_LINE_MOST_BYTES);
	rc = test_case_parse(&back, &hold, (const char *)line->data, line->len - 1, err);
	assert(rc == 0);
	assert(strcmp(back.name, test->name) == 0 && strcmp(back.message, test->message) == 0);
	assert(back.result == test->result && back.run_time_us == test->run_time_us);
	json_free(hold);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	unsigned char *copy = malloc(len + 1);
	struct buffer line = BUFFER_INIT;
	struct err err = ERR_INIT;

	memcpy(copy, bytes, len);
	(void)junit_read(copy, len, on_case, &line, &err);
	buffer_release(&line);
	free(copy);
	return 0;
}
