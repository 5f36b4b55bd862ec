/*
 * output_marks.h - how far a reader has each (step, attempt) of a task's output.
 *
 * As text, "STEP.ATTEMPT.OFFSET,…": a reader whose connection was cut says with it what it
 * has. It is the id of an event and the value of "have".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_OUTPUT_MARKS_H
#define TASK_OUTPUT_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct err;

enum { MARKS_MOST = 4096, MARKS_ATTEMPT_MOST = 1000 }; /* in a text */

struct mark {
	uint32_t step, attempt;
	uint64_t sent; /* offset up to which the reader has it */
};

/* Zeroed: none. */
struct marks {
	struct mark *list;
	size_t count, room;
	bool is_end; /* the text says that the reader has had the end, too */
};

void marks_release(struct marks *marks);
void marks_copy(struct marks *to, const struct marks *from);

/* The mark, or NULL. Borrowed until the next marks_add(). */
struct mark *marks_find(const struct marks *marks, uint32_t step, uint32_t attempt);
struct mark *marks_add(struct marks *marks, uint32_t step, uint32_t attempt, uint64_t sent);

/* marks must be empty, and is to be released also on failure. Fails: ERR_INPUT. */
int marks_read(struct marks *marks, const char *text, struct err *err);
/* Appends; out must have no limit. Marks at 0 are left out. */
void marks_write(const struct marks *marks, struct buffer *out);

#endif
