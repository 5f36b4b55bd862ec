/*
 * previous.c - of each job on each branch the builds before.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/previous.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/mem.h"
#include "hub/model.h"
#include "hub/store/store.h"

enum { RECENT_MOST = 8 };

struct build {
	int64_t number, pipeline;
};

struct previous {
	char *key; /* project, branch and name, a line each: none has a line's end in it */
	struct build recent[RECENT_MOST]; /* the newest first */
	size_t count;
	UT_hash_handle hh;
};

static char *
make_key(const char *project, const char *branch, const char *name)
{
	return mem_printf("%s\n%s\n%s", project, branch, name);
}

static struct previous *
find(const struct model *model, const char *key)
{
	struct previous *previous;

	HASH_FIND_STR(model->previous, key, previous);
	return previous;
}

static void
insert(struct previous *previous, const struct build *build)
{
	size_t at = 0;

	while (at < previous->count && previous->recent[at].number > build->number)
		at++;
	if (at == RECENT_MOST ||
	    (at < previous->count && previous->recent[at].number == build->number))
		return;
	if (previous->count < RECENT_MOST)
		previous->count++;
	memmove(&previous->recent[at + 1], &previous->recent[at],
		(previous->count - at - 1) * sizeof(*build));
	previous->recent[at] = *build;
}

static void
note(struct model *model, char *key, const struct build *build)
{
	struct previous *previous = find(model, key);

	if (previous != NULL) {
		free(key);
	} else {
		previous = MEM_NEW(struct previous);
		previous->key = key;
		HASH_ADD_KEYPTR(hh, model->previous, previous->key, strlen(previous->key),
				previous);
	}
	insert(previous, build);
}

void
previous_note(struct model *model, const struct job *job)
{
	const struct pipeline_row *pipeline = &job->workflow->pipeline->row;
	const struct build build = {job->row.number, pipeline->number};

	if (pipeline->branch != NULL && build.number > 0)
		note(model, make_key(pipeline->project_slug, pipeline->branch, job->row.name),
		     &build);
}

int64_t
previous_of(const struct model *model, const struct job *job)
{
	const struct pipeline_row *pipeline = &job->workflow->pipeline->row;
	struct previous *previous;
	char *key;
	size_t i;

	if (pipeline->branch == NULL)
		return 0;
	key = make_key(pipeline->project_slug, pipeline->branch, job->row.name);
	previous = find(model, key);
	free(key);
	for (i = 0; previous != NULL && i < previous->count; i++)
		if (previous->recent[i].pipeline < pipeline->number)
			return previous->recent[i].number;
	return 0;
}

void
previous_load(struct model *model, const struct store_snapshot *snapshot)
{
	const struct build_row *row;
	size_t i;

	for (i = 0; i < snapshot->build_count; i++) {
		row = &snapshot->builds[i];
		note(model, make_key(row->project_slug, row->branch, row->name),
		     &(struct build){row->number, row->pipeline_number});
	}
}

void
previous_release(struct model *model)
{
	struct previous *previous, *next;

	HASH_ITER (hh, model->previous, previous, next) {
		HASH_DEL(model->previous, previous);
		free(previous->key);
		free(previous);
	}
}
