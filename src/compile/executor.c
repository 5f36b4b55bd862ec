/*
 * executor.c - where a job runs: docker, machine, macos; named executors and their merge
 * with the job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/executor.h"

#include <string.h>

#include "compile/environment.h"
#include "compile/names.h"
#include "compile/substitute.h"
#include "compile/tree.h"

static const char *const type_keys[] = {"docker", "machine", "macos", NULL};

/* ---- named executors ---- */

static const char *
reference_name(struct compilation *c, const struct node *reference)
{
	const struct node *name = reference;

	if (reference->flags & TREE_BAD)
		return NULL;
	if (reference->kind == NODE_MAP) {
		name = node_get(reference, "name");
		if (name == NULL) {
			comp_error(c, reference, "E_EXEC_NAME",
				   "write 'name: EXECUTOR' beside its arguments",
				   "an executor with arguments needs the key 'name'");
			return NULL;
		}
	}
	return tree_string(c, name, "key 'executor'");
}

static const struct node *
reference_at(const struct node *reference)
{
	return reference->kind == NODE_MAP ? node_get(reference, "name") : reference;
}

bool
executor_exists(struct compilation *c, const struct node *reference)
{
	const struct home *home = reference->home;
	const char *name = reference_name(c, reference);

	return name != NULL && (home == NULL || space_find(c, home->space, ELEMENT_EXECUTOR, name,
							   reference_at(reference)) != NULL);
}

static const struct node *
bind_and_fill(struct compilation *c, struct element *element, const struct node *reference)
{
	static const char *const attributes[] = {"name", NULL};
	struct bindings bindings = {0};
	struct call call = {.what = comp_printf(c, "executor '%s'", element->full_name),
			    .at = reference,
			    .arguments = reference->kind == NODE_MAP ? reference : NULL,
			    .attributes = attributes};
	struct scope scope = space_scope(element->space, &bindings);

	if (!params_bind(c, &element->parameters, &call, &bindings))
		return NULL;
	element->is_expanded = true;
	return substitute_body(c, &scope, element->body);
}

const struct node *
executor_resolve(struct compilation *c, const struct space *space, const struct node *reference)
{
	const struct home *home = reference->home;
	const char *name = reference_name(c, reference);
	struct element *element;
	const struct node *body;
	struct link link;

	if (name == NULL)
		return NULL;
	element = space_find(c, home != NULL ? home->space : space, ELEMENT_EXECUTOR, name,
			     reference_at(reference));
	if (element == NULL || element->is_bad)
		return NULL;
	comp_enter(c, &link, "executor", element->full_name);
	comp_work_tree(c, element->body, NULL);
	body = bind_and_fill(c, element, reference);
	comp_exit(c);
	return body;
}

/* ---- docker ---- */

static const char *
optional_string(struct compilation *c, const struct node *map, const char *key, const char *what)
{
	const struct node *value = node_get(map, key);

	return value != NULL ? tree_string(c, value, what) : NULL;
}

static void
optional_strings(struct compilation *c, const struct node *map, const char *key, const char *what,
		 struct plan_strings *out)
{
	const struct node *value = node_get(map, key);

	if (value != NULL && value->kind != NODE_NULL)
		(void)tree_strings(c, value, what, out);
}

static void
read_auth(struct compilation *c, const struct node *map, const char *key, const char *const *keys,
	  struct plan_environment *out)
{
	const struct node *auth = node_get(map, key);
	const char *what = comp_printf(c, "key '%s'", key), *value;
	uint32_t i;

	if (auth == NULL || !tree_expect(c, auth, NODE_MAP, what))
		return;
	tree_check_keys(c, auth, keys, "E_KEY", what);
	for (i = 0; i < auth->count; i++) {
		value = tree_string(c, auth->pairs[i].value, what);
		if (value != NULL)
			environment_set(c, out,
					comp_printf(c, "%s.%s", key, auth->pairs[i].key->text),
					value);
	}
}

static void
read_image(struct compilation *c, const struct node *map, struct plan_image *image)
{
	static const char *const keys[] = {"image",    "name",	      "entrypoint", "command",
					   "user",     "environment", "auth",	    "aws_auth",
					   "gcp_auth", "ports",	      NULL};
	static const char *const auth[] = {"username", "password", NULL};
	static const char *const aws[] = {"aws_access_key_id", "aws_secret_access_key",
					  "oidc_role_arn", NULL};
	static const char *const gcp[] = {"oidc_service_account", "workload_identity_pool",
					  "workload_identity_provider", NULL};
	const struct node *name;

	comp_work(c, 20);
	if (!tree_expect(c, map, NODE_MAP, "an item of 'docker'"))
		return;
	tree_check_keys(c, map, keys, "E_KEY", "an item of 'docker'");
	if (node_get(map, "ports") != NULL)
		comp_error(c, node_get_pair(map, "ports")->key, "W_EXTRANEOUS", "remove it",
			   "'ports' is ignored: every port of a service is reached on localhost");
	name = tree_need(c, map, "image", "an item of 'docker'");
	image->image = name != NULL ? tree_string(c, name, "key 'image'") : NULL;
	image->name = optional_string(c, map, "name", "key 'name'");
	image->user = optional_string(c, map, "user", "key 'user'");
	optional_strings(c, map, "entrypoint", "key 'entrypoint'", &image->entrypoint);
	optional_strings(c, map, "command", "key 'command'", &image->command);
	environment_read_container(c, node_get(map, "environment"), &image->environment);
	read_auth(c, map, "auth", auth, &image->auth);
	read_auth(c, map, "aws_auth", aws, &image->auth);
	read_auth(c, map, "gcp_auth", gcp, &image->auth);
}

static void
read_docker(struct compilation *c, struct job_build *build, const struct pair *pair)
{
	const struct compile_policy *policy = &c->input->policy;
	struct plan_executor *executor = &build->job->executor;
	const struct node *list = pair->value;
	uint32_t i;

	executor->kind = PLAN_EXECUTOR_DOCKER;
	if (!tree_expect(c, list, NODE_SEQ, "key 'docker'"))
		return;
	if (list->count == 0) {
		comp_error(c, list, "E_SHAPE", "name an image: '- image: cimg/base:current'",
			   "key 'docker': at least one image is needed");
		return;
	}
	executor->images = COMP_NEW_ARRAY(c, struct plan_image, list->count);
	executor->image_count = list->count;
	for (i = 0; i < list->count; i++)
		read_image(c, list->items[i], &executor->images[i]);
	if (!policy->docker_on_host && !(policy->supported & FEATURE_DOCKER))
		job_refuse(
			c, build, pair->key,
			"--executor host runs the steps on this machine instead",
			"this job asks for a container (docker:), which this runner cannot start");
	if (list->count > 1)
		job_need(c, build, list->items[1], FEATURE_DOCKER_SERVICES,
			 "a second image under 'docker'");
}

/* ---- machine, macos ---- */

static void
read_machine(struct compilation *c, struct job_build *build, const struct pair *pair)
{
	static const char *const keys[] = {
		"image", "docker_layer_caching", "enabled", "resource_class", "shell", NULL};
	struct plan_executor *executor = &build->job->executor;
	const struct node *body = pair->value, *caching;

	executor->kind = PLAN_EXECUTOR_MACHINE;
	if (body->kind == NODE_BOOL) {
		if (!body->boolean)
			comp_error(c, body, "E_EXEC_NONE", "write 'machine: true'",
				   "'machine: false' leaves the job without an executor");
		return;
	}
	if (body->kind == NODE_STRING) {
		executor->image = body->text;
		return;
	}
	if (!tree_expect(c, body, NODE_MAP, "key 'machine'"))
		return;
	tree_check_keys(c, body, keys, "E_KEY", "key 'machine'");
	executor->image = optional_string(c, body, "image", "key 'image'");
	caching = node_get(body, "docker_layer_caching");
	if (caching != NULL)
		(void)tree_bool(c, caching, "key 'docker_layer_caching'",
				&executor->docker_layer_caching);
}

static void
read_macos(struct compilation *c, struct job_build *build, const struct pair *pair)
{
	static const char *const keys[] = {"xcode", "resource_class", "shell", "code_signing",
					   NULL};
	struct plan_executor *executor = &build->job->executor;
	const struct node *xcode;

	executor->kind = PLAN_EXECUTOR_MACOS;
	if (!tree_expect(c, pair->value, NODE_MAP, "key 'macos'"))
		return;
	tree_check_keys(c, pair->value, keys, "E_KEY", "key 'macos'");
	xcode = tree_need(c, pair->value, "xcode", "key 'macos'");
	executor->xcode = xcode != NULL ? tree_scalar(c, xcode, "key 'xcode'") : NULL;
	if (xcode != NULL && xcode->kind == NODE_FLOAT)
		comp_error(c, xcode, "W_NUMBER", "quote it",
			   "xcode: %s is a number: others read it without its last zeros",
			   xcode->text);
	if (!(c->input->policy.supported & FEATURE_MACOS))
		job_refuse(c, build, pair->key,
			   "use a machine: executor with a resource class of a macOS host of yours",
			   "this job asks for macOS (macos:), and this runner runs on Linux");
}

/* ---- all ---- */

static const struct pair *
find_type(struct compilation *c, const struct node *body)
{
	const struct pair *found = NULL;
	int i;

	for (i = 0; body != NULL && type_keys[i] != NULL; i++) {
		const struct pair *pair = node_get_pair(body, type_keys[i]);

		if (pair == NULL)
			continue;
		if (found != NULL)
			comp_error(c, pair->key, "E_EXEC_MULTI", "keep one of them",
				   "'%s' and '%s' exclude each other", found->key->text,
				   pair->key->text);
		found = pair;
	}
	return found;
}

bool
executor_has_type(const struct node *body)
{
	int i;

	for (i = 0; type_keys[i] != NULL; i++)
		if (node_get(body, type_keys[i]) != NULL)
			return true;
	return false;
}

/* Of the job, else what its type key nests, else the executor's. */
static const struct node *
find_key(const struct node *body, const struct node *named, const struct pair *type,
	 const char *key)
{
	const struct node *value = node_get(body, key);

	if (value == NULL)
		value = node_get(named, key);
	if (value == NULL && type != NULL)
		value = node_get(type->value, key);
	return value;
}

static void
read_class_and_shell(struct compilation *c, struct job_build *build, const struct node *body,
		     const struct node *named, const struct pair *type)
{
	struct plan_job *job = build->job;
	const struct node *class = find_key(body, named, type, "resource_class");
	const struct node *shell = find_key(body, named, type, "shell");

	if (class != NULL)
		job->resource_class = tree_string(c, class, "key 'resource_class'");
	if (shell != NULL)
		shell_read(c, shell, &job->shell);
	if (job->resource_class != NULL && job->executor.kind == PLAN_EXECUTOR_MACHINE &&
	    job->executor.image != NULL && name_is_own_resource_class(job->resource_class))
		comp_error(c, type->value, "W_EXTRANEOUS", "write 'machine: true'",
			   "the machine image is extraneous: resource class '%s' selects "
			   "self-hosted runners",
			   job->resource_class);
}

void
executor_read(struct compilation *c, struct job_build *build, const struct node *body,
	      const struct node *named)
{
	const struct pair *type = find_type(c, body);

	if (type == NULL)
		type = find_type(c, named);
	if (type == NULL) {
		if (named != NULL || node_get(body, "executor") == NULL)
			comp_error(c, body, "E_EXEC_NONE",
				   "add 'machine: true', 'docker:' or 'executor:'",
				   "the job does not say where it runs");
		return;
	}
	if (strcmp(type->key->text, "docker") == 0)
		read_docker(c, build, type);
	else if (strcmp(type->key->text, "machine") == 0)
		read_machine(c, build, type);
	else
		read_macos(c, build, type);
	read_class_and_shell(c, build, body, named, type);
}
