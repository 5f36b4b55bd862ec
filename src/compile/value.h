/*
 * value.h - what parameters and expressions have: nodes as values, their text and truth.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_VALUE_H
#define COMPILE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/yaml.h"

struct compilation;

/* New values; at says where in the file they came to be (NULL: the start of the config). */
struct node *value_null(struct compilation *c, const struct node *at);
struct node *value_bool(struct compilation *c, const struct node *at, bool value);
struct node *value_int(struct compilation *c, const struct node *at, int64_t value);
struct node *value_float(struct compilation *c, const struct node *at, double value);
struct node *value_string(struct compilation *c, const struct node *at, const char *text);
/* TREE_BAD: stands for what was in error, so that it is told once. */
struct node *value_bad(struct compilation *c, const struct node *at);
/* A copy that points elsewhere. */
struct node *value_at(struct compilation *c, const struct node *value, const struct node *at);

/*
 * As spliced into text: strings verbatim, true, decimal, null as "". An executor map is
 * its name. NULL for lists and other maps.
 */
const char *value_text(struct compilation *c, const struct node *value);

/* As an environment variable: booleans are 1 and 0. NULL for lists and maps. */
const char *value_environment_text(struct compilation *c, const struct node *value);

/* false, null, 0, NaN and "" are not; everything else is, "false" included. */
bool value_is_truthy(const struct node *value);

/* Equal in type and value; integers and floats compare as numbers; maps and lists deeply. */
bool value_equal(const struct node *a, const struct node *b);

/* The shortest decimal that reads as the same number, always with a dot or an exponent. */
const char *value_float_text(char room[40], double value);

#endif
