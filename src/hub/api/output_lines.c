/*
 * output_lines.c - a window of lines over records of output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/output_lines.h"

#include <string.h>

bool
line_window_is_over(const struct line_window *window)
{
	return window->left == 0;
}

bool
line_window_cuts(const struct line_window *window, uint32_t lines)
{
	if (window->left == 0)
		return false;
	if (window->skip > 0)
		return lines >= window->skip;
	return window->left != LINES_ALL && lines >= window->left;
}

bool
line_window_pass(struct line_window *window, uint32_t lines)
{
	if (window->left == 0)
		return false;
	if (window->skip > 0) {
		window->skip -= lines;
		return false;
	}
	if (window->left != LINES_ALL)
		window->left -= lines;
	return true;
}

/* Behind the next count newlines from at on; *count is what was not found. */
static size_t
behind_newlines(const unsigned char *bytes, size_t len, size_t at, uint64_t *count)
{
	const unsigned char *newline;

	for (; *count > 0; --*count) {
		newline = at < len ? memchr(bytes + at, '\n', len - at) : NULL;
		if (newline == NULL)
			return len;
		at = (size_t)(newline - bytes) + 1;
	}
	return at;
}

void
line_window_cut(struct line_window *window, const void *bytes, size_t len, size_t *from,
		size_t *until)
{
	*from = behind_newlines(bytes, len, 0, &window->skip);
	*until = len;
	if (window->skip == 0 && window->left != LINES_ALL)
		*until = behind_newlines(bytes, len, *from, &window->left);
}
