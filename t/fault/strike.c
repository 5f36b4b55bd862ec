/*
 * strike.c - run a program and strike at its n-th system call, or at the n-th pass of a named
 * point: kill it there, make the call fail, or make it wait.
 *
 * strike [WHERE] --count PROGRAM [ARGUMENT...]
 * strike [WHERE] --kill N | --kill-after N | --fail N[+]:ERRNO | --stall N:MS PROGRAM [ARGUMENT...]
 * strike --points
 *
 * WHERE is --at POINT, one of t/fault/points.c (--points lists them), or [--from CALL] [--calls
 * CALL,CALL...]: all calls or those named, from the first CALL on. Counted are the calls of all
 * threads of the program, not of its children. --kill ends it by SIGKILL before the call is made,
 * --kill-after when it has been made and before the program sees what came of it. --fail lets the
 * call do nothing and return the error, with N+ at each pass from the N-th on. --stall makes the
 * program stand still before it. A point of "spool-disk" is in the child of runnerd's that touches
 * the spool's disk: there children that run the same program are traced, and counted, too. Exit
 * status: the program's; 137 when it was killed; 0 after --count, which prints how many calls there
 * were; 77 when this host forbids to trace; 2 for wrong usage. A strike that falls is said on
 * standard error. TERM kills the program.
 *
 * This needs nothing in the programs: those that are struck are those that are installed.
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
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "points.h"

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
} errors[] = {{"ENOSPC", ENOSPC},	  {"ENOMEM", ENOMEM}, {"EIO", EIO},
	      {"EMFILE", EMFILE},	  {"EAGAIN", EAGAIN}, {"EINTR", EINTR},
	      {"EACCES", EACCES},	  {"EPERM", EPERM},   {"EPIPE", EPIPE},
	      {"ECONNRESET", ECONNRESET}, {"EROFS", EROFS}};

static long wanted[CALLS_MOST];
static size_t wanted_count;
static long from = -1;
static const char *at_program;
static const char *at_point;	/* NULL: calls are counted */
static unsigned long strike_at; /* 0: only count */
static bool strikes_on;		/* at each pass from then on */
static bool follows;		/* children that run the same program */
static char own_exe[4096];
static enum { KILL, KILL_AFTER, FAIL, STALL } how;
static int value;    /* an errno; milliseconds */
static pid_t struck; /* the thread whose call is under way */
static pid_t hiding; /* the one that would become non-dumpable */
static bool begun_counting;
static unsigned long count;

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
	int call = (int)number;
	struct iovec part = {&call, sizeof(call)};

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
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE |
			   (follows ? PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC
				    : 0)) != 0) {
		(void)kill(pid, SIGKILL);
		exit(EXIT_NO_TRACE);
	}
	return pid;
}

static bool
is_counted(pid_t tid, const struct __ptrace_syscall_info *call)
{
	const struct point *point;
	long number = (long)call->entry.nr;

	if (from < 0 || number == from)
		begun_counting = true;
	if (at_point == NULL)
		return begun_counting && is_wanted(number);
	point = point_find(at_program, tid, number, (const uint64_t *)call->entry.args);
	return point != NULL && strcmp(point->name, at_point) == 0;
}

static void
stall(int ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000L};

	while (nanosleep(&time, &time) != 0 && errno == EINTR)
		;
}

/* Of a program that is not dumpable a plain user could not read what a call is made on: it stays
 * so. */
static bool
is_hiding(const struct __ptrace_syscall_info *call)
{
	return call->entry.nr == SYS_prctl && call->entry.args[0] == PR_SET_DUMPABLE &&
	       call->entry.args[1] == 0;
}

/* At each call's entry. */
static void
on_entry(pid_t tid, const struct __ptrace_syscall_info *call)
{
	if (at_point != NULL && is_hiding(call)) {
		set_call(tid, -1);
		hiding = tid;
		return;
	}
	if (!is_counted(tid, call) || ++count < strike_at || strike_at == 0 ||
	    (count > strike_at && !strikes_on))
		return;
	(void)fprintf(stderr, "strike: pass %lu\n", count);
	switch (how) {
	case KILL:
		(void)kill(tid, SIGKILL);
		return;
	case FAIL:
		set_call(tid, -1);
		break;
	case KILL_AFTER:
		break;
	case STALL:
		stall(value);
		return;
	}
	struck = tid;
}

static void
on_exit_of(pid_t tid)
{
	if (tid == hiding) {
		hiding = 0;
		set_result(tid, 0);
	}
	if (tid != struck)
		return;
	struck = 0;
	if (how == FAIL)
		set_result(tid, -value);
	else
		(void)kill(tid, SIGKILL);
}

static void
on_call(pid_t tid)
{
	struct __ptrace_syscall_info info;

	memset(&info, 0, sizeof(info));
	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		on_entry(tid, &info);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		on_exit_of(tid);
}

/* The signal to go on with. A new thread begins with a stop, a new program with a trap. */
static int
signal_of(int status)
{
	int signo = WSTOPSIG(status);

	return status >> 16 != 0 || signo == SIGTRAP || signo == SIGSTOP ? 0 : signo;
}

/* A process has begun to run a program: false when it is none that we follow. */
static bool
is_followed(pid_t pid, pid_t tid)
{
	char link[32], exe[sizeof(own_exe)];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/%d/exe", (int)tid);
	n = readlink(link, exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	if (tid == pid)
		memcpy(own_exe, exe, sizeof(exe));
	return tid == pid || strcmp(exe, own_exe) == 0;
}

static pid_t program;

static void
on_term(int signo)
{
	(void)signo;
	(void)kill(program, SIGKILL);
}

static int
run(char **argv)
{
	struct sigaction action = {.sa_handler = on_term, .sa_flags = SA_RESTART};
	pid_t pid = begin(argv), tid = pid;
	int status, signo = 0;

	program = pid;
	(void)sigaction(SIGTERM, &action, NULL);
	for (;;) {
		if (tid > 0 && ptrace(PTRACE_SYSCALL, tid, NULL, (void *)(intptr_t)signo) != 0 &&
		    errno != ESRCH)
			return EXIT_NO_TRACE;
		tid = waitpid(-1, &status, __WALL);
		if (tid < 0)
			return EXIT_NO_TRACE;
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (tid == pid)
				return WIFEXITED(status) ? WEXITSTATUS(status)
							 : 128 + WTERMSIG(status);
			tid = 0; /* a thread: there is nothing to go on */
			continue;
		}
		signo = 0;
		if (WSTOPSIG(status) == STOP_IS_CALL)
			on_call(tid);
		else
			signo = signal_of(status);
		if (status >> 16 == PTRACE_EVENT_EXEC && !is_followed(pid, tid)) {
			(void)ptrace(PTRACE_DETACH, tid, NULL, NULL);
			tid = 0;
		}
	}
}

/* --- arguments --- */

static void
take_calls(char *list)
{
	char *name;

	for (name = strtok(list, ","); name != NULL; name = strtok(NULL, ","))
		if (wanted_count < CALLS_MOST)
			wanted[wanted_count++] = call_number(name);
}

static void
take_point(const char *name)
{
	unsigned i;

	for (i = 0; i < point_count; i++)
		if (strcmp(points[i].name, name) == 0) {
			at_program = points[i].program;
			at_point = name;
		}
	if (at_point == NULL)
		usage("there is no such point: see --points");
	follows = strcmp(at_program, "spool-disk") == 0;
}

/* "--kill" and its like. False: it is no strike. */
static bool
take_strike(const char *option, const char *text)
{
	static const char *const names[] = {"--kill", "--kill-after", "--fail", "--stall"};
	unsigned i;
	char *rest;

	for (i = 0; i < sizeof(names) / sizeof(names[0]) && strcmp(names[i], option) != 0; i++)
		;
	if (i == sizeof(names) / sizeof(names[0]))
		return false;
	how = i;
	strike_at = strtoul(text, &rest, 10);
	strikes_on = how == FAIL && *rest == '+';
	rest += strikes_on ? 1 : 0;
	if (strike_at == 0 || *rest != (how == FAIL || how == STALL ? ':' : '\0'))
		usage("say which pass: --kill N, --kill-after N, --fail N[+]:ERRNO, --stall N:MS");
	if (how == FAIL)
		value = error_number(rest + 1);
	else if (how == STALL)
		value = (int)strtol(rest + 1, NULL, 10);
	return true;
}

int
main(int argc, char **argv)
{
	bool only_count = false;
	int status;

	for (argv++; argc > 1 && *argv != NULL && strncmp(*argv, "--", 2) == 0; argv++) {
		if (strcmp(*argv, "--points") == 0) {
			points_print();
			return 0;
		}
		if (strcmp(*argv, "--count") == 0) {
			only_count = true;
			continue;
		}
		if (argv[1] == NULL)
			usage("an option needs its value");
		if (strcmp(*argv, "--from") == 0)
			from = call_number(argv[1]);
		else if (strcmp(*argv, "--calls") == 0)
			take_calls(argv[1]);
		else if (strcmp(*argv, "--at") == 0)
			take_point(argv[1]);
		else if (!take_strike(*argv, argv[1]))
			usage("an option is not known");
		argv++;
	}
	if ((strike_at == 0 && !only_count) || *argv == NULL)
		usage("strike [--at POINT | --from CALL --calls CALLS] --count | --kill N | "
		      "--kill-after N | --fail N[+]:ERRNO | --stall N:MS PROGRAM...");
	status = run(argv);
	if (!only_count)
		return status;
	(void)printf("%lu\n", count);
	return status == EXIT_NO_TRACE ? status : 0;
}
