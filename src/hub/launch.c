/*
 * launch.c - from a config and what started it to a pipeline.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/launch.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/plan.h"
#include "compile/select.h"
#include "format/json.h"
#include "hub/actions.h"
#include "hub/hub.h"
#include "hub/timetable.h"

/* --- parameters ------------------------------------------------------------------------------ */

static int
check_parameter(const char *name, const struct json *value, struct err *err)
{
	if (json_is_string(value) || json_is_int(value) || json_is_bool(value))
		return 0;
	return err_set(err, ERR_INPUT, "parameter '%.64s' must be a string, an integer or a boolean", name);
}

int
launch_check_parameters(const struct json *parameters, struct err *err)
{
	void *it;

	if (parameters == NULL || json_is_null(parameters))
		return 0;
	if (!json_is_object(parameters) || json_count(parameters) > COMPILE_PARAMETERS_MAX)
		return err_set(err, ERR_INPUT,
			       "member 'parameters' must be an object of at most %d members",
			       COMPILE_PARAMETERS_MAX);
	for (it = json_first(parameters); it != NULL; it = json_next(parameters, it))
		if (check_parameter(json_key(it), json_value(it), err) < 0)
			return err->code;
	return 0;
}

static int
check_local(const struct json *local, struct err *err)
{
	const struct json *environment = json_get(local, "environment");
	void *it;

	if (local != NULL && !json_is_object(local))
		return err_set(err, ERR_INPUT, "member 'local' must be an object");
	if (environment != NULL && !json_is_object(environment))
		return err_set(err, ERR_INPUT, "local: member 'environment' must be an object");
	for (it = json_first(environment); it != NULL; it = json_next(environment, it))
		if (!json_is_string(json_value(it)))
			return err_set(err, ERR_INPUT, "local: variable '%.64s' must be a string",
				       json_key(it));
	return 0;
}

int
launch_check_request(const struct json *request, struct err *err)
{
	const struct json *orbs = json_get(request, "orbs");

	if (launch_check_parameters(json_get(request, "parameters"), err) < 0 ||
	    check_local(json_get(request, "local"), err) < 0)
		return err->code;
	return orbs != NULL ? orbs_check_sent(orbs, err) : 0;
}

static void
add_parameter(struct launch *launch, const char *name, const struct json *value, bool if_declared)
{
	struct compile_value *out = &launch->parameters[launch->parameter_count++];

	*out = (struct compile_value){.name = name, .type = COMPILE_BOOLEAN, .if_declared = if_declared};
	if (json_is_string(value)) {
		/* A command line's is read with the type that is declared. */
		out->type = json_get(launch->request, "local") != NULL ? COMPILE_TEXT : COMPILE_STRING;
		out->string = json_str(value);
	} else if (json_is_int(value)) {
		out->type = COMPILE_INTEGER;
		out->integer = json_int_value(value);
	} else {
		out->boolean = json_bool_value(value);
	}
}

/* What the trigger gave serves a continuation as far as that declares it; what came along with the latter is above it. */
static void
add_parameters(struct launch *launch)
{
	const struct json *given = json_get(launch->request, "parameters");
	bool if_declared = launch->continued != NULL || json_get(launch->request, "local") != NULL;
	void *it;

	launch->parameters =
		MEM_NEW_ARRAY(struct compile_value, json_count(given) + json_count(launch->passed) + 1);
	for (it = json_first(launch->passed); it != NULL; it = json_next(launch->passed, it))
		add_parameter(launch, json_key(it), json_value(it), false);
	for (it = json_first(given); it != NULL; it = json_next(given, it))
		if (json_get(launch->passed, json_key(it)) == NULL)
			add_parameter(launch, json_key(it), json_value(it), if_declared);
}

/* --- pipeline values ------------------------------------------------------------------------------ */

static struct compile_value *
add_value(struct launch *launch, const char *name, enum compile_type type)
{
	struct compile_value *value = &launch->values[launch->value_count++];

	value->name = name;
	value->type = type;
	return value;
}

static void
add_text(struct launch *launch, const char *name, const char *text)
{
	if (text != NULL)
		add_value(launch, name, COMPILE_STRING)->string = text;
}

static const char *
forge_of(const char *slug)
{
	if (text_starts(slug, "gh/"))
		return "github";
	if (text_starts(slug, "bb/"))
		return "bitbucket";
	return text_starts(slug, "gl/") ? "gitlab" : "circleci";
}

static void
add_repository(struct launch *launch)
{
	const struct pipeline_spec *spec = &launch->spec;
	const char *owner = strchr(spec->project_slug, '/') + 1, *name = strchr(owner, '/') + 1;

	add_text(launch, "pipeline.project.slug", spec->project_slug);
	add_text(launch, "pipeline.project.type", forge_of(spec->project_slug));
	add_text(launch, "pipeline.project.git_url", spec->repository);
	add_text(launch, "pipeline.git.repo_url", spec->repository);
	add_text(launch, "pipeline.git.repo_owner",
		 arena_strndup(&launch->arena, owner, (size_t)(name - 1 - owner)));
	add_text(launch, "pipeline.git.repo_name", name);
}

static void
add_values(struct launch *launch)
{
	const struct json *is_default = json_get(launch->request, "is_default");
	const struct pipeline_spec *spec = &launch->spec;
	bool by_clock = launch->schedule != NULL;
	char room[ID_TEXT_BYTES], now[32];

	add_text(launch, "pipeline.id", arena_strdup(&launch->arena, id_text(room, &spec->id)));
	add_value(launch, "pipeline.number", COMPILE_INTEGER)->integer = spec->number;
	add_repository(launch);
	add_text(launch, "pipeline.git.revision", spec->revision);
	add_text(launch, "pipeline.git.base_revision", spec->revision);
	if (json_is_bool(is_default))
		add_value(launch, "pipeline.git.branch.is_default", COMPILE_BOOLEAN)->boolean =
			json_bool_value(is_default);
	add_text(launch, "pipeline.config.file_path", spec->config_path);
	add_text(launch, "pipeline.trigger.type", spec->trigger);
	add_text(launch, "pipeline.trigger_source", spec->trigger);
	add_text(launch, "pipeline.trigger.received_at",
		 arena_strdup(&launch->arena, text_time(now, spec->created_ms)));
	add_text(launch, "pipeline.event.name", by_clock ? "schedule" : "api");
	add_text(launch, "pipeline.schedule.name", launch->schedule);
}

/* --- in the loop, before ------------------------------------------------------------------------- */

static void
settle_spec(struct launch *launch)
{
	struct pipeline_spec *spec = &launch->spec;
	struct model *model = &launch->hub->model;
	const struct project *project = model_project_find(model, spec->project_slug);

	if (project != NULL)
		spec->project = project->row.id;
	else
		id_random(&spec->project);
	spec->last_job = project != NULL ? project->row.last_job : 0;
	if (launch->continued != NULL) {
		spec->id = launch->continued->row.id;
		spec->number = launch->continued->row.number;
		spec->created_ms = launch->continued->row.created_ms;
		return;
	}
	id_random(&spec->id);
	spec->number = project != NULL ? project->row.last_pipeline + 1 : 1;
	spec->created_ms = model->unix_ms();
}

static void
keep_request(struct launch *launch)
{
	const struct json *is_default = json_get(launch->request, "is_default");
	struct buffer text = BUFFER_INIT;

	launch->spec.is_default = json_is_bool(is_default) && json_bool_value(is_default);
	launch->spec.is_no_default = json_is_bool(is_default) && !json_bool_value(is_default);
	if (launch->request == NULL || json_count(launch->request) == 0)
		return;
	json_write(&text, launch->request);
	launch->spec.request = arena_strdup(&launch->arena, buffer_text(&text));
	buffer_release(&text);
}

static void
on_prepare(void *arg)
{
	struct launch *launch = arg;
	const struct json *local = json_get(launch->request, "local");
	struct compile_input *input = &launch->input;

	settle_spec(launch);
	keep_request(launch);
	add_parameters(launch);
	add_values(launch);
	launch->orbs.model = &launch->hub->model;
	launch->orbs.sent = json_get(launch->request, "orbs");
	*input = (struct compile_input){
		.path = launch->spec.config_path,
		.bytes = launch->spec.config,
		.len = strlen(launch->spec.config),
		.values = launch->values,
		.value_count = launch->value_count,
		.parameters = launch->parameters,
		.parameter_count = launch->parameter_count,
		.branch = launch->spec.branch,
		.tag = launch->spec.tag,
		.schedule = launch->schedule,
		.orb = orbs_find,
		.orb_arg = &launch->orbs,
	};
	input->policy.supported = FEATURE_CARRIED_OUT;
	input->policy.docker_on_host =
		local != NULL ? json_get_bool(local, "docker_on_host", false)
			      : settings_any_docker_on_host(&launch->hub->settings);
}

/* --- in the worker -------------------------------------------------------------------------------- */

static int
refuse_setup(const struct launch *launch, struct err *err)
{
	if (launch->continued == NULL || !launch->plan->setup)
		return 0;
	return err_set(err, ERR_INPUT, "a config that continues a pipeline cannot be a setup config itself");
}

/* What runnerctl run was told of every job is told of those of a config that comes later, too. */
static int
select_local(struct launch *launch, const struct plan **plan, struct err *err)
{
	const struct json *local = json_get(launch->request, "local");
	const struct json *environment = json_get(local, "environment");
	struct selection selection = {.no_approvals = true};
	struct plan_pair *pairs;
	void *it;

	*plan = launch->plan;
	if (local == NULL || launch->continued == NULL)
		return 0;
	pairs = ARENA_NEW_ARRAY(&launch->arena, struct plan_pair, json_count(environment) + 1);
	if (pairs == NULL)
		return err_set(err, ERR_LIMIT, "there is no memory for the variables");
	for (it = json_first(environment); it != NULL; it = json_next(environment, it))
		pairs[selection.environment_count++] =
			(struct plan_pair){.name = json_key(it), .value = json_str(json_value(it))};
	selection.environment = pairs;
	*plan = &launch->selected;
	return select_plan(&launch->selected, launch->plan, &selection, &launch->arena, err);
}

static void
on_run(void *arg)
{
	struct launch *launch = arg;
	const struct plan *plan;

	launch->is_compiled = compile(&launch->input, &launch->plan, &launch->diags) == 0;
	if (!launch->is_compiled)
		return;
	launch->draft_rc = refuse_setup(launch, &launch->err);
	if (launch->draft_rc == 0)
		launch->draft_rc = select_local(launch, &plan, &launch->err);
	if (launch->draft_rc == 0)
		launch->draft_rc = draft_make(&launch->draft, &launch->hub->settings, &launch->spec,
					      plan, &launch->err);
}

/* --- in the loop, after ---------------------------------------------------------------------------- */

static enum launch_end
make(struct launch *launch)
{
	if (!launch->is_compiled)
		return LAUNCH_WRONG;
	if (launch->draft_rc < 0)
		return LAUNCH_REFUSED;
	launch->pipeline = launch->continued;
	if (launch->continued != NULL)
		pipeline_continue(launch->continued, &launch->draft);
	else if (launch->plan->workflow_count > 0)
		launch->pipeline = pipeline_create(launch->hub, &launch->draft);
	return launch->pipeline != NULL ? LAUNCH_MADE : LAUNCH_NOTHING;
}

static void
on_done(void *arg)
{
	struct launch *launch = arg;

	launch->end = make(launch);
	if (launch->end == LAUNCH_MADE || launch->end == LAUNCH_NOTHING)
		timetable_keep(launch->hub, launch);
	launch->done(launch->arg, launch);
}

/* --- life ---------------------------------------------------------------------------------------- */

struct launch *
launch_new(struct hub *hub)
{
	struct launch *launch = MEM_NEW(struct launch);

	launch->hub = hub;
	launch->err = (struct err)ERR_INIT;
	launch->spec.trigger = "api";
	arena_init(&launch->arena, 0);
	return launch;
}

int
launch_start(struct launch *launch, launch_done_fn *done, void *arg, struct err *err)
{
	if (strlen(launch->spec.config) > COMPILE_CONFIG_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "config is larger than %d bytes",
			       COMPILE_CONFIG_MAX_BYTES);
	launch->done = done;
	launch->arg = arg;
	launch->work = (struct work){.prepare = on_prepare, .run = on_run, .done = on_done, .arg = launch};
	if (worker_submit(launch->hub->compiler, &launch->work, err) < 0)
		return err_wrap(err, "the hub compiles no more configs now");
	return 0;
}

void
launch_free(struct launch *launch)
{
	if (launch == NULL)
		return;
	draft_release(&launch->draft);
	plan_free(launch->plan);
	diags_free(launch->diags);
	free(launch->parameters);
	json_free(launch->request);
	json_free(launch->passed);
	json_free(launch->body);
	arena_release(&launch->arena);
	free(launch);
}
