/*
 * cgroup.c - the control group of one task: its limits, and what it and its steps have used.
 *
 * Counts are read where they are needed and kept nowhere: a step's group is as old as the step. Who is
 * large is looked at while there is still something to see: when a limit has been passed the kernel
 * leaves no process behind that could be asked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/cgroup_file.h"
#include "agent/cgroup_tree.h"
#include "agent/slots.h"
#include "base/assert.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	CGROUP_MAGIC = 0xc6709a5c,
	STEP_NAME_BYTES = 24, /* "4294967295.4294967295" */
	WEIGHT = 100,	      /* of one processor; the kernel's default */
	PERIOD_US = 100000,   /* of a processor's ceiling; the kernel's default */
	DEPTH_MOST = 16,      /* of groups that a job has made in its own */
	LOOK_PIDS_MOST = 512,
	LOOK_FROM = 500, /* thousandths of the limit: below nobody is looked at */
};

/* --- limits --- */

static int
make_dir(int dir_fd, const char *name, int *fd, struct err *err)
{
	if (mkdirat(dir_fd, name, 0755) < 0 && errno != EEXIST)
		return err_sys(err, "cannot make control group '%s'", name);
	*fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return err_sys(err, "cannot open control group '%s'", name);
	return 0;
}

/* A file that this kernel does not have is no limit that it could hold. */
static int
limit(struct cgroup *cgroup, const char *name, const char *text, struct err *err)
{
	int sys = cgroup_file_write(cgroup->dir_fd, name, text);

	if (sys == 0 || sys == ENOENT)
		return 0;
	errno = sys;
	return err_sys(err, "cannot set %s of control group '%s' to %s", name, cgroup->name, text);
}

static int
limit_number(struct cgroup *cgroup, const char *name, uint64_t value, struct err *err)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	return limit(cgroup, name, value == 0 ? "max" : text, err);
}

/* A share of what all tasks have, and at most so much of it however idle the rest is. */
static int
set_shares(struct cgroup *cgroup, const struct limits *limits, struct err *err)
{
	const struct throttle *throttle = &limits->throttle;
	uint64_t weight = limits->cpus == 0 ? WEIGHT : (uint64_t)limits->cpus * WEIGHT;
	char quota[48] = "max";

	if (weight > THROTTLE_WEIGHT_MOST)
		weight = THROTTLE_WEIGHT_MOST;
	if (throttle->cpu_hundredths > 0)
		(void)snprintf(quota, sizeof(quota), "%" PRIu64 " %d",
			       (uint64_t)throttle->cpu_hundredths * (PERIOD_US / 100), PERIOD_US);
	if (limit(cgroup, "cpu.max", quota, err) < 0 ||
	    limit_number(cgroup, "cpu.weight", throttle->cpu_weight > 0 ? throttle->cpu_weight : weight, err) < 0 ||
	    limit_number(cgroup, "io.weight", throttle->io_weight > 0 ? throttle->io_weight : weight, err) < 0)
		return err->code;
	return 0;
}

/* Memory that is swapped out is not passed on to a disk that others wait for: there is none. */
static int
set_limits(struct cgroup *cgroup, const struct limits *limits, struct err *err)
{
	if (limit_number(cgroup, "memory.max", limits->memory_bytes, err) < 0 ||
	    limit_number(cgroup, "memory.high", limits->throttle.memory_high_bytes, err) < 0 ||
	    limit(cgroup, "memory.swap.max", limits->memory_bytes == 0 ? "max" : "0", err) < 0 ||
	    limit_number(cgroup, "pids.max", limits->pids, err) < 0 || set_shares(cgroup, limits, err) < 0)
		return err->code;
	return limits->cpu_list[0] != '\0' ? limit(cgroup, "cpuset.cpus", limits->cpu_list, err) : 0;
}

/* Steps are counted by what the task is limited by; no more is handed down. */
static void
hand_down(struct cgroup *cgroup)
{
	(void)cgroup_file_write(cgroup->dir_fd, "cgroup.subtree_control", "+memory");
	(void)cgroup_file_write(cgroup->dir_fd, "cgroup.subtree_control", "+io");
}

static uint64_t
count_refused(struct cgroup *cgroup)
{
	char text[64];

	(void)cgroup_file_read(cgroup->dir_fd, "pids.events", text, sizeof(text));
	return cgroup_text_number(text, "max");
}

int
cgroup_new(struct cgroup **out, struct cgroup_tree *tree, const char *task,
	   const struct limits *limits, struct err *err)
{
	struct cgroup *cgroup = MEM_NEW(struct cgroup);
	char path[64 + ID_TEXT_BYTES];

	cgroup->magic = CGROUP_MAGIC;
	cgroup->tree = tree;
	cgroup->memory_bytes = limits->memory_bytes;
	cgroup->pids = limits->pids;
	cgroup->watch = -1;
	cgroup->dir_fd = -1;
	(void)snprintf(cgroup->name, sizeof(cgroup->name), "%s", task);
	if (make_dir(tree->tasks_fd, task, &cgroup->dir_fd, err) < 0 ||
	    set_limits(cgroup, limits, err) < 0) {
		if (cgroup->dir_fd >= 0)
			(void)close(cgroup->dir_fd);
		(void)unlinkat(tree->tasks_fd, task, AT_REMOVEDIR);
		free(cgroup);
		return err->code;
	}
	hand_down(cgroup);
	cgroup->pids_refused = count_refused(cgroup);
	if (limits->memory_bytes > 0) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/memory.events", cgroup->dir_fd);
		cgroup->watch = inotify_add_watch(tree->notify_fd, path, IN_MODIFY);
	}
	cgroup->next = tree->groups;
	tree->groups = cgroup;
	if (limits->memory_bytes > 0 && !timer_is_on(&tree->look))
		timer_start_ms(&tree->look, 0);
	*out = cgroup;
	return 0;
}

void
cgroup_free(struct cgroup *cgroup)
{
	struct cgroup **at;

	if (cgroup == NULL)
		return;
	OBJ_CHECK(cgroup, CGROUP_MAGIC);
	for (at = &cgroup->tree->groups; *at != cgroup; at = &(*at)->next)
		;
	*at = cgroup->next;
	if (cgroup->watch >= 0)
		(void)inotify_rm_watch(cgroup->tree->notify_fd, cgroup->watch);
	(void)close(cgroup->dir_fd);
	OBJ_WIPE(cgroup);
	free(cgroup);
}

/* --- steps --- */

static const char *
step_name(char room[STEP_NAME_BYTES], uint32_t step, uint32_t attempt)
{
	(void)snprintf(room, STEP_NAME_BYTES, "%" PRIu32 ".%" PRIu32, step, attempt);
	return room;
}

static int
open_step(struct cgroup *cgroup, uint32_t step, uint32_t attempt)
{
	char name[STEP_NAME_BYTES];

	OBJ_CHECK(cgroup, CGROUP_MAGIC);
	return openat(cgroup->dir_fd, step_name(name, step, attempt), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Where its memory runs out the whole step goes: a build without its compiler would go on, and say
 * something else. */
int
cgroup_enter_beside(struct cgroup *cgroup, const char *name, bool as_other, int *fd,
		    struct err *err)
{
	int dir_fd;

	OBJ_CHECK(cgroup, CGROUP_MAGIC);
	if (make_dir(cgroup->dir_fd, name, &dir_fd, err) < 0)
		return err->code;
	(void)cgroup_file_write(dir_fd, "memory.oom.group", "1");
	*fd = as_other ? openat(dir_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC) : dir_fd;
	if (as_other)
		(void)close(dir_fd);
	return *fd >= 0 ? 0 : err_sys(err, "cannot open control group '%s/%s'", cgroup->name, name);
}

int
cgroup_enter(struct cgroup *cgroup, uint32_t step, uint32_t attempt, bool as_other, int *fd,
	     struct err *err)
{
	char name[STEP_NAME_BYTES];

	return cgroup_enter_beside(cgroup, step_name(name, step, attempt), as_other, fd, err);
}

bool
cgroup_measure(struct cgroup *cgroup, uint32_t step, uint32_t attempt, struct cgroup_usage *usage)
{
	LOCAL_FD fd = open_step(cgroup, step, attempt);
	char text[CGROUP_FILE_BYTES];

	if (fd < 0)
		return false;
	(void)cgroup_file_read(fd, "cpu.stat", text, sizeof(text));
	usage->user_us = cgroup_text_number(text, "user_usec");
	usage->system_us = cgroup_text_number(text, "system_usec");
	usage->peak_bytes = cgroup_file_number(fd, "memory.peak");
	(void)cgroup_file_read(fd, "io.stat", text, sizeof(text));
	usage->read_bytes = cgroup_text_sum(text, "rbytes");
	usage->write_bytes = cgroup_text_sum(text, "wbytes");
	return true;
}

/* --- why --- */

static void
explain_memory(struct cgroup *cgroup, char *room, size_t size)
{
	uint64_t peak = cgroup_file_number(cgroup->dir_fd, "memory.peak");
	char events[256], limit_text[24], peak_text[24];
	bool own;
	int n;

	(void)cgroup_file_read(cgroup->dir_fd, "memory.events", events, sizeof(events));
	own = cgroup->memory_bytes > 0 && cgroup_text_number(events, "oom") > 0;
	n = own ? snprintf(room, size, "Killed: passed its %s",
			   text_bytes(limit_text, cgroup->memory_bytes))
		: snprintf(room, size, "Killed: the host ran out of memory");
	if (peak > 0)
		n += snprintf(room + n, size - (size_t)n, ", peak %s", text_bytes(peak_text, peak));
	if (cgroup->largest[0] != '\0')
		(void)snprintf(room + n, size - (size_t)n, ", largest process %s", cgroup->largest);
}

bool
cgroup_explain(struct cgroup *cgroup, uint32_t step, uint32_t attempt, char *room, size_t size)
{
	LOCAL_FD fd = open_step(cgroup, step, attempt);
	uint64_t refused = count_refused(cgroup), before = cgroup->pids_refused;
	char events[256] = "";
	bool killed;

	cgroup->pids_refused = refused;
	if (fd >= 0)
		(void)cgroup_file_read(fd, "memory.events", events, sizeof(events));
	killed = cgroup_text_number(events, "oom_kill") > 0;
	if (killed)
		explain_memory(cgroup, room, size);
	else if (refused > before)
		(void)snprintf(room, size, "reached its limit of %" PRIu32 " processes: %" PRIu64 " more were refused",
			       cgroup->pids, refused - before);
	if (killed)
		cgroup->largest[0] = '\0';
	return killed || refused > before;
}

/* --- who is large --- */

static uint64_t
resident_bytes(const char *pid)
{
	char path[32], text[64];
	unsigned long long pages = 0;

	(void)snprintf(path, sizeof(path), "/proc/%.10s/statm", pid);
	if (!cgroup_file_read(AT_FDCWD, path, text, sizeof(text)) ||
	    sscanf(text, "%*u %llu", &pages) != 1)
		return 0;
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Its name is the job's to choose: what does not print is not shown. */
static void
note_largest(struct cgroup *cgroup, const char *pid, uint64_t bytes)
{
	char path[32];
	char *at;

	(void)snprintf(path, sizeof(path), "/proc/%.10s/comm", pid);
	(void)cgroup_file_read(AT_FDCWD, path, cgroup->largest, sizeof(cgroup->largest));
	for (at = cgroup->largest; *at != '\0' && *at != '\n'; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	*at = '\0';
	cgroup->largest_bytes = bytes;
}

static void
look_in(struct cgroup *cgroup, int dir_fd, const char *step, unsigned *left)
{
	LOCAL_FD fd = openat(dir_fd, step, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char text[CGROUP_FILE_BYTES];
	char *pid, *rest = text;
	uint64_t bytes;

	if (fd < 0 || !cgroup_file_read(fd, "cgroup.procs", text, sizeof(text)))
		return;
	while (*left > 0 && (pid = strsep(&rest, "\n")) != NULL && *pid != '\0') {
		--*left;
		bytes = resident_bytes(pid);
		if (bytes > cgroup->largest_bytes)
			note_largest(cgroup, pid, bytes);
	}
}

static DIR *
open_list(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL && fd >= 0)
		(void)close(fd);
	return dir;
}

static bool
is_group(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && entry->d_name[0] != '.';
}

/* Once somebody was killed those that are left say nothing of who was large. */
static bool
has_killed(struct cgroup *cgroup)
{
	char events[256];

	(void)cgroup_file_read(cgroup->dir_fd, "memory.events", events, sizeof(events));
	return cgroup_text_number(events, "oom_kill") > 0 && cgroup->largest[0] != '\0';
}

unsigned
cgroup_look(struct cgroup *cgroup)
{
	uint64_t used = cgroup_file_number(cgroup->dir_fd, "memory.current"), part;
	unsigned left = LOOK_PIDS_MOST;
	struct dirent *entry;
	DIR *dir;

	OBJ_CHECK(cgroup, CGROUP_MAGIC);
	cgroup->looked_us = loop_now_us(cgroup->tree->loop);
	if (cgroup->memory_bytes == 0)
		return 0;
	part = used / (cgroup->memory_bytes / 1000 + 1);
	if (part < LOOK_FROM || has_killed(cgroup) || (dir = open_list(cgroup->dir_fd)) == NULL)
		return (unsigned)part;
	cgroup->largest_bytes = 0;
	while ((entry = readdir(dir)) != NULL)
		if (is_group(entry))
			look_in(cgroup, cgroup->dir_fd, entry->d_name, &left);
	(void)closedir(dir);
	return (unsigned)part;
}

/* --- the end --- */

/* Kernels before 5.14 have no cgroup.kill: one by one, and again until none is left. */
static void
kill_each(int fd)
{
	char text[CGROUP_FILE_BYTES];
	char *pid, *rest = text;

	(void)cgroup_file_read(fd, "cgroup.procs", text, sizeof(text));
	while ((pid = strsep(&rest, "\n")) != NULL && *pid != '\0')
		if (atoi(pid) > 0)
			(void)kill(atoi(pid), SIGKILL);
}

static bool
remove_below(int dir_fd, const char *name, unsigned depth, bool one_by_one)
{
	LOCAL_FD fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return errno == ENOENT;
	if (one_by_one)
		kill_each(fd);
	if (depth < DEPTH_MOST && (dir = open_list(fd)) != NULL) {
		while ((entry = readdir(dir)) != NULL)
			if (is_group(entry))
				(void)remove_below(fd, entry->d_name, depth + 1, one_by_one);
		(void)closedir(dir);
	}
	return unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

bool
cgroup_remove_at(int dir_fd, const char *name)
{
	LOCAL_FD fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char events[64];
	bool one_by_one = false;

	if (fd < 0)
		return errno == ENOENT;
	(void)cgroup_file_read(fd, "cgroup.events", events, sizeof(events));
	if (cgroup_text_number(events, "populated") > 0)
		one_by_one = cgroup_file_write(fd, "cgroup.kill", "1") != 0;
	return remove_below(dir_fd, name, 0, one_by_one);
}

bool
cgroup_remove(struct cgroup *cgroup)
{
	OBJ_CHECK(cgroup, CGROUP_MAGIC);
	return cgroup_remove_at(cgroup->tree->tasks_fd, cgroup->name);
}
