/*
 * token.c - "token create", "token list", "token revoke": tokens of resource classes, for agents.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/token.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/err.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "ctl/show.h"
#include "ctl/table.h"
#include "format/json.h"
#include "runner/exit.h"

static int token_create(int argc, char **argv);
static int token_list(int argc, char **argv);
static int token_revoke(int argc, char **argv);

static const struct option create_options[] = {
	{"nickname", 0, "NAME", "what to call it in lists (default: default)"},
	{NULL, 0, NULL, NULL},
};

const struct command token_create_command = {"token create", "NS/NAME",
					     "make a token for agents of a resource class",
					     create_options, token_create};
const struct command token_list_command = {"token list", "NS/NAME",
					   "list the tokens of a resource class", NULL, token_list};
const struct command token_revoke_command = {"token revoke", "ID", "make a token worthless", NULL,
					     token_revoke};

static const struct column token_columns[] = {
	{"ID", "id"},
	{"NICKNAME", "nickname"},
	{"CLASS", "resource_class"},
	{"CREATED", "created_at"},
	{NULL, NULL},
};

int
token_make(struct json **out, struct api *api, const char *resource_class, const char *nickname,
	   struct err *err)
{
	struct json *body = json_new_object();
	int rc;

	json_put_str(body, "resource_class", resource_class);
	json_put_str(body, "nickname", nickname);
	rc = api_call(api, "POST", "/api/v3/runner/token", body, out, err);
	json_free(body);
	return rc;
}

int
token_print(const struct json *token)
{
	struct buffer text = BUFFER_INIT;
	const char *secret = json_get_str(token, "token");
	int status;

	if (globals()->json != JSON_FORM_NONE)
		return say_json(token);
	buffer_printf(&text, "%s\n", secret != NULL ? secret : "");
	status = say_result(&text);
	buffer_release(&text);
	say_note("this token is shown once: keep it in a file for runnerd --token-file");
	return status;
}

static int
set_nickname(void *arg, const struct option *option, const char *value, struct err *err)
{
	(void)option;
	(void)err;
	*(const char **)arg = value;
	return 0;
}

static int
token_create(int argc, char **argv)
{
	const char *nickname = "default";
	struct err err = ERR_INIT;
	struct json *token = NULL;
	struct api *api = NULL;
	int count, status;

	status = args_read(&token_create_command, argc, argv, &count, set_nickname, &nickname);
	if (status == ARGS_GO)
		status = args_count(&token_create_command, count, 1, 1);
	if (status != ARGS_GO)
		return status;
	if (api_open(&api, &err) < 0 || token_make(&token, api, argv[0], nickname, &err) < 0)
		status = say_error(&err);
	else
		status = token_print(token);
	json_free(token);
	api_close(api);
	return status;
}

static int
token_list(int argc, char **argv)
{
	int status = args_read_operands(&token_list_command, argc, argv, 1);

	if (status != ARGS_GO)
		return status;
	return show_list(api_path("/api/v3/runner/token?resource-class=%s", argv[0]), token_columns);
}

static int
token_revoke(int argc, char **argv)
{
	int status = args_read_operands(&token_revoke_command, argc, argv, 1);

	if (status != ARGS_GO)
		return status;
	return show_call("DELETE", api_path("/api/v3/runner/token/%s", argv[0]));
}
