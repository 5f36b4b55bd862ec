/*
 * kernel.h - the kernel's words that a small libc does not bring.
 *
 * musl's headers and <linux/...> do not mix; these few are copied from the kernel's
 * user interface, which does not change: capability.h, filter.h, mount.h, sched.h, seccomp.h, prctl.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_KERNEL_H
#define SUPERVISOR_KERNEL_H

#include <stdint.h>
#include <sys/syscall.h>

enum {
	KERNEL_CAPABILITY_VERSION = 0x20080522, /* _LINUX_CAPABILITY_VERSION_3 */
	KERNEL_CAPABILITY_WORDS = 2,
	KERNEL_SECCOMP_MODE_FILTER = 2,
	KERNEL_CAPABILITY_MOST = 63, /* the highest there can be */
	KERNEL_SIGNAL_MOST = 64, /* _NSIG: the highest signal */
	KERNEL_CLONE3 = 435,	 /* the same on every processor */
};

#define KERNEL_CLONE_INTO_CGROUP UINT64_C(0x200000000)

/* struct clone_args as of Linux 5.7: CLONE_ARGS_SIZE_VER2. */
struct kernel_clone {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	uint64_t set_tid, set_tid_size, cgroup;
};

struct kernel_capability_head {
	uint32_t version;
	int32_t pid;
};

struct kernel_capability_word {
	uint32_t effective, permitted, inheritable;
};

struct kernel_filter {
	unsigned short count;
	const void *instructions; /* 8 bytes each */
};

/* rt_sigaction(2): members and their order differ, their sizes do not. */
struct kernel_sigaction {
	unsigned long words[3];
	uint64_t mask;
};

/* What getdents64(2) fills in. */
struct kernel_dirent {
	uint64_t inode;
	int64_t next;
	unsigned short length;
	unsigned char type;
	char name[];
};

/* An address for an interface by rtnetlink(7): netlink.h, rtnetlink.h, if_addr.h. */
enum {
	KERNEL_NETLINK_ROUTE = 0,
	KERNEL_NEW_ADDRESS = 20,      /* RTM_NEWADDR */
	KERNEL_NETLINK_ERROR = 2,     /* NLMSG_ERROR: an errno, negative, or 0 */
	KERNEL_REQUEST_ACK = 1 | 4,   /* NLM_F_REQUEST | NLM_F_ACK */
	KERNEL_REQUEST_CREATE = 0x400, /* NLM_F_CREATE */
	KERNEL_ADDRESS_NO_DAD = 2,    /* IFA_F_NODAD */
	KERNEL_ADDRESS_LOCAL = 2,     /* IFA_LOCAL */
	KERNEL_ADDRESS_LIFETIME = 6,  /* IFA_CACHEINFO */
	KERNEL_SCOPE_HOST = 254,
};

struct kernel_netlink_head {
	uint32_t size;
	uint16_t type, flags;
	uint32_t number, port;
};

struct kernel_attribute {
	uint16_t size, type;
};

struct kernel_new_address {
	struct kernel_netlink_head head;
	uint8_t family, prefix, flags, scope;
	uint32_t interface;
	struct kernel_attribute lifetime_is;
	uint32_t preferred_s, valid_s, changed[2];
	struct kernel_attribute local_is;
	uint8_t local[16]; /* the last: of IPv4 it has four bytes */
};

struct kernel_netlink_answer {
	struct kernel_netlink_head head;
	int32_t error;
};

/* The mount calls of Linux 5.2 (mount_setattr(2): 5.12) have the same numbers everywhere. */
enum {
	KERNEL_OPEN_TREE = 428,
	KERNEL_MOVE_MOUNT = 429,
	KERNEL_MOUNT_SETATTR = 442,
	KERNEL_OPEN_TREE_CLONE = 1,
	KERNEL_MOVE_MOUNT_F_EMPTY_PATH = 4,
	KERNEL_MOUNT_ATTR_RDONLY = 1,
	KERNEL_MOUNT_ATTR_IDMAP = 0x100000,
	KERNEL_AT_EMPTY_PATH = 0x1000,
	KERNEL_AT_RECURSIVE = 0x8000,
};

struct kernel_mount_attr {
	uint64_t set, clear, propagation, user_namespace;
};

/* Quotas of projects: quota.h, dqblk_xfs.h, fs.h. quotactl_fd(2) is of Linux 5.14. */
enum {
	KERNEL_QUOTACTL_FD = 443,
	KERNEL_PROJECT_QUOTA = 2,
	KERNEL_QUOTA_GET = 0x800007,
	KERNEL_QUOTA_SET = 0x800008,
	KERNEL_QUOTA_BLOCK_LIMITS = 1,
	KERNEL_FILE_PROJECT_INHERIT = 0x200,
	KERNEL_GET_FILE_ATTR = (int)0x801c581f, /* FS_IOC_FSGETXATTR */
	KERNEL_SET_FILE_ATTR = 0x401c5820,	/* FS_IOC_FSSETXATTR */
};

/* struct if_dqblk; blocks are of 1 KiB. */
struct kernel_quota {
	uint64_t hard_blocks, soft_blocks, used_bytes;
	uint64_t hard_inodes, soft_inodes, used_inodes, block_time, inode_time;
	uint32_t valid, padding;
};

/* struct fsxattr. */
struct kernel_file_attr {
	uint32_t flags, extent_size, extents, project, copy_extent_size, padding[2];
};

/* glibc's wrappers of these change every thread; a child of vfork must change itself only. */
#ifdef SYS_setresuid32
enum {
	KERNEL_SETRESUID = SYS_setresuid32,
	KERNEL_SETRESGID = SYS_setresgid32,
	KERNEL_SETGROUPS = SYS_setgroups32
};
#else
enum {
	KERNEL_SETRESUID = SYS_setresuid,
	KERNEL_SETRESGID = SYS_setresgid,
	KERNEL_SETGROUPS = SYS_setgroups
};
#endif

#endif
