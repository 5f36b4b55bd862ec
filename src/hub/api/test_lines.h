/*
 * test_lines.h - tests as lines that "tests split" reads: {"lines", "next_page_token"}.
 *
 * A line is microseconds, file, classname and name with tabs between.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_TEST_LINES_H
#define HUB_API_TEST_LINES_H

#include <stdbool.h>

#include "hub/store/store.h"

struct call;

enum { TEST_LINES_PAGE = 2000 };

/* text NULL or "": the first page. A token holds where the page begins, and of which job. False: it
 * is none. */
bool test_lines_read_token(struct store_test_query *query, const char *text);

/* Submit a STORE_LIST_TESTS and answer with its lines: 404 where a first page of timings has none.
 */
void test_lines_submit(struct call *call, struct store_op *op);

#endif
