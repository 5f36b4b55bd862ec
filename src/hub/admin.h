/*
 * admin.h - commands of runner-hub that work on the data directory while no hub serves it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_ADMIN_H
#define HUB_ADMIN_H

#include <stddef.h>

#include "base/options.h"
#include "hub/rows.h"
#include "hub/tokens.h"

struct buffer;
struct err;
struct settings;
struct store;

extern const struct command hub_init_command;
extern const struct command hub_check_command;
extern const struct command hub_admin_token_command;
extern const struct command hub_rotate_key_command;
extern const struct command hub_rotate_oidc_key_command;

/* "-c FILE" and "--data-dir DIR" of commands that look at what is there: merged and completed. */
struct admin_choice {
	const char *config, *data_dir;
};
int admin_settings(struct settings *settings, const struct admin_choice *choice, struct err *err);

/* Store a new token; its text is in room and nowhere else. */
int admin_make_token(struct store *store, enum token_kind kind, const char *name,
		     const char *nickname, char room[TOKEN_TEXT_BYTES], struct err *err);

/* Make a file that must not exist, mode 0600, synced. */
int admin_write_file(const char *path, const char *text, struct err *err);

/* "runner-hub: what: why" and the hint to standard error; returns the exit status that fits. */
int admin_fail(const struct err *err);

/*
 * Read the options of a command: false when *status is all there is to do (help shown, or a usage error told).
 * Operands are moved to the front of argv; at most most of them are taken.
 */
bool admin_options(const struct command *command, int argc, char **argv, int most, int *operands,
		   option_set_fn *set, void *arg, int *status);

/* Text as a shell takes it: quoted where it must be. */
void admin_word(struct buffer *out, const char *text);

#endif
