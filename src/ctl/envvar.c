/*
 * envvar.c - "envvar list", "set", "remove", "import".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
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

static int envvar_list(int argc, char **argv);
static int envvar_set(int argc, char **argv);
static int envvar_remove(int argc, char **argv);
static int envvar_import(int argc, char **argv);

static const struct option set_options[] = {
	{"from-env", 0, "NAME", "take the value of this variable of the environment"},
	{NULL, 0, NULL, NULL},
};

const struct command envvar_list_command = {"envvar list", NULL, "list the variables of a project",
					    NULL, envvar_list};
const struct command envvar_set_command = {
	"envvar set", "VARIABLE [FILE|-]",
	"set a variable of a project, from a file or standard input", set_options, envvar_set};
const struct command envvar_remove_command = {
	"envvar remove", "VARIABLE", "delete a variable of a project", NULL, envvar_remove};
const struct command envvar_import_command = {"envvar import", "FILE",
					      "set a variable of a project for each line of a file",
					      NULL, envvar_import};
static const struct column variable_columns[] = {
	{"VARIABLE", "name"},
	{"VALUE", "value"},
	{"CREATED", "created_at"},
	{NULL, NULL},
};

/* "/api/v2/project/SLUG/envvar" of the project that is meant; the caller frees. */
static int
variables_path(char **out, struct api *api, struct err *err)
{
	LOCAL_FREE char *slug = NULL;

	if (project_slug(&slug, api_loop(api), err) < 0)
		return err->code;
	*out = api_path("/api/v2/project/%s/envvar", slug);
	return 0;
}

/* --- list -------------------------------------------------------------------------------- */

static int
fetch_variables(struct json **out, struct api *api, const void *arg, struct err *err)
{
	LOCAL_FREE char *path = NULL;

	(void)arg;
	return variables_path(&path, api, err) < 0 ? err->code : pages_get(out, api, path, err);
}

static int
envvar_list(int argc, char **argv)
{
	int status = args_read_operands(&envvar_list_command, argc, argv, 0);

	return status == ARGS_GO ? show_fetched(fetch_variables, NULL, variable_columns) : status;
}

/* --- set, import, remove ----------------------------------------------------------------- */

static int
post_variable(struct api *api, const char *path, const char *name, const char *value,
	      struct err *err)
{
	struct json *body = json_new_object();
	int rc;

	json_put_str(body, "name", name);
	json_put_str(body, "value", value);
	rc = api_call(api, "POST", path, body, NULL, err);
	json_free(body);
	return rc;
}

static int
set_from_env(void *arg, const struct option *option, const char *value, struct err *err)
{
	(void)option;
	(void)err;
	*(const char **)arg = value;
	return 0;
}

static int
envvar_set(int argc, char **argv)
{
	const char *from_env = NULL;
	LOCAL_FREE char *path = NULL;
	struct err err = ERR_INIT;
	struct api *api = NULL;
	char *value = NULL;
	int count, status;

	status = args_read(&envvar_set_command, argc, argv, &count, set_from_env, &from_env);
	if (status == ARGS_GO)
		status = args_count(&envvar_set_command, count, 1, 2);
	if (status != ARGS_GO)
		return status;
	if (count == 2 && from_env != NULL &&
	    err_set(&err, ERR_INPUT, "a file and --from-env do not go together") < 0)
		return say_usage(&envvar_set_command, &err);
	status = EXIT_OK;
	if (api_open(&api, &err) < 0 || variables_path(&path, api, &err) < 0 ||
	    secret_read(&value, count == 2 ? argv[1] : NULL, from_env, &err) < 0 ||
	    post_variable(api, path, argv[0], value, &err) < 0)
		status = say_error(&err);
	secret_free(value);
	api_close(api);
	return status;
}

static int
post_all(struct api *api, const char *path, const struct environment *from, struct err *err)
{
	size_t i;

	for (i = 0; i < from->count; i++)
		if (post_variable(api, path, from->pairs[i].name, from->pairs[i].value, err) < 0)
			return err_wrap(err, "variable '%s' (%zu of %zu are set)",
					from->pairs[i].name, i, from->count);
	say_note("%zu variables are set", from->count);
	return 0;
}

static int
envvar_import(int argc, char **argv)
{
	struct environment environment = {NULL, 0};
	LOCAL_FREE char *path = NULL;
	struct err err = ERR_INIT;
	struct api *api = NULL;
	int status = args_read_operands(&envvar_import_command, argc, argv, 1);

	if (status != ARGS_GO)
		return status;
	status = EXIT_OK;
	if (dotenv_read(&environment, argv[0], &err) < 0 || api_open(&api, &err) < 0 ||
	    variables_path(&path, api, &err) < 0 || post_all(api, path, &environment, &err) < 0)
		status = say_error(&err);
	environment_release(&environment);
	api_close(api);
	return status;
}

static int
envvar_remove(int argc, char **argv)
{
	LOCAL_FREE char *path = NULL;
	LOCAL_FREE char *variable = NULL;
	struct err err = ERR_INIT;
	struct api *api = NULL;
	int status = args_read_operands(&envvar_remove_command, argc, argv, 1);

	if (status != ARGS_GO)
		return status;
	status = EXIT_OK;
	if (api_open(&api, &err) == 0 && variables_path(&path, api, &err) == 0)
		variable = api_path("%p/%s", path, argv[0]);
	if (variable == NULL || api_call(api, "DELETE", variable, NULL, NULL, &err) < 0)
		status = say_error(&err);
	api_close(api);
	return status;
}
