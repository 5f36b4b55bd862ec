/*
 * openmetrics_test.c - what is counted and measured, as text that scrapers read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "format/openmetrics.h"

static void
assert_text(struct buffer *text, const char *wanted)
{
	assert_string_equal(buffer_text(text), wanted);
	buffer_release(text);
}

static void
test_openmetrics_counter_has_its_suffix_and_unit(void **state)
{
	struct buffer text = BUFFER_INIT;
	struct openmetrics to = OPENMETRICS_INIT(&text);

	(void)state;
	openmetrics_begin(&to, "x_sent_bytes", OPENMETRICS_COUNTER, "bytes", "What was sent.");
	openmetrics_put(&to, 18446744073709551615u, "kind", "a", "way", "b", NULL);
	openmetrics_put(&to, 0, NULL);
	openmetrics_end(&to);
	assert_text(&text, "# TYPE x_sent_bytes counter\n# UNIT x_sent_bytes bytes\n"
			   "# HELP x_sent_bytes What was sent.\n"
			   "x_sent_bytes_total{kind=\"a\",way=\"b\"} 18446744073709551615\n"
			   "x_sent_bytes_total 0\n# EOF\n");
}

static void
test_openmetrics_label_is_escaped_when_hostile(void **state)
{
	struct buffer text = BUFFER_INIT;
	struct openmetrics to = OPENMETRICS_INIT(&text);

	(void)state;
	openmetrics_begin(&to, "x", OPENMETRICS_GAUGE, NULL, "X.");
	openmetrics_put_real(&to, 0.25, "class", "a\"} 1\n\\\xff\xc3\xa9z\xc3", NULL);
	assert_text(&text, "# TYPE x gauge\n# HELP x X.\n"
			   "x{class=\"a\\\"} 1\\n\\\\?\xc3\xa9z?\"} 0.25\n");
}

static void
test_openmetrics_histogram_counts_what_lies_below(void **state)
{
	static const double bounds[] = {0.5, 1};
	static const uint64_t counts[] = {2, 3, 4};
	struct buffer text = BUFFER_INIT;
	struct openmetrics to = OPENMETRICS_INIT(&text);

	(void)state;
	openmetrics_begin(&to, "x", OPENMETRICS_HISTOGRAM, NULL, "X.");
	openmetrics_put_histogram(&to, bounds, counts, 2, 7.5);
	assert_text(&text, "# TYPE x histogram\n# HELP x X.\n"
			   "x_bucket{le=\"0.5\"} 2\nx_bucket{le=\"1.0\"} 5\n"
			   "x_bucket{le=\"+Inf\"} 9\nx_count 9\nx_sum 7.5\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openmetrics_counter_has_its_suffix_and_unit),
		cmocka_unit_test(test_openmetrics_label_is_escaped_when_hostile),
		cmocka_unit_test(test_openmetrics_histogram_counts_what_lies_below),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
