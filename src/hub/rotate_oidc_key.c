/*
 * rotate_oidc_key.c - "runner-hub rotate-oidc-key": another key signs the tokens of jobs.
 *
 * The old keys stay, and the hub shows them as long as what they signed may be valid; with
 * --drop-old they are deleted in the same transaction: for a key that somebody else may have.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/rsa_key.h"
#include "hub/admin.h"
#include "hub/key.h"
#include "hub/oidc.h"
#include "hub/secrets.h"
#include "hub/settings.h"
#include "hub/store/store.h"
#include "loop/clock.h"
#include "runner/exit.h"

static const struct option options[] = {
	{"config", 'c', "FILE", "settings file (default: where serve looks for it)"},
	{"data-dir", 0, "DIR", "data directory"},
	{"drop-old", 0, NULL, "delete the old keys: what they signed is worth nothing at once"},
	{"help", 'h', NULL, "show this help"},
	{NULL, 0, NULL, NULL},
};

static int rotate_oidc_key_run(int argc, char **argv);

const struct command hub_rotate_oidc_key_command = {
	"rotate-oidc-key", NULL,
	"make another key that signs tokens of jobs (no hub may be running)", options,
	rotate_oidc_key_run};

struct oidc_choice {
	struct admin_choice admin; /* first: where the data is */
	bool drop_old;
};

static int
set_option(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct oidc_choice *choice = arg;

	(void)err;
	if (text_eq(option->name, "config"))
		choice->admin.config = value;
	else if (text_eq(option->name, "data-dir"))
		choice->admin.data_dir = value;
	else
		choice->drop_old = true;
	return 0;
}

static struct store_op *
put_key(const struct rsa_key *rsa, const unsigned char seals[HUB_KEY_BYTES])
{
	struct store_op *op = store_op_new(STORE_PUT_VARIABLE);
	struct variable_row *row = &op->variable;
	struct buffer pem = BUFFER_INIT;
	unsigned char *sealed;

	oidc_owner(&row->owner);
	oidc_key_variable(row->name, rsa_key_id(rsa));
	row->created_ms = row->updated_ms = clock_unix_ms();
	rsa_key_write(rsa, &pem);
	secrets_seal(&sealed, &row->sealed_len, seals, &row->owner, row->name, pem.data, pem.len);
	row->sealed = sealed;
	secrets_forget(&pem);
	return op;
}

static size_t
delete_keys(struct store_op **ops, const struct store_snapshot *snapshot)
{
	struct id owner;
	size_t i, n = 0;

	oidc_owner(&owner);
	for (i = 0; i < snapshot->variable_count; i++) {
		const struct variable_row *row = &snapshot->variables[i];

		if (!id_eq(&row->owner, &owner) || !oidc_is_key_variable(row->name))
			continue;
		ops[n] = store_op_new(STORE_DELETE_VARIABLE);
		ops[n++]->variable = *row;
	}
	return n;
}

static int
rotate(struct store *store, const struct store_snapshot *snapshot, const struct hub_key *key,
       bool drop_old, struct err *err)
{
	struct store_op **ops = MEM_NEW_ARRAY(struct store_op *, snapshot->variable_count + 1);
	unsigned char seals[HUB_KEY_BYTES];
	size_t count = 0, dropped, i;
	struct rsa_key *rsa;
	int rc = rsa_key_make(&rsa, err);

	if (rc == 0) {
		hub_key_of_seals(seals, key);
		dropped = count = drop_old ? delete_keys(ops, snapshot) : 0;
		ops[count++] = put_key(rsa, seals);
		rc = store_put_all_now(store, ops, count, err);
		free((void *)(uintptr_t)ops[count - 1]->variable.sealed);
		explicit_bzero(seals, sizeof(seals));
		if (rc == 0)
			(void)printf("key %s signs from the next start on, %zu old ones are deleted\n",
				     rsa_key_id(rsa), dropped);
		rsa_key_free(rsa);
	}
	for (i = 0; i < count; i++)
		store_op_free(ops[i]);
	free(ops);
	return rc;
}

static int
rotate_in(const struct settings *settings, bool drop_old, struct err *err)
{
	struct store_snapshot snapshot;
	struct hub_key key;
	struct store *store;
	int rc = store_open(&store, settings->data_dir, err);

	if (rc < 0)
		return rc;
	rc = store_load(store, &snapshot, err);
	if (rc == 0) {
		rc = hub_key_load(&key, settings->key_file, err);
		if (rc == 0)
			rc = hub_key_settle(&key, settings->key_file,
					    snapshot.has_key_name ? snapshot.key_name : NULL, err);
		if (rc == 0)
			rc = rotate(store, &snapshot, &key, drop_old, err);
		explicit_bzero(&key, sizeof(key));
		store_snapshot_release(&snapshot);
	}
	store_close(store);
	return rc;
}

static int
rotate_oidc_key_run(int argc, char **argv)
{
	struct oidc_choice choice = {{NULL, NULL}, false};
	struct settings settings;
	struct err err = ERR_INIT;
	int operands, status;

	if (!admin_options(&hub_rotate_oidc_key_command, argc, argv, 0, &operands, set_option, &choice,
			   &status))
		return status;
	settings_init(&settings);
	status = EXIT_OK;
	if (admin_settings(&settings, &choice.admin, &err) < 0 ||
	    rotate_in(&settings, choice.drop_old, &err) < 0)
		status = admin_fail(&err);
	settings_release(&settings);
	return status;
}
