/*
 * why.c - why a job is where it is: a word for programs, a sentence for people.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/why.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "hub/dispatch.h"
#include "hub/lease.h"
#include "hub/model.h"
#include "hub/scheduler.h"
#include "hub/serial.h"
#include "task/names.h"

enum {
	NAMED_MOST = 5,	   /* jobs that a sentence names; the others are counted */
	NEAR_DISTANCE = 4, /* edits to the name of a class that is served */
};

const char *
why_reason_name(enum why_reason reason)
{
#define X(upper, name) [WHY_##upper] = #name,
	static const char *const names[WHY_REASON_COUNT] = {WHY_REASONS(X)};
#undef X

	return names[reason];
}

static void
why_init(struct why *why, enum why_reason reason)
{
	memset(why, 0, sizeof(*why));
	buffer_init(&why->text, 0);
	why->reason = reason;
}

void
why_release(struct why *why)
{
	buffer_release(&why->text);
}

/* --- ended, held, blocked --------------------------------------------------------------------- */

void
why_ended(struct why *why, const struct job_row *row)
{
	why_init(why, WHY_ENDED);
	buffer_printf(&why->text, "job '%s' waits for nothing, it has ended: %s%s%s", row->name,
		      outcome_name(row->outcome), row->reason[0] != '\0' ? ": " : "", row->reason);
}

static const char *
state_words(enum job_state state)
{
	switch (state) {
	case JOB_BLOCKED:
		return "waits itself";
	case JOB_ON_HOLD:
		return "waits for a person to approve it";
	case JOB_QUEUED:
		return "queued";
	case JOB_RUNNING:
		return "running";
	case JOB_ENDED:
	case JOB_STATE_COUNT:
		break;
	}
	UNREACHABLE();
}

static void
why_required(struct why *why, const struct job *job)
{
	unsigned n = 0;
	size_t i;

	why_init(why, WHY_REQUIRES);
	buffer_printf(&why->text, "job '%s' waits for ", job->row.name);
	for (i = 0; i < job->require_count; i++) {
		const struct job *other = job->requires[i].job;

		if (schedule_requirement(&job->requires[i]) != VERDICT_WAIT)
			continue;
		if (n++ < NAMED_MOST)
			buffer_printf(&why->text, "%sjob '%s' (%s)", n > 1 ? ", " : "", other->row.name,
				      state_words(other->row.state));
	}
	if (n > NAMED_MOST)
		buffer_printf(&why->text, " and %u more", n - NAMED_MOST);
}

static void
why_serial(struct why *why, const struct job *job)
{
	const struct job *holder = serial_holder(job);
	unsigned before = serial_before(job);

	why_init(why, WHY_SERIAL);
	buffer_printf(&why->text, "job '%s' waits for serial group '%s'", job->row.name, job->row.serial_group);
	if (holder != NULL)
		buffer_printf(&why->text, ", which job '%s' of pipeline %lld of project '%s' has", holder->row.name,
			      (long long)holder->row.pipeline_number, holder->row.project_slug);
	if (before > 0)
		buffer_printf(&why->text, "; %u job%s before it", before, before == 1 ? " waits" : "s wait");
}

static void
why_blocked(struct why *why, const struct job *job)
{
	if (job->is_serial_waiting)
		why_serial(why, job);
	else
		why_required(why, job);
}

/* --- queued -------------------------------------------------------------------------------------- */

/* What the agents of a class come to. */
struct crew {
	unsigned present, stopped, slots, taken;
	bool has_room;		    /* one of them waits with room for it */
	const struct agent *stopped_one; /* a person has stopped it */
	const struct agent *held;   /* its host, or the class there, takes none for now */
	const struct agent *silent; /* has free slots and asks for nothing */
	const struct agent *last;   /* of those that have gone, the one heard of last */
};

static bool
agent_serves(const struct agent *agent, const struct resource_class *class)
{
	const char *name = class->row.name, *at = agent->row.classes;
	size_t len = strlen(name);
	unsigned i;

	for (i = 0; i < agent->class_count; i++)
		if (agent->classes[i] == class)
			return true;
	/* One that has not come since the hub began is known by the names it had. */
	while ((at = strstr(at, name)) != NULL) {
		if ((at == agent->row.classes || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
		at += len;
	}
	return false;
}

static bool
claim_has_room(const struct claim *claim, const struct resource_class *class)
{
	int idx = offer_class(&claim->offer, class);

	return idx >= 0 && offer_has_room(&claim->offer, (unsigned)idx);
}

/* Why its host, or the class there, takes no task for now, as it says; NULL: it does. */
static const char *
held_back(const struct agent *agent, const struct resource_class *class)
{
	int idx = agent->offer != NULL ? offer_class(agent->offer, class) : -1;

	if (idx < 0)
		return NULL;
	if (agent->offer->held[0] != '\0')
		return agent->offer->held;
	return agent->offer->classes[idx].paused[0] != '\0' ? agent->offer->classes[idx].paused : NULL;
}

static void
crew_add(struct crew *crew, const struct agent *agent, const struct resource_class *class)
{
	if (!agent->is_present) {
		if (crew->last == NULL || agent->row.last_ms > crew->last->row.last_ms)
			crew->last = agent;
		return;
	}
	crew->present++;
	if (agent->row.standing != AGENT_ACTIVE) {
		crew->stopped++;
		crew->stopped_one = agent;
		return;
	}
	crew->slots += agent->row.slots;
	crew->taken += agent->lease_count;
	if (held_back(agent, class) != NULL)
		crew->held = agent;
	else if (agent->claim != NULL)
		crew->has_room |= claim_has_room(agent->claim, class);
	else if (agent->lease_count < agent->row.slots)
		crew->silent = agent;
}

static struct crew
crew_of(const struct resource_class *class)
{
	const struct agent *agent;
	struct crew crew = {0};

	for (agent = class->model->agents; agent != NULL; agent = agent->hh.next)
		if (agent_serves(agent, class))
			crew_add(&crew, agent, class);
	return crew;
}

/* A class that connected agents serve, with a name like this one's; NULL: none. */
static const struct resource_class *
class_near(const struct resource_class *class)
{
	const struct resource_class *other, *nearest = NULL;
	unsigned distance, best = NEAR_DISTANCE + 1;

	for (other = class->model->classes; other != NULL; other = other->hh.next) {
		if (other == class || other->agents == 0)
			continue;
		distance = text_distance(class->row.name, other->row.name, NEAR_DISTANCE);
		if (distance < best) {
			best = distance;
			nearest = other;
		}
	}
	return nearest;
}

/* A private hub has one class, which nobody needs to be told. */
static void
put_class(struct why *why, const char *before, const struct resource_class *class)
{
	if (!class->model->is_private)
		buffer_printf(&why->text, "%s resource class '%s'", before, class->row.name);
}

/* Whoever asked for a class that nobody has may have wanted a size. */
static void
say_largest(struct why *why, const struct model *model)
{
	const struct offer *offer = NULL, *one;
	const struct agent *agent;
	unsigned idx = 0, i;

	for (agent = model->agents; agent != NULL; agent = agent->hh.next) {
		one = agent->is_present ? agent->offer : NULL;
		for (i = 0; one != NULL && i < one->class_count; i++) {
			if (!offer_is_larger(one, i, offer, idx))
				continue;
			offer = one;
			idx = i;
		}
	}
	if (offer == NULL)
		return;
	buffer_printf(&why->text, "; the largest class on offer is '%s' (", offer->classes[idx].class->row.name);
	offer_put_need(offer, idx, &why->text);
	buffer_puts(&why->text, ")");
}

static void
say_nobody(struct why *why, const struct resource_class *class, const struct crew *crew)
{
	const struct resource_class *near = class_near(class);
	int64_t gone_ms;
	char took[24];

	why->reason = WHY_NO_AGENT;
	buffer_puts(&why->text, class->sentence);
	if (crew->last != NULL) {
		gone_ms = class->model->unix_ms() - crew->last->row.last_ms;
		text_duration(took, gone_ms > 0 ? (uint64_t)gone_ms : 0);
		buffer_printf(&why->text, "; agent '%s' did and was last heard of %s ago", crew->last->row.name,
			      took);
	} else if (!class->model->is_private) {
		buffer_puts(&why->text, " and none ever did");
		if (near != NULL)
			buffer_printf(&why->text, "; '%s' is served", near->row.name);
		say_largest(why, class->model);
	}
}

static void
say_full(struct why *why, const struct resource_class *class, const struct crew *crew)
{
	why->reason = WHY_FULL;
	if (crew->taken >= crew->slots) {
		buffer_puts(&why->text, crew->present - crew->stopped == 1 ? "the agent" : "all agents");
		put_class(why, " of", class);
		buffer_printf(&why->text, " %s full (%u of %u slots)", crew->present - crew->stopped == 1 ? "is" : "are",
			      crew->taken, crew->slots);
	} else {
		buffer_puts(&why->text, "no agent has room");
		put_class(why, " for", class);
		buffer_printf(&why->text, " (%u of all their %u slots are taken)", crew->taken, crew->slots);
	}
}

static void
say_held(struct why *why, const struct resource_class *class, const struct crew *crew)
{
	why->reason = WHY_HELD;
	buffer_printf(&why->text, "agent '%s'", crew->held->row.name);
	put_class(why, " of", class);
	buffer_printf(&why->text, " takes none for now: %s", held_back(crew->held, class));
}

/* What it lacks where it lacks least. False: nothing is known of that. */
static bool
say_short(struct why *why, const struct task *task)
{
	struct model *model = task->job->class->model;
	size_t count;
	struct offer **offers = dispatch_offers(model, &count);
	const struct offer *nearest = schedule_nearest(offers, count, task);

	if (nearest != NULL) {
		why->reason = WHY_FULL;
		buffer_puts(&why->text, "it needs ");
		offer_put_shortage(nearest, (unsigned)offer_class(nearest, task->job->class), &why->text);
		buffer_printf(&why->text, " on agent '%s'",
			      offer_claim(nearest)->agent->row.name);
		if (task->job->class->queue == task && model->unix_ms() - task->row.queued_ms >= SCHEDULE_PATIENCE_MS)
			buffer_puts(&why->text, ", where room is kept for it");
	}
	free(offers);
	return nearest != NULL;
}

/* An agent has room: for this one, or for an older one that it has not enough for yet. */
static void
say_next(struct why *why, const struct task *task)
{
	struct model *model = task->job->class->model;
	size_t count;
	struct offer **offers = dispatch_offers(model, &count);
	const struct task *older = schedule_kept_for(offers, count, model->unix_ms(), task);

	why->reason = older != NULL ? WHY_KEPT : WHY_NEXT;
	if (older != NULL)
		buffer_printf(&why->text, "what is free is kept for job '%s', which has waited longer and needs more",
			      older->job->row.name);
	else
		buffer_puts(&why->text, "an agent has room, it is about to be given out");
	free(offers);
}

static void
say_silent(struct why *why, const struct resource_class *class, const struct crew *crew)
{
	why->reason = WHY_SILENT;
	buffer_printf(&why->text, "agent '%s'", crew->silent->row.name);
	put_class(why, " of", class);
	buffer_printf(&why->text, " has %u of its %u slots taken and asks for no task; 'runnerctl why' on its host tells why",
		      crew->silent->lease_count, crew->silent->row.slots);
}

static void
say_stopped(struct why *why, const struct resource_class *class, const struct crew *crew)
{
	char room[AGENT_STOP_BYTES];

	why->reason = WHY_STOPPED;
	buffer_printf(&why->text, "%s", crew->present == 1 ? "the agent" : "all agents");
	put_class(why, " of", class);
	buffer_printf(&why->text, " %s stopped: '%s' is %s", crew->present == 1 ? "is" : "are", crew->stopped_one->row.name,
		      agent_is_stopped(crew->stopped_one, room, sizeof(room)));
}

/* The first of job's tasks that wait; how many of its class go before it. */
static const struct task *
first_queued(const struct job *job, unsigned *before)
{
	const struct task *task;

	*before = 0;
	for (task = job->class->queue; task != NULL && task->job != job; task = task->queue_next)
		(*before)++;
	return task;
}

static void
say_class(struct why *why, const struct job *job, const struct task *task)
{
	struct crew crew = crew_of(job->class);

	why->agents = crew.present;
	why->slots = crew.slots;
	why->taken = crew.taken;
	if (crew.present == 0) {
		say_nobody(why, job->class, &crew);
	} else if (crew.stopped == crew.present) {
		say_stopped(why, job->class, &crew);
	} else if (crew.has_room) {
		say_next(why, task);
	} else if (say_short(why, task)) {
		/* said */
	} else if (crew.silent != NULL) {
		say_silent(why, job->class, &crew);
	} else if (crew.held != NULL && crew.taken < crew.slots) {
		say_held(why, job->class, &crew);
	} else {
		say_full(why, job->class, &crew);
	}
	if (crew.stopped > 0 && crew.stopped < crew.present)
		buffer_printf(&why->text, "; %u more %s paused or drained", crew.stopped,
			      crew.stopped == 1 ? "is" : "are");
	if (why->before > 0)
		buffer_printf(&why->text, "; %u task%s before it in the queue", why->before,
			      why->before == 1 ? " is" : "s are");
	if (task->row.returned + task->row.lost > 0)
		buffer_printf(&why->text, "; it is queued again: %s", task->row.reason);
	else if (task->job->row.retried > 0)
		buffer_printf(&why->text, "; it is run again: %s", task->job->row.reason);
}

/* Some of its tasks may run while others wait. */
static void
why_tasks(struct why *why, const struct job *job)
{
	const struct task *running = NULL, *waiting;
	unsigned n = 0;
	size_t i;

	why_init(why, WHY_RUNNING);
	waiting = first_queued(job, &why->before);
	for (i = 0; i < job->task_count; i++)
		if (job->tasks[i]->row.state == HUB_LEASED && n++ == 0)
			running = job->tasks[i];
	if (n > 0)
		buffer_printf(&why->text, "job '%s' runs on agent '%s'%s", job->row.name, running->row.agent_name,
			      n > 1 ? " and others" : "");
	if (waiting == NULL)
		return;
	if (n > 0)
		buffer_printf(&why->text, ", but not all of its %u tasks: ", job->row.parallelism);
	else
		buffer_printf(&why->text, "job '%s' waits: ", job->row.name);
	say_class(why, job, waiting);
}

void
why_job(struct why *why, const struct job *job)
{
	switch (job->row.state) {
	case JOB_BLOCKED:
		why_blocked(why, job);
		return;
	case JOB_ON_HOLD:
		why_init(why, WHY_APPROVAL);
		buffer_printf(&why->text, "job '%s' waits for a person to approve it", job->row.name);
		return;
	case JOB_QUEUED:
	case JOB_RUNNING:
		why_tasks(why, job);
		return;
	case JOB_ENDED:
		why_ended(why, &job->row);
		return;
	case JOB_STATE_COUNT:
		break;
	}
	UNREACHABLE();
}
