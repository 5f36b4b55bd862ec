/*
 * dump.c - a config compiled and told as lines, for the cases under t/data/config.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

enum { SETTINGS_MAX = 200, PATH_MAX_BYTES = 1000 };

struct settings {
	const char *directory;
	struct compile_input input;
	struct compile_value values[SETTINGS_MAX];
	struct compile_value parameters[SETTINGS_MAX];
	const char *orbs[SETTINGS_MAX]; /* "NS/NAME@VERSION=FILE" */
	size_t orb_count;
	char *text; /* of the file "input"; the rest points into it */
};

char *
dump_read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;

	*len = 0;
	if (file == NULL)
		return NULL;
	do {
		room = room == 0 ? 65536 : room * 2;
		text = mem_resize(text, room + 1, 1);
		*len += fread(text + *len, 1, room - *len, file);
	} while (*len == room);
	text[*len] = '\0';
	(void)fclose(file);
	return text;
}

/* ---- settings ---- */

static const struct compile_value defaults[] = {
	{.name = "pipeline.number", .type = COMPILE_INTEGER, .integer = 7},
	{.name = "pipeline.id",
	 .type = COMPILE_STRING,
	 .string = "00000000-0000-0000-0000-000000000001"},
	{.name = "pipeline.project.slug", .type = COMPILE_STRING, .string = "gh/acme/shop"},
	{.name = "pipeline.git.branch.is_default", .type = COMPILE_BOOLEAN, .boolean = true},
};

static void
add_value(struct compile_value *values, size_t *count, char *text, enum compile_type type)
{
	struct compile_value *value = &values[(*count)++];
	char *sign = strchr(text, '=');

	*sign = '\0';
	value->name = text;
	value->type = type;
	value->string = sign + 1;
	value->integer = strtoll(sign + 1, NULL, 10);
	value->boolean = strcmp(sign + 1, "true") == 0;
}

static void
read_setting(struct settings *settings, char *line)
{
	struct compile_input *input = &settings->input;
	char *value = strchr(line, ' ');

	if (value == NULL)
		return;
	*value++ = '\0';
	if (strcmp(line, "branch") == 0)
		input->branch = strcmp(value, "-") == 0 ? NULL : value;
	else if (strcmp(line, "tag") == 0)
		input->tag = value;
	else if (strcmp(line, "schedule") == 0)
		input->schedule = value;
	else if (strcmp(line, "supported") == 0)
		memset(&input->policy, 0, sizeof(input->policy));
	else if (strcmp(line, "orb") == 0)
		settings->orbs[settings->orb_count++] = value;
	else if (strcmp(line, "parameter") == 0)
		add_value(settings->parameters, &input->parameter_count, value, COMPILE_TEXT);
	else if (strcmp(line, "integer") == 0)
		add_value(settings->parameters, &input->parameter_count, value, COMPILE_INTEGER);
	else if (strcmp(line, "boolean") == 0)
		add_value(settings->parameters, &input->parameter_count, value, COMPILE_BOOLEAN);
	else if (strcmp(line, "string") == 0)
		add_value(settings->parameters, &input->parameter_count, value, COMPILE_STRING);
	else if (strcmp(line, "value") == 0)
		add_value(settings->values, &input->value_count, value, COMPILE_STRING);
	else if (strcmp(line, "value-integer") == 0)
		add_value(settings->values, &input->value_count, value, COMPILE_INTEGER);
	else if (strcmp(line, "value-boolean") == 0)
		add_value(settings->values, &input->value_count, value, COMPILE_BOOLEAN);
	else
		fprintf(stderr, "unknown setting '%s'\n", line), abort();
}

static int
on_orb(void *arg, const char *ref, void **bytes, size_t *len, char **path, char **resolved,
       struct err *err)
{
	const struct settings *settings = arg;
	char file[PATH_MAX_BYTES];
	size_t i, n = strlen(ref);

	for (i = 0; i < settings->orb_count; i++) {
		if (strncmp(settings->orbs[i], ref, n) != 0 || settings->orbs[i][n] != '=')
			continue;
		(void)snprintf(file, sizeof(file), "%s/%s", settings->directory,
			       settings->orbs[i] + n + 1);
		*bytes = dump_read_file(file, len);
		*path = mem_strdup(settings->orbs[i] + n + 1);
		*resolved = mem_strdup(ref);
		return 0;
	}
	return err_set(err, ERR_GONE, "it was looked for in orbs");
}

static void
read_settings(struct settings *settings, const char *directory)
{
	char path[PATH_MAX_BYTES], *line, *next;
	struct compile_input *input = &settings->input;
	size_t len, i;

	memset(settings, 0, sizeof(*settings));
	settings->directory = directory;
	input->path = "config.yml";
	input->branch = "main";
	input->policy.supported = FEATURE_ALL;
	input->policy.docker_on_host = true;
	input->values = settings->values;
	input->parameters = settings->parameters;
	input->orb = on_orb;
	input->orb_arg = settings;
	(void)snprintf(path, sizeof(path), "%s/input", directory);
	settings->text = dump_read_file(path, &len);
	for (line = settings->text; line != NULL && *line != '\0'; line = next) {
		next = strchr(line, '\n');
		if (next == NULL)
			break;
		*next++ = '\0';
		read_setting(settings, line);
	}
	for (i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		settings->values[input->value_count++] = defaults[i];
}

/* ---- lines ---- */

static void
put_text(struct buffer *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			buffer_puts(out, "\\n");
		else
			buffer_putn(out, text, 1);
	}
}

static void
put_field(struct buffer *out, const char *key, const char *text)
{
	if (text == NULL)
		return;
	buffer_printf(out, " %s=", key);
	put_text(out, text);
}

static void
put_list(struct buffer *out, const char *key, const struct plan_strings *list)
{
	size_t i;

	if (list->count == 0)
		return;
	buffer_printf(out, " %s=", key);
	for (i = 0; i < list->count; i++) {
		buffer_puts(out, i == 0 ? "[" : "|");
		put_text(out, list->items[i]);
	}
	buffer_puts(out, "]");
}

static void
put_environment(struct buffer *out, const char *key, const struct plan_environment *environment)
{
	size_t i;

	for (i = 0; i < environment->count; i++) {
		buffer_printf(out, " %s.%s=", key, environment->items[i].name);
		put_text(out, environment->items[i].value);
	}
}

static void
put_number(struct buffer *out, const char *key, uint64_t number, uint64_t usual)
{
	if (number != usual)
		buffer_printf(out, " %s=%" PRIu64, key, number);
}

static void
put_step(struct buffer *out, const struct plan_step *step, bool has_place)
{
	bool is_run = step->kind == PLAN_STEP_RUN;

	buffer_printf(out, "    %s", plan_step_kind_name(step->kind));
	if (!is_run || strcmp(step->name, step->command) != 0)
		put_field(out, "name", step->name);
	put_field(out, "command", step->command);
	put_list(out, "shell", &step->shell);
	put_environment(out, "env", &step->environment);
	put_field(out, "directory", step->working_directory);
	put_number(out, "background", step->background, 0);
	put_number(out, "timeout", step->no_output_timeout_ms,
		   is_run ? PLAN_NO_OUTPUT_TIMEOUT_MS : 0);
	put_number(out, "reruns", step->max_auto_reruns, 0);
	put_number(out, "delay", step->auto_rerun_delay_ms, 0);
	put_field(out, "path", step->path);
	put_field(out, "destination", step->destination);
	put_field(out, "key", step->key);
	put_list(out, "keys", &step->keys);
	put_field(out, "root", step->root);
	put_list(out, "paths", &step->paths);
	if (step->kind == PLAN_STEP_CHECKOUT)
		put_field(out, "method", plan_checkout_name(step->method));
	put_number(out, "depth", step->depth, 0);
	put_list(out, "fingerprints", &step->fingerprints);
	put_field(out, "version", step->version);
	if (step->when != PLAN_ON_SUCCESS)
		put_field(out, "when", plan_when_name(step->when));
	put_list(out, "origin", &step->origin);
	if (has_place)
		buffer_printf(out, " @%u", step->place.line);
	buffer_puts(out, "\n");
}

static void
put_executor(struct buffer *out, const struct plan_executor *executor)
{
	size_t i;

	if (executor->kind == PLAN_EXECUTOR_NONE)
		return;
	buffer_printf(out, " %s", plan_executor_name(executor->kind));
	if (executor->image != NULL)
		buffer_printf(out, "(%s)", executor->image);
	if (executor->xcode != NULL)
		buffer_printf(out, "(%s)", executor->xcode);
	for (i = 0; i < executor->image_count; i++) {
		buffer_printf(out, "(%s", executor->images[i].image);
		put_environment(out, "env", &executor->images[i].environment);
		put_environment(out, "auth", &executor->images[i].auth);
		buffer_puts(out, ")");
	}
}

static void
put_requires(struct buffer *out, const struct plan_workflow *workflow, const struct plan_job *job)
{
	size_t i;
	unsigned bit;

	for (i = 0; i < job->require_count; i++) {
		buffer_printf(out, "    requires %s:", workflow->jobs[job->requires[i].job].name);
		for (bit = PLAN_SUCCESS; bit <= PLAN_NOT_RUN; bit <<= 1)
			if (job->requires[i].statuses & bit)
				buffer_printf(out, " %s", plan_status_name((enum plan_status)bit));
		buffer_puts(out, "\n");
	}
}

static void
put_job(struct buffer *out, const struct plan_workflow *workflow, const struct plan_job *job,
	bool has_places)
{
	size_t i;

	buffer_printf(out, "  %s %s", plan_job_type_name(job->type), job->name);
	if (strcmp(job->name, job->job) != 0)
		put_field(out, "job", job->job);
	put_executor(out, &job->executor);
	put_field(out, "class", job->resource_class);
	put_number(out, "parallelism", job->parallelism, 1);
	put_list(out, "contexts", &job->contexts);
	put_field(out, "serial", job->serial_group);
	put_number(out, "retention", job->retention_days, 0);
	put_list(out, "shell", &job->shell);
	put_field(out, "directory", job->working_directory);
	put_environment(out, "env", &job->environment);
	put_number(out, "retries", job->retries, 0);
	buffer_puts(out, "\n");
	put_requires(out, workflow, job);
	for (i = 0; i < job->step_count; i++)
		put_step(out, &job->steps[i], has_places);
}

static void
put_plan(struct buffer *out, const struct plan *plan, bool has_places)
{
	size_t i, j;

	if (plan->setup)
		buffer_puts(out, "setup\n");
	for (i = 0; i < plan->orb_count; i++)
		buffer_printf(out, "orb %s %s\n", plan->orbs[i].alias, plan->orbs[i].resolved);
	for (i = 0; i < plan->schedule_count; i++) {
		buffer_printf(out, "schedule %s '%s'", plan->schedules[i].workflow,
			      plan->schedules[i].cron);
		put_list(out, "only", &plan->schedules[i].only);
		put_list(out, "ignore", &plan->schedules[i].ignore);
		buffer_puts(out, "\n");
	}
	if (plan->workflow_count == 0)
		buffer_puts(out, "no workflows\n");
	for (i = 0; i < plan->workflow_count; i++) {
		buffer_printf(out, "workflow %s", plan->workflows[i].name);
		put_number(out, "reruns", plan->workflows[i].max_auto_reruns, 0);
		buffer_puts(out, "\n");
		for (j = 0; j < plan->workflows[i].job_count; j++)
			put_job(out, &plan->workflows[i], &plan->workflows[i].jobs[j], has_places);
	}
}

static void
put_diags(struct buffer *out, const struct diags *diags)
{
	size_t i;

	for (i = 0; i < diags_count(diags); i++) {
		const struct diag *diag = diags_at(diags, i);

		buffer_printf(out, "%s ", diag->code);
		if (strcmp(diag->path, "config.yml") != 0)
			buffer_printf(out, "%s:", diag->path);
		buffer_printf(out, "%u:%u %s\n", diag->line, diag->column, diag->message);
		if (diag_explain(diag->code) == NULL)
			buffer_puts(out, "  CODE WITHOUT EXPLANATION\n");
		if (diag->count > 1)
			buffer_printf(out, "  %u times\n", diag->count);
		if (diag->chain != NULL)
			buffer_printf(out, "  in %s\n", diag->chain);
		if (diag->hint != NULL)
			buffer_printf(out, "  hint: %s\n", diag->hint);
	}
}

/* A plan written as a config and compiled again writes the same config. */
static void
put_idempotence(struct buffer *out, const struct plan *plan, const struct compile_input *input)
{
	struct buffer first = BUFFER_INIT, second = BUFFER_INIT;
	struct compile_input again = *input;
	struct plan *other;
	struct diags *diags;

	plan_process(plan, &first);
	again.bytes = buffer_text(&first);
	again.len = first.len;
	again.parameter_count = 0;
	again.schedule = NULL;
	if (compile(&again, &other, &diags) < 0) {
		buffer_puts(out, "PROCESSED CONFIG IS REFUSED\n");
		put_diags(out, diags);
		buffer_puts(out, buffer_text(&first));
	} else {
		plan_process(other, &second);
		if (strcmp(buffer_text(&first), buffer_text(&second)) != 0)
			buffer_printf(out, "PROCESSED CONFIG CHANGES\n%s---\n%s",
				      buffer_text(&first), buffer_text(&second));
	}
	plan_free(other);
	diags_free(diags);
	buffer_release(&first);
	buffer_release(&second);
}

void
dump_case(const char *directory, struct buffer *out)
{
	struct settings *settings = MEM_NEW(struct settings);
	char path[PATH_MAX_BYTES], *config;
	struct plan *plan;
	struct diags *diags;

	read_settings(settings, directory);
	(void)snprintf(path, sizeof(path), "%s/config.yml", directory);
	config = dump_read_file(path, &settings->input.len);
	settings->input.bytes = config;
	if (compile(&settings->input, &plan, &diags) == 0) {
		put_plan(out, plan, true);
		if (plan->workflow_count > 0)
			put_idempotence(out, plan, &settings->input);
	}
	put_diags(out, diags);
	plan_free(plan);
	diags_free(diags);
	free(config);
	free(settings->text);
	free(settings);
}

void
dump_plan(const char *directory, const char *bytes, size_t len, struct buffer *out)
{
	struct settings *settings = MEM_NEW(struct settings);
	struct plan *plan;
	struct diags *diags;

	read_settings(settings, directory);
	settings->input.bytes = bytes;
	settings->input.len = len;
	if (compile(&settings->input, &plan, &diags) == 0)
		put_plan(out, plan, false);
	else
		buffer_puts(out, "refused\n");
	plan_free(plan);
	diags_free(diags);
	free(settings->text);
	free(settings);
}
