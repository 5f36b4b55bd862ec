/*
 * number.h - decimal numbers to text and back.
 *
 * stdio and strtol(3) would be a third of the program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_NUMBER_H
#define SUPERVISOR_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

enum { NUMBER_TEXT_BYTES = 11 }; /* of uint32_t, with its NUL */

/* Writes the digits and a NUL; returns where the NUL is. */
char *number_write(char room[NUMBER_TEXT_BYTES], uint32_t value);

/* The digits that text begins with. False when there is none or they pass UINT32_MAX. */
bool number_read(const char *text, uint32_t *value);

/* The same, and nothing behind them. */
bool number_parse(const char *text, uint32_t *value);

#endif
