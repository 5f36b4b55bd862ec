/*
 * settings.c - what runnerd was told: one table of options, three sources.
 *
 * Sources are applied from the weakest to the strongest, so that the last one wins:
 * file, environment, command line. The command line is read first, for --config.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/settings.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/host_room.h"
#include "agent/rate.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/slab.h"
#include "base/text.h"
#include "format/frame.h"
#include "runner/protocol.h"
#include "runner/session.h"
#include "runner/supervisor.h"

extern char **environ;

enum type { FLAG, SWITCH, TEXT, WORDS, PATH, LIST, NUMBER, DURATION, BYTES, LEVEL, FORMAT };

struct row {
	struct option option;
	enum type type;
	size_t offset;
	uint64_t least, most; /* of numbers, sizes and lengths of time */
	bool line_only;	      /* has no place in a file or the environment */
};

#define AT(field) offsetof(struct settings, field)

enum { MINUTE_MS = 60000 };

static const struct row rows[] = {
	{{"config", 'c', "FILE", "settings file, default /etc/runner/runnerd.yaml"},
	 PATH,
	 AT(config),
	 .line_only = true},
	{{"jobs", 'j', "N", "tasks that run at the same time (1)"},
	 NUMBER,
	 AT(jobs),
	 1,
	 SLOTS_MOST},
	{{"hub", 0, "URL", "the control plane: https://HOST[:PORT] or unix:PATH"}, TEXT, AT(hub)},
	{{"token-file", 0, "FILE", "resource class tokens, one a line; may be repeated"}, LIST, 0},
	{{"hub-fingerprint", 0, "SHA256:HEX", "trust the hub by its certificate's digest"},
	 TEXT,
	 AT(hub_fingerprint)},
	{{"cacert", 0, "FILE", "trust the hub by these issuers only"}, PATH, AT(cacert)},
	{{"cert", 0, "FILE", "certificate to show to the hub"}, PATH, AT(cert)},
	{{"key", 0, "FILE", "its key"}, PATH, AT(key)},
	{{"proxy", 0, "URL", "reach the hub through this HTTP proxy (none)"}, TEXT, AT(proxy)},
	{{"bind", 0, "ADDRESS", "local address to connect from (any)"}, TEXT, AT(bind)},
	{{"insecure", 0, NULL, "allow plain TCP to a hub on another host"}, FLAG, AT(insecure)},
	{{"name", 0, "NAME", "what people call this agent (the host's name)"}, TEXT, AT(name)},
	{{"run-dir", 0, "DIR", "state that outlives runnerd; in tmpfs"}, PATH, AT(run_dir)},
	{{"data-dir", 0, "DIR", "data that outlives the host's restart"}, PATH, AT(data_dir)},
	{{"work-dir", 0, "DIR", "where tasks work"}, PATH, AT(work_dir)},
	{{"min-free", 0, "SIZE", "claim nothing while their disk has less free; 0: always claim (256M)"},
	 BYTES,
	 AT(min_free),
	 0,
	 (uint64_t)1 << 50},
	{{"min-free-inodes", 0, "N", "the same of files that can be made (1000)"},
	 NUMBER,
	 AT(min_free_inodes),
	 0,
	 UINT32_MAX},
	{{"min-free-memory", 0, "SIZE", "the same of memory that can be had (64M)"},
	 BYTES,
	 AT(min_free_memory),
	 0,
	 (uint64_t)1 << 50},
	{{"max-cpu-pressure", 0, "PERCENT", "claim nothing while processes wait more for CPUs (0: always claim)"},
	 NUMBER,
	 AT(max_cpu_pressure),
	 0,
	 100},
	{{"max-memory-pressure", 0, "PERCENT", "the same of memory (0)"},
	 NUMBER,
	 AT(max_memory_pressure),
	 0,
	 100},
	{{"max-io-pressure", 0, "PERCENT", "the same of disks (0)"},
	 NUMBER,
	 AT(max_io_pressure),
	 0,
	 100},
	{{"proc-dir", 0, "DIR", "where the kernel tells of both (/proc)"}, PATH, AT(proc_dir)},
	{{"pause-after", 0, "N", "pause a class after so many infrastructure failures in a row (3; 0: never)"},
	 NUMBER,
	 AT(pause_after),
	 0,
	 1000},
	{{"pause-time", 0, "TIME", "for so long at first, then twice that and so on (1m)"},
	 DURATION,
	 AT(pause_time_ms),
	 1,
	 UINT32_MAX},
	{{"cache-dir", 0, "DIR", "what can be fetched or made again"}, PATH, AT(cache_dir)},
	{{"cache-max", 0, "SIZE", "of all caches that jobs save; 0: no ceiling (50G)"},
	 BYTES,
	 AT(cache_max),
	 0,
	 (uint64_t)1 << 50},
	{{"workspace-dir", 0, "DIR", "what jobs persist to workspaces (workspaces in the cache directory)"},
	 PATH,
	 AT(workspace_dir)},
	{{"workspace-max", 0, "SIZE", "of all of it; 0: no ceiling (50G)"},
	 BYTES,
	 AT(workspace_max),
	 0,
	 (uint64_t)1 << 50},
	{{"git-mirrors", 0, "DIR", "git mirrors that tasks share (git in the cache directory)"},
	 PATH,
	 AT(git_mirrors)},
	{{"git-mirrors-max", 0, "SIZE", "of all of them; 0: have none (50G)"},
	 BYTES,
	 AT(git_mirrors_max),
	 0,
	 (uint64_t)1 << 50},
	{{"git-mirrors-age", 0, "TIME", "remove one not used for so long (720h)"},
	 DURATION,
	 AT(git_mirrors_age_ms),
	 1000,
	 UINT32_MAX},
	{{"known-hosts", 0, "FILE", "SSH host keys of git servers (those of large forges)"},
	 PATH,
	 AT(known_hosts)},
	{{"isolation", 0, "HOW", "auto, none, user or namespace"}, TEXT, AT(isolation)},
	{{"user", 0, "NAME", "who root becomes; tasks have users of their own then (runnerd)"},
	 TEXT,
	 AT(user)},
	{{"slot-uids", 0, "FIRST-LAST", "these users, one a slot (1900000000-1900004095)"},
	 TEXT,
	 AT(slot_uids)},
	{{"slot-home", 0, "DIR", "what they have as HOME where a class says home: overlay (none)"},
	 PATH,
	 AT(slot_home)},
	{{"cgroup", 0, "GROUP", "control group to hold tasks by: auto, none, or its path"}, TEXT, AT(cgroup)},
	{{"mode", 0, "MODE", "continuous, or single-task: end after one"}, TEXT, AT(mode)},
	{{"idle-timeout", 0, "TIME", "end after so long without a task (never)"},
	 DURATION,
	 AT(idle_timeout_ms),
	 0,
	 UINT32_MAX},
	{{"max-run-time", 0, "TIME", "ceiling for every task, whatever it says (none)"},
	 DURATION,
	 AT(max_run_time_ms),
	 0,
	 UINT32_MAX},
	{{"grace", 0, "TIME", "from SIGTERM to SIGKILL when a task is ended (10s)"},
	 DURATION,
	 AT(grace_ms),
	 1,
	 60 * MINUTE_MS},
	{{"orphan-limit", 0, "TIME", "how long tasks go on without a runnerd (10m)"},
	 DURATION,
	 AT(orphan_limit_ms),
	 0,
	 SUPERVISOR_ORPHAN_KEEP - 1},
	{{"keep-failed", 0, "TIME", "keep a task that failed, for people to enter, for so long (not)"},
	 DURATION,
	 AT(keep_failed_ms),
	 0,
	 SESSION_KEEP_MOST_S * 1000ull},
	{{"keep-failed-max", 0, "N", "so many at a time: beyond, the oldest goes (8)"},
	 NUMBER,
	 AT(keep_failed_max),
	 0,
	 SETTINGS_KEPT_MOST},
	{{"cleanup-working-directory", 0, "BOOL", "remove the work directory of a task (true)"},
	 SWITCH,
	 AT(cleanup_working_directory)},
	{{"attach", 0, "BOOL", "let people open terminals in tasks, through the hub (true)"},
	 SWITCH,
	 AT(attach)},
	{{"command-prefix", 0, "WORDS", "start each step's command through this (nothing)"},
	 WORDS,
	 AT(command_prefix)},
	{{"hooks-dir", 0, "DIR", "programs that run around each task (hooks.d beside the settings)"},
	 PATH,
	 AT(hooks_dir)},
	{{"hook-timeout", 0, "TIME", "one of them may take so long (5m)"},
	 DURATION,
	 AT(hook_timeout_ms),
	 1,
	 UINT32_MAX},
	{{"mask-file", 0, "FILE", "values that output must not show, one a line (none)"},
	 PATH,
	 AT(mask_file)},
	{{"spool-dir", 0, "DIR", "where it waits beyond that (spool in the data dir)"},
	 PATH,
	 AT(spool_dir)},
	{{"spool-memory", 0, "SIZE", "output that waits for the hub in the run dir (64M)"},
	 BYTES,
	 AT(spool_memory),
	 1 << 20,
	 (uint64_t)1 << 40},
	{{"spool-max", 0, "SIZE", "output of all tasks that waits for the hub (16G)"},
	 BYTES,
	 AT(spool_max),
	 1 << 20,
	 (uint64_t)1 << 50},
	{{"spool-task-max", 0, "SIZE", "the same of one task (1G)"},
	 BYTES,
	 AT(spool_task_max),
	 1 << 20,
	 (uint64_t)1 << 50},
	{{"output-memory", 0, "SIZE", "memory that output of all tasks passes through (16M)"},
	 BYTES,
	 AT(output_memory),
	 SLAB_LEAST_BYTES,
	 SLAB_MOST_BYTES},
	{{"output-overflow", 0, "HOW", "spool full: block (the job waits), or truncate"},
	 TEXT,
	 AT(output_overflow)},
	{{"max-output", 0, "SIZE", "output kept of one task (1G; 0: all)"},
	 BYTES,
	 AT(max_output),
	 0,
	 (uint64_t)1 << 50},
	{{"max-step-output", 0, "SIZE", "output kept of one step (256M; 0: all)"},
	 BYTES,
	 AT(max_step_output),
	 0,
	 (uint64_t)1 << 50},
	{{"output-rate", 0, "SIZE", "output read of one task in a second (0: all)"},
	 BYTES,
	 AT(output_rate),
	 0,
	 (uint64_t)1 << 40},
	{{"output-zstd-level", 0, "N", "1 to 19 (1)"},
	 NUMBER,
	 AT(output_zstd_level),
	 1,
	 FRAME_LEVEL_MOST},
	{{"metrics", 0, "ADDRESS", "serve /metrics, /healthz, /readyz: PORT or unix:PATH (no)"},
	 TEXT,
	 AT(metrics)},
	{{"log-level", 0, "LEVEL", "error, warn, info or debug (info)"}, LEVEL, AT(log_level)},
	{{"log-format", 0, "FORMAT", "text or json (text)"}, FORMAT, AT(log_json)},
	{{"ready-fd", 0, "N", "write 'ready' there after the first claim"},
	 NUMBER,
	 AT(ready_fd),
	 3,
	 1023,
	 .line_only = true},
	{{"check", 0, NULL, "say what this host can do, and end"},
	 FLAG,
	 AT(check),
	 .line_only = true},
	{{"help", 'h', NULL, "this text"}, FLAG, AT(help), .line_only = true},
	{{"version", 0, NULL, "version, revision, libraries"},
	 FLAG,
	 AT(version),
	 .line_only = true},
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

const struct option *
settings_options(void)
{
	static struct option table[ROW_COUNT + 1];
	size_t i;

	for (i = 0; i < ROW_COUNT; i++)
		table[i] = rows[i].option;
	return table;
}

static const struct row *
find_row(const char *name)
{
	size_t i;

	for (i = 0; i < ROW_COUNT; i++)
		if (text_eq(rows[i].option.name, name))
			return &rows[i];
	return NULL;
}

bool
settings_knows(const char *name)
{
	return find_row(name) != NULL && !find_row(name)->line_only;
}

bool
settings_is_flag(const char *name)
{
	return find_row(name) != NULL && find_row(name)->type == FLAG;
}

bool
settings_is_list(const char *name)
{
	return find_row(name) != NULL && find_row(name)->type == LIST;
}

bool
settings_is_words(const char *name)
{
	return find_row(name) != NULL && find_row(name)->type == WORDS;
}

const char *
settings_nearest(const char *name)
{
	const char *nearest = NULL;
	unsigned distance, best = 3;
	size_t i;

	for (i = 0; i < ROW_COUNT; i++) {
		if (rows[i].line_only)
			continue;
		distance = text_distance(name, rows[i].option.name, 2);
		if (distance < best) {
			best = distance;
			nearest = rows[i].option.name;
		}
	}
	return nearest;
}

/* --- one value ------------------------------------------------------------------------------- */

static int
parse_flag(const char *value, bool *out, struct err *err)
{
	if (text_eq(value, "true") || text_eq(value, "yes") || text_eq(value, "on") ||
	    text_eq(value, "1"))
		*out = true;
	else if (text_eq(value, "false") || text_eq(value, "no") || text_eq(value, "off") ||
		 text_eq(value, "0"))
		*out = false;
	else
		return err_set(err, ERR_INPUT, "'%.64s' is neither true nor false", value);
	return 0;
}

static int
parse_format(const char *value, bool *json, struct err *err)
{
	if (!text_eq(value, "text") && !text_eq(value, "json"))
		return err_set(err, ERR_INPUT, "'%.64s' is not a log format: take text or json",
			       value);
	*json = text_eq(value, "json");
	return 0;
}

/* A limit as a person would write it. */
static const char *
limit_text(char room[24], const struct row *row, uint64_t limit)
{
	if (row->type == DURATION)
		return text_duration(room, limit);
	if (row->type == BYTES)
		return text_bytes(room, limit);
	(void)snprintf(room, 24, "%llu", (unsigned long long)limit);
	return room;
}

static int
parse_number(const struct row *row, const char *value, uint64_t *out, struct err *err)
{
	char least[24], most[24];
	uint64_t number;
	int rc;

	if (row->type == DURATION)
		rc = text_parse_duration_ms(value, &number, err);
	else if (row->type == BYTES)
		rc = text_parse_bytes(value, &number, err);
	else
		rc = text_parse_u64(value, UINT64_MAX, &number, err);
	if (rc < 0)
		return rc;
	if (number < row->least || number > row->most)
		return err_set(err, ERR_INPUT, "%s is out of range: %s to %s are allowed", value,
			       limit_text(least, row, row->least),
			       limit_text(most, row, row->most));
	*out = number;
	return 0;
}

/* Paths are made absolute: a reload and a task's directory must not depend on where we stand. */
static int
set_text(struct settings *settings, const struct row *row, const char *value, struct err *err)
{
	char **field = (char **)(void *)((char *)settings + row->offset), here[PATH_MAX];

	if (*value == '\0')
		return err_set(err, ERR_INPUT, "the value is empty");
	if (row->type == PATH && *value != '/' && getcwd(here, sizeof(here)) == NULL)
		return err_sys(err, "cannot find out the working directory");
	free(*field);
	*field = row->type == PATH && *value != '/' ? mem_printf("%s/%s", here, value)
						    : mem_strdup(value);
	return 0;
}

static int
add_token_file(struct settings *settings, const char *value, struct err *err)
{
	if (settings->token_file_count == SETTINGS_TOKEN_FILES_MOST)
		return err_set(err, ERR_LIMIT, "more than %d token files",
			       SETTINGS_TOKEN_FILES_MOST);
	settings->token_files[settings->token_file_count++] = mem_strdup(value);
	return 0;
}

static int
set_row(struct settings *settings, const struct row *row, const char *value, struct err *err)
{
	void *field = (char *)settings + row->offset;

	switch (row->type) {
	case FLAG:
	case SWITCH:
		return parse_flag(value, field, err);
	case WORDS:
		return settings_words_set(field, value, err);
	case TEXT:
	case PATH:
		return set_text(settings, row, value, err);
	case LIST:
		return add_token_file(settings, value, err);
	case NUMBER:
	case DURATION:
	case BYTES:
		return parse_number(row, value, field, err);
	case LEVEL:
		return log_level_parse(value, field, err);
	case FORMAT:
		return parse_format(value, field, err);
	}
	UNREACHABLE();
}

int
settings_set(struct settings *settings, const char *name, const char *value, const char *where,
	     struct err *err)
{
	const struct row *row = find_row(name);

	assert(row != NULL);
	if (set_row(settings, row, value, err) < 0)
		return err_wrap(err, "%s", where);
	return 0;
}

void
settings_clear_list(struct settings *settings)
{
	while (settings->token_file_count > 0)
		free(settings->token_files[--settings->token_file_count]);
}

/* --- command line ------------------------------------------------------------------------------
 */

struct line {
	struct settings *settings;
	bool only_config; /* first reading: for --config alone */
	bool cleared;	  /* the list's weaker entries are gone */
};

static int
set_from_line(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct line *line = arg;
	char where[SETTINGS_WORD_BYTES];

	if (line->only_config != text_eq(option->name, "config"))
		return 0;
	if (settings_is_list(option->name) && !line->cleared) {
		settings_clear_list(line->settings);
		line->cleared = true;
	}
	(void)snprintf(where, sizeof(where), "--%s", option->name);
	return settings_set(line->settings, option->name, value != NULL ? value : "true", where,
			    err);
}

/* options_parse() moves operands, so it gets a copy of argv. */
static int
read_line(struct settings *settings, int argc, char **argv, bool only_config, struct err *err)
{
	struct line line = {settings, only_config, false};
	char **copy = MEM_NEW_ARRAY(char *, (size_t)argc + 1);
	int operands = 0, rc;

	memcpy(copy, argv, (size_t)argc * sizeof(*argv));
	rc = options_parse(settings_options(), argc - 1, copy + 1, &operands, set_from_line, &line,
			   err);
	if (rc == 0 && operands > 0)
		rc = err_set(err, ERR_INPUT,
			     "'%.64s' is not an option, and runnerd takes nothing else", copy[1]);
	free(copy);
	return rc;
}

/* --- environment ---------------------------------------------------------------------------------
 */

/* "RUNNERD_OUTPUT_MEMORY" -> "output-memory". False when it is too long for any name. */
static bool
name_of_variable(const char *variable, size_t len, char name[SETTINGS_WORD_BYTES])
{
	size_t i;

	if (len >= SETTINGS_WORD_BYTES)
		return false;
	for (i = 0; i < len; i++) {
		name[i] = variable[i] == '_' ? '-' : variable[i];
		if (name[i] >= 'A' && name[i] <= 'Z')
			name[i] = (char)(name[i] - 'A' + 'a');
	}
	name[len] = '\0';
	return true;
}

/* A variable that is none of ours is let be: service managers and clusters make such names up. */
static int
read_environment(struct settings *settings, struct err *err)
{
	static const char prefix[] = "RUNNERD_";
	char name[SETTINGS_WORD_BYTES], where[SETTINGS_WORD_BYTES + sizeof(prefix)];
	const char *variable, *equals;
	char **env;

	for (env = environ; *env != NULL; env++) {
		equals = strchr(*env, '=');
		if (equals == NULL || !text_starts(*env, prefix))
			continue;
		variable = *env + sizeof(prefix) - 1;
		if (!name_of_variable(variable, (size_t)(equals - variable), name) ||
		    !settings_knows(name))
			continue;
		if (settings_is_list(name))
			settings_clear_list(settings);
		(void)snprintf(where, sizeof(where), "%.*s", (int)(equals - *env), *env);
		if (settings_set(settings, name, equals + 1, where, err) < 0)
			return err->code;
	}
	return 0;
}

/* --- all of it
 * ----------------------------------------------------------------------------------------- */

static void
init(struct settings *settings)
{
	struct room room;

	memset(settings, 0, sizeof(*settings));
	settings->jobs = 1;
	settings->isolation = mem_strdup("auto");
	settings->cgroup = mem_strdup("auto");
	settings->mode = mem_strdup("continuous");
	settings->grace_ms = SUPERVISOR_GRACE_MS;
	settings->orphan_limit_ms = RUNNER_LOST_MS;
	settings->min_free = (uint64_t)256 << 20;
	settings->min_free_inodes = 1000;
	settings->min_free_memory = (uint64_t)64 << 20;
	settings->proc_dir = mem_strdup("/proc");
	settings->pause_after = 3;
	settings->pause_time_ms = MINUTE_MS;
	settings->cache_max = (uint64_t)50 << 30;
	settings->workspace_max = (uint64_t)50 << 30;
	settings->git_mirrors_max = (uint64_t)50 << 30;
	settings->git_mirrors_age_ms = (uint64_t)720 * 3600 * 1000;
	settings->spool_memory = (uint64_t)64 << 20;
	settings->spool_max = (uint64_t)16 << 30;
	settings->spool_task_max = (uint64_t)1 << 30;
	settings->output_memory = (uint64_t)16 << 20;
	settings->output_zstd_level = FRAME_LEVEL_DEFAULT;
	settings->cleanup_working_directory = true;
	settings->attach = true;
	settings->keep_failed_max = SETTINGS_KEPT;
	settings->hook_timeout_ms = 5 * MINUTE_MS;
	settings->output_overflow = mem_strdup("block");
	settings->max_output = (uint64_t)1 << 30;
	settings->max_step_output = (uint64_t)256 << 20;
	settings->log_level = LOG_INFO;
	host_room_read(&room, "");
	slots_init(&settings->slots, 1, &room);
}

/* --- all of it
 * ---------------------------------------------------------------------------------------------- */

static int
check_words(const struct settings *settings, struct err *err)
{
	if (!text_eq(settings->mode, "continuous") && !text_eq(settings->mode, "single-task"))
		return err_set(err, ERR_INPUT,
			       "'%.64s' is not a mode: take continuous or single-task",
			       settings->mode);
	if (!text_eq(settings->output_overflow, "block") &&
	    !text_eq(settings->output_overflow, "truncate"))
		return err_set(err, ERR_INPUT,
			       "output-overflow: '%.64s' is no way to meet a full spool: take "
			       "block or truncate",
			       settings->output_overflow);
	if (settings->output_rate > 0 && settings->output_rate < RATE_LEAST_BYTES)
		return err_set(err, ERR_INPUT,
			       "an output-rate of %llu is too slow: take %d or more, or 0 for none",
			       (unsigned long long)settings->output_rate, RATE_LEAST_BYTES);
	if (settings->cacert != NULL && settings->hub_fingerprint != NULL)
		return err_set(
			err, ERR_INPUT,
			"cacert and hub-fingerprint are two ways to trust the hub: take one");
	if ((settings->cert == NULL) != (settings->key == NULL))
		return err_set(err, ERR_INPUT, "cert and key go together");
	return 0;
}

static int
check_needed(struct settings *settings, struct err *err)
{
	if (settings->hub == NULL) {
		if (err_set(err, ERR_INPUT, "no hub is named") < 0)
			err_hint(err, "say --hub https://HOST:PORT, RUNNERD_HUB, or hub: in runnerd.yaml");
		return err->code;
	}
	if (settings_read_tokens(settings, err) < 0)
		return err->code;
	if (settings->slots.class_count == 0) {
		if (err_set(err, ERR_INPUT, "no resource class token is given") < 0)
			err_hint(err, "say --token-file FILE; the hub makes a token with "
				      "'runnerctl resource-class create'");
		return err->code;
	}
	return 0;
}

static int
read_sources(struct settings *settings, int argc, char **argv, struct err *err)
{
	bool named;

	if (read_line(settings, argc, argv, true, err) < 0)
		return err->code;
	named = settings->config != NULL;
	if (!named)
		settings->config = settings_default_config();
	if (named || access(settings->config, F_OK) == 0) {
		if (settings_read_file(settings, settings->config, err) < 0)
			return err->code;
	} else {
		free(settings->config);
		settings->config = NULL;
	}
	if (settings_read_circleci_environment(settings, err) < 0 ||
	    read_environment(settings, err) < 0)
		return err->code;
	return read_line(settings, argc, argv, false, err);
}

/* Everything is read: what is left to find out of classes. */
static int
settle_slots(struct settings *settings, struct err *err)
{
	struct slots *slots = &settings->slots;
	cpu_set_t cpus;
	unsigned i;

	if (settings_inherit_proxies(settings, err) < 0)
		return err->code;
	slots->total = (unsigned)settings->jobs;
	if (slots->host.disk_bytes == 0)
		slots->host.disk_bytes = host_room_disk(settings->work_dir, settings->min_free);
	host_room_cpus(&cpus);
	if (slots_settle(slots, "/sys", &cpus, err) < 0)
		return err->code;
	for (i = 0; i < slots->class_count; i++)
		if (slots->classes[i].share_cpus && slots->classes[i].need.cpus == 0)
			log_warn("there are %u CPUs for %u slots: tasks of resource class '%s' get none of their own",
				 slots->host.cpus, slots->total, slots->classes[i].name);
	return 0;
}

int
settings_load(struct settings *settings, int argc, char **argv, struct err *err)
{
	int rc;

	init(settings);
	rc = read_sources(settings, argc, argv, err);
	if (rc == 0)
		rc = check_words(settings, err);
	if (rc == 0 && text_eq(settings->mode, "single-task"))
		settings->jobs = 1;
	settings_fill_names(settings);
	if (rc == 0)
		rc = settings_settle_isolation(settings, err);
	if (rc == 0 && !settings->help && !settings->version)
		rc = settings_read_mask(settings, err);
	if (rc == 0 && !settings->check && !settings->help && !settings->version)
		rc = check_needed(settings, err);
	if (rc == 0)
		rc = settle_slots(settings, err);
	if (rc < 0)
		settings_release(settings);
	return rc;
}

void
settings_release(struct settings *settings)
{
	size_t i;

	settings_clear_list(settings);
	settings_forget_mask(settings);
	settings_forget_token(settings);
	settings_forget_ours(settings);
	isolations_release(&settings->isolations);
	settings_words_free(&settings->command_prefix);
	for (i = 0; i < ROW_COUNT; i++)
		if (rows[i].type == TEXT || rows[i].type == PATH) {
			char **field = (char **)(void *)((char *)settings + rows[i].offset);

			free(*field);
			*field = NULL;
		}
	explicit_bzero(&settings->slots, sizeof(settings->slots));
}
