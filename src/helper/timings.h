/*
 * timings.h - how long tests took: from JUnit XML, or lines of "SECONDS NAME".
 *
 * Of a JUnit file the attributes of its test cases and suites are read, with the meaning that
 * archive/junit.h gives them, and nothing else: no entity but the five of XML and numbers is known,
 * no document type is looked at, nothing is fetched. "./x" is the same name as "x".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HELPER_TIMINGS_H
#define HELPER_TIMINGS_H

#include <stdbool.h>

#include "helper/items.h"

enum timings_type { TIMINGS_FILENAME, TIMINGS_CLASSNAME, TIMINGS_TESTNAME, TIMINGS_TYPE_COUNT };

/* Names with their microseconds; each name of a type once, sorted, after timings_settle(). */
struct timings {
	struct items of[TIMINGS_TYPE_COUNT];
};

/* Add what is in text, which is changed. False: it is neither. */
bool timings_read(struct timings *timings, char *text);
/* Add lines of microseconds, file, classname and name with tabs between; text is changed. What is no such line is passed over. */
void timings_read_table(struct timings *timings, char *text);
void timings_settle(struct timings *timings);
void timings_release(struct timings *timings);
/* NULL: not known. */
const struct item *
timings_find(const struct timings *timings, enum timings_type type, const char *name);

#endif
