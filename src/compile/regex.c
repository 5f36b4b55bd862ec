/*
 * regex.c - does a regular expression match a whole string, as Java's matches() has it.
 *
 * All of it is counted as work of the compilation, so that many expressions that each stay
 * below the limit of one match come to an end, too: compiling by length and by what it makes, a
 * match by the steps it was allowed. PCRE2 does not say how many it took, so a match is tried
 * with few first and then with four times as many; what is counted is less than eight times what
 * was needed, and an ordinary expression costs next to nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "compile/regex.h"

#include <pcre2.h>
#include <string.h>

enum {
	PATTERN_MAX_BYTES = 4096,
	COMPILE_WORK = 200,
	COMPILE_WORK_PER_BYTE = 2,
	COMPILE_WORK_SQUARE = 64, /* of the length's square, to one: alternatives are compared */
	COMPILE_WORK_BYTES = 2,	  /* of compiled code, to one of work */
	SUBJECT_WORK_BYTES = 8,
	FIRST_MATCH_LIMIT = 64,
	MATCH_LIMIT_GROWTH = 4,
};

/* Java has "[a-z&&[^b]]"; PCRE2 would read it as something else without a word. */
static bool
has_class_intersection(const char *pattern, size_t len)
{
	bool in_class = false;
	size_t i;

	for (i = 0; i < len; i++) {
		if (pattern[i] == '\\')
			i++;
		else if (pattern[i] == '[')
			in_class = true;
		else if (pattern[i] == ']')
			in_class = false;
		else if (in_class && pattern[i] == '&' && i + 1 < len && pattern[i + 1] == '&')
			return true;
	}
	return false;
}

/* A match within that many steps, as pcre2_match() returns it. */
static int
run(const pcre2_code *code, const char *subject, size_t len, uint32_t limit)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	int ret = PCRE2_ERROR_NOMEMORY;

	if (data != NULL && limits != NULL) {
		pcre2_set_match_limit(limits, limit);
		pcre2_set_depth_limit(limits, REGEX_DEPTH_LIMIT);
		pcre2_set_heap_limit(limits, REGEX_HEAP_LIMIT_KIB);
		ret = pcre2_match(code, (PCRE2_SPTR)subject, len, 0, 0, data, limits);
	}
	pcre2_match_context_free(limits);
	pcre2_match_data_free(data);
	return ret;
}

/* The same within the limit of a match; what that took is added to *work. */
static int
run_within_limit(const pcre2_code *code, const char *subject, uint64_t *work)
{
	uint32_t limit = FIRST_MATCH_LIMIT;
	size_t len = strlen(subject);
	int ret;

	for (;; limit *= MATCH_LIMIT_GROWTH) {
		if (limit > REGEX_MATCH_LIMIT)
			limit = REGEX_MATCH_LIMIT;
		*work += limit + limit / 4 + len / SUBJECT_WORK_BYTES;
		ret = run(code, subject, len, limit);
		if (ret != PCRE2_ERROR_MATCHLIMIT || limit == REGEX_MATCH_LIMIT)
			return ret;
	}
}

static bool
tell(struct compilation *c, const struct spot *spot, const char *pattern, size_t len, int error)
{
	PCRE2_UCHAR text[160] = "";

	(void)pcre2_get_error_message(error, text, sizeof(text));
	comp_tell(c, place_of_spot(c, spot), "E_REGEX", NULL, "regular expression /%.*s/: %s",
		  (int)(len > 200 ? 200 : len), pattern, (const char *)text);
	return false;
}

/* NULL after telling. What compiling took is added to *work. */
static pcre2_code *
make(struct compilation *c, const struct spot *spot, const char *pattern, size_t len,
     uint64_t *work)
{
	const uint32_t options = PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED |
				 PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE;
	size_t size = 0;
	pcre2_code *code;
	PCRE2_SIZE at;
	int ret;

	*work += COMPILE_WORK + COMPILE_WORK_PER_BYTE * len;
	if (len <= PATTERN_MAX_BYTES)
		*work += len * len / COMPILE_WORK_SQUARE;
	if (len > PATTERN_MAX_BYTES || has_class_intersection(pattern, len)) {
		comp_tell(c, place_of_spot(c, spot), "E_REGEX", NULL,
			  "regular expression /%.*s/: %s", (int)(len > 200 ? 200 : len), pattern,
			  len > PATTERN_MAX_BYTES ? "longer than 4096 bytes"
						  : "'&&' in a class is not supported");
		return NULL;
	}
	code = pcre2_compile((PCRE2_SPTR)pattern, len, options, &ret, &at, NULL);
	if (code == NULL)
		(void)tell(c, spot, pattern, len, ret);
	else if (pcre2_pattern_info(code, PCRE2_INFO_SIZE, &size) == 0)
		*work += size / COMPILE_WORK_BYTES;
	return code;
}

/* Work is counted when nothing of PCRE2's is held any more: too much of it ends the compilation. */
bool
regex_check(struct compilation *c, const struct spot *spot, const char *pattern, size_t len)
{
	uint64_t work = 0;
	pcre2_code *code = make(c, spot, pattern, len, &work);

	pcre2_code_free(code);
	comp_work(c, work);
	return code != NULL;
}

bool
regex_match(struct compilation *c, const struct spot *spot, const char *pattern, size_t len,
	    const char *subject, bool *matched)
{
	uint64_t work = 0;
	pcre2_code *code = make(c, spot, pattern, len, &work);
	int ret = PCRE2_ERROR_NOMATCH;

	if (code != NULL)
		ret = run_within_limit(code, subject, &work);
	pcre2_code_free(code);
	*matched = ret >= 0;
	if (ret < 0 && ret != PCRE2_ERROR_NOMATCH)
		(void)tell(c, spot, pattern, len, ret);
	comp_work(c, work);
	return code != NULL;
}
