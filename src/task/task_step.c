/*
 * task_step.c - the steps of a task document: a row for each kind, with the members it has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"
#include "format/json.h"
#include "runner/protocol.h"
#include "task/task_read.h"

enum {
	NO_OUTPUT_TIMEOUT_MS = 600 * 1000,
	RERUN_DELAY_MOST_MS = 600 * 1000,
	RERUNS_MOST = 5,
	DEPTH_MOST = 1000000000,
	MEMBERS_MOST = 8,
};

enum type { TEXT, WORDS, ENVIRONMENT, BOOLEAN, NUMBER };

/* A member of a step: where it is kept, and how much of it there may be. */
struct member {
	const char *name;
	size_t at;
	enum type type;
	bool required;
	int64_t least, most; /* NUMBER: the value; WORDS: most */
};

#define MEMBER(field) #field, offsetof(struct task_step, field)

static const struct kind {
	const char *name;
	struct member members[MEMBERS_MOST + 1];
} kinds[] = {
	[STEP_RUN] = {"run",
		      {{MEMBER(command), TEXT, true},
		       {MEMBER(shell), WORDS, .most = TASK_SHELL_WORDS_MOST},
		       {MEMBER(environment), ENVIRONMENT},
		       {MEMBER(working_directory), TEXT},
		       {MEMBER(background), BOOLEAN},
		       {MEMBER(no_output_timeout_ms), NUMBER, .least = 1,
			.most = TASK_TIME_MOST_MS},
		       {MEMBER(max_auto_reruns), NUMBER, .most = RERUNS_MOST},
		       {MEMBER(auto_rerun_delay_ms), NUMBER, .most = RERUN_DELAY_MOST_MS}}},
	[STEP_CHECKOUT] = {"checkout",
			   {{MEMBER(path), TEXT},
			    {MEMBER(method), TEXT},
			    {MEMBER(depth), NUMBER, .least = 1, .most = DEPTH_MOST}}},
	[STEP_SAVE_CACHE] = {"save_cache",
			     {{MEMBER(key), TEXT, true},
			      {MEMBER(paths), WORDS, true, .most = TASK_PATHS_MOST}}},
	[STEP_RESTORE_CACHE] = {"restore_cache",
				{{MEMBER(keys), WORDS, true, .most = TASK_KEYS_MOST}}},
	[STEP_STORE_ARTIFACTS] = {"store_artifacts",
				  {{MEMBER(path), TEXT, true}, {MEMBER(destination), TEXT}}},
	[STEP_STORE_TEST_RESULTS] = {"store_test_results", {{MEMBER(path), TEXT, true}}},
	[STEP_PERSIST_TO_WORKSPACE] = {"persist_to_workspace",
				       {{MEMBER(root), TEXT, true},
					{MEMBER(paths), WORDS, true, .most = TASK_PATHS_MOST}}},
	[STEP_ATTACH_WORKSPACE] = {"attach_workspace", {{MEMBER(at), TEXT, true}}},
	[STEP_ADD_SSH_KEYS] = {"add_ssh_keys",
			       {{MEMBER(fingerprints), WORDS, .most = TASK_KEYS_MOST}}},
	[STEP_SETUP_REMOTE_DOCKER] = {"setup_remote_docker",
				      {{MEMBER(version), TEXT},
				       {MEMBER(docker_layer_caching), BOOLEAN}}},
};

static const char *const when_names[] = {"on_success", "on_fail", "always"};

const char *
step_kind_name(enum step_kind kind)
{
	return kinds[kind].name;
}

static enum step_kind
kind_named(const char *name)
{
	int i;

	for (i = 0; i < STEP_KIND_UNKNOWN; i++)
		if (text_eq(name, kinds[i].name))
			break;
	return (enum step_kind)i;
}

/* --- read ------------------------------------------------------------------------ */

static int
read_member(struct task_doc *doc, struct task_step *step, const struct member *member,
	    const struct json *json, struct err *err)
{
	void *field = (char *)step + member->at;

	if (member->required && json_get(json, member->name) == NULL)
		return err_set(err, ERR_INPUT, "member '%s' is missing", member->name);
	switch (member->type) {
	case TEXT:
		return task_take_text(doc, json, member->name, field, err);
	case WORDS:
		return task_take_words(doc, json, member->name, (size_t)member->most, field, err);
	case ENVIRONMENT:
		return task_take_environment(doc, json, field, &step->environment_count, err);
	case BOOLEAN:
		return task_take_bool(json, member->name, field, err);
	case NUMBER:
		return task_take_number(json, member->name, member->least, member->most, field,
					err);
	}
	return 0;
}

static int
read_when(struct task_step *step, const struct json *json, struct err *err)
{
	const char *name = json_get_str(json, "when");
	int i;

	if (json_get(json, "when") == NULL)
		return 0;
	for (i = 0; i < 3; i++)
		if (text_eq(name, when_names[i])) {
			step->when = (enum step_when)i;
			return 0;
		}
	return err_set(err, ERR_INPUT, "member 'when' must be on_success, on_fail or always");
}

static int
read_step(struct task_doc *doc, struct task_step *step, const struct json *json, struct err *err)
{
	const struct member *member;
	int rc;

	if (!json_is_object(json))
		return err_set(err, ERR_INPUT, "must be an object");
	step->no_output_timeout_ms = NO_OUTPUT_TIMEOUT_MS;
	rc = task_need_text(doc, json, "kind", &step->kind_name, err);
	if (rc == 0)
		rc = task_need_text(doc, json, "name", &step->name, err);
	if (rc < 0)
		return rc;
	step->kind = kind_named(step->kind_name);
	if (step->kind == STEP_KIND_UNKNOWN)
		return 0;
	if (step->kind == STEP_CHECKOUT)
		step->path = ".";
	rc = read_when(step, json, err);
	for (member = kinds[step->kind].members; rc == 0 && member->name != NULL; member++)
		rc = read_member(doc, step, member, json, err);
	return rc;
}

int
task_read_steps(struct task_doc *doc, const struct json *json, struct err *err)
{
	struct json *list = NULL;
	size_t i;
	int rc = json_need_array(json, "steps", RUNNER_TASK_STEPS_MOST, &list, err);

	if (rc < 0)
		return rc;
	if (json_count(list) == 0)
		return err_set(err, ERR_INPUT, "member 'steps' must not be empty");
	doc->steps = ARENA_NEW_ARRAY(&doc->arena, struct task_step, json_count(list));
	if (doc->steps == NULL)
		return task_too_large(err);
	doc->step_count = json_count(list);
	for (i = 0; i < doc->step_count; i++) {
		rc = read_step(doc, &doc->steps[i], json_at(list, i), err);
		if (rc < 0)
			return err_wrap(err, "step %zu", i);
	}
	return 0;
}

/* --- write ----------------------------------------------------------------------- */

/* What is not stated is not written. */
static void
write_member(struct json *json, const struct task_step *step, const struct member *member)
{
	const void *field = (const char *)step + member->at;
	const char *const *words;

	switch (member->type) {
	case TEXT:
		if (*(const char *const *)field != NULL)
			json_put_str(json, member->name, *(const char *const *)field);
		break;
	case WORDS:
		words = *(const char *const *const *)field;
		if (words != NULL)
			json_put(json, member->name, task_write_words(words));
		break;
	case ENVIRONMENT:
		if (step->environment_count > 0)
			json_put(json, member->name,
				 task_write_environment(step->environment,
							step->environment_count));
		break;
	case BOOLEAN:
		if (*(const bool *)field)
			json_put_bool(json, member->name, true);
		break;
	case NUMBER:
		if (*(const uint64_t *)field > 0)
			json_put_int(json, member->name, (int64_t) * (const uint64_t *)field);
		break;
	}
}

static struct json *
write_step(const struct task_step *step)
{
	struct json *json = json_new_object();
	const struct member *member;

	json_put_str(json, "kind", step->kind_name);
	json_put_str(json, "name", step->name);
	if (step->kind == STEP_KIND_UNKNOWN)
		return json;
	if (step->when != WHEN_ON_SUCCESS)
		json_put_str(json, "when", when_names[step->when]);
	for (member = kinds[step->kind].members; member->name != NULL; member++)
		write_member(json, step, member);
	return json;
}

struct json *
task_write_steps(const struct task_doc *doc)
{
	struct json *list = json_new_array();
	size_t i;

	for (i = 0; i < doc->step_count; i++)
		json_push(list, write_step(&doc->steps[i]));
	return list;
}
