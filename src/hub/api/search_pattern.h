/*
 * search_pattern.h - a regular expression that lines of output are searched by.
 *
 * search_pattern_new() -> in each thread search_matcher_new() -> search_matcher_finds() line by
 * line. A pattern is not changed by matching: any number of threads may share it.
 *
 * The language is PCRE2's. Lines are taken as UTF-8, and what is none in them matches nothing but
 * does no harm. What a line may cost is limited; it is compiled to machine code where the system
 * lets a process make some, and interpreted otherwise.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_SEARCH_PATTERN_H
#define HUB_API_SEARCH_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct search_matcher;
struct search_pattern;

enum { SEARCH_PATTERN_MOST_BYTES = 1024 };

/* Fails: ERR_INPUT (no pattern, with the position; empty; too long). */
int search_pattern_new(struct search_pattern **out, const char *text, bool ignore_case,
		       struct err *err);
void search_pattern_free(struct search_pattern *pattern); /* NULL is fine */

/* For one thread; pattern is borrowed. Fails: ERR_HOST. */
int search_matcher_new(struct search_matcher **out, const struct search_pattern *pattern,
		       struct err *err);
void search_matcher_free(struct search_matcher *matcher); /* NULL is fine */

/*
 * Whether the pattern is found in a line, without its newline; of a part of a line that is cut,
 * what its ends are. 1 or 0. Fails: ERR_LIMIT when the line costs more than it may.
 */
int search_matcher_finds(struct search_matcher *matcher, const void *bytes, size_t len, bool begins,
			 bool ends, struct err *err);

#endif
