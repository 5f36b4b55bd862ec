/*
 * plan_text.c - a plan as config text, piece by piece.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/plan_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "compile/plan_string.h"
#include "format/yaml.h"

/* Where to write, how deep, for which version. */
struct writer {
	struct buffer *out;
	unsigned depth;
	bool escapes_tags;
};

/* ---- keys ---- */

static void
write_key(const struct writer *writer, const char *key)
{
	plan_write_indent(writer->out, writer->depth);
	buffer_puts(writer->out, key);
	buffer_puts(writer->out, ":");
}

static void
write_text(const struct writer *writer, const char *key, const char *text)
{
	if (text == NULL)
		return;
	write_key(writer, key);
	buffer_puts(writer->out, " ");
	plan_write_string(text, writer->out, writer->depth + 1, writer->escapes_tags);
	buffer_puts(writer->out, "\n");
}

static void
write_number(const struct writer *writer, const char *key, uint64_t number)
{
	write_key(writer, key);
	buffer_printf(writer->out, " %" PRIu64 "\n", number);
}

static void
write_true(const struct writer *writer, const char *key, bool is_true)
{
	if (!is_true)
		return;
	write_key(writer, key);
	buffer_puts(writer->out, " true\n");
}

static void
write_strings(const struct writer *writer, const char *key, const struct plan_strings *strings)
{
	size_t i;

	if (strings->count == 0)
		return;
	write_key(writer, key);
	buffer_puts(writer->out, "\n");
	for (i = 0; i < strings->count; i++) {
		plan_write_indent(writer->out, writer->depth + 1);
		buffer_puts(writer->out, "- ");
		plan_write_string(strings->items[i], writer->out, writer->depth + 2,
				  writer->escapes_tags);
		buffer_puts(writer->out, "\n");
	}
}

static void
write_environment(const struct writer *writer, const char *key,
		  const struct plan_environment *environment)
{
	struct writer below = {writer->out, writer->depth + 1, writer->escapes_tags};
	size_t i;

	if (environment->count == 0)
		return;
	write_key(writer, key);
	buffer_puts(writer->out, "\n");
	for (i = 0; i < environment->count; i++) {
		const struct plan_pair *pair = &environment->items[i];

		if (!yaml_is_ambiguous(pair->name)) {
			write_text(&below, pair->name, pair->value);
			continue;
		}
		/* A name such as "on" keeps its spelling as a key either way; quoted it also looks
		 * it. */
		plan_write_indent(below.out, below.depth);
		buffer_printf(below.out, "\"%s\": ", pair->name);
		plan_write_string(pair->value, below.out, below.depth + 1, below.escapes_tags);
		buffer_puts(below.out, "\n");
	}
}

/* Milliseconds as "90s" or "0.5s". */
static void
write_span(const struct writer *writer, const char *key, uint64_t ms)
{
	write_key(writer, key);
	if (ms % 1000 == 0)
		buffer_printf(writer->out, " %" PRIu64 "s\n", ms / 1000);
	else
		buffer_printf(writer->out, " %" PRIu64 ".%03us\n", ms / 1000,
			      (unsigned)(ms % 1000));
}

/* ---- executors ---- */

/* "auth.username" and so on, those of one prefix as a map of their own. */
static void
write_auth(const struct writer *writer, const char *prefix, const struct plan_environment *auth)
{
	struct writer below = {writer->out, writer->depth + 1, writer->escapes_tags};
	size_t len = strlen(prefix), i;
	bool any = false;

	for (i = 0; i < auth->count; i++) {
		const struct plan_pair *pair = &auth->items[i];

		if (strncmp(pair->name, prefix, len) != 0 || pair->name[len] != '.')
			continue;
		if (!any) {
			write_key(writer, prefix);
			buffer_puts(writer->out, "\n");
			any = true;
		}
		write_text(&below, pair->name + len + 1, pair->value);
	}
}

static void
write_image(const struct writer *writer, const struct plan_image *image)
{
	struct writer keys = {writer->out, writer->depth + 1, writer->escapes_tags};

	plan_write_indent(writer->out, writer->depth);
	buffer_puts(writer->out, "- image: ");
	plan_write_string(image->image != NULL ? image->image : "", writer->out, writer->depth + 2,
			  writer->escapes_tags);
	buffer_puts(writer->out, "\n");
	write_text(&keys, "name", image->name);
	write_text(&keys, "user", image->user);
	write_strings(&keys, "entrypoint", &image->entrypoint);
	write_strings(&keys, "command", &image->command);
	write_environment(&keys, "environment", &image->environment);
	write_auth(&keys, "auth", &image->auth);
	write_auth(&keys, "aws_auth", &image->auth);
	write_auth(&keys, "gcp_auth", &image->auth);
}

static void
write_machine(const struct writer *writer, const struct plan_executor *executor)
{
	struct writer below = {writer->out, writer->depth + 1, writer->escapes_tags};

	write_key(writer, "machine");
	if (executor->image == NULL && !executor->docker_layer_caching) {
		buffer_puts(writer->out, " true\n");
		return;
	}
	buffer_puts(writer->out, "\n");
	write_text(&below, "image", executor->image);
	write_true(&below, "docker_layer_caching", executor->docker_layer_caching);
}

static void
write_executor(const struct writer *writer, const struct plan_executor *executor)
{
	struct writer below = {writer->out, writer->depth + 1, writer->escapes_tags};
	size_t i;

	switch (executor->kind) {
	case PLAN_EXECUTOR_NONE:
	case PLAN_EXECUTOR_COUNT:
		break;
	case PLAN_EXECUTOR_MACHINE:
		write_machine(writer, executor);
		break;
	case PLAN_EXECUTOR_DOCKER:
		write_key(writer, "docker");
		buffer_puts(writer->out, "\n");
		for (i = 0; i < executor->image_count; i++)
			write_image(&below, &executor->images[i]);
		break;
	case PLAN_EXECUTOR_MACOS:
		write_key(writer, "macos");
		buffer_puts(writer->out, "\n");
		write_text(&below, "xcode", executor->xcode);
		break;
	}
}

/* ---- steps ---- */

static void
write_run(const struct writer *writer, const struct plan_step *step)
{
	write_text(writer, "command", step->command);
	write_strings(writer, "shell", &step->shell);
	write_environment(writer, "environment", &step->environment);
	write_text(writer, "working_directory", step->working_directory);
	write_true(writer, "background", step->background);
	if (step->no_output_timeout_ms != PLAN_NO_OUTPUT_TIMEOUT_MS)
		write_span(writer, "no_output_timeout", step->no_output_timeout_ms);
	if (step->max_auto_reruns > 0)
		write_number(writer, "max_auto_reruns", step->max_auto_reruns);
	if (step->auto_rerun_delay_ms > 0)
		write_span(writer, "auto_rerun_delay", step->auto_rerun_delay_ms);
}

static void
write_keys(const struct writer *writer, const struct plan_step *step)
{
	bool is_checkout = step->kind == PLAN_STEP_CHECKOUT;

	if (step->kind == PLAN_STEP_RUN) {
		write_run(writer, step);
		return;
	}
	write_text(writer, step->kind == PLAN_STEP_ATTACH_WORKSPACE ? "at" : "path", step->path);
	write_text(writer, "destination", step->destination);
	write_text(writer, "key", step->key);
	write_strings(writer, "keys", &step->keys);
	write_text(writer, "root", step->root);
	write_strings(writer, "paths", &step->paths);
	if (is_checkout && step->method != PLAN_CHECKOUT_BLOBLESS)
		write_text(writer, "method", plan_checkout_name(step->method));
	if (step->depth > 0)
		write_number(writer, "depth", step->depth);
	write_strings(writer, "fingerprints", &step->fingerprints);
	write_text(writer, "version", step->version);
	write_true(writer, "docker_layer_caching", step->docker_layer_caching);
}

static void
write_step(const struct writer *writer, const struct plan_step *step)
{
	struct writer keys = {writer->out, writer->depth + 2, writer->escapes_tags};
	bool is_always = step->kind == PLAN_STEP_STORE_ARTIFACTS ||
			 step->kind == PLAN_STEP_STORE_TEST_RESULTS;

	plan_write_indent(writer->out, writer->depth);
	buffer_printf(writer->out, "- %s:\n", plan_step_kind_name(step->kind));
	if (step->command == NULL || strcmp(step->name, step->command) != 0)
		write_text(&keys, "name", step->name);
	write_keys(&keys, step);
	if (step->when != PLAN_ON_SUCCESS && !is_always)
		write_text(&keys, "when", plan_when_name(step->when));
}

/* ---- jobs ---- */

static void
write_steps(const struct writer *writer, const struct plan_job *job)
{
	struct writer below = {writer->out, writer->depth + 1, writer->escapes_tags};
	size_t i;

	if (job->type != PLAN_JOB_BUILD)
		return;
	write_key(writer, "steps");
	if (job->step_count == 0)
		buffer_puts(writer->out, " []");
	buffer_puts(writer->out, "\n");
	for (i = 0; i < job->step_count; i++)
		write_step(&below, &job->steps[i]);
}

void
plan_write_job(const struct plan_job *job, struct buffer *out, unsigned depth, bool escapes_tags)
{
	struct writer writer = {out, depth, escapes_tags};

	if (job->type != PLAN_JOB_BUILD)
		write_text(&writer, "type", plan_job_type_name(job->type));
	if (job->type == PLAN_JOB_LOCK || job->type == PLAN_JOB_UNLOCK)
		write_text(&writer, "key", job->serial_group);
	write_executor(&writer, &job->executor);
	write_text(&writer, "resource_class", job->resource_class);
	write_strings(&writer, "shell", &job->shell);
	write_text(&writer, "working_directory", job->working_directory);
	write_environment(&writer, "environment", &job->environment);
	if (job->parallelism > 1)
		write_number(&writer, "parallelism", job->parallelism);
	if (job->retention_days > 0) {
		write_key(&writer, "retention");
		buffer_puts(out, "\n");
		plan_write_indent(out, depth + 1);
		buffer_printf(out, "caches: %ud\n", job->retention_days);
	}
	write_steps(&writer, job);
}
