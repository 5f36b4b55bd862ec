/*
 * quota.c - a work directory and all that comes to be in it takes so much of the disk, and no more.
 *
 * A slot has as many projects as there can be in four bits above its user's id: a tree of the task before may still be on
 * its way out, and counts under its own. Where all of them still have something the one with the least
 * is taken, and may have that besides. Nothing has to be remembered: the kernel is asked who is empty.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "launcher/quota.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/kernel.h"

enum { PROJECTS = 16, PROJECT_SHIFT = 28, BLOCK_BYTES = 1024, MIB_BLOCKS = 1024 };

static int
ask(int dir, int command, uint32_t project, struct kernel_quota *quota)
{
	return syscall(KERNEL_QUOTACTL_FD, dir, (unsigned)command << 8 | KERNEL_PROJECT_QUOTA, project,
		       quota) == 0
		       ? 0
		       : errno;
}

/* xfs knows nothing of a project that has never had anything. */
static int
measure(int dir, uint32_t project, uint64_t *used_bytes)
{
	struct kernel_quota quota = {.used_bytes = 0};
	int sys = ask(dir, KERNEL_QUOTA_GET, project, &quota);

	*used_bytes = quota.used_bytes;
	return sys == ENOENT ? 0 : sys;
}

/* 0 is what has no project, and -1 is none. */
static bool
is_project(uint32_t project)
{
	return project != 0 && project != UINT32_MAX;
}

static int
choose(int dir, uid_t uid, uint32_t *chosen, uint64_t *used_bytes)
{
	uint64_t used;
	uint32_t i;
	int sys;

	*used_bytes = UINT64_MAX;
	for (i = 0; i < PROJECTS && *used_bytes > 0; i++) {
		const uint32_t project = (uint32_t)uid ^ i << PROJECT_SHIFT;

		if (!is_project(project))
			continue;
		sys = measure(dir, project, &used);
		if (sys != 0)
			return sys;
		if (used >= *used_bytes)
			continue;
		*chosen = project;
		*used_bytes = used;
	}
	return 0;
}

static int
join(int dir, uint32_t project)
{
	struct kernel_file_attr attr;

	if (ioctl(dir, KERNEL_GET_FILE_ATTR, &attr) != 0)
		return errno;
	attr.flags |= KERNEL_FILE_PROJECT_INHERIT;
	attr.project = project;
	return ioctl(dir, KERNEL_SET_FILE_ATTR, &attr) != 0 ? errno : 0;
}

int
quota_hold(int dir, uid_t uid, uint32_t most_mib)
{
	struct kernel_quota quota = {.valid = KERNEL_QUOTA_BLOCK_LIMITS};
	uint64_t used;
	uint32_t project = 0;
	int sys = choose(dir, uid, &project, &used);

	if (sys != 0)
		return sys;
	quota.hard_blocks = (uint64_t)most_mib * MIB_BLOCKS + used / BLOCK_BYTES;
	sys = ask(dir, KERNEL_QUOTA_SET, project, &quota);
	return sys != 0 ? sys : join(dir, project);
}
