/*
 * parameters.h - pipeline parameters as they are typed on a command line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_PARAMETERS_H
#define CTL_PARAMETERS_H

struct err;
struct input;

/* "NAME=VALUE"; the value is read with the type that the config declares. Fails: ERR_INPUT,
 * ERR_LIMIT. */
int parameters_add(struct input *source, const char *typed, struct err *err);

/* A YAML mapping, or the name of a file that holds one. */
int parameters_add_yaml(struct input *source, const char *typed, struct err *err);

#endif
