/*
 * scheduler.c - decisions alone: what may run, how things ended, who gets a task.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/scheduler.h"

#include "base/assert.h"
#include "compile/plan.h"

unsigned
schedule_status(const struct job *job)
{
	if (job->row.state != JOB_ENDED)
		return 0;
	switch (job->row.outcome) {
	case OUTCOME_SUCCESS:
		return PLAN_SUCCESS;
	case OUTCOME_CANCELED:
		return PLAN_CANCELED;
	case OUTCOME_NOT_RUN:
		return PLAN_NOT_RUN;
	case OUTCOME_UNAUTHORIZED:
		return PLAN_UNAUTHORIZED;
	default:
		return PLAN_FAILED;
	}
}

enum verdict
schedule_requirement(const struct requirement *requirement)
{
	unsigned status = schedule_status(requirement->job);

	if (status == 0)
		return VERDICT_WAIT;
	return (status & requirement->statuses) == 0 ? VERDICT_SKIP : VERDICT_RUN;
}

enum verdict
schedule_job(const struct job *job)
{
	enum verdict verdict = VERDICT_RUN;
	size_t i;

	for (i = 0; i < job->require_count; i++)
		switch (schedule_requirement(&job->requires[i])) {
		case VERDICT_WAIT:
			return VERDICT_WAIT;
		case VERDICT_SKIP:
			verdict = VERDICT_SKIP;
			break;
		case VERDICT_RUN:
			break;
		}
	return verdict;
}

/* The worse of two ends has the higher rank; equal ones keep the first. */
static int
outcome_rank(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_UNAUTHORIZED:
		return 6;
	case OUTCOME_FAILED:
		return 5;
	case OUTCOME_TIMEDOUT:
		return 4;
	case OUTCOME_INFRA_FAIL:
		return 3;
	case OUTCOME_CANCELED:
		return 2;
	case OUTCOME_SUCCESS:
		return 1;
	default:
		return 0;
	}
}

bool
schedule_job_outcome(const struct job *job, enum outcome *outcome, const struct task **task)
{
	uint32_t attempt;
	size_t i;

	assert(job->task_count > 0);
	attempt = job->tasks[job->task_count - 1]->row.attempt;
	*outcome = OUTCOME_NONE;
	for (i = 0; i < job->task_count; i++) {
		const struct task *one = job->tasks[i];

		if (one->row.attempt != attempt)
			continue;
		if (one->row.state != HUB_ENDED)
			return false;
		if (outcome_rank(one->row.outcome) > outcome_rank(*outcome)) {
			*outcome = one->row.outcome;
			*task = one;
		}
	}
	return true;
}

/* Ends of jobs or workflows, added up. */
struct tally {
	bool failed, canceled, success;
};

static void
tally_add(struct tally *tally, enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_SUCCESS:
		tally->success = true;
		break;
	case OUTCOME_CANCELED:
		tally->canceled = true;
		break;
	case OUTCOME_FAILED:
	case OUTCOME_TIMEDOUT:
	case OUTCOME_INFRA_FAIL:
	case OUTCOME_UNAUTHORIZED:
		tally->failed = true;
		break;
	default:
		break;
	}
}

static enum outcome
tally_outcome(const struct tally *tally, bool empty)
{
	if (tally->failed)
		return OUTCOME_FAILED;
	if (tally->canceled)
		return OUTCOME_CANCELED;
	return tally->success || empty ? OUTCOME_SUCCESS : OUTCOME_NOT_RUN;
}

void
schedule_workflow(const struct workflow *workflow, enum workflow_state *state,
		  enum outcome *outcome)
{
	struct tally tally = {false, false, false};
	bool active = false, held = false, ended = true;
	size_t i;

	for (i = 0; i < workflow->job_count; i++) {
		const struct job *job = workflow->jobs[i];

		active |= job->row.state == JOB_QUEUED || job->row.state == JOB_RUNNING ||
			  job->is_serial_waiting;
		held |= job->row.state == JOB_ON_HOLD;
		ended &= job->row.state == JOB_ENDED;
		if (job->row.state == JOB_ENDED)
			tally_add(&tally, job->row.outcome);
	}
	*outcome = OUTCOME_NONE;
	if (ended) {
		*state = WORKFLOW_ENDED;
		*outcome = tally_outcome(&tally, workflow->job_count == 0);
	} else if (held && !active) {
		*state = WORKFLOW_ON_HOLD;
	} else {
		*state = tally.failed ? WORKFLOW_FAILING : WORKFLOW_RUNNING;
	}
}

void
schedule_pipeline(const struct pipeline *pipeline, enum pipeline_state *state,
		  enum outcome *outcome)
{
	struct tally tally = {false, false, false};
	size_t i;

	*state = PIPELINE_RUNNING;
	*outcome = OUTCOME_NONE;
	if (pipeline->is_continuing)
		return;
	tally.failed = pipeline->row.errors != NULL;
	for (i = 0; i < pipeline->workflow_count; i++) {
		if (pipeline->workflows[i]->row.state != WORKFLOW_ENDED)
			return;
		tally_add(&tally, pipeline->workflows[i]->row.outcome);
	}
	*state = PIPELINE_ENDED;
	*outcome = tally_outcome(&tally, pipeline->workflow_count == 0);
}

/* a is idler than b: a larger share of it is free, or as large and it came first. */
static bool
offer_is_idler(const struct offer *a, const struct offer *b)
{
	uint64_t left = (uint64_t)a->free * b->total, right = (uint64_t)b->free * a->total;

	return left != right ? left > right : a->since < b->since;
}

/* --- what is kept free --------------------------------------------------------------------------- */

enum { KEPT_MOST = 64 }; /* classes whose heads are looked after at a time; more wait as if they were new */

/* A head that has lost its patience, and the offer that is kept for it. */
struct kept {
	const struct task *head;
	const struct offer *offer; /* NULL: it has room somewhere */
	unsigned idx;		   /* its class there */
	double shortage;
};

struct keeping {
	struct kept all[KEPT_MOST];
	size_t count;
};

static struct kept *
kept_of(struct keeping *keeping, const struct task *head)
{
	size_t i;

	for (i = 0; i < keeping->count; i++)
		if (keeping->all[i].head == head)
			return &keeping->all[i];
	if (keeping->count == KEPT_MOST)
		return NULL;
	keeping->all[keeping->count] = (struct kept){.head = head, .shortage = 2}; /* more than any */
	return &keeping->all[keeping->count++];
}

static void
keep_if_nearer(struct keeping *keeping, const struct offer *offer, unsigned idx, const struct task *head)
{
	struct kept *kept = kept_of(keeping, head);
	bool has_room = offer_has_room(offer, idx);
	double shortage;

	if (kept == NULL || kept->shortage < 0 || (!has_room && !offer_is_short(offer, idx)))
		return;
	shortage = has_room ? -1 : offer_shortage(offer, idx);
	if (shortage >= kept->shortage)
		return;
	kept->offer = has_room ? NULL : offer;
	kept->idx = idx;
	kept->shortage = shortage;
}

static void
keep_all(struct keeping *keeping, struct offer *const *offers, size_t count, int64_t now_ms)
{
	const struct task *head;
	unsigned j;
	size_t i;

	keeping->count = 0;
	for (i = 0; i < count; i++)
		for (j = 0; j < offers[i]->class_count; j++) {
			head = offers[i]->classes[j].class->queue;
			if (head != NULL && now_ms - head->row.queued_ms >= SCHEDULE_PATIENCE_MS)
				keep_if_nearer(keeping, offers[i], j, head);
		}
}

/* The older task that the offer is kept for; NULL: it is free for this one. */
static const struct task *
kept_from(const struct keeping *keeping, const struct offer *offer, unsigned idx, const struct task *task)
{
	const struct kept *kept;
	size_t i;

	for (i = 0; i < keeping->count; i++) {
		kept = &keeping->all[i];
		if (kept->offer == offer && kept->head->row.queued_ms < task->row.queued_ms &&
		    !offer_lets_pass(offer, idx, kept->idx))
			return kept->head;
	}
	return NULL;
}

const struct task *
schedule_kept_for(struct offer *const *offers, size_t count, int64_t now_ms, const struct task *task)
{
	const struct task *head = NULL;
	struct keeping keeping;
	size_t i;
	int idx;

	keep_all(&keeping, offers, count, now_ms);
	for (i = 0; i < count; i++) {
		idx = offer_class(offers[i], task->job->class);
		if (idx < 0 || !offer_has_room(offers[i], (unsigned)idx))
			continue;
		head = kept_from(&keeping, offers[i], (unsigned)idx, task);
		if (head == NULL)
			break;
	}
	return head;
}

const struct offer *
schedule_nearest(struct offer *const *offers, size_t count, const struct task *task)
{
	struct keeping keeping = {.count = 0};
	size_t i;
	int idx;

	for (i = 0; i < count; i++) {
		idx = offer_class(offers[i], task->job->class);
		if (idx >= 0)
			keep_if_nearer(&keeping, offers[i], (unsigned)idx, task);
	}
	return keeping.count > 0 ? keeping.all[0].offer : NULL;
}

/* --- who gets the next one ------------------------------------------------------------------------ */

bool
schedule_next(struct offer *const *offers, size_t count, int64_t now_ms, struct task **task,
	      struct offer **offer)
{
	struct keeping keeping;
	unsigned j;
	size_t i;

	*task = NULL;
	keep_all(&keeping, offers, count, now_ms);
	for (i = 0; i < count; i++)
		for (j = 0; j < offers[i]->class_count; j++) {
			struct task *head = offers[i]->classes[j].class->queue;

			if (head == NULL || !offer_has_room(offers[i], j))
				continue;
			if (*task != NULL && *task != head && head->row.queued_ms >= (*task)->row.queued_ms)
				continue;
			if (*task == head && !offer_is_idler(offers[i], *offer))
				continue;
			if (kept_from(&keeping, offers[i], j, head) != NULL)
				continue;
			*task = head;
			*offer = offers[i];
		}
	return *task != NULL;
}
