/*
 * child.c - a process of ours: started without fork, known by pidfd, reaped once.
 *
 * The child shares our memory until its exec (CLONE_VM | CLONE_VFORK) and runs on a
 * small stack of its own, so that it cannot harm our frames. Between clone and exec
 * it makes system calls only; what went wrong comes back through the shared struct.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/poison.h"
#include "base/sanitize.h"

extern char **environ;

/* What the child between clone and exec is given and what it leaves behind. */
struct birth {
	const struct child_spec *spec;
	int report; /* where to write it when our memory is not shared, or -1 */
	sigset_t mask; /* to restore */
	uid_t uid;
	gid_t gid;
	const char *failed; /* what could not be done; NULL: exec succeeded */
	int sys;
};

static _Noreturn void
birth_failed(struct birth *birth, const char *what)
{
	birth->failed = what;
	birth->sys = errno;
	if (birth->report >= 0 && write(birth->report, birth, sizeof(*birth)) < 0)
		_exit(126);
	_exit(127);
}

static bool
write_file(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = write(fd, text, len);
	(void)close(fd);
	return n == (ssize_t)len;
}

/* user_namespaces(7): setgroups must be denied before an unprivileged gid_map. */
static void
map_own_ids(struct birth *birth)
{
	char line[64];
	int n;

	if (!write_file("/proc/self/setgroups", "deny", 4))
		birth_failed(birth, "deny setgroups in the user namespace");
	n = snprintf(line, sizeof(line), "%u %u 1", birth->uid, birth->uid);
	if (!write_file("/proc/self/uid_map", line, (size_t)n))
		birth_failed(birth, "map the user id into the user namespace");
	n = snprintf(line, sizeof(line), "%u %u 1", birth->gid, birth->gid);
	if (!write_file("/proc/self/gid_map", line, (size_t)n))
		birth_failed(birth, "map the group id into the user namespace");
}

/* An exec as a non-root id drops all capabilities but the ambient ones: capabilities(7). */
static void
keep_capability(struct birth *birth, unsigned capability)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct caps[2];

	if (syscall(SYS_capget, &head, caps) != 0)
		birth_failed(birth, "read the capabilities");
	caps[0].inheritable |= 1u << capability;
	if (syscall(SYS_capset, &head, caps) != 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0)
		birth_failed(birth, "keep a capability over exec");
}

/* Moves sources out of the way of targets first: 3 -> 4 and 4 -> 3 must both work. */
static void
place_fds(struct birth *birth)
{
	const struct child_spec *spec = birth->spec;
	int from[CHILD_FD_MOST];
	bool given[3] = {false, false, false};
	size_t i;
	int null_fd;

	for (i = 0; i < spec->fd_count; i++) {
		from[i] = fcntl(spec->fds[i].from, F_DUPFD_CLOEXEC, 16);
		if (from[i] < 0)
			birth_failed(birth, "duplicate a descriptor");
	}
	for (i = 0; i < spec->fd_count; i++) {
		if (dup2(from[i], spec->fds[i].to) < 0)
			birth_failed(birth, "place a descriptor");
		if (spec->fds[i].to < 3)
			given[spec->fds[i].to] = true;
	}
	if (given[0] && given[1] && given[2])
		return;
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0)
		birth_failed(birth, "open /dev/null");
	for (i = 0; i < 3; i++)
		if (!given[i] && dup2(null_fd, (int)i) < 0)
			birth_failed(birth, "place /dev/null");
}

/* Handlers are ours and lie in memory that the exec takes away; ignored signals would be inherited. */
static void
reset_signals(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	int signo;

	for (signo = 1; signo < NSIG; signo++)
		if (signo != SIGKILL && signo != SIGSTOP)
			(void)sigaction(signo, &action, NULL);
}

/* A wish: not every kernel and scheduler of a disk knows classes, and without them it is no error. */
static void
be_idle(void)
{
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		      IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

static int
child_main(void *arg)
{
	struct birth *birth = arg;
	const struct child_spec *spec = birth->spec;
	bool settles_signals = (spec->flags & CHILD_SETTLES_SIGNALS) != 0;
	sigset_t none;

	if (!settles_signals)
		reset_signals();
	if (spec->flags & CHILD_NEW_USER_NS) {
		map_own_ids(birth);
		keep_capability(birth, CAP_SYS_ADMIN);
		keep_capability(birth, CAP_DAC_OVERRIDE); /* overlayfs works in a directory of mode 0 */
		keep_capability(birth, CAP_NET_ADMIN);
	}
	if ((spec->flags & CHILD_NEW_SESSION) && setsid() < 0)
		birth_failed(birth, "start a session");
	if ((spec->flags & CHILD_DIES_WITH_US) && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		birth_failed(birth, "ask to end with the parent");
	if (spec->flags & CHILD_IDLE_IO)
		be_idle();
	if ((spec->flags & CHILD_IN_CGROUP) && write(spec->cgroup_fd, "0", 1) != 1)
		birth_failed(birth, "enter its control group");
	if (spec->cwd != NULL && chdir(spec->cwd) != 0)
		birth_failed(birth, "change to its directory");
	place_fds(birth);
	(void)sigemptyset(&none);
	if (!settles_signals)
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execve(spec->path, spec->argv, spec->envp != NULL ? spec->envp : environ);
	birth_failed(birth, "execute it");
}

/* The child has a stack of its own; one child is born at a time, since CLONE_VFORK waits for the exec. */
static pid_t
clone_child(struct birth *birth, unsigned flags, int *pidfd)
{
	static char stack[64 * 1024] __attribute__((aligned(16)));
	int clone_flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;

	sanitize_forget_stack(stack, sizeof(stack));
	UNPOISON(stack, sizeof(stack)); /* the last child's frames never returned: they ended in an exec */
	if (flags & CHILD_NEW_PID_NS)
		clone_flags |= CLONE_NEWPID | CLONE_NEWNS;
	if (flags & CHILD_NEW_USER_NS)
		clone_flags |= CLONE_NEWUSER;
	if (flags & CHILD_NEW_IPC_NS)
		clone_flags |= CLONE_NEWIPC | CLONE_NEWUTS;
	if (flags & CHILD_NEW_NET_NS)
		clone_flags |= CLONE_NEWNET;
	return clone(child_main, stack + sizeof(stack), clone_flags, birth, pidfd);
}

/*
 * qemu-user knows neither CLONE_PIDFD nor shared memory without threads: there a plain fork and a
 * close-on-exec pipe do the same. A kernel that runs us natively never comes here: it takes CLONE_PIDFD
 * from 5.2 on, and refuses namespaces by EPERM or ENOSPC.
 */
static pid_t
fork_child(struct birth *birth, int *pidfd)
{
	int report[2];
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) != 0)
		return -1;
	birth->report = report[1];
	pid = fork();
	if (pid == 0)
		child_main(birth);
	(void)close(report[1]);
	if (pid > 0) {
		if (read(report[0], birth, sizeof(*birth)) < 0)
			birth->failed = NULL;
		*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	}
	(void)close(report[0]);
	return pid;
}

/*
 * Who maps its ids writes to its own files in /proc, which are root's while the memory that it shares
 * with us is not to be looked at (proc(5), "dumpable"). So for the time of the vfork it may be, by other processes
 * of our user. Returns what it was.
 */
static int
show(unsigned flags)
{
	int dumpable = (flags & CHILD_NEW_USER_NS) != 0 ? prctl(PR_GET_DUMPABLE) : 1;

	if (dumpable == 0)
		(void)prctl(PR_SET_DUMPABLE, 1);
	return dumpable;
}

static unsigned running; /* of all loops of this process */

static void
on_child_end(void *arg, unsigned events)
{
	struct child *child = arg;
	struct rusage usage;
	int status;
	pid_t pid;

	(void)events;
	pid = wait4(child->pid, &status, WNOHANG, &usage);
	if (pid == 0)
		return;
	assert(pid == child->pid);
	child_release(child);
	if (child->on_exit != NULL)
		child->on_exit(child->arg, status, &usage);
}

int
child_adopt(struct child *child, struct loop *loop, const struct child_born *born,
	    child_exit_fn *on_exit, void *arg, struct err *err)
{
	int rc;

	child->pid = born->pid;
	child->pidfd = born->pidfd;
	running++;
	child->on_exit = on_exit;
	child->arg = arg;
	memset(&child->watch, 0, sizeof(child->watch));
	rc = watch_start(&child->watch, loop, born->pidfd, WATCH_READ, on_child_end, child, err);
	if (rc < 0)
		child_release(child);
	return rc;
}

int
child_start(struct child *child, struct loop *loop, const struct child_spec *spec,
	    child_exit_fn *on_exit, void *arg, struct err *err)
{
	struct birth birth = {.spec = spec, .report = -1, .uid = geteuid(), .gid = getegid()};
	sigset_t all;
	int pidfd = -1, dumpable, rc;
	pid_t pid;

	assert(spec->fd_count <= CHILD_FD_MOST);
	/* No handler of ours may run in the child while it shares our memory. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &birth.mask);
	dumpable = show(spec->flags);
	pid = clone_child(&birth, spec->flags, &pidfd);
	if (dumpable == 0)
		(void)prctl(PR_SET_DUMPABLE, 0);
	if (pid < 0 && errno == EINVAL && !(spec->flags & (CHILD_NEW_PID_NS | CHILD_NEW_USER_NS)))
		pid = fork_child(&birth, &pidfd);
	rc = errno;
	(void)sigprocmask(SIG_SETMASK, &birth.mask, NULL);
	errno = rc;
	if (pid < 0)
		return err_sys(err, "cannot start '%s'", spec->path);
	if (birth.failed != NULL) {
		(void)wait4(pid, NULL, 0, NULL); /* it has exited: vfork returned */
		(void)close(pidfd);
		errno = birth.sys;
		return err_sys(err, "cannot start '%s': cannot %s", spec->path, birth.failed);
	}
	rc = child_adopt(child, loop, &(struct child_born){pid, pidfd}, on_exit, arg, err);
	if (rc < 0) {
		(void)kill(pid, SIGKILL); /* ours and not yet reaped: the pid cannot be another's */
		(void)wait4(pid, NULL, 0, NULL);
		return err_wrap(err, "watching '%s'", spec->path);
	}
	return 0;
}

int
child_signal(struct child *child, int signo, struct err *err)
{
	if (child->pidfd < 0)
		return err_set(err, ERR_GONE, "the process has ended");
	if (syscall(SYS_pidfd_send_signal, child->pidfd, signo, NULL, 0) != 0)
		return err_sys(err, "cannot signal process %d", (int)child->pid);
	return 0;
}

bool
child_is_running(const struct child *child)
{
	return child->pidfd >= 0;
}

int
child_wait(struct child *child, unsigned ms, int *status, struct err *err)
{
	struct pollfd polled = {.fd = child->pidfd, .events = POLLIN};
	pid_t pid = child->pid;
	bool ended = poll(&polled, 1, (int)ms) == 1;

	if (!ended)
		(void)syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
	child_release(child);
	if (wait4(pid, status, 0, NULL) != pid)
		return err_sys(err, "cannot wait for process %d", (int)pid);
	return ended ? 0 : err_set(err, ERR_HOST, "process %d did not end within %u ms", (int)pid, ms);
}

void
child_release(struct child *child)
{
	watch_stop(&child->watch);
	if (child->pidfd >= 0) {
		(void)close(child->pidfd);
		running--;
	}
	child->pidfd = -1;
}

unsigned
child_count(void)
{
	return running;
}

int
child_find_program(char *room, size_t size, const char *name, struct err *err)
{
	char self[PATH_MAX];
	/* What people call is in bin, what runs as a service in sbin. */
	const char *const places[] = {self, RUNNER_LIBEXECDIR, RUNNER_SBINDIR};
	char *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	if (n < 0)
		return err_sys(err, "cannot find out where this program lies");
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (slash != NULL)
		*slash = '\0';
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		(void)snprintf(room, size, "%s/%s", places[i], name);
		if (access(room, X_OK) == 0)
			return 0;
	}
	if (err_set(err, ERR_HOST, "cannot find '%s': it is neither in '%s' nor in '%s' nor in '%s'", name,
		    self, RUNNER_LIBEXECDIR, RUNNER_SBINDIR) < 0)
		err_hint(err, "build the whole project with make, or reinstall the package");
	return err->code;
}

const char *
child_host_program(const char *const paths[])
{
	while (*paths != NULL && access(*paths, X_OK) != 0)
		paths++;
	return *paths;
}
