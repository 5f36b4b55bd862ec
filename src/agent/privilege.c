/*
 * privilege.c - started by root, runnerd becomes a user of its own that can do nothing more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/privilege.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "runner/launcher.h"
#include "runner/state_dir.h"

enum { GROUPS_MOST = 64, OPEN_DIRS = 32, CAPABILITY_MOST = 63 };

/* --- who ------------------------------------------------------------------------------------------ */

/* Without root there is nobody to become: the name may say who we are. */
static int
stay(const char *user, struct err *err)
{
	const struct passwd *entry;

	if (user == NULL)
		return 0;
	errno = 0;
	entry = getpwuid(geteuid());
	if (entry != NULL && text_eq(entry->pw_name, user))
		return 0;
	return err_set(err, ERR_INPUT, "only root can become user '%s'", user);
}

static int
no_user(const char *user, bool is_said, struct err *err)
{
	int rc = is_said ? err_set(err, ERR_INPUT, "there is no user '%s' to run as", user)
			 : err_set(err, ERR_INPUT,
				   "runnerd was started by root and there is no user '%s' to run as",
				   user);

	if (rc < 0)
		err_hint(err, "make it: useradd --system --home-dir /var/lib/runnerd --shell /usr/sbin/nologin "
			      "runnerd; or name another with --user");
	return rc;
}

static int
find_user(struct privilege *privilege, const char *user, bool is_said, struct err *err)
{
	const struct passwd *entry;

	errno = 0;
	entry = getpwnam(user);
	if (entry == NULL)
		return errno == 0 || errno == ENOENT
			       ? no_user(user, is_said, err)
			       : err_sys(err, "cannot look for user '%s'", user);
	if (entry->pw_uid == 0)
		return err_set(err, ERR_INPUT, "user '%s' is root under another name", user);
	privilege->uid = entry->pw_uid;
	privilege->gid = entry->pw_gid;
	(void)snprintf(privilege->user, sizeof(privilege->user), "%s", user);
	(void)snprintf(privilege->home, sizeof(privilege->home), "%s", entry->pw_dir);
	return 0;
}

/* --- the tasks' users ------------------------------------------------------------------------------ */

static int
parse_range(struct privilege *privilege, const char *text, uint64_t jobs, struct err *err)
{
	uint64_t first, last;
	int end = 0;

	if (sscanf(text, "%10" SCNu64 "-%10" SCNu64 "%n", &first, &last, &end) != 2 ||
	    text[end] != '\0' || first == 0 || last < first || last >= UINT32_MAX)
		return err_set(err, ERR_INPUT,
			       "slot-uids '%.40s' is no range of user ids: FIRST-LAST, from 1", text);
	if (last - first + 1 > LAUNCHER_SLOTS_MOST)
		last = first + LAUNCHER_SLOTS_MOST - 1;
	if (last - first + 1 < jobs)
		return err_set(err, ERR_INPUT,
			       "slot-uids '%.40s' are fewer than the %" PRIu64
			       " tasks that run at the same time",
			       text, jobs);
	privilege->first_uid = (uint32_t)first;
	privilege->slots = (uint32_t)(last - first + 1);
	return 0;
}

static bool
is_of_slots(const struct privilege *privilege, uint32_t id)
{
	return id - privilege->first_uid < privilege->slots;
}

static int
check_unused(const struct privilege *privilege, struct err *err)
{
	const struct passwd *entry;
	int rc = 0;

	if (is_of_slots(privilege, privilege->uid) || getgrgid(privilege->first_uid) != NULL)
		rc = err_set(err, ERR_INPUT, "slot-uids: %u is in use as a group, or as runnerd's user",
			     privilege->first_uid);
	setpwent();
	while (rc == 0 && (entry = getpwent()) != NULL)
		if (is_of_slots(privilege, entry->pw_uid))
			rc = err_set(err, ERR_INPUT, "slot-uids: %u is user '%s'", entry->pw_uid,
				     entry->pw_name);
	endpwent();
	if (rc < 0)
		err_hint(err, "what a slot's user has left anywhere is deleted, so its number must be nobody else's");
	return rc;
}

/* A container may know fewer users than the range names: user_namespaces(7). */
static int
check_mapped(const struct privilege *privilege, struct err *err)
{
	FILE *file = fopen("/proc/self/uid_map", "re");
	uint64_t inside, outside, count;
	bool found = file == NULL;

	while (!found && fscanf(file, "%" SCNu64 " %" SCNu64 " %" SCNu64, &inside, &outside, &count) == 3)
		found = privilege->first_uid >= inside &&
			(uint64_t)privilege->first_uid + privilege->slots <= inside + count;
	if (file != NULL)
		(void)fclose(file);
	if (found)
		return 0;
	if (err_set(err, ERR_HOST, "this container has no users %u to %u for tasks",
		    privilege->first_uid, privilege->first_uid + privilege->slots - 1) < 0)
		err_hint(err, "give it a range that it has with --slot-uids: /proc/self/uid_map says which");
	return err->code;
}

int
privilege_choose(struct privilege *privilege, const char *user, const char *slot_uids,
		 uint64_t jobs, struct err *err)
{
	*privilege = (struct privilege){.is_split = false};
	if (geteuid() != 0)
		return stay(user, err);
	if (text_eq(user, "root"))
		return 0;
	if (find_user(privilege, user != NULL ? user : PRIVILEGE_USER, user != NULL, err) < 0 ||
	    parse_range(privilege, slot_uids != NULL ? slot_uids : PRIVILEGE_SLOT_UIDS, jobs, err) <
		    0 ||
	    check_unused(privilege, err) < 0 || check_mapped(privilege, err) < 0)
		return err->code;
	privilege->is_split = true;
	return 0;
}

/* --- what root has left ------------------------------------------------------------------------- */

/* It has, or had, a runner-init, and no user of its own. */
static bool
is_of_root(int tasks, const char *name)
{
	LOCAL_FD dir = openat(tasks, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return name[0] != '.' && dir >= 0 &&
	       faccessat(dir, SUPERVISOR_SOCKET_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	       faccessat(dir, STATE_USER_NAME, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
}

int
privilege_check_tasks(const struct privilege *privilege, const char *run_dir, struct err *err)
{
	LOCAL_FREE char *path = mem_printf("%s/" STATE_TASKS_NAME, run_dir);
	const struct dirent *entry;
	bool found = false;
	struct stat st;
	DIR *dir;

	if (!privilege->is_split || stat(run_dir, &st) != 0 || st.st_uid != 0)
		return 0; /* nobody's yet, or not root's any more */
	dir = opendir(path);
	while (dir != NULL && !found && (entry = readdir(dir)) != NULL)
		found = is_of_root(dirfd(dir), entry->d_name);
	if (dir != NULL)
		(void)closedir(dir);
	if (!found)
		return 0;
	if (err_set(err, ERR_HOST, "'%s' has tasks of a runnerd that was root", run_dir) < 0)
		err_hint(err, "let them end first: start it with --user root and stop it with SIGTERM");
	return err->code;
}

/* --- what becomes the user's ----------------------------------------------------------------------- */

static const struct privilege *giving; /* nftw(3) has no argument for it */

/* The directory itself comes last: until then the next start begins anew. */
static int
give_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)type;
	(void)place;
	if (st->st_uid != 0)
		return 0;
	return lchown(path, giving->uid, giving->gid);
}

int
privilege_give_dir(const struct privilege *privilege, const char *path, struct err *err)
{
	struct stat st;

	if (!privilege->is_split)
		return 0;
	if (stat(path, &st) != 0)
		return err_sys(err, "cannot look at '%s'", path);
	if (st.st_uid != 0)
		return 0;
	giving = privilege;
	if (nftw(path, give_one, OPEN_DIRS, FTW_PHYS | FTW_DEPTH | FTW_MOUNT) != 0)
		return err_sys(err, "cannot give what lies in '%s' to user '%s'", path,
			       privilege->user);
	log_debug("'%s' is user %s's", path, privilege->user);
	return 0;
}

int
privilege_open_dir(const struct privilege *privilege, const char *path, mode_t mode, bool of_slots,
		   struct err *err)
{
	LOCAL_FD fd = -1;
	struct stat st;

	if (!privilege->is_split)
		return 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 ||
	    (st.st_uid == 0 && fchown(fd, privilege->uid, privilege->gid) != 0) ||
	    (of_slots && fchown(fd, (uid_t)-1, privilege->first_uid) != 0) ||
	    fchmod(fd, mode) != 0)
		return err_sys(err, "cannot give '%s' to user '%s'", path, privilege->user);
	return 0;
}

/* --- for good ------------------------------------------------------------------------------------- */

/* Its own, and the slots': so it can let them read what nobody else should. */
static int
set_groups(const struct privilege *privilege)
{
	gid_t groups[GROUPS_MOST + 1];
	int count = GROUPS_MOST;

	if (getgrouplist(privilege->user, privilege->gid, groups, &count) < 0)
		count = 0; /* more than we care for */
	groups[count++] = privilege->first_uid;
	return setgroups((size_t)count, groups);
}

int
privilege_drop(const struct privilege *privilege, struct err *err)
{
	unsigned i;

	if (!privilege->is_split)
		return 0;
	for (i = 0; i <= CAPABILITY_MOST; i++)
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1 &&
		    prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0)
			return err_sys(err, "cannot give up root's rights");
	if (set_groups(privilege) != 0 ||
	    setresgid(privilege->gid, privilege->gid, privilege->gid) != 0 ||
	    setresuid(privilege->uid, privilege->uid, privilege->uid) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_sys(err, "cannot become user '%s'", privilege->user);
	(void)setenv("HOME", privilege->home, 1);
	(void)setenv("USER", privilege->user, 1);
	(void)setenv("LOGNAME", privilege->user, 1);
	return 0;
}
