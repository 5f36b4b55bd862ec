/*
 * actor.c - a program that plays any step: it does what its arguments say, in their order.
 *
 * Static and alone, so that tests need no shell tricks and no image. What it prints
 * for print=N can be checked by verify=N on the other end, byte for byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { LINE_BYTES = 64, PIECE_BYTES = 64 * 1024, EXIT_USAGE = 2, EXIT_WRONG = 3 };

enum pattern { PATTERN_LINES, PATTERN_BINARY, PATTERN_NUL, PATTERN_COUNT };

/* Settings that the parts behind them use. */
static struct {
	enum pattern pattern;
	uint64_t rate; /* bytes a second; 0: as fast as possible */
	size_t piece;  /* bytes a write */
	int fd;
	char **rest; /* arguments that follow the part that runs */
} actor = {.piece = PIECE_BYTES, .fd = STDOUT_FILENO};

static _Noreturn void
fail(const char *what)
{
	(void)dprintf(STDERR_FILENO, "actor: cannot %s: %s\n", what, strerror(errno));
	exit(EXIT_WRONG);
}

static uint64_t
number(const char *text)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text == NULL ? "" : text, &end, 10);
	if (text == NULL || *text == '\0' || *end != '\0' || errno != 0) {
		(void)dprintf(STDERR_FILENO, "actor: '%s' is not a number\n",
			      text == NULL ? "" : text);
		exit(EXIT_USAGE);
	}
	return value;
}

static int
signal_number(const char *name)
{
	static const struct {
		const char *name;
		int signo;
	} names[] = {{"HUP", SIGHUP},	{"INT", SIGINT},   {"QUIT", SIGQUIT}, {"ABRT", SIGABRT},
		     {"KILL", SIGKILL}, {"SEGV", SIGSEGV}, {"PIPE", SIGPIPE}, {"TERM", SIGTERM},
		     {"USR1", SIGUSR1}, {"CHLD", SIGCHLD}, {"STOP", SIGSTOP}, {"CONT", SIGCONT}};
	size_t i;

	for (i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i].name) == 0)
			return names[i].signo;
	return (int)number(name);
}

/* The byte of the pattern at this offset: the same wherever a write begins. */
static unsigned char
pattern_byte(uint64_t offset)
{
	char line[LINE_BYTES + 1];
	uint64_t mixed = offset / 8 + 1;

	switch (actor.pattern) {
	case PATTERN_LINES:
		(void)snprintf(line, sizeof(line), "%020llu %-42s\n",
			       (unsigned long long)(offset / LINE_BYTES),
			       "the quick brown fox jumps over a lazy dog");
		return (unsigned char)line[offset % LINE_BYTES];
	case PATTERN_BINARY: /* splitmix64: every byte value, and it does not compress */
		mixed *= 0x9e3779b97f4a7c15u;
		mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
		mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
		mixed ^= mixed >> 31;
		return (unsigned char)(mixed >> 8 * (offset % 8));
	case PATTERN_NUL:
	case PATTERN_COUNT:
		break;
	}
	return 0;
}

static void
pattern_fill(unsigned char *room, uint64_t offset, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		/* A line is the same but for its number: make whole ones at once. */
		if (actor.pattern == PATTERN_LINES && (offset + i) % LINE_BYTES == 0 &&
		    len - i > LINE_BYTES) {
			(void)snprintf((char *)room + i, LINE_BYTES + 1, "%020llu %-42s\n",
				       (unsigned long long)((offset + i) / LINE_BYTES),
				       "the quick brown fox jumps over a lazy dog");
			i += LINE_BYTES - 1;
		} else {
			room[i] = pattern_byte(offset + i);
		}
	}
}

static void
write_all(const void *bytes, size_t len)
{
	const char *at = bytes;
	ssize_t n;

	while (len > 0) {
		n = write(actor.fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail("write");
		at += n;
		len -= (size_t)n;
	}
}

static void
sleep_ns(uint64_t ns)
{
	struct timespec time = {.tv_sec = (time_t)(ns / 1000000000),
				.tv_nsec = (long)(ns % 1000000000)};

	while (nanosleep(&time, &time) != 0 && errno == EINTR)
		;
}

static void
do_print(const char *value)
{
	static unsigned char room[PIECE_BYTES + 1];
	uint64_t total = number(value), offset = 0;
	size_t len;

	while (offset < total) {
		len = total - offset < actor.piece ? (size_t)(total - offset) : actor.piece;
		pattern_fill(room, offset, len);
		write_all(room, len);
		offset += len;
		if (actor.rate > 0)
			sleep_ns((uint64_t)len * 1000000000 / actor.rate);
	}
}

/* Standard input must be exactly what print=N has printed. */
static void
do_verify(const char *value)
{
	static unsigned char room[PIECE_BYTES];
	uint64_t total = number(value), offset = 0;
	ssize_t n, i;

	while ((n = read(STDIN_FILENO, room, sizeof(room))) > 0) {
		for (i = 0; i < n; i++, offset++) {
			if (offset < total && room[i] == pattern_byte(offset))
				continue;
			(void)dprintf(STDERR_FILENO, "actor: byte %llu is not as it was printed\n",
				      (unsigned long long)offset);
			exit(1);
		}
	}
	if (n < 0)
		fail("read standard input");
	if (offset != total) {
		(void)dprintf(STDERR_FILENO, "actor: %llu bytes came, %llu were printed\n",
			      (unsigned long long)offset, (unsigned long long)total);
		exit(1);
	}
}

static void
do_pattern(const char *value)
{
	static const char *const names[] = {"lines", "binary", "nul"};
	unsigned i;

	for (i = 0; i < PATTERN_COUNT; i++) {
		if (value != NULL && strcmp(value, names[i]) == 0) {
			actor.pattern = (enum pattern)i;
			return;
		}
	}
	(void)dprintf(STDERR_FILENO, "actor: pattern is lines, binary or nul\n");
	exit(EXIT_USAGE);
}

static void
do_rate(const char *value)
{
	actor.rate = number(value);
}

static void
do_piece(const char *value)
{
	actor.piece = (size_t)number(value);
	if (actor.piece == 0 || actor.piece > PIECE_BYTES)
		actor.piece = PIECE_BYTES;
}

static void
do_text(const char *value)
{
	write_all(value == NULL ? "" : value, value == NULL ? 0 : strlen(value));
	write_all("\n", 1);
}

static void
do_raw(const char *value)
{
	write_all(value == NULL ? "" : value, value == NULL ? 0 : strlen(value));
}

static void
do_stderr(const char *value)
{
	(void)value;
	actor.fd = STDERR_FILENO;
}

static void
do_stdout(const char *value)
{
	(void)value;
	actor.fd = STDOUT_FILENO;
}

/* What a shell's "> /dev/stdout" does. */
static void
do_reopen(const char *value)
{
	actor.fd = open(value == NULL ? "/dev/stdout" : value, O_WRONLY | O_APPEND);
	if (actor.fd < 0)
		fail("open it again");
}

static void
do_ignore(const char *value)
{
	(void)signal(signal_number(value), SIG_IGN);
}

static void
do_sleep(const char *value)
{
	char *end;
	double seconds;

	if (value == NULL) {
		for (;;)
			(void)pause();
	}
	seconds = strtod(value, &end);
	if (*end != '\0')
		(void)number(value);
	sleep_ns((uint64_t)(seconds * 1e9));
}

static void
keep_pid(const char *file, pid_t pid)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	if (fd < 0 || dprintf(fd, "%d\n", (int)pid) < 0)
		fail("write its pid");
	(void)close(fd);
}

/* Twice forked, in a session of its own, deaf to TERM: sleeps, holding the output open. */
static void
do_daemon(const char *value)
{
	pid_t pid;
	char byte;
	int ends[2];

	if (pipe(ends) != 0 || (pid = fork()) < 0)
		fail("fork");
	if (pid == 0) {
		(void)setsid();
		(void)signal(SIGTERM, SIG_IGN);
		(void)signal(SIGHUP, SIG_IGN);
		pid = fork();
		if (pid != 0)
			_exit(pid < 0);
		(void)setsid();
		if (value != NULL)
			keep_pid(value, getpid());
		(void)close(ends[0]);
		(void)close(ends[1]);
		do_sleep(NULL);
	}
	(void)close(ends[1]);
	(void)waitpid(pid, NULL, 0);
	/* Until the daemon has written its pid, its ends of this pipe are open in it alone. */
	(void)!read(ends[0], &byte, 1);
	(void)close(ends[0]);
}

/* A child of the same group that holds the output open when we are gone. */
static void
do_hold(const char *value)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid == 0)
		do_sleep(NULL);
	if (value != NULL)
		keep_pid(value, pid);
}

static void
do_spawn(const char *value)
{
	uint64_t i, count = number(value);

	for (i = 0; i < count; i++)
		do_hold(NULL);
}

static void
do_wait(const char *value)
{
	(void)value;
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

static void
do_alloc(const char *value)
{
	size_t size = (size_t)number(value);
	void *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		fail("allocate");
	memset(room, 1, size);
}

static void
do_exit(const char *value)
{
	exit((int)number(value));
}

static void
do_kill(const char *value)
{
	(void)kill(getpid(), signal_number(value));
}

static void
do_pid(const char *value)
{
	keep_pid(value == NULL ? "/dev/stdout" : value, getpid());
}

static void
do_args(const char *value)
{
	char **arg;

	(void)value;
	for (arg = actor.rest; *arg != NULL; arg++)
		(void)dprintf(actor.fd, "arg=%s\n", *arg);
	exit(0);
}

static void
do_env(const char *value)
{
	char **var;

	for (var = environ; *var != NULL; var++)
		if (value == NULL ||
		    (strncmp(*var, value, strlen(value)) == 0 && (*var)[strlen(value)] == '='))
			(void)dprintf(actor.fd, "%s\n", *var);
}

static void
do_cwd(const char *value)
{
	char path[4096];

	(void)value;
	(void)dprintf(actor.fd, "cwd=%s\n", getcwd(path, sizeof(path)) == NULL ? "?" : path);
}

static void
do_ids(const char *value)
{
	gid_t groups[64];
	int i, count = getgroups(64, groups);

	(void)value;
	(void)dprintf(actor.fd, "uid=%u gid=%u groups=", (unsigned)getuid(), (unsigned)getgid());
	for (i = 0; i < count; i++)
		(void)dprintf(actor.fd, "%s%u", i > 0 ? "," : "", (unsigned)groups[i]);
	(void)dprintf(actor.fd, "\n");
}

/* A line of a file that begins with what follows the colon: "status:NoNewPrivs". */
static void
do_proc(const char *value)
{
	char path[64], line[512];
	const char *key = value == NULL ? NULL : strchr(value, ':');
	FILE *file;

	if (key == NULL || key - value > 32)
		fail("take proc=FILE:KEY apart");
	(void)snprintf(path, sizeof(path), "/proc/self/%.*s", (int)(key - value), value);
	file = fopen(path, "r");
	if (file == NULL)
		fail("open it");
	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, key + 1, strlen(key + 1)) == 0)
			(void)dprintf(actor.fd, "%s", line);
	(void)fclose(file);
}

static void
do_fds(const char *value)
{
	int fd;

	(void)value;
	(void)dprintf(actor.fd, "fds=");
	for (fd = 0; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			(void)dprintf(actor.fd, "%s%d", fd > 0 ? "," : "", fd);
	(void)dprintf(actor.fd, "\n");
}

static void
do_umask(const char *value)
{
	mode_t mask = umask(0);

	(void)value;
	(void)umask(mask);
	(void)dprintf(actor.fd, "umask=%03o\n", (unsigned)mask);
}

/* Until somebody makes the file: a test's "go on". */
static void
do_await(const char *value)
{
	while (value != NULL && access(value, F_OK) != 0)
		sleep_ns(5000000);
}

static void
do_touch(const char *value)
{
	int fd = value == NULL ? -1 : open(value, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		fail("make the file");
	(void)close(fd);
}

static void do_help(const char *value);

static const struct {
	const char *name, *value, *help;
	void (*run)(const char *value);
} parts[] = {
	{"pattern", "lines|binary|nul", "what print and verify mean (default lines)", do_pattern},
	{"rate", "N", "bytes a second for print; 0: as fast as possible", do_rate},
	{"piece", "N", "bytes a write for print, at most 65536", do_piece},
	{"print", "N", "print the first N bytes of the pattern", do_print},
	{"verify", "N", "standard input is exactly these N bytes, or exit 1", do_verify},
	{"text", "WORDS", "print a line", do_text},
	{"raw", "WORDS", "print it without a newline", do_raw},
	{"stderr", NULL, "print to standard error from here on", do_stderr},
	{"stdout", NULL, "and back", do_stdout},
	{"reopen", "[FILE]", "print to /dev/stdout (or FILE), opened anew", do_reopen},
	{"ignore", "SIGNAL", "ignore it", do_ignore},
	{"sleep", "[SECONDS]", "sleep; without SECONDS until killed", do_sleep},
	{"await", "FILE", "until FILE is there", do_await},
	{"touch", "FILE", "make FILE", do_touch},
	{"daemon", "[FILE]", "leave a daemon behind: setsid twice, deaf to TERM; its pid in FILE",
	 do_daemon},
	{"hold", "[FILE]", "leave a child behind that holds the output open; its pid in FILE",
	 do_hold},
	{"spawn", "N", "N children that sleep", do_spawn},
	{"wait", NULL, "for all children", do_wait},
	{"alloc", "N", "allocate and touch N bytes", do_alloc},
	{"pid", "[FILE]", "print the own pid, or append it to FILE", do_pid},
	{"args", NULL, "print the arguments behind this one and exit", do_args},
	{"env", "[NAME]", "print the environment, or one variable", do_env},
	{"cwd", NULL, "print the working directory", do_cwd},
	{"ids", NULL, "print user, group, groups", do_ids},
	{"umask", NULL, "print the umask", do_umask},
	{"fds", NULL, "print the open descriptors", do_fds},
	{"proc", "FILE:KEY", "print the lines of /proc/self/FILE that begin with KEY", do_proc},
	{"kill", "SIGNAL", "send it to itself", do_kill},
	{"exit", "N", "exit with N (default: 0 when nothing is left to do)", do_exit},
	{"--help", NULL, "show this text", do_help},
};

static void
do_help(const char *value)
{
	char name[64];
	size_t i;

	(void)value;
	(void)printf("usage: actor PART[=VALUE]...\n\nPlays a step: does each part in turn.\n\n");
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		(void)snprintf(name, sizeof(name), "%s%s%s", parts[i].name,
			       parts[i].value == NULL ? "" : "=",
			       parts[i].value == NULL ? "" : parts[i].value);
		(void)printf("  %-24s  %s\n", name, parts[i].help);
	}
	exit(0);
}

static void
play(char *arg)
{
	char *value = strchr(arg, '=');
	size_t i, len = value == NULL ? strlen(arg) : (size_t)(value - arg);

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strlen(parts[i].name) != len || strncmp(arg, parts[i].name, len) != 0)
			continue;
		parts[i].run(value == NULL ? NULL : value + 1);
		return;
	}
	(void)dprintf(STDERR_FILENO, "actor: there is no part '%s': see actor --help\n", arg);
	exit(EXIT_USAGE);
}

int
main(int argc, char **argv)
{
	(void)argc;
	for (argv++; *argv != NULL; argv++) {
		actor.rest = argv + 1;
		play(*argv);
	}
	return 0;
}
