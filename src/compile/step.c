/*
 * step.c - the built-in steps but run: one row each, with the keys it takes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/step.h"

#include <string.h>

#include "compile/step_run.h"
#include "compile/tree.h"
#include "task/cache_file.h"

enum { DEPTH_MAX = 1000000000 };

struct kind {
	const char *name;
	enum plan_step_kind kind;
	uint64_t feature;
	bool may_be_bare;
	const char *display; /* its name where "name" is not given */
	void (*read)(struct step_reading *reading);
	const char *keys[8];
};

/* ---- keys ---- */

static const char *
need_text(struct step_reading *reading, const char *key)
{
	const struct node *value = tree_need(reading->c, reading->body, key, reading->what);

	return value != NULL ? step_text(reading, key) : NULL;
}

static void
take_strings(struct step_reading *reading, const char *key, struct plan_strings *out)
{
	const struct node *value = node_get(reading->body, key);
	const char *what = comp_printf(reading->c, "key '%s'", key);

	if (value == NULL)
		return;
	/* One text for a list of one runs elsewhere. */
	if (value->kind == NODE_STRING && !(value->flags & TREE_BAD))
		comp_error(reading->c, value, "W_LIST",
			   comp_printf(reading->c, "write it in brackets: [%.60s]", value->text),
			   "%s is a list", what);
	else if (!tree_expect(reading->c, value, NODE_SEQ, what))
		return;
	(void)tree_strings(reading->c, value, what, out);
}

static void
need_paths(struct step_reading *reading)
{
	const struct node *paths = tree_need(reading->c, reading->body, "paths", reading->what);

	if (paths == NULL)
		return;
	take_strings(reading, "paths", &reading->step->paths);
	if (paths->kind == NODE_SEQ && paths->count == 0)
		comp_error(reading->c, paths, "E_SHAPE", NULL, "%s: at least one path is needed",
			   reading->what);
}

/* ---- checkout ---- */

static void
read_depth(struct step_reading *reading)
{
	const struct node *depth = node_get(reading->body, "depth");

	if (depth == NULL || depth->flags & TREE_BAD)
		return;
	if (reading->step->method != PLAN_CHECKOUT_SHALLOW)
		comp_error(reading->c, depth, "E_CHECKOUT", "add 'method: shallow'",
			   "'depth' belongs to method shallow only");
	else if (depth->kind != NODE_INT || depth->integer < 1 || depth->integer > DEPTH_MAX)
		comp_error(reading->c, depth, "E_CHECKOUT", NULL,
			   "'depth' must be an integer of at least 1");
	else
		reading->step->depth = (unsigned)depth->integer;
}

static void
read_checkout(struct step_reading *reading)
{
	const char *method = step_text(reading, "method");
	struct plan_step *step = reading->step;
	int i;

	step->path = step_text(reading, "path");
	for (i = 0; method != NULL && i < PLAN_CHECKOUT_COUNT; i++)
		if (strcmp(method, plan_checkout_name((enum plan_checkout)i)) == 0)
			break;
	if (i == PLAN_CHECKOUT_COUNT)
		comp_error(reading->c, node_get(reading->body, "method"), "E_CHECKOUT",
			   "one of: blobless, full, shallow", "there is no checkout method '%s'",
			   method);
	else
		step->method = (enum plan_checkout)i;
	if (step->method == PLAN_CHECKOUT_SHALLOW)
		step->depth = 1;
	read_depth(reading);
}

/* ---- caches ---- */

/*
 * What "{{ ... }}" becomes is known when the step runs, and is looked at then, too; what stands
 * around it is too long already here.
 */
static void
check_cache_key(struct step_reading *reading, const struct node *at)
{
	const char *p, *open, *close;
	size_t len = 0;

	if (at == NULL || at->kind != NODE_STRING || at->count <= CACHE_KEY_MOST)
		return;
	for (p = at->text; (open = strstr(p, "{{")) != NULL; p = close + 2) {
		len += (size_t)(open - p);
		close = strstr(open, "}}");
		if (close == NULL)
			return;
	}
	len += strlen(p);
	if (len > CACHE_KEY_MOST)
		comp_error(reading->c, at, "E_LIMIT",
			   "{{ checksum \"FILE\" }} stands for a long text",
			   "%s: the key has %zu bytes, the limit is %d", reading->what, len,
			   CACHE_KEY_MOST);
}

static void
read_save_cache(struct step_reading *reading)
{
	reading->step->key = need_text(reading, "key");
	check_cache_key(reading, node_get(reading->body, "key"));
	need_paths(reading);
	step_when(reading);
}

static void
read_restore_cache(struct step_reading *reading)
{
	const char *key = step_text(reading, "key");
	struct plan_strings more = {0}, *keys = &reading->step->keys;
	const struct node *list;
	size_t i;

	take_strings(reading, "keys", &more);
	if (node_get(reading->body, "key") == NULL && node_get(reading->body, "keys") == NULL) {
		comp_error(reading->c, reading->key, "E_KEY_MISSING", NULL,
			   "%s: required key [key] or [keys] not found", reading->what);
		return;
	}
	check_cache_key(reading, node_get(reading->body, "key"));
	list = node_get(reading->body, "keys");
	for (i = 0; i < more.count; i++)
		check_cache_key(reading, list->kind == NODE_SEQ ? list->items[i] : list);
	keys->items = COMP_NEW_ARRAY(reading->c, const char *, more.count + 1);
	if (key != NULL)
		keys->items[keys->count++] = key;
	for (i = 0; i < more.count; i++)
		keys->items[keys->count++] = more.items[i];
}

/* ---- results ---- */

/* These steps run whatever came before; a "when" beside them changes nothing. */
static void
read_always(struct step_reading *reading)
{
	const struct pair *when = node_get_pair(reading->body, "when");

	reading->step->when = PLAN_ALWAYS;
	if (when != NULL)
		comp_error(reading->c, when->key, "W_STEP_WHEN", "remove it",
			   "%s always runs, also after a failed step", reading->what);
}

static void
read_store_artifacts(struct step_reading *reading)
{
	reading->step->path = need_text(reading, "path");
	reading->step->destination = step_text(reading, "destination");
	read_always(reading);
}

static void
read_store_test_results(struct step_reading *reading)
{
	reading->step->path = need_text(reading, "path");
	read_always(reading);
}

/* ---- workspaces ---- */

static void
check_workspace_path(struct step_reading *reading, const struct node *path)
{
	const char *text = path->text;

	if (text[0] == '/' || strcmp(text, "..") == 0 || strncmp(text, "../", 3) == 0 ||
	    strstr(text, "/../") != NULL)
		comp_error(reading->c, path, "E_WORKSPACE_PATH", "paths are relative to 'root'",
			   "'%s' does not lie below the workspace's root", text);
	else if (strcmp(text, ".") == 0)
		comp_error(reading->c, path, "W_WORKSPACE_PATH", "name what is needed later",
			   "'.' keeps the whole of the workspace's root");
}

static void
read_persist_to_workspace(struct step_reading *reading)
{
	const struct node *paths = node_get(reading->body, "paths");
	uint32_t i;

	reading->step->root = need_text(reading, "root");
	need_paths(reading);
	for (i = 0; i < reading->step->paths.count; i++)
		check_workspace_path(reading, paths->kind == NODE_SEQ ? paths->items[i] : paths);
}

static void
read_attach_workspace(struct step_reading *reading)
{
	reading->step->path = need_text(reading, "at");
}

/* ---- keys, docker ---- */

static void
read_add_ssh_keys(struct step_reading *reading)
{
	take_strings(reading, "fingerprints", &reading->step->fingerprints);
}

static void
read_setup_remote_docker(struct step_reading *reading)
{
	const struct node *caching = node_get(reading->body, "docker_layer_caching");
	const struct node *version = node_get(reading->body, "version");

	if (caching != NULL)
		(void)tree_bool(reading->c, caching, "key 'docker_layer_caching'",
				&reading->step->docker_layer_caching);
	if (version != NULL)
		reading->step->version = step_text(reading, "version");
}

static const struct kind kinds[] = {
	{"checkout",
	 PLAN_STEP_CHECKOUT,
	 FEATURE_CHECKOUT,
	 true,
	 "Checkout code",
	 read_checkout,
	 {"path", "method", "depth", "name"}},
	{"save_cache",
	 PLAN_STEP_SAVE_CACHE,
	 FEATURE_CACHE,
	 false,
	 "Saving Cache",
	 read_save_cache,
	 {"paths", "key", "name", "when"}},
	{"restore_cache",
	 PLAN_STEP_RESTORE_CACHE,
	 FEATURE_CACHE,
	 false,
	 "Restoring Cache",
	 read_restore_cache,
	 {"key", "keys", "name"}},
	{"store_artifacts",
	 PLAN_STEP_STORE_ARTIFACTS,
	 FEATURE_ARTIFACTS,
	 false,
	 "Uploading artifacts",
	 read_store_artifacts,
	 {"path", "destination", "name", "when"}},
	{"store_test_results",
	 PLAN_STEP_STORE_TEST_RESULTS,
	 FEATURE_TEST_RESULTS,
	 false,
	 "Uploading test results",
	 read_store_test_results,
	 {"path", "name", "when"}},
	{"persist_to_workspace",
	 PLAN_STEP_PERSIST_TO_WORKSPACE,
	 FEATURE_WORKSPACE,
	 false,
	 "Persisting to Workspace",
	 read_persist_to_workspace,
	 {"root", "paths", "name"}},
	{"attach_workspace",
	 PLAN_STEP_ATTACH_WORKSPACE,
	 FEATURE_WORKSPACE,
	 false,
	 "Attaching Workspace",
	 read_attach_workspace,
	 {"at", "name"}},
	{"add_ssh_keys",
	 PLAN_STEP_ADD_SSH_KEYS,
	 FEATURE_SSH_KEYS,
	 true,
	 "Installing additional ssh keys",
	 read_add_ssh_keys,
	 {"fingerprints", "name"}},
	{"setup_remote_docker",
	 PLAN_STEP_SETUP_REMOTE_DOCKER,
	 FEATURE_REMOTE_DOCKER,
	 true,
	 "Setup a remote Docker engine",
	 read_setup_remote_docker,
	 {"docker_layer_caching", "version", "prefer_same_region", "name"}},
};

static const struct kind *
find_kind(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

bool
step_is_builtin(const char *name)
{
	return strcmp(name, "run") == 0 || strcmp(name, "deploy") == 0 ||
	       strcmp(name, "install_signing_bundle") == 0 || find_kind(name) != NULL;
}

void
step_suggest(struct suggestion *suggestion)
{
	size_t i;

	comp_suggest(suggestion, "run");
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		comp_suggest(suggestion, kinds[i].name);
}

/* ---- adding ---- */

static void
copy_chain(struct compilation *c, struct plan_step *step)
{
	const struct link *link;
	size_t n = 0;

	for (link = c->chain; link != NULL; link = link->up)
		n += strcmp(link->kind, "command") == 0;
	step->origin.items = COMP_NEW_ARRAY(c, const char *, n);
	step->origin.count = n;
	for (link = c->chain; link != NULL && n > 0; link = link->up)
		if (strcmp(link->kind, "command") == 0)
			step->origin.items[--n] = link->name;
}

static struct plan_step *
step_new(struct compilation *c, struct job_build *build, const struct node *key)
{
	struct plan_job *job = build->job;
	struct plan_step *step;

	job->steps = comp_grow(c, job->steps, job->step_count, sizeof(*step));
	step = &job->steps[job->step_count++];
	memset(step, 0, sizeof(*step));
	step->place = comp_plan_place(c, key);
	copy_chain(c, step);
	return step;
}

static bool
check_body(struct compilation *c, const struct kind *kind, const struct node *key,
	   const struct node *body)
{
	const char *what = comp_printf(c, "step '%s'", kind->name);

	if (body == NULL || body->kind == NODE_NULL) {
		if (kind->may_be_bare)
			return true;
		comp_error(c, key, "E_STEP_SHAPE", "indent its keys further than its name",
			   "%s needs keys below it", what);
		return false;
	}
	if (body->kind == NODE_MAP) {
		/* Configs that run elsewhere have such: 'paths' where a cache is restored. */
		tree_check_keys(c, body, kind->keys, "W_STEP_KEY", what);
		return true;
	}
	if (!(body->flags & TREE_BAD))
		comp_error(c, body, "E_STEP_SHAPE",
			   comp_printf(c, "write '%s:' below it", kind->keys[0]),
			   "%s: expected type: mapping, found: %s", what,
			   node_kind_name(body->kind));
	return false;
}

static void
add_typed(struct compilation *c, struct job_build *build, const struct kind *kind,
	  const struct node *key, const struct node *body)
{
	struct step_reading reading = {.c = c, .build = build, .key = key, .body = body};
	const char *name;

	if (!check_body(c, kind, key, body))
		return;
	job_need(c, build, key, kind->feature, comp_printf(c, "'%s'", kind->name));
	reading.what = comp_printf(c, "step '%s'", kind->name);
	reading.step = step_new(c, build, key);
	reading.step->kind = kind->kind;
	name = step_text(&reading, "name");
	reading.step->name = name != NULL ? name : kind->display;
	kind->read(&reading);
}

static void
add_run(struct compilation *c, struct job_build *build, const struct node *key,
	const struct node *body)
{
	struct step_reading reading = {.c = c, .build = build, .key = key, .body = body};

	if (strcmp(key->text, "deploy") == 0) {
		build->deploy = key;
		comp_error(c, key, "W_DEPLOY", "use 'run'", "step 'deploy' is deprecated");
	}
	reading.what = comp_printf(c, "step '%s'", key->text);
	if (!step_run_check(&reading))
		return;
	reading.step = step_new(c, build, key);
	step_run_read(&reading);
}

void
step_add(struct compilation *c, struct job_build *build, const struct node *key,
	 const struct node *body)
{
	const struct kind *kind = find_kind(key->text);

	if (kind != NULL)
		add_typed(c, build, kind, key, body);
	else if (strcmp(key->text, "install_signing_bundle") == 0)
		job_need(c, build, key, FEATURE_NEVER, "'install_signing_bundle'");
	else
		add_run(c, build, key, body);
}
