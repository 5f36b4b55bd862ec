/*
 * ssh_key.c - "ssh-key add", "list", "remove".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/pages.h"
#include "ctl/project.h"
#include "ctl/say.h"
#include "ctl/show.h"
#include "ctl/secret.h"
#include "ctl/table.h"
#include "format/json.h"
#include "runner/exit.h"

static int ssh_key_add(int argc, char **argv);
static int ssh_key_list(int argc, char **argv);
static int ssh_key_remove(int argc, char **argv);

static const struct option add_options[] = {
	{"host", 0, "NAME", "use it for this host only (default: for all)"},
	{NULL, 0, NULL, NULL},
};

const struct command ssh_key_add_command = {
	"ssh-key add", "[FILE|-]", "give a project a private key, from a file or standard input",
	add_options, ssh_key_add};
const struct command ssh_key_list_command = {"ssh-key list", NULL, "list the keys of a project",
					     NULL, ssh_key_list};
const struct command ssh_key_remove_command = {"ssh-key remove", "FINGERPRINT",
					       "delete a key of a project", NULL, ssh_key_remove};

static const struct column key_columns[] = {
	{"FINGERPRINT", "fingerprint"},
	{"HOST", "hostname"},
	{"CREATED", "created_at"},
	{NULL, NULL},
};

/* "/api/v2/project/SLUG/ssh-key" of the project that is meant; the caller frees. */
static int
keys_path(char **out, struct api *api, struct err *err)
{
	LOCAL_FREE char *slug = NULL;

	if (project_slug(&slug, api_loop(api), err) < 0)
		return err->code;
	*out = api_path("/api/v2/project/%s/ssh-key", slug);
	return 0;
}

static int
set_host(void *arg, const struct option *option, const char *value, struct err *err)
{
	(void)option;
	(void)err;
	*(const char **)arg = value;
	return 0;
}

static int
post_key(struct api *api, const char *path, const char *host, const char *text, struct json **out,
	 struct err *err)
{
	struct json *body = json_new_object();
	int rc;

	json_put_str(body, "hostname", host);
	json_put_str(body, "private_key", text);
	rc = api_call(api, "POST", path, body, out, err);
	json_free(body);
	return rc;
}

static int
ssh_key_add(int argc, char **argv)
{
	const char *host = "";
	LOCAL_FREE char *path = NULL;
	struct err err = ERR_INIT;
	struct json *key = NULL;
	struct api *api = NULL;
	char *text = NULL;
	int count, status;

	status = args_read(&ssh_key_add_command, argc, argv, &count, set_host, &host);
	if (status == ARGS_GO)
		status = args_count(&ssh_key_add_command, count, 0, 1);
	if (status != ARGS_GO)
		return status;
	status = EXIT_OK;
	if (api_open(&api, &err) < 0 || keys_path(&path, api, &err) < 0 ||
	    secret_read(&text, count == 1 ? argv[0] : NULL, NULL, &err) < 0 ||
	    post_key(api, path, host, text, &key, &err) < 0)
		status = say_error(&err);
	else
		say_note("%s", json_get_str(key, "fingerprint"));
	json_free(key);
	secret_free(text);
	api_close(api);
	return status;
}

static int
fetch_keys(struct json **out, struct api *api, const void *arg, struct err *err)
{
	LOCAL_FREE char *path = NULL;

	(void)arg;
	return keys_path(&path, api, err) < 0 ? err->code : pages_get(out, api, path, err);
}

static int
ssh_key_list(int argc, char **argv)
{
	int status = args_read_operands(&ssh_key_list_command, argc, argv, 0);

	return status == ARGS_GO ? show_fetched(fetch_keys, NULL, key_columns) : status;
}

static int
ssh_key_remove(int argc, char **argv)
{
	LOCAL_FREE char *path = NULL;
	LOCAL_FREE char *key = NULL;
	struct err err = ERR_INIT;
	struct api *api = NULL;
	int status = args_read_operands(&ssh_key_remove_command, argc, argv, 1);

	if (status != ARGS_GO)
		return status;
	status = EXIT_OK;
	if (api_open(&api, &err) == 0 && keys_path(&path, api, &err) == 0)
		key = api_path("%p/%s", path, argv[0]);
	if (key == NULL || api_call(api, "DELETE", key, NULL, NULL, &err) < 0)
		status = say_error(&err);
	api_close(api);
	return status;
}
