/*
 * slot.c - the executor that has runner-launcher start runner-init, as the user of the task's slot.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/executors/slot.h"

#include <stdlib.h>

#include "agent/cpu_list.h"
#include "agent/executor.h"
#include "agent/launcher.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

enum { SLOT_EXECUTOR_MAGIC = 0x5107e8ec };

/* The best first. */
static const struct kind {
	const char *word, *says;
	enum launcher_level level;
} kinds[] = {
	{"namespace", "PID namespace and a user of their slot", LAUNCHER_LEVEL_NAMESPACE},
	{"user", "user of their slot", LAUNCHER_LEVEL_USER},
};

enum { KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]) };

struct slot_executor {
	struct executor executor; /* first: it is what others hold */
	uint32_t magic;
	struct launcher *launcher;
	const struct kind *kind;
	struct child probe;
};

static struct slot_executor *
slot_of(const struct executor *executor)
{
	struct slot_executor *slot = (struct slot_executor *)(uintptr_t)executor;

	OBJ_CHECK(slot, SLOT_EXECUTOR_MAGIC);
	return slot;
}

static void
look_at_pin(const struct child *child, const cpu_set_t *wanted, const char *cpu_list)
{
	cpu_set_t cpus;

	if (sched_getaffinity(child->pid, sizeof(cpus), &cpus) == 0 && !CPU_EQUAL(&cpus, wanted))
		log_warn("a task is not pinned to CPUs %.100s: the host has not all of them", cpu_list);
}

static bool
slot_shelters(const struct executor *executor)
{
	return slot_of(executor)->kind->level == LAUNCHER_LEVEL_NAMESPACE;
}

static int
slot_start(struct executor *executor, struct child *child, struct loop *loop,
	   const struct executor_start *start, child_exit_fn *on_exit, void *arg, struct err *err)
{
	struct slot_executor *slot = slot_of(executor);
	struct launcher_start wanted = {.slot = (uint32_t)start->slot,
					.level = slot->kind->level,
					.shelter_fd = slot_shelters(executor) ? start->shelter_fd : -1,
					.task = start->task,
					.listen_fd = start->listen_fd,
					.dir_fd = start->dir_fd,
					.orphan_ms = start->orphan_ms};
	const struct launcher_child heir = {child, on_exit, arg};
	cpu_set_t cpus;
	int rc;

	(void)loop; /* the launcher's */
	if (slot_shelters(executor) && !start->has_network)
		wanted.level = LAUNCHER_LEVEL_ALONE;
	if (start->cpu_list != NULL && cpu_list_parse(start->cpu_list, &cpus, err) < 0)
		return err->code;
	if (start->cpu_list != NULL)
		wanted.cpus = &cpus;
	rc = launcher_start_init(slot->launcher, &wanted, &heir, err);
	if (rc == 0 && wanted.cpus != NULL)
		look_at_pin(child, &cpus, start->cpu_list);
	return rc;
}

static const char *
slot_isolation(const struct executor *executor)
{
	return slot_of(executor)->kind->says;
}

static void
slot_free(struct executor *executor)
{
	struct slot_executor *slot = slot_of(executor);

	child_release(&slot->probe);
	OBJ_WIPE(slot);
	free(slot);
}

/* Without a task it says so and ends: that it began is all we ask. */
static int
probe(struct slot_executor *slot, struct err *err)
{
	const struct launcher_start nothing = {
		.level = slot->kind->level, .listen_fd = -1, .dir_fd = -1, .shelter_fd = -1};
	const struct launcher_child heir = {&slot->probe, NULL, NULL};

	return launcher_start_init(slot->launcher, &nothing, &heir, err);
}

/* Down the list until one works. */
static int
choose(struct slot_executor *slot, const char *word, struct err *err)
{
	bool any = word == NULL || text_eq(word, "auto"), known = false;
	size_t i;

	for (i = 0; i < KIND_COUNT; i++) {
		if (!any && !text_eq(word, kinds[i].word))
			continue;
		known = true;
		slot->kind = &kinds[i];
		*err = (struct err)ERR_INIT;
		if (probe(slot, err) == 0)
			return 0;
		log_debug("no %s on this host: %s", kinds[i].says, err->text);
	}
	if (known)
		return err->code;
	if (!text_eq(word, "none"))
		return err_set(err, ERR_INPUT,
			       "isolation '%s' is not known: it is auto, namespace or user, or none "
			       "without root",
			       word);
	if (err_set(err, ERR_INPUT,
		    "isolation none has no user for tasks: started by root, runnerd never runs them as its own") < 0)
		err_hint(err, "take user, the least there is here, or start runnerd as the user that tasks are to have");
	return err->code;
}

int
slot_executor_new(struct executor **out, struct launcher *launcher, const char *isolation,
		  struct err *err)
{
	struct slot_executor *slot = MEM_NEW(struct slot_executor);
	int rc;

	slot->executor = (struct executor){"slot", slot_start, slot_isolation, slot_shelters, slot_free};
	slot->magic = SLOT_EXECUTOR_MAGIC;
	slot->launcher = launcher;
	slot->probe = (struct child)CHILD_INIT;
	rc = choose(slot, isolation, err);
	if (rc < 0) {
		slot_free(&slot->executor);
		return rc;
	}
	*out = &slot->executor;
	return 0;
}
