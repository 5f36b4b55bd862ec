/*
 * input.c - a config, the values it is compiled with, and what it comes to.
 *
 * The values are those of CircleCI's own local compilation: a fixed pipeline id, number
 * 1, and what git says of the directory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/compile.h"
#include "ctl/orb_resolver.h"
#include "ctl/parameters.h"
#include "ctl/say.h"
#include "ctl/screen.h"
#include "format/json.h"
#include "runner/exit.h"

#define CONFIG_PATH ".circleci/config.yml"

enum { INPUT_MEMORY_BYTES = 4 << 20, INPUT_VALUES_MAX = 32 };

void
input_init(struct input *source)
{
	memset(source, 0, sizeof(*source));
	arena_init(&source->arena, INPUT_MEMORY_BYTES);
}

void
input_release(struct input *source)
{
	plan_free(source->plan);
	project_release(&source->project);
	free(source->path);
	free(source->root);
	free(source->bytes);
	free(source->parameters);
	arena_release(&source->arena);
}

/* --- options --------------------------------------------------------------------------- */

static int
set_executor(struct input *source, const char *value, struct err *err)
{
	if (text_eq(value, "docker")) {
		err->code = err_set(err, ERR_INPUT, "option '--executor docker': this version starts no containers");
		return err_hint(err, "host runs the steps of docker: jobs on this machine itself");
	}
	if (!text_eq(value, "auto") && !text_eq(value, "host"))
		return err_set(err, ERR_INPUT, "option '--executor' may be auto or host, not '%s'",
			       value);
	source->docker_on_host = text_eq(value, "host");
	return 0;
}

int
input_set(struct input *source, const struct option *option, const char *value, struct err *err)
{
	if (text_eq(option->name, "parameter"))
		return parameters_add(source, value, err);
	if (text_eq(option->name, "pipeline-parameters"))
		return parameters_add_yaml(source, value, err);
	if (text_eq(option->name, "executor"))
		return set_executor(source, value, err);
	if (text_eq(option->name, "branch"))
		source->branch = value;
	else
		source->tag = value;
	return 0;
}

/* --- reading --------------------------------------------------------------------------- */

static int
read_all(int fd, struct buffer *out, const char *path, struct err *err)
{
	void *room;
	ssize_t n;

	for (;;) {
		if (buffer_reserve(out, 64 * 1024, &room, err) < 0) {
			err->hint = NULL;
			return err_set(err, ERR_LIMIT, "config '%s' is larger than %d MiB", path,
				       COMPILE_CONFIG_MAX_BYTES >> 20);
		}
		n = read(fd, room, 64 * 1024);
		if (n == 0)
			return 0;
		if (n > 0)
			buffer_grew(out, (size_t)n);
		else if (errno != EINTR)
			return err_sys(err, "cannot read config '%s'", path);
	}
}

/* fd, unless it is a directory, which open(2) takes. */
static int
check_file(int fd, const char *path, struct err *err)
{
	struct stat status;

	if (fstat(fd, &status) != 0 || !S_ISDIR(status.st_mode))
		return fd;
	(void)close(fd);
	if (err_set(err, ERR_HOST, "config '%s' is a directory", path) < 0)
		err_hint(err, "name the file in it; of a project that is .circleci/config.yml");
	return err->code;
}

/* The named file; else the default one here, else the one at the top of the tree. */
static int
open_config(struct input *source, struct err *err)
{
	int fd;

	if (text_eq(source->file, "-")) {
		source->path = mem_strdup("standard input");
		return STDIN_FILENO;
	}
	source->path = mem_strdup(source->file != NULL ? source->file : CONFIG_PATH);
	fd = open(source->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && source->file == NULL && source->project.top != NULL) {
		free(source->path);
		source->path = mem_printf("%s/" CONFIG_PATH, source->project.top);
		fd = open(source->path, O_RDONLY | O_CLOEXEC);
	}
	if (fd >= 0)
		return check_file(fd, source->path, err);
	if (err_sys(err, "cannot open config '%s'", source->path) < 0 && source->file == NULL)
		err_hint(err, "call it in a project that has one, or name the file with -c FILE");
	return err->code;
}

/* An example within a larger tree has a .circleci of its own: that is the project then. */
static int
find_root(struct input *source, struct err *err)
{
	LOCAL_FREE char *config = realpath(source->path, NULL);
	char *slash = config != NULL ? strrchr(config, '/') : NULL;

	if (slash != NULL)
		*slash = '\0';
	if (slash != NULL && text_ends(config, "/.circleci")) {
		*strrchr(config, '/') = '\0';
		source->root = mem_strdup(config[0] != '\0' ? config : "/");
	} else {
		source->root =
			realpath(source->project.top != NULL ? source->project.top : ".", NULL);
	}
	if (source->root == NULL)
		return err_sys(err, "cannot tell the path of the project's directory");
	return 0;
}

int
input_read(struct input *source, struct loop *loop, struct err *err)
{
	struct buffer bytes;
	int fd, rc;

	if (project_read(&source->project, loop, NULL, err) < 0)
		return err->code;
	fd = open_config(source, err);
	if (fd < 0)
		return err->code;
	buffer_init(&bytes, COMPILE_CONFIG_MAX_BYTES + 64 * 1024);
	rc = read_all(fd, &bytes, source->path, err);
	if (fd != STDIN_FILENO)
		(void)close(fd);
	source->len = bytes.len;
	if (rc == 0)
		source->bytes = buffer_take_text(&bytes);
	buffer_release(&bytes);
	return rc == 0 ? find_root(source, err) : rc;
}

/* --- compiling --------------------------------------------------------------------------- */

struct values {
	struct compile_value list[INPUT_VALUES_MAX];
	size_t count;
};

static void
add_string(struct values *values, const char *name, const char *text)
{
	if (text != NULL)
		values->list[values->count++] = (struct compile_value){
			.name = name, .type = COMPILE_STRING, .string = text};
}

static void
add_git(struct values *values, const struct input *source)
{
	const struct project *project = &source->project;
	const char *branch = source->branch != NULL || source->tag != NULL ? source->branch
									     : project->branch;

	if (branch != NULL && project->default_branch != NULL)
		values->list[values->count++] = (struct compile_value){
			.name = "pipeline.git.branch.is_default",
			.type = COMPILE_BOOLEAN,
			.boolean = text_eq(branch, project->default_branch)};
	add_string(values, "pipeline.git.revision", project->revision);
	add_string(values, "pipeline.git.base_revision", project->revision);
	add_string(values, "pipeline.git.repo_url", project->remote);
	add_string(values, "pipeline.project.git_url",
		   project->remote != NULL ? project->remote : "");
	add_string(values, "pipeline.project.slug", project->slug != NULL ? project->slug : "");
	add_string(values, "pipeline.config.sha", project->revision);
}

static void
add_values(struct values *values, const struct input *source)
{
	add_string(values, "pipeline.id", "00000000-0000-0000-0000-000000000001");
	values->list[values->count++] = (struct compile_value){
		.name = "pipeline.number", .type = COMPILE_INTEGER, .integer = 1};
	add_string(values, "pipeline.project.type", "");
	add_string(values, "pipeline.trigger_source", "api");
	add_string(values, "pipeline.trigger.type", "api");
	add_string(values, "pipeline.event.name", "api");
	add_string(values, "pipeline.config.file_path", CONFIG_PATH);
	add_git(values, source);
}

struct orbs {
	const struct input *source;
	struct orb_resolver resolver;
	bool ready;
};

/* Once, however many references mean it. */
static void
note_orb(struct json *list, const char *ref, const void *bytes, size_t len)
{
	struct json *item;
	size_t i;

	for (i = 0; i < json_count(list); i++)
		if (text_eq(json_get_str(json_at(list, i), "ref"), ref))
			return;
	item = json_new_object();
	json_put_str(item, "ref", ref);
	json_put(item, "source", json_new_stringn(bytes, len));
	json_push(list, item);
}

/* A config without registry orbs has no lock file to be wrong: it is read for the first orb. */
static int
open_orbs(struct orbs *orbs, struct err *err)
{
	const char *slash = strrchr(orbs->source->path, '/');
	LOCAL_FREE char *directory =
		text_eq(orbs->source->file, "-")
			? mem_printf("%s/.circleci", orbs->source->root)
			: mem_strndup(slash != NULL ? orbs->source->path : ".",
				      slash != NULL ? (size_t)(slash - orbs->source->path) : 1);

	if (!orbs->ready && orb_resolver_init(&orbs->resolver, directory, err) < 0) {
		orb_resolver_release(&orbs->resolver);
		return err->code;
	}
	orbs->ready = true;
	return 0;
}

static int
give_orb(void *arg, const char *ref, void **bytes, size_t *len, char **path, char **resolved,
	 struct err *err)
{
	struct orbs *orbs = arg;

	if (open_orbs(orbs, err) < 0 ||
	    orb_resolver_give(&orbs->resolver, ref, bytes, len, path, resolved, err) < 0)
		return err->code;
	if (orbs->source->orbs != NULL)
		note_orb(orbs->source->orbs, *resolved, *bytes, *len);
	return 0;
}

int
input_gather_orbs(struct input *source, struct err *err)
{
	struct orbs orbs = {.source = source};
	char ref[ORB_REF_MAX_BYTES], *path, *resolved;
	const struct orb_pin *pin;
	void *bytes;
	size_t i, len;
	int rc = open_orbs(&orbs, err);

	for (i = 0; rc == 0 && i < orbs.resolver.lock.count; i++) {
		pin = &orbs.resolver.lock.pins[i];
		rc = give_orb(&orbs, orb_ref_text(ref, &pin->ref, &pin->ref.version), &bytes, &len,
			      &path, &resolved, err);
		if (rc < 0)
			break;
		free(bytes);
		free(path);
		free(resolved);
	}
	orb_resolver_release(&orbs.resolver);
	return rc;
}

int
input_compile(struct input *source, uint64_t features, struct diags **diags)
{
	struct values values = {.count = 0};
	struct orbs orbs = {.source = source};
	struct compile_input input = {
		.path = source->path, .bytes = source->bytes, .len = source->len};
	int rc;

	add_values(&values, source);
	input.values = values.list;
	input.value_count = values.count;
	input.parameters = source->parameters;
	input.parameter_count = source->parameter_count;
	input.branch = source->branch;
	input.tag = source->tag;
	/* A tag that is named is what is built; else the branch that is checked out. */
	if (input.branch == NULL && input.tag == NULL)
		input.branch = source->project.branch;
	input.policy.docker_on_host = source->docker_on_host;
	input.policy.supported = features;
	input.policy.selection = source->selection;
	input.orb = give_orb;
	input.orb_arg = &orbs;
	rc = compile(&input, &source->plan, diags);
	orb_resolver_release(&orbs.resolver);
	return rc;
}

void
input_say_diags(const struct diags *diags)
{
	struct buffer text = BUFFER_INIT;

	diags_print(diags, &text, screen_has_colour(STDERR_FILENO));
	say_foreign(&text);
	buffer_release(&text);
}

int
input_compile_aloud(struct input *source, uint64_t features)
{
	struct diags *diags = NULL;
	int rc = input_compile(source, features, &diags);

	input_say_diags(diags);
	diags_free(diags);
	return rc < 0 ? EXIT_NO : EXIT_OK;
}
