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
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "runner/supervisor.h"
#include "supervisor/kernel.h"
#include "supervisor/number.h"

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

/* No mount of ours reaches the host; the host's reach us, so that a removed disk is let go. */
static void
mount_proc(void)
{
	if (mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		return;
	(void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

/*
 * No step of this task can write there, nor undo it: steps have no capability over this mount
 * namespace, and in one of their own below it the mount is locked. Flags that a user namespace
 * locks must be stated again (mount(2), EPERM).
 */
static void
mount_read_only(const char *dir)
{
	static const unsigned long kept[][2] = {
		{ST_NOSUID, MS_NOSUID},		{ST_NODEV, MS_NODEV},
		{ST_NOEXEC, MS_NOEXEC},		{ST_NOATIME, MS_NOATIME},
		{ST_NODIRATIME, MS_NODIRATIME}, {ST_RELATIME, MS_RELATIME},
	};
	unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY;
	struct statvfs fs;
	size_t i;

	if (mount(dir, dir, NULL, MS_BIND, NULL) != 0 || statvfs(dir, &fs) != 0)
		return;
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if ((fs.f_flag & kept[i][0]) != 0)
			flags |= kept[i][1];
	(void)mount(NULL, dir, NULL, flags, NULL);
}

static bool
write_score(const char *text)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	(void)close(fd);
	return n > 0;
}

static bool
score_is_negative(void)
{
	char first = '0';
	int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (read(fd, &first, 1) != 1)
		first = '0';
	(void)close(fd);
	return first == '-';
}

/* Where we may not protect ourselves, at least no step inherits the protection of a service. */
static bool
protect_from_oom(bool stays)
{
	if (stays && write_score("-1000"))
		return true;
	if (score_is_negative())
		(void)write_score("0");
	return false;
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

uint32_t
shelter_make(const char *read_only, bool stays)
{
	uint32_t flags = HELLO_SESSIONS;

	if (getpid() == 1) {
		flags |= HELLO_PID_NAMESPACE;
		if (!proc_is_ours())
			mount_proc();
		if (read_only != NULL)
			mount_read_only(read_only);
	} else if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0) {
		flags |= HELLO_SUBREAPER;
	}
	if (proc_is_ours())
		flags |= HELLO_PROC_MOUNTED;
	if (protect_from_oom(stays))
		flags |= HELLO_OOM_PROTECTED;
	reset_signals();
	drop_capabilities();
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return flags;
}
