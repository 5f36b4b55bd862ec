/*
 * cycle.c - jobs that wait for one another.
 *
 * What waits for nothing is taken away until nothing changes: the rest waits for a cycle. From each
 * of the rest a breadth-first search looks for the way back to itself, no deeper than the shortest
 * found so far; the first begins where a walk along requirements comes by twice, so that it finds
 * one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/cycle.h"

#include <string.h>

#include "base/assert.h"

enum { CYCLES_TOLD_MAX = 20, NAMES_SHOWN_MAX = 10, EDGES_WALKED_MAX = 4000000 };

struct walk {
	struct compilation *c;
	const struct invocations *list;
	bool *is_left;
	uint32_t *queue;
	uint32_t *from;	 /* by which job it was reached */
	uint32_t *depth; /* 0: not reached */
	uint32_t *cycle; /* the shortest so far */
	size_t length;	 /* of it; 0: none yet */
	size_t edges;
};

/* Take away, again and again, jobs that wait for nothing that is left. */
static size_t
remove_free(struct walk *walk)
{
	const struct invocations *list = walk->list;
	size_t left, before = SIZE_MAX, i, j;

	for (left = 0, i = 0; i < list->count; i++)
		left += walk->is_left[i];
	while (left < before && left > 0) {
		before = left;
		for (i = 0; i < list->count; i++) {
			const struct plan_job *job = list->items[i]->job;

			if (!walk->is_left[i])
				continue;
			for (j = 0; j < job->require_count; j++)
				if (walk->is_left[job->requires[j].job])
					break;
			comp_work(walk->c, j / 8);
			if (j == job->require_count) {
				walk->is_left[i] = false;
				left--;
			}
		}
	}
	return left;
}

/* The way back from last to start is shorter than what was known. */
static void
keep_cycle(struct walk *walk, uint32_t start, uint32_t last)
{
	size_t i = walk->depth[last];

	walk->length = i;
	for (; last != start; last = walk->from[last])
		walk->cycle[--i] = last;
	walk->cycle[0] = start;
}

static void
search_from(struct walk *walk, uint32_t start)
{
	size_t head = 0, tail = 1, j;

	memset(walk->depth, 0, walk->list->count * sizeof(*walk->depth));
	walk->queue[0] = start;
	walk->depth[start] = 1;
	while (head < tail) {
		uint32_t at = walk->queue[head++];
		const struct plan_job *job = walk->list->items[at]->job;

		if (walk->length != 0 && walk->depth[at] >= walk->length)
			return;
		walk->edges += job->require_count;
		for (j = 0; j < job->require_count; j++) {
			uint32_t next = job->requires[j].job;

			if (next == start) {
				keep_cycle(walk, start, at);
				return;
			}
			if (!walk->is_left[next] || walk->depth[next] != 0)
				continue;
			walk->depth[next] = walk->depth[at] + 1;
			walk->from[next] = at;
			walk->queue[tail++] = next;
		}
	}
}

/* A job of some cycle: whoever is left waits for another of them, so as many steps end in one. */
static uint32_t
walk_into_cycle(const struct walk *walk)
{
	uint32_t at = 0;
	size_t i, j;

	while (!walk->is_left[at])
		at++;
	for (i = 0; i < walk->list->count; i++) {
		const struct plan_job *job = walk->list->items[at]->job;

		for (j = 0; !walk->is_left[job->requires[j].job]; j++)
			;
		at = job->requires[j].job;
	}
	return at;
}

/* Of a crowded graph, or of many cycles, not every job is tried: what was found by then is short.
 */
static void
find_shortest(struct walk *walk)
{
	size_t i;

	walk->length = 0;
	search_from(walk, walk_into_cycle(walk));
	for (i = 0; i < walk->list->count; i++) {
		if (walk->length == 2 || walk->edges > EDGES_WALKED_MAX)
			break;
		if (walk->is_left[i])
			search_from(walk, (uint32_t)i);
	}
	assert(walk->length > 0);
}

/* The i-th job of the cycle, which is told from the one that the config has first. */
static uint32_t
member(const struct walk *walk, size_t i)
{
	size_t first = 0, k;

	for (k = 1; k < walk->length; k++)
		if (walk->cycle[k] < walk->cycle[first])
			first = k;
	return walk->cycle[(first + i) % walk->length];
}

static void
tell(struct walk *walk)
{
	const struct invocations *list = walk->list;
	struct compilation *c = walk->c;
	const struct invocation *first = list->items[member(walk, 0)];
	struct draft names = {0};
	size_t i;

	for (i = 0; i < walk->length; i++)
		walk->is_left[walk->cycle[i]] = false;
	for (i = 0; i < walk->length && i < NAMES_SHOWN_MAX; i++) {
		const char *name = list->items[member(walk, i)]->name;

		draft_add(c, &names, name, strlen(name));
		draft_add(c, &names, " -> ", 4);
	}
	if (walk->length > NAMES_SHOWN_MAX) {
		const char *more = comp_printf(c, "(%zu more) -> ", walk->length - NAMES_SHOWN_MAX);

		draft_add(c, &names, more, strlen(more));
	}
	comp_error(c, first->at, "E_CYCLE", "remove one of these requirements",
		   "jobs wait for one another: %s%s", names.text, first->name);
}

void
cycles_tell(struct compilation *c, const struct invocations *list)
{
	struct walk walk = {.c = c, .list = list};
	unsigned told;
	size_t i;

	walk.is_left = COMP_NEW_ARRAY(c, bool, list->count);
	for (i = 0; i < list->count; i++)
		walk.is_left[i] = true;
	if (remove_free(&walk) == 0)
		return;
	walk.queue = COMP_NEW_ARRAY(c, uint32_t, list->count);
	walk.from = COMP_NEW_ARRAY(c, uint32_t, list->count);
	walk.depth = COMP_NEW_ARRAY(c, uint32_t, list->count);
	walk.cycle = COMP_NEW_ARRAY(c, uint32_t, list->count);
	for (told = 0; told < CYCLES_TOLD_MAX; told++) {
		find_shortest(&walk);
		tell(&walk);
		if (remove_free(&walk) == 0)
			return;
	}
}
