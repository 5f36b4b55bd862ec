/*
 * contexts.c - contexts that come with a command line: --context NAME=FILE.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/contexts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/plan.h"
#include "ctl/api.h"
#include "ctl/context_calls.h"
#include "ctl/dotenv.h"
#include "ctl/environment.h"
#include "ctl/say.h"
#include "format/json.h"

struct given_context {
	char *name;
	struct environment variables;
};

/* Every organization has this one, with no variable in it where nobody gave any. */
#define CONTEXT_OF_ALL "org-global"

void
contexts_release(struct contexts *contexts)
{
	size_t i;

	for (i = 0; i < contexts->count; i++) {
		free(contexts->items[i].name);
		environment_release(&contexts->items[i].variables);
	}
	free(contexts->items);
	memset(contexts, 0, sizeof(*contexts));
}

static struct given_context *
find(const struct contexts *contexts, const char *name)
{
	size_t i;

	for (i = 0; i < contexts->count; i++)
		if (text_eq(contexts->items[i].name, name))
			return &contexts->items[i];
	return NULL;
}

int
contexts_add(struct contexts *contexts, const char *typed, struct err *err)
{
	const char *equals = strchr(typed, '=');
	LOCAL_FREE char *name =
		mem_strndup(typed, equals != NULL ? (size_t)(equals - typed) : strlen(typed));
	struct given_context *context = find(contexts, name);

	if (name[0] == '\0' || (equals != NULL && equals[1] == '\0'))
		return err_set(err, ERR_INPUT,
			       "option '--context' takes NAME=FILE, or NAME alone, not '%s'",
			       typed);
	if (context == NULL && contexts->count == CONTEXTS_MOST)
		return err_set(err, ERR_LIMIT, "there can be at most %d contexts", CONTEXTS_MOST);
	if (context == NULL) {
		contexts->items =
			mem_resize(contexts->items, contexts->count + 1, sizeof(*contexts->items));
		context = &contexts->items[contexts->count++];
		memset(context, 0, sizeof(*context));
		context->name = mem_strdup(name);
	}
	return equals != NULL ? dotenv_read(&context->variables, equals + 1, err) : 0;
}

/* --- what nobody gave ---------------------------------------------------------------------- */

static bool
is_named_before(const struct plan *plan, size_t workflow, size_t job, size_t at, const char *name)
{
	const struct plan_job *other;
	size_t w, j, c;

	for (w = 0; w <= workflow; w++)
		for (j = 0; j < plan->workflows[w].job_count && (w < workflow || j <= job); j++) {
			other = &plan->workflows[w].jobs[j];
			for (c = 0; c < other->contexts.count; c++) {
				if (w == workflow && j == job && c == at)
					return false;
				if (text_eq(other->contexts.items[c], name))
					return true;
			}
		}
	return false;
}

void
contexts_note_missing(const struct contexts *contexts, const struct plan *plan)
{
	const struct plan_job *job;
	const char *name;
	size_t w, j, c;

	for (w = 0; w < plan->workflow_count; w++)
		for (j = 0; j < plan->workflows[w].job_count; j++) {
			job = &plan->workflows[w].jobs[j];
			for (c = 0; c < job->contexts.count; c++) {
				name = job->contexts.items[c];
				if (find(contexts, name) == NULL &&
				    !text_eq(name, CONTEXT_OF_ALL) &&
				    !is_named_before(plan, w, j, c, name))
					say_note("job '%s' will fail: nobody gave context '%s' "
						 "(--context '%s=FILE')",
						 job->name, name, name);
			}
		}
}

/* --- to the hub ---------------------------------------------------------------------------- */

static int
send_one(const struct given_context *context, struct api *api, const char *org, struct err *err)
{
	LOCAL_FREE char *path = NULL;
	struct json *made = NULL;
	const char *id;
	int rc = context_make(&made, api, org, context->name, err);

	if (rc == 0 && json_need_str(made, "id", &id, err) < 0)
		rc = err_wrap(err, "reading the hub's answer");
	if (rc == 0) {
		path = api_path("/api/v2/context/%s", id);
		rc = context_put_all(api, path, &context->variables, err);
	}
	json_free(made);
	return rc < 0 ? err_wrap(err, "cannot give context '%s'", context->name) : 0;
}

int
contexts_send(const struct contexts *contexts, struct api *api, const char *org, struct err *err)
{
	size_t i;

	for (i = 0; i < contexts->count; i++)
		if (send_one(&contexts->items[i], api, org, err) < 0)
			return err->code;
	return 0;
}
