/*
 * test_mask.c - what a job's step says of tests, without the task's secrets.
 *
 * The texts are masked as they read, not as JSON writes them: a secret that begins with an "n"
 * would else be found behind the backslash of a newline, or in a member's name, and the line be
 * none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/test_mask.h"

#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "format/json.h"
#include "task/mask.h"
#include "task/test_case.h"

enum { TEXTS = 4 };

struct masking {
	struct mask *mask;
	struct buffer rooms[TEXTS]; /* of one test's texts */
};

/* A secret may have begun or ended in the middle of a character. */
static void
mend_utf8(unsigned char *text, size_t len)
{
	size_t at;

	while ((at = text_utf8_prefix((const char *)text, len)) < len) {
		text[at] = '?';
		text += at;
		len -= at;
	}
}

/* In room, or text itself where there is nothing to cover. */
static const char *
cover(struct mask *mask, const char *text, struct buffer *room)
{
	bool is_cut = text_ends(text, TEST_CUT_END);
	size_t len = strlen(text) - (is_cut ? strlen(TEST_CUT_END) : 0), taken;
	struct mask_carry carry = {0};
	struct err never = ERR_INIT;
	void *to;

	if (len == 0)
		return text;
	buffer_clear(room);
	if (buffer_reserve(room, len + MASK_STARS, &to, &never) < 0)
		return "";
	buffer_grew(room, mask_apply(mask, (const unsigned char *)text, len, !is_cut, &carry, to,
				     &taken));
	mend_utf8(room->data, room->len);
	if (is_cut)
		buffer_puts(room, TEST_CUT_END);
	return buffer_text(room);
}

static int
mask_line(struct buffer *out, struct masking *masking, const char *line, size_t len,
	  struct err *err)
{
	struct buffer *rooms = masking->rooms;
	struct test_case test;
	struct json *hold;
	int rc = test_case_parse(&test, &hold, line, len, err);

	if (rc < 0)
		return rc;
	test.name = cover(masking->mask, test.name, &rooms[0]);
	test.classname = cover(masking->mask, test.classname, &rooms[1]);
	test.source = cover(masking->mask, test.source, &rooms[2]);
	test.message = cover(masking->mask, test.message, &rooms[3]);
	test_case_write(out, &test);
	json_free(hold);
	return 0;
}

int
test_mask_lines(struct buffer *out, struct mask *mask, const char *lines, size_t len,
		struct err *err)
{
	struct masking masking = {.mask = mask};
	const char *at = lines, *end = lines + len, *newline;
	size_t number, i;
	int rc = 0;

	for (number = 1; rc == 0 && at < end; number++, at = newline + 1) {
		newline = memchr(at, '\n', (size_t)(end - at));
		rc = newline == NULL ? err_set(err, ERR_INPUT, "it has no end")
				     : mask_line(out, &masking, at, (size_t)(newline - at), err);
		if (rc < 0)
			rc = err_wrap(err, "line %zu", number);
		if (newline == NULL)
			break;
	}
	for (i = 0; i < TEXTS; i++)
		buffer_release(&masking.rooms[i]);
	return rc;
}
