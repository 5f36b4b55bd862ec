/*
 * plan_text.c - a plan as config text, piece by piece.
 *
 * Strings are plain where nothing in them could be read otherwise, blocks where they have
 * lines, and quoted with escapes else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/plan_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "format/yaml.h"

enum { SPACES_PER_LEVEL = 2 };

/* Where to write, how deep, for which version. */
struct writer {
	struct buffer *out;
	unsigned depth;
	bool escapes_tags;
};

static void
write_indent(struct buffer *out, unsigned depth)
{
	buffer_printf(out, "%*s", (int)(depth * SPACES_PER_LEVEL), "");
}

/* ---- strings ---- */

/* Each "<<" becomes "\<<", backslashes before it doubled; the caller frees. */
static char *
escape_tags(const char *text)
{
	struct buffer out = BUFFER_INIT;
	const char *p = text;

	while (*p != '\0') {
		size_t slashes = strspn(p, "\\");

		if (strncmp(p + slashes, "<<", 2) == 0) {
			buffer_putn(&out, p, slashes);
			buffer_putn(&out, p, slashes);
			buffer_puts(&out, "\\<<");
			p += slashes + 2;
		} else {
			size_t n = slashes > 0 ? slashes : 1;

			buffer_putn(&out, p, n);
			p += n;
		}
	}
	return buffer_take_text(&out);
}

static bool
is_plain(const char *text)
{
	const char *p;

	if (*text == '\0' || yaml_is_ambiguous(text))
		return false;
	for (p = text; *p != '\0'; p++) {
		bool is_word = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			       (*p >= '0' && *p <= '9') || strchr("_./+", *p) != NULL;
		bool is_inside = p > text && p[1] != '\0' && strchr(" -@=,", *p) != NULL;

		if (!is_word && !is_inside && !(p > text && (*p == '-' || *p == '=')))
			return false;
	}
	return true;
}

/* Lines that a literal block gives back as they are. */
static bool
is_block(const char *text)
{
	size_t len = strlen(text);
	const char *p;

	if (strchr(text, '\n') == NULL || strchr(" \t\n", text[0]) != NULL)
		return false;
	if (len >= 2 && text[len - 1] == '\n' && text[len - 2] == '\n')
		return false;
	for (p = text; *p != '\0'; p++) {
		unsigned char ch = (unsigned char)*p;

		if ((ch < ' ' && ch != '\n' && ch != '\t') || ch >= 0x7f)
			return false;
	}
	return true;
}

static void
write_block(const char *text, struct buffer *out, unsigned depth)
{
	const char *p = text, *end;

	buffer_puts(out, text[strlen(text) - 1] == '\n' ? "|" : "|-");
	for (; *p != '\0'; p = *end == '\n' ? end + 1 : end) {
		end = strchrnul(p, '\n');
		buffer_puts(out, "\n");
		if (end > p)
			write_indent(out, depth);
		buffer_putn(out, p, (size_t)(end - p));
	}
}

/*
 * Characters that YAML does not take as they are, or takes for line ends: how many bytes
 * one at p has, and its code point. 0: p is an ordinary character.
 */
static size_t
special_at(const char *p, unsigned *code)
{
	const unsigned char *u = (const unsigned char *)p;

	*code = u[0];
	if (u[0] < ' ' || u[0] == 0x7f)
		return 1;
	if (u[0] == 0xc2 && u[1] < 0xa0) { /* C1 controls, NEL among them */
		*code = u[1];
		return 2;
	}
	if (u[0] == 0xe2 && u[1] == 0x80 && (u[2] == 0xa8 || u[2] == 0xa9)) { /* LS, PS */
		*code = 0x2000u + (u[2] & 0x3fu);
		return 3;
	}
	if (u[0] == 0xef && ((u[1] == 0xbb && u[2] == 0xbf) || (u[1] == 0xbf && u[2] >= 0xbe))) {
		*code = 0xf000u | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
		return 3;
	}
	return 0;
}

static void
write_quoted(const char *text, struct buffer *out)
{
	const char *p = text;

	buffer_puts(out, "\"");
	while (*p != '\0') {
		unsigned code;
		size_t special = special_at(p, &code);

		if (*p == '\n')
			buffer_puts(out, "\\n");
		else if (*p == '\t')
			buffer_puts(out, "\\t");
		else if (special > 0)
			buffer_printf(out, "\\u%04X", code);
		else if (*p == '"' || *p == '\\')
			buffer_printf(out, "\\%c", *p);
		else
			buffer_putn(out, p, 1);
		p += special > 0 ? special : 1;
	}
	buffer_puts(out, "\"");
}

void
plan_write_string(const char *text, struct buffer *out, unsigned depth, bool escapes_tags)
{
	char *escaped = escapes_tags ? escape_tags(text) : NULL;

	if (escaped != NULL)
		text = escaped;
	if (is_plain(text))
		buffer_puts(out, text);
	else if (is_block(text))
		write_block(text, out, depth);
	else
		write_quoted(text, out);
	free(escaped);
}

void
plan_write_key(const char *text, struct buffer *out, bool escapes_tags)
{
	char *escaped = escapes_tags ? escape_tags(text) : NULL;

	if (escaped != NULL)
		text = escaped;
	if (is_plain(text))
		buffer_puts(out, text);
	else
		write_quoted(text, out);
	free(escaped);
}

/* ---- keys ---- */

static void
write_key(const struct writer *writer, const char *key)
{
	write_indent(writer->out, writer->depth);
	buffer_printf(writer->out, "%s:", key);
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
		write_indent(writer->out, writer->depth + 1);
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
		write_indent(below.out, below.depth);
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

	write_indent(writer->out, writer->depth);
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

	write_indent(writer->out, writer->depth);
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
		buffer_printf(out, "\n%*scaches: %ud\n", (int)((depth + 1) * SPACES_PER_LEVEL), "",
			      job->retention_days);
	}
	write_steps(&writer, job);
}
