/*
 * output_marks.c - how far a reader has each (step, attempt) of a task's output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/output_marks.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "runner/protocol.h"

static const char end_word[] = "end";

void
marks_release(struct marks *marks)
{
	free(marks->list);
	memset(marks, 0, sizeof(*marks));
}

void
marks_copy(struct marks *to, const struct marks *from)
{
	*to = *from;
	if (from->list == NULL)
		return;
	to->room = from->count;
	to->list = mem_resize(NULL, to->room, sizeof(*to->list));
	memcpy(to->list, from->list, from->count * sizeof(*to->list));
}

/* The last one made is the one most asked for. */
struct mark *
marks_find(const struct marks *marks, uint32_t step, uint32_t attempt)
{
	size_t i;

	for (i = marks->count; i > 0; i--)
		if (marks->list[i - 1].step == step && marks->list[i - 1].attempt == attempt)
			return &marks->list[i - 1];
	return NULL;
}

struct mark *
marks_add(struct marks *marks, uint32_t step, uint32_t attempt, uint64_t sent)
{
	struct mark *mark;

	if (marks->count == marks->room) {
		marks->room = marks->room == 0 ? 8 : marks->room * 2;
		marks->list = mem_resize(marks->list, marks->room, sizeof(*marks->list));
	}
	mark = &marks->list[marks->count++];
	*mark = (struct mark){step, attempt, sent};
	return mark;
}

/* Digits at *text, up to stop or the end of the text; *text goes behind them. */
static bool
expect_number(const char **text, const char *stops, uint64_t most, uint64_t *out)
{
	size_t len = strcspn(*text, stops);
	struct err ignored = ERR_INIT;
	char digits[24];

	if (len == 0 || len >= sizeof(digits))
		return false;
	memcpy(digits, *text, len);
	digits[len] = '\0';
	*text += len;
	return text_parse_u64(digits, most, out, &ignored) == 0;
}

static bool
expect_mark(struct marks *marks, const char **text)
{
	uint64_t step, attempt, sent;

	if (!expect_number(text, ".", RUNNER_TASK_STEPS_MOST, &step) || *(*text)++ != '.' ||
	    !expect_number(text, ".", MARKS_ATTEMPT_MOST, &attempt) || *(*text)++ != '.' ||
	    !expect_number(text, ",", INT64_MAX, &sent))
		return false;
	if (marks->count >= MARKS_MOST)
		return false;
	(void)marks_add(marks, (uint32_t)step, (uint32_t)attempt, sent);
	return true;
}

int
marks_read(struct marks *marks, const char *text, struct err *err)
{
	while (*text != '\0') {
		if (text_eq(text, end_word)) {
			marks->is_end = true;
			return 0;
		}
		if (!expect_mark(marks, &text) || (*text != '\0' && *text++ != ','))
			return err_set(err, ERR_INPUT,
				       "what the reader has must be written STEP.ATTEMPT.OFFSET,…");
	}
	return 0;
}

void
marks_write(const struct marks *marks, struct buffer *out)
{
	const char *comma = "";
	size_t i;

	for (i = 0; i < marks->count; i++) {
		const struct mark *mark = &marks->list[i];

		if (mark->sent == 0)
			continue;
		buffer_printf(out, "%s%u.%u.%llu", comma, mark->step, mark->attempt,
			      (unsigned long long)mark->sent);
		comma = ",";
	}
	if (marks->is_end)
		buffer_printf(out, "%s%s", comma, end_word);
}
