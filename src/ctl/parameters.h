/*
 * parameters.h - pipeline parameters as they are typed on a command line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_PARAMETERS_H
#define CTL_PARAMETERS_H

#include <stdbool.h>

struct err;
struct input;
struct json;

/* "NAME=VALUE"; the value is read with the type that the config declares. Fails: ERR_INPUT,
 * ERR_LIMIT. */
int parameters_add(struct input *source, const char *typed, struct err *err);

/* A YAML mapping, or the name of a file that holds one. */
int parameters_add_yaml(struct input *source, const char *typed, struct err *err);

/*
 * As an object of strings, integers and booleans; the caller frees. What was typed without a type
 * becomes what it looks like when guess is true, else a string.
 */
struct json *parameters_describe(const struct input *source, bool guess);

#endif
