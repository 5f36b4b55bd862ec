/*
 * settings_ours.c - which files and directories are this agent's alone: no isolated job may see them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

void
settings_add_ours(struct settings *settings, const char *path)
{
	size_t i;

	if (path == NULL || path[0] != '/' || path[1] == '\0')
		return;
	for (i = 0; i < SETTINGS_OURS_MOST - 1; i++) {
		if (settings->ours[i] != NULL && text_eq(settings->ours[i], path))
			return;
		if (settings->ours[i] == NULL) {
			settings->ours[i] = mem_strdup(path);
			return;
		}
	}
}

void
settings_forget_ours(struct settings *settings)
{
	size_t i;

	for (i = 0; i < SETTINGS_OURS_MOST; i++) {
		free(settings->ours[i]);
		settings->ours[i] = NULL;
	}
}

/*
 * Where what runnerctl(1) has stored for its user lies. Not a service's directory of settings: jobs
 * may need what lies beside (ca_file); what is secret there is named one by one.
 */
static void
add_settings_directory(struct settings *settings)
{
	char *path = settings_user_path("XDG_CONFIG_HOME", ".config", "runner");

	settings_add_ours(settings, path);
	free(path);
}

int
settings_settle_isolation(struct settings *settings, struct err *err)
{
	unsigned i;

	if (isolation_set(&settings->isolations.host, "level", settings->isolation, err) < 0)
		return err->code;
	if (isolations_settle(&settings->isolations, err) < 0)
		return err->code;
	settings_add_ours(settings, settings->run_dir);
	settings_add_ours(settings, settings->data_dir);
	settings_add_ours(settings, settings->spool_dir);
	settings_add_ours(settings, settings->cache_dir);
	settings_add_ours(settings, settings->workspace_dir);
	settings_add_ours(settings, settings->hooks_dir);
	settings_add_ours(settings, settings->config);
	settings_add_ours(settings, settings->key);
	settings_add_ours(settings, settings->mask_file);
	settings_add_ours(settings, getenv("CREDENTIALS_DIRECTORY"));
	for (i = 0; i < settings->token_file_count; i++)
		settings_add_ours(settings, settings->token_files[i]);
	add_settings_directory(settings);
	return 0;
}
