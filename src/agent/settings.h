/*
 * settings.h - what runnerd was told: command line over environment over runnerd.yaml.
 *
 * settings_load() with the command line -> settings_release(). Loading again (SIGHUP)
 * reads the same sources anew. Every option is one row of one table: its name on the
 * command line, with underscores in runnerd.yaml, with RUNNERD_ in front in the
 * environment. Tokens are read here and nowhere else. A file and variables of CircleCI's machine
 * runner 3 are taken for ours (settings_circleci.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_SETTINGS_H
#define AGENT_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/isolation.h"
#include "agent/slots.h"
#include "base/log.h"
#include "base/options.h"

struct buffer;
struct err;
struct node;

enum {
	SETTINGS_TOKEN_FILES_MOST = SLOTS_CLASSES_MOST,
	SETTINGS_OURS_MOST = 2 * SLOTS_CLASSES_MOST + 32,
	SETTINGS_TOKEN_FILE_BYTES = 64 << 10,
	SETTINGS_MASK_FILE_BYTES = 256 << 10,
	SETTINGS_WORD_BYTES = 64,
	SETTINGS_PREFIX_WORDS_MOST = 64,
	SETTINGS_KEPT = 8,	/* failed tasks that are kept, where nothing is said */
	SETTINGS_KEPT_MOST = 64,
};

struct settings {
	char *config; /* the file that was read; NULL: none */
	char *hub, *hub_fingerprint, *cacert, *cert, *key, *proxy, *bind;
	bool insecure;
	char *token_files[SETTINGS_TOKEN_FILES_MOST];
	unsigned token_file_count;
	char *token; /* one that was given without a file, where no file is named; NULL: none */
	char *name; /* the host's where absent */
	uint64_t jobs;
	char *spool_dir; /* absolute */
	char *run_dir, *data_dir, *work_dir, *cache_dir, *workspace_dir, *git_mirrors, *known_hosts; /* absolute */
	char *isolation; /* the level of classes that say none */
	struct isolations isolations;
	char *ours[SETTINGS_OURS_MOST]; /* what no isolated job may see; NULL-terminated */
	char *cgroup, *mode;
	char *user, *slot_uids; /* as said; NULL: not */
	char *slot_home;	/* absolute; NULL: none */
	uint64_t idle_timeout_ms, max_run_time_ms, grace_ms, orphan_limit_ms;
	uint64_t keep_failed_ms, keep_failed_max;
	bool cleanup_working_directory, attach;
	char *hooks_dir; /* absolute */
	uint64_t hook_timeout_ms;
	char **command_prefix; /* words; NULL-terminated; NULL: none */
	char *mask_file;
	char *mask_text;   /* its content */
	const char **mask; /* its lines; NULL-terminated; NULL: none */
	/* Or nothing is claimed: on each disk, of memory, percent of time that processes wait. 0: no limit. */
	uint64_t min_free, min_free_inodes, min_free_memory;
	uint64_t max_cpu_pressure, max_memory_pressure, max_io_pressure;
	char *proc_dir; /* absolute */
	uint64_t pause_after, pause_time_ms; /* a class that fails */
	uint64_t cache_max, workspace_max, git_mirrors_max, git_mirrors_age_ms;
	uint64_t spool_max, spool_task_max, spool_memory, output_memory, output_zstd_level;
	char *output_overflow;
	uint64_t max_output, max_step_output, output_rate; /* bytes; 0: no limit */
	char *metrics; /* address; NULL: not served */
	enum log_level log_level;
	bool log_json;
	uint64_t ready_fd; /* 0: none */
	bool check, help, version;
	struct slots slots; /* room of this host, classes with their tokens */
};

/* The options, for --help and completions; ends with a row whose name is NULL. */
const struct option *settings_options(void);

/*
 * Read everything. argv[0] is the program's name. On failure *settings is released.
 * Tokens are needed unless check, help or version was asked for.
 * Fails: ERR_INPUT with the option, or the file and line; ERR_HOST (a file cannot be read).
 */
int settings_load(struct settings *settings, int argc, char **argv, struct err *err);
void settings_release(struct settings *settings);

/* --- shared by the parts of this module ---------------------------------------------------- */

/*
 * Set one row from text; where says whence, for messages ("--jobs", "RUNNERD_JOBS",
 * "runnerd.yaml:3: jobs"). A row that holds a list gets one more entry.
 */
int settings_set(struct settings *settings, const char *name, const char *value, const char *where,
		 struct err *err);
/* Forget the entries of a list: a stronger source begins its own. */
void settings_clear_list(struct settings *settings);
bool settings_is_flag(const char *name);
bool settings_is_list(const char *name);
bool settings_is_words(const char *name);
/* NULL when no row's name is near. */
const char *settings_nearest(const char *name);
bool settings_knows(const char *name);

/* settings_file.c: the rows and the classes of a runnerd.yaml. */
int settings_read_file(struct settings *settings, const char *path, struct err *err);

/* settings_paths.c: the path of the file that is read where nobody names one (the caller frees it); the other
 * paths, and the agent's name, where they are NULL. settings_user_path(): $VARIABLE/rest, or $HOME/fallback/rest for a
 * user without it; the caller's, too. */
char *settings_user_path(const char *variable, const char *fallback, const char *rest);
char *settings_default_config(void);
void settings_fill_names(struct settings *settings);

/*
 * settings_ours.c: a file or directory that no isolated job may see (NULL: none); every place of the settings
 * that is such a one, and isolations as they are meant. Fails: ERR_INPUT.
 */
void settings_add_ours(struct settings *settings, const char *path);
int settings_settle_isolation(struct settings *settings, struct err *err);
void settings_forget_ours(struct settings *settings);

/* settings_words.c: the words of a text, or of a list; the old ones are freed. Fails: ERR_INPUT,
 * ERR_LIMIT. */
int settings_words_set(char ***words, const char *text, struct err *err);
int settings_words_take(char ***words, const struct node *list, struct err *err);
void settings_words_free(char ***words);

/* settings_class.c: classes with "inherit" get the proxy that runnerd has itself. Fails: ERR_LIMIT (it is too long). */
int settings_inherit_proxies(struct settings *settings, struct err *err);

/* settings_tokens.c: one class for each line of a token file. Fails: ERR_HOST, ERR_INPUT. */
int settings_add_tokens(struct settings *settings, const char *path,
			const struct slots_class *class, struct err *err);
/* Every --token-file; where nothing else gave a token, the service manager's credential. */
int settings_read_tokens(struct settings *settings, struct err *err);

void settings_forget_token(struct settings *settings);

/* settings_circleci.c: a file of CircleCI's machine runner, which has a shape of its own, and its
 * variables. What has no counterpart is logged. file: its name, for messages. Fails: ERR_INPUT. */
bool settings_is_circleci(const struct node *root);
int settings_read_circleci(struct settings *settings, const char *file, const struct node *root,
			   struct err *err);
int settings_read_circleci_environment(struct settings *settings, struct err *err);

/* settings_mask.c: the lines of --mask-file. Fails: ERR_HOST, ERR_INPUT, ERR_LIMIT. */
int settings_read_mask(struct settings *settings, struct err *err);
void settings_forget_mask(struct settings *settings);

#endif
