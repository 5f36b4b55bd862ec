/*
 * context.c - "context create", "list", "set", "remove", "delete", "import".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/context_calls.h"
#include "ctl/dotenv.h"
#include "ctl/environment.h"
#include "ctl/pages.h"
#include "ctl/project.h"
#include "ctl/say.h"
#include "ctl/show.h"
#include "ctl/secret.h"
#include "ctl/table.h"
#include "format/json.h"
#include "runner/exit.h"

static int context_create(int argc, char **argv);
static int context_list(int argc, char **argv);
static int context_set(int argc, char **argv);
static int context_remove(int argc, char **argv);
static int context_delete(int argc, char **argv);
static int context_import(int argc, char **argv);

static const struct option options[] = {
	{"org", 0, "VCS/OWNER", "the organization (default: the project's)"},
	{NULL, 0, NULL, NULL},
};

static const struct option set_options[] = {
	{"org", 0, "VCS/OWNER", "the organization (default: the project's)"},
	{"from-env", 0, "NAME", "take the value of this variable of the environment"},
	{NULL, 0, NULL, NULL},
};

const struct command context_create_command = {"context create", "NAME", "make a context", options,
					       context_create};
const struct command context_list_command = {
	"context list", "[NAME]", "list contexts, or the variables of one", options, context_list};
const struct command context_set_command = {
	"context set", "NAME VARIABLE [FILE|-]",
	"set a variable of a context, from a file or standard input", set_options, context_set};
const struct command context_remove_command = {"context remove", "NAME VARIABLE",
					       "delete a variable of a context", options,
					       context_remove};
const struct command context_delete_command = {
	"context delete", "NAME", "delete a context with its variables", options, context_delete};
const struct command context_import_command = {
	"context import", "NAME FILE", "set a variable of a context for each line of a file",
	options, context_import};

static const struct column context_columns[] = {
	{"NAME", "name"}, {"ORGANIZATION", "org_slug"}, {"CREATED", "created_at"}, {"ID", "id"},
	{NULL, NULL},
};

static const struct column variable_columns[] = {
	{"VARIABLE", "variable"},
	{"VALUE", "truncated_value"},
	{"UPDATED", "updated_at"},
	{NULL, NULL},
};

struct choice {
	const char *org, *from_env;
	const char *context; /* whose variables are listed; NULL: contexts are */
};

static int
set_choice(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct choice *choice = arg;

	(void)err;
	if (text_eq(option->name, "org"))
		choice->org = value;
	else
		choice->from_env = value;
	return 0;
}

/* Read the words of one; ARGS_GO, or the status to end with. */
static int
read_words(const struct command *command, struct choice *choice, int argc, char **argv, int *count,
	   int least, int most)
{
	int status = args_read(command, argc, argv, count, set_choice, choice);

	return status == ARGS_GO ? args_count(command, *count, least, most) : status;
}

/* --- which ------------------------------------------------------------------------------- */

/* The caller frees. */
static int
find_org(char **out, struct api *api, const struct choice *choice, struct err *err)
{
	char *end;

	if (choice->org != NULL) {
		*out = mem_strdup(choice->org);
		return 0;
	}
	if (project_slug(out, api_loop(api), err) < 0)
		return err->code;
	end = strrchr(*out, '/');
	if (end != NULL)
		*end = '\0';
	return 0;
}

static int
get_contexts(struct json **out, struct api *api, const struct choice *choice, struct err *err)
{
	LOCAL_FREE char *org = NULL;
	LOCAL_FREE char *path = NULL;

	if (find_org(&org, api, choice, err) < 0)
		return err->code;
	path = api_path("/api/v2/context?owner-slug=%s", org);
	return pages_get(out, api, path, err);
}

/* The path of the context of that name; the caller frees. */
static int
find_context(char **out, struct api *api, const struct choice *choice, const char *name,
	     struct err *err)
{
	struct json *list = NULL, *items;
	size_t i;

	*out = NULL;
	if (get_contexts(&list, api, choice, err) < 0)
		return err->code;
	items = json_get(list, "items");
	for (i = 0; i < json_count(items) && *out == NULL; i++)
		if (text_eq(json_get_str(json_at(items, i), "name"), name))
			*out = api_path("/api/v2/context/%s",
					json_get_str(json_at(items, i), "id"));
	json_free(list);
	if (*out != NULL)
		return 0;
	err->code = err_set(err, ERR_GONE, "there is no context '%s'", name);
	return err_hint(err, "'runnerctl context list' shows those there are");
}

/* --- create, list, delete ---------------------------------------------------------------- */

static int
create(struct json **out, struct api *api, const struct choice *choice, const char *name,
       struct err *err)
{
	LOCAL_FREE char *org = NULL;

	return find_org(&org, api, choice, err) < 0 ? err->code
						    : context_make(out, api, org, name, err);
}

static int
context_create(int argc, char **argv)
{
	struct choice choice = {.context = NULL};
	struct err err = ERR_INIT;
	struct json *context = NULL;
	struct api *api = NULL;
	int count, status;

	status = read_words(&context_create_command, &choice, argc, argv, &count, 1, 1);
	if (status != ARGS_GO)
		return status;
	if (api_open(&api, &err) < 0 || create(&context, api, &choice, argv[0], &err) < 0)
		status = say_error(&err);
	else
		status = table_print_one(context, context_columns);
	json_free(context);
	api_close(api);
	return status;
}

static int
get_variables(struct json **out, struct api *api, const struct choice *choice, const char *name,
	      struct err *err)
{
	LOCAL_FREE char *context = NULL;
	LOCAL_FREE char *path = NULL;

	if (find_context(&context, api, choice, name, err) < 0)
		return err->code;
	path = api_path("%p/environment-variable", context);
	return pages_get(out, api, path, err);
}

static int
fetch_list(struct json **out, struct api *api, const void *arg, struct err *err)
{
	const struct choice *choice = arg;

	return choice->context == NULL ? get_contexts(out, api, choice, err)
				       : get_variables(out, api, choice, choice->context, err);
}

static int
context_list(int argc, char **argv)
{
	struct choice choice = {.context = NULL};
	int count, status;

	status = read_words(&context_list_command, &choice, argc, argv, &count, 0, 1);
	if (status != ARGS_GO)
		return status;
	choice.context = count == 1 ? argv[0] : NULL;
	return show_fetched(fetch_list, &choice, count == 0 ? context_columns : variable_columns);
}

static int
context_delete(int argc, char **argv)
{
	struct choice choice = {.context = NULL};
	LOCAL_FREE char *path = NULL;
	struct err err = ERR_INIT;
	struct api *api = NULL;
	int count, status;

	status = read_words(&context_delete_command, &choice, argc, argv, &count, 1, 1);
	if (status != ARGS_GO)
		return status;
	status = EXIT_OK;
	if (api_open(&api, &err) < 0 || find_context(&path, api, &choice, argv[0], &err) < 0 ||
	    api_call(api, "DELETE", path, NULL, NULL, &err) < 0)
		status = say_error(&err);
	api_close(api);
	return status;
}

/* --- variables --------------------------------------------------------------------------- */

static int
context_set(int argc, char **argv)
{
	struct choice choice = {.context = NULL};
	LOCAL_FREE char *context = NULL;
	struct err err = ERR_INIT;
	struct api *api = NULL;
	char *value = NULL;
	int count, status;

	status = read_words(&context_set_command, &choice, argc, argv, &count, 2, 3);
	if (status != ARGS_GO)
		return status;
	if (count == 3 && choice.from_env != NULL &&
	    err_set(&err, ERR_INPUT, "a file and --from-env do not go together") < 0)
		return say_usage(&context_set_command, &err);
	status = EXIT_OK;
	if (api_open(&api, &err) < 0 || find_context(&context, api, &choice, argv[0], &err) < 0 ||
	    secret_read(&value, count == 3 ? argv[2] : NULL, choice.from_env, &err) < 0 ||
	    context_put(api, context, argv[1], value, &err) < 0)
		status = say_error(&err);
	secret_free(value);
	api_close(api);
	return status;
}

static int
context_remove(int argc, char **argv)
{
	struct choice choice = {.context = NULL};
	LOCAL_FREE char *context = NULL;
	LOCAL_FREE char *path = NULL;
	struct err err = ERR_INIT;
	struct api *api = NULL;
	int count, status;

	status = read_words(&context_remove_command, &choice, argc, argv, &count, 2, 2);
	if (status != ARGS_GO)
		return status;
	status = EXIT_OK;
	if (api_open(&api, &err) == 0 && find_context(&context, api, &choice, argv[0], &err) == 0)
		path = api_path("%p/environment-variable/%s", context, argv[1]);
	if (path == NULL || api_call(api, "DELETE", path, NULL, NULL, &err) < 0)
		status = say_error(&err);
	api_close(api);
	return status;
}

static int
context_import(int argc, char **argv)
{
	struct environment environment = {NULL, 0};
	struct choice choice = {.context = NULL};
	LOCAL_FREE char *context = NULL;
	struct err err = ERR_INIT;
	struct api *api = NULL;
	int count, status;

	status = read_words(&context_import_command, &choice, argc, argv, &count, 2, 2);
	if (status != ARGS_GO)
		return status;
	status = EXIT_OK;
	if (dotenv_read(&environment, argv[1], &err) < 0 || api_open(&api, &err) < 0 ||
	    find_context(&context, api, &choice, argv[0], &err) < 0 ||
	    context_put_all(api, context, &environment, &err) < 0)
		status = say_error(&err);
	else
		say_note("%zu variables are set", environment.count);
	environment_release(&environment);
	api_close(api);
	return status;
}
