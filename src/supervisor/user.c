/*
 * user.c - runner-init as root becomes its task's user, and so does all that it starts.
 *
 * A step of a user that has no other process cannot keep runner-init alive, and runner-init, which
 * reads what runnerd and the task's processes make it read, has no right that a step has not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/user.h"

#include <errno.h>
#include <stddef.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "supervisor/kernel.h"

int
user_become(uid_t uid, gid_t gid)
{
	unsigned i;

	for (i = 0; prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0; i++)
		;
	if (errno != EINVAL || i == 0) /* else this kernel has no more of them */
		return errno;
	/* By the kernel's own calls: libc's are for programs with threads. */
	if (syscall(KERNEL_SETGROUPS, 0L, NULL) != 0 || syscall(KERNEL_SETRESGID, gid, gid, gid) != 0 ||
	    syscall(KERNEL_SETRESUID, uid, uid, uid) != 0)
		return errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return errno;
	return 0;
}

void
user_for_files(uid_t uid, gid_t gid)
{
	(void)setfsgid(gid);
	(void)setfsuid(uid);
}
