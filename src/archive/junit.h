/*
 * junit.h - test cases out of JUnit XML, as its many writers have it.
 *
 * The bytes are a job's and may be anything. A document type is refused, and with it every entity
 * but XML's own five; depth and what a case keeps have bounds (task/test_case.h), beyond which a
 * text is cut and ends in an ellipsis. For writers that the mapping was made for see t/data/junit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_JUNIT_H
#define ARCHIVE_JUNIT_H

#include <stddef.h>

struct err;
struct test_case;

enum {
	JUNIT_DEPTH_MOST = 64,
	JUNIT_FILE_MOST_BYTES = 64 << 20,
};

/* A case; what it holds is borrowed for the call. Negative: reading ends with it. */
typedef int junit_case_fn(void *arg, const struct test_case *test, struct err *err);

/*
 * Read a whole document, which is changed. Cases that stand before what is wrong have been given to
 * fn. Fails: ERR_INPUT (no XML, no test suite, a document type, too deep) with the line; as fn
 * failed.
 */
int junit_read(unsigned char *bytes, size_t len, junit_case_fn *fn, void *arg, struct err *err);

#endif
