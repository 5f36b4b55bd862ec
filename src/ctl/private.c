/*
 * private.c - a hub and an agent of our own for the time of one command.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/orphans.h"
#include "ctl/say.h"
#include "ctl/scratch.h"
#include "http/url.h"
#include "loop/child.h"
#include "loop/loop.h"

enum {
	PRIVATE_START_MS = 60 * 1000, /* until a program says that it is ready */
	PRIVATE_TERM_MS = 30 * 1000,  /* until it is killed: what it removes may be large */
	PRIVATE_ORPHANS_MS = 1000,    /* for supervisors that clean up after themselves */
	PRIVATE_LOG_BYTES = 4096,     /* of a log's end are shown */
	PRIVATE_READY_FD = 3,
	PRIVATE_ARGV_MOST = 56,
	PRIVATE_TOKEN_BYTES = 32,
};

#define PRIVATE_SHM "/dev/shm"

enum program { PROGRAM_HUB, PROGRAM_AGENT, PROGRAM_COUNT };

static const char *const program_names[PROGRAM_COUNT] = {"runner-hub", "runnerd"};

struct program_run {
	struct private_pair *pair;
	const char *name;
	char log[PATH_MAX];
	struct child child;
	struct watch ready_watch;
	int ready_fd;
	char said[32]; /* "ready\n", or the agent's "ready LEVEL\n" */
	bool started, ready, ended;
	int status;
};

struct private_pair {
	struct loop *loop;
	struct private_options options;
	struct scratch run;  /* sockets, tokens, logs, the agent's state */
	struct scratch bulk; /* what may grow: the hub's data, work directories, caches */
	char url[PATH_MAX + 16];
	char token[2 * PRIVATE_TOKEN_BYTES + 1];
	char *token_file;
	char work[PATH_MAX + 16];
	struct program_run programs[PROGRAM_COUNT];
	struct timer timer;
	bool stopping;
};

/* --- directories and tokens ----------------------------------------------------------------- */

static bool
is_usable_dir(const char *path, size_t most)
{
	return path != NULL && path[0] == '/' && strlen(path) <= most &&
	       access(path, W_OK | X_OK) == 0;
}

static bool
is_memory(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

/*
 * For sockets and what the agent writes for every task: in memory where there is such a place. Its
 * path must leave room for a socket's name in sun_path.
 */
static const char *
find_runtime_dir(const char *tmp)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	size_t most = URL_UNIX_MAX_BYTES - strlen("/runnerctl-XXXXXX/hub.sock") - 16;

	if (is_usable_dir(runtime, most))
		return runtime;
	if (is_usable_dir(PRIVATE_SHM, most) && is_memory(PRIVATE_SHM))
		return PRIVATE_SHM;
	return is_usable_dir(tmp, most) ? tmp : "/tmp";
}

/* What jobs fill, and the hub's data with it, does not lie in memory. */
static int
make_dirs(struct private_pair *pair, struct err *err)
{
	const char *tmp = getenv("TMPDIR");

	if (!is_usable_dir(tmp, PATH_MAX / 2))
		tmp = "/tmp";
	if (scratch_make(&pair->run, find_runtime_dir(tmp), err) < 0 ||
	    scratch_make(&pair->bulk, tmp, err) < 0)
		return err->code;
	(void)snprintf(pair->url, sizeof(pair->url), "unix:%s/hub.sock", pair->run.path);
	(void)snprintf(pair->work, sizeof(pair->work), "%s/work", pair->bulk.path);
	return 0;
}

static int
write_token(const char *path, const char *token, struct err *err)
{
	LOCAL_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char line[2 * PRIVATE_TOKEN_BYTES + 2];
	int n = snprintf(line, sizeof(line), "%s\n", token);

	if (fd < 0 || write(fd, line, (size_t)n) != n)
		return err_sys(err, "cannot write token file '%s'", path);
	return 0;
}

/* --- one program ------------------------------------------------------------------------------ */

static void
on_ready_readable(void *arg, unsigned events)
{
	struct program_run *run = arg;
	ssize_t n = read(run->ready_fd, run->said, sizeof(run->said) - 1);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		run->ready = true;
	watch_stop(&run->ready_watch);
	(void)close(run->ready_fd);
	run->ready_fd = -1;
	loop_stop(run->pair->loop);
}

static void
on_program_exit(void *arg, int status, const struct rusage *usage)
{
	struct program_run *run = arg;

	(void)usage;
	run->ended = true;
	run->status = status;
	loop_stop(run->pair->loop);
	if (!run->pair->stopping && run->pair->options.on_death != NULL)
		run->pair->options.on_death(run->pair->options.arg);
}

static int
spawn(struct program_run *run, const char *path, char **argv, int log_fd, int ready_fd,
      struct err *err)
{
	const struct child_fd fds[] = {
		{log_fd, STDOUT_FILENO}, {log_fd, STDERR_FILENO}, {ready_fd, PRIVATE_READY_FD}};
	struct child_spec spec = {.path = path,
				  .argv = argv,
				  .fds = fds,
				  .fd_count = 3,
				  .flags = CHILD_NEW_SESSION | CHILD_DIES_WITH_US};

	if (child_start(&run->child, run->pair->loop, &spec, on_program_exit, run, err) < 0)
		return err->code;
	run->started = true;
	return 0;
}

static int
start_program(struct private_pair *pair, enum program program, char **argv, struct err *err)
{
	struct program_run *run = &pair->programs[program];
	char path[PATH_MAX];
	LOCAL_FD log_fd = -1;
	int ends[2], rc;

	if (child_find_program(path, sizeof(path), run->name, err) < 0)
		return err->code;
	(void)snprintf(run->log, sizeof(run->log), "%.4000s/%s.log", pair->run.path, run->name);
	log_fd = open(run->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log_fd < 0)
		return err_sys(err, "cannot write '%s'", run->log);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, "cannot make a pipe for '%s'", run->name);
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	run->ready_fd = ends[0];
	argv[0] = path;
	rc = spawn(run, path, argv, log_fd, ends[1], err);
	(void)close(ends[1]);
	if (rc == 0)
		rc = watch_start(&run->ready_watch, pair->loop, run->ready_fd, WATCH_READ,
				 on_ready_readable, run, err);
	return rc;
}

static void
on_private_timer(void *arg)
{
	loop_stop(arg);
}

/* Runs the loop until *done, *hurry or the time is up; false then. */
static bool
wait_for(struct private_pair *pair, const bool *done, const bool *hurry, uint64_t ms)
{
	timer_start_ms(&pair->timer, ms);
	while (!*done && !*hurry && timer_is_on(&pair->timer))
		loop_run(pair->loop);
	timer_stop(&pair->timer);
	return *done;
}

static int
wait_ready(struct private_pair *pair, enum program program, struct err *err)
{
	struct program_run *run = &pair->programs[program];

	timer_start_ms(&pair->timer, PRIVATE_START_MS);
	while (!run->ready && !run->ended && !*pair->options.stop && timer_is_on(&pair->timer))
		loop_run(pair->loop);
	timer_stop(&pair->timer);
	if (run->ready)
		return 0;
	if (*pair->options.stop)
		return err_set(err, ERR_GONE, "stopped");
	if (run->ended)
		return private_check(pair, err);
	return err_set(err, ERR_HOST, "'%s' is not ready after %d s", run->name,
		       PRIVATE_START_MS / 1000);
}

/* --- both ------------------------------------------------------------------------------------- */

static void
add_arg(char **argv, const char *text)
{
	int n = 1;

	while (argv[n] != NULL)
		n++;
	assert(n < PRIVATE_ARGV_MOST - 1);
	argv[n] = mem_strdup(text);
}

/* "--name DIR/file" */
static void
add_path(char **argv, const char *name, const char *dir, const char *file)
{
	LOCAL_FREE char *path = mem_printf("%s/%s", dir, file);

	add_arg(argv, name);
	add_arg(argv, path);
}

static void
free_args(char **argv)
{
	int n;

	for (n = 1; argv[n] != NULL; n++)
		free(argv[n]);
}

static int
start_hub(struct private_pair *pair, struct err *err)
{
	char *argv[PRIVATE_ARGV_MOST] = {NULL};
	int rc;

	add_arg(argv, "serve");
	add_arg(argv, "--private");
	add_arg(argv, "--listen");
	add_arg(argv, pair->url);
	add_path(argv, "--data-dir", pair->bulk.path, "hub");
	add_path(argv, "--token-file", pair->run.path, "token");
	add_path(argv, "--agent-token-file", pair->run.path, "agent-token");
	add_arg(argv, "--ready-fd");
	add_arg(argv, "3");
	rc = start_program(pair, PROGRAM_HUB, argv, err);
	free_args(argv);
	return rc;
}

static int
start_agent(struct private_pair *pair, struct err *err)
{
	char *argv[PRIVATE_ARGV_MOST] = {NULL}, slots[16];
	int rc;

	(void)snprintf(slots, sizeof(slots), "%u", pair->options.slots);
	add_arg(argv, "--hub");
	add_arg(argv, pair->url);
	add_path(argv, "--token-file", pair->run.path, "agent-token");
	add_arg(argv, "-j");
	add_arg(argv, slots);
	if (geteuid() == 0) {
		add_arg(argv, "--user"); /* the jobs are ours: they run as who runs us */
		add_arg(argv, "root");
	}
	if (pair->options.isolation != NULL) {
		add_arg(argv, "--isolation");
		add_arg(argv, pair->options.isolation);
	}
	add_arg(argv, "--name");
	add_arg(argv, "local");
	add_path(argv, "--run-dir", pair->run.path, "run");
	add_path(argv, "--data-dir", pair->bulk.path, "data");
	add_path(argv, "--work-dir", pair->bulk.path, "work");
	/* Who waits here sees what a full disk does: no other agent would take the job. */
	add_arg(argv, "--min-free");
	add_arg(argv, "0");
	if (pair->options.cache_dir != NULL) {
		add_arg(argv, "--cache-dir");
		add_arg(argv, pair->options.cache_dir);
	} else {
		add_path(argv, "--cache-dir", pair->bulk.path, "cache");
	}
	add_path(argv, "--workspace-dir", pair->bulk.path, "workspaces");
	add_arg(argv, "--workspace-max");
	add_arg(argv, "0");
	add_path(argv, "--git-mirrors", pair->bulk.path, "git");
	/* What a service does around its jobs is not for this one. */
	add_path(argv, "--hooks-dir", pair->bulk.path, "hooks.d");
	add_arg(argv, "--command-prefix");
	add_arg(argv, "");
	add_arg(argv, "--orphan-limit");
	add_arg(argv, "0");
	/* All that is printed is shown: whoever runs it may have it in a file. */
	add_arg(argv, "--max-output");
	add_arg(argv, "0");
	add_arg(argv, "--max-step-output");
	add_arg(argv, "0");
	if (pair->options.keep_failed) {
		add_arg(argv, "--keep-failed");
		add_arg(argv, "24h");
		add_arg(argv, "--keep-failed-max");
		add_arg(argv, "64");
	}
	add_arg(argv, "--ready-fd");
	add_arg(argv, "3");
	rc = start_program(pair, PROGRAM_AGENT, argv, err);
	free_args(argv);
	return rc;
}

static int
start_both(struct private_pair *pair, struct err *err)
{
	char agent_token[2 * PRIVATE_TOKEN_BYTES + 1];
	LOCAL_FREE char *agent_token_file = NULL;

	if (make_dirs(pair, err) < 0)
		return err->code;
	random_hex(pair->token, PRIVATE_TOKEN_BYTES);
	random_hex(agent_token, PRIVATE_TOKEN_BYTES);
	pair->token_file = mem_printf("%s/token", pair->run.path);
	agent_token_file = mem_printf("%s/agent-token", pair->run.path);
	if (write_token(pair->token_file, pair->token, err) < 0 ||
	    write_token(agent_token_file, agent_token, err) < 0)
		return err->code;
	/* The agent connects as soon as it can: both start side by side. */
	if (start_hub(pair, err) < 0 || wait_ready(pair, PROGRAM_HUB, err) < 0 ||
	    start_agent(pair, err) < 0 || wait_ready(pair, PROGRAM_AGENT, err) < 0)
		return err->code;
	return 0;
}

int
private_start(struct private_pair **out, struct loop *loop, const struct private_options *options,
	      struct err *err)
{
	struct private_pair *pair = MEM_NEW(struct private_pair);
	struct err ignored = ERR_INIT;
	int i;

	pair->loop = loop;
	pair->options = *options;
	pair->run.lock = pair->bulk.lock = -1;
	timer_init(&pair->timer, loop, on_private_timer, loop);
	for (i = 0; i < PROGRAM_COUNT; i++) {
		pair->programs[i] = (struct program_run){.pair = pair,
							 .name = program_names[i],
							 .child = CHILD_INIT,
							 .ready_fd = -1};
	}
	if (start_both(pair, err) < 0) {
		if (!*options->stop)
			private_show_log(pair);
		private_kill(pair);
		(void)private_stop(pair, false, &ignored);
		private_free(pair);
		return err->code;
	}
	*out = pair;
	return 0;
}

const char *
private_url(const struct private_pair *pair)
{
	return pair->url;
}

const char *
private_token_file(const struct private_pair *pair)
{
	return pair->token_file;
}

const char *
private_isolation(struct private_pair *pair)
{
	char *said = pair->programs[PROGRAM_AGENT].said;

	said[strcspn(said, "\n")] = '\0';
	return text_starts(said, "ready ") ? said + strlen("ready ") : "none";
}

const char *
private_token(const struct private_pair *pair)
{
	return pair->token;
}

const char *
private_work_dir(const struct private_pair *pair)
{
	return pair->work;
}

int
private_check(const struct private_pair *pair, struct err *err)
{
	const struct program_run *run;
	int i;

	for (i = 0; i < PROGRAM_COUNT; i++) {
		run = &pair->programs[i];
		if (!run->ended)
			continue;
		if (WIFSIGNALED(run->status))
			return err_set(err, ERR_HOST, "'%s' was ended by signal %d", run->name,
				       WTERMSIG(run->status));
		return err_set(err, ERR_HOST, "'%s' has ended with status %d", run->name,
			       WEXITSTATUS(run->status));
	}
	return 0;
}

/* Whole lines only. */
static void
show_tail(const struct program_run *run)
{
	LOCAL_FD fd = open(run->log, O_RDONLY | O_CLOEXEC);
	char bytes[PRIVATE_LOG_BYTES];
	struct buffer text = BUFFER_INIT;
	const char *from = bytes;
	off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0, at;
	ssize_t n;

	at = size > PRIVATE_LOG_BYTES ? size - PRIVATE_LOG_BYTES : 0;
	n = fd >= 0 ? pread(fd, bytes, sizeof(bytes), at) : 0;
	if (n <= 0)
		return;
	if (at > 0 && memchr(bytes, '\n', (size_t)n) != NULL)
		from = (char *)memchr(bytes, '\n', (size_t)n) + 1;
	buffer_printf(&text, "--- the log of %s:\n", run->name);
	buffer_putn(&text, from, (size_t)(bytes + n - from));
	say_text(&text);
	buffer_release(&text);
}

void
private_show_log(const struct private_pair *pair)
{
	int i;

	for (i = 0; i < PROGRAM_COUNT; i++)
		if (pair->programs[i].started &&
		    (pair->programs[i].ended || !pair->programs[i].ready))
			show_tail(&pair->programs[i]);
}

/* --- the end ------------------------------------------------------------------------------------
 */

static void
signal_program(struct program_run *run, int signo)
{
	struct err ignored = ERR_INIT;

	if (run->started && !run->ended)
		(void)child_signal(&run->child, signo, &ignored);
}

void
private_kill(struct private_pair *pair)
{
	int i;

	pair->stopping = true;
	for (i = 0; i < PROGRAM_COUNT; i++)
		signal_program(&pair->programs[i], SIGKILL);
}

static void
stop_program(struct private_pair *pair, enum program program)
{
	struct program_run *run = &pair->programs[program];

	if (!run->started || run->ended)
		return;
	signal_program(run, SIGTERM);
	if (wait_for(pair, &run->ended, pair->options.hurry, PRIVATE_TERM_MS))
		return;
	signal_program(run, SIGKILL);
	while (!run->ended)
		loop_run(pair->loop);
}

int
private_stop(struct private_pair *pair, bool keep, struct err *err)
{
	int rc;

	pair->stopping = true;
	stop_program(pair, PROGRAM_AGENT);
	stop_program(pair, PROGRAM_HUB);
	rc = orphans_end(pair->loop, PRIVATE_ORPHANS_MS, err);
	scratch_remove(&pair->run);
	if (keep)
		scratch_keep(&pair->bulk, "work");
	else
		scratch_remove(&pair->bulk);
	return rc;
}

void
private_free(struct private_pair *pair)
{
	int i;

	if (pair == NULL)
		return;
	for (i = 0; i < PROGRAM_COUNT; i++) {
		watch_stop(&pair->programs[i].ready_watch);
		if (pair->programs[i].ready_fd >= 0)
			(void)close(pair->programs[i].ready_fd);
		child_release(&pair->programs[i].child);
	}
	timer_release(&pair->timer);
	free(pair->token_file);
	free(pair);
}
