/*
 * mirrors.c - bare git repositories that the tasks of this host share.
 *
 * What git does is in scripts/mirror.sh and prune.sh; here is who waits for which child.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/mirrors.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uthash.h>

#include "agent/checkout.h"
#include "agent/control.h"
#include "agent/environment.h"
#include "agent/tasks.h"
#include "agent/waiters.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/digest.h"
#include "loop/child.h"
#include "task/task_doc.h"

enum {
	MIRRORS_MAGIC = 0x3177025e,
	NAME_BYTES = 33,
	SAID_BYTES = 4096,
	UPDATE_MOST_MS = 2 * 3600 * 1000, /* git gives up much earlier when nothing moves */
	PRUNE_EVERY_MS = 3600 * 1000,
	UPDATES_MOST = 16, /* at one time: each is a git and a connection */
	ENVIRONMENT_MOST_BYTES = 8 << 20,
};

/* clang-format off */
static const char update_script[] =
#include "agent/scripts/git.sh.h"
#include "agent/scripts/mirror.sh.h"
;
static const char prune_script[] =
#include "agent/scripts/prune.sh.h"
;
/* clang-format on */

/* A shell and what it says. */
struct errand {
	struct child child;
	struct watch watch;
	int pipe; /* -1: none */
	char said[SAID_BYTES];
	size_t len;
};

struct mirror {
	struct mirrors *mirrors;
	UT_hash_handle hh;
	char name[NAME_BYTES];
	struct errand errand;
	struct timer limit;
	uint64_t begun_us; /* of the last update; 0: none yet */
	bool running, failed, doubtful;
	struct waiters waiters;
	char why[CONTROL_REPLY_MOST_BYTES]; /* it failed */
};

struct mirrors {
	uint32_t magic;
	struct loop *loop;
	const char *path, *known_hosts;
	char *private_dir;
	uint64_t most_bytes, age_ms;
	struct mirror *table;
	unsigned running;
	struct errand prune;
	struct timer prune_timer;
};

/* --- an errand --- */

/* The newest bytes are kept: git's reason comes last. */
static void
on_said(void *arg, unsigned events)
{
	struct errand *errand = arg;
	size_t half = SAID_BYTES / 2;
	ssize_t n;

	(void)events;
	if (errand->len + 1 >= SAID_BYTES) {
		memmove(errand->said, errand->said + half, errand->len - half);
		errand->len -= half;
	}
	n = read(errand->pipe, errand->said + errand->len, SAID_BYTES - 1 - errand->len);
	if (n > 0)
		errand->len += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		watch_stop(&errand->watch);
	errand->said[errand->len] = '\0';
}

static void
errand_release(struct errand *errand)
{
	watch_stop(&errand->watch);
	child_release(&errand->child);
	if (errand->pipe >= 0)
		(void)close(errand->pipe);
	errand->pipe = -1;
}

/* What it said is whole from here on, but for what survivors of it say. */
static void
errand_end(struct errand *errand)
{
	size_t before;

	do {
		before = errand->len;
		on_said(errand, WATCH_READ);
	} while (errand->len != before && errand->watch.ev != NULL);
	errand_release(errand);
}

static int
errand_start(struct errand *errand, struct loop *loop, const char *script, const char *const *env,
	     child_exit_fn *on_exit, void *arg, struct err *err)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)(uintptr_t)script, (char *)"mirror",
			NULL};
	int ends[2];
	struct child_fd fds[2];
	struct child_spec spec = {.path = "/bin/sh",
				  .argv = argv,
				  .envp = (char *const *)(uintptr_t)env,
				  .cwd = "/",
				  .fds = fds,
				  .fd_count = 2,
				  .flags = CHILD_NEW_SESSION | CHILD_DIES_WITH_US};
	int rc;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, "cannot make a pipe");
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	fds[0] = (struct child_fd){ends[1], 1};
	fds[1] = (struct child_fd){ends[1], 2};
	errand->pipe = ends[0];
	errand->len = 0;
	errand->said[0] = '\0';
	rc = child_start(&errand->child, loop, &spec, on_exit, arg, err);
	(void)close(ends[1]);
	if (rc == 0)
		rc = watch_start(&errand->watch, loop, errand->pipe, WATCH_READ, on_said, errand,
				 err);
	if (rc < 0)
		errand_release(errand);
	return rc;
}

/* Git's own sentence: its last line that says "fatal", else the last line. */
static void
take_reason(const struct errand *errand, char why[CONTROL_REPLY_MOST_BYTES])
{
	const char *line = errand->said, *end, *best = "it ended without a word";

	for (; *line != '\0'; line = *end == '\n' ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (end > line && (text_starts(line, "fatal:") || !text_starts(best, "fatal:")))
			best = line;
	}
	(void)snprintf(why, CONTROL_REPLY_MOST_BYTES, "%.*s",
		       (int)(strcspn(best, "\n") < 200 ? strcspn(best, "\n") : 200), best);
}

/* --- environment --- */

/* What of our own environment git needs to reach a forge. */
static size_t
add_own(struct env_var *vars)
{
	static const char *const names[] = {"PATH",	     "http_proxy",    "https_proxy",
					    "HTTPS_PROXY",   "no_proxy",      "NO_PROXY",
					    "ALL_PROXY",     "SSL_CERT_FILE", "SSL_CERT_DIR",
					    "GIT_SSL_CAINFO"};
	size_t i, n = 0;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (getenv(names[i]) != NULL)
			vars[n++] = (struct env_var){names[i], getenv(names[i])};
	return n;
}

static int
make_environment(const char *const **out, struct arena *arena, const struct mirror *mirror,
		 const struct task_doc *doc, struct err *err)
{
	const struct mirrors *mirrors = mirror->mirrors;
	struct env_var own[16];
	size_t n = add_own(own);
	const struct checkout_need need = {.doc = doc, .known_hosts = mirrors->known_hosts};
	struct env_layer layers[3];

	own[n++] = (struct env_var){"LC_ALL", "C"};
	own[n++] = (struct env_var){"RUNNER_MIRRORS", mirrors->path};
	own[n++] = (struct env_var){"RUNNER_MIRROR", mirror->name};
	own[n++] = (struct env_var){"RUNNER_MIRROR_PRIVATE", mirrors->private_dir};
	own[n++] = (struct env_var){"RUNNER_MIRROR_DOUBTFUL", mirror->doubtful ? "1" : "0"};
	layers[0] = (struct env_layer){own, n};
	if (checkout_environment(&layers[1], arena, &need, err) < 0 ||
	    checkout_token(&layers[2], arena, doc, err) < 0)
		return err->code;
	return environment_make(out, arena, layers, 3, err);
}

/* --- updates --- */

static void
on_limit(void *arg)
{
	struct mirror *mirror = arg;
	struct err err = ERR_INIT;

	(void)child_signal(&mirror->errand.child, SIGTERM, &err);
}

static void
on_updated(void *arg, int status, const struct rusage *usage)
{
	struct mirror *mirror = arg;

	(void)usage;
	OBJ_CHECK(mirror->mirrors, MIRRORS_MAGIC);
	timer_stop(&mirror->limit);
	errand_end(&mirror->errand);
	mirror->running = false;
	mirror->mirrors->running--;
	waiters_wake(&mirror->waiters);
	mirror->failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	if (mirror->failed) {
		take_reason(&mirror->errand, mirror->why);
		log_warn("git mirror %s is not up to date: %s", mirror->name, mirror->why);
		return;
	}
	mirror->doubtful = false;
	if (strstr(mirror->errand.said, "was damaged") != NULL)
		log_warn("git mirror %s was damaged and is made anew", mirror->name);
	log_debug("git mirror %s is up to date", mirror->name);
}

static int
start_update(struct mirror *mirror, const struct task_doc *doc, struct err *err)
{
	struct mirrors *mirrors = mirror->mirrors;
	const char *const *env;
	struct arena arena;
	int rc;

	arena_init(&arena, ENVIRONMENT_MOST_BYTES);
	rc = make_environment(&env, &arena, mirror, doc, err);
	if (rc == 0)
		rc = errand_start(&mirror->errand, mirrors->loop, update_script, env, on_updated,
				  mirror, err);
	arena_release(&arena);
	if (rc < 0)
		return rc;
	mirror->running = true;
	mirror->begun_us = loop_now_us(mirrors->loop);
	mirrors->running++;
	timer_start_ms(&mirror->limit, UPDATE_MOST_MS);
	log_debug("git mirror %s: update begun", mirror->name);
	return 0;
}

/* --- which mirror --- */

static bool
uses_mirror(const struct mirrors *mirrors, const struct task_doc *doc)
{
	return mirrors != NULL && doc != NULL && doc->source.kind == SOURCE_GIT &&
	       strstr(doc->source.url, ":") != NULL;
}

static void
name_of(char room[NAME_BYTES], const struct task_doc *doc)
{
	char *text = mem_printf("%s\n%s", doc->project_slug, doc->source.url);
	char digest[DIGEST_TEXT_BYTES];

	digest_sha256_hex(digest, text, strlen(text));
	(void)snprintf(room, NAME_BYTES, "%.*s", NAME_BYTES - 1, digest);
	free(text);
}

static struct mirror *
find(struct mirrors *mirrors, const struct task_doc *doc)
{
	char name[NAME_BYTES];
	struct mirror *mirror;

	name_of(name, doc);
	HASH_FIND_STR(mirrors->table, name, mirror);
	if (mirror != NULL)
		return mirror;
	mirror = MEM_NEW(struct mirror);
	mirror->mirrors = mirrors;
	memcpy(mirror->name, name, sizeof(name));
	mirror->errand = (struct errand){.child = CHILD_INIT, .pipe = -1};
	timer_init(&mirror->limit, mirrors->loop, on_limit, mirror);
	HASH_ADD_STR(mirrors->table, name, mirror);
	return mirror;
}

const char *
mirrors_path(const struct mirrors *mirrors)
{
	return mirrors != NULL ? mirrors->path : NULL;
}

const char *
mirrors_path_of(const struct mirrors *mirrors, struct arena *arena, const struct task_doc *doc)
{
	char name[NAME_BYTES];

	if (!uses_mirror(mirrors, doc))
		return NULL;
	name_of(name, doc);
	return arena_printf(arena, "%s/%s.git", mirrors->path, name);
}

enum mirror_answer
mirrors_ask(struct mirrors *mirrors, const struct mirror_need *need,
	    const struct control_request *request, struct control_reply *reply,
	    char why[CONTROL_REPLY_MOST_BYTES])
{
	struct err err = ERR_INIT;
	struct mirror *mirror;

	if (!uses_mirror(mirrors, need->doc)) {
		(void)strcpy(why, "this task's repository has no mirror");
		return MIRROR_NONE;
	}
	mirror = find(mirrors, need->doc);
	if (mirror->running) {
		waiters_hold(&mirror->waiters, request, reply);
		return MIRROR_WAIT;
	}
	if (mirror->begun_us >= need->since_us && !mirror->doubtful) {
		(void)strcpy(why, mirror->why);
		return mirror->failed ? MIRROR_NONE : MIRROR_READY;
	}
	if (mirrors->running >= UPDATES_MOST) {
		(void)snprintf(reply->text, sizeof(reply->text), "wait");
		return MIRROR_WAIT;
	}
	if (start_update(mirror, need->doc, &err) == 0) {
		waiters_hold(&mirror->waiters, request, reply);
		return MIRROR_WAIT;
	}
	(void)snprintf(why, CONTROL_REPLY_MOST_BYTES, "%.240s", err.text);
	return MIRROR_NONE;
}

void
mirrors_doubt(struct mirrors *mirrors, const struct mirror_need *need)
{
	if (uses_mirror(mirrors, need->doc))
		find(mirrors, need->doc)->doubtful = true;
}

/* --- removal --- */

static void
on_pruned(void *arg, int status, const struct rusage *usage)
{
	struct mirrors *mirrors = arg;

	(void)usage;
	errand_end(&mirrors->prune);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		log_warn("git mirrors could not be looked through: %.200s", mirrors->prune.said);
	else if (mirrors->prune.len > 0)
		log_info("git mirrors: %.200s", mirrors->prune.said);
}

static void
on_prune_timer(void *arg)
{
	struct mirrors *mirrors = arg;
	char *own[] = {mem_printf("PATH=%s",
				  getenv("PATH") != NULL ? getenv("PATH") : "/usr/bin:/bin"),
		       mem_printf("RUNNER_MIRRORS=%s", mirrors->path),
		       mem_printf("RUNNER_MIRROR_PRIVATE=%s", mirrors->private_dir),
		       mem_printf("RUNNER_MIRROR_AGE_S=%llu",
				  (unsigned long long)(mirrors->age_ms / 1000)),
		       mem_printf("RUNNER_MIRROR_MAX_KIB=%llu",
				  (unsigned long long)(mirrors->most_bytes / 1024)),
		       NULL};
	struct err err = ERR_INIT;
	size_t i;

	OBJ_CHECK(mirrors, MIRRORS_MAGIC);
	if (!child_is_running(&mirrors->prune.child) &&
	    errand_start(&mirrors->prune, mirrors->loop, prune_script,
			 (const char *const *)(const void *)own, on_pruned, mirrors, &err) < 0)
		log_warn("git mirrors are not looked through: %s", err.text);
	for (i = 0; own[i] != NULL; i++)
		free(own[i]);
	timer_start_ms(&mirrors->prune_timer, PRUNE_EVERY_MS);
}

/* --- life --- */

int
mirrors_new(struct mirrors **out, struct loop *loop, const struct tasks_settings *settings,
	    struct err *err)
{
	struct mirrors *mirrors;

	*out = NULL;
	if (settings->mirrors == NULL)
		return 0;
	if (mkdir(settings->mirrors, 0755) != 0 && errno != EEXIST)
		return err_sys(err, "cannot make the directory of git mirrors '%s'",
			       settings->mirrors);
	mirrors = MEM_NEW(struct mirrors);
	mirrors->magic = MIRRORS_MAGIC;
	mirrors->loop = loop;
	mirrors->path = settings->mirrors;
	mirrors->private_dir = mem_printf("%s/mirrors", settings->run_dir);
	mirrors->known_hosts = settings->known_hosts;
	mirrors->most_bytes = settings->mirrors_most_bytes;
	mirrors->age_ms = settings->mirrors_age_ms;
	mirrors->prune = (struct errand){.child = CHILD_INIT, .pipe = -1};
	timer_init(&mirrors->prune_timer, loop, on_prune_timer, mirrors);
	timer_start_ms(&mirrors->prune_timer, 0);
	*out = mirrors;
	return 0;
}

void
mirrors_free(struct mirrors *mirrors)
{
	struct mirror *mirror, *next;
	struct err err = ERR_INIT;

	if (mirrors == NULL)
		return;
	OBJ_CHECK(mirrors, MIRRORS_MAGIC);
	HASH_ITER (hh, mirrors->table, mirror, next) {
		HASH_DEL(mirrors->table, mirror);
		if (mirror->running)
			(void)child_signal(&mirror->errand.child, SIGTERM, &err);
		errand_release(&mirror->errand);
		waiters_release(&mirror->waiters);
		timer_release(&mirror->limit);
		free(mirror);
	}
	errand_release(&mirrors->prune);
	timer_release(&mirrors->prune_timer);
	free(mirrors->private_dir);
	OBJ_WIPE(mirrors);
	free(mirrors);
}
