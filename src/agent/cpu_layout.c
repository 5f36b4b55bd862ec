/*
 * cpu_layout.c - which CPUs this host has, which of them are threads of one core, and where they
 * lie.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/cpu_layout.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cpu_list.h"
#include "base/assert.h"
#include "base/err.h"

/* --- reading ------------------------------------------------------------------------------------
 */

/* 1 when there is no such file. */
static int
read_list(const char *path, cpu_set_t *cpus, struct err *err)
{
	char line[CPU_LIST_MOST_BYTES];
	FILE *stream = fopen(path, "re");
	char *got;

	if (stream == NULL)
		return 1;
	got = fgets(line, sizeof(line), stream);
	(void)fclose(stream);
	if (got == NULL)
		return 1;
	return cpu_list_parse(line, cpus, err) < 0 ? err_wrap(err, "reading '%s'", path) : 0;
}

static unsigned
lowest(const cpu_set_t *cpus)
{
	unsigned cpu = 0;

	while (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, cpus))
		cpu++;
	return cpu;
}

static int
read_core(struct cpu_place *place, const char *sys, struct err *err)
{
	static const char *const names[] = {"core_cpus_list",
					    "thread_siblings_list"}; /* since 5.4; before */
	char path[512];
	cpu_set_t siblings;
	size_t i;
	int rc = 1;

	for (i = 0; rc == 1 && i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%.300s/devices/system/cpu/cpu%u/topology/%s",
			       sys, place->cpu, names[i]);
		rc = read_list(path, &siblings, err);
	}
	place->core = rc == 0 && lowest(&siblings) < CPU_SETSIZE ? (uint16_t)lowest(&siblings)
								 : place->cpu;
	return rc < 0 ? rc : 0;
}

static int
read_nodes(struct cpu_layout *layout, const char *sys, struct err *err)
{
	char path[512];
	cpu_set_t nodes, cpus;
	unsigned node, i;
	int rc;

	(void)snprintf(path, sizeof(path), "%.300s/devices/system/node/online", sys);
	rc = read_list(path, &nodes, err);
	for (node = 0; rc == 0 && node < CPU_SETSIZE; node++) {
		if (!CPU_ISSET(node, &nodes))
			continue;
		(void)snprintf(path, sizeof(path), "%.300s/devices/system/node/node%u/cpulist", sys,
			       node);
		rc = read_list(path, &cpus, err);
		for (i = 0; rc == 0 && i < layout->count; i++)
			if (CPU_ISSET(layout->all[i].cpu, &cpus))
				layout->all[i].node = (uint16_t)node;
		rc = rc < 0 ? rc : 0;
	}
	return rc < 0 ? rc : 0;
}

static int
by_place(const void *a, const void *b)
{
	const struct cpu_place *x = a, *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	if (x->core != y->core)
		return x->core < y->core ? -1 : 1;
	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

int
cpu_layout_read(struct cpu_layout *layout, const char *sys, const cpu_set_t *allowed,
		struct err *err)
{
	cpu_set_t online;
	char path[512];
	unsigned cpu;
	int rc;

	memset(layout, 0, sizeof(*layout));
	(void)snprintf(path, sizeof(path), "%.300s/devices/system/cpu/online", sys);
	rc = read_list(path, &online, err);
	if (rc < 0)
		return rc;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, allowed) || (rc == 0 && !CPU_ISSET(cpu, &online)))
			continue;
		layout->all[layout->count].cpu = (uint16_t)cpu;
		if (read_core(&layout->all[layout->count++], sys, err) < 0)
			return err->code;
	}
	if (read_nodes(layout, sys, err) < 0)
		return err->code;
	qsort(layout->all, layout->count, sizeof(layout->all[0]), by_place);
	return 0;
}

/* --- choosing -----------------------------------------------------------------------------------
 */

/* CPUs of one core, or of one node, beside each other in the list. */
struct span {
	unsigned first, count; /* in layout->all */
	unsigned free;	       /* of them */
};

static bool
is_together(const struct cpu_place *a, const struct cpu_place *b, bool as_cores)
{
	return a->node == b->node && (!as_cores || a->core == b->core);
}

static struct span
span_at(const struct cpu_layout *layout, const cpu_set_t *taken, unsigned first, bool as_cores)
{
	struct span span = {first, 0, 0};

	while (first + span.count < layout->count &&
	       is_together(&layout->all[first], &layout->all[first + span.count], as_cores)) {
		span.free += !CPU_ISSET(layout->all[first + span.count].cpu, taken);
		span.count++;
	}
	return span;
}

unsigned
cpu_layout_free(const struct cpu_layout *layout, const cpu_set_t *taken)
{
	unsigned i, n = 0;

	for (i = 0; i < layout->count; i++)
		n += !CPU_ISSET(layout->all[i].cpu, taken);
	return n;
}

/* Free CPUs in cores of which none is taken, between two places of the list. */
static unsigned
whole_free(const struct cpu_layout *layout, const cpu_set_t *taken, unsigned first, unsigned end)
{
	struct span core;
	unsigned n = 0;

	for (; first < end; first += core.count) {
		core = span_at(layout, taken, first, true);
		n += core.free == core.count ? core.count : 0;
	}
	return n;
}

/* Add up to n free CPUs of the core to out. */
static unsigned
take(const struct cpu_layout *layout, const cpu_set_t *taken, const struct span *core, unsigned n,
     cpu_set_t *out)
{
	unsigned i, cpu, got = 0;

	for (i = 0; i < core->count && got < n; i++) {
		cpu = layout->all[core->first + i].cpu;
		if (CPU_ISSET(cpu, taken) || CPU_ISSET(cpu, out))
			continue;
		CPU_SET(cpu, out);
		got++;
	}
	return got;
}

/* Of a node: whole cores that fit into n; then parts of broken cores; then a part of a whole one.
 */
static unsigned
pick_of_node(const struct cpu_layout *layout, const cpu_set_t *taken, const struct span *node,
	     unsigned n, cpu_set_t *out)
{
	unsigned pass, at, got = 0;
	struct span core;

	for (pass = 0; pass < 3; pass++)
		for (at = node->first; at < node->first + node->count && got < n;
		     at += core.count) {
			core = span_at(layout, taken, at, true);
			if (pass == 0 && (core.free < core.count || core.count > n - got))
				continue;
			if (pass == 1 && core.free == core.count)
				continue;
			got += take(layout, taken, &core, n - got, out);
		}
	return got;
}

/* How well a node serves n CPUs: by whole cores, at all, or in part; and how near it comes. */
struct fit {
	unsigned rank, off;
};

static struct fit
fit_of(const struct cpu_layout *layout, const cpu_set_t *taken, const struct span *node, unsigned n)
{
	unsigned whole = whole_free(layout, taken, node->first, node->first + node->count);

	if (whole >= n)
		return (struct fit){2, whole - n};
	if (node->free >= n)
		return (struct fit){1, node->free - n};
	return (struct fit){0, n - node->free};
}

static struct span
best_node(const struct cpu_layout *layout, const cpu_set_t *taken, unsigned n)
{
	struct span node, best = {0, 0, 0};
	struct fit fit, best_fit = {0, 0};
	unsigned at;

	for (at = 0; at < layout->count; at += node.count) {
		node = span_at(layout, taken, at, false);
		fit = fit_of(layout, taken, &node, n);
		if (node.free == 0 ||
		    (best.count > 0 && (fit.rank < best_fit.rank ||
					(fit.rank == best_fit.rank && fit.off >= best_fit.off))))
			continue;
		best = node;
		best_fit = fit;
	}
	return best;
}

unsigned
cpu_layout_pick(const struct cpu_layout *layout, const cpu_set_t *taken, unsigned n, cpu_set_t *out)
{
	cpu_set_t left = *taken;
	unsigned got = 0;
	struct span node;

	assert(out != taken);
	CPU_ZERO(out);
	while (got < n) {
		node = best_node(layout, &left, n - got);
		if (node.count == 0)
			break;
		got += pick_of_node(layout, &left, &node, n - got, out);
		CPU_OR(&left, &left, out);
	}
	return got;
}

unsigned
cpu_layout_share(const struct cpu_layout *layout, const cpu_set_t *taken, unsigned slots)
{
	unsigned whole = whole_free(layout, taken, 0, layout->count),
		 free = cpu_layout_free(layout, taken), threads;

	if (slots == 0 || free < slots)
		return 0;
	threads = layout->count > 0 ? span_at(layout, taken, 0, true).count : 1;
	if (whole / threads >= slots)
		return whole / threads / slots * threads;
	return free / slots;
}
