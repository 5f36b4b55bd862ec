/*
 * dispatch.c - requests that agents keep open, and tasks for them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/dispatch.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "hub/grant.h"
#include "hub/lease.h"
#include "hub/states.h"

struct offer **
dispatch_offers(struct model *model, size_t *count)
{
	struct offer **offers = MEM_NEW_ARRAY(struct offer *, HASH_COUNT(model->agents) + 1);
	struct agent *agent, *next;

	*count = 0;
	HASH_ITER(hh, model->agents, agent, next)
		if (agent->claim != NULL && agent->row.standing == AGENT_ACTIVE)
			offers[(*count)++] = &agent->claim->offer;
	return offers;
}

const struct claim *
offer_claim(const struct offer *offer)
{
	return (const struct claim *)((const char *)offer - offsetof(struct claim, offer));
}

static void
grant_all(struct model *model)
{
	struct agent *agent, *next;

	HASH_ITER(hh, model->agents, agent, next) {
		struct claim *claim = agent->claim;

		if (claim != NULL && claim->task_count > 0)
			claim->granted(claim);
	}
}

/* Its values are there; else it has ended. */
static bool
admit(struct task *task)
{
	struct err err = ERR_INIT;

	if (grant_make(task, &err) == 0)
		return true;
	task_enter(task, HUB_ENDED,
		   err.code == ERR_GONE ? OUTCOME_UNAUTHORIZED : OUTCOME_INFRA_FAIL, err.text);
	return false;
}

void
dispatch_run(struct model *model)
{
	struct offer **offers, *offer;
	struct task *task;
	size_t count;

	if (!model->dispatch_wanted)
		return;
	model->dispatch_wanted = false;
	offers = dispatch_offers(model, &count);
	while (count > 0 && schedule_next(offers, count, model->unix_ms(), &task, &offer)) {
		struct claim *claim = offer_claim(offer)->agent->claim;

		if (!admit(task))
			continue;
		offer_take(offer, task->job->class);
		lease_take(task, claim->agent, &claim->id);
		claim->task_count++;
		claim->bytes += task->job->row.document_bytes + 2 * task->grant_len;
		if (claim->task_count == RUNNER_CLAIM_TASKS_MOST || claim->bytes > CLAIM_REPLY_BYTES)
			offer->free = 0;
	}
	free(offers);
	grant_all(model);
}
