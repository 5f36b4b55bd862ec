/*
 * command.c - what a step executes: arguments, environment, directory, sealed for runner-init.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/checkout.h"
#include "agent/environment.h"
#include "agent/mirrors.h"
#include "agent/work_dir.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/child.h"
#include "runner/control.h"
#include "task/session_frame.h"
#include "task/task_doc.h"
#include "wire/spec.h"

enum { STEP_UMASK = 022, BASE_VARS = 8 };

static const char *const shell_bash[] = {"/bin/bash", "-eo", "pipefail", NULL};
static const char *const shell_sh[] = {"/bin/sh", "-eo", "pipefail", NULL};

/* Where circleci-agent lies comes first, so that a job finds it before another's. */
static const char *
with_helper(struct command_host *host, struct arena *arena, const char *path)
{
	struct err err = ERR_INIT;
	char helper[PATH_MAX];

	if (child_find_program(helper, sizeof(helper), "helper/circleci-agent", &err) < 0) {
		log_warn("%s", err.text);
		return path;
	}
	host->helper = arena_strdup(arena, helper);
	*strrchr(helper, '/') = '\0';
	return arena_printf(arena, "%s:%s", helper, path);
}

void
command_host_init(struct command_host *host, struct arena *arena)
{
	const struct passwd *user = getpwuid(geteuid());
	struct err err = ERR_INIT;
	char archiver[PATH_MAX];

	host->shell = access("/bin/bash", X_OK) == 0 ? shell_bash : shell_sh;
	host->search_path =
		with_helper(host, arena, environment_search_path(arena, getenv("PATH")));
	host->user = user != NULL ? arena_strdup(arena, user->pw_name) : "runner";
	if (child_find_program(archiver, sizeof(archiver), "runner-archive", &err) < 0)
		log_warn("%s", err.text);
	else
		host->archiver = arena_strdup(arena, archiver);
}

static int
too_large(struct err *err)
{
	return err_set(err, ERR_LIMIT, "the step's command and environment are too large");
}

/* A command beyond what one argument may hold becomes a file that the shell is given. */
static const char *
write_script(struct arena *arena, const struct task_doc *doc, uint32_t step, uint32_t attempt,
	     const struct work_dir *work, struct err *err)
{
	const char *command = doc->steps[step].command;
	const char *path = arena_printf(arena, "%s/command-%u-%u", work->path, step, attempt);
	size_t len = strlen(command), done = 0;
	LOCAL_FD fd = -1;
	ssize_t n;

	if (path == NULL)
		return too_large(err) < 0 ? NULL : path;
	(void)unlink(path); /* the step's, of an earlier start; or whatever the job has put there */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (fd >= 0)
		(void)fchmod(fd, 0755); /* the directory is closed to others, its user need not be ours */
	for (n = 0; fd >= 0 && done < len && n >= 0; done += n > 0 ? (size_t)n : 0)
		n = write(fd, command + done, len - done);
	if (fd < 0 || n < 0)
		return err_sys(err, "cannot write the step's command to '%s'", path) < 0 ? NULL
											 : path;
	return path;
}

static int
make_run_argv(struct command *out, struct arena *arena, const struct command_host *host,
	      const struct task_doc *doc, uint32_t step, uint32_t attempt,
	      const struct work_dir *work, struct err *err)
{
	const struct task_step *it = &doc->steps[step];
	const char *const *shell = it->shell != NULL ? it->shell : doc->shell;
	const char **argv;
	size_t n = 0;

	if (shell == NULL)
		shell = host->shell;
	while (shell[n] != NULL)
		n++;
	argv = arena_zalloc_array(arena, n + 3, sizeof(*argv));
	if (argv == NULL)
		return too_large(err);
	memcpy(argv, shell, n * sizeof(*argv));
	out->argv = argv;
	if (strlen(it->command) <= COMMAND_INLINE_MOST_BYTES) {
		argv[n] = "-c";
		argv[n + 1] = it->command;
		return 0;
	}
	argv[n] = write_script(arena, doc, step, attempt, work, err);
	return argv[n] != NULL ? 0 : err->code;
}

/* Where a job has a PATH of its own the helper is still found: behind what that has. */
static const char *
own_search_path(struct arena *arena, const struct command_host *host, const struct env_layer *layers,
		size_t count)
{
	const char *path = NULL;
	size_t i, j;

	for (i = 0; i < count; i++)
		for (j = 0; j < layers[i].count; j++)
			if (text_eq(layers[i].vars[j].name, "PATH"))
				path = layers[i].vars[j].value;
	if (path == NULL || host->helper == NULL)
		return path;
	return arena_printf(arena, "%s%s%.*s", path, path[0] != '\0' ? ":" : "",
			    (int)(strrchr(host->helper, '/') - host->helper), host->helper);
}

/* What a step has without being told; the document's variables stand above them. */
static int
make_env(struct command *out, struct arena *arena, const struct command_host *host,
	 const struct task_doc *doc, uint32_t step, const struct work_dir *work,
	 const struct env_layer *of_host, const struct env_layer *own, struct err *err)
{
	const struct env_var base[BASE_VARS] = {
		{"PATH", host->search_path},
		{"HOME", work->home},
		{"TMPDIR", work->tmp},
		{"USER", host->user},
		{"LOGNAME", host->user},
		{"BASH_ENV", work->bash_env},
		{"CIRCLE_INTERNAL_TASK_DATA", work->path},
		{CONTROL_VARIABLE, host->control_path != NULL ? host->control_path : ""},
	};
	const struct task_step *it = &doc->steps[step];
	bool makes_key = it->kind == STEP_SAVE_CACHE || it->kind == STEP_RESTORE_CACHE;
	struct env_var path = {"PATH", NULL};
	struct env_layer layers[] = {
		{base, BASE_VARS},
		*of_host,
		{doc->environment, doc->environment_count},
		{doc->key_environment, makes_key ? doc->key_environment_count : 0},
		{it->environment, it->environment_count},
		*own,
		{&path, 0},
	};

	path.value = own_search_path(arena, host, layers + 2, 4);
	layers[6].count = path.value != NULL;
	return environment_make(&out->env, arena, layers, sizeof(layers) / sizeof(layers[0]), err);
}

static int
make_scripted(struct command *out, struct arena *arena, const struct command_host *host,
	      const struct task_doc *doc, uint32_t step, const char *project,
	      const struct work_dir *work, struct env_layer *own, struct err *err)
{
	const struct task_step *it = &doc->steps[step];
	const struct checkout_need need = {
		.doc = doc,
		.step = it,
		.target = environment_path(arena, work->home, project,
					   it->path != NULL ? it->path : "."),
		.mirror = mirrors_path_of(host->mirrors, arena, doc),
		.helper = host->helper,
		.known_hosts = host->known_hosts,
	};

	if (need.target == NULL)
		return too_large(err);
	out->cwd =
		work->home; /* the target itself must be what the script finds, not what we make */
	out->argv = it->kind == STEP_CHECKOUT ? checkout_argv : ssh_keys_argv;
	return checkout_environment(own, arena, &need, err);
}

/* The words that the steps of runner-archive begin with; a number is the step's own. */
static size_t
put_archive_words(const char **argv, struct arena *arena, const struct task_step *it, uint32_t step)
{
	size_t n = 0;

	switch (it->kind) {
	case STEP_SAVE_CACHE:
		argv[n++] = "save-cache";
		argv[n++] = it->key;
		break;
	case STEP_RESTORE_CACHE:
		argv[n++] = "restore-cache";
		break;
	case STEP_PERSIST_TO_WORKSPACE:
		argv[n++] = "persist";
		argv[n++] = arena_printf(arena, "%u", step);
		argv[n++] = it->root;
		break;
	case STEP_STORE_ARTIFACTS:
		argv[n++] = "store-artifacts";
		argv[n++] = it->path;
		if (it->destination != NULL)
			argv[n++] = it->destination;
		break;
	case STEP_STORE_TEST_RESULTS:
		argv[n++] = "store-test-results";
		argv[n++] = it->path;
		break;
	default:
		argv[n++] = "attach";
		argv[n++] = it->at;
		break;
	}
	return n;
}

/* runner-archive, a word of its own for what it is to do, and what that takes. */
static int
make_archive_argv(struct command *out, struct arena *arena, const struct command_host *host,
		  const struct task_step *it, uint32_t step, struct err *err)
{
	const char *const *more = it->kind == STEP_RESTORE_CACHE ? it->keys : it->paths;
	const char **argv;
	size_t count = 0, n = 1, i;

	if (host->archiver == NULL)
		return err_set(err, ERR_HOST,
			       "runner-archive, which keeps what jobs leave, was not found");
	while (more != NULL && more[count] != NULL)
		count++;
	argv = arena_zalloc_array(arena, count + 5, sizeof(*argv));
	if (argv == NULL)
		return too_large(err);
	argv[0] = host->archiver;
	n += put_archive_words(argv + 1, arena, it, step);
	for (i = 0; i < count; i++)
		argv[n++] = more[i];
	out->argv = argv;
	return 0;
}

static bool
is_archive_step(enum step_kind kind)
{
	return kind == STEP_SAVE_CACHE || kind == STEP_RESTORE_CACHE ||
	       kind == STEP_STORE_ARTIFACTS || kind == STEP_STORE_TEST_RESULTS ||
	       kind == STEP_PERSIST_TO_WORKSPACE || kind == STEP_ATTACH_WORKSPACE;
}

/*
 * The prefix's program may give the command another user, and with it (sudo -i) another environment
 * and directory. So circleci-agent starts it and stands behind it too, and hands both over; there
 * it gives up new privileges, too.
 */
static int
put_prefix(struct command *out, struct arena *arena, const struct command_host *host,
	   struct err *err)
{
	size_t words = 0, argc = 0, n = 0;
	const char **argv;

	if (host->helper == NULL)
		return err_set(err, ERR_HOST,
			       "circleci-agent, which a command prefix needs, was not found");
	while (host->prefix[words] != NULL)
		words++;
	while (out->argv[argc] != NULL)
		argc++;
	argv = arena_zalloc_array(arena, words + argc + 6, sizeof(*argv));
	if (argv == NULL)
		return too_large(err);
	argv[n++] = host->helper;
	argv[n++] = "prefix";
	argv[n++] = arena_printf(arena, "%zu", words);
	argv[n++] = out->cwd;
	argv[n++] = out->no_new_privs ? "no-new-privs" : "any-privs";
	out->no_new_privs = false; /* sudo needs new ones */
	memcpy(argv + n, host->prefix, words * sizeof(*argv));
	memcpy(argv + n + words, out->argv, argc * sizeof(*argv));
	out->argv = argv;
	out->cwd = "/"; /* the job's own may be closed to us */
	return argv[2] != NULL ? 0 : too_large(err);
}

bool
command_can_make(enum step_kind kind)
{
	return kind == STEP_RUN || kind == STEP_CHECKOUT || kind == STEP_ADD_SSH_KEYS ||
	       is_archive_step(kind);
}

int
command_make(struct command *out, struct arena *arena, const struct command_host *host,
	     const struct task_doc *doc, uint32_t step, uint32_t attempt,
	     const struct work_dir *work, const struct env_layer *of_host, struct err *err)
{
	const struct task_step *it = &doc->steps[step];
	struct env_layer own = {NULL, 0};
	const char *project;
	int rc;

	out->no_new_privs = doc->no_new_privs;
	out->filter_count = 0;
	out->ceilings.count = 0;
	project = environment_path(arena, work->home, work->home, doc->working_directory);
	if (project == NULL)
		return too_large(err);
	out->cwd = it->working_directory == NULL
			   ? project
			   : environment_path(arena, work->home, project, it->working_directory);
	if (it->kind == STEP_RUN)
		rc = make_run_argv(out, arena, host, doc, step, attempt, work, err);
	else if (is_archive_step(it->kind))
		rc = make_archive_argv(out, arena, host, it, step, err);
	else
		rc = make_scripted(out, arena, host, doc, step, project, work, &own, err);
	if (rc == 0 && out->cwd == NULL)
		rc = too_large(err);
	if (rc == 0)
		rc = make_env(out, arena, host, doc, step, work, of_host, &own, err);
	if (rc == 0 && host->prefix != NULL)
		rc = put_prefix(out, arena, host, err);
	return rc;
}

/* --- a person's ------------------------------------------------------------------------------ */

/* The job's, where it is a shell that takes -c and "$@". */
static const char *
shell_of(const struct command_host *host, const struct task_doc *doc)
{
	if (doc->shell != NULL && text_ends(doc->shell[0], "sh"))
		return doc->shell[0];
	return host->shell[0];
}

/* bash reads BASH_ENV before a -c, and not where it is interactive: so a first one starts that. */
static int
make_session_argv(struct command *out, struct arena *arena, const char *shell,
		  const struct session_open *open, struct err *err)
{
	const char **argv = arena_zalloc_array(arena, open->argc + 7, sizeof(*argv));
	const char *arg = open->args;
	size_t n = 0, i;

	if (argv == NULL)
		return too_large(err);
	out->argv = argv;
	argv[n++] = shell;
	if (open->argc == 0 && !open->is_terminal)
		return 0;
	argv[n++] = "-c";
	argv[n++] = "exec \"$@\"";
	argv[n++] = shell;
	if (open->argc == 0) {
		argv[n++] = shell;
		argv[n++] = "-i";
	}
	for (i = 0; i < open->argc; i++, arg += strlen(arg) + 1)
		argv[n++] = arg;
	return 0;
}

int
command_make_session(struct command *out, struct arena *arena, const struct command_host *host,
		     const struct task_doc *doc, uint32_t step, const struct work_dir *work,
		     const struct env_layer *of_host, const struct session_open *open,
		     struct err *err)
{
	const struct task_step *it = &doc->steps[step];
	const char *shell = shell_of(host, doc), *project;
	const struct env_var vars[] = {{"SHELL", shell}, {"TERM", open->term}};
	const struct env_layer own = {vars, open->is_terminal && open->term[0] != '\0' ? 2 : 1};
	int rc;

	assert(host->prefix == NULL); /* nobody is let in there */
	out->filter_count = 0;
	out->ceilings.count = 0;
	out->no_new_privs = doc->no_new_privs;
	project = environment_path(arena, work->home, work->home, doc->working_directory);
	out->cwd = project == NULL || it->working_directory == NULL
			   ? project
			   : environment_path(arena, work->home, project, it->working_directory);
	if (out->cwd == NULL)
		return too_large(err);
	rc = make_session_argv(out, arena, shell, open, err);
	return rc < 0 ? rc : make_env(out, arena, host, doc, step, work, of_host, &own, err);
}

/* --- sealed ---------------------------------------------------------------------------------- */

static int
write_and_seal(int fd, const uint8_t *bytes, size_t len, struct err *err)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = write(fd, bytes + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot write a step's specification");
		done += (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return err_sys(err, "cannot seal a step's specification");
	return 0;
}

int
command_seal(const struct command *command, int *fd, struct err *err)
{
	struct spec spec = {.cwd = command->cwd,
			    .argv = command->argv,
			    .env = command->env,
			    .umask = STEP_UMASK,
			    .filter = command->filter,
			    .filter_count = command->filter_count,
			    .rlimits = command->ceilings.limits,
			    .rlimit_count = command->ceilings.count};
	const char *wrong = NULL;
	size_t size = spec_size(&spec, &wrong);
	LOCAL_FREE uint8_t *bytes = NULL;
	int memfd, rc;

	if (size == 0)
		return err_set(err, ERR_INPUT, "the step cannot be started: %s", wrong);
	bytes = mem_try(size);
	if (bytes == NULL)
		return err_set(err, ERR_LIMIT, "no memory for a step's specification");
	spec_pack(bytes, &spec);
	memfd = memfd_create("step", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memfd < 0)
		return err_sys(err, "cannot make a step's specification");
	rc = write_and_seal(memfd, bytes, size, err);
	if (rc < 0)
		(void)close(memfd);
	else
		*fd = memfd;
	return rc;
}
