/*
 * birth.c - processes that the launcher makes for runnerd, as runnerd's own children.
 *
 * runner-init shares our memory until its exec, on a stack of its own, and leaves there what went
 * wrong. It begins with root's rights, which it needs to make its mounts, and gives them up for its
 * slot's user before it listens to anybody (supervisor/main.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "launcher/birth.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sanitize.h"
#include "launcher/place.h"
#include "runner/supervisor.h"
#include "supervisor/number.h"

enum { STACK_BYTES = 32 * 1024, ARGUMENTS_MOST = 16, OUT_OF_THE_WAY = 16 };

struct init_birth {
	const struct ground *ground;
	const struct launcher_request *request;
	const int *fds;
	size_t fd_count;
	char orphan_ms[NUMBER_TEXT_BYTES], peer[NUMBER_TEXT_BYTES], uid[NUMBER_TEXT_BYTES],
		gid[NUMBER_TEXT_BYTES];
	const char *argv[ARGUMENTS_MOST];
	enum launcher_fault what;
	int sys;
};

static _Noreturn void
failed(struct init_birth *birth, enum launcher_fault what)
{
	birth->what = what;
	birth->sys = errno;
	_exit(127);
}

static void
put_number(struct init_birth *birth, size_t *n, const char *option, char *room, uint32_t value)
{
	(void)number_write(room, value);
	birth->argv[(*n)++] = option;
	birth->argv[(*n)++] = room;
}

static void
make_arguments(struct init_birth *birth)
{
	const struct ground *ground = birth->ground;
	size_t n = 0;

	birth->argv[n++] = "runner-init";
	birth->argv[n++] = "--task";
	put_number(birth, &n, "--orphan-ms", birth->orphan_ms, birth->request->orphan_ms);
	put_number(birth, &n, "--peer-uid", birth->peer, ground->agent_uid);
	put_number(birth, &n, "--uid", birth->uid, ground_uid(ground, birth->request->slot));
	put_number(birth, &n, "--gid", birth->gid, ground_gid(ground));
	if (birth->fd_count == LAUNCHER_FDS_MOST) {
		birth->argv[n++] = "--shelter";
		birth->argv[n++] = ground->home != NULL ? "--home" : NULL;
		birth->argv[n++] = ground->home;
	}
	birth->argv[n] = NULL;
}

/* Ours are all close-on-exec; they are moved out of the way first: 3 -> 4 and 4 -> 3 both work. */
static void
place_descriptors(struct init_birth *birth)
{
	int moved[LAUNCHER_FDS_MOST];
	size_t i;

	for (i = 0; i < birth->fd_count; i++) {
		moved[i] = fcntl(birth->fds[i], F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
		if (moved[i] < 0)
			failed(birth, LAUNCHER_FAULT_DESCRIPTORS);
	}
	if (dup2(STDIN_FILENO, STDERR_FILENO) < 0) /* /dev/null: what it has to say it tells runnerd */
		failed(birth, LAUNCHER_FAULT_DESCRIPTORS);
	for (i = 0; i < birth->fd_count; i++)
		if (dup2(moved[i], SUPERVISOR_LISTEN_FD + (int)i) < 0)
			failed(birth, LAUNCHER_FAULT_DESCRIPTORS);
}

/* Those that the host has of them; where it has none of them runnerd sees that. */
static void
pin(const uint8_t bytes[LAUNCHER_CPU_BYTES])
{
	cpu_set_t cpus;

	_Static_assert(sizeof(cpus) == LAUNCHER_CPU_BYTES, "as the kernel's callers have it");
	memcpy(&cpus, bytes, sizeof(cpus));
	if (CPU_COUNT(&cpus) > 0)
		(void)sched_setaffinity(0, sizeof(cpus), &cpus);
}

static int
init_main(void *arg)
{
	static char *const no_environment[] = {NULL};
	struct init_birth *birth = arg;

	if (setsid() < 0 || chdir("/") != 0)
		failed(birth, LAUNCHER_FAULT_SESSION);
	if (birth->fd_count > 0)
		place_name(birth->ground, birth->request->task);
	place_descriptors(birth);
	pin(birth->request->cpus);
	(void)execve(birth->ground->init, (char *const *)(uintptr_t)birth->argv, no_environment);
	failed(birth, LAUNCHER_FAULT_EXEC);
}

enum launcher_fault
birth_of_init(struct birth *birth, const struct ground *ground,
	      const struct launcher_request *request, const int *fds, size_t fd_count)
{
	static char stack[STACK_BYTES] __attribute__((aligned(16)));
	struct init_birth init = {
		.ground = ground, .request = request, .fds = fds, .fd_count = fd_count};
	int flags = CLONE_VM | CLONE_VFORK | CLONE_PARENT | CLONE_PIDFD | CLONE_NEWNS | SIGCHLD;

	make_arguments(&init);
	if (request->level != LAUNCHER_LEVEL_USER)
		flags |= CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
	if (request->level == LAUNCHER_LEVEL_ALONE)
		flags |= CLONE_NEWNET;
	sanitize_forget_stack(stack, sizeof(stack));
	birth->pid = clone(init_main, stack + sizeof(stack), flags, &init, &birth->pidfd);
	if (birth->pid < 0) {
		birth->sys = errno;
		return LAUNCHER_FAULT_PROCESS;
	}
	/* Where it could not begin runnerd has a child that it never hears of: it is told the pid. */
	birth->sys = init.sys;
	return init.what;
}

bool
birth_of_copy(struct birth *birth)
{
	birth->pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | CLONE_PIDFD | SIGCHLD, NULL,
				    &birth->pidfd, NULL, NULL);
	birth->sys = birth->pid < 0 ? errno : 0;
	return birth->pid == 0;
}
