/*
 * strike.c - run a program and strike at its n-th system call: kill it there, or make the call
 * fail.
 *
 * strike [--from CALL] [--calls CALL,CALL...] --count PROGRAM [ARGUMENT...]
 * strike [--from CALL] [--calls CALL,CALL...] --kill N PROGRAM [ARGUMENT...]
 * strike [--from CALL] [--calls CALL,CALL...] --fail N:ERRNO PROGRAM [ARGUMENT...]
 *
 * Counted are the calls of the program's first thread, not of its children: all of them or those
 * named, from the first CALL on (of --from). --kill ends it by SIGKILL before the call is made: the
 * moment between two calls. --fail lets the call do nothing and return the error. Exit status: the
 * program's; 137 when it was killed; 0 after --count, which prints how many calls there were; 77
 * when this host forbids to trace; 2 for wrong usage.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_NO_TRACE = 77, CALLS_MOST = 16, STOP_IS_CALL = SIGTRAP | 0x80 };

static const struct {
	const char *name;
	long number;
} calls[] = {
	{"flock", SYS_flock},
	{"openat", SYS_openat},
	{"write", SYS_write},
	{"pwrite", SYS_pwrite64},
	{"pread", SYS_pread64},
	{"mkdirat", SYS_mkdirat},
	{"unlinkat", SYS_unlinkat},
	{"ftruncate", SYS_ftruncate},
	{"memfd_create", SYS_memfd_create},
	{"fcntl", SYS_fcntl},
	{"socket", SYS_socket},
	{"bind", SYS_bind},
	{"connect", SYS_connect},
	{"sendmsg", SYS_sendmsg},
	{"recvmsg", SYS_recvmsg},
	{"clone", SYS_clone},
	{"splice", SYS_splice},
	{"fallocate", SYS_fallocate},
	{"epoll_ctl", SYS_epoll_ctl},
	{"fstat", SYS_newfstatat},
	{"pidfd_open", SYS_pidfd_open},
};

static const struct {
	const char *name;
	int number;
} errors[] = {{"ENOSPC", ENOSPC}, {"ENOMEM", ENOMEM}, {"EIO", EIO},	 {"EMFILE", EMFILE},
	      {"EAGAIN", EAGAIN}, {"EINTR", EINTR},   {"EACCES", EACCES}};

static long wanted[CALLS_MOST];
static size_t wanted_count;
static long from = -1;
static unsigned long strike_at; /* 0: only count */
static int fail_with;		/* 0: kill */

static _Noreturn void
usage(const char *why)
{
	(void)fprintf(stderr, "strike: %s\n", why);
	exit(EXIT_USAGE);
}

static long
call_number(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	usage("this call is not in the table");
}

static int
error_number(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].number;
	usage("this error is not in the table");
}

static bool
is_wanted(long number)
{
	size_t i;

	for (i = 0; i < wanted_count; i++)
		if (wanted[i] == number)
			return true;
	return wanted_count == 0;
}

/* --- registers: the one part that knows the processor --- */

#if defined(__x86_64__)
static void
set_call(pid_t pid, long number)
{
	struct user_regs_struct regs;

	(void)ptrace(PTRACE_GETREGS, pid, NULL, &regs);
	regs.orig_rax = (unsigned long long)number;
	(void)ptrace(PTRACE_SETREGS, pid, NULL, &regs);
}

static void
set_result(pid_t pid, long result)
{
	struct user_regs_struct regs;

	(void)ptrace(PTRACE_GETREGS, pid, NULL, &regs);
	regs.rax = (unsigned long long)result;
	(void)ptrace(PTRACE_SETREGS, pid, NULL, &regs);
}
#elif defined(__aarch64__)
enum { NT_SYSTEM_CALL = 0x404 }; /* NT_ARM_SYSTEM_CALL */

static void
set_call(pid_t pid, long number)
{
	int value = (int)number;
	struct iovec part = {&value, sizeof(value)};

	(void)ptrace(PTRACE_SETREGSET, pid, (void *)NT_SYSTEM_CALL, &part);
}

static void
set_result(pid_t pid, long result)
{
	struct user_regs_struct regs;
	struct iovec part = {&regs, sizeof(regs)};

	(void)ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &part);
	regs.regs[0] = (unsigned long long)result;
	(void)ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &part);
}
#else
static void
set_call(pid_t pid, long number)
{
	(void)pid;
	(void)number;
	usage("--fail does not know this processor");
}

static void
set_result(pid_t pid, long result)
{
	(void)pid;
	(void)result;
}
#endif

/* --- the trace --- */

static pid_t
begin(char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		exit(EXIT_NO_TRACE);
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(EXIT_NO_TRACE);
		(void)raise(SIGSTOP);
		(void)execvp(argv[0], argv);
		_exit(EXIT_USAGE);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		exit(EXIT_NO_TRACE);
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0) {
		(void)kill(pid, SIGKILL);
		exit(EXIT_NO_TRACE);
	}
	return pid;
}

/* At each call's entry. False when the program was killed. */
static bool
on_entry(pid_t pid, long number, unsigned long *count, bool *failing)
{
	static bool counting;

	if (from < 0 || number == from)
		counting = true;
	if (!counting || !is_wanted(number))
		return true;
	if (++*count != strike_at)
		return true;
	if (fail_with == 0) {
		(void)kill(pid, SIGKILL);
		return false;
	}
	*failing = true;
	set_call(pid, -1);
	return true;
}

/* The call number at an entry, -1 at an exit. */
static long
entered(pid_t pid)
{
	struct __ptrace_syscall_info info;

	memset(&info, 0, sizeof(info));
	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return -1;
	return (long)info.entry.nr;
}

static int
run(char **argv, unsigned long *count)
{
	pid_t pid = begin(argv);
	bool failing = false;
	int status, signo = 0;
	long number;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)signo) != 0 &&
		    errno != ESRCH)
			return EXIT_NO_TRACE;
		if (waitpid(pid, &status, 0) != pid)
			return EXIT_NO_TRACE;
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (WIFSIGNALED(status))
			return 128 + WTERMSIG(status);
		signo = 0;
		if (WSTOPSIG(status) != STOP_IS_CALL) {
			signo = WSTOPSIG(status) == SIGTRAP || WSTOPSIG(status) == SIGSTOP
					? 0
					: WSTOPSIG(status);
			continue;
		}
		number = entered(pid);
		if (number >= 0) {
			(void)on_entry(pid, number, count, &failing);
		} else if (failing) {
			failing = false;
			set_result(pid, -fail_with);
		}
	}
}

int
main(int argc, char **argv)
{
	unsigned long count = 0;
	bool told = false, only_count = false;
	char *name;
	int status;

	for (argv++; argc > 1 && strncmp(*argv, "--", 2) == 0; argv++) {
		if (strcmp(*argv, "--count") == 0) {
			told = only_count = true;
			continue;
		}
		if (argv[1] == NULL)
			usage("an option needs its value");
		if (strcmp(*argv, "--from") == 0) {
			from = call_number(*++argv);
		} else if (strcmp(*argv, "--calls") == 0) {
			for (name = strtok(*++argv, ","); name != NULL; name = strtok(NULL, ","))
				if (wanted_count < CALLS_MOST)
					wanted[wanted_count++] = call_number(name);
		} else if (strcmp(*argv, "--kill") == 0 || strcmp(*argv, "--fail") == 0) {
			bool fails = strcmp(*argv, "--fail") == 0;
			char *rest;

			strike_at = strtoul(*++argv, &rest, 10);
			if (strike_at == 0 || (fails ? *rest != ':' : *rest != '\0'))
				usage("say which call: --kill N, --fail N:ERRNO");
			fail_with = fails ? error_number(rest + 1) : 0;
			told = true;
		} else {
			usage("an option is not known");
		}
	}
	if (!told || *argv == NULL)
		usage("strike [--from CALL] [--calls CALLS] --count|--kill N|--fail N:ERRNO "
		      "PROGRAM...");
	status = run(argv, &count);
	if (only_count) {
		(void)printf("%lu\n", count);
		return status == EXIT_NO_TRACE ? status : 0;
	}
	return status;
}
