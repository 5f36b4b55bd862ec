/*
 * pipeline.c - what the trigger brought: pipeline values, and parameters checked
 * against the config's declarations.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/pipeline.h"

#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/text.h"
#include "compile/params.h"
#include "compile/tree.h"
#include "compile/value.h"

/* Names every config may use; null where the trigger brings none. */
static const char *const known[] = {
	"pipeline.id",
	"pipeline.number",
	"pipeline.name",
	"pipeline.definition.id",
	"pipeline.integration_source",
	"pipeline.project.git_url",
	"pipeline.project.type",
	"pipeline.project.slug",
	"pipeline.git.tag",
	"pipeline.git.branch",
	"pipeline.git.branch.is_default",
	"pipeline.git.revision",
	"pipeline.git.base_revision",
	"pipeline.git.repo_url",
	"pipeline.git.repo_owner",
	"pipeline.git.repo_name",
	"pipeline.git.repo_id",
	"pipeline.git.commit.url",
	"pipeline.git.commit.subject",
	"pipeline.git.commit.body",
	"pipeline.git.commit.author_login",
	"pipeline.git.commit.author_name",
	"pipeline.git.commit.author_email",
	"pipeline.git.commit.author_avatar_url",
	"pipeline.config.repository.name",
	"pipeline.config.repository.url",
	"pipeline.config.file_path",
	"pipeline.config.ref",
	"pipeline.config.sha",
	"pipeline.trigger.id",
	"pipeline.trigger.type",
	"pipeline.trigger.received_at",
	"pipeline.trigger.name",
	"pipeline.trigger_source",
	"pipeline.schedule.id",
	"pipeline.schedule.name",
	"pipeline.event.name",
	"pipeline.event.action",
	"pipeline.event.context.github.pr_url",
	"pipeline.event.github.after",
	"pipeline.event.github.ref",
	"pipeline.event.github.head_commit.url",
	"pipeline.event.github.pull_request.base.ref",
	"pipeline.event.github.pull_request.base.sha",
	"pipeline.event.github.pull_request.head.ref",
	"pipeline.event.github.pull_request.head.sha",
	"pipeline.event.github.pull_request.draft",
	"pipeline.event.github.pull_request.merged",
	"pipeline.event.github.pull_request.title",
	"pipeline.event.github.pull_request.number",
	"pipeline.event.github.pull_request.url",
	"pipeline.event.github.label.name",
	"pipeline.event.github.comment.body",
	"pipeline.event.github.sender.type",
	"pipeline.event.github.sender.login",
	"pipeline.event.github.sender.avatar_url",
	"pipeline.event.github.repository.name",
	"pipeline.event.github.repository.url",
	"pipeline.event.github.repository.owner.login",
	"pipeline.deploy.component_name",
	"pipeline.deploy.environment_name",
	"pipeline.deploy.target_version",
	"pipeline.deploy.current_version",
	"pipeline.deploy.namespace",
	"pipeline.deploy.reason",
	NULL,
};

/* Whatever follows these is known. */
static const char *const open_ended[] = {
	"pipeline.trigger_parameters.circleci.",
	"pipeline.trigger_parameters.github_app.",
	"pipeline.trigger_parameters.gitlab.",
	"pipeline.trigger_parameters.webhook.",
	NULL,
};

static const struct node *
node_of(struct compilation *c, const struct compile_value *value)
{
	switch (value->type) {
	case COMPILE_NULL:
		return value_null(c, NULL);
	case COMPILE_INTEGER:
		return value_int(c, NULL, value->integer);
	case COMPILE_BOOLEAN:
		return value_bool(c, NULL, value->boolean);
	case COMPILE_STRING:
	case COMPILE_TEXT:
		if (value->string == NULL)
			return value_null(c, NULL);
		return value_string(c, NULL, comp_strdup(c, value->string));
	}
	UNREACHABLE();
}

static void
add_ref(struct compilation *c, struct bindings *values, const char *name, const char *ref)
{
	if (ref != NULL)
		bindings_add(c, values, name, value_string(c, NULL, comp_strdup(c, ref)));
}

struct pipeline *
pipeline_of_trigger(struct compilation *c)
{
	const struct compile_input *input = c->input;
	struct pipeline *pipeline = COMP_NEW(c, struct pipeline);
	size_t i;

	add_ref(c, &pipeline->values, "pipeline.git.branch", input->branch);
	add_ref(c, &pipeline->values, "pipeline.git.tag", input->tag);
	for (i = 0; i < input->value_count; i++)
		bindings_add(c, &pipeline->values, comp_strdup(c, input->values[i].name),
			     node_of(c, &input->values[i]));
	c->pipeline = pipeline;
	return pipeline;
}

const struct node *
pipeline_value(struct compilation *c, const char *name, size_t len)
{
	const struct node *value = bindings_get(&c->pipeline->values, name, len);
	size_t i;

	if (value != NULL)
		return value;
	for (i = 0; known[i] != NULL; i++)
		if (strncmp(known[i], name, len) == 0 && known[i][len] == '\0')
			return value_null(c, NULL);
	for (i = 0; open_ended[i] != NULL; i++)
		if (len > strlen(open_ended[i]) &&
		    strncmp(name, open_ended[i], strlen(open_ended[i])) == 0)
			return value_null(c, NULL);
	return NULL;
}

const struct node *
pipeline_parameter(struct compilation *c, const char *name, size_t len)
{
	return bindings_get(&c->pipeline->parameters, name, len);
}

const char *
pipeline_suggest(struct compilation *c, const char *name)
{
	struct suggestion suggestion;
	size_t i;

	comp_suggest_init(c, &suggestion, name);
	for (i = 0; known[i] != NULL; i++)
		comp_suggest(&suggestion, known[i]);
	return comp_suggest_hint(c, &suggestion);
}

/* ---- parameters ---- */

static void
reject(struct compilation *c, const char *code, const char *hint, const char *what,
       const char *name)
{
	comp_error(c, NULL, code, hint, "pipeline parameter '%s': %s", name, what);
}

/* "as text": what the command line gives is read with the declared type. */
static const struct node *
value_of_text(struct compilation *c, const struct parameter *parameter, const char *text)
{
	struct node *value = value_string(c, NULL, comp_strdup(c, text));
	struct node read = *value;
	bool octal;

	if (parameter->type == PARAM_STRING)
		return value;
	yaml_scalar_resolve(&read, &octal);
	if (parameter->type == PARAM_ENUM)
		return value; /* members are compared by their text, too */
	*value = read;
	return value;
}

static void
bind_default(struct compilation *c, struct pipeline *pipeline, const struct parameter *parameter)
{
	const struct node *value = parameter->fallback;

	bindings_add(c, &pipeline->parameters, parameter->name,
		     value != NULL ? value : value_bad(c, parameter->at));
}

static const struct compile_value *
supplied(const struct compile_input *input, const char *name)
{
	size_t i;

	for (i = 0; i < input->parameter_count; i++)
		if (strcmp(input->parameters[i].name, name) == 0)
			return &input->parameters[i];
	return NULL;
}

/* A supplied value has no place in the file: the declaration is pointed at. */
static void
bind_supplied(struct compilation *c, struct pipeline *pipeline, const struct parameter *parameter,
	      const struct compile_value *given)
{
	const struct node *value = given->type == COMPILE_TEXT && given->string != NULL
					   ? value_of_text(c, parameter, given->string)
					   : node_of(c, given);

	value = value_at(c, value, parameter->at);
	if (!params_accept(c, parameter, value))
		value = value_bad(c, parameter->at);
	bindings_add(c, &pipeline->parameters, parameter->name, value);
}

static void
check_supplied(struct compilation *c, const struct parameters *declared, bool is_setup)
{
	const struct compile_input *input = c->input;
	size_t i, j;

	if (input->parameter_count > COMPILE_PARAMETERS_MAX)
		comp_limit(c, NULL, "%zu pipeline parameters are supplied, the limit is %d",
			   input->parameter_count, COMPILE_PARAMETERS_MAX);
	for (i = 0; i < input->parameter_count; i++) {
		const struct compile_value *given = &input->parameters[i];
		struct suggestion suggestion;
		const char *hint;

		if (strlen(given->name) > COMPILE_PARAMETER_NAME_MAX_BYTES)
			reject(c, "E_LIMIT", NULL, "its name is longer than 128 bytes",
			       given->name);
		if (given->string != NULL &&
		    strlen(given->string) > COMPILE_PARAMETER_VALUE_MAX_BYTES)
			reject(c, "E_LIMIT", NULL, "its value is longer than 512 bytes",
			       given->name);
		if (given->string != NULL && !text_is_utf8(given->string, strlen(given->string)))
			reject(c, "E_TYPE", NULL, "its value is not UTF-8", given->name);
		if (given->if_declared || params_find(declared, given->name) != NULL)
			continue;
		comp_suggest_init(c, &suggestion, given->name);
		for (j = 0; j < declared->count; j++)
			comp_suggest(&suggestion, declared->items[j].name);
		hint = comp_suggest_hint(c, &suggestion);
		if (hint == NULL && is_setup)
			hint = "what the continuation alone declares is declared here, too, to be "
			       "passed on, or given to 'circleci-agent continue'";
		comp_error(c, NULL, "E_ARG_UNEXPECTED", hint,
			   "unexpected argument(s): %s: the config declares no such pipeline "
			   "parameter",
			   given->name);
	}
}

void
pipeline_bind(struct compilation *c, struct pipeline *pipeline, const struct node *section,
	      bool is_setup)
{
	struct parameters declared;
	size_t i;

	(void)params_declare(c, section, PARAM_OF_PIPELINE, &declared);
	check_supplied(c, &declared, is_setup);
	for (i = 0; i < declared.count; i++) {
		const struct parameter *parameter = &declared.items[i];
		const struct compile_value *given = supplied(c->input, parameter->name);

		if (given == NULL || parameter->fallback == NULL)
			bind_default(c, pipeline, parameter);
		else
			bind_supplied(c, pipeline, parameter, given);
	}
	bindings_sort(&pipeline->parameters);
}
