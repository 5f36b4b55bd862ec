/*
 * rights.c - of root's rights, those that the launcher keeps.
 *
 * The numbers are linux/capability.h's, which does not mix with a small libc's headers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "launcher/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/kernel.h"

enum { CAPABILITY_MOST = 63, LOCK_TRIES = 100, LOCK_PAUSE_NS = 50 * 1000 * 1000 };

static const struct {
	unsigned capability;
	const char *what_for;
} needed[] = {
	{0, "CHOWN: work directories are given away"},
	{1, "DAC_OVERRIDE: and deleted"},
	{3, "FOWNER: and their modes set"},
	{5, "KILL: a runner-init that does not answer"},
	{6, "SETGID: a slot's group"},
	{7, "SETUID: a slot's user"},
	{8, "SETPCAP: what is not needed is given up"},
	{12, "NET_ADMIN: the loopback device of a task's network namespace"},
	{15, "IPC_OWNER: System V objects are deleted"},
	{21, "SYS_ADMIN: namespaces and mounts"},
	{24, "SYS_RESOURCE: limits of tasks, the out-of-memory score"},
};

static uint64_t
needed_set(void)
{
	uint64_t set = 0;
	size_t i;

	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		set |= UINT64_C(1) << needed[i].capability;
	return set;
}

/* The launcher of a runnerd that has just ended goes on for some milliseconds: that is waited for. */
enum launcher_fault
rights_take_users(const struct ground *ground, int *sys)
{
	const struct timespec pause = {0, LOCK_PAUSE_NS};
	struct flock lock = {.l_type = F_WRLCK,
			     .l_whence = SEEK_SET,
			     .l_start = (off_t)ground->first_uid,
			     .l_len = (off_t)ground->slots};
	int fd = open(LAUNCHER_LOCK_PATH, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), i;

	for (i = 0; fd >= 0 && i < LOCK_TRIES; i++) {
		if (fcntl(fd, F_SETLK, &lock) == 0)
			return LAUNCHER_FAULT_NONE; /* the descriptor stays open */
		if (errno != EAGAIN && errno != EACCES)
			break;
		(void)nanosleep(&pause, NULL);
	}
	*sys = i == LOCK_TRIES ? 0 : errno;
	return i == LOCK_TRIES ? LAUNCHER_FAULT_USERS : LAUNCHER_FAULT_LOCK;
}

int
rights_keep_needed(void)
{
	struct kernel_capability_head head = {KERNEL_CAPABILITY_VERSION, 0};
	struct kernel_capability_word words[KERNEL_CAPABILITY_WORDS];
	uint64_t keep = needed_set();
	unsigned i;

	for (i = 0; i <= CAPABILITY_MOST; i++)
		if ((keep & UINT64_C(1) << i) == 0 && prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1 &&
		    prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0)
			return errno;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &head, words) != 0)
		return errno;
	for (i = 0; i < KERNEL_CAPABILITY_WORDS; i++) {
		words[i].permitted &= (uint32_t)(keep >> 32 * i);
		words[i].effective = words[i].permitted;
		words[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &head, words) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return errno;
	return 0;
}
