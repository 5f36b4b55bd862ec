/*
 * check.c - "runner-hub check": are settings, key, certificate, database and output whole.
 *
 * Looks at everything and says all that is wrong, not the first thing alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "http/tls.h"
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

struct check {
	struct admin_choice choice;
	struct settings settings;
	unsigned faults;
};

static int check_run(int argc, char **argv);

const struct command hub_check_command = {
	"check", NULL, "check settings, key, certificate, database and output (no hub may be running)",
	options, check_run};

static int
set_option(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct check *check = arg;

	(void)err;
	if (text_eq(option->name, "config"))
		check->choice.config = value;
	else
		check->choice.data_dir = value;
	return 0;
}

static void
say_fault(struct check *check, const char *what, const char *text, const char *hint)
{
	check->faults++;
	(void)printf("%s: %s\n", what, text);
	if (hint != NULL)
		(void)printf("  hint: %s\n", hint);
}

static void
check_key(struct check *check)
{
	struct err err = ERR_INIT;
	struct hub_key key;

	if (hub_key_load(&key, check->settings.key_file, &err) < 0)
		say_fault(check, "key", err.text, err.hint);
	else
		(void)printf("key: ok\n");
	explicit_bzero(&key, sizeof(key));
}

static void
check_certificate(struct check *check)
{
	struct tls_context *tls;
	struct err err = ERR_INIT;

	if (check->settings.tls_cert == NULL)
		return;
	if (tls_server_new(&tls, check->settings.tls_cert, check->settings.tls_key, &err) < 0) {
		say_fault(check, "certificate", err.text, err.hint);
		return;
	}
	tls_free(tls);
	(void)printf("certificate: ok\n");
}

static void
check_mode(struct check *check)
{
	struct stat st;

	if (stat(check->settings.data_dir, &st) == 0 && (st.st_mode & 077) != 0)
		say_fault(check, "data directory", "others may look into it", "chmod 700 it");
}

static void
on_fault(void *arg, const char *text)
{
	say_fault(arg, "database", text, "restore the last backup");
}

/* The key is the one they are sealed with, and each of them opens. */
static void
open_values(struct check *check, const struct store_snapshot *snapshot, const struct hub_key *key)
{
	struct buffer clear = BUFFER_INIT;
	unsigned char seals[HUB_KEY_BYTES];
	char text[VARIABLE_NAME_BYTES + 64];
	unsigned faults = check->faults;
	size_t i;

	hub_key_of_seals(seals, key);
	for (i = 0; i < snapshot->variable_count; i++) {
		const struct variable_row *row = &snapshot->variables[i];

		if (!secrets_open(&clear, seals, &row->owner, row->name, row->sealed, row->sealed_len)) {
			(void)snprintf(text, sizeof(text), "variable '%s' does not open", row->name);
			say_fault(check, "values", text, "set it again");
		}
	}
	secrets_forget(&clear);
	explicit_bzero(seals, sizeof(seals));
	if (check->faults == faults)
		(void)printf("values: ok (%zu)\n", snapshot->variable_count);
}

static void
check_values(struct check *check, struct store *store)
{
	struct store_snapshot snapshot;
	struct err err = ERR_INIT;
	struct hub_key key;

	if (store_load(store, &snapshot, &err) < 0) {
		say_fault(check, "database", err.text, err.hint);
		return;
	}
	/* Of a key that cannot be read check_key() has told. */
	if (hub_key_load(&key, check->settings.key_file, &err) == 0) {
		if (hub_key_settle(&key, check->settings.key_file,
				   snapshot.has_key_name ? snapshot.key_name : NULL, &err) < 0)
			say_fault(check, "values", err.text, err.hint);
		else
			open_values(check, &snapshot, &key);
	}
	explicit_bzero(&key, sizeof(key));
	store_snapshot_release(&snapshot);
}

static void
check_store(struct check *check)
{
	struct store_inspection found;
	struct err err = ERR_INIT;
	struct store *store;
	struct stat st;
	char room[24], blobs[24];
	char path[4096];

	/* Opening makes a database where there is none. */
	(void)snprintf(path, sizeof(path), "%s/hub.db", check->settings.data_dir);
	if (stat(path, &st) < 0 && err_sys(&err, "cannot open database '%s'", path) < 0) {
		say_fault(check, "database", err.text, "'runner-hub init' makes it");
		return;
	}
	if (store_open(&store, check->settings.data_dir, &err) < 0) {
		say_fault(check, "database", err.text, err.hint);
		return;
	}
	if (store_inspect(store, &found, on_fault, check, &err) < 0)
		say_fault(check, "database", err.text, err.hint);
	else if (found.faults == 0)
		(void)printf("database: ok (%llu pipelines, %llu tasks, %llu records of output in %s, %llu blobs in %s)\n",
			     (unsigned long long)found.pipelines, (unsigned long long)found.tasks,
			     (unsigned long long)found.records, text_bytes(room, found.output_bytes),
			     (unsigned long long)found.blobs, text_bytes(blobs, found.blob_bytes));
	check_values(check, store);
	store_close(store);
}

static int
check_all(struct check *check)
{
	struct err err = ERR_INIT;

	if (admin_settings(&check->settings, &check->choice, &err) < 0) {
		say_fault(check, "settings", err.text, err.hint);
		return EXIT_NO;
	}
	(void)printf("settings: ok\n");
	check_mode(check);
	check_key(check);
	check_certificate(check);
	check_store(check);
	return check->faults == 0 ? EXIT_OK : EXIT_NO;
}

static int
check_run(int argc, char **argv)
{
	struct check check = {.faults = 0};
	int operands, status;

	settings_init(&check.settings);
	if (admin_options(&hub_check_command, argc, argv, 0, &operands, set_option, &check, &status))
		status = check_all(&check);
	settings_release(&check.settings);
	return status;
}
