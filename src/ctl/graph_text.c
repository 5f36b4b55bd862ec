/*
 * graph_text.c - a graph as lines on a terminal.
 *
 *	main: 9 jobs
 *	1 ┬ build
 *	  └ lint
 *	2 ─ test ×6                ← build
 *	    test-linux-1, test-linux-2, ...
 *	3 ─ hold, approval         ← test ×6, lint
 *
 * A line an item, a number a level; what it waits for stands behind the arrow. No lines
 * are drawn from job to job: with sixty of them nobody can follow one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/graph.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/plan.h"
#include "ctl/clean.h"

enum { NAME_COLUMNS_MOST = 44, LIST_COLUMNS_LEAST = 24, CELL_BYTES = 1024 };

struct page {
	struct buffer *out;
	unsigned columns; /* of the terminal */
	unsigned indent;
	unsigned name_width; /* where arrows begin, behind the indent and the bracket */
};

/* --- words ------------------------------------------------------------------------------ */

static void
put_title(struct buffer *out, const struct graph *graph, const struct graph_item *item)
{
	const struct plan_job *job = &graph->workflow->jobs[item->jobs[0]];

	buffer_puts(out, item->name);
	if (item->members != NULL)
		buffer_puts(out, ", group");
	else if (item->job_count > 1)
		buffer_printf(out, " ×%zu", item->job_count);
	else if (job->type != PLAN_JOB_BUILD)
		buffer_printf(out, ", %s", plan_job_type_name(job->type));
	if (job->parallelism > 1)
		buffer_printf(out, ", %u nodes", job->parallelism);
	if (job->serial_group != NULL)
		buffer_printf(out, ", serial %s", job->serial_group);
}

static const char *
title_of(char room[CELL_BYTES], const struct graph *graph, const struct graph_item *item)
{
	struct buffer text = BUFFER_INIT;

	put_title(&text, graph, item);
	clean_text(room, CELL_BYTES, buffer_text(&text), text.len);
	buffer_release(&text);
	return room;
}

/* --- lists that wrap ---------------------------------------------------------------------- */

/* Words of a list from a column on; what does not fit begins a line at the same column. */
struct list {
	const struct page *page;
	unsigned from, column;
	unsigned words;
};

static void
list_add(struct list *list, const char *word)
{
	unsigned width = clean_width(word) + 1; /* its comma */

	if (list->words > 0) {
		buffer_puts(list->page->out, ",");
		if (list->column + 1 + width > list->page->columns) {
			buffer_printf(list->page->out, "\n%*s", (int)list->from, "");
			list->column = list->from;
		} else {
			buffer_puts(list->page->out, " ");
			list->column++;
		}
	}
	buffer_puts(list->page->out, word);
	list->column += width;
	list->words++;
}

/* The whole family is waited for in the same way: it is said once, at its first member. */
static bool
is_whole_family(const struct graph_item *item, const struct plan_job *job, unsigned statuses)
{
	size_t i, r, found = 0;

	for (r = 0; r < job->require_count; r++)
		for (i = 0; i < item->job_count; i++)
	found += job->requires[r].job == item->jobs[i] && job->requires[r].statuses == statuses;
	return item->job_count > 1 && found == item->job_count;
}

static void
add_requirement(struct list *list, const struct graph *graph, const struct plan_job *job,
		const struct plan_requirement *requirement)
{
	const struct graph_item *item = &graph->items[graph->item_of[requirement->job]];
	bool whole = is_whole_family(item, job, requirement->statuses);
	struct buffer text = BUFFER_INIT;
	char room[CELL_BYTES];

	if (whole && requirement->job != item->jobs[0])
		return;
	buffer_puts(&text, whole || item->members != NULL
				   ? item->name
				   : graph->workflow->jobs[requirement->job].name);
	if (whole)
		buffer_printf(&text, " ×%zu", item->job_count);
	graph_put_statuses(&text, requirement->statuses);
	clean_text(room, sizeof(room), buffer_text(&text), text.len);
	list_add(list, room);
	buffer_release(&text);
}

/* --- lines -------------------------------------------------------------------------------- */

static bool
waits(const struct graph *graph, const struct plan_job *job)
{
	size_t r;

	for (r = 0; r < job->require_count; r++)
		if (graph->item_of[job->requires[r].job] != GRAPH_NONE)
			return true;
	return false;
}

static void
put_requirements(const struct page *page, const struct graph *graph, const struct graph_item *item,
		 unsigned title_width)
{
	const struct plan_job *job = &graph->workflow->jobs[item->jobs[0]];
	struct list list = {.page = page};
	unsigned pad = 2;
	size_t r;

	if (!waits(graph, job))
		return;
	if (title_width < page->name_width)
		pad += page->name_width - title_width;
	buffer_printf(page->out, "%*s← ", (int)pad, "");
	list.from = list.column = page->indent + title_width + pad + 2;
	for (r = 0; r < job->require_count; r++)
		if (graph->item_of[job->requires[r].job] != GRAPH_NONE)
			add_requirement(&list, graph, job, &job->requires[r]);
}

static void
put_family(const struct page *page, const struct graph *graph, const struct graph_item *item)
{
	struct list list = {.page = page, .from = page->indent + 2, .column = page->indent + 2};
	char room[CELL_BYTES];
	const char *name;
	size_t i;

	buffer_printf(page->out, "%*s", (int)list.from, "");
	for (i = 0; i < item->job_count; i++) {
		name = graph->workflow->jobs[item->jobs[i]].name;
		clean_text(room, sizeof(room), name, strlen(name));
		list_add(&list, room);
	}
	buffer_puts(page->out, "\n");
}

static void put_graph(const struct page *page, const struct graph *graph);

/* indent is where the bracket stands; first and last say which piece of it. */
static void
put_item(const struct page *page, const struct graph *graph, const struct graph_item *item,
	 bool first, bool last)
{
	char title[CELL_BYTES], number[16] = "";
	struct page inner = *page;

	inner.indent += 4;
	if (first)
		(void)snprintf(number, sizeof(number), "%u", item->level + 1);
	title_of(title, graph, item);
	buffer_printf(page->out, "%*s%-2s%s %s", (int)page->indent, "", number,
		      first ? (last ? "─" : "┬") : (last ? "└" : "├"), title);
	put_requirements(&inner, graph, item, clean_width(title));
	buffer_puts(page->out, "\n");
	if (item->members != NULL)
		put_graph(&inner, item->members);
	else if (item->job_count > 1)
		put_family(&inner, graph, item);
}

static unsigned
widest(const struct graph *graph)
{
	char title[CELL_BYTES];
	unsigned most = 0, width;
	size_t i;

	for (i = 0; i < graph->count; i++) {
		width = clean_width(title_of(title, graph, &graph->items[i]));
		if (width > most && width <= NAME_COLUMNS_MOST)
			most = width;
	}
	return most;
}

static size_t
next_of_level(const struct graph *graph, uint32_t level, size_t from)
{
	while (from < graph->count && graph->items[from].level != level)
		from++;
	return from;
}

static void
put_graph(const struct page *page, const struct graph *graph)
{
	struct page own = *page;
	uint32_t level;
	size_t i, next;
	bool first;

	own.name_width = widest(graph);
	if (own.columns < own.indent + own.name_width + LIST_COLUMNS_LEAST)
		own.columns = own.indent + own.name_width + LIST_COLUMNS_LEAST;
	for (level = 0; level < graph->levels; level++) {
		first = true;
		for (i = next_of_level(graph, level, 0); i < graph->count; i = next) {
			next = next_of_level(graph, level, i + 1);
			put_item(&own, graph, &graph->items[i], first, next == graph->count);
			first = false;
		}
	}
}

void
graph_text(struct buffer *out, const struct plan *plan, unsigned columns)
{
	struct page page = {.out = out, .columns = columns};
	const struct plan_workflow *workflow;
	struct arena arena;
	char name[CELL_BYTES];
	size_t i;

	for (i = 0; i < plan->workflow_count; i++) {
		workflow = &plan->workflows[i];
		arena_init(&arena, 0);
		clean_text(name, sizeof(name), workflow->name, strlen(workflow->name));
		buffer_printf(out, "%s%s: %zu job%s\n", i > 0 ? "\n" : "", name,
			      workflow->job_count, workflow->job_count == 1 ? "" : "s");
		put_graph(&page, graph_new(workflow, &arena));
		arena_release(&arena);
	}
}
