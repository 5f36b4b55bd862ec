/*
 * names.h - the words of include/runner/states.h, both ways.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_NAMES_H
#define TASK_NAMES_H

#include <stdbool.h>

#include "runner/states.h"

const char *hub_state_name(enum hub_state state);
const char *task_state_name(enum task_state state);
const char *outcome_name(enum outcome outcome);
const char *event_name(enum event_type event);

/* False when name is NULL or none of them. */
bool hub_state_parse(enum hub_state *out, const char *name);
bool task_state_parse(enum task_state *out, const char *name);
bool outcome_parse(enum outcome *out, const char *name);
bool event_parse(enum event_type *out, const char *name);

#endif
