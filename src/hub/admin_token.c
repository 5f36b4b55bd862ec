/*
 * admin_token.c - "runner-hub admin-token": a personal token, for the first time or after the last was lost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "hub/admin.h"
#include "hub/settings.h"
#include "hub/store/store.h"
#include "runner/exit.h"

static const struct option options[] = {
	{"config", 'c', "FILE", "settings file (default: where serve looks for it)"},
	{"data-dir", 0, "DIR", "data directory"},
	{"login", 0, "NAME", "whose the token is (default admin)"},
	{"nickname", 0, "TEXT", "what to call the token in lists"},
	{"help", 'h', NULL, "show this help"},
	{NULL, 0, NULL, NULL},
};

struct wish {
	struct admin_choice choice;
	const char *login, *nickname;
};

static int admin_token_run(int argc, char **argv);

const struct command hub_admin_token_command = {
	"admin-token", "[FILE|-]",
	"make a personal token, in a new FILE (mode 0600) or on standard output", options,
	admin_token_run};

static int
set_option(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct wish *wish = arg;

	if (text_eq(option->name, "config"))
		wish->choice.config = value;
	else if (text_eq(option->name, "data-dir"))
		wish->choice.data_dir = value;
	else if (value[0] == '\0' || strlen(value) >= HUB_NAME_BYTES)
		return err_set(err, ERR_INPUT, "'--%s' takes 1 to %d bytes", option->name,
			       HUB_NAME_BYTES - 1);
	else if (text_eq(option->name, "login"))
		wish->login = value;
	else
		wish->nickname = value;
	return 0;
}

/* The file first: a token that nobody can read is none. */
static int
give(const char *text, const char *file, struct err *err)
{
	if (file != NULL && !text_eq(file, "-"))
		return admin_write_file(file, text, err);
	if (fputs(text, stdout) == EOF || fflush(stdout) != 0)
		return err_sys(err, "cannot write to standard output");
	return 0;
}

static int
make(const struct wish *wish, const char *file, struct err *err)
{
	char text[TOKEN_TEXT_BYTES + 1];
	struct settings settings;
	struct store *store;
	int rc;

	settings_init(&settings);
	rc = admin_settings(&settings, &wish->choice, err);
	if (rc == 0)
		rc = store_open(&store, settings.data_dir, err);
	if (rc == 0) {
		rc = admin_make_token(store, TOKEN_PERSON, wish->login, wish->nickname, text, err);
		store_close(store);
	}
	settings_release(&settings);
	if (rc < 0)
		return rc;
	(void)strcat(text, "\n");
	rc = give(text, file, err);
	explicit_bzero(text, sizeof(text));
	return rc;
}

static int
admin_token_run(int argc, char **argv)
{
	struct wish wish = {.login = "admin", .nickname = "runner-hub admin-token"};
	struct err err = ERR_INIT;
	int operands, status;

	if (!admin_options(&hub_admin_token_command, argc, argv, 1, &operands, set_option, &wish,
			   &status))
		return status;
	return make(&wish, operands == 1 ? argv[0] : NULL, &err) < 0 ? admin_fail(&err) : EXIT_OK;
}
