/*
 * initctl.c - plays the agent's side of a runner-init, from a script on standard input.
 *
 * One command a line, done in order; every message that comes is printed as a line of
 * its name and fields, whenever a command waits. Tests drive the real runner-init with
 * it, started the way runnerd starts it. See help_text for the commands.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "initctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "loop/pipe.h"
#include "wire/record.h"

static const char help_text[] =
	"usage: initctl DIR <SCRIPT\n"
	"\n"
	"  init none|user|root [OPTION...]  start runner-init with DIR as its state directory\n"
	"  connect | disconnect             to DIR/init.sock; a second connect opens a second "
	"connection\n"
	"  start STEP [KEY=VALUE...] -- PROGRAM [ARG...]\n"
	"      keys: attempt deadline grace orphan uid gid groups=A,B flags cwd env umask\n"
	"            rlimit=RESOURCE:SOFT:HARD deny=SYSCALL_NUMBER big=BYTES cgroup=FILE\n"
	"  signal STEP NUMBER | kill_all GRACE | orphan MS | ack STEP | quit GRACE\n"
	"  garbage HEX [FDS]                send these bytes, with so many descriptors\n"
	"  wait MESSAGE [STEP [TIMES]]      until it has come\n"
	"  unread                           until something has come, which is left where it is\n"
	"  finish STEP                      take its output until it has exited\n"
	"  await STEP TEXT                  until TEXT is in the step's output\n"
	"  output STEP | save STEP FILE     what the step has printed so far\n"
	"  quick COUNT -- PROGRAM [ARG...]  so many steps one after the other, each acknowledged\n"
	"  kill SIGNAL | end                signal runner-init (until a STOP has stopped it); wait "
	"for its end and print it\n"
	"  forget                           leave runner-init alone; print 'forgotten'\n"
	"  records                          print init.log\n"
	"  echo TEXT\n";

struct initctl ctl = {.child = CHILD_INIT, .fd = -1};

/* --- connection ----------------------------------------------------------------------------- */

/* The address may be too long for a socket's name: go there. */
static struct sockaddr_un
enter_dir(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SUPERVISOR_SOCKET_NAME};

	if (chdir(ctl.dir) != 0)
		fail(ctl.dir);
	return address;
}

static void
do_connect(char **words)
{
	struct sockaddr_un address = enter_dir();

	(void)words;
	ctl.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (ctl.fd < 0 || connect(ctl.fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		fail("connect");
	memset(ctl.seen, 0, sizeof(ctl.seen));
}

static void
do_disconnect(char **words)
{
	(void)words;
	(void)close(ctl.fd);
	ctl.fd = -1;
}

static int
listen_in_dir(void)
{
	struct sockaddr_un address = enter_dir();
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)unlink(SUPERVISOR_SOCKET_NAME);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, 8) != 0)
		fail("listen");
	return fd;
}

static void
on_init_exit(void *arg, int status, const struct rusage *usage)
{
	(void)arg;
	(void)status;
	(void)usage;
}

static void
do_init(char **words)
{
	static char program[] = "runner-init", task[] = "--task";
	unsigned flags = CHILD_NEW_SESSION;
	struct err err = ERR_INIT;
	char path[PATH_MAX], *argv[32] = {program, task};
	const char *build = getenv("top_builddir");
	struct child_fd fds[3];
	struct child_spec spec = {.path = path, .argv = argv, .fds = fds, .fd_count = 3};
	size_t i;

	if (strcmp(words[0], "none") != 0)
		flags |= CHILD_NEW_PID_NS;
	if (strcmp(words[0], "user") == 0)
		flags |= CHILD_NEW_USER_NS;
	for (i = 1; words[i] != NULL && i < 28; i++)
		argv[i + 1] = words[i];
	(void)snprintf(path, sizeof(path), "%s/runner-init", build == NULL ? "." : build);
	fds[0] = (struct child_fd){listen_in_dir(), SUPERVISOR_LISTEN_FD};
	fds[1] = (struct child_fd){open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), SUPERVISOR_DIR_FD};
	fds[2] = (struct child_fd){STDERR_FILENO, STDERR_FILENO};
	spec.flags = flags;
	if (child_start(&ctl.child, ctl.loop, &spec, on_init_exit, NULL, &err) < 0) {
		(void)printf("initctl: %s\n", err.text);
		exit(3);
	}
	(void)close(fds[0].from);
	(void)close(fds[1].from);
	(void)printf("INIT %d\n", (int)ctl.child.pid);
	do_connect(words);
}

/* --- steps ------------------------------------------------------------------------------------ */

static void
do_start(char **words)
{
	start_step(step_number(words[0]), words + 1);
}

static void
ack(unsigned step)
{
	struct message message = {.type = MESSAGE_ACK_STEP, .ack_step = {.step = step}};

	send_message(&message, NULL, 0);
}

static void
do_quick(char **words)
{
	uint64_t i, count = number(words[0]);
	uint64_t began_us = clock_monotonic_us();

	for (i = 0; i < count; i++) {
		start_step(0, words + 1);
		wait_seen(MESSAGE_STEP_STARTED, 0, 1, true);
		wait_seen(MESSAGE_STEP_EXITED, 0, 1, true);
		ack(0);
	}
	(void)printf("QUICK %llu\n", (unsigned long long)count);
	(void)fprintf(stderr, "%.1f us a step\n",
		      (double)(clock_monotonic_us() - began_us) / (double)count);
}

/* --- other messages ------------------------------------------------------------------------ */

static void
do_signal(char **words)
{
	struct message message = {.type = MESSAGE_SIGNAL_STEP};

	message.signal_step.step = step_number(words[0]);
	message.signal_step.signo = (uint32_t)number(words[1]);
	send_message(&message, NULL, 0);
}

static void
do_kill_all(char **words)
{
	struct message message = {.type = MESSAGE_KILL_ALL};

	message.kill_all.grace_ms = (uint32_t)number(words[0]);
	send_message(&message, NULL, 0);
}

static void
do_orphan(char **words)
{
	struct message message = {.type = MESSAGE_ORPHAN_POLICY};

	message.orphan_policy.orphan_ms = (uint32_t)number(words[0]);
	send_message(&message, NULL, 0);
}

static void
do_ack(char **words)
{
	ack(step_number(words[0]));
}

static void
do_quit(char **words)
{
	struct message message = {.type = MESSAGE_QUIT};

	message.quit.grace_ms = (uint32_t)number(words[0]);
	send_message(&message, NULL, 0);
}

static void
do_garbage(char **words)
{
	uint8_t bytes[512];
	int fds[8];
	size_t len = 0, i, count = words[1] == NULL ? 0 : (size_t)number(words[1]);
	const char *hex = words[0];
	unsigned byte;

	for (; hex[0] != '\0' && hex[1] != '\0' && len < sizeof(bytes); hex += 2) {
		if (sscanf(hex, "%2x", &byte) != 1)
			fail("hexadecimal digits");
		bytes[len++] = (uint8_t)byte;
	}
	for (i = 0; i < count && i < 8; i++)
		fds[i] = STDERR_FILENO;
	send_bytes(bytes, len, fds, count);
}

static void
do_wait(char **words)
{
	unsigned step = words[1] == NULL ? 0 : step_number(words[1]);
	unsigned times = words[1] == NULL || words[2] == NULL ? 1 : (unsigned)number(words[2]);

	wait_seen(kind_named(words[0])->type, step, times, false);
}

static void
do_unread(char **words)
{
	struct pollfd polled = {.fd = ctl.fd, .events = POLLIN};

	(void)words;
	if (poll(&polled, 1, WAIT_MS) != 1)
		fail("nothing comes");
}

/* --- output --------------------------------------------------------------------------------- */

/* Moves what waits in the step's pipe; returns the size of the memfd. */
static uint64_t
drain(unsigned step)
{
	struct err err = ERR_INIT;
	uint64_t size;
	size_t moved;
	bool ended;

	if (pipe_memfd_size(ctl.held[step].memfd, &size, &err) < 0)
		fail(err.text);
	if (ctl.held[step].pipe_fd <= 0)
		return size;
	do {
		if (pipe_splice(ctl.held[step].pipe_fd, ctl.held[step].memfd, size, 1 << 20, &moved,
				&ended, &err) < 0)
			fail(err.text);
		size += moved;
	} while (moved > 0);
	return size;
}

static char *
map_output(unsigned step, uint64_t size)
{
	char *bytes = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, ctl.held[step].memfd, 0);

	if (bytes == MAP_FAILED)
		fail("mmap");
	return bytes;
}

static void
write_output(unsigned step, FILE *file)
{
	uint64_t size = drain(step);
	char *bytes;

	if (size == 0)
		return;
	bytes = map_output(step, size);
	(void)fwrite(bytes, 1, (size_t)size, file);
	(void)munmap(bytes, (size_t)size);
}

static void
do_output(char **words)
{
	write_output(step_number(words[0]), stdout);
	(void)printf("OUTPUT ENDS\n");
}

static void
do_save(char **words)
{
	FILE *file = fopen(words[1], "w");

	if (file == NULL)
		fail(words[1]);
	write_output(step_number(words[0]), file);
	(void)fclose(file);
}

static bool
has_printed(unsigned step, const char *text)
{
	uint64_t size = drain(step);
	char *bytes;
	bool found;

	if (size == 0)
		return false;
	bytes = map_output(step, size);
	found = memmem(bytes, (size_t)size, text, strlen(text)) != NULL;
	(void)munmap(bytes, (size_t)size);
	return found;
}

static void
do_await(char **words)
{
	uint64_t until_us = clock_monotonic_us() + WAIT_MS * 1000ull;
	unsigned step = step_number(words[0]);

	while (!has_printed(step, words[1])) {
		if (clock_monotonic_us() > until_us) {
			(void)printf("NEVER PRINTED %s\n", words[1]);
			(void)fflush(stdout);
			exit(1);
		}
		(void)receive(5, false);
	}
}

static void
do_finish(char **words)
{
	uint64_t until_us = clock_monotonic_us() + WAIT_MS * 1000ull;
	unsigned step = step_number(words[0]);

	while (ctl.seen[MESSAGE_STEP_EXITED][step] == 0 && clock_monotonic_us() < until_us) {
		(void)drain(step);
		(void)receive(1, false);
	}
	wait_seen(MESSAGE_STEP_EXITED, step, 1, false);
	(void)drain(step);
}

/* --- runner-init's end ------------------------------------------------------------------------ */

static void
do_kill(char **words)
{
	struct err err = ERR_INIT;

	int signo = (int)number(words[0]);
	siginfo_t stopped;

	if (child_signal(&ctl.child, signo, &err) < 0)
		fail(err.text);
	if (signo == SIGSTOP && waitid(P_PID, (id_t)ctl.child.pid, &stopped, WSTOPPED) != 0)
		fail("wait for the stop");
}

static void
do_end(char **words)
{
	struct pollfd polled = {.fd = ctl.child.pidfd, .events = POLLIN};
	int status;

	(void)words;
	if (poll(&polled, 1, WAIT_MS) != 1) {
		(void)printf("INIT DOES NOT END\n");
		exit(1);
	}
	while (receive(0, false) && ctl.fd >= 0)
		;
	if (waitpid(ctl.child.pid, &status, 0) != ctl.child.pid)
		fail("wait for runner-init");
	child_release(&ctl.child);
	if (WIFSIGNALED(status))
		(void)printf("INIT ENDED signal %d\n", WTERMSIG(status));
	else
		(void)printf("INIT ENDED exit %d\n", WEXITSTATUS(status));
}

static void
do_forget(char **words)
{
	(void)words;
	child_release(&ctl.child);
	(void)printf("FORGOTTEN\n");
}

static void
print_record(const struct record *record)
{
	switch (record->type) {
	case RECORD_STEP_EXITED:
		(void)printf("RECORD %u exited step=%u attempt=%u status=%u why=%s\n",
			     record->sequence, record->exited.step, record->exited.attempt,
			     record->exited.status, message_why_name(record->exited.why));
		break;
	case RECORD_STEP_FAILED:
		(void)printf("RECORD %u failed step=%u attempt=%u what=%s sys=%u\n",
			     record->sequence, record->failed.step, record->failed.attempt,
			     message_fault_name(record->failed.what), record->failed.sys);
		break;
	case RECORD_END:
		(void)printf("RECORD %u end reason=%s left=%u\n", record->sequence,
			     message_end_name(record->end.reason), record->end.left);
		break;
	}
}

static void
do_records(char **words)
{
	uint8_t bytes[RECORD_BYTES];
	struct record record;
	const char *wrong;
	FILE *file;

	(void)words;
	(void)enter_dir();
	file = fopen(SUPERVISOR_LOG_NAME, "r");
	if (file == NULL)
		fail(SUPERVISOR_LOG_NAME);
	while (fread(bytes, 1, sizeof(bytes), file) == sizeof(bytes)) {
		wrong = record_unpack(&record, bytes);
		if (wrong == NULL)
			print_record(&record);
		else
			(void)printf("RECORD WRONG %s\n", wrong);
	}
	(void)fclose(file);
	(void)printf("RECORDS END\n");
}

static void
do_echo(char **words)
{
	(void)printf("%s\n", words[0]);
}

/* --- the script ------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int least; /* words behind it */
	void (*run)(char **words);
} commands[] = {
	{"init", 1, do_init},	    {"connect", 0, do_connect}, {"disconnect", 0, do_disconnect},
	{"start", 3, do_start},	    {"signal", 2, do_signal},	{"kill_all", 1, do_kill_all},
	{"orphan", 1, do_orphan},   {"ack", 1, do_ack},		{"quit", 1, do_quit},
	{"garbage", 1, do_garbage}, {"wait", 1, do_wait},	{"await", 2, do_await},
	{"output", 1, do_output},   {"save", 2, do_save},	{"finish", 1, do_finish},
	{"quick", 3, do_quick},	    {"kill", 1, do_kill},	{"end", 0, do_end},
	{"forget", 0, do_forget},   {"records", 0, do_records}, {"echo", 1, do_echo},
	{"unread", 0, do_unread},
};

/* Words are parted by blanks; single quotes hold them together. */
static int
split(char *line, char **words)
{
	int count = 0;
	char *at = line, *end;

	while (count < WORDS_MOST) {
		at += strspn(at, " \t\n");
		if (*at == '\0' || *at == '#')
			break;
		if (*at == '\'') {
			words[count++] = ++at;
			end = strchr(at, '\'');
		} else {
			words[count++] = at;
			end = at + strcspn(at, " \t\n");
		}
		if (end == NULL || *end == '\0')
			break;
		*end = '\0';
		at = end + 1;
	}
	words[count] = NULL;
	return count;
}

static void
run_line(char *line)
{
	char *words[WORDS_MOST + 1];
	int count = split(line, words);
	size_t i;

	if (count == 0)
		return;
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, words[0]) != 0)
			continue;
		errno = EINVAL;
		if (count - 1 < commands[i].least)
			fail(words[0]);
		commands[i].run(words + 1);
		(void)fflush(stdout);
		return;
	}
	errno = EINVAL;
	fail(words[0]);
}

int
main(int argc, char **argv)
{
	static char line[65536];
	struct err err = ERR_INIT;

	if (argc != 2 || strcmp(argv[1], "--help") == 0) {
		(void)fputs(help_text, stdout);
		return argc == 2 ? 0 : 2;
	}
	ctl.dir = realpath(argv[1], NULL); /* we go there, more than once */
	if (ctl.dir == NULL)
		fail(argv[1]);
	if (loop_new(&ctl.loop, &err) < 0)
		fail(err.text);
	while (fgets(line, sizeof(line), stdin) != NULL)
		run_line(line);
	return 0;
}
