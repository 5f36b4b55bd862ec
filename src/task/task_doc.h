/*
 * task_doc.h - one task, fully expanded, as the hub hands it to an agent.
 *
 * The format is doc/task-document.md. task_doc_parse() checks everything it reads:
 * what it returns holds every promise of the page. All strings live in the
 * document's arena; task_doc_free() frees it all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_TASK_DOC_H
#define TASK_TASK_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/id.h"
#include "task/layers.h"

struct buffer;
struct err;
struct json;

/* In the order of the rows in task_step.c. */
enum step_kind {
	STEP_RUN,
	STEP_CHECKOUT,
	STEP_SAVE_CACHE,
	STEP_RESTORE_CACHE,
	STEP_STORE_ARTIFACTS,
	STEP_STORE_TEST_RESULTS,
	STEP_PERSIST_TO_WORKSPACE,
	STEP_ATTACH_WORKSPACE,
	STEP_ADD_SSH_KEYS,
	STEP_SETUP_REMOTE_DOCKER,
	STEP_KIND_UNKNOWN
};
enum step_when { WHEN_ON_SUCCESS, WHEN_ON_FAIL, WHEN_ALWAYS };
enum source_kind { SOURCE_NONE, SOURCE_DIRECTORY, SOURCE_GIT };

struct env_var {
	const char *name, *value;
};

/* A private key of the project, as OpenSSH writes it. */
struct task_ssh_key {
	const char *fingerprint; /* "SHA256:..." */
	const char *md5;	 /* "aa:bb:..."; NULL: not stated */
	const char *hostname;	 /* "": for every host */
	const char *key;
};

enum {
	TASK_SSH_KEYS_MOST = 64,
	TASK_SHELL_WORDS_MOST = 64,
	TASK_PATHS_MOST = 1024,
	TASK_KEYS_MOST = 64,
	TASK_MASKS_MOST = 65536
};

/* Which members count depends on kind (doc/task-document.md); the rest are zero. Lists are
 * NULL-terminated. */
struct task_step {
	enum step_kind kind;
	const char *kind_name; /* as written: for STEP_KIND_UNKNOWN's message */
	const char *name;
	enum step_when when;
	const char *command;
	const char *const *shell; /* NULL: the task's */
	const struct env_var *environment;
	size_t environment_count;
	const char *working_directory; /* NULL: the task's */
	bool background;
	uint64_t no_output_timeout_ms;
	uint64_t max_auto_reruns; /* 0..5 */
	uint64_t auto_rerun_delay_ms;
	const char *path;	 /* checkout: "." where absent */
	const char *method;	 /* checkout: NULL: blobless */
	uint64_t depth;		 /* checkout of method shallow; 0: not stated */
	const char *destination; /* NULL: the path */
	const char *key;
	const char *const *keys; /* in the order to try */
	const char *const *paths;
	const char *root;
	const char *at;
	const char *const *fingerprints; /* NULL: all keys */
	const char *version;
	bool docker_layer_caching;
};

struct task_source {
	enum source_kind kind;
	const char *path;			   /* SOURCE_DIRECTORY */
	const char *url, *revision, *branch, *tag; /* SOURCE_GIT; all but url may be NULL */
};

struct task_doc {
	struct arena arena;
	struct id id;
	uint32_t epoch;
	const char *token;
	uint64_t lease_ms;
	const char *job_id, *job_name;
	uint64_t job_number;
	const char *workflow_name; /* "" when absent */
	const char *project_slug;  /* "" when absent */
	const char *resource_class;
	unsigned node_index, node_total;
	const char *const *shell;      /* NULL-terminated; NULL: the host's default */
	const char *working_directory; /* "~/project" */
	const struct env_var *environment;
	size_t environment_count;
	/* What a cache's key has in the place of these; value NULL: nothing. */
	const struct env_var *key_environment;
	size_t key_environment_count;
	uint64_t max_run_time_ms;
	uint64_t cache_keep_ms; /* of caches that it saves; 0: not stated */
	bool no_new_privs;
	bool archives_at_hub; /* caches and layers go there, and are looked for there */
	struct task_source source;
	const struct task_ssh_key *ssh_keys;
	size_t ssh_key_count;
	struct layers workspace; /* what attach_workspace unpacks */
	const char *const *mask; /* values to mask in the output; NULL-terminated; NULL: none */
	uint64_t mask_own;	 /* so many at its end no other task has */
	struct task_step *steps;
	size_t step_count;
};

/*
 * Read one document. Owns: *out is the caller's, task_doc_free() ends it.
 * Fails: ERR_INPUT naming the member that is missing or wrong; ERR_LIMIT when it is too large.
 */
int task_doc_parse(struct task_doc **out, const struct json *json, struct err *err);

/*
 * What identifies a document that task_doc_parse() refused, so that its lease can be ended as
 * infra-fail: id, epoch and token alone. False when even these are not there.
 */
bool task_doc_identity(const struct json *json, struct id *id, uint32_t *epoch, const char **token);

/* The same document as JSON, for the hub; the caller frees it with json_free(). */
struct json *task_doc_write(const struct task_doc *doc);

/* An empty document to fill (strings from its arena or static ones). NULL is fine for free. */
struct task_doc *task_doc_new(void);
void task_doc_free(struct task_doc *doc);

const char *step_kind_name(enum step_kind kind);

#endif
