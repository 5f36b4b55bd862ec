/*
 * accept_test.c - Accept-Encoding, Range and entity tags as clients write them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/accept.h"
#include "http/range.h"

static void
test_accept_reads_weights(void **state)
{
	static const struct {
		const char *list, *word;
		int weight;
	} rows[] = {
		{NULL, "zstd", -1},
		{"", "zstd", -1},
		{"zstd", "zstd", 1000},
		{"ZSTD", "zstd", 1000},
		{" gzip ,\tzstd ; q=0.5", "zstd", 500},
		{"gzip;q=0.125,zstd", "gzip", 125},
		{"zstd;q=0", "zstd", 0},
		{"zstd;q=0.000", "zstd", 0},
		{"zstd;q=0.0001", "zstd", 0},
		{"zstd;q=1.999", "zstd", 1000},
		{"zstd;q=nan", "zstd", 1000},
		{"zstd;q=", "zstd", 1000},
		{"zstdx, xzstd", "zstd", -1},
		{"*;q=0.1", "zstd", -1},
		{"*;q=0.1", "*", 100},
		{"text/html;level=1;q=0.2, text/plain", "text/html", 200},
		{"text/html;title=\"a,text/plain;q=0.1\";q=0.3", "text/plain", -1},
		{"text/html;title=\"a\\\",b\";q=0.3, x", "text/html", 300},
		{"a;q=0.1, a;q=0.9", "a", 100},
		{",,,;q=0,;", "zstd", -1},
		{"zstd;", "zstd", 1000},
		{"\"", "zstd", -1},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(http_accept_weight(rows[i].list, rows[i].word), rows[i].weight);
}

static void
test_accept_chooses_a_coding(void **state)
{
	static const struct {
		const char *list;
		enum http_coding coding;
	} rows[] = {
		{NULL, HTTP_IDENTITY},
		{"", HTTP_IDENTITY},
		{"identity", HTTP_IDENTITY},
		{"gzip, deflate, br, zstd", HTTP_ZSTD},
		{"gzip, zstd;q=0.9", HTTP_ZSTD},
		{"gzip, deflate, br", HTTP_GZIP},
		{"x-gzip", HTTP_GZIP},
		{"zstd;q=0, gzip;q=0.1", HTTP_GZIP},
		{"zstd;q=0", HTTP_IDENTITY},
		{"*", HTTP_ZSTD},
		{"*, zstd;q=0", HTTP_GZIP},
		{"*;q=0", HTTP_IDENTITY},
		{"gzip;q=0, *", HTTP_ZSTD},
		{"identity;q=0", HTTP_IDENTITY},
		{"identity, zstd;q=0.5", HTTP_IDENTITY},
		{"identity;q=0.5, zstd;q=0.5", HTTP_ZSTD},
		{"br;q=1.0, identity;q=0.9, gzip;q=0.8", HTTP_IDENTITY},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(http_accept_coding(rows[i].list), rows[i].coding);
}

static void
test_range_is_a_part_of_what_there_is(void **state)
{
	static const struct {
		const char *text;
		uint64_t size;
		enum http_range range;
		uint64_t from, until;
	} rows[] = {
		{NULL, 100, HTTP_RANGE_ALL, 0, 0},
		{"", 100, HTTP_RANGE_ALL, 0, 0},
		{"bytes=0-0", 100, HTTP_RANGE_PART, 0, 1},
		{"bytes=0-99", 100, HTTP_RANGE_PART, 0, 100},
		{"bytes=0-100", 100, HTTP_RANGE_PART, 0, 100},
		{"Bytes= 10-19 ", 100, HTTP_RANGE_PART, 10, 20},
		{"bytes=99-", 100, HTTP_RANGE_PART, 99, 100},
		{"bytes=100-", 100, HTTP_RANGE_NONE, 0, 0},
		{"bytes=0-", 0, HTTP_RANGE_NONE, 0, 0},
		{"bytes=-10", 100, HTTP_RANGE_PART, 90, 100},
		{"bytes=-1000", 100, HTTP_RANGE_PART, 0, 100},
		{"bytes=-0", 100, HTTP_RANGE_NONE, 0, 0},
		{"bytes=-1", 0, HTTP_RANGE_NONE, 0, 0},
		{"bytes=5-18446744073709551615", 100, HTTP_RANGE_PART, 5, 100},
		{"bytes=5-99999999999999999999999", 100, HTTP_RANGE_PART, 5, 100},
		{"bytes=99999999999999999999999-", 100, HTTP_RANGE_NONE, 0, 0},
		{"bytes=-99999999999999999999999", 100, HTTP_RANGE_PART, 0, 100},
		{"bytes=0-", UINT64_MAX, HTTP_RANGE_PART, 0, UINT64_MAX},
		{"bytes=20-10", 100, HTTP_RANGE_ALL, 0, 0},
		{"bytes=0-1,5-6", 100, HTTP_RANGE_ALL, 0, 0},
		{"bytes=a-b", 100, HTTP_RANGE_ALL, 0, 0},
		{"bytes=-", 100, HTTP_RANGE_ALL, 0, 0},
		{"bytes=--1", 100, HTTP_RANGE_ALL, 0, 0},
		{"bytes=1", 100, HTTP_RANGE_ALL, 0, 0},
		{"bytes=1-2x", 100, HTTP_RANGE_ALL, 0, 0},
		{"bytes=+1-2", 100, HTTP_RANGE_ALL, 0, 0},
		{"lines=0-1", 100, HTTP_RANGE_ALL, 0, 0},
		{"bytes", 100, HTTP_RANGE_ALL, 0, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t from = 0, until = 0;

		assert_int_equal(http_range_read(rows[i].text, rows[i].size, &from, &until),
				 rows[i].range);
		assert_int_equal(from, rows[i].from);
		assert_int_equal(until, rows[i].until);
	}
}

static void
test_etag_is_found_in_a_list(void **state)
{
	(void)state;
	assert_true(http_etag_is_named("\"a\"", "\"a\""));
	assert_true(http_etag_is_named("\"b\" , W/\"a\"", "\"a\""));
	assert_true(http_etag_is_named("\"x,y\",\"a\"", "\"a\""));
	assert_true(http_etag_is_named("*", "\"a\""));
	assert_false(http_etag_is_named("\"ab\"", "\"a\""));
	assert_false(http_etag_is_named("\"x\"a\"", "\"a\""));
	assert_false(http_etag_is_named("a", "\"a\""));
	assert_false(http_etag_is_named("\"", "\"a\""));
	assert_false(http_etag_is_named(NULL, "\"a\""));
	assert_true(http_if_range_holds(NULL, "\"a\""));
	assert_true(http_if_range_holds(" \"a\" ", "\"a\""));
	assert_false(http_if_range_holds("W/\"a\"", "\"a\""));
	assert_false(http_if_range_holds("\"a\",\"b\"", "\"a\""));
	assert_false(http_if_range_holds("Wed, 21 Oct 2026 07:28:00 GMT", "\"a\""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept_reads_weights),
		cmocka_unit_test(test_accept_chooses_a_coding),
		cmocka_unit_test(test_range_is_a_part_of_what_there_is),
		cmocka_unit_test(test_etag_is_found_in_a_list),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
