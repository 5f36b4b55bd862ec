/*
 * shelter.c - what runner-init makes of the place it was started in.
 *
 * Order matters: /proc needs the capability that is given up at the end, and a process
 * that is not dumpable cannot open its own files in /proc unless it is root.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/shelter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runner/supervisor.h"
#include "supervisor/home.h"
#include "supervisor/kernel.h"
#include "supervisor/mounts.h"
#include "supervisor/number.h"
#include "supervisor/user.h"

#define CAPABILITY(number) (UINT64_C(1) << (number))

/* /proc/self says who we are in the namespace that /proc was mounted for. */
static bool
proc_is_ours(void)
{
	char text[16];
	uint32_t pid;
	ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	return number_parse(text, &pid) && (pid_t)pid == getpid();
}

/* Where we may not protect ourselves, at least no step inherits the protection of a service. */
static bool
protect_from_oom(bool stays)
{
	int fd = openat(AT_FDCWD, "/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	bool is_protected;
	char first;

	if (fd < 0)
		return false;
	is_protected = stays && pwrite(fd, "-1000", 5, 0) > 0;
	if (!is_protected && pread(fd, &first, 1, 0) == 1 && first == '-')
		(void)!pwrite(fd, "0", 1, 0);
	(void)close(fd);
	return is_protected;
}

/*
 * Ignored signals would be inherited by every step. By the kernel's own call: libc keeps a few for
 * itself and does not touch them. All zero is SIG_DFL, whatever the order of the members.
 */
static void
reset_signals(void)
{
	static const struct kernel_sigaction action;
	int signo;

	for (signo = 1; signo <= KERNEL_SIGNAL_MOST; signo++)
		if (signo != SIGKILL && signo != SIGSTOP)
			(void)syscall(SYS_rt_sigaction, signo, &action, NULL,
				      (size_t)KERNEL_SIGNAL_MOST / 8);
}

/* Root keeps what it needs to set ids and to signal; nobody leaves a step more than its ids give.
 */
static void
drop_capabilities(void)
{
	struct kernel_capability_head head = {KERNEL_CAPABILITY_VERSION, 0};
	struct kernel_capability_word words[KERNEL_CAPABILITY_WORDS];
	unsigned i;

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &head, words) != 0)
		return;
	for (i = 0; i < KERNEL_CAPABILITY_WORDS; i++) {
		words[i].inheritable = 0;
		if (geteuid() != 0)
			words[i].effective = words[i].permitted = 0;
	}
	(void)syscall(SYS_capset, &head, words);
}

/*
 * What a step that is root can have at most, by its programs' exec: enough for package managers and
 * daemons, nothing that reaches beyond the task. Numbers: capability.h.
 */
static void
bound_root(void)
{
	static const uint64_t kept = CAPABILITY(0)  /* CHOWN */
				     | CAPABILITY(1)  /* DAC_OVERRIDE */
				     | CAPABILITY(3)  /* FOWNER */
				     | CAPABILITY(4)  /* FSETID */
				     | CAPABILITY(5)  /* KILL */
				     | CAPABILITY(6)  /* SETGID */
				     | CAPABILITY(7)  /* SETUID */
				     | CAPABILITY(8)  /* SETPCAP */
				     | CAPABILITY(10) /* NET_BIND_SERVICE */
				     | CAPABILITY(13) /* NET_RAW */
				     | CAPABILITY(18) /* SYS_CHROOT */
				     | CAPABILITY(29) /* AUDIT_WRITE */
				     | CAPABILITY(31) /* SETFCAP */;
	unsigned i;

	for (i = 0; i <= KERNEL_CAPABILITY_MOST; i++)
		if ((kept & CAPABILITY(i)) == 0 && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0 &&
		    errno == EINVAL)
			return; /* this kernel has no more of them */
}

static void
make_mounts(const struct shelter_view *view, const struct home *home, struct shelter_fault *fault)
{
	const uid_t uid = home->uid;

	if (uid != 0)
		user_for_files(uid, home->gid);
	fault->sys = mounts_make(*view, home, &fault->mount);
	if (uid != 0)
		user_for_files(0, 0);
}

uint32_t
shelter_make(const struct shelter_view *view, uid_t uid, gid_t gid, const char *home_path,
	     struct shelter_fault *fault)
{
	const struct home home = {home_path, uid, gid};
	uint32_t flags = HELLO_SESSIONS;

	fault->sys = 0;
	reset_signals(); /* what mounts_make() starts inherits them, too */
	if (getpid() == 1) {
		flags |= HELLO_PID_NAMESPACE;
		if (!proc_is_ours())
			mounts_begin();
		if (view != NULL)
			make_mounts(view, &home, fault);
		if (view != NULL && fault->sys == 0)
			flags |= HELLO_SHELTERED;
		if (view != NULL && (view->flags & SHELTER_BOUNDS_ROOT) != 0)
			bound_root();
	} else if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0) {
		flags |= HELLO_SUBREAPER;
	}
	if (proc_is_ours())
		flags |= HELLO_PROC_MOUNTED;
	if (protect_from_oom(uid == 0))
		flags |= HELLO_OOM_PROTECTED;
	drop_capabilities();
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return flags;
}
