/*
 * settings_paths.c - where runnerd has its files, and what it is called, where nobody said.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/settings.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

char *
settings_user_path(const char *variable, const char *fallback, const char *rest)
{
	const char *base = getenv(variable), *home = getenv("HOME");

	if (base != NULL && *base == '/')
		return mem_printf("%s/%s", base, rest);
	return mem_printf("%s/%s/%s", home != NULL && *home == '/' ? home : "/tmp", fallback, rest);
}

/* Whoever was started by root stays a service, also when it is root no more and reloads. */
static bool
is_service(void)
{
	static int by_root = -1;

	if (by_root < 0)
		by_root = geteuid() == 0;
	return by_root != 0;
}

char *
settings_default_config(void)
{
	if (is_service())
		return mem_strdup(RUNNER_SYSCONFDIR "/runnerd.yaml");
	return settings_user_path("XDG_CONFIG_HOME", ".config", "runner/runnerd.yaml");
}

static void
default_path(char **path, const char *root, const char *variable, const char *fallback,
	     const char *rest)
{
	if (*path == NULL)
		*path = is_service() ? mem_strdup(root) : settings_user_path(variable, fallback, rest);
}

static void
fill_paths(struct settings *settings)
{
	default_path(&settings->run_dir, "/run/runnerd", "XDG_RUNTIME_DIR", ".local/state/runner",
		     getenv("XDG_RUNTIME_DIR") != NULL ? "runnerd" : "run");
	default_path(&settings->data_dir, "/var/lib/runnerd", "XDG_STATE_HOME", ".local/state",
		     "runner");
	default_path(&settings->work_dir, "/var/lib/runnerd/work", "XDG_STATE_HOME", ".local/state",
		     "runner/work");
	default_path(&settings->cache_dir, "/var/cache/runnerd", "XDG_CACHE_HOME", ".cache",
		     "runner");
	default_path(&settings->hooks_dir, RUNNER_SYSCONFDIR "/hooks.d", "XDG_CONFIG_HOME",
		     ".config", "runner/hooks.d");
	if (settings->spool_dir == NULL)
		settings->spool_dir = mem_printf("%s/spool", settings->data_dir);
	if (settings->workspace_dir == NULL)
		settings->workspace_dir = mem_printf("%s/workspaces", settings->cache_dir);
	if (settings->git_mirrors == NULL)
		settings->git_mirrors = mem_printf("%s/git", settings->cache_dir);
}

static void
fill_name(struct settings *settings)
{
	char host[HOST_NAME_MAX + 1] = "";

	if (settings->name != NULL)
		return;
	(void)gethostname(host, sizeof(host) - 1);
	settings->name = mem_strdup(host[0] != '\0' ? host : "runnerd");
}

void
settings_fill_names(struct settings *settings)
{
	fill_paths(settings);
	fill_name(settings);
}
