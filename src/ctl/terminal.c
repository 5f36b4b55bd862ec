/*
 * terminal.c - this terminal as the far end of another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/terminal.h"

#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"

static struct termios saved;
static int raw_fd = -1;

void
terminal_restore(void)
{
	if (raw_fd >= 0)
		(void)tcsetattr(raw_fd, TCSADRAIN, &saved);
	raw_fd = -1;
}

int
terminal_make_raw(int fd, struct err *err)
{
	struct termios raw;

	if (tcgetattr(fd, &saved) != 0)
		return err_sys(err, "cannot ask this terminal how it is set");
	raw = saved;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSADRAIN, &raw) != 0)
		return err_sys(err, "cannot set this terminal");
	if (raw_fd < 0)
		(void)atexit(terminal_restore);
	raw_fd = fd;
	return 0;
}

bool
escape_filter(struct escape *escape, const char *typed, size_t len, char *room, size_t *out_len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (escape->has_tilde && typed[i] == '.') {
			*out_len = n;
			return true;
		}
		if (!escape->has_tilde && !escape->in_line && typed[i] == '~') {
			escape->has_tilde = true;
			continue;
		}
		/* "~~" is one; before anything else it was none of ours. */
		if (escape->has_tilde && typed[i] != '~')
			room[n++] = '~';
		room[n++] = typed[i];
		escape->has_tilde = false;
		escape->in_line = typed[i] != '\r' && typed[i] != '\n';
	}
	*out_len = n;
	return false;
}
