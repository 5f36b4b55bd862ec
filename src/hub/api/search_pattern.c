/*
 * search_pattern.c - a regular expression that lines of output are searched by.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/search_pattern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/err.h"
#include "base/mem.h"

/* Of one line. The first is some milliseconds; a pattern without nested repeats needs a hundredth.
 */
enum {
	MATCH_LIMIT = 500 * 1000,
	DEPTH_LIMIT = 10 * 1000,
	HEAP_LIMIT_KIB = 4 * 1024,
	STACK_LEAST_BYTES = 32 * 1024, /* of compiled code */
	STACK_MOST_BYTES = 512 * 1024,
};

struct search_pattern {
	pcre2_code *code;
};

struct search_matcher {
	const pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *limits;
	pcre2_jit_stack *stack;
};

static int
refuse(int error, size_t at, struct err *err)
{
	PCRE2_UCHAR text[160] = "";

	(void)pcre2_get_error_message(error, text, sizeof(text));
	return err_set(err, ERR_INPUT, "the pattern is wrong at byte %zu: %s", at,
		       (const char *)text);
}

int
search_pattern_new(struct search_pattern **out, const char *text, bool ignore_case, struct err *err)
{
	const uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C |
				 PCRE2_DOLLAR_ENDONLY | (ignore_case ? PCRE2_CASELESS : 0);
	size_t len = strlen(text);
	pcre2_code *code;
	PCRE2_SIZE at;
	int error;

	if (len == 0)
		return err_set(err, ERR_INPUT, "the pattern is empty: every line would be found");
	if (len > SEARCH_PATTERN_MOST_BYTES)
		return err_set(err, ERR_INPUT, "the pattern has %zu bytes, %d are allowed", len,
			       SEARCH_PATTERN_MOST_BYTES);
	code = pcre2_compile((PCRE2_SPTR)text, len, options, &error, &at, NULL);
	if (code == NULL)
		return refuse(error, at, err);
	/* Where it cannot be (memory that is written may not be run), it is interpreted. */
	(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	*out = MEM_NEW(struct search_pattern);
	(*out)->code = code;
	return 0;
}

void
search_pattern_free(struct search_pattern *pattern)
{
	if (pattern == NULL)
		return;
	pcre2_code_free(pattern->code);
	free(pattern);
}

int
search_matcher_new(struct search_matcher **out, const struct search_pattern *pattern,
		   struct err *err)
{
	struct search_matcher *matcher = MEM_NEW(struct search_matcher);

	matcher->code = pattern->code;
	/* Room for where the match lies, not for its groups: nobody asks for them. */
	matcher->data = pcre2_match_data_create(1, NULL);
	matcher->limits = pcre2_match_context_create(NULL);
	/* NULL where nothing can be compiled: it is not needed then. */
	matcher->stack = pcre2_jit_stack_create(STACK_LEAST_BYTES, STACK_MOST_BYTES, NULL);
	if (matcher->data == NULL || matcher->limits == NULL) {
		search_matcher_free(matcher);
		return err_set(err, ERR_HOST, "there is no memory to search with");
	}
	pcre2_set_match_limit(matcher->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(matcher->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(matcher->limits, HEAP_LIMIT_KIB);
	if (matcher->stack != NULL)
		pcre2_jit_stack_assign(matcher->limits, NULL, matcher->stack);
	*out = matcher;
	return 0;
}

void
search_matcher_free(struct search_matcher *matcher)
{
	if (matcher == NULL)
		return;
	pcre2_match_data_free(matcher->data);
	pcre2_match_context_free(matcher->limits);
	pcre2_jit_stack_free(matcher->stack);
	free(matcher);
}

int
search_matcher_finds(struct search_matcher *matcher, const void *bytes, size_t len, bool begins,
		     bool ends, struct err *err)
{
	uint32_t options = (begins ? 0 : PCRE2_NOTBOL) | (ends ? 0 : PCRE2_NOTEOL);
	PCRE2_UCHAR text[160] = "";
	int rc;

	rc = pcre2_match(matcher->code, bytes, len, 0, options, matcher->data, matcher->limits);
	if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH)
		return rc >= 0;
	(void)pcre2_get_error_message(rc, text, sizeof(text));
	return err_set(err, ERR_LIMIT, "the pattern costs too much: %s", (const char *)text);
}
