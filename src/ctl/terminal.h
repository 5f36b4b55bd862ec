/*
 * terminal.h - this terminal as the far end of another: raw, put back whatever happens, and a way out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_TERMINAL_H
#define CTL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* Every key goes to the far end. Fails: ERR_HOST when fd is no terminal. */
int terminal_make_raw(int fd, struct err *err);
/* As it was; harmless when it is, or was never made raw. Also done at the program's end. */
void terminal_restore(void);

/* "~." behind the beginning of a line ends; the zeroed struct stands in the middle of one. */
struct escape {
	bool in_line, has_tilde;
};
#define ESCAPE_INIT {false, false}

/*
 * What was typed, without escapes, into room, which holds len + 1 bytes; *out_len says how much.
 * True: the person wants to leave, and what is behind that is dropped.
 */
bool escape_filter(struct escape *escape, const char *typed, size_t len, char *room, size_t *out_len);

#endif
