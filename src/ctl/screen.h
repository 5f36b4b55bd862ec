/*
 * screen.h - what a descriptor can show: redrawing, colour, its size.
 *
 * NO_COLOR (https://no-color.org), TERM=dumb and CI are honoured: a CI system's log
 * is no screen even where it gives a terminal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H

#include <stdbool.h>

bool screen_redraws(int fd);
bool screen_has_colour(int fd);
/* Unchanged where it is not known. */
void screen_size(int fd, unsigned *rows, unsigned *columns);

#endif
