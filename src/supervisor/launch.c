/*
 * launch.c - one step's process.
 *
 * The specification is mapped, never copied: the child's arguments point into the
 * mapping, whose pages go with the exec and with munmap. The child is a vfork on a
 * stack of its own; it makes system calls only, and what went wrong it leaves in the
 * shared struct. All signals are blocked and have their default action all the time,
 * so nothing of ours can run in it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sanitize.h"
#include "supervisor/clone_into.h"
#include "supervisor/ends.h"
#include "supervisor/kernel.h"
#include "wire/spec.h"

enum { STACK_BYTES = 32 * 1024 };

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* What the child is given and what it leaves behind. */
struct birth {
	const struct launch *launch;
	struct spec_view spec;
	void *bytes; /* mapping of the specification */
	size_t size;
	const char **argv, **envp; /* in one mapping */
	size_t pointers_size;
	struct ends ends;
	bool in_cgroup; /* born there */
	enum supervisor_fault what; /* FAULT_NONE: the exec has succeeded */
	int sys;
};

static _Noreturn void
birth_failed(struct birth *birth, enum supervisor_fault what)
{
	birth->what = what;
	birth->sys = errno;
	_exit(127);
}

static void
write_zero(struct birth *birth, int fd, enum supervisor_fault what)
{
	if (fd < 0 || write(fd, "0", 1) != 1)
		birth_failed(birth, what);
}

/* What it was given may be cgroup.procs itself, opened by somebody who may do more than we. */
static void
enter_cgroup(struct birth *birth)
{
	int fd = openat(birth->launch->cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOTDIR)
		fd = birth->launch->cgroup_fd;
	write_zero(birth, fd, FAULT_CGROUP);
}

/* dup2 clears close-on-exec. */
static void
connect_ends(struct birth *birth)
{
	const struct ends *ends = &birth->ends;
	int input = ends->theirs[0];

	if (input < 0)
		input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (input < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(ends->theirs[1], STDOUT_FILENO) < 0 ||
	    dup2(ends->theirs[2], STDERR_FILENO) < 0 ||
	    (ends->is_terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) != 0))
		birth_failed(birth, FAULT_OUTPUT);
}

static void
set_rlimits(struct birth *birth)
{
	struct spec_rlimit wanted;
	struct rlimit limit;
	uint32_t i;

	for (i = 0; i < birth->spec.rlimit_count; i++) {
		spec_rlimit(&birth->spec, i, &wanted);
		limit.rlim_cur = wanted.soft == UINT64_MAX ? RLIM_INFINITY : (rlim_t)wanted.soft;
		limit.rlim_max = wanted.hard == UINT64_MAX ? RLIM_INFINITY : (rlim_t)wanted.hard;
		/* setrlimit of a small libc is for programs with threads, and larger than all of this. */
		if (prlimit(0, (int)wanted.resource, &limit, NULL) != 0)
			birth_failed(birth, FAULT_RLIMIT);
	}
}

static void
set_ids(struct birth *birth)
{
	const struct message_start_step *start = birth->launch->start;
	gid_t groups[SPEC_GROUPS_MOST];
	uint32_t i;

	for (i = 0; i < birth->spec.group_count; i++)
		groups[i] = (gid_t)spec_group(&birth->spec, i);
	if (syscall(KERNEL_SETGROUPS, (long)birth->spec.group_count, groups) != 0 ||
	    syscall(KERNEL_SETRESGID, start->gid, start->gid, start->gid) != 0 ||
	    syscall(KERNEL_SETRESUID, start->uid, start->uid, start->uid) != 0)
		birth_failed(birth, FAULT_IDS);
}

/* mkdir -p; a directory that somebody else makes meanwhile is as good. */
static void
make_cwd(struct birth *birth, char *path)
{
	char *at;

	for (at = path + 1; *at != '\0'; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(path, 0777) != 0 && errno != EEXIST && access(path, F_OK) != 0)
			birth_failed(birth, FAULT_CWD_MAKE);
		*at = '/';
	}
	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		birth_failed(birth, FAULT_CWD_MAKE);
}

static void
enter_cwd(struct birth *birth)
{
	if (chdir(birth->spec.cwd) == 0)
		return;
	if (errno == ENOENT) {
		make_cwd(birth, (char *)birth->bytes + (birth->spec.cwd - (char *)birth->bytes));
		if (chdir(birth->spec.cwd) == 0)
			return;
	}
	birth_failed(birth, FAULT_CWD_ENTER);
}

/* Last before the exec: the filter need not allow what comes before. A filter needs no_new_privs.
 */
static void
restrict_calls(struct birth *birth)
{
	struct kernel_filter filter = {(unsigned short)birth->spec.filter_count,
				       birth->spec.filter};
	bool restricted = birth->spec.filter_count > 0;

	if ((restricted || birth->launch->start->flags & START_NO_NEW_PRIVS) &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		birth_failed(birth, FAULT_PRIVILEGES);
	if (restricted && prctl(PR_SET_SECCOMP, KERNEL_SECCOMP_MODE_FILTER, &filter) != 0)
		birth_failed(birth, FAULT_FILTER);
}

static const char *
path_of(struct birth *birth)
{
	const char **var;

	for (var = birth->envp; *var != NULL; var++)
		if (strncmp(*var, "PATH=", 5) == 0)
			return *var + 5;
	return DEFAULT_PATH;
}

/*
 * As execvp(3): the next directory is tried when the program is not there; a program that may not
 * be executed is what is told in the end, if no other is found.
 */
static void
exec_from_path(struct birth *birth, const char *name)
{
	char file[PATH_MAX];
	const char *dir, *end;
	size_t dir_len, name_len = strlen(name);
	bool forbidden = false;

	for (dir = path_of(birth);; dir = end + 1) {
		end = strchrnul(dir, ':');
		dir_len = (size_t)(end - dir);
		if (dir_len + 1 + name_len < sizeof(file)) {
			memcpy(file, dir, dir_len);
			file[dir_len] = '/';
			memcpy(file + dir_len + (dir_len > 0), name, name_len + 1);
			(void)execve(file, (char **)birth->argv, (char **)birth->envp);
			if (errno == EACCES)
				forbidden = true;
			else if (errno != ENOENT && errno != ENOTDIR)
				return;
		}
		if (*end == '\0')
			break;
	}
	errno = forbidden ? EACCES : ENOENT;
}

static int
birth_main(void *arg)
{
	struct birth *birth = arg;
	const struct launch *launch = birth->launch;
	sigset_t none;

	if (setsid() < 0)
		birth_failed(birth, FAULT_SESSION);
	if (launch->reset_oom)
		write_zero(birth, open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC),
			   FAULT_PRIVILEGES);
	if (launch->cgroup_fd >= 0 && !birth->in_cgroup)
		enter_cgroup(birth);
	connect_ends(birth);
	set_rlimits(birth);
	(void)umask((mode_t)birth->spec.umask);
	if (launch->start->flags & START_SETS_IDS)
		set_ids(birth);
	/* After the ids: changing them takes this back. */
	if (launch->dies_with_us && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		birth_failed(birth, FAULT_PROCESS);
	enter_cwd(birth);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	restrict_calls(birth);
	if (strchr(birth->argv[0], '/') != NULL)
		(void)execve(birth->argv[0], (char **)birth->argv, (char **)birth->envp);
	else
		exec_from_path(birth, birth->argv[0]);
	birth_failed(birth, FAULT_EXEC);
}

static pid_t
clone_birth(struct birth *birth)
{
	static char stack[STACK_BYTES] __attribute__((aligned(16)));
	pid_t pid;

	sanitize_forget_stack(stack, sizeof(stack));
	birth->in_cgroup = birth->launch->cgroup_fd >= 0;
	if (birth->in_cgroup) {
		pid = clone_into(birth->launch->cgroup_fd, birth_main, birth, stack, sizeof(stack));
		if (pid > 0)
			return pid;
		birth->in_cgroup = false;
	}
	return clone(birth_main, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, birth);
}

static void
unmap(struct birth *birth)
{
	if (birth->argv != NULL)
		(void)munmap(birth->argv, birth->pointers_size);
	if (birth->bytes != NULL)
		(void)munmap(birth->bytes, birth->size);
}

/* Sealed, so that what is checked now is what is executed. Private, so that make_cwd() may write.
 */
static bool
map_spec(struct birth *birth)
{
	const int seals = F_SEAL_WRITE | F_SEAL_SHRINK;
	int fd = birth->launch->spec_fd;
	int found = fcntl(fd, F_GET_SEALS);
	struct stat status;
	size_t count;
	void *room;

	errno = EINVAL;
	if (found < 0 || (found & seals) != seals || fstat(fd, &status) != 0 ||
	    status.st_size <= 0 || status.st_size > SPEC_MOST_BYTES)
		return false;
	room = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (room == MAP_FAILED)
		return false;
	birth->bytes = room;
	birth->size = (size_t)status.st_size;
	errno = EINVAL;
	if (spec_unpack(&birth->spec, birth->bytes, birth->size) != NULL)
		return false;
	count = (size_t)birth->spec.argc + birth->spec.envc + 2;
	room = mmap(NULL, count * sizeof(char *), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		return false;
	birth->argv = room;
	birth->envp = birth->argv + birth->spec.argc + 1;
	birth->pointers_size = count * sizeof(char *);
	spec_pointers(birth->spec.args, birth->spec.argc, birth->argv);
	spec_pointers(birth->spec.env, birth->spec.envc, birth->envp);
	return true;
}

/* The child, and what it left. */
static enum supervisor_fault
bear(struct birth *birth, struct launched *out)
{
	out->pid = clone_birth(birth);
	if (out->pid < 0) {
		out->sys = errno;
		return FAULT_PROCESS;
	}
	if (birth->what != FAULT_NONE) {
		(void)waitpid(out->pid, NULL, 0); /* it has exited: vfork returned */
		out->sys = birth->sys;
	}
	return birth->what;
}

enum supervisor_fault
launch(const struct launch *launch, struct launched *out)
{
	struct birth birth = {.launch = launch};
	enum supervisor_fault what;

	*out = (struct launched){.fd_count = 0};
	if (!map_spec(&birth)) {
		out->sys = errno;
		unmap(&birth);
		return FAULT_SPEC;
	}
	if (!ends_make(&birth.ends, launch->start, launch->session)) {
		out->sys = errno;
		unmap(&birth);
		return FAULT_PIPE;
	}
	what = bear(&birth, out);
	ends_close_theirs(&birth.ends);
	unmap(&birth);
	if (what == FAULT_NONE) {
		out->fd_count = birth.ends.count;
		memcpy(out->fds, birth.ends.ours, sizeof(out->fds));
	} else {
		ends_close_ours(&birth.ends);
	}
	return what;
}
