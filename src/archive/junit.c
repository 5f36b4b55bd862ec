/*
 * junit.c - test cases out of JUnit XML, as its many writers have it.
 *
 * Suites nest; a case takes from the innermost one that says it what it does not say itself: its
 * file, its source, and its time, of which each of a suite's cases gets an equal part.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/junit.h"

#include <expat.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "archive/xml_text.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "helper/seconds.h"
#include "task/test_case.h"

_Static_assert((int)SECONDS_MOST == (int)TEST_RUN_TIME_MOST_S, "the hub takes what is read");

/* What an element inside a case says of it. */
enum verdict { VERDICT_NONE, VERDICT_FLAKY, VERDICT_SKIPPED, VERDICT_FAILURE };

struct suite {
	char *name, *file; /* "" where it says none */
	uint64_t part_us;  /* of its time, for a case that says none */
};

/* The case that is being read. */
struct reading {
	char *name, *classname, *file;
	bool has_time;
	uint64_t time_us;
	enum verdict verdict, told; /* the gravest; that of the message */
	bool flaky;
	struct buffer message; /* the attribute, and behind it the text */
	size_t attribute_len;
};

struct junit {
	XML_Parser parser;
	junit_case_fn *fn;
	void *arg;
	struct err *err;
	int rc; /* below 0: stopped */
	unsigned depth;
	bool is_junit, is_refused; /* by who takes the cases */
	struct suite suites[JUNIT_DEPTH_MOST];
	unsigned suite_count;
	unsigned case_depth; /* of the testcase element; 0: outside of one */
	unsigned text_depth; /* of the element whose text is the message; 0: none is */
	unsigned mute_depth; /* of one inside it whose text is not */
	struct reading now;
};

static void
stop(struct junit *junit, int rc)
{
	junit->rc = rc;
	(void)XML_StopParser(junit->parser, XML_FALSE);
}

/* --- attributes ------------------------------------------------------------------------------- */

static const char *
attribute(const XML_Char **list, const char *name)
{
	size_t i;

	for (i = 0; list[i] != NULL; i += 2)
		if (strcmp(list[i], name) == 0)
			return list[i + 1];
	return NULL;
}

/* Of at most most bytes, the end of one that is longer shown by an ellipsis. */
static char *
cut(const char *text, size_t most)
{
	size_t len = strlen(text);

	if (len <= most)
		return mem_strdup(text);
	len = text_utf8_prefix(text, most - strlen(TEST_CUT_END));
	return mem_printf("%.*s" TEST_CUT_END, (int)len, text);
}

/* A name is one line. */
static char *
take_name(const char *text, size_t most)
{
	char *name = cut(text != NULL ? text : "", most), *at;

	for (at = name; *at != '\0'; at++)
		if ((unsigned char)*at < ' ')
			*at = ' ';
	return name;
}

/* --- suites -------------------------------------------------------------------------------------
 */

static void
begin_suite(struct junit *junit, const XML_Char **list)
{
	struct suite *suite = &junit->suites[junit->suite_count++];
	const char *time = attribute(list, "time"), *tests = attribute(list, "tests");
	unsigned long count = tests != NULL ? strtoul(tests, NULL, 10) : 0;

	suite->name = take_name(attribute(list, "name"), TEST_PLACE_MOST_BYTES);
	suite->file = take_name(attribute(list, "file"), TEST_PLACE_MOST_BYTES);
	suite->part_us = time != NULL && count > 0 ? seconds_us(time) / count : 0;
}

static void
end_suite(struct junit *junit)
{
	struct suite *suite = &junit->suites[--junit->suite_count];

	free(suite->name);
	free(suite->file);
}

static const char *
suites_file(const struct junit *junit)
{
	unsigned i;

	for (i = junit->suite_count; i > 0; i--)
		if (junit->suites[i - 1].file[0] != '\0')
			return junit->suites[i - 1].file;
	return "";
}

static const char *
suites_name(const struct junit *junit)
{
	unsigned i;

	for (i = junit->suite_count; i > 0; i--)
		if (junit->suites[i - 1].name[0] != '\0')
			return junit->suites[i - 1].name;
	return "unknown";
}

/* --- cases --------------------------------------------------------------------------------------
 */

static void
grow_graver(struct reading *now, enum verdict verdict)
{
	if (verdict == VERDICT_FLAKY)
		now->flaky = true;
	if (verdict > now->verdict)
		now->verdict = verdict;
}

/* What googletest and CTest say of a test that did not run. */
static bool
says_skipped(const XML_Char **list)
{
	static const char *const words[] = {"notrun", "disabled", "skipped", "suppressed",
					    "ignored"};
	const char *status = attribute(list, "status"), *result = attribute(list, "result");
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (text_eq(status, words[i]) || text_eq(result, words[i]))
			return true;
	return false;
}

static void
begin_case(struct junit *junit, const XML_Char **list)
{
	struct reading *now = &junit->now;
	const char *time = attribute(list, "time"), *class = attribute(list, "classname");

	if (time == NULL)
		time = attribute(list, "duration");
	if (class == NULL)
		class = attribute(list, "class");
	now->name = take_name(attribute(list, "name"), TEST_NAME_MOST_BYTES);
	now->classname = take_name(class, TEST_PLACE_MOST_BYTES);
	now->file = take_name(attribute(list, "file"), TEST_PLACE_MOST_BYTES);
	now->has_time = time != NULL;
	now->time_us = time != NULL ? seconds_us(time) : 0;
	now->verdict = now->told = VERDICT_NONE;
	now->flaky = false;
	now->attribute_len = 0;
	buffer_clear(&now->message);
	if (says_skipped(list))
		grow_graver(now, VERDICT_SKIPPED);
	junit->case_depth = junit->depth;
}

static void
forget_case(struct junit *junit)
{
	free(junit->now.name);
	free(junit->now.classname);
	free(junit->now.file);
	junit->now.name = junit->now.classname = junit->now.file = NULL;
	junit->case_depth = junit->text_depth = junit->mute_depth = 0;
}

/* Without the white space round it. Where the text begins with the attribute, once is enough. */
static char *
take_message(struct reading *now)
{
	char *text = buffer_take_text(&now->message), *from = text, *end, *message;
	size_t len = now->attribute_len > 0 ? now->attribute_len - 1 : 0;

	if (len > 0 && strncmp(text + len + 1, text, len) == 0)
		from += len + 1;
	from += strspn(from, " \t\r\n");
	for (end = from + strlen(from); end > from && strchr(" \t\r\n", end[-1]) != NULL; end--)
		;
	*end = '\0';
	message = cut(from, TEST_MESSAGE_MOST_BYTES);
	free(text);
	return message;
}

static void
end_case(struct junit *junit)
{
	static const enum test_result results[] = {[VERDICT_NONE] = TEST_SUCCESS,
						   [VERDICT_FLAKY] = TEST_SUCCESS,
						   [VERDICT_SKIPPED] = TEST_SKIPPED,
						   [VERDICT_FAILURE] = TEST_FAILURE};
	struct reading *now = &junit->now;
	char *message = take_message(now);
	struct test_case test = {
		.name = now->name[0] != '\0'	    ? now->name
			: now->classname[0] != '\0' ? now->classname
						    : "(no name)",
		.classname = now->classname,
		.file = now->file[0] != '\0' ? now->file : suites_file(junit),
		.source = suites_name(junit),
		.message = message,
		.result = results[now->verdict],
		.run_time_us = now->time_us,
	};
	int rc;

	test.flaky = now->flaky && test.result == TEST_SUCCESS;
	if (!now->has_time && junit->suite_count > 0)
		test.run_time_us = junit->suites[junit->suite_count - 1].part_us;
	rc = junit->fn(junit->arg, &test, junit->err);
	free(message);
	forget_case(junit);
	junit->is_refused = rc < 0;
	if (rc < 0)
		stop(junit, rc);
}

/* --- inside of a case
 * ------------------------------------------------------------------------------ */

static enum verdict
verdict_of(const char *element)
{
	static const struct {
		const char *name;
		enum verdict verdict;
	} known[] = {
		{"failure", VERDICT_FAILURE},  {"error", VERDICT_FAILURE},
		{"skipped", VERDICT_SKIPPED},  {"flakyFailure", VERDICT_FLAKY},
		{"flakyError", VERDICT_FLAKY},
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(element, known[i].name) == 0)
			return known[i].verdict;
	return VERDICT_NONE;
}

/* The first element of the gravest kind gives the message. */
static void
begin_part(struct junit *junit, const char *element, const XML_Char **list)
{
	struct reading *now = &junit->now;
	enum verdict verdict = verdict_of(element);
	const char *message = attribute(list, "message");

	if (junit->text_depth > 0 && junit->mute_depth == 0 && text_starts(element, "system-"))
		junit->mute_depth = junit->depth;
	if (junit->depth != junit->case_depth + 1 || verdict == VERDICT_NONE)
		return;
	grow_graver(now, verdict);
	if (verdict <= now->told)
		return;
	now->told = verdict;
	buffer_clear(&now->message);
	if (message != NULL)
		buffer_printf(&now->message, "%s\n", message);
	now->attribute_len = now->message.len;
	junit->text_depth = junit->depth;
}

/* One byte too many is enough to know that it is to be cut. */
static void
add_text(struct buffer *message, const char *text, size_t len)
{
	size_t room = TEST_MESSAGE_MOST_BYTES * 2 > message->len
			      ? TEST_MESSAGE_MOST_BYTES * 2 - message->len
			      : 0;

	buffer_putn(message, text, len < room ? len : room);
}

/* --- what the parser tells
 * ------------------------------------------------------------------------- */

static void
on_start(void *arg, const XML_Char *element, const XML_Char **list)
{
	struct junit *junit = arg;

	if (junit->rc < 0)
		return;
	if (++junit->depth > JUNIT_DEPTH_MOST) {
		stop(junit, err_set(junit->err, ERR_INPUT, "elements lie deeper than %d",
				    JUNIT_DEPTH_MOST));
		return;
	}
	if (junit->case_depth > 0) {
		begin_part(junit, element, list);
	} else if (strcmp(element, "testcase") == 0) {
		begin_case(junit, list);
	} else if (strcmp(element, "testsuite") == 0 || strcmp(element, "testsuites") == 0) {
		junit->is_junit = true;
		begin_suite(junit, list);
	}
	if (!junit->is_junit)
		stop(junit,
		     err_set(junit->err, ERR_INPUT,
			     "it begins with '%.60s', not with testsuites or testsuite", element));
}

static void
on_end(void *arg, const XML_Char *element)
{
	struct junit *junit = arg;

	if (junit->rc < 0)
		return;
	if (junit->case_depth == junit->depth)
		end_case(junit);
	else if (junit->case_depth == 0 &&
		 (strcmp(element, "testsuite") == 0 || strcmp(element, "testsuites") == 0))
		end_suite(junit);
	if (junit->text_depth == junit->depth)
		junit->text_depth = 0;
	if (junit->mute_depth == junit->depth)
		junit->mute_depth = 0;
	junit->depth--;
}

static void
on_text(void *arg, const XML_Char *text, int len)
{
	struct junit *junit = arg;

	if (junit->text_depth > 0 && junit->mute_depth == 0)
		add_text(&junit->now.message, text, (size_t)len);
}

/* Entities are declared in one: without it there is nothing that grows, and nothing to fetch. */
static void
on_doctype(void *arg, const XML_Char *name, const XML_Char *system, const XML_Char *public,
	   int has_internal)
{
	struct junit *junit = arg;

	(void)name;
	(void)system;
	(void)public;
	(void)has_internal;
	stop(junit, err_set(junit->err, ERR_INPUT,
			    "it has a document type (<!DOCTYPE>), which is not read"));
}

/* --- all of it
 * --------------------------------------------------------------------------------------- */

static int
parse(struct junit *junit, const unsigned char *bytes, size_t len)
{
	unsigned long line;

	/* In one go: nothing is kept, and nothing looked at twice. */
	if (XML_Parse(junit->parser, (const char *)bytes, (int)len, XML_TRUE) == XML_STATUS_OK)
		return 0;
	line = XML_GetCurrentLineNumber(junit->parser);
	if (junit->is_refused)
		return junit->rc;
	if (junit->rc == 0)
		junit->rc = err_set(junit->err, ERR_INPUT, "%s",
				    XML_ErrorString(XML_GetErrorCode(junit->parser)));
	return err_wrap(junit->err, "line %lu", line);
}

int
junit_read(unsigned char *bytes, size_t len, junit_case_fn *fn, void *arg, struct err *err)
{
	struct junit junit = {.fn = fn, .arg = arg, .err = err};
	int rc;

	if (len > JUNIT_FILE_MOST_BYTES)
		return err_set(err, ERR_INPUT, "it has more than %d bytes", JUNIT_FILE_MOST_BYTES);
	junit.parser = XML_ParserCreate(xml_text_clean(bytes, &len));
	if (junit.parser == NULL)
		return err_set(err, ERR_HOST, "there is no memory");
	XML_SetUserData(junit.parser, &junit);
	XML_SetElementHandler(junit.parser, on_start, on_end);
	XML_SetCharacterDataHandler(junit.parser, on_text);
	XML_SetStartDoctypeDeclHandler(junit.parser, on_doctype);
	rc = parse(&junit, bytes, len);
	if (junit.case_depth > 0)
		forget_case(&junit);
	while (junit.suite_count > 0)
		end_suite(&junit);
	buffer_release(&junit.now.message);
	XML_ParserFree(junit.parser);
	return rc;
}
