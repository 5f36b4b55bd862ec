/*
 * shelters.c - the isolation that this host gives its tasks: found out at the start, given to each.
 *
 * One executor a level. What is tried at the start is the very list that a task is given, in a work
 * directory that is removed again: a kernel, a container around us, or a path that is not there may
 * each say no.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/shelters.h"

#include <stdlib.h>
#include <unistd.h>

#include "agent/executor.h"
#include "agent/executors/host.h"
#include "agent/executors/slot.h"
#include "agent/filter.h"
#include "agent/isolation.h"
#include "agent/outside.h"
#include "agent/work_dir.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

#define PROBE_NAME "probe"

enum { LEVELS = ISOLATION_NAMESPACE + 1 };

struct shelters {
	struct loop *loop;
	const struct isolations *isolations;
	struct shelter_host host;
	struct work_dirs *work_dirs;
	struct launcher *launcher; /* NULL: tasks have our user */
	struct executor *executors[LEVELS]; /* NULL: no class asks for it */
	struct filter *filter;
};

static struct executor *
executor_of(const struct shelters *shelters, const struct isolation *isolation)
{
	return shelters->executors[isolation->level];
}

/* --- each task ----------------------------------------------------------------------------- */

struct executor *
shelters_executor(struct shelters *shelters, const char *class)
{
	return executor_of(shelters, isolations_of(shelters->isolations, class));
}

static int
prepare(struct shelters *shelters, const struct isolation *isolation,
	const struct shelter_task *task, struct executor_start *start, struct err *err)
{
	start->shelter_fd = -1;
	start->has_network = isolation->network != ISOLATION_NETWORK_NONE;
	if (isolation->level == ISOLATION_NONE || isolation->level == ISOLATION_USER)
		return 0;
	if (shelter_has_overlay(isolation, &shelters->host) &&
	    work_dir_lay_over(task->work, shelters->work_dirs, shelters->host.home, err) < 0)
		return err->code;
	return shelter_seal(&start->shelter_fd, isolation, &shelters->host, task, err);
}

int
shelters_prepare(struct shelters *shelters, const char *class, const struct shelter_task *task,
		 struct executor_start *start, struct err *err)
{
	return prepare(shelters, isolations_of(shelters->isolations, class), task, start, err);
}

void
shelters_recognize(struct shelters *shelters, struct work_dir *work)
{
	struct err err = ERR_INIT;

	if (shelters->host.home != NULL && work_dir_is_laid_over(work) &&
	    work_dir_lay_over(work, shelters->work_dirs, shelters->host.home, &err) < 0)
		log_warn("%s", err.text);
}

bool
shelters_is_open(const struct shelters *shelters, const char *class)
{
	return isolation_is_open(isolations_of(shelters->isolations, class));
}

bool
shelters_bounds_steps(const struct shelters *shelters, const char *class)
{
	return !isolations_of(shelters->isolations, class)->keeps_privileges;
}

const uint64_t *
shelters_filter(const struct shelters *shelters, uint32_t *count)
{
	return filter_code(shelters->filter, count);
}

static const char *
says(const struct shelters *shelters)
{
	const struct executor *executor = executor_of(shelters, &shelters->isolations->host);

	return executor->isolation(executor);
}

const char *
shelters_level(const struct shelters *shelters)
{
	const struct executor *executor = executor_of(shelters, &shelters->isolations->host);

	if (executor->shelters(executor))
		return isolation_level_word(ISOLATION_NAMESPACE);
	return isolation_level_word(shelters->launcher != NULL ? ISOLATION_USER : ISOLATION_NONE);
}

/* --- what this host allows -------------------------------------------------------------------- */

static int
probe(struct shelters *shelters, const struct isolation *isolation, struct err *err)
{
	struct executor_start start = {.shelter_fd = -1};
	struct work_dir work;
	const struct shelter_task task = {.work = &work};
	int rc;

	work_dir_init(&work, shelters->work_dirs, PROBE_NAME);
	rc = work_dir_make(&work, shelters->work_dirs, err);
	if (rc == 0)
		rc = prepare(shelters, isolation, &task, &start, err);
	if (rc == 0)
		rc = host_executor_probe(executor_of(shelters, isolation), shelters->loop,
					 start.shelter_fd, start.has_network, err);
	if (start.shelter_fd >= 0)
		(void)close(start.shelter_fd);
	work_dir_discard(&work, shelters->work_dirs);
	work_dir_release(&work);
	return rc;
}

/* With its own HOME laid over, else without. */
static int
try_out(struct shelters *shelters, const struct isolation *isolation, struct err *err)
{
	struct err reason = ERR_INIT;

	if (shelter_has_overlay(isolation, &shelters->host) &&
	    probe(shelters, isolation, &reason) < 0) {
		log_warn("home: overlay: '%s' cannot be laid over on this host, so HOME is private "
			 "(%s); Linux 5.11 is needed",
			 shelters->host.home, reason.text);
		shelters->host.overlays = false;
	}
	return probe(shelters, isolation, err);
}

/* auto takes what it gets, but not where more is said than that holds. */
static int
check_level(const struct shelters *shelters, const struct isolation *isolation, struct err *err)
{
	const struct executor *executor = executor_of(shelters, isolation);

	if (executor->shelters(executor) || !isolation_needs_namespace(isolation))
		return 0;
	return err_set(err, ERR_HOST,
		       "this host has no namespaces for tasks, and read_only, hidden and network hold "
		       "nothing without them");
}

/* As root a step has rights over its network that pasta(1) needs. */
static int
check_network(const struct shelters *shelters, const struct isolation *isolation, struct err *err)
{
	if (isolation->network != ISOLATION_NETWORK_OUTSIDE)
		return 0;
	if (shelters->host.pasta == NULL &&
	    err_set(err, ERR_HOST, "network: outside is by pasta, which is not there") < 0)
		return err_hint(err, "install it (Debian: passt), or say network: host or none");
	if (shelters->launcher == NULL && geteuid() == 0 &&
	    err_set(err, ERR_INPUT, "network: outside is not for tasks that are root") < 0)
		return err_hint(err, "start runnerd as root with --user, or as another user");
	return 0;
}

/* name: of the class, for people. */
static int
check_one(struct shelters *shelters, const struct isolation *isolation, const char *name,
	  struct err *err)
{
	int rc = 0;

	if (isolation->home == ISOLATION_HOME_OVERLAY && shelters->host.home == NULL)
		log_warn("home: overlay: there is no HOME to lay over, so it is private%s",
			 shelters->launcher != NULL ? "; --slot-home names one for tasks with users of their own" : "");
	rc = check_network(shelters, isolation, err);
	if (rc == 0 && shelters->launcher == NULL) /* which has tried its levels; root can mount */
		rc = try_out(shelters, isolation, err);
	if (rc == 0)
		rc = check_level(shelters, isolation, err);
	return rc < 0 && name[0] != '\0' ? err_wrap(err, "resource class '%s'", name) : rc;
}

/* What was asked for by name is had, or we do not start. */
static int
check_all(struct shelters *shelters, struct err *err)
{
	const struct isolations *isolations = shelters->isolations;
	unsigned i;

	if (check_one(shelters, &isolations->host, "", err) < 0)
		return err->code;
	for (i = 0; i < isolations->count; i++)
		if (isolations->of_class[i].says_own &&
		    check_one(shelters, &isolations->of_class[i].isolation,
			      isolations->of_class[i].name, err) < 0)
			return err->code;
	return 0;
}

static int
add_executor(struct shelters *shelters, const struct isolation *isolation, struct err *err)
{
	struct executor **executor = &shelters->executors[isolation->level];
	const char *word = isolation_level_word(isolation->level);

	if (*executor != NULL)
		return 0;
	return shelters->launcher != NULL
		       ? slot_executor_new(executor, shelters->launcher, word, err)
		       : host_executor_new(executor, word, err);
}

static int
add_executors(struct shelters *shelters, struct err *err)
{
	const struct isolations *isolations = shelters->isolations;
	unsigned i;
	int rc = add_executor(shelters, &isolations->host, err);

	for (i = 0; rc == 0 && i < isolations->count; i++)
		rc = add_executor(shelters, &isolations->of_class[i].isolation, err);
	return rc;
}

int
shelters_new(struct shelters **out, struct loop *loop, const struct isolations *isolations,
	     const struct shelter_host *host, struct work_dirs *work_dirs,
	     struct launcher *launcher, struct err *err)
{
	struct shelters *shelters = MEM_NEW(struct shelters);
	int rc;

	shelters->loop = loop;
	shelters->isolations = isolations;
	shelters->host = *host;
	shelters->host.pasta = outside_pasta();
	shelters->work_dirs = work_dirs;
	shelters->launcher = launcher;
	rc = filter_new(&shelters->filter, err);
	if (rc == 0)
		rc = add_executors(shelters, err);
	if (rc == 0)
		rc = check_all(shelters, err);
	if (rc < 0) {
		shelters_free(shelters);
		return rc;
	}
	log_info("tasks are held together by a %s", says(shelters));
	*out = shelters;
	return 0;
}

void
shelters_free(struct shelters *shelters)
{
	unsigned i;

	if (shelters == NULL)
		return;
	for (i = 0; i < LEVELS; i++)
		if (shelters->executors[i] != NULL)
			shelters->executors[i]->free(shelters->executors[i]);
	filter_free(shelters->filter);
	free(shelters);
}
