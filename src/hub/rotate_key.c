/*
 * rotate_key.c - "runner-hub rotate-key": another secret key, and every value sealed anew with it.
 *
 * The key to come is made beside the old one, then one transaction seals all values with it
 * and writes its name, then it takes the old one's place. Cut off before the commit nothing has
 * happened; after it, whoever reads the key next finishes (hub_key_settle()).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "hub/admin.h"
#include "hub/key.h"
#include "hub/secrets.h"
#include "hub/settings.h"
#include "hub/store/store.h"
#include "runner/exit.h"

static const struct option options[] = {
	{"config", 'c', "FILE", "settings file (default: where serve looks for it)"},
	{"data-dir", 0, "DIR", "data directory"},
	{"help", 'h', NULL, "show this help"},
	{NULL, 0, NULL, NULL},
};

static int rotate_key_run(int argc, char **argv);

const struct command hub_rotate_key_command = {
	"rotate-key", NULL,
	"make another secret key and seal all values with it (no hub may be running)", options,
	rotate_key_run};

struct rotation {
	struct store *store;
	struct store_snapshot snapshot;
	unsigned char from[HUB_KEY_BYTES], to[HUB_KEY_BYTES]; /* keys of seals */
	struct store_op **ops;
	size_t count;
};

static int
set_option(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct admin_choice *choice = arg;

	(void)err;
	if (text_eq(option->name, "config"))
		choice->config = value;
	else
		choice->data_dir = value;
	return 0;
}

static int
seal_anew(struct rotation *rotation, const struct variable_row *row, struct err *err)
{
	struct buffer clear = BUFFER_INIT;
	unsigned char *sealed;
	struct store_op *op;

	if (!secrets_open(&clear, rotation->from, &row->owner, row->name, row->sealed,
			  row->sealed_len)) {
		err->code =
			err_set(err, ERR_INPUT, "the value of variable '%s' is damaged", row->name);
		return err_hint(err, "start the hub, set it again or delete it, then rotate");
	}
	op = store_op_new(STORE_PUT_VARIABLE);
	op->variable = *row;
	secrets_seal(&sealed, &op->variable.sealed_len, rotation->to, &row->owner, row->name,
		     clear.data, clear.len - 1);
	op->variable.sealed = sealed;
	rotation->ops[rotation->count++] = op;
	secrets_forget(&clear);
	return 0;
}

static int
seal_all(struct rotation *rotation, const struct hub_key *next, struct err *err)
{
	const struct store_snapshot *snapshot = &rotation->snapshot;
	struct store_op *name = store_op_new(STORE_PUT_KEY_NAME);
	size_t i;

	rotation->ops = MEM_NEW_ARRAY(struct store_op *, snapshot->variable_count + 1);
	hub_key_name(name->key_name, next);
	rotation->ops[rotation->count++] = name;
	for (i = 0; i < snapshot->variable_count; i++)
		if (seal_anew(rotation, &snapshot->variables[i], err) < 0)
			return err->code;
	return store_put_all_now(rotation->store, rotation->ops, rotation->count, err);
}

static void
rotation_release(struct rotation *rotation)
{
	size_t i;

	for (i = 0; i < rotation->count; i++) {
		if (rotation->ops[i]->kind == STORE_PUT_VARIABLE)
			free((void *)(uintptr_t)rotation->ops[i]->variable.sealed);
		store_op_free(rotation->ops[i]);
	}
	free(rotation->ops);
	explicit_bzero(rotation->from, sizeof(rotation->from));
	explicit_bzero(rotation->to, sizeof(rotation->to));
}

/* A key that a rotation left, and that is not in use, goes. */
static int
make_next(struct hub_key *next, const char *path, struct err *err)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(err, "cannot remove '%s'", path);
	return hub_key_make(path, err) < 0 ? err->code : hub_key_load(next, path, err);
}

static int
rotate(struct rotation *rotation, const char *path, struct err *err)
{
	const struct store_snapshot *snapshot = &rotation->snapshot;
	LOCAL_FREE char *next_path = hub_key_next_path(path);
	struct hub_key key, next;
	int rc;

	rc = hub_key_load(&key, path, err);
	if (rc == 0)
		rc = hub_key_settle(&key, path, snapshot->has_key_name ? snapshot->key_name : NULL,
				    err);
	if (rc == 0)
		rc = make_next(&next, next_path, err);
	if (rc == 0) {
		hub_key_of_seals(rotation->from, &key);
		hub_key_of_seals(rotation->to, &next);
		rc = seal_all(rotation, &next, err);
	}
	if (rc == 0)
		rc = hub_key_replace(path, err);
	explicit_bzero(&key, sizeof(key));
	explicit_bzero(&next, sizeof(next));
	return rc;
}

static int
rotate_in(const struct settings *settings, struct err *err)
{
	struct rotation rotation = {.store = NULL};
	int rc = store_open(&rotation.store, settings->data_dir, err);

	if (rc < 0)
		return rc;
	rc = store_load(rotation.store, &rotation.snapshot, err);
	if (rc == 0) {
		rc = rotate(&rotation, settings->key_file, err);
		store_snapshot_release(&rotation.snapshot);
	}
	if (rc == 0)
		(void)printf("%zu values are sealed with a new key in %s\n",
			     rotation.snapshot.variable_count, settings->key_file);
	rotation_release(&rotation);
	store_close(rotation.store);
	return rc;
}

static int
rotate_key_run(int argc, char **argv)
{
	struct admin_choice choice = {NULL, NULL};
	struct settings settings;
	struct err err = ERR_INIT;
	int operands, status;

	if (!admin_options(&hub_rotate_key_command, argc, argv, 0, &operands, set_option, &choice,
			   &status))
		return status;
	settings_init(&settings);
	status = EXIT_OK;
	if (admin_settings(&settings, &choice, &err) < 0 || rotate_in(&settings, &err) < 0)
		status = admin_fail(&err);
	settings_release(&settings);
	return status;
}
