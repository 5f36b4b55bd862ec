/*
 * settings_circleci.c - the settings of CircleCI's machine runner 3, as settings of ours.
 *
 * One row a key, with its variable and what it is here. A file is theirs when it has their
 * sections, which are no settings of ours. What has no counterpart is named in a warning, so that
 * nobody counts on it; what the machine runner does not know either is an error.
 * Source of the names: CircleCI's configuration reference of machine runner 3.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/yaml.h"

enum { WHERE_BYTES = 256, NAME_BYTES = 96, NEAR = 3 };

#define THEIR_HUB "https://runner.circleci.com"

/* A value and where it stands. */
struct told {
	struct settings *settings;
	const char *where, *text;
};

typedef int take_fn(const struct told *told, struct err *err);

static take_fn take_token, take_url, take_format, take_log_file;

static const struct key {
	const char *name, *variable;
	const char *ours;    /* the row that it sets */
	take_fn *take;	     /* else: what is to be done */
	const char *without; /* else: why there is nothing like it */
} keys[] = {
	{"api.auth_token", "CIRCLECI_RUNNER_API_AUTH_TOKEN", .take = take_token},
	{"api.url", "CIRCLECI_RUNNER_API_URL", .take = take_url},
	{"runner.name", "CIRCLECI_RUNNER_NAME", .ours = "name"},
	{"runner.working_directory", "CIRCLECI_RUNNER_WORK_DIR", .ours = "work-dir"},
	{"runner.cleanup_working_directory", "CIRCLECI_RUNNER_CLEANUP_WORK_DIR",
	 .ours = "cleanup-working-directory"},
	{"runner.command_prefix", "CIRCLECI_RUNNER_COMMAND_PREFIX", .ours = "command-prefix"},
	{"runner.mode", "CIRCLECI_RUNNER_MODE", .ours = "mode"},
	{"runner.max_run_time", "CIRCLECI_RUNNER_MAX_RUN_TIME", .ours = "max-run-time"},
	{"runner.idle_timeout", "CIRCLECI_RUNNER_IDLE_TIMEOUT", .ours = "idle-timeout"},
	{"runner.task_agent_directory", "CIRCLECI_RUNNER_TASK_AGENT_DIRECTORY",
	 .without = "there is no task agent to download"},
	{"runner.cache_task_agent", "CIRCLECI_RUNNER_CACHE_TASK_AGENT",
	 .without = "there is no task agent to download"},
	{"runner.use_home_ssh_dir_for_checkout_keys", "USE_HOME_SSH_DIR_FOR_CHECKOUT_KEYS",
	 .without = "keys lie in the task's own directory, and go with it"},
	{"runner.ssh.advertise_addr", "CIRCLECI_RUNNER_SSH_ADVERTISE_ADDR",
	 .without = "no SSH server is started in jobs"},
	{"logging.level", "CIRCLECI_RUNNER_LOGGING_LEVEL", .ours = "log-level"},
	{"logging.format", "CIRCLECI_RUNNER_LOGGING_FORMAT", .take = take_format},
	{"logging.file", "CIRCLECI_RUNNER_LOGGING_FILE", .take = take_log_file},
};

static const char *const sections[] = {"api", "runner", "runner.ssh", "logging"};

enum {
	KEY_COUNT = sizeof(keys) / sizeof(keys[0]),
	SECTION_COUNT = sizeof(sections) / sizeof(sections[0])
};

/* --- a value ---------------------------------------------------------------------------------- */

static int
take_token(const struct told *told, struct err *err)
{
	(void)err; /* what a token is made of is looked at with all others */
	settings_forget_token(told->settings);
	told->settings->token = mem_strdup(told->text);
	settings_clear_list(told->settings);
	return 0;
}

/* A hub is asked in a language of its own: theirs cannot be one. */
static int
take_url(const struct told *told, struct err *err)
{
	if (text_starts(told->text, THEIR_HUB)) {
		log_debug("%s: " THEIR_HUB " is no hub for runnerd", told->where);
		return 0;
	}
	return settings_set(told->settings, "hub", told->text, told->where, err);
}

static int
take_format(const struct told *told, struct err *err)
{
	if (text_eq(told->text, "none")) {
		log_warn("%s: 'none' has no counterpart in runnerd: the log goes to standard error",
			 told->where);
		return 0;
	}
	return settings_set(told->settings, "log-format",
			    text_eq(told->text, "color") ? "text" : told->text, told->where, err);
}

static int
take_log_file(const struct told *told, struct err *err)
{
	(void)err;
	if (!text_eq(told->text, "-") && *told->text != '\0')
		log_warn("%s: has no counterpart in runnerd: the log goes to standard error",
			 told->where);
	return 0;
}

static int
take(const struct key *key, const struct told *told, struct err *err)
{
	if (key->ours != NULL)
		return settings_set(told->settings, key->ours, told->text, told->where, err);
	if (key->take != NULL)
		return key->take(told, err);
	if (!text_eq(told->text, "false") && *told->text != '\0')
		log_warn("%s: has no counterpart in runnerd: %s", told->where, key->without);
	return 0;
}

/* --- environment -------------------------------------------------------------------------------
 */

int
settings_read_circleci_environment(struct settings *settings, struct err *err)
{
	struct told told = {.settings = settings};
	size_t i;

	for (i = 0; i < KEY_COUNT; i++) {
		told.where = keys[i].variable;
		told.text = getenv(keys[i].variable);
		if (told.text != NULL && *told.text != '\0' && take(&keys[i], &told, err) < 0)
			return err->code;
	}
	return 0;
}

/* --- a file -------------------------------------------------------------------------------------
 */

struct theirs {
	struct settings *settings;
	const char *file; /* for messages */
	struct err *err;
};

bool
settings_is_circleci(const struct node *root)
{
	return root->kind == NODE_MAP &&
	       (node_get(root, "api") != NULL || node_get(root, "runner") != NULL ||
		node_get(root, "logging") != NULL);
}

static const char *
where_of(const struct theirs *theirs, const struct node *node, const char *name,
	 char room[WHERE_BYTES])
{
	(void)snprintf(room, WHERE_BYTES, "%s:%u: %s", theirs->file, node->line, name);
	return room;
}

static const char *
nearest(const char *name)
{
	const char *found = NULL;
	unsigned distance, best = NEAR;
	size_t i;

	for (i = 0; i < KEY_COUNT + SECTION_COUNT; i++) {
		const char *known = i < KEY_COUNT ? keys[i].name : sections[i - KEY_COUNT];

		distance = text_distance(name, known, NEAR - 1);
		if (distance < best) {
			best = distance;
			found = known;
		}
	}
	return found;
}

static int
refuse(const struct theirs *theirs, const struct node *key, const char *name)
{
	const char *near = nearest(name);
	char room[WHERE_BYTES];

	if (err_set(theirs->err, ERR_INPUT,
		    "%s is no setting of CircleCI's machine runner%s%s%s",
		    where_of(theirs, key, name, room), near != NULL ? ": did you mean '" : "",
		    near != NULL ? near : "", near != NULL ? "'?" : "") < 0 &&
	    near == NULL && strchr(name, '.') == NULL)
		err_hint(theirs->err, "settings of runnerd itself go to the command line, or to "
				      "RUNNERD_* variables, beside such a file");
	return theirs->err->code;
}

static int
read_key(const struct theirs *theirs, const struct key *key, const struct node *value)
{
	struct told told = {.settings = theirs->settings};
	char room[WHERE_BYTES];

	told.where = where_of(theirs, value, key->name, room);
	if (value->kind == NODE_NULL)
		return 0;
	if (value->kind == NODE_SEQ && key->ours != NULL && settings_is_words(key->ours))
		return settings_words_take(&theirs->settings->command_prefix, value, theirs->err) <
				       0
			       ? err_wrap(theirs->err, "%s", told.where)
			       : 0;
	if (value->kind == NODE_SEQ || value->kind == NODE_MAP)
		return err_set(theirs->err, ERR_INPUT, "%s must be one value, this is %s",
			       told.where, node_kind_name((enum node_kind)value->kind));
	told.text = value->text;
	return take(key, &told, theirs->err);
}

static const struct key *
find_key(const char *name)
{
	size_t i;

	for (i = 0; i < KEY_COUNT; i++)
		if (text_eq(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static bool
is_section(const char *name)
{
	size_t i;

	for (i = 0; i < SECTION_COUNT; i++)
		if (text_eq(sections[i], name))
			return true;
	return false;
}

/* No deeper than the names of sections go. */
static int
read_section(const struct theirs *theirs, const char *section, const struct node *map)
{
	char name[NAME_BYTES], room[WHERE_BYTES];
	const struct key *key;
	uint32_t i;

	if (map->kind == NODE_NULL)
		return 0;
	if (map->kind != NODE_MAP)
		return err_set(theirs->err, ERR_INPUT, "%s must be a map, this is %s",
			       where_of(theirs, map, section, room),
			       node_kind_name((enum node_kind)map->kind));
	for (i = 0; i < map->count; i++) {
		const struct pair *pair = &map->pairs[i];

		(void)snprintf(name, sizeof(name), "%s%s%.40s", section,
			       *section != '\0' ? "." : "", pair->key->text);
		key = find_key(name);
		if (key != NULL && read_key(theirs, key, pair->value) < 0)
			return theirs->err->code;
		if (key == NULL && is_section(name) && read_section(theirs, name, pair->value) < 0)
			return theirs->err->code;
		if (key == NULL && !is_section(name))
			return refuse(theirs, pair->key, name);
	}
	return 0;
}

int
settings_read_circleci(struct settings *settings, const char *file, const struct node *root,
		       struct err *err)
{
	const struct theirs theirs = {settings, file, err};

	return read_section(&theirs, "", root);
}
