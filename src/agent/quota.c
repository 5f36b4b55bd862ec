/*
 * quota.c - what holds a task to its class's disk: the file system of the work directory, if it can.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/quota.h"

#include <errno.h>
#include <linux/dqblk_xfs.h>
#include <linux/quota.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"

/* Who fails for the want of a block may have given back some that it had. */
enum { FULL_PARTS = 256 };

bool
quota_is_on(int dir_fd, char why[QUOTA_WHY_BYTES])
{
	struct fs_quota_statv state = {.qs_version = FS_QSTATV_VERSION1};

	if (syscall(SYS_quotactl_fd, dir_fd, QCMD(Q_XGETQSTATV, PRJQUOTA), 0, &state) != 0) {
		(void)snprintf(why, QUOTA_WHY_BYTES, "its file system has no quotas (%s)",
			       errno == ENOSYS ? "Linux 5.14 is needed" : strerror(errno));
		return false;
	}
	if ((state.qs_flags & FS_QUOTA_PDQ_ENFD) != 0)
		return true;
	(void)snprintf(why, QUOTA_WHY_BYTES, "its file system is mounted without prjquota");
	return false;
}

bool
quota_explain(const char *dir, char *room, size_t size)
{
	struct statvfs disk;
	char most[24];

	if (statvfs(dir, &disk) != 0 || disk.f_bavail > disk.f_blocks / FULL_PARTS)
		return false;
	(void)snprintf(room, size, "its disk of %s is full",
		       text_bytes(most, (uint64_t)disk.f_blocks * disk.f_frsize));
	return true;
}
