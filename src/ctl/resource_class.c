/*
 * resource_class.c - "resource-class create", "resource-class list", "resource-class delete".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "ctl/show.h"
#include "ctl/table.h"
#include "ctl/token.h"
#include "format/json.h"
#include "runner/exit.h"

static int resource_class_create(int argc, char **argv);
static int resource_class_list(int argc, char **argv);
static int resource_class_delete(int argc, char **argv);

static const struct option create_options[] = {
	{"generate-token", 0, NULL, "make a token for its agents, too, and print it"},
	{"description", 0, "TEXT", "what it is for"},
	{NULL, 0, NULL, NULL},
};

static const struct option list_options[] = {
	{"namespace", 0, "NS", "only classes of this namespace"},
	{NULL, 0, NULL, NULL},
};

static const struct option delete_options[] = {
	{"force", 0, NULL, "even while it has tokens"},
	{NULL, 0, NULL, NULL},
};

const struct command resource_class_create_command = {"resource-class create", "NS/NAME",
						      "make a resource class", create_options,
						      resource_class_create};
const struct command resource_class_list_command = {
	"resource-class list", NULL, "list resource classes", list_options, resource_class_list};
const struct command resource_class_delete_command = {"resource-class delete", "NS/NAME",
						      "delete a resource class", delete_options,
						      resource_class_delete};

static const struct column class_columns[] = {
	{"CLASS", "resource_class"},
	{"DESCRIPTION", "description"},
	{"ID", "id"},
	{NULL, NULL},
};

/* --- create --------------------------------------------------------------------------- */

struct create_choice {
	bool generate_token;
	const char *description;
};

static int
set_create(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct create_choice *choice = arg;

	(void)err;
	if (text_eq(option->name, "description"))
		choice->description = value;
	else
		choice->generate_token = true;
	return 0;
}

static int
create(struct api *api, const char *name, const struct create_choice *choice, struct json **class,
       struct err *err)
{
	struct json *body = json_new_object();
	int rc;

	json_put_str(body, "resource_class", name);
	json_put_str(body, "description", choice->description != NULL ? choice->description : "");
	rc = api_call(api, "POST", "/api/v3/runner/resource", body, class, err);
	json_free(body);
	return rc;
}

static int
resource_class_create(int argc, char **argv)
{
	struct create_choice choice = {0};
	struct err err = ERR_INIT;
	struct json *class = NULL, *token = NULL;
	struct api *api = NULL;
	int count, status;

	status = args_read(&resource_class_create_command, argc, argv, &count, set_create, &choice);
	if (status == ARGS_GO)
		status = args_count(&resource_class_create_command, count, 1, 1);
	if (status != ARGS_GO)
		return status;
	if (api_open(&api, &err) < 0 || create(api, argv[0], &choice, &class, &err) < 0)
		status = say_error(&err);
	else if (choice.generate_token && token_make(&token, api, argv[0], "default", &err) < 0)
		status = say_error(&err);
	else if (choice.generate_token)
		status = token_print(token);
	else
		status = table_print_one(class, class_columns);
	json_free(class);
	json_free(token);
	api_close(api);
	return status;
}

/* --- list ----------------------------------------------------------------------------- */

static int
resource_class_list(int argc, char **argv)
{
	struct buffer path = BUFFER_INIT;
	int count, status;

	buffer_puts(&path, "/api/v3/runner/resource");
	status = args_read(&resource_class_list_command, argc, argv, &count, show_option, &path);
	if (status == ARGS_GO)
		status = args_count(&resource_class_list_command, count, 0, 0);
	if (status == ARGS_GO)
		status = show_list(buffer_take_text(&path), class_columns);
	buffer_release(&path);
	return status;
}

/* --- delete --------------------------------------------------------------------------- */

static int
set_delete(void *arg, const struct option *option, const char *value, struct err *err)
{
	(void)option;
	(void)value;
	(void)err;
	*(bool *)arg = true;
	return 0;
}

/* The API deletes by id; people know the name. */
static int
find_class_id(char **out, struct api *api, const char *name, struct err *err)
{
	LOCAL_FREE char *path = NULL;
	LOCAL_FREE char *namespace = strndup(name, strcspn(name, "/"));
	struct json *answer = NULL;
	const struct json *items;
	size_t i;

	*out = NULL;
	path = api_path("/api/v3/runner/resource?namespace=%s", namespace);
	if (api_get(api, path, &answer, err) < 0) {
		json_free(answer);
		return err->code;
	}
	items = json_get(answer, "items");
	for (i = 0; i < json_count(items) && *out == NULL; i++)
		if (text_eq(json_get_str(json_at(items, i), "resource_class"), name))
			*out = api_path("%s", json_get_str(json_at(items, i), "id"));
	json_free(answer);
	if (*out == NULL)
		return err_set(err, ERR_GONE, "there is no resource class '%s'", name);
	return 0;
}

static int
resource_class_delete(int argc, char **argv)
{
	LOCAL_FREE char *path = NULL;
	LOCAL_FREE char *id = NULL;
	struct err err = ERR_INIT;
	struct api *api = NULL;
	bool force = false;
	int count, status;

	status = args_read(&resource_class_delete_command, argc, argv, &count, set_delete, &force);
	if (status == ARGS_GO)
		status = args_count(&resource_class_delete_command, count, 1, 1);
	if (status != ARGS_GO)
		return status;
	status = EXIT_OK;
	if (api_open(&api, &err) < 0 || find_class_id(&id, api, argv[0], &err) < 0) {
		status = say_error(&err);
	} else {
		path = api_path("/api/v3/runner/resource/%p%p", id, force ? "/force" : "");
		if (api_call(api, "DELETE", path, NULL, NULL, &err) < 0)
			status = say_error(&err);
	}
	api_close(api);
	return status;
}
