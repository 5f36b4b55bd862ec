/*
 * rows.c - the words of the hub's states, and the jobs a job requires.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

const char *const kept_kind_names[KEPT_KIND_COUNT] = {
#define X(upper, name, days) #name,
	KEPT_KINDS(X)
#undef X
};

const char *
usage_name(unsigned usage)
{
	if (usage == USAGE_TESTS)
		return "tests";
	return usage < KEPT_KIND_COUNT && usage != KEPT_PIPELINES ? kept_kind_names[usage] : NULL;
}

#define X(upper, name) #name,
static const char *const job_states[] = {JOB_STATES(X)};
static const char *const workflow_states[] = {WORKFLOW_STATES(X)};
static const char *const pipeline_states[] = {PIPELINE_STATES(X)};
static const char *const step_states[] = {STEP_STATES(X)};
static const char *const agent_standings[] = {AGENT_STANDINGS(X)};
#undef X

const char *
job_state_name(enum job_state state)
{
	assert((unsigned)state < JOB_STATE_COUNT);
	return job_states[state];
}

const char *
workflow_state_name(enum workflow_state state)
{
	assert((unsigned)state < WORKFLOW_STATE_COUNT);
	return workflow_states[state];
}

const char *
pipeline_state_name(enum pipeline_state state)
{
	assert((unsigned)state < PIPELINE_STATE_COUNT);
	return pipeline_states[state];
}

const char *
step_state_name(enum step_state state)
{
	assert((unsigned)state < STEP_STATE_COUNT);
	return step_states[state];
}

const char *
agent_standing_name(enum agent_standing standing)
{
	assert((unsigned)standing < AGENT_STANDING_COUNT);
	return agent_standings[standing];
}

bool
job_state_parse(enum job_state *out, const char *name)
{
	int i;

	for (i = 0; name != NULL && i < JOB_STATE_COUNT; i++)
		if (strcmp(job_states[i], name) == 0) {
			*out = (enum job_state)i;
			return true;
		}
	return false;
}

/* "UUID:STATUSES UUID:STATUSES": as actions.c writes it. */
bool
job_requires_next(const char **at, struct id *job, unsigned *statuses)
{
	char text[ID_TEXT_BYTES];
	const char *from = *at;
	char *end;

	if (from == NULL || strlen(from) < ID_TEXT_BYTES)
		return false;
	memcpy(text, from, ID_TEXT_BYTES - 1);
	text[ID_TEXT_BYTES - 1] = '\0';
	if (!id_parse(job, text) || from[ID_TEXT_BYTES - 1] != ':')
		return false;
	*statuses = (unsigned)strtoul(from + ID_TEXT_BYTES, &end, 10);
	*at = *end == ' ' ? end + 1 : end;
	return true;
}
