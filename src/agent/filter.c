/*
 * filter.c - the system calls that an isolated job cannot make, compiled once for all of them.
 *
 * Not on the list: ptrace and process_vm_* (a PID namespace leaves a job its own processes, and
 * debuggers need them), mount and unshare (without capabilities they do nothing but in a user
 * namespace of the job's own, which sandboxes of browsers and build tools are made of), io_uring
 * (what is tested uses it).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "runner/supervisor.h"

static const struct {
	const char *name, *why;
} denied[] = {
	/* Keys belong to the user, not to the task: another job of the same user could read them. */
	{"add_key", "kernel keyrings are shared by all tasks of a user"},
	{"keyctl", "kernel keyrings are shared by all tasks of a user"},
	{"request_key", "kernel keyrings are shared by all tasks of a user"},
	{"bpf", "programs in the kernel"},
	{"perf_event_open", "measures what is not the task's"},
	{"userfaultfd", "holds the kernel up where it can be made to go wrong"},
	{"open_by_handle_at", "opens files past the paths that are hidden"},
	{"kexec_load", "another kernel"},
	{"kexec_file_load", "another kernel"},
	{"init_module", "code in the kernel"},
	{"finit_module", "code in the kernel"},
	{"delete_module", "code in the kernel"},
	{"reboot", "the host is not the task's"},
	{"swapon", "the host is not the task's"},
	{"swapoff", "the host is not the task's"},
	{"acct", "the host is not the task's"},
	{"quotactl", "the host is not the task's"},
	{"quotactl_fd", "the host is not the task's"},
	{"syslog", "the kernel's messages are of all tasks"},
	{"settimeofday", "the clock is everybody's"},
	{"clock_settime", "the clock is everybody's"},
	{"clock_settime64", "the clock is everybody's"},
	{"stime", "the clock is everybody's"},
	{"iopl", "the hardware itself"},
	{"ioperm", "the hardware itself"},
	{"lookup_dcookie", "tells of files past the paths that are hidden"},
	{"vhangup", "ends terminals that are not the task's"},
	{"nfsservctl", "the host is not the task's"},
};

/* By these its owner could take a file out of the project that its directory has (launcher/quota.h), and by file_setattr(2). */
static const uint32_t denied_ioctls[] = {
	FS_IOC_SETFLAGS,
	FS_IOC32_SETFLAGS,
	FS_IOC_FSSETXATTR,
};

/*
 * In front of what the library makes, which does not know that call: of Linux 6.17, with the same number on every
 * machine, but that x32's have a bit more.
 */
enum { FILE_SETATTR = 469, X32_BIT = 0x40000000 };

static const struct sock_filter prologue[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)X32_BIT),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FILE_SETATTR, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
};

struct filter {
	uint32_t count;
	uint64_t code[SPEC_FILTER_MOST];
};

/* A 64-bit kernel takes calls of its 32-bit kind too; without them there the list would be a hint. */
static int
add_machines(scmp_filter_ctx list)
{
	static const uint32_t beside[][2] = {
		{SCMP_ARCH_X86_64, SCMP_ARCH_X86},
		{SCMP_ARCH_X86_64, SCMP_ARCH_X32},
		{SCMP_ARCH_AARCH64, SCMP_ARCH_ARM},
	};
	size_t i;
	int rc;

	for (i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		if (seccomp_arch_native() != beside[i][0])
			continue;
		rc = seccomp_arch_add(list, beside[i][1]);
		if (rc < 0 && rc != -EEXIST)
			return rc;
	}
	return 0;
}

static int
deny_all(scmp_filter_ctx list)
{
	size_t i;
	int number, rc;

	for (i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
		number = seccomp_syscall_resolve_name(denied[i].name);
		if (number == __NR_SCMP_ERROR)
			continue; /* newer than the library, which then knows no number */
		rc = seccomp_rule_add(list, SCMP_ACT_ERRNO(EPERM), number, 0);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The kernel looks at half of the register. */
static int
deny_ioctls(scmp_filter_ctx list)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(denied_ioctls) / sizeof(denied_ioctls[0]); i++)
		rc = seccomp_rule_add(list, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
				      SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, denied_ioctls[i]));
	return rc;
}

/* The library writes to a descriptor only. */
static int
take_code(struct filter *filter, scmp_filter_ctx list, struct err *err)
{
	LOCAL_FD fd = memfd_create("filter", MFD_CLOEXEC);
	ssize_t n;
	int rc;

	if (fd < 0)
		return err_sys(err, "cannot keep the system call filter");
	rc = seccomp_export_bpf(list, fd);
	if (rc < 0) {
		errno = -rc;
		return err_sys(err, "cannot compile the system call filter");
	}
	memcpy(filter->code, prologue, sizeof(prologue));
	n = pread(fd, (char *)filter->code + sizeof(prologue), sizeof(filter->code) - sizeof(prologue), 0);
	if (n <= 0 || n % 8 != 0)
		return err_sys(err, "cannot read the system call filter");
	filter->count = (uint32_t)((sizeof(prologue) + (size_t)n) / 8);
	return 0;
}

int
filter_new(struct filter **out, struct err *err)
{
	scmp_filter_ctx list = seccomp_init(SCMP_ACT_ALLOW);
	struct filter *filter;
	int rc = list == NULL ? -ENOMEM : 0;

	if (rc == 0)
		rc = seccomp_attr_set(list, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree */
	if (rc == 0)
		rc = add_machines(list);
	if (rc == 0)
		rc = deny_all(list);
	if (rc == 0)
		rc = deny_ioctls(list);
	if (rc < 0) {
		seccomp_release(list);
		errno = -rc;
		return err_sys(err, "cannot make the system call filter");
	}
	filter = MEM_NEW(struct filter);
	rc = take_code(filter, list, err);
	seccomp_release(list);
	if (rc < 0)
		filter_free(filter);
	else
		*out = filter;
	return rc;
}

void
filter_free(struct filter *filter)
{
	free(filter);
}

const uint64_t *
filter_code(const struct filter *filter, uint32_t *count)
{
	*count = filter->count;
	return filter->code;
}

const char *
filter_denied(unsigned n, const char **why)
{
	if (n >= sizeof(denied) / sizeof(denied[0]))
		return NULL;
	*why = denied[n].why;
	return denied[n].name;
}
