/*
 * regex.c - does a regular expression match a whole string, as Java's matches() has it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "compile/regex.h"

#include <pcre2.h>
#include <string.h>

enum { PATTERN_MAX_BYTES = 4096, MATCH_WORK = 200 };

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

static int
run(const pcre2_code *code, const char *subject)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	int ret = PCRE2_ERROR_NOMEMORY;

	if (data != NULL && limits != NULL) {
		pcre2_set_match_limit(limits, REGEX_MATCH_LIMIT);
		pcre2_set_depth_limit(limits, REGEX_DEPTH_LIMIT);
		pcre2_set_heap_limit(limits, REGEX_HEAP_LIMIT_KIB);
		ret = pcre2_match(code, (PCRE2_SPTR)subject, strlen(subject), 0, 0, data, limits);
	}
	pcre2_match_context_free(limits);
	pcre2_match_data_free(data);
	return ret;
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

/* NULL after telling. */
static pcre2_code *
make(struct compilation *c, const struct spot *spot, const char *pattern, size_t len)
{
	const uint32_t options = PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED |
				 PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE;
	pcre2_code *code;
	PCRE2_SIZE at;
	int ret;

	comp_work(c, MATCH_WORK);
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
	return code;
}

bool
regex_check(struct compilation *c, const struct spot *spot, const char *pattern, size_t len)
{
	pcre2_code *code = make(c, spot, pattern, len);

	pcre2_code_free(code);
	return code != NULL;
}

bool
regex_match(struct compilation *c, const struct spot *spot, const char *pattern, size_t len,
	    const char *subject, bool *matched)
{
	pcre2_code *code = make(c, spot, pattern, len);
	int ret;

	*matched = false;
	if (code == NULL)
		return false;
	ret = run(code, subject);
	pcre2_code_free(code);
	if (ret < 0 && ret != PCRE2_ERROR_NOMATCH) {
		(void)tell(c, spot, pattern, len, ret);
		comp_limit(c, NULL, "a regular expression takes too long to match");
	}
	*matched = ret >= 0;
	return true;
}
