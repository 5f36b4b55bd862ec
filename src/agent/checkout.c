/*
 * checkout.c - the steps "checkout" and "add_ssh_keys": shell scripts that run inside the task.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/checkout.h"

#include <string.h>
#include <strings.h>

#include "agent/environment.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "task/task_doc.h"

enum { CHECKOUT_VARS = 16, VARS_A_KEY = 4 };

/* clang-format off */
static const char checkout_script[] =
#include "agent/scripts/git.sh.h"
#include "agent/scripts/checkout.sh.h"
;
static const char ssh_keys_script[] =
#include "agent/scripts/git.sh.h"
#include "agent/scripts/ssh_keys.sh.h"
;
static const char forges[] =
#include "agent/scripts/known_hosts.h"
;
/* clang-format on */

const char *const checkout_argv[] = {"/bin/sh", "-c", checkout_script, "checkout", NULL};
const char *const ssh_keys_argv[] = {"/bin/sh", "-c", ssh_keys_script, "add_ssh_keys", NULL};

static const char *
or_empty(const char *text)
{
	return text != NULL ? text : "";
}

/* --- which keys --- */

/* "git@HOST:path" and "ssh://user@HOST:port/path": is HOST this one? */
static bool
is_host_of(const char *url, const char *host)
{
	const char *scheme = strstr(url, "://"), *at;
	size_t len;

	if (scheme != NULL)
		url = scheme + 3;
	at = memchr(url, '@', strcspn(url, "/"));
	if (at != NULL)
		url = at + 1;
	len = strcspn(url, ":/");
	return strlen(host) == len && strncasecmp(host, url, len) == 0;
}

static bool
is_listed(const struct task_ssh_key *key, const char *const *fingerprints)
{
	size_t i;

	for (i = 0; fingerprints != NULL && fingerprints[i] != NULL; i++)
		if (text_eq(fingerprints[i], key->fingerprint) ||
		    (key->md5 != NULL && text_eq(fingerprints[i], key->md5)))
			return true;
	return fingerprints == NULL;
}

static bool
is_wanted(const struct checkout_need *need, const struct task_ssh_key *key)
{
	if (need->step != NULL && need->step->kind == STEP_ADD_SSH_KEYS)
		return is_listed(key, need->step->fingerprints);
	return need->doc->source.kind == SOURCE_GIT &&
	       (key->hostname[0] == '\0' || is_host_of(need->doc->source.url, key->hostname));
}

/* A file's name of it: of base64 and colons. */
static const char *
file_name(struct arena *arena, const char *fingerprint)
{
	char *name = arena_printf(arena, "key_%s", fingerprint), *at;

	for (at = name; at != NULL && *at != '\0'; at++)
		if (*at == '/' || *at == ':' || *at == '+')
			*at = '_';
	return name;
}

static size_t
add_keys(struct env_var *vars, struct arena *arena, const struct checkout_need *need)
{
	const struct task_doc *doc = need->doc;
	size_t i, n = 0, count = 0;

	for (i = 0; i < doc->ssh_key_count; i++) {
		const struct task_ssh_key *key = &doc->ssh_keys[i];

		if (!is_wanted(need, key))
			continue;
		vars[n++] = (struct env_var){arena_printf(arena, "RUNNER_SSH_KEY_%zu", count),
					     key->key};
		vars[n++] = (struct env_var){arena_printf(arena, "RUNNER_SSH_HOST_%zu", count),
					     key->hostname};
		vars[n++] = (struct env_var){arena_printf(arena, "RUNNER_SSH_NAME_%zu", count),
					     file_name(arena, key->fingerprint)};
		vars[n++] =
			(struct env_var){arena_printf(arena, "RUNNER_SSH_FINGERPRINT_%zu", count),
					 key->fingerprint};
		count++;
	}
	vars[n++] = (struct env_var){"RUNNER_SSH_KEYS", arena_printf(arena, "%zu", count)};
	return n;
}

/* --- all of it --- */

static size_t
add_source(struct env_var *vars, struct arena *arena, const struct checkout_need *need)
{
	static const char *const kinds[] = {
		[SOURCE_NONE] = "none", [SOURCE_DIRECTORY] = "directory", [SOURCE_GIT] = "git"};
	const struct task_source *source = &need->doc->source;
	const struct task_step *step = need->step;
	const char *method = step != NULL && step->method != NULL ? step->method : "blobless";
	uint64_t depth = step != NULL && step->depth > 0 ? step->depth : 1;
	const struct env_var all[] = {
		{"RUNNER_CHECKOUT_KIND", kinds[source->kind]},
		{"RUNNER_CHECKOUT_TARGET", or_empty(need->target)},
		{"RUNNER_CHECKOUT_DIRECTORY", or_empty(source->path)},
		{"RUNNER_CHECKOUT_URL", or_empty(source->url)},
		{"RUNNER_CHECKOUT_REVISION", or_empty(source->revision)},
		{"RUNNER_CHECKOUT_BRANCH", or_empty(source->branch)},
		{"RUNNER_CHECKOUT_TAG", or_empty(source->tag)},
		{"RUNNER_CHECKOUT_METHOD", method},
		{"RUNNER_CHECKOUT_DEPTH", arena_printf(arena, "%llu", (unsigned long long)depth)},
		{"RUNNER_CHECKOUT_MIRROR", need->helper != NULL ? or_empty(need->mirror) : ""},
		{"RUNNER_CHECKOUT_HELPER", or_empty(need->helper)},
		{"RUNNER_KNOWN_HOSTS", forges},
		{"RUNNER_KNOWN_HOSTS_FILE", or_empty(need->known_hosts)},
	};
	_Static_assert(sizeof(all) / sizeof(all[0]) < CHECKOUT_VARS, "the list has room");

	memcpy(vars, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

int
checkout_environment(struct env_layer *out, struct arena *arena, const struct checkout_need *need,
		     struct err *err)
{
	size_t most = CHECKOUT_VARS + need->doc->ssh_key_count * VARS_A_KEY + 1;
	struct env_var *vars = ARENA_NEW_ARRAY(arena, struct env_var, most);
	size_t n;

	if (vars == NULL)
		return err_set(err, ERR_LIMIT, "the step's environment is too large");
	n = add_source(vars, arena, need);
	n += add_keys(vars + n, arena, need);
	*out = (struct env_layer){vars, n};
	return arena_is_full(arena) ? err_set(err, ERR_LIMIT, "the step's environment is too large")
				    : 0;
}

int
checkout_token(struct env_layer *out, struct arena *arena, const struct task_doc *doc,
	       struct err *err)
{
	struct env_var *vars = ARENA_NEW_ARRAY(arena, struct env_var, doc->environment_count + 1);
	size_t i, n = 0;

	if (vars == NULL)
		return err_set(err, ERR_LIMIT, "the environment is too large");
	for (i = 0; i < doc->environment_count; i++)
		if (text_eq(doc->environment[i].name, "RUNNER_GIT_TOKEN") ||
		    text_eq(doc->environment[i].name, "RUNNER_GIT_USER"))
			vars[n++] = doc->environment[i];
	*out = (struct env_layer){vars, n};
	return 0;
}
