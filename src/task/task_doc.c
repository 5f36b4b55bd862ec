/*
 * task_doc.c - one task, fully expanded, from JSON and to it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/task_read.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "runner/protocol.h"
#include "task/cache_file.h"

enum {
	MAX_RUN_TIME_MS = 5 * 3600 * 1000,
	NODES_MOST = 1024,
	ARENA_MOST_BYTES = 4 * RUNNER_TASK_DOC_MOST_BYTES,
};

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
parse_source(struct task_doc *doc, const struct json *json, struct err *err)
{
	const struct json *source = json_get(json, "source");
	const char *kind = json_get_str(source, "kind");
	int rc;

	if (source == NULL || json_is_null(source))
		return 0;
	if (text_eq(kind, "directory")) {
		doc->source.kind = SOURCE_DIRECTORY;
		rc = task_need_text(doc, source, "path", &doc->source.path, err);
	} else if (text_eq(kind, "git")) {
		doc->source.kind = SOURCE_GIT;
		rc = task_need_text(doc, source, "url", &doc->source.url, err);
		if (rc == 0)
			rc = task_take_text(doc, source, "revision", &doc->source.revision, err);
		if (rc == 0)
			rc = task_take_text(doc, source, "branch", &doc->source.branch, err);
		if (rc == 0)
			rc = task_take_text(doc, source, "tag", &doc->source.tag, err);
	} else {
		rc = err_set(err, ERR_INPUT, "member 'kind' must be 'directory' or 'git'");
	}
	return rc < 0 ? err_wrap(err, "source") : 0;
}

static int
parse_ssh_key(struct task_doc *doc, struct task_ssh_key *key, const struct json *json,
	      struct err *err)
{
	int rc;

	if (!json_is_object(json))
		return err_set(err, ERR_INPUT, "must be an object");
	key->hostname = "";
	rc = task_need_text(doc, json, "fingerprint", &key->fingerprint, err);
	if (rc == 0)
		rc = task_take_text(doc, json, "md5", &key->md5, err);
	if (rc == 0)
		rc = task_take_text(doc, json, "hostname", &key->hostname, err);
	if (rc == 0)
		rc = task_need_text(doc, json, "private_key", &key->key, err);
	return rc;
}

static int
parse_ssh_keys(struct task_doc *doc, const struct json *json, struct err *err)
{
	struct task_ssh_key *keys;
	struct json *list = NULL;
	size_t i;
	int rc;

	if (json_get(json, "ssh_keys") == NULL || json_is_null(json_get(json, "ssh_keys")))
		return 0;
	rc = json_need_array(json, "ssh_keys", TASK_SSH_KEYS_MOST, &list, err);
	if (rc < 0)
		return rc;
	keys = ARENA_NEW_ARRAY(&doc->arena, struct task_ssh_key, json_count(list) + 1);
	if (keys == NULL)
		return task_too_large(err);
	for (i = 0; rc == 0 && i < json_count(list); i++)
		rc = parse_ssh_key(doc, &keys[i], json_at(list, i), err);
	if (rc < 0)
		return err_wrap(err, "ssh key %zu", i - 1);
	doc->ssh_keys = keys;
	doc->ssh_key_count = json_count(list);
	return 0;
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
		rc = err_set(err, ERR_INPUT,
			     "the task document has version %lld, this agent reads up to %d",
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
	rc = task_need_text(doc, json, "token", &doc->token, err);
	if (rc < 0)
		return rc;
	rc = json_need_int(json, "lease_ms", 1000, TASK_TIME_MOST_MS, &value, err);
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
	rc = task_need_text(doc, job, "id", &doc->job_id, err);
	if (rc == 0)
		rc = task_need_text(doc, job, "name", &doc->job_name, err);
	if (rc == 0)
		rc = json_need_int(job, "number", 1, INT64_MAX, &number, err);
	if (rc < 0)
		return err_wrap(err, "job");
	doc->job_number = (uint64_t)number;
	rc = task_take_text(doc, json_get(json, "workflow"), "name", &doc->workflow_name, err);
	if (rc == 0)
		rc = task_take_text(doc, json_get(json, "project"), "slug", &doc->project_slug,
				    err);
	if (rc == 0)
		rc = task_need_text(doc, json, "resource_class", &doc->resource_class, err);
	return rc;
}

static bool
is_empty_list(const struct json *json)
{
	return json_is_array(json) && json_count(json) == 0;
}

static int
take_mask(struct task_doc *doc, const struct json *json, struct err *err)
{
	const struct json *list = json_get(json, "mask");

	if (list != NULL && !is_empty_list(list) &&
	    task_take_words(doc, json, "mask", TASK_MASKS_MOST, &doc->mask, err) < 0)
		return err->code;
	return task_take_number(json, "mask_own", 0, (int64_t)json_count(list), &doc->mask_own,
				err);
}

static int
parse_surroundings(struct task_doc *doc, const struct json *json, struct err *err)
{
	uint64_t index = 0, total = 1;
	int rc;

	rc = task_take_number(json, "node_total", 1, NODES_MOST, &total, err);
	if (rc == 0)
		rc = task_take_number(json, "node_index", 0, (int64_t)total - 1, &index, err);
	if (rc == 0)
		rc = task_take_words(doc, json, "shell", TASK_SHELL_WORDS_MOST, &doc->shell, err);
	if (rc == 0)
		rc = task_take_text(doc, json, "working_directory", &doc->working_directory, err);
	if (rc == 0)
		rc = task_take_environment(doc, json, &doc->environment, &doc->environment_count,
					   err);
	if (rc == 0)
		rc = task_take_key_environment(doc, json, err);
	if (rc == 0)
		rc = task_take_number(json, "max_run_time_ms", 1, TASK_TIME_MOST_MS,
				      &doc->max_run_time_ms, err);
	if (rc == 0)
		rc = task_take_number(json, "cache_keep_ms", 1, CACHE_KEEP_MS, &doc->cache_keep_ms,
				      err);
	if (rc == 0)
		rc = task_take_bool(json, "no_new_privs", &doc->no_new_privs, err);
	if (rc == 0)
		rc = task_take_bool(json, "archives_at_hub", &doc->archives_at_hub, err);
	if (rc == 0)
		rc = take_mask(doc, json, err);
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
		rc = parse_ssh_keys(doc, json, err);
	if (rc == 0)
		rc = layers_read(&doc->workspace, &doc->arena, json_get(json, "workspace"), err);
	if (rc == 0)
		rc = task_read_steps(doc, json, err);
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
	if (text == NULL || !id_parse(id, text) || value < 1 || value > UINT32_MAX ||
	    *token == NULL)
		return false;
	*epoch = (uint32_t)value;
	return true;
}

/* --- write ----------------------------------------------------------------------- */

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
		json_put(json, "shell", task_write_words(doc->shell));
	json_put_str(json, "working_directory", doc->working_directory);
	json_put(json, "environment",
		 task_write_environment(doc->environment, doc->environment_count));
	if (doc->key_environment_count > 0)
		json_put(json, "key_environment",
			 task_write_environment(doc->key_environment, doc->key_environment_count));
	json_put_int(json, "max_run_time_ms", (int64_t)doc->max_run_time_ms);
	if (doc->cache_keep_ms > 0)
		json_put_int(json, "cache_keep_ms", (int64_t)doc->cache_keep_ms);
	json_put_bool(json, "no_new_privs", doc->no_new_privs);
	if (doc->archives_at_hub)
		json_put_bool(json, "archives_at_hub", true);
	if (doc->mask != NULL)
		json_put(json, "mask", task_write_words(doc->mask));
	if (doc->mask_own > 0)
		json_put_int(json, "mask_own", (int64_t)doc->mask_own);
	if (doc->source.kind != SOURCE_NONE)
		json_put(json, "source", write_source(&doc->source));
	if (doc->workspace.count > 0)
		json_put(json, "workspace", layers_write(&doc->workspace));
	json_put(json, "steps", task_write_steps(doc));
	return json;
}
