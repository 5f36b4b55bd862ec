/*
 * main.c - runner-init: the in-task supervisor's arguments, its one wait, its end.
 *
 * Signals are blocked from the first line and read from a descriptor; one poll(2)
 * watches them, the listening socket and the agent, with the next deadline as its
 * timeout. An idle runner-init sleeps until something happens.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/clock.h"
#include "supervisor/descent.h"
#include "supervisor/last_words.h"
#include "supervisor/network.h"
#include "supervisor/number.h"
#include "supervisor/shelter.h"
#include "supervisor/task.h"
#include "supervisor/user.h"

enum { EXIT_DONE = 0, EXIT_USAGE = 2, EXIT_HOST = 3 };
enum { MESSAGES_A_TURN = 64, GOODBYE_MS = 1000 };

static struct task task; /* all there is: nothing is allocated after the start */
static bool is_probe;
static struct shelter_view shelter, *sheltered; /* NULL: there is none */
static void *shelter_record; /* its mapping */
static size_t shelter_size;
static uid_t task_uid; /* to become; 0: we stay who we are */
static gid_t task_gid;
static const char *task_home; /* what is laid over by home.h; NULL: nothing */

/* --- start ------------------------------------------------------------------------------ */

static void
say(const char *text)
{
	(void)!write(STDERR_FILENO, text, strlen(text));
}

static _Noreturn void
refuse(int status, const char *text)
{
	say("runner-init: ");
	say(text);
	say("\n");
	_exit(status);
}

static _Noreturn void
show_help(void)
{
	static const char text[] =
		"usage: runner-init --task [--orphan-ms N] [--grace-ms N] [--peer-uid N] "
		"[--shelter]\n"
		"                   [--uid N --gid N [--home DIR]]\n"
		"\n"
		"The in-task supervisor, started by runnerd; not for people.\n"
		"\n"
		"  --task         needed: descriptor 3 is a listening socket, 4 the state "
		"directory\n"
		"  --orphan-ms N  how long to go on without an agent (default 0: end at once)\n"
		"  --grace-ms N   from TERM to KILL where no message says it (default 10000)\n"
		"  --peer-uid N   user whose programs may connect (default: its own)\n"
		"  --uid N        user to become, as root, with all that it runs (default: stay)\n"
		"  --gid N        its group\n"
		"  --home DIR     what its shelter may lay over as that user's own HOME\n"
		"  --shelter      descriptor 5 says what the task may see of the host\n"
		"  --probe        try the shelter, without a task, and say what is wrong with it\n"
		"  --help         show this text\n"
		"  --version      show the version\n";

	(void)!write(STDOUT_FILENO, text, sizeof(text) - 1);
	_exit(EXIT_DONE);
}

static uint32_t
parse_number(const char *text)
{
	uint32_t value;

	if (text == NULL || !number_parse(text, &value))
		refuse(EXIT_USAGE, "an option needs a number from 0 to 4294967295");
	return value;
}

static const char *
parse_path(const char *text)
{
	if (text == NULL || text[0] != '/' || strlen(text) >= SHELTER_PATH_BYTES)
		refuse(EXIT_USAGE, "an option needs an absolute path");
	return text;
}

static void
parse_arguments(char **argv)
{
	static const char version[] = "runner-init " RUNNER_VERSION "\n";
	bool is_task = false;

	for (argv++; *argv != NULL; argv++) {
		if (strcmp(*argv, "--help") == 0)
			show_help();
		if (strcmp(*argv, "--version") == 0) {
			(void)!write(STDOUT_FILENO, version, sizeof(version) - 1);
			_exit(EXIT_DONE);
		}
		if (strcmp(*argv, "--task") == 0)
			is_task = true;
		else if (strcmp(*argv, "--orphan-ms") == 0)
			task.orphan_ms = parse_number(*++argv);
		else if (strcmp(*argv, "--grace-ms") == 0)
			task.grace_ms = parse_number(*++argv);
		else if (strcmp(*argv, "--shelter") == 0)
			sheltered = &shelter;
		else if (strcmp(*argv, "--probe") == 0)
			is_probe = true;
		else if (strcmp(*argv, "--peer-uid") == 0)
			task.agent.peer_uid = (uid_t)parse_number(*++argv);
		else if (strcmp(*argv, "--uid") == 0)
			task_uid = (uid_t)parse_number(*++argv);
		else if (strcmp(*argv, "--gid") == 0)
			task_gid = (gid_t)parse_number(*++argv);
		else if (strcmp(*argv, "--home") == 0)
			task_home = parse_path(*++argv);
		else
			refuse(EXIT_USAGE, "an option is not known: see runner-init --help");
	}
	if (!is_task && !is_probe)
		refuse(EXIT_USAGE,
		       "it is started by runnerd for each task and cannot be used by hand");
}

/* Before it is made: afterwards the descriptor is of no more use. Paths are cut in place, so it is privately ours. */
static void
map_shelter(void)
{
	const int seals = F_SEAL_WRITE | F_SEAL_SHRINK;
	int found = fcntl(SHELTER_FD, F_GET_SEALS);
	struct stat status;

	if (getpid() != 1)
		refuse(EXIT_USAGE, "a shelter is for a PID namespace with mounts of its own");
	if (found < 0 || (found & seals) != seals || fstat(SHELTER_FD, &status) != 0)
		refuse(EXIT_USAGE, "descriptor 5 is not a sealed shelter");
	shelter_size = (size_t)status.st_size;
	shelter_record =
		mmap(NULL, shelter_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, SHELTER_FD, 0);
	if (shelter_record == MAP_FAILED ||
	    shelter_unpack(&shelter, shelter_record, shelter_size) != NULL)
		refuse(EXIT_USAGE, "descriptor 5 is not a shelter of our version");
	(void)close(SHELTER_FD);
}

static bool
fd_has_option(int fd, int option, int wanted)
{
	socklen_t size = sizeof(int);
	int value;

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

static void
check_descriptors(void)
{
	struct stat status;

	if (!fd_has_option(SUPERVISOR_LISTEN_FD, SO_ACCEPTCONN, 1) ||
	    !fd_has_option(SUPERVISOR_LISTEN_FD, SO_DOMAIN, AF_UNIX) ||
	    !fd_has_option(SUPERVISOR_LISTEN_FD, SO_TYPE, SOCK_SEQPACKET))
		refuse(EXIT_USAGE, "it is started by runnerd for each task and cannot be used by "
				   "hand: descriptor 3 is not its listening socket");
	if (fstat(SUPERVISOR_DIR_FD, &status) != 0 || !S_ISDIR(status.st_mode))
		refuse(EXIT_USAGE, "it is started by runnerd for each task and cannot be used by "
				   "hand: descriptor 4 is not the task's state directory");
	(void)fcntl(SUPERVISOR_LISTEN_FD, F_SETFD, FD_CLOEXEC);
	(void)fcntl(SUPERVISOR_LISTEN_FD, F_SETFL, O_NONBLOCK);
	(void)fcntl(SUPERVISOR_DIR_FD, F_SETFD, FD_CLOEXEC);
	/* Whatever else was left open would be every step's. */
	(void)syscall(SYS_close_range, SUPERVISOR_DIR_FD + 1, ~0u, 0);
}

static int
open_signals(void)
{
	static const int wanted[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT};
	sigset_t all, read;
	size_t i;
	int fd;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)sigemptyset(&read);
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		(void)sigaddset(&read, wanted[i]);
	fd = signalfd(-1, &read, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		refuse(EXIT_HOST, "cannot get signals as a descriptor");
	return fd;
}

/* --- the wait ------------------------------------------------------------------------------- */

/* A careless "kill -TERM -1" in a step must not end the whole task. */
static bool
signal_is_from_task(const struct signalfd_siginfo *info)
{
	if (info->ssi_pid == 0)
		return false;
	return task.agent.in_namespace || descent_of((pid_t)info->ssi_pid) == DESCENT_YES;
}

static void
read_signals(int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD && !signal_is_from_task(&info))
			sweep_end_task(&task, task.grace_ms, SUPERVISOR_END_SIGNALED);
}

static void
read_agent(void)
{
	int fds[SUPERVISOR_FDS_MOST];
	struct message message;
	size_t fd_count;
	unsigned i;

	for (i = 0; i < MESSAGES_A_TURN && !tell_is_behind(&task); i++) {
		switch (agent_receive(&task.agent, &message, fds, &fd_count)) {
		case AGENT_NOTHING:
			return;
		case AGENT_MESSAGE:
			command_do(&task, &message, fds, fd_count);
			break;
		case AGENT_GARBAGE:
			task_error(&task, FAULT_MESSAGE, EPROTO, SUPERVISOR_NO_STEP);
			break;
		case AGENT_GONE:
			task_agent_went(&task, clock_now_ms());
			return;
		}
	}
}

static int
timeout_ms(void)
{
	uint64_t next_ms = task_next_ms(&task), now_ms = clock_now_ms();

	if (next_ms == 0)
		return -1;
	if (next_ms <= now_ms)
		return 0;
	return next_ms - now_ms > 3600000 ? 3600000 : (int)(next_ms - now_ms);
}

/* One wait, and all that follows from it. */
static void
turn(int signal_fd)
{
	struct pollfd polled[] = {
		{.fd = signal_fd, .events = POLLIN},
		{.fd = task.agent.listen_fd, .events = POLLIN},
		{.fd = task.agent.fd, .events = 0},
	};
	bool has_child;

	if (!tell_is_behind(&task))
		polled[2].events |= POLLIN;
	if (tell_wants(&task))
		polled[2].events |= POLLOUT;
	if (poll(polled, 3, timeout_ms()) < 0)
		return; /* interrupted by a stop; nothing is lost */
	if (polled[0].revents != 0)
		read_signals(signal_fd);
	/* Before a new connection: what the old one has said still counts. */
	if (polled[2].revents & (POLLHUP | POLLERR))
		agent_hung_up(&task.agent);
	if (task.agent.deaf || (polled[2].revents & POLLIN))
		read_agent();
	if (polled[1].revents != 0 && agent_accept(&task.agent))
		task_agent_came(&task);
	has_child = task_reap(&task);
	task_tick(&task, clock_now_ms());
	sweep_tick(&task, clock_now_ms(), has_child);
	tell(&task);
}

/* The agent may be slow; it is given a moment to hear the end. */
static void
say_goodbye(void)
{
	uint64_t until_ms = clock_now_ms() + GOODBYE_MS, now_ms;
	struct pollfd polled = {.events = POLLOUT};

	while (tell_wants(&task) && (now_ms = clock_now_ms()) < until_ms) {
		polled.fd = task.agent.fd;
		(void)poll(&polled, 1, (int)(until_ms - now_ms));
		tell(&task);
	}
}

/* As root it is runnerd's file in runnerd's directory all the same, and no link leads us elsewhere. */
static void
open_journal(void)
{
	struct stat dir;
	int sys;

	if (task_uid != 0 && fstat(SUPERVISOR_DIR_FD, &dir) == 0)
		user_for_files(dir.st_uid, dir.st_gid);
	sys = journal_open(&task.journal, SUPERVISOR_DIR_FD);
	if (task_uid != 0)
		user_for_files(0, 0);
	if (sys != 0)
		refuse(EXIT_HOST, "cannot open init.log in the task's state directory");
}

/* "runner-init: cannot hide '/home': Operation not permitted", for the agent to pass on. */
static _Noreturn void
probe(void)
{
	struct shelter_fault fault;

	(void)shelter_make(sheltered, task_uid, task_gid, task_home, &fault);
	if (fault.sys == 0)
		_exit(EXIT_DONE);
	say(shelter_kind_name(fault.mount.row.kind));
	if (fault.mount.row.paths[0] != NULL) {
		say(" '");
		say(fault.mount.row.paths[0]);
		say("'");
	}
	say(": ");
	say(network_said()[0] != '\0' ? network_said() : strerror(fault.sys));
	_exit(EXIT_HOST);
}

static void
take_shelter(void)
{
	struct shelter_fault fault;

	task.flags = shelter_make(sheltered, task_uid, task_gid, task_home, &fault);
	task.shelter_sys = fault.sys;
	if (fault.sys != 0)
		task_error(&task, FAULT_SHELTER, fault.sys, fault.mount.number);
	if (sheltered != NULL)
		(void)munmap(shelter_record, shelter_size); /* and what is in fault.mount.row */
	if (task_uid != 0 && user_become(task_uid, task_gid) != 0)
		refuse(EXIT_HOST, "cannot become the task's user");
}

int
main(int argc, char **argv)
{
	int signal_fd;

	(void)argc;
	task.agent.fd = -1;
	task.agent.listen_fd = SUPERVISOR_LISTEN_FD;
	task.agent.peer_uid = geteuid();
	task.agent.in_namespace = getpid() == 1;
	task.grace_ms = SUPERVISOR_GRACE_MS;
	task.started_ms = clock_unix_ms();
	parse_arguments(argv);
	if (sheltered != NULL)
		map_shelter();
	if (is_probe)
		probe();
	check_descriptors();
	signal_fd = open_signals();
	open_journal();
	last_words_of(&task);
	take_shelter();
	task.orphan_due_ms = clock_now_ms() + SUPERVISOR_FIRST_AGENT_MS;
	if (task.orphan_ms == SUPERVISOR_ORPHAN_FOREVER)
		task.orphan_due_ms = 0;
	else if (task.orphan_ms > SUPERVISOR_FIRST_AGENT_MS)
		task.orphan_due_ms = clock_now_ms() + task.orphan_ms;
	while (task.sweep.state != SWEEP_DONE)
		turn(signal_fd);
	say_goodbye();
	return EXIT_DONE;
}
