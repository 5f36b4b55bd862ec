/*
 * names.c - the words of include/runner/states.h, both ways.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/names.h"

#include <stddef.h>
#include <string.h>

#include "base/assert.h"

#define X(upper, name) #name,
static const char *const hub_states[] = {RUNNER_HUB_STATES(X)};
static const char *const task_states[] = {RUNNER_TASK_STATES(X)};
static const char *const outcomes[] = {RUNNER_OUTCOMES(X)};
static const char *const events[] = {RUNNER_EVENTS(X)};
#undef X

static int
index_of(const char *const *names, int count, const char *name)
{
	int i;

	if (name == NULL)
		return -1;
	for (i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

#define NAMES(noun, type, table, count)                         \
	const char *noun##_name(enum type value)                \
	{                                                       \
		assert((unsigned)value < (count));              \
		return (table)[value];                          \
	}                                                       \
	bool noun##_parse(enum type *out, const char *name)     \
	{                                                       \
		int i = index_of((table), (count), name);       \
                                                                \
		if (i >= 0)                                     \
			*out = (enum type)i;                    \
		return i >= 0;                                  \
	}

NAMES(hub_state, hub_state, hub_states, HUB_STATE_COUNT)
NAMES(task_state, task_state, task_states, TASK_STATE_COUNT)
NAMES(outcome, outcome, outcomes, OUTCOME_COUNT)
NAMES(event, event_type, events, EVENT_COUNT)
