/*
 * follow_node.c - the nodes of a pipeline that is followed, and their facts in order with their
 * output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ctl/clean.h"
#include "ctl/follow_private.h"
#include "format/json.h"

/* --- nodes ---------------------------------------------------------------------------- */

void
fact_release(struct fact *fact)
{
	free((void *)(uintptr_t)fact->end.step);
	free((void *)(uintptr_t)fact->end.outcome);
	free(fact->reason);
	memset(fact, 0, sizeof(*fact));
}

void
fact_copy(struct fact *to, const struct fact *from)
{
	*to = *from;
	to->end.step = mem_strdup(from->end.step != NULL ? from->end.step : "");
	to->end.outcome = mem_strdup(from->end.outcome != NULL ? from->end.outcome : "");
	to->reason = from->reason != NULL ? mem_strdup(from->reason) : NULL;
	to->next = NULL;
}

void
node_queue(struct follow *follow, struct node *node, const struct fact *fact)
{
	struct fact *copy = MEM_NEW(struct fact);

	fact_copy(copy, fact);
	*node->end = copy;
	node->end = &copy->next;
	if (fact->type == FACT_STEP_STARTED) {
		node->told_step = fact->step;
		node->told_attempt = fact->attempt;
	}
	node_advance(follow, node);
}

bool
node_knows_start(const struct node *node, uint32_t step, uint32_t attempt)
{
	return node->told_step > (int64_t)step ||
	       (node->told_step == (int64_t)step && node->told_attempt >= attempt);
}

struct node *
node_find(struct follow *follow, const char *job, unsigned index)
{
	char key[FOLLOW_KEY_BYTES];
	struct node *node;

	(void)snprintf(key, sizeof(key), "%.36s/%u", job, index);
	HASH_FIND_STR(follow->nodes, key, node);
	return node;
}

/* The job's name, with its workflow's where there are several, with the node's index where it is
 * parallel. */
static void
node_label(const struct follow *follow, const struct node *node, char *room, size_t size)
{
	char index[16] = "";

	if (node->is_parallel)
		(void)snprintf(index, sizeof(index), "/%u", node->index);
	(void)snprintf(room, size, "%s%s%s%s", follow->several_workflows ? node->workflow : "",
		       follow->several_workflows ? "/" : "", node->name, index);
}

static void
node_relabel(struct follow *follow, struct node *node)
{
	char label[256];

	node_label(follow, node, label, sizeof(label));
	display_job_rename(follow->display, node->shown, label);
}

/* Jobs of two workflows may have one name: from the second workflow on names say whose they are. */
static void
note_workflow(struct follow *follow, const struct node *node)
{
	struct node *it;

	if (follow->several_workflows || follow->nodes == NULL ||
	    strcmp(follow->nodes->workflow, node->workflow) == 0)
		return;
	follow->several_workflows = true;
	for (it = follow->nodes; it != NULL; it = it->hh.next)
		node_relabel(follow, it);
}

static char *
copy_or(const char *text, const char *absent)
{
	return mem_strdup(text != NULL ? text : absent);
}

struct node *
node_of(struct follow *follow, const struct json *job, const char *id, unsigned index)
{
	struct node *node = node_find(follow, id, index), *first;
	char label[256];

	if (node != NULL || HASH_COUNT(follow->nodes) >= FOLLOW_NODES_MOST)
		return node;
	node = MEM_NEW(struct node);
	(void)snprintf(node->job, sizeof(node->job), "%s", id);
	(void)snprintf(node->key, sizeof(node->key), "%.36s/%u", id, index);
	node->name = copy_or(json_get_str(job, "name"), "?");
	node->workflow = copy_or(json_get_str(json_get(job, "workflow"), "name"), "");
	node->index = index;
	node->is_parallel = index > 0;
	node->step = node->told_step = -1;
	node->end = &node->first;
	note_workflow(follow, node);
	node_label(follow, node, label, sizeof(label));
	node->shown = display_job(follow->display, label);
	HASH_ADD_STR(follow->nodes, key, node);
	first = index > 0 ? node_find(follow, id, 0) : NULL;
	if (first != NULL) {
		first->is_parallel = true;
		node_relabel(follow, first);
		display_job_joins(follow->display, node->shown, first->shown);
	}
	return node;
}

/* Where a step's bytes are counted; NULL for an index no task has. */
uint64_t *
node_received(struct node *node, uint32_t step, uint32_t attempt)
{
	size_t count = node->received_count;

	if (step >= FOLLOW_STEPS_MOST)
		return NULL;
	if (step >= count) {
		count = step + 8;
		node->received = mem_resize(node->received, count, sizeof(*node->received));
		node->received_attempt =
			mem_resize(node->received_attempt, count, sizeof(*node->received_attempt));
		memset(node->received + node->received_count, 0,
		       (count - node->received_count) * sizeof(*node->received));
		memset(node->received_attempt + node->received_count, 0,
		       (count - node->received_count) * sizeof(*node->received_attempt));
		node->received_count = count;
	}
	if (attempt > node->received_attempt[step]) {
		node->received_attempt[step] = attempt;
		node->received[step] = 0;
	}
	return &node->received[step];
}

void
node_free(struct node *node)
{
	struct fact *fact;

	while ((fact = node->first) != NULL) {
		node->first = fact->next;
		fact_release(fact);
		free(fact);
	}
	fact_release(&node->failure);
	free(node->name);
	free(node->workflow);
	free(node->received);
	free(node->received_attempt);
	free(node);
}

/* A task that takes the place of an earlier one of the same node begins it anew. */
void
node_renew(struct node *node, const char *id, int64_t attempt)
{
	bool is_new = strcmp(node->task, id) != 0;

	if (!is_new)
		return;
	(void)snprintf(node->task, sizeof(node->task), "%s", id);
	node->attempt = attempt;
	node->started = node->ended = false;
	node->step = node->told_step = -1;
	free(node->received);
	free(node->received_attempt);
	node->received = NULL;
	node->received_attempt = NULL;
	node->received_count = 0;
	fact_release(&node->failure);
	node->has_failure = false;
}

/* --- facts, in order with the output ---------------------------------------------------- */

/* All that the step printed has been shown, or no more will come. */
static bool
output_is_shown(struct follow *follow, struct node *node, const struct fact *fact)
{
	const uint64_t *received;

	if (follow->output_ended || fact->type != FACT_STEP_ENDED)
		return true;
	received = node_received(node, fact->step, fact->attempt);
	return received == NULL || *received >= fact->output_bytes ||
	       node->received_attempt[fact->step] > fact->attempt;
}

static bool
is_bad(const char *outcome)
{
	return !text_eq(outcome, "success") && !text_eq(outcome, "skipped") &&
	       !text_eq(outcome, "canceled") && !text_eq(outcome, "none");
}

/* The first step that failed and did not recover is the one that a person wants to see. */
static void
note_failure(struct node *node, const struct fact *fact)
{
	if (is_bad(fact->end.outcome)) {
		if (node->has_failure && node->failure.step != fact->step)
			return;
		fact_release(&node->failure);
		fact_copy(&node->failure, fact);
		node->has_failure = true;
	} else if (node->has_failure && node->failure.step == fact->step) {
		fact_release(&node->failure);
		node->has_failure = false;
	}
}

static void
show_job_end(struct follow *follow, struct node *node, const struct fact *fact)
{
	char room[512], name[256], how[64];
	const char *reason = fact->reason;

	if (fact->look == JOB_FAILED && node->has_failure) {
		follow_queue_block(follow, node);
		/* How the step ended says more than that it failed. */
		if (text_eq(node->failure.end.outcome, "failed") || reason == NULL) {
			(void)snprintf(room, sizeof(room), "step '%s': %s",
				       clean_cut(name, sizeof(name), node->failure.end.step, 40),
				       step_end_text(how, &node->failure.end));
			reason = room;
		}
	}
	display_job_ended(follow->display, node->shown, fact->look, reason, fact->took_ms);
}

static void
show_fact(struct follow *follow, struct node *node, const struct fact *fact)
{
	switch (fact->type) {
	case FACT_STEP_STARTED:
		node->step = fact->step;
		node->step_attempt = fact->attempt;
		display_step_started(follow->display, node->shown, fact->end.step);
		return;
	case FACT_STEP_ENDED:
		note_failure(node, fact);
		display_step_ended(follow->display, node->shown, &fact->end);
		return;
	case FACT_JOB_ENDED:
		show_job_end(follow, node, fact);
		return;
	}
}

void
node_advance(struct follow *follow, struct node *node)
{
	struct fact *fact;

	/* While a failure is printed in one piece nothing else is. */
	while (follow->blocks == NULL && (fact = node->first) != NULL &&
	       output_is_shown(follow, node, fact)) {
		node->first = fact->next;
		if (node->first == NULL)
			node->end = &node->first;
		show_fact(follow, node, fact);
		fact_release(fact);
		free(fact);
	}
}

void
node_advance_all(struct follow *follow)
{
	struct node *node, *next;

	HASH_ITER (hh, follow->nodes, node, next)
		node_advance(follow, node);
}
