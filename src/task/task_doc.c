/*
 * task_doc.c - one task, fully expanded, from JSON and to it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/task_doc.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "runner/protocol.h"

enum {
	MAX_RUN_TIME_MS = 5 * 3600 * 1000,
	NO_OUTPUT_TIMEOUT_MS = 600 * 1000,
	TIME_MOST_MS = INT32_MAX, /* 24 days */
	ENVIRONMENT_MOST = 4096,
	SHELL_WORDS_MOST = 64,
	NODES_MOST = 1024,
	ARENA_MOST_BYTES = 4 * RUNNER_TASK_DOC_MOST_BYTES,
};

static const char *const when_names[] = {"on_success", "on_fail", "always"};
static const char *const kind_names[] = {"run", "checkout"};

const char *
step_when_name(enum step_when when)
{
	return when_names[when];
}

bool
step_when_parse(enum step_when *out, const char *name)
{
	int i;

	for (i = 0; i < 3; i++)
		if (text_eq(name, when_names[i])) {
			*out = (enum step_when)i;
			return true;
		}
	return false;
}

struct task_doc *
task_doc_new(void)
{
	struct task_doc *doc = MEM_NEW(struct task_doc);

	arena_init(&doc->arena, ARENA_MOST_BYTES);
	doc->workflow_name = doc->project_slug = "";
	doc->node_total = 1;
	doc->working_directory = "~/project";
	doc->max_run_time_ms = MAX_RUN_TIME_MS;
	doc->no_new_privs = true;
	return doc;
}

void
task_doc_free(struct task_doc *doc)
{
	if (doc == NULL)
		return;
	arena_release(&doc->arena);
	free(doc);
}

/* --- read ------------------------------------------------------------------------ */

static int
too_large(struct err *err)
{
	return err_set(err, ERR_LIMIT, "the task document is too large");
}

static int
keep(struct task_doc *doc, const char **out, const char *text, struct err *err)
{
	*out = arena_strdup(&doc->arena, text);
	return *out != NULL ? 0 : too_large(err);
}

static int
need_text(struct task_doc *doc, const struct json *json, const char *key, const char **out,
	  struct err *err)
{
	const char *text = NULL;
	int rc = json_need_str(json, key, &text, err);

	return rc < 0 ? rc : keep(doc, out, text, err);
}

/* An absent or null member leaves *out; one of another kind is an error. */
static int
take_text(struct task_doc *doc, const struct json *json, const char *key, const char **out,
	  struct err *err)
{
	const struct json *value = json_get(json, key);

	if (value == NULL || json_is_null(value))
		return 0;
	return need_text(doc, json, key, out, err);
}

static int
take_number(const struct json *json, const char *key, int64_t least, int64_t most, uint64_t *out,
	    struct err *err)
{
	int64_t value = 0;
	int rc;

	if (json_get(json, key) == NULL)
		return 0;
	rc = json_need_int(json, key, least, most, &value, err);
	if (rc == 0)
		*out = (uint64_t)value;
	return rc;
}

static int
take_bool(const struct json *json, const char *key, bool *out, struct err *err)
{
	const struct json *value = json_get(json, key);

	if (value == NULL)
		return 0;
	if (!json_is_bool(value))
		return err_set(err, ERR_INPUT, "member '%s' must be true or false", key);
	*out = json_bool_value(value);
	return 0;
}

static int
take_words(struct task_doc *doc, const struct json *json, const char *key,
	   const char *const **out, struct err *err)
{
	struct json *list = NULL;
	const char **words;
	size_t i, n;
	int rc;

	if (json_get(json, key) == NULL)
		return 0;
	rc = json_need_array(json, key, SHELL_WORDS_MOST, &list, err);
	if (rc < 0)
		return rc;
	n = json_count(list);
	if (n == 0)
		return err_set(err, ERR_INPUT, "member '%s' must not be empty", key);
	words = ARENA_NEW_ARRAY(&doc->arena, const char *, n + 1);
	if (words == NULL)
		return too_large(err);
	for (i = 0; i < n; i++) {
		if (!json_is_string(json_at(list, i)))
			return err_set(err, ERR_INPUT, "member '%s' must be a list of strings", key);
		rc = keep(doc, &words[i], json_str(json_at(list, i)), err);
		if (rc < 0)
			return rc;
	}
	*out = words;
	return 0;
}

static bool
is_env_name(const char *name)
{
	const char *p;

	for (p = name; *p != '\0'; p++)
		if (!(*p == '_' || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (p > name && *p >= '0' && *p <= '9')))
			return false;
	return p > name;
}

static int
take_environment(struct task_doc *doc, const struct json *json, const struct env_var **out,
		 size_t *count, struct err *err)
{
	struct json *map = NULL;
	struct env_var *vars;
	size_t n = 0;
	void *it;
	int rc;

	if (json_get(json, "environment") == NULL)
		return 0;
	rc = json_need_object(json, "environment", &map, err);
	if (rc < 0)
		return rc;
	if (json_count(map) > ENVIRONMENT_MOST)
		return err_set(err, ERR_LIMIT, "environment has %zu variables, at most %d are allowed",
			       json_count(map), ENVIRONMENT_MOST);
	vars = ARENA_NEW_ARRAY(&doc->arena, struct env_var, json_count(map) + 1);
	if (vars == NULL)
		return too_large(err);
	for (it = json_first(map); it != NULL; it = json_next(map, it), n++) {
		if (!is_env_name(json_key(it)))
			return err_set(err, ERR_INPUT, "environment has the name '%.64s': letters, digits and _ are allowed",
				       json_key(it));
		if (!json_is_string(json_value(it)))
			return err_set(err, ERR_INPUT, "environment variable '%.64s' must be a string",
				       json_key(it));
		rc = keep(doc, &vars[n].name, json_key(it), err);
		if (rc == 0)
			rc = keep(doc, &vars[n].value, json_str(json_value(it)), err);
		if (rc < 0)
			return rc;
	}
	*out = vars;
	*count = n;
	return 0;
}

static int
parse_run_step(struct task_doc *doc, struct task_step *step, const struct json *json,
	       struct err *err)
{
	const char *when = json_get_str(json, "when");
	uint64_t reruns = 0;
	int rc;

	rc = need_text(doc, json, "command", &step->command, err);
	if (rc == 0)
		rc = take_words(doc, json, "shell", &step->shell, err);
	if (rc == 0)
		rc = take_environment(doc, json, &step->environment, &step->environment_count, err);
	if (rc == 0)
		rc = take_text(doc, json, "working_directory", &step->working_directory, err);
	if (rc == 0)
		rc = take_bool(json, "background", &step->background, err);
	if (rc == 0)
		rc = take_number(json, "no_output_timeout_ms", 1, TIME_MOST_MS,
				 &step->no_output_timeout_ms, err);
	if (rc == 0)
		rc = take_number(json, "max_auto_reruns", 0, 5, &reruns, err);
	if (rc == 0)
		rc = take_number(json, "auto_rerun_delay_ms", 0, 600000, &step->auto_rerun_delay_ms, err);
	if (rc < 0)
		return rc;
	step->max_auto_reruns = (unsigned)reruns;
	if (json_get(json, "when") != NULL && !step_when_parse(&step->when, when))
		return err_set(err, ERR_INPUT, "member 'when' must be on_success, on_fail or always");
	return 0;
}

static int
parse_step(struct task_doc *doc, struct task_step *step, const struct json *json, struct err *err)
{
	int rc;

	if (!json_is_object(json))
		return err_set(err, ERR_INPUT, "must be an object");
	step->no_output_timeout_ms = NO_OUTPUT_TIMEOUT_MS;
	step->path = ".";
	rc = need_text(doc, json, "kind", &step->kind_name, err);
	if (rc == 0)
		rc = need_text(doc, json, "name", &step->name, err);
	if (rc < 0)
		return rc;
	if (text_eq(step->kind_name, kind_names[STEP_RUN])) {
		step->kind = STEP_RUN;
		return parse_run_step(doc, step, json, err);
	}
	if (text_eq(step->kind_name, kind_names[STEP_CHECKOUT])) {
		step->kind = STEP_CHECKOUT;
		return take_text(doc, json, "path", &step->path, err);
	}
	step->kind = STEP_KIND_UNKNOWN;
	return 0;
}

static int
parse_steps(struct task_doc *doc, const struct json *json, struct err *err)
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
		return too_large(err);
	doc->step_count = json_count(list);
	for (i = 0; i < doc->step_count; i++) {
		rc = parse_step(doc, &doc->steps[i], json_at(list, i), err);
		if (rc < 0)
			return err_wrap(err, "step %zu", i);
	}
	return 0;
}

static int
parse_source(struct task_doc *doc, const struct json *json, struct err *err)
{
	const struct json *source = json_get(json, "source");
	const char *kind = json_get_str(source, "kind");
	int rc;

	if (source == NULL || json_is_null(source))
		return 0;
	if (text_eq(kind, "directory")) {
		doc->source.kind = SOURCE_DIRECTORY;
		rc = need_text(doc, source, "path", &doc->source.path, err);
	} else if (text_eq(kind, "git")) {
		doc->source.kind = SOURCE_GIT;
		rc = need_text(doc, source, "url", &doc->source.url, err);
		if (rc == 0)
			rc = take_text(doc, source, "revision", &doc->source.revision, err);
		if (rc == 0)
			rc = take_text(doc, source, "branch", &doc->source.branch, err);
		if (rc == 0)
			rc = take_text(doc, source, "tag", &doc->source.tag, err);
	} else {
		rc = err_set(err, ERR_INPUT, "member 'kind' must be 'directory' or 'git'");
	}
	return rc < 0 ? err_wrap(err, "source") : 0;
}

static int
parse_identity(struct task_doc *doc, const struct json *json, struct err *err)
{
	const char *text = NULL;
	int64_t value = 0;
	int rc;

	rc = json_need_int(json, "version", 1, INT32_MAX, &value, err);
	if (rc < 0)
		return rc;
	if (value > RUNNER_TASK_DOC) {
		rc = err_set(err, ERR_INPUT, "the task document has version %lld, this agent reads up to %d",
			     (long long)value, RUNNER_TASK_DOC);
		err_hint(err, "upgrade runnerd on this host");
		return rc;
	}
	rc = json_need_str(json, "id", &text, err);
	if (rc < 0)
		return rc;
	if (!id_parse(&doc->id, text))
		return err_set(err, ERR_INPUT, "member 'id' must be a UUID");
	rc = json_need_int(json, "epoch", 1, UINT32_MAX, &value, err);
	if (rc < 0)
		return rc;
	doc->epoch = (uint32_t)value;
	rc = need_text(doc, json, "token", &doc->token, err);
	if (rc < 0)
		return rc;
	rc = json_need_int(json, "lease_ms", 1000, TIME_MOST_MS, &value, err);
	if (rc == 0)
		doc->lease_ms = (uint64_t)value;
	return rc;
}

static int
parse_job(struct task_doc *doc, const struct json *json, struct err *err)
{
	struct json *job = NULL;
	int64_t number = 0;
	int rc = json_need_object(json, "job", &job, err);

	if (rc < 0)
		return rc;
	rc = need_text(doc, job, "id", &doc->job_id, err);
	if (rc == 0)
		rc = need_text(doc, job, "name", &doc->job_name, err);
	if (rc == 0)
		rc = json_need_int(job, "number", 1, INT64_MAX, &number, err);
	if (rc < 0)
		return err_wrap(err, "job");
	doc->job_number = (uint64_t)number;
	rc = take_text(doc, json_get(json, "workflow"), "name", &doc->workflow_name, err);
	if (rc == 0)
		rc = take_text(doc, json_get(json, "project"), "slug", &doc->project_slug, err);
	if (rc == 0)
		rc = need_text(doc, json, "resource_class", &doc->resource_class, err);
	return rc;
}

static int
parse_surroundings(struct task_doc *doc, const struct json *json, struct err *err)
{
	uint64_t index = 0, total = 1;
	int rc;

	rc = take_number(json, "node_total", 1, NODES_MOST, &total, err);
	if (rc == 0)
		rc = take_number(json, "node_index", 0, (int64_t)total - 1, &index, err);
	if (rc == 0)
		rc = take_words(doc, json, "shell", &doc->shell, err);
	if (rc == 0)
		rc = take_text(doc, json, "working_directory", &doc->working_directory, err);
	if (rc == 0)
		rc = take_environment(doc, json, &doc->environment, &doc->environment_count, err);
	if (rc == 0)
		rc = take_number(json, "max_run_time_ms", 1, TIME_MOST_MS, &doc->max_run_time_ms, err);
	if (rc == 0)
		rc = take_bool(json, "no_new_privs", &doc->no_new_privs, err);
	doc->node_index = (unsigned)index;
	doc->node_total = (unsigned)total;
	return rc;
}

int
task_doc_parse(struct task_doc **out, const struct json *json, struct err *err)
{
	struct task_doc *doc;
	int rc;

	if (!json_is_object(json))
		return err_set(err, ERR_INPUT, "a task document must be an object");
	doc = task_doc_new();
	rc = parse_identity(doc, json, err);
	if (rc == 0)
		rc = parse_job(doc, json, err);
	if (rc == 0)
		rc = parse_surroundings(doc, json, err);
	if (rc == 0)
		rc = parse_source(doc, json, err);
	if (rc == 0)
		rc = parse_steps(doc, json, err);
	if (rc < 0) {
		task_doc_free(doc);
		return rc;
	}
	*out = doc;
	return 0;
}

bool
task_doc_identity(const struct json *json, struct id *id, uint32_t *epoch, const char **token)
{
	const char *text = json_get_str(json, "id");
	int64_t value = json_get_int(json, "epoch", 0);

	*token = json_get_str(json, "token");
	if (text == NULL || !id_parse(id, text) || value < 1 || value > UINT32_MAX || *token == NULL)
		return false;
	*epoch = (uint32_t)value;
	return true;
}

/* --- write ----------------------------------------------------------------------- */

static struct json *
write_words(const char *const *words)
{
	struct json *list = json_new_array();

	for (; *words != NULL; words++)
		json_push(list, json_new_string(*words));
	return list;
}

static struct json *
write_environment(const struct env_var *vars, size_t count)
{
	struct json *map = json_new_object();
	size_t i;

	for (i = 0; i < count; i++)
		json_put_str(map, vars[i].name, vars[i].value);
	return map;
}

static struct json *
write_step(const struct task_step *step)
{
	struct json *json = json_new_object();

	json_put_str(json, "kind", step->kind == STEP_KIND_UNKNOWN ? step->kind_name : kind_names[step->kind]);
	json_put_str(json, "name", step->name);
	if (step->kind == STEP_CHECKOUT)
		json_put_str(json, "path", step->path);
	if (step->kind != STEP_RUN)
		return json;
	json_put_str(json, "command", step->command);
	if (step->shell != NULL)
		json_put(json, "shell", write_words(step->shell));
	if (step->environment_count > 0)
		json_put(json, "environment", write_environment(step->environment, step->environment_count));
	if (step->working_directory != NULL)
		json_put_str(json, "working_directory", step->working_directory);
	if (step->background)
		json_put_bool(json, "background", true);
	json_put_int(json, "no_output_timeout_ms", (int64_t)step->no_output_timeout_ms);
	json_put_str(json, "when", when_names[step->when]);
	if (step->max_auto_reruns > 0) {
		json_put_int(json, "max_auto_reruns", step->max_auto_reruns);
		json_put_int(json, "auto_rerun_delay_ms", (int64_t)step->auto_rerun_delay_ms);
	}
	return json;
}

static struct json *
write_source(const struct task_source *source)
{
	struct json *json = json_new_object();

	if (source->kind == SOURCE_DIRECTORY) {
		json_put_str(json, "kind", "directory");
		json_put_str(json, "path", source->path);
		return json;
	}
	json_put_str(json, "kind", "git");
	json_put_str(json, "url", source->url);
	json_put_str(json, "revision", source->revision);
	json_put_str(json, "branch", source->branch);
	json_put_str(json, "tag", source->tag);
	return json;
}

struct json *
task_doc_write(const struct task_doc *doc)
{
	struct json *json = json_new_object(), *part;
	char id[ID_TEXT_BYTES];
	size_t i;

	json_put_int(json, "version", RUNNER_TASK_DOC);
	json_put_str(json, "id", id_text(id, &doc->id));
	json_put_int(json, "epoch", doc->epoch);
	json_put_str(json, "token", doc->token);
	json_put_int(json, "lease_ms", (int64_t)doc->lease_ms);
	part = json_new_object();
	json_put_str(part, "id", doc->job_id);
	json_put_str(part, "name", doc->job_name);
	json_put_int(part, "number", (int64_t)doc->job_number);
	json_put(json, "job", part);
	part = json_new_object();
	json_put_str(part, "name", doc->workflow_name);
	json_put(json, "workflow", part);
	part = json_new_object();
	json_put_str(part, "slug", doc->project_slug);
	json_put(json, "project", part);
	json_put_str(json, "resource_class", doc->resource_class);
	json_put_int(json, "node_index", doc->node_index);
	json_put_int(json, "node_total", doc->node_total);
	if (doc->shell != NULL)
		json_put(json, "shell", write_words(doc->shell));
	json_put_str(json, "working_directory", doc->working_directory);
	json_put(json, "environment", write_environment(doc->environment, doc->environment_count));
	json_put_int(json, "max_run_time_ms", (int64_t)doc->max_run_time_ms);
	json_put_bool(json, "no_new_privs", doc->no_new_privs);
	if (doc->source.kind != SOURCE_NONE)
		json_put(json, "source", write_source(&doc->source));
	part = json_new_array();
	for (i = 0; i < doc->step_count; i++)
		json_push(part, write_step(&doc->steps[i]));
	json_put(json, "steps", part);
	return json;
}
