/*
 * built_in.c - the variables that every job has: CI, CIRCLE_*.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/built_in.h"

#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "compile/plan.h"
#include "compile/plan_task.h"

struct built_ins {
	struct env_var *vars;
	size_t count;
	struct arena *arena;
};

static void
add_built_in(struct built_ins *list, const char *name, const char *value)
{
	if (value != NULL)
		list->vars[list->count++] = (struct env_var){name, value};
}

static void
add_number(struct built_ins *list, const char *name, uint64_t value)
{
	add_built_in(list, name, arena_printf(list->arena, "%llu", (unsigned long long)value));
}

/* "gh/owner/repository": the last two parts. */
static void
add_slug(struct built_ins *list, const char *slug)
{
	const char *owner = strchr(slug, '/'), *name;

	if (owner == NULL)
		return;
	owner++;
	name = strchr(owner, '/');
	if (name == NULL)
		return;
	add_built_in(list, "CIRCLE_PROJECT_USERNAME",
		     arena_strndup(list->arena, owner, (size_t)(name - owner)));
	add_built_in(list, "CIRCLE_PROJECT_REPONAME", name + 1);
}

/* HOST/OWNER/NAME of "git@HOST:OWNER/NAME.git" and "https://user@HOST/OWNER/NAME"; NULL of others.
 */
static const char *
web_place(struct arena *arena, const char *url)
{
	const char *rest = strstr(url, "://"), *at, *end = url + strlen(url);
	char *place, *colon;
	size_t host;

	if (rest == NULL && strchr(url, ':') == NULL)
		return NULL;
	if (rest != NULL && !text_starts(url, "http") && !text_starts(url, "ssh:"))
		return NULL;
	rest = rest != NULL ? rest + 3 : url;
	at = memchr(rest, '@', strcspn(rest, "/"));
	if (at != NULL)
		rest = at + 1;
	if (end - rest > 4 && text_eq(end - 4, ".git"))
		end -= 4;
	place = arena_strndup(arena, rest, (size_t)(end - rest));
	host = place != NULL ? strcspn(place, "/:") : 0;
	colon = host > 0 && place[host] == ':' ? place + host : NULL;
	if (colon != NULL && strspn(colon + 1, "0123456789") == strcspn(colon + 1, "/"))
		return NULL; /* a port: where its pages are is not known */
	if (colon != NULL)
		*colon = '/';
	return place;
}

/* A branch "pull/N" or "merge-requests/N" is one's head. Whose it is, is not known. */
static void
add_pull_request(struct built_ins *list, const struct plan_task_facts *facts)
{
	const char *branch = facts->branch != NULL ? facts->branch : "", *place = NULL, *number,
		   *url;
	bool merge = text_starts(branch, "merge-requests/");
	size_t digits;

	if (!merge && !text_starts(branch, "pull/"))
		return;
	number = strchr(branch, '/') + 1;
	digits = strspn(number, "0123456789");
	if (digits == 0 || (number[digits] != '\0' && number[digits] != '/'))
		return;
	number = arena_strndup(list->arena, number, digits);
	if (facts->repository != NULL)
		place = web_place(list->arena, facts->repository);
	add_built_in(list, "CIRCLE_PR_NUMBER", number);
	if (place == NULL || number == NULL)
		return;
	url = arena_printf(list->arena, "https://%s/%s/%s", place,
			   merge ? "-/merge_requests" : "pull", number);
	add_built_in(list, "CIRCLE_PULL_REQUEST", url);
	add_built_in(list, "CIRCLE_PULL_REQUESTS", url);
}

static void
add_all(struct built_ins *list, const struct plan_job *job, const struct plan_task_facts *facts)
{
	add_built_in(list, "CI", "true");
	add_built_in(list, "CIRCLECI", "true");
	add_built_in(list, "CIRCLE_JOB", job->name);
	add_number(list, "CIRCLE_BUILD_NUM", facts->job_number);
	add_built_in(list, "CIRCLE_BUILD_URL", facts->job_url);
	add_built_in(list, "CIRCLE_BRANCH", facts->branch);
	add_built_in(list, "CIRCLE_TAG", facts->tag);
	add_built_in(list, "CIRCLE_SHA1", facts->revision);
	add_number(list, "CIRCLE_NODE_TOTAL", job->parallelism);
	add_built_in(list, "CIRCLE_WORKING_DIRECTORY",
		     job->working_directory != NULL ? job->working_directory : "~/project");
	add_built_in(list, "CIRCLE_PIPELINE_ID", facts->pipeline_id);
	add_built_in(list, "CIRCLE_WORKFLOW_ID", facts->workflow_id);
	add_built_in(list, "CIRCLE_WORKFLOW_JOB_ID", facts->job_id);
	add_built_in(list, "CIRCLE_WORKFLOW_WORKSPACE_ID", facts->workflow_id);
	add_built_in(list, "CIRCLE_PROJECT_ID", facts->project_id);
	add_built_in(list, "CIRCLE_ORGANIZATION_ID", facts->organization_id);
	add_slug(list, facts->project_slug);
	add_built_in(list, "CIRCLE_REPOSITORY_URL", facts->repository);
	add_built_in(list, "CIRCLE_USERNAME", facts->user);
	add_pull_request(list, facts);
}

size_t
built_in_list(struct env_var *vars, struct arena *arena, const struct plan_job *job,
	      const struct plan_task_facts *facts)
{
	struct built_ins list = {vars, 0, arena};

	add_all(&list, job, facts);
	return list.count;
}
