/*
 * screen.c - what a descriptor can show: redrawing, colour, its size.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/screen.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"

static bool
is_set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0';
}

static bool
is_dumb(void)
{
	const char *term = getenv("TERM");

	return term == NULL || term[0] == '\0' || text_eq(term, "dumb");
}

bool
screen_redraws(int fd)
{
	return isatty(fd) == 1 && !is_dumb() && (!is_set("CI") || text_eq(getenv("CI"), "false"));
}

bool
screen_has_colour(int fd)
{
	return isatty(fd) == 1 && !is_dumb() && !is_set("NO_COLOR");
}

void
screen_size(int fd, unsigned *rows, unsigned *columns)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) != 0)
		return;
	if (size.ws_row > 0)
		*rows = size.ws_row;
	if (size.ws_col > 0)
		*columns = size.ws_col;
}
