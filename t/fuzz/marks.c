/*
 * marks.c - fuzz target: what a reader says it has, in "have" and Last-Event-ID.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "task/output_marks.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What was understood must be understood again, the same, from how we write it. */
static void
check_again(const struct marks *marks)
{
	struct buffer text = BUFFER_INIT, again_text = BUFFER_INIT;
	struct marks again = {0};
	struct err err = ERR_INIT;

	marks_write(marks, &text);
	assert(marks_read(&again, buffer_text(&text), &err) == 0);
	marks_write(&again, &again_text);
	assert(strcmp(buffer_text(&text), buffer_text(&again_text)) == 0);
	marks_release(&again);
	buffer_release(&text);
	buffer_release(&again_text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct err err = ERR_INIT;
	struct marks marks = {0};
	char *text = malloc(len + 1);

	memcpy(text, bytes, len);
	text[len] = '\0';
	if (marks_read(&marks, text, &err) == 0)
		check_again(&marks);
	marks_release(&marks);
	free(text);
	return 0;
}
