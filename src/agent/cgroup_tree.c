/*
 * cgroup_tree.c - the part of the host's control groups (version 2) that is runnerd's.
 *
 * A group that hands controllers down may hold no process itself, so the first thing is to leave BASE for
 * BASE/agent. A service manager takes BASE for its own again when it starts its service, and may
 * take controllers back then: every start of ours hands them down anew, and tasks that go on get their limits
 * anew (cgroup_new()).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/cgroup_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/cgroup.h"
#include "agent/cgroup_file.h"
#include "base/assert.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	TREE_MAGIC = 0xc67ee5e5,
	CGROUP2_TYPE = 0x63677270,
	AGENT_WEIGHT = 500,	     /* of the processors, beside the tasks' 100 */
	AGENT_MEMORY = 64 << 20,     /* that no task's need for memory takes from it */
	LOOK_MS = 1000,
	LOOK_SOON_MS = 100,	     /* when somebody is near a limit */
	LOOK_SOON_FROM = 750,	     /* thousandths of it */
	LOOK_AGAIN_US = 20000,	     /* the kernel may tell of each page */
};

static const char *const names[CGROUP_CONTROLLER_COUNT] = {
#define X(NAME, name) [CGROUP_##NAME] = #name,
	CGROUP_CONTROLLERS(X)
#undef X
};

/* --- which group --- */

/* The group this process is in, as /proc tells it. */
static int
own_path(char room[PATH_MAX], struct err *err)
{
	char text[CGROUP_FILE_BYTES];
	char *line, *rest = text;

	if (!cgroup_file_read(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text)))
		return err_sys(err, "cannot read /proc/self/cgroup");
	while ((line = strsep(&rest, "\n")) != NULL)
		if (strncmp(line, "0::/", 4) == 0 && strncmp(line, "0::/..", 6) != 0)
			break;
	if (line == NULL)
		return err_set(err, ERR_HOST, "this process is in no control group that can be seen from here");
	(void)snprintf(room, PATH_MAX, "%s", line + 3);
	return 0;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && text_eq(text + len - end_len, end);
}

/* Cuts end off text, if it ends so. */
static bool
cut_end(char *text, const char *end)
{
	bool ends = ends_with(text, end);

	if (ends)
		text[strlen(text) - strlen(end)] = '\0';
	return ends;
}

/*
 * From the group that we are in to BASE. Whoever was started by a runnerd's child is in its group for the agent
 * (so is runnerd itself where systemd, from 254 on, was told DelegateSubgroup=agent): BASE is above.
 */
static int
find_own_base(struct cgroup_tree *tree, struct err *err)
{
	char at[PATH_MAX], name[PATH_MAX];

	if (own_path(tree->path, err) < 0)
		return err->code;
	if (strlen(tree->path) > strlen("/agent") && cut_end(tree->path, "/agent"))
		return 0;
	if (text_eq(tree->path, "/"))
		return err_set(err, ERR_HOST, "runnerd is in the root of all control groups: name one for it with --cgroup");
	(void)snprintf(name, sizeof(name), "%s", tree->path);
	if (!cut_end(name, ".service"))
		return 0;
	(void)snprintf(tree->path, sizeof(tree->path), "%.4000s-tasks.service", name);
	(void)snprintf(at, sizeof(at), CGROUP_MOUNT "%.4070s", tree->path);
	tree->beside = true;
	if (access(at, F_OK) == 0)
		return 0;
	return err_set(err, ERR_HOST, "there is no control group '%s': systemd could not start runnerd again while tasks are below its own, "
		       "so they need a service of their own, %s-tasks.service", tree->path, strrchr(name, '/') + 1);
}

static int
find_base(struct cgroup_tree *tree, const char *where, struct err *err)
{
	size_t mount = strlen(CGROUP_MOUNT);
	struct statfs fs;

	if (statfs(CGROUP_MOUNT, &fs) < 0 || (unsigned long)fs.f_type != CGROUP2_TYPE)
		return err_set(err, ERR_HOST, "control groups are not version 2 on this host (%s)", CGROUP_MOUNT);
	if (text_eq(where, "auto"))
		return find_own_base(tree, err);
	if (strncmp(where, CGROUP_MOUNT "/", mount + 1) == 0)
		where += mount;
	if (where[0] != '/' || strstr(where, "/..") != NULL)
		return err_set(err, ERR_INPUT, "'%s' is no control group: it is auto, none, or a path below %s", where, CGROUP_MOUNT);
	(void)snprintf(tree->path, sizeof(tree->path), "%s", where);
	return 0;
}

/* Makes what is missing of BASE; only what we have made ourselves do we ask its parents to hand controllers to. */
static int
open_base(struct cgroup_tree *tree, struct err *err)
{
	LOCAL_FD fd = open(CGROUP_MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[PATH_MAX];
	char *name, *rest = path;
	int next;

	(void)snprintf(path, sizeof(path), "%s", tree->path + 1);
	while (fd >= 0 && (name = strsep(&rest, "/")) != NULL) {
		if (*name == '\0')
			continue;
		if (mkdirat(fd, name, 0755) == 0)
			for (next = 0; next < CGROUP_CONTROLLER_COUNT; next++) {
				char word[16];

				(void)snprintf(word, sizeof(word), "+%s", names[next]);
				(void)cgroup_file_write(fd, "cgroup.subtree_control", word);
			}
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (next < 0)
			return err_sys(err, "cannot open control group '%s'", tree->path);
		(void)close(fd);
		fd = next;
	}
	if (fd < 0)
		return err_sys(err, "cannot open '%s'", CGROUP_MOUNT);
	tree->base_fd = fd;
	fd = -1;
	return 0;
}

/* Is anybody else in BASE? Then it is not for us to hand out, unless it is there for us: see move_holder(). */
static int
check_alone(struct cgroup_tree *tree, struct err *err)
{
	char text[CGROUP_FILE_BYTES], path[32], name[CGROUP_COMM_BYTES];
	char *pid, *rest = text;

	if (!cgroup_file_read(tree->base_fd, "cgroup.procs", text, sizeof(text)))
		return err_sys(err, "cannot read who is in control group '%s'", tree->path);
	while ((pid = strsep(&rest, "\n")) != NULL && *pid != '\0') {
		if (atoi(pid) == (int)getpid())
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%.10s/comm", pid);
		(void)cgroup_file_read(AT_FDCWD, path, name, sizeof(name));
		name[strcspn(name, "\n")] = '\0';
		return err_set(err, ERR_HOST, "control group '%s' is not runnerd's alone: process %s (%s) is in it",
			       tree->path, pid, name);
	}
	return 0;
}

/* The second service lasts as long as its process, which systemd has started in BASE itself. */
static int
move_holder(struct cgroup_tree *tree, struct err *err)
{
	char text[CGROUP_FILE_BYTES];
	char *pid, *rest = text;

	if (!cgroup_file_read(tree->base_fd, "cgroup.procs", text, sizeof(text)))
		return err_sys(err, "cannot read who is in control group '%s'", tree->path);
	while ((pid = strsep(&rest, "\n")) != NULL && *pid != '\0') {
		errno = cgroup_file_write(tree->agent_fd, "cgroup.procs", pid);
		if (errno != 0 && errno != ESRCH)
			return err_sys(err, "cannot move process %.10s to control group '%s/agent'", pid, tree->path);
	}
	return 0;
}

static int
claim_base(struct cgroup_tree *tree, struct err *err)
{
	if (faccessat(tree->base_fd, "cgroup.procs", W_OK, 0) < 0 ||
	    faccessat(tree->base_fd, "cgroup.subtree_control", W_OK, 0) < 0)
		return err_sys(err, "control group '%s' is not handed over to this user", tree->path);
	if (flock(tree->base_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? err_set(err, ERR_AGAIN, "another runnerd works in control group '%s'", tree->path)
					    : err_sys(err, "cannot lock control group '%s'", tree->path);
	return tree->beside ? 0 : check_alone(tree, err);
}

/* --- what is made in it --- */

static int
make_group(struct cgroup_tree *tree, const char *name, int *fd, struct err *err)
{
	if (mkdirat(tree->base_fd, name, 0755) < 0 && errno != EEXIST)
		return err_sys(err, "cannot make control group '%s/%s'", tree->path, name);
	*fd = openat(tree->base_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return err_sys(err, "cannot open control group '%s/%s'", tree->path, name);
	return 0;
}

static int
enter_agent(struct cgroup_tree *tree, struct err *err)
{
	if (make_group(tree, "agent", &tree->agent_fd, err) < 0)
		return err->code;
	if (tree->beside)
		return move_holder(tree, err);
	errno = cgroup_file_write(tree->agent_fd, "cgroup.procs", "0");
	return errno == 0 ? 0 : err_sys(err, "cannot enter control group '%s/agent'", tree->path);
}

/* One by one: what a kernel or a service manager does not give is not all. */
static int
hand_down(struct cgroup_tree *tree, struct err *err)
{
	char word[16];
	int i;

	for (i = 0; i < CGROUP_CONTROLLER_COUNT; i++) {
		(void)snprintf(word, sizeof(word), "+%s", names[i]);
		errno = cgroup_file_write(tree->base_fd, "cgroup.subtree_control", word);
		if (errno == EBUSY)
			return err_sys(err, "cannot hand controllers down from control group '%s'", tree->path);
		if (errno == 0 && cgroup_file_write(tree->tasks_fd, "cgroup.subtree_control", word) == 0)
			tree->controllers |= 1u << i;
	}
	return 0;
}

static void
protect_agent(struct cgroup_tree *tree)
{
	(void)cgroup_file_write_number(tree->agent_fd, "cpu.weight", AGENT_WEIGHT);
	(void)cgroup_file_write_number(tree->agent_fd, "memory.min", AGENT_MEMORY);
}

static int
make_tasks(struct cgroup_tree *tree, struct err *err)
{
	return make_group(tree, "tasks", &tree->tasks_fd, err);
}

/* --- who is large --- */

static void
on_look(void *arg)
{
	struct cgroup_tree *tree = arg;
	struct cgroup *cgroup;
	unsigned most = 0, part;
	bool any = false;

	OBJ_CHECK(tree, TREE_MAGIC);
	for (cgroup = tree->groups; cgroup != NULL; cgroup = cgroup->next) {
		part = cgroup_look(cgroup);
		most = part > most ? part : most;
		any |= cgroup->memory_bytes > 0;
	}
	if (any)
		timer_start_ms(&tree->look, most > LOOK_SOON_FROM ? LOOK_SOON_MS : LOOK_MS);
}

/* A limit was reached: there is a moment before the kernel kills somebody for it. */
static void
on_notify(void *arg, unsigned events)
{
	struct cgroup_tree *tree = arg;
	char room[CGROUP_FILE_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(tree->notify_fd, room, sizeof(room)), at;
	const struct inotify_event *event;
	struct cgroup *cgroup;

	(void)events;
	OBJ_CHECK(tree, TREE_MAGIC);
	for (at = 0; at < n; at += (ssize_t)(sizeof(*event) + event->len)) {
		event = (const struct inotify_event *)(const void *)(room + at);
		for (cgroup = tree->groups; cgroup != NULL; cgroup = cgroup->next)
			if (cgroup->watch == event->wd &&
			    loop_now_us(tree->loop) >= cgroup->looked_us + LOOK_AGAIN_US)
				(void)cgroup_look(cgroup);
	}
}

static int
watch_events(struct cgroup_tree *tree, struct err *err)
{
	tree->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (tree->notify_fd < 0)
		return err_sys(err, "cannot watch control groups");
	return watch_start(&tree->notify, tree->loop, tree->notify_fd, WATCH_READ, on_notify, tree, err);
}

/* --- life --- */

int
cgroup_tree_new(struct cgroup_tree **out, struct loop *loop, const char *where, struct err *err)
{
	struct cgroup_tree *tree = MEM_NEW(struct cgroup_tree);
	char room[64];

	tree->magic = TREE_MAGIC;
	tree->loop = loop;
	tree->base_fd = tree->agent_fd = tree->tasks_fd = tree->notify_fd = -1;
	timer_init(&tree->look, loop, on_look, tree);
	if (find_base(tree, where, err) < 0 || open_base(tree, err) < 0 || claim_base(tree, err) < 0 ||
	    watch_events(tree, err) < 0 || make_tasks(tree, err) < 0 ||
	    enter_agent(tree, err) < 0 || hand_down(tree, err) < 0) {
		cgroup_tree_free(tree);
		return err->code;
	}
	protect_agent(tree);
	log_info("tasks have control groups below '%s', held by: %s", tree->path,
		 tree->controllers != 0 ? cgroup_tree_controllers(tree, room) : "no controller");
	*out = tree;
	return 0;
}

/* What moves processes into a group below must be writable above it, too. */
int
cgroup_tree_give(struct cgroup_tree *tree, uid_t uid, gid_t gid, struct err *err)
{
	static const char *const files[] = {"agent/cgroup.procs", "cgroup.procs", "tasks", "tasks/cgroup.procs",
					    "tasks/cgroup.subtree_control"};
	size_t i;

	OBJ_CHECK(tree, TREE_MAGIC);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (fchownat(tree->base_fd, files[i], uid, gid, 0) < 0)
			return err_sys(err, "cannot hand over '%s' of control group '%s'", files[i], tree->path);
	return 0;
}

int
cgroup_tree_adopt(struct cgroup_tree *tree, pid_t pid, struct err *err)
{
	char word[16];

	OBJ_CHECK(tree, TREE_MAGIC);
	if (!tree->beside)
		return 0;
	(void)snprintf(word, sizeof(word), "%d", (int)pid);
	errno = cgroup_file_write(tree->agent_fd, "cgroup.procs", word);
	return errno == 0 ? 0 : err_sys(err, "cannot move process %d to control group '%s/agent'", (int)pid, tree->path);
}

int
cgroup_tree_probe(const char *where, char path[PATH_MAX], struct err *err)
{
	struct cgroup_tree tree = {.base_fd = -1};
	char at[PATH_MAX];
	int rc = find_base(&tree, where, err);

	if (rc < 0)
		return rc;
	(void)snprintf(path, PATH_MAX, "%s", tree.path);
	(void)snprintf(at, sizeof(at), CGROUP_MOUNT "%.4000s", tree.path);
	if (!text_eq(where, "auto") && access(at, F_OK) < 0)
		return 0; /* it will be made */
	rc = open_base(&tree, err);
	if (rc == 0)
		rc = claim_base(&tree, err);
	if (tree.base_fd >= 0)
		(void)close(tree.base_fd);
	return rc;
}

void
cgroup_tree_free(struct cgroup_tree *tree)
{
	if (tree == NULL)
		return;
	OBJ_CHECK(tree, TREE_MAGIC);
	assert(tree->groups == NULL);
	timer_release(&tree->look);
	watch_stop(&tree->notify);
	if (tree->notify_fd >= 0)
		(void)close(tree->notify_fd);
	if (tree->agent_fd >= 0)
		(void)close(tree->agent_fd);
	if (tree->tasks_fd >= 0)
		(void)close(tree->tasks_fd);
	if (tree->base_fd >= 0)
		(void)close(tree->base_fd);
	OBJ_WIPE(tree);
	free(tree);
}

static bool
is_held(const struct cgroup_tree *tree, const char *name)
{
	const struct cgroup *cgroup;

	for (cgroup = tree->groups; cgroup != NULL; cgroup = cgroup->next)
		if (text_eq(cgroup->name, name))
			return true;
	return false;
}

void
cgroup_tree_sweep(struct cgroup_tree *tree)
{
	int fd = openat(tree->tasks_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	OBJ_CHECK(tree, TREE_MAGIC);
	if (dir == NULL && fd >= 0)
		(void)close(fd);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.' && !is_held(tree, entry->d_name))
			log_info("control group '%s' was left behind%s", entry->d_name,
				 cgroup_remove_at(tree->tasks_fd, entry->d_name) ? "" : ", and processes in it are still ending");
	if (dir != NULL)
		(void)closedir(dir);
}

/* --- queries --- */

bool
cgroup_tree_has(const struct cgroup_tree *tree, enum cgroup_controller controller)
{
	return (tree->controllers & 1u << controller) != 0;
}

const char *
cgroup_tree_controllers(const struct cgroup_tree *tree, char room[64])
{
	size_t used = 0;
	int i;

	room[0] = '\0';
	for (i = 0; i < CGROUP_CONTROLLER_COUNT; i++)
		if (cgroup_tree_has(tree, (enum cgroup_controller)i))
			used += (size_t)snprintf(room + used, 64 - used, "%s%s", used > 0 ? ", " : "", names[i]);
	return room;
}
