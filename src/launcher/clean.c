/*
 * clean.c - end what a slot's user runs, and delete what it has left outside of its work directory.
 *
 * kill(-1) by a process of that user reaches exactly what it may reach, in every PID namespace
 * below ours, and under one lock: a fork(2) that is on its way meets it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "launcher/clean.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "runner/launcher.h"

enum {
	ROUNDS_MOST = 100,	    /* of killing; a round with something left takes PAUSE_NS */
	PAUSE_NS = 20 * 1000 * 1000,
	NAMES_A_TIME = 32,
	TURNS_MOST = 4096,	    /* of NAMES_A_TIME */
	CREATE_CONTEXT = 6,	    /* FSCONFIG_CMD_CREATE */
};

static const char *const public_dirs[] = {"/tmp", "/var/tmp", "/dev/shm", "/run/lock"};

/* --- processes ----------------------------------------------------------------------------- */

bool
clean_kill(uid_t uid)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (setresuid(uid, uid, uid) != 0)
			_exit(errno);
		_exit(kill(-1, SIGKILL) != 0 && errno != ESRCH ? errno : 0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	if (pid > 0)
		errno = WIFEXITED(status) ? WEXITSTATUS(status) : EAGAIN;
	return pid > 0 && errno == 0;
}

/* "pid (name) state ...": proc(5). One that waits for its parent to look runs no more. */
static bool
is_dead(int proc, const char *pid)
{
	char path[32], text[128];
	LOCAL_FD fd = -1;
	const char *end;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%.20s/stat", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return true;
	text[n] = '\0';
	end = strrchr(text, ')');
	return end != NULL && end[1] == ' ' && (end[2] == 'Z' || end[2] == 'X');
}

/* A process' directory is its effective user's, also where its files are not: task_dump_owner(). */
static unsigned
count_of(uid_t uid)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	unsigned count = 0;
	struct stat st;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_uid == uid && !is_dead(dirfd(dir), entry->d_name))
			count++;
	if (dir == NULL)
		return 1; /* who cannot look must not say that nothing is there */
	(void)closedir(dir);
	return count;
}

static bool
end_processes(uid_t uid)
{
	const struct timespec pause = {0, PAUSE_NS};
	int round;

	for (round = 0; round < ROUNDS_MOST; round++) {
		if (clean_kill(uid) && count_of(uid) == 0)
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

/* --- files --------------------------------------------------------------------------------- */

/* names ends with a NULL behind what it holds. */
static bool
remove_names(int dir, char *const names[])
{
	char *argv[NAMES_A_TIME + 5] = {(char *)"rm", (char *)"-rf", (char *)"--one-file-system",
					(char *)"--"};
	static char *const no_environment[] = {NULL};
	int status = 1;
	size_t n = 0;
	pid_t pid;

	for (; names[n] != NULL; n++)
		argv[4 + n] = names[n];
	pid = fork();
	if (pid == 0) {
		if (fchdir(dir) == 0)
			(void)execve("/bin/rm", argv, no_environment);
		_exit(1);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && status == 0;
}

/* The next few that uid owns. What is another's stays, whatever lies in it. */
static size_t
find_names(DIR *dir, uid_t uid, char names[NAMES_A_TIME][NAME_MAX + 1], char *pointers[])
{
	const struct dirent *entry;
	struct stat st;
	size_t n = 0;

	rewinddir(dir);
	while (n < NAMES_A_TIME && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_uid == uid) {
			(void)strcpy(names[n], entry->d_name);
			pointers[n] = names[n];
			n++;
		}
	pointers[n] = NULL;
	return n;
}

static bool
clean_dir(const char *path, uid_t uid)
{
	static char names[NAMES_A_TIME][NAME_MAX + 1];
	char *pointers[NAMES_A_TIME + 1];
	DIR *dir = opendir(path);
	bool good = true;
	unsigned turn;

	if (dir == NULL)
		return errno == ENOENT || errno == ENOTDIR;
	for (turn = 0; good && turn < TURNS_MOST; turn++) {
		if (find_names(dir, uid, names, pointers) == 0)
			break;
		good = remove_names(dirfd(dir), pointers);
	}
	(void)closedir(dir);
	return good && turn < TURNS_MOST;
}

/* --- what has no directory ----------------------------------------------------------------- */

static bool
is_of(const struct ipc_perm *perm, uid_t uid)
{
	return perm->uid == uid || perm->cuid == uid;
}

/* shmctl(2), SHM_STAT: the highest index first, then what each stands for. */
static void
clean_system_v(uid_t uid)
{
	struct shm_info shm;
	struct seminfo sem;
	struct msginfo msg;
	struct shmid_ds segment;
	struct semid_ds set;
	struct msqid_ds queue;
	int most, i, id;

	most = shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&shm);
	for (i = 0; i <= most; i++)
		if ((id = shmctl(i, SHM_STAT, &segment)) >= 0 && is_of(&segment.shm_perm, uid))
			(void)shmctl(id, IPC_RMID, NULL);
	most = semctl(0, 0, SEM_INFO, &sem);
	for (i = 0; i <= most; i++)
		if ((id = semctl(i, 0, SEM_STAT, &set)) >= 0 && is_of(&set.sem_perm, uid))
			(void)semctl(id, 0, IPC_RMID);
	most = msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&msg);
	for (i = 0; i <= most; i++)
		if ((id = msgctl(i, MSG_STAT, &queue)) >= 0 && is_of(&queue.msg_perm, uid))
			(void)msgctl(id, IPC_RMID, NULL);
}

/* Their file system need not be mounted anywhere: it is for us alone, and goes with the descriptor. */
static void
clean_queues(uid_t uid)
{
	LOCAL_FD context = (int)syscall(SYS_fsopen, "mqueue", 1);
	LOCAL_FD mount = -1;
	const struct dirent *entry;
	struct stat st;
	DIR *dir;
	int fd;

	if (context < 0 || syscall(SYS_fsconfig, context, CREATE_CONTEXT, NULL, NULL, 0) != 0)
		return;
	mount = (int)syscall(SYS_fsmount, context, 1, 0);
	fd = mount < 0 ? -1 : openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* it is one to name by alone */
	dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (fstatat(mount, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_uid == uid)
			(void)unlinkat(mount, entry->d_name, 0);
	if (dir != NULL)
		(void)closedir(dir);
}

int
clean_slot(uid_t uid)
{
	bool good = true;
	size_t i;

	if (!end_processes(uid))
		return LAUNCHER_EXIT_LEFT;
	for (i = 0; i < sizeof(public_dirs) / sizeof(public_dirs[0]); i++)
		good &= clean_dir(public_dirs[i], uid);
	clean_system_v(uid);
	clean_queues(uid);
	return good ? 0 : LAUNCHER_EXIT_FILES;
}
