/*
 * junit.c - reading a JUnit file of 100,000 tests: by expat alone, cleaned before, as cases, as
 * lines.
 *
 * Each does what the one before does and a thing more; the first is the floor. CPU time, medians of
 * RUNS runs that take turns.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "archive/junit.h"
#include "archive/xml_text.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "task/test_case.h"

enum { TESTS = 100000, RUNS = 7, WAYS = 4 };

static size_t seen;

static double
now(void)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* One test of ten has failed with some lines. */
static void
make_file(struct buffer *out)
{
	int i;

	buffer_puts(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?><testsuites><testsuite "
			 "name=\"pytest\">");
	for (i = 0; i < TESTS; i++) {
		buffer_printf(out,
			      "<testcase classname=\"tests.part%d.test_it.TestIt\" "
			      "name=\"test_number[%d-a]\" "
			      "file=\"tests/part%d/test_it.py\" time=\"0.%03d\"",
			      i / 100, i, i / 100, i % 1000);
		if (i % 10 != 0)
			buffer_puts(out, " />");
		else
			buffer_puts(out, "><failure message=\"assert 4 == 5\">def "
					 "test_number(self):\n&gt;       assert "
					 "add(2, 2) == 5\nE       assert 4 == "
					 "5\n\ntests/test_it.py:12: AssertionError"
					 "</failure></testcase>");
	}
	buffer_puts(out, "</testsuite></testsuites>");
}

static void
on_start(void *arg, const XML_Char *element, const XML_Char **list)
{
	(void)arg;
	(void)list;
	seen += strcmp(element, "testcase") == 0;
}

static void
on_end(void *arg, const XML_Char *element)
{
	(void)arg;
	(void)element;
}

static void
on_text(void *arg, const XML_Char *text, int len)
{
	(void)arg;
	(void)text;
	(void)len;
}

static void
parse(const unsigned char *bytes, size_t len)
{
	XML_Parser parser = XML_ParserCreate("UTF-8");

	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	if (XML_Parse(parser, (const char *)bytes, (int)len, XML_TRUE) != XML_STATUS_OK)
		exit(1);
	XML_ParserFree(parser);
}

static int
on_case(void *arg, const struct test_case *test, struct err *err)
{
	struct buffer *lines = arg;

	(void)err;
	seen++;
	if (lines == NULL)
		return 0;
	if (lines->len + TEST_LINE_MOST_BYTES > TEST_BATCH_MOST_BYTES)
		buffer_clear(lines);
	test_case_write(lines, test);
	return 0;
}

static void
run(int way, unsigned char *bytes, size_t len)
{
	struct buffer lines = BUFFER_INIT;
	struct err err = ERR_INIT;

	if (way == 1)
		(void)xml_text_clean(bytes, &len);
	if (way <= 1)
		parse(bytes, len);
	else if (junit_read(bytes, len, on_case, way == 2 ? NULL : &lines, &err) < 0)
		exit(1);
	buffer_release(&lines);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int
main(void)
{
	static const char *const names[WAYS] = {"expat alone", "cleaned before", "as cases",
						"as lines"};
	double spent[WAYS][RUNS], begin;
	struct buffer file = BUFFER_INIT;
	unsigned char *copy;
	int way, i;

	make_file(&file);
	copy = mem_zalloc(file.len, 1);
	for (i = 0; i < RUNS; i++)
		for (way = 0; way < WAYS; way++) {
			memcpy(copy, file.data, file.len);
			seen = 0;
			begin = now();
			run(way, copy, file.len);
			spent[way][i] = now() - begin;
			if (seen != TESTS)
				return 1;
		}
	for (way = 0; way < WAYS; way++)
		qsort(spent[way], RUNS, sizeof(double), by_size);
	for (way = 0; way < WAYS; way++)
		(void)printf("%-14s %6.1f ms, %5.0f MB/s, %.2f x\n", names[way],
			     spent[way][RUNS / 2] * 1e3,
			     (double)file.len / spent[way][RUNS / 2] / 1e6,
			     spent[way][RUNS / 2] / spent[0][RUNS / 2]);
	free(copy);
	buffer_release(&file);
	return 0;
}
