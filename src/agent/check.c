/*
 * check.c - what this host can do for runnerd, found out by trying.
 *
 * Each question is one function; calls are tried rather than version numbers compared,
 * since distributions and sandboxes differ from both.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/cgroup_tree.h"
#include "agent/executor.h"
#include "agent/executors/host.h"
#include "agent/launcher.h"
#include "agent/linger.h"
#include "agent/metadata_wall.h"
#include "agent/outside.h"
#include "agent/privilege.h"
#include "agent/quota.h"
#include "agent/settings.h"
#include "agent/shelters.h"
#include "agent/work_dir.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "loop/child.h"
#include "loop/loop.h"
#include "loop/pipe.h"

enum { TMPFS_TYPE = 0x01021994, PIPES_PER_SLOT = 2, FDS_PER_SLOT = 24 };

struct check {
	const struct settings *settings;
	struct buffer *out;
	struct loop *loop;
	struct privilege privilege;
	bool knows_users; /* privilege is filled */
	bool good;
};

enum verdict { YES, NO, WITHOUT };

static void say(struct check *check, enum verdict verdict, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void
say(struct check *check, enum verdict verdict, const char *what, const char *fmt, ...)
{
	static const char *const words[] = {"ok", "no", "--"};
	va_list ap;

	if (verdict == NO)
		check->good = false;
	buffer_printf(check->out, "%s  %-18s ", words[verdict], what);
	va_start(ap, fmt);
	buffer_vprintf(check->out, fmt, ap);
	va_end(ap);
	buffer_puts(check->out, "\n");
}

static void
check_kernel(struct check *check)
{
	struct utsname names;
	int major = 0, minor = 0;
	bool enough;

	if (uname(&names) < 0 || sscanf(names.release, "%d.%d", &major, &minor) != 2) {
		say(check, NO, "kernel", "it does not say its version");
		return;
	}
	enough = major > CHECK_KERNEL_MAJOR ||
		 (major == CHECK_KERNEL_MAJOR && minor >= CHECK_KERNEL_MINOR);
	say(check, enough ? YES : NO, "kernel", "Linux %s on %s (needed: %d.%d)", names.release,
	    names.machine, CHECK_KERNEL_MAJOR, CHECK_KERNEL_MINOR);
}

static void
check_pidfd(struct check *check)
{
	LOCAL_FD fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd < 0 || syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) < 0)
		say(check, NO, "pidfd", "%s: processes cannot be held by descriptor",
		    strerror(errno));
	else
		say(check, YES, "pidfd", "processes are known by descriptor");
}

static void
check_close_range(struct check *check)
{
	if (syscall(SYS_close_range, ~0u, ~0u, 0) < 0)
		say(check, NO, "close_range", "%s: descriptors would leak into tasks",
		    strerror(errno));
	else
		say(check, YES, "close_range", "tasks get no descriptor but their own");
}

/* The way of a byte: pipe, splice, memfd that cannot shrink, hole. */
static void
check_output_path(struct check *check)
{
	struct err err = ERR_INIT;
	size_t moved = 0;
	bool ended;
	int ends[2], memfd;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		say(check, NO, "output", "cannot make a pipe: %s", strerror(errno));
		return;
	}
	if (write(ends[1], "x", 1) != 1 || pipe_memfd_new(&memfd, "runnerd-check", &err) < 0) {
		say(check, NO, "output", "%s", err.text);
	} else {
		if (pipe_splice(ends[0], memfd, 0, 1, &moved, &ended, &err) < 0 || moved != 1 ||
		    pipe_memfd_punch(memfd, 0, 1, &err) < 0)
			say(check, NO, "output",
			    "bytes cannot move from a pipe to a sealed memfd: %s", err.text);
		else
			say(check, YES, "output", "splice from pipes to sealed memfds");
		(void)close(memfd);
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* --- users --------------------------------------------------------------------------------- */

/* The directory, or the nearest of its parents that is there. */
static void
nearest_existing(const char *path, char room[PATH_MAX])
{
	char *slash;

	(void)snprintf(room, PATH_MAX, "%s", path);
	while (access(room, F_OK) < 0 && (slash = strrchr(room, '/')) != NULL && slash != room)
		*slash = '\0';
	if (access(room, F_OK) < 0)
		(void)snprintf(room, PATH_MAX, "/");
}

/* Where tasks have users of their own these must get to their work directories. */
static void
check_way(struct check *check)
{
	char path[PATH_MAX], *slash;
	struct stat st;

	nearest_existing(check->settings->work_dir, path);
	/* The work directory itself is opened at the start. */
	if (text_eq(path, check->settings->work_dir) && (slash = strrchr(path, '/')) != NULL)
		*(slash == path ? slash + 1 : slash) = '\0';
	for (;;) {
		if (stat(path, &st) == 0 && (st.st_mode & S_IXOTH) == 0) {
			say(check, NO, "way to work", "'%s' is closed to the tasks' users: chmod o+x it, or take another work-dir",
			    path);
			return;
		}
		slash = strrchr(path, '/');
		if (slash == NULL || path[1] == '\0')
			return;
		*(slash == path ? slash + 1 : slash) = '\0';
	}
}

static void
say_lack(struct check *check, const char *what, const struct err *err)
{
	say(check, NO, what, "%s%s%s", err->text, err->hint != NULL ? "; hint: " : "",
	    err->hint != NULL ? err->hint : "");
}

static void
check_users(struct check *check)
{
	const struct settings *settings = check->settings;
	struct privilege *us = &check->privilege;
	struct err err = ERR_INIT;

	if (privilege_choose(us, settings->user, settings->slot_uids, settings->jobs, &err) < 0 ||
	    privilege_check_tasks(us, settings->run_dir, &err) < 0) {
		say_lack(check, "users", &err);
		return;
	}
	check->knows_users = true;
	if (us->is_split)
		say(check, YES, "users", "runnerd becomes '%s', tasks are users %u to %u", us->user, us->first_uid,
		    us->first_uid + us->slots - 1);
	else if (geteuid() == 0)
		say(check, WITHOUT, "users", "tasks run as root, as this runnerd would: they can read its secrets and change the host");
	else
		say(check, WITHOUT, "users", "tasks have the user of runnerd: started by root they would have their own");
	if (us->is_split)
		check_way(check);
}

static void
check_metadata(struct check *check)
{
	const struct metadata_wall_settings settings = {.loop = check->loop,
							.isolations = &check->settings->isolations,
							.privilege = &check->privilege,
							.jobs = check->settings->jobs,
							.only_try = true};
	struct metadata_wall wall;
	struct err err = ERR_INIT;

	if (metadata_wall_raise(&wall, &settings, &err) < 0)
		say_lack(check, "metadata address", &err);
	else if (!wall.is_wanted)
		say(check, YES, "metadata address", "open to tasks, or closed in networks of their own, as classes say");
	else if (wall.lack.code != 0)
		say(check, WITHOUT, "metadata address", "open to all tasks: %s", wall.lack.text);
	else
		say(check, YES, "metadata address", "closed to tasks whose class does not allow it");
}

/* --- isolation ----------------------------------------------------------------------------- */

/* how: what holds the tree together then, static. */
static bool
probe(struct check *check, const char *kind, const char **how, struct err *err)
{
	struct executor *executor;
	int rc = host_executor_new(&executor, kind, err);

	if (rc < 0)
		return false;
	rc = host_executor_probe(executor, check->loop, -1, true, err);
	*how = executor->isolation(executor);
	executor->free(executor);
	return rc == 0;
}

static void
on_launcher_end(void *arg)
{
	(void)arg; /* whoever asks it next is told */
}

/* One as tasks have it, in a work directory that is removed again. NULL where tasks have our user. */
static int
start_launcher(struct check *check, const struct work_dirs *dirs, struct launcher **launcher,
	       struct err *err)
{
	const struct privilege *us = &check->privilege;
	const struct launcher_settings settings = {.first_uid = us->first_uid,
						   .slots = us->slots,
						   .agent_uid = us->uid,
						   .agent_gid = us->gid,
						   .work_dir = dirs->path,
						   .home = check->settings->slot_home,
						   .work_fd = dirs->fd};

	*launcher = NULL;
	return us->is_split ? launcher_new(launcher, check->loop, &settings, on_launcher_end, check, err) : 0;
}

/* What the host and each class ask for is tried as a start tries it. */
static int
try_asked(struct check *check, struct work_dirs *dirs, const char **level, struct err *err)
{
	const struct shelter_host host = {.ours = (const char *const *)check->settings->ours,
					  .work_dir = dirs->path,
					  .search_path = getenv("PATH"),
					  .home = check->privilege.is_split ? check->settings->slot_home : shelter_home(),
					  .overlays = true};
	struct shelters *shelters = NULL;
	struct launcher *launcher;
	int rc = start_launcher(check, dirs, &launcher, err);

	if (rc == 0)
		rc = shelters_new(&shelters, check->loop, &check->settings->isolations, &host, dirs,
				  launcher, err);
	if (rc == 0)
		*level = shelters_level(shelters);
	shelters_free(shelters);
	launcher_free(launcher);
	return rc;
}

static void
check_asked(struct check *check)
{
	char path[PATH_MAX], there[PATH_MAX];
	const char *level = "none";
	struct work_dirs dirs;
	struct err err = ERR_INIT;
	int rc;

	nearest_existing(check->settings->work_dir, there);
	if ((size_t)snprintf(path, sizeof(path), "%s/.check-XXXXXX", there) >= sizeof(path) || mkdtemp(path) == NULL) {
		say(check, NO, "tasks", "cannot make a directory in '%s': %s", there, strerror(errno));
		return;
	}
	rc = work_dirs_init(&dirs, check->loop, path, &err);
	if (rc == 0)
		rc = try_asked(check, &dirs, &level, &err);
	if (rc < 0)
		say_lack(check, "tasks", &err);
	else
		say(check, YES, "tasks", "can be started with isolation '%s', and as each class says", level);
	work_dirs_release(&dirs);
	(void)rmdir(path);
}

static void
check_isolation(struct check *check)
{
	struct err err = ERR_INIT, none = ERR_INIT;
	const char *how;
	char path[PATH_MAX];

	if (child_find_program(path, sizeof(path), "runner-init", &err) < 0) {
		say(check, NO, "runner-init", "%s", err.text);
		return;
	}
	say(check, YES, "runner-init", "%s", path);
	if (!check->knows_users)
		return;
	check_asked(check);
	if (check->privilege.is_split)
		return; /* whose levels were tried with that */
	if (probe(check, "namespace", &how, &err))
		say(check, YES, "isolation", "%s: a task ends with all its processes", how);
	else if (probe(check, "none", &how, &none))
		say(check, WITHOUT, "isolation",
		    "%s, since %s: a process that hides may outlive its task", how, err.text);
	else
		say(check, NO, "isolation", "runner-init cannot be started: %s", none.text);
}

static void
check_cgroups(struct check *check)
{
	const char *where = check->settings->cgroup;
	struct err err = ERR_INIT;
	char path[PATH_MAX];

	if (text_eq(where, "none"))
		say(check, WITHOUT, "control groups", "none, as asked for: of what a class says only memory holds, for each process by itself, and pids where tasks have users of their own");
	else if (cgroup_tree_probe(where, path, &err) == 0)
		say(check, YES, "control groups", "tasks are held by %s", path);
	else
		say(check, text_eq(where, "auto") ? WITHOUT : NO, "control groups",
		    "%s: of what a class says only memory holds, for each process by itself, and pids where tasks have users of their own", err.text);
}

/* --- programs ----------------------------------------------------------------------------------
 */

static bool
find_in_path(const char *name, char *room, size_t size)
{
	const char *path = getenv("PATH"), *end;

	for (; path != NULL && *path != '\0'; path = *end == ':' ? end + 1 : end) {
		end = path + strcspn(path, ":");
		(void)snprintf(room, size, "%.*s/%s", (int)(end - path), path, name);
		if (access(room, X_OK) == 0)
			return true;
	}
	return false;
}

static void
check_programs(struct check *check)
{
	char path[PATH_MAX];

	if (access("/bin/bash", X_OK) == 0)
		say(check, YES, "shell", "/bin/bash");
	else if (access("/bin/sh", X_OK) == 0)
		say(check, WITHOUT, "shell",
		    "/bin/sh: jobs that say nothing get 'sh -eo pipefail'");
	else
		say(check, NO, "shell", "neither /bin/bash nor /bin/sh");
	if (find_in_path("git", path, sizeof(path)))
		say(check, YES, "git", "%s", path);
	else
		say(check, WITHOUT, "git", "not in PATH: checkout of a repository does not work");
	if (outside_pasta() != NULL)
		say(check, YES, "pasta", "%s: a class can have network: outside", outside_pasta());
	else
		say(check, WITHOUT, "pasta", "not there (Debian: passt): no class can have network: outside");
}

/* --- places and limits
 * ----------------------------------------------------------------------------- */

static void
check_run_dir(struct check *check)
{
	const char *path = check->settings->run_dir;
	char there[PATH_MAX];
	struct statfs fs;

	nearest_existing(path, there);
	if (access(there, W_OK | X_OK) < 0)
		say(check, NO, "run directory", "%s cannot be written to: %s", path,
		    strerror(errno));
	else if (statfs(there, &fs) == 0 && (unsigned long)fs.f_type == TMPFS_TYPE)
		say(check, YES, "run directory", "%s in tmpfs", path);
	else
		say(check, WITHOUT, "run directory",
		    "%s is not in tmpfs: a slow disk slows every task", path);
	nearest_existing(check->settings->work_dir, there);
	if (access(there, W_OK | X_OK) < 0)
		say(check, NO, "work directory", "%s cannot be written to: %s",
		    check->settings->work_dir, strerror(errno));
	else
		say(check, YES, "work directory", "%s", check->settings->work_dir);
}

static bool
read_number(const char *path, unsigned long *out)
{
	FILE *file = fopen(path, "re");
	bool good = file != NULL && fscanf(file, "%lu", out) == 1;

	if (file != NULL)
		(void)fclose(file);
	return good;
}

/* Beyond the soft limit a user's pipes shrink to one page or two. */
static void
check_pipes(struct check *check)
{
	unsigned long pages, wanted = check->settings->jobs * PIPES_PER_SLOT * 16;

	if (!read_number("/proc/sys/fs/pipe-user-pages-soft", &pages) || pages == 0 ||
	    geteuid() == 0)
		say(check, YES, "pipes", "not limited for this user");
	else
		say(check, pages >= wanted ? YES : WITHOUT, "pipes",
		    "%lu pages for this user, %lu slots take about %lu%s", pages,
		    (unsigned long)check->settings->jobs, wanted,
		    pages >= wanted ? "" : ": output gets slower (fs.pipe-user-pages-soft)");
}

static void
check_descriptors(struct check *check)
{
	unsigned long wanted = (unsigned long)check->settings->jobs * FDS_PER_SLOT;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	say(check, limit.rlim_max >= wanted ? YES : NO, "open files",
	    "%llu allowed, %lu slots may need %lu", (unsigned long long)limit.rlim_max,
	    (unsigned long)check->settings->jobs, wanted);
}

static void
check_room(struct check *check)
{
	const struct room *host = &check->settings->slots.host;
	char memory[24], disk[24];

	say(check, YES, "capacity", "%lu slots, %u cpus, %s of memory, %s of disk, %u devices",
	    (unsigned long)check->settings->jobs, host->cpus, text_bytes(memory, host->memory_bytes),
	    text_bytes(disk, host->disk_bytes), check->settings->slots.devices.count);
}

static void
check_disk(struct check *check)
{
	char path[PATH_MAX], why[QUOTA_WHY_BYTES];
	LOCAL_FD fd = -1;

	if (!slots_any_disk(&check->settings->slots))
		return;
	nearest_existing(check->settings->work_dir, path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!check->privilege.is_split)
		say(check, WITHOUT, "disk of tasks", "nothing holds them to it: they have the user of runnerd");
	else if (fd < 0 || !quota_is_on(fd, why))
		say(check, WITHOUT, "disk of tasks", "nothing holds them to it: %s", fd < 0 ? strerror(errno) : why);
	else
		say(check, YES, "disk of tasks", "they are held to it by project quotas");
}

static void
check_linger(struct check *check)
{
	char user[LINGER_USER_BYTES];

	if (linger_is_missing(check->settings->run_dir, user))
		say(check, WITHOUT, "lingering",
		    "logind removes '%s' when the last session of '%s' ends: run 'loginctl enable-linger %s'",
		    check->settings->run_dir, user, user);
	else
		say(check, YES, "lingering", "the run directory does not end with a session");
}

bool
check_host(const struct settings *settings, struct buffer *out)
{
	struct check check = {.settings = settings, .out = out, .good = true};
	struct err err = ERR_INIT;

	check_kernel(&check);
	check_pidfd(&check);
	check_close_range(&check);
	check_output_path(&check);
	check_users(&check);
	if (loop_new(&check.loop, &err) < 0) {
		say(&check, NO, "event loop", "%s", err.text);
	} else {
		check_isolation(&check);
		if (check.knows_users)
			check_metadata(&check);
	}
	loop_free(check.loop);
	check_cgroups(&check);
	check_programs(&check);
	check_run_dir(&check);
	check_linger(&check);
	check_pipes(&check);
	check_descriptors(&check);
	check_room(&check);
	check_disk(&check);
	return check.good;
}
