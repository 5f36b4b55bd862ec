/*
 * login.c - "login": keep a personal token for a hub; and what reads it again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/login.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/file.h"
#include "ctl/say.h"
#include "ctl/secret.h"
#include "format/digest.h"
#include "format/json.h"
#include "runner/exit.h"

static int login_run(int argc, char **argv);

const struct command login_command = {
	"login", "[FILE|-]", "keep a personal token for this hub, from a file or standard input",
	NULL, login_run};

char *
login_path(const char *url)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char digest[DIGEST_TEXT_BYTES];

	digest_sha256_hex(digest, url, strlen(url));
	if (config != NULL && config[0] == '/')
		return mem_printf("%s/runner/tokens/%s", config, digest);
	return home != NULL && home[0] == '/'
		       ? mem_printf("%s/.config/runner/tokens/%s", home, digest)
		       : NULL;
}

int
login_read(char **out, const char *url, struct err *err)
{
	LOCAL_FREE char *path = login_path(url);
	struct buffer text = BUFFER_INIT;
	struct stat status;
	int rc;

	*out = NULL;
	if (path == NULL || stat(path, &status) < 0)
		return 0;
	if ((status.st_mode & 077) != 0) {
		err->code = err_set(err, ERR_HOST,
				    "the token that is kept in '%s' can be read by others", path);
		return err_hint(
			err, "revoke it when it may have been read, then 'runnerctl login' again");
	}
	rc = file_read(path, API_TOKEN_MAX_BYTES, &text, err);
	if (rc == 0) {
		*out = buffer_take_text(&text);
		(*out)[strcspn(*out, "\r\n")] = '\0';
	}
	buffer_release(&text);
	return rc;
}

static int
check_token(const char *token, struct err *err)
{
	size_t len = strlen(token), i;

	for (i = 0; i < len && token[i] > ' ' && token[i] < 0x7f; i++)
		;
	if (len == 0 || i < len || len >= API_TOKEN_MAX_BYTES)
		return err_set(err, ERR_INPUT,
			       "what was given is no token: one line without blanks");
	return 0;
}

/* Made in the dark: directories 0700, the file 0600. */
static int
keep(const char *url, const char *token, struct err *err)
{
	LOCAL_FREE char *path = login_path(url);
	struct buffer text = BUFFER_INIT;
	mode_t mask;
	int rc;

	if (path == NULL)
		return err_set(err, ERR_HOST, "there is no place for tokens: HOME is not set");
	buffer_printf(&text, "%s\n", token);
	mask = umask(077);
	rc = file_make_parents(path, err);
	if (rc == 0)
		rc = file_write(path, &text, err);
	(void)umask(mask);
	explicit_bzero(text.data, text.len);
	buffer_release(&text);
	return rc;
}

/* The hub knows whose it is; then it is kept. */
static int
login(const char *token, struct err *err)
{
	struct json *me = NULL;
	struct api *api = NULL;
	int rc;

	rc = api_open_as(&api, token, err);
	if (rc == 0)
		rc = api_get(api, "/api/v2/me", &me, err);
	if (rc == 0)
		rc = keep(api_url(api), token, err);
	if (rc == 0)
		say_note("logged in as %s", json_get_str(me, "login"));
	json_free(me);
	api_close(api);
	return rc;
}

static int
login_run(int argc, char **argv)
{
	struct err err = ERR_INIT;
	char *token = NULL;
	int count, status;

	status = args_read(&login_command, argc, argv, &count, NULL, NULL);
	if (status == ARGS_GO)
		status = args_count(&login_command, count, 0, 1);
	if (status != ARGS_GO)
		return status;
	status = EXIT_OK;
	if (secret_read(&token, count == 1 ? argv[0] : NULL, NULL, &err) < 0 ||
	    check_token(token, &err) < 0 || login(token, &err) < 0)
		status = say_error(&err);
	secret_free(token);
	return status;
}
