/*
 * task_read.c - members of a task document, read into its arena, and written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/task_read.h"

#include "base/err.h"
#include "format/json.h"

enum { ENVIRONMENT_MOST = 4096 };

int
task_too_large(struct err *err)
{
	return err_set(err, ERR_LIMIT, "the task document is too large");
}

static int
keep(struct task_doc *doc, const char **out, const char *text, struct err *err)
{
	*out = arena_strdup(&doc->arena, text);
	return *out != NULL ? 0 : task_too_large(err);
}

int
task_need_text(struct task_doc *doc, const struct json *json, const char *key, const char **out,
	       struct err *err)
{
	const char *text = NULL;
	int rc = json_need_str(json, key, &text, err);

	return rc < 0 ? rc : keep(doc, out, text, err);
}

/* An absent or null member leaves *out; one of another kind is an error. */
int
task_take_text(struct task_doc *doc, const struct json *json, const char *key, const char **out,
	       struct err *err)
{
	const struct json *value = json_get(json, key);

	if (value == NULL || json_is_null(value))
		return 0;
	return task_need_text(doc, json, key, out, err);
}

int
task_take_number(const struct json *json, const char *key, int64_t least, int64_t most,
		 uint64_t *out, struct err *err)
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

int
task_take_bool(const struct json *json, const char *key, bool *out, struct err *err)
{
	const struct json *value = json_get(json, key);

	if (value == NULL)
		return 0;
	if (!json_is_bool(value))
		return err_set(err, ERR_INPUT, "member '%s' must be true or false", key);
	*out = json_bool_value(value);
	return 0;
}

int
task_take_words(struct task_doc *doc, const struct json *json, const char *key, size_t most,
		const char *const **out, struct err *err)
{
	struct json *list = NULL;
	const char **words;
	size_t i, n;
	int rc;

	if (json_get(json, key) == NULL)
		return 0;
	rc = json_need_array(json, key, most, &list, err);
	if (rc < 0)
		return rc;
	n = json_count(list);
	if (n == 0)
		return err_set(err, ERR_INPUT, "member '%s' must not be empty", key);
	words = ARENA_NEW_ARRAY(&doc->arena, const char *, n + 1);
	if (words == NULL)
		return task_too_large(err);
	for (i = 0; i < n; i++) {
		if (!json_is_string(json_at(list, i)))
			return err_set(err, ERR_INPUT, "member '%s' must be a list of strings",
				       key);
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
take_variables(struct task_doc *doc, const struct json *json, const char *key, bool may_be_null,
	       const struct env_var **out, size_t *count, struct err *err)
{
	struct json *map = NULL;
	struct env_var *vars;
	size_t n = 0;
	bool is_null;
	void *it;
	int rc;

	if (json_get(json, key) == NULL)
		return 0;
	rc = json_need_object(json, key, &map, err);
	if (rc < 0)
		return rc;
	if (json_count(map) > ENVIRONMENT_MOST)
		return err_set(err, ERR_LIMIT, "%s has %zu variables, at most %d are allowed", key,
			       json_count(map), ENVIRONMENT_MOST);
	vars = ARENA_NEW_ARRAY(&doc->arena, struct env_var, json_count(map) + 1);
	if (vars == NULL)
		return task_too_large(err);
	for (it = json_first(map); it != NULL; it = json_next(map, it), n++) {
		if (!is_env_name(json_key(it)))
			return err_set(err, ERR_INPUT,
				       "%s has the name '%.64s': letters, digits and _ "
				       "are allowed",
				       key, json_key(it));
		is_null = may_be_null && json_is_null(json_value(it));
		if (!is_null && !json_is_string(json_value(it)))
			return err_set(err, ERR_INPUT, "%s variable '%.64s' must be a string", key,
				       json_key(it));
		rc = keep(doc, &vars[n].name, json_key(it), err);
		if (rc == 0 && !is_null)
			rc = keep(doc, &vars[n].value, json_str(json_value(it)), err);
		if (rc < 0)
			return rc;
	}
	*out = vars;
	*count = n;
	return 0;
}

int
task_take_environment(struct task_doc *doc, const struct json *json, const struct env_var **out,
		      size_t *count, struct err *err)
{
	return take_variables(doc, json, "environment", false, out, count, err);
}

int
task_take_key_environment(struct task_doc *doc, const struct json *json, struct err *err)
{
	return take_variables(doc, json, "key_environment", true, &doc->key_environment,
			      &doc->key_environment_count, err);
}

struct json *
task_write_words(const char *const *words)
{
	struct json *list = json_new_array();

	for (; *words != NULL; words++)
		json_push(list, json_new_string(*words));
	return list;
}

struct json *
task_write_environment(const struct env_var *vars, size_t count)
{
	struct json *map = json_new_object();
	size_t i;

	for (i = 0; i < count; i++)
		json_put_str(map, vars[i].name, vars[i].value);
	return map;
}
