/*
 * test_case.c - one test and how it ended, as a line of JSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/test_case.h"

#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "format/json.h"

static const char *const result_names[TEST_RESULT_COUNT] = {
	[TEST_SUCCESS] = "success",
	[TEST_FAILURE] = "failure",
	[TEST_SKIPPED] = "skipped",
};

const char *
test_result_name(enum test_result result)
{
	return result_names[result];
}

bool
test_result_parse(enum test_result *out, const char *name)
{
	int i;

	for (i = 0; i < TEST_RESULT_COUNT; i++)
		if (text_eq(name, result_names[i])) {
			*out = (enum test_result)i;
			return true;
		}
	return false;
}

/* --- write: without a document in between, there may be 100,000 of them --- */

static void
put_text(struct buffer *out, const char *member, const char *text)
{
	if (text[0] == '\0')
		return;
	buffer_puts(out, member);
	json_write_string(out, text, strlen(text));
}

void
test_case_write(struct buffer *out, const struct test_case *test)
{
	buffer_puts(out, "{\"name\":");
	json_write_string(out, test->name, strlen(test->name));
	put_text(out, ",\"classname\":", test->classname);
	put_text(out, ",\"file\":", test->file);
	put_text(out, ",\"source\":", test->source);
	buffer_printf(out, ",\"result\":\"%s\"", result_names[test->result]);
	if (test->flaky)
		buffer_puts(out, ",\"flaky\":true");
	if (test->run_time_us > 0)
		buffer_printf(out, ",\"run_time_us\":%llu", (unsigned long long)test->run_time_us);
	put_text(out, ",\"message\":", test->message);
	buffer_puts(out, "}\n");
}

/* --- read --- */

static int
take_text(const struct json *json, const char *member, size_t most, const char **out,
	  struct err *err)
{
	const struct json *value = json_get(json, member);

	*out = "";
	if (value == NULL)
		return 0;
	if (!json_is_string(value))
		return err_set(err, ERR_INPUT, "member '%s' must be a string", member);
	*out = json_str(value);
	if (strlen(*out) > most)
		return err_set(err, ERR_INPUT, "member '%s' has more than %zu bytes", member, most);
	return 0;
}

static int
take_numbers(const struct json *json, struct test_case *out, struct err *err)
{
	const struct json *flaky = json_get(json, "flaky");
	int64_t us = 0;

	if (flaky != NULL && !json_is_bool(flaky))
		return err_set(err, ERR_INPUT, "member 'flaky' must be true or false");
	out->flaky = json_bool_value(flaky);
	if (json_get(json, "run_time_us") != NULL &&
	    json_need_int(json, "run_time_us", 0, TEST_RUN_TIME_MOST_S * INT64_C(1000000), &us,
			  err) < 0)
		return err->code;
	out->run_time_us = (uint64_t)us;
	return 0;
}

static int
read_members(struct test_case *out, const struct json *json, struct err *err)
{
	const char *result;

	if (json_need_str(json, "result", &result, err) < 0 ||
	    take_text(json, "name", TEST_NAME_MOST_BYTES, &out->name, err) < 0 ||
	    take_text(json, "classname", TEST_PLACE_MOST_BYTES, &out->classname, err) < 0 ||
	    take_text(json, "file", TEST_PLACE_MOST_BYTES, &out->file, err) < 0 ||
	    take_text(json, "source", TEST_PLACE_MOST_BYTES, &out->source, err) < 0 ||
	    take_text(json, "message", TEST_MESSAGE_MOST_BYTES, &out->message, err) < 0)
		return err->code;
	if (out->name[0] == '\0')
		return err_set(err, ERR_INPUT, "member 'name' is missing");
	if (!test_result_parse(&out->result, result))
		return err_set(err, ERR_INPUT, "member 'result' cannot be '%.40s'", result);
	return take_numbers(json, out, err);
}

int
test_case_parse(struct test_case *out, struct json **hold, const char *line, size_t len,
		struct err *err)
{
	int rc = json_parse(hold, line, len, err);

	if (rc < 0)
		return rc;
	rc = json_is_object(*hold) ? read_members(out, *hold, err)
				   : err_set(err, ERR_INPUT, "a test must be an object");
	if (rc < 0) {
		json_free(*hold);
		*hold = NULL;
	}
	return rc;
}
