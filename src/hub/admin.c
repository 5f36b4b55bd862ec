/*
 * admin.c - what the commands on the data directory share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/admin.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "hub/settings.h"
#include "hub/store/store.h"
#include "loop/clock.h"
#include "runner/exit.h"

int
admin_settings(struct settings *settings, const struct admin_choice *choice, struct err *err)
{
	int rc;

	settings->data_dir = choice->data_dir;
	rc = choice->config != NULL ? settings_read(settings, choice->config, err)
				    : settings_read_default(settings, err);
	return rc < 0 ? rc : settings_complete(settings, err);
}

int
admin_make_token(struct store *store, enum token_kind kind, const char *name, const char *nickname,
		 char room[TOKEN_TEXT_BYTES], struct err *err)
{
	struct store_op *op = store_op_new(STORE_PUT_TOKEN);
	struct token_row *row = &op->token;

	random_hex(room, (TOKEN_TEXT_BYTES - 1) / 2);
	id_random(&row->id);
	row->kind = kind;
	digest_sha256(row->digest, room, strlen(room));
	(void)snprintf(row->name, sizeof(row->name), "%s", name);
	(void)snprintf(row->nickname, sizeof(row->nickname), "%s", nickname);
	row->created_ms = clock_unix_ms();
	return store_put_now(store, op, err);
}

int
admin_write_file(const char *path, const char *text, struct err *err)
{
	LOCAL_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t len = strlen(text), done = 0;
	ssize_t n;

	if (fd < 0)
		return err_sys(err, "cannot make '%s'", path);
	while (done < len) {
		n = write(fd, text + done, len - done);
		if (n < 0)
			return err_sys(err, "cannot write '%s'", path);
		done += (size_t)n;
	}
	if (fsync(fd) < 0)
		return err_sys(err, "cannot write '%s'", path);
	return 0;
}

int
admin_fail(const struct err *err)
{
	(void)fprintf(stderr, "runner-hub: %s\n", err->text);
	if (err->hint != NULL)
		(void)fprintf(stderr, "hint: %s\n", err->hint);
	return err->code == ERR_INPUT ? EXIT_USAGE : EXIT_REFUSED;
}

/* The command's own options, with --help before them. */
struct parsing {
	option_set_fn *set;
	void *arg;
	bool help;
};

static int
set_or_help(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct parsing *parsing = arg;

	if (!text_eq(option->name, "help"))
		return parsing->set(parsing->arg, option, value, err);
	parsing->help = true;
	return 0;
}

static int
show_help(const struct command *command)
{
	struct buffer text = BUFFER_INIT;

	buffer_printf(&text, "usage: runner-hub %s [OPTION]...%s%s\n\n%s\n\n", command->name,
		      command->operands != NULL ? " " : "",
		      command->operands != NULL ? command->operands : "", command->help);
	options_help(&text, command->options);
	(void)fputs(buffer_text(&text), stdout);
	buffer_release(&text);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_REFUSED;
}

bool
admin_options(const struct command *command, int argc, char **argv, int most, int *operands,
	      option_set_fn *set, void *arg, int *status)
{
	struct parsing parsing = {set, arg, false};
	struct err err = ERR_INIT;

	if (options_parse(command->options, argc, argv, operands, set_or_help, &parsing, &err) == 0) {
		if (parsing.help) {
			*status = show_help(command);
			return false;
		}
		if (*operands <= most ||
		    err_set(&err, ERR_INPUT, "'%s' is one operand too many", argv[most]) == 0)
			return true;
	}
	*status = admin_fail(&err);
	return false;
}

void
admin_word(struct buffer *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "/_.,:@%+=-";

	if (text[0] != '\0' && strspn(text, plain) == strlen(text))
		buffer_puts(out, text);
	else
		text_shell_quote(out, text);
}
