/*
 * main.c - runner-launcher: what of runnerd's work needs root's rights, and nothing else.
 *
 * It reads one socket, whose other end runnerd was born with; no file of runnerd's, no variable, no
 * network. It keeps nothing from one request to the next and ends when the socket does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher/birth.h"
#include "launcher/clean.h"
#include "launcher/ground.h"
#include "launcher/place.h"
#include "launcher/request.h"
#include "launcher/rights.h"
#include "runner/exit.h"
#include "supervisor/home.h"
#include "supervisor/number.h"
#include "wire/packet.h"

static struct ground ground; /* as the arguments said */

/* --- start --------------------------------------------------------------------------------- */

static void
say(int fd, const char *text)
{
	(void)!write(fd, text, strlen(text));
}

static _Noreturn void
refuse(const char *text)
{
	say(STDERR_FILENO, "runner-launcher: ");
	say(STDERR_FILENO, text);
	say(STDERR_FILENO, "\n");
	_exit(EXIT_USAGE);
}

static _Noreturn void
show_help(void)
{
	say(STDOUT_FILENO,
	    "usage: runner-launcher --first-uid N --slots N --agent-uid N --agent-gid N --init FILE\n"
	    "                       --work-dir DIR [--home DIR]\n"
	    "\n"
	    "What of runnerd needs root's rights; started by runnerd, not for people.\n"
	    "\n"
	    "  --first-uid N    user of the first slot, and group of all\n"
	    "  --slots N        how many there are\n"
	    "  --agent-uid N    user that runnerd becomes\n"
	    "  --agent-gid N    its group\n"
	    "  --init FILE      runner-init\n"
	    "  --work-dir DIR   where descriptor 4 lies\n"
	    "  --home DIR       what slots may have as their users' HOME\n"
	    "  --help           show this text\n"
	    "  --version        show the version\n");
	_exit(EXIT_OK);
}

static const struct option {
	const char *name;
	uint32_t *number; /* one of the two */
	const char **text;
} options[] = {
	{"--first-uid", &ground.first_uid, NULL}, {"--slots", &ground.slots, NULL},
	{"--agent-uid", &ground.agent_uid, NULL}, {"--agent-gid", &ground.agent_gid, NULL},
	{"--init", NULL, &ground.init},		  {"--work-dir", NULL, &ground.work_dir},
	{"--home", NULL, &ground.home},
};

static void
take_option(const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(options[i].name, name) != 0)
			continue;
		if (value == NULL)
			refuse("an option needs a value");
		if (options[i].text != NULL)
			*options[i].text = value;
		else if (!number_parse(value, options[i].number))
			refuse("an option needs a number from 0 to 4294967295");
		return;
	}
	refuse("an option is not known: see runner-launcher --help");
}

static void
parse_arguments(char **argv)
{
	for (argv++; *argv != NULL; argv += 2) {
		if (strcmp(*argv, "--help") == 0)
			show_help();
		if (strcmp(*argv, "--version") == 0) {
			say(STDOUT_FILENO, "runner-launcher " RUNNER_VERSION "\n");
			_exit(EXIT_OK);
		}
		take_option(*argv, argv[1]);
		if (argv[1] == NULL)
			break;
	}
}

static void
check_start(void)
{
	struct stat work;
	socklen_t size = sizeof(int);
	int type = 0;

	if (getsockopt(LAUNCHER_FD, SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
	    type != SOCK_SEQPACKET || fstat(LAUNCHER_WORK_FD, &work) != 0 || !S_ISDIR(work.st_mode))
		refuse("it is started by runnerd and cannot be used by hand");
	if (ground.init == NULL || ground.work_dir == NULL || ground.slots == 0 ||
	    ground.slots > LAUNCHER_SLOTS_MOST)
		refuse("the first user, the slots, runner-init and the work directory are needed");
	/* No slot is root, nor runnerd; -1 is nobody to the kernel. */
	if (ground.first_uid == 0 || ground.first_uid > UINT32_MAX - 1 - ground.slots ||
	    ground.agent_uid - ground.first_uid < ground.slots)
		refuse("the slots' users cannot be root, runnerd's, or beyond 4294967294");
	(void)fcntl(LAUNCHER_FD, F_SETFD, FD_CLOEXEC);
	(void)fcntl(LAUNCHER_WORK_FD, F_SETFD, FD_CLOEXEC);
	(void)syscall(SYS_close_range, LAUNCHER_WORK_FD + 1, ~0u, 0);
}

/* --- one request --------------------------------------------------------------------------- */

static void
run_child(struct launcher_answer *answer, struct birth *birth,
	  const struct launcher_request *request)
{
	if (birth_of_copy(birth)) {
		if (request->verb == LAUNCHER_REMOVE)
			place_remove(request->task);
		_exit(clean_slot(ground_uid(&ground, request->slot)));
	}
	answer->pid = birth->pid;
	answer->sys = (uint32_t)birth->sys;
	answer->fault = birth->pid < 0 ? LAUNCHER_FAULT_PROCESS : LAUNCHER_FAULT_NONE;
}

static void
start_init(struct launcher_answer *answer, struct birth *birth,
	   const struct launcher_request *request, const int *fds, size_t fd_count)
{
	answer->fault = birth_of_init(birth, &ground, request, fds, fd_count);
	answer->sys = (uint32_t)birth->sys;
	answer->pid = birth->pid;
}

static void
do_request(struct launcher_answer *answer, struct birth *birth,
	   const struct launcher_request *request, const int *fds, size_t fd_count)
{
	int sys = 0;

	switch ((enum launcher_verb)request->verb) {
	case LAUNCHER_START:
		start_init(answer, birth, request, fds, fd_count);
		return;
	case LAUNCHER_REMOVE:
	case LAUNCHER_CLEAN:
		run_child(answer, birth, request);
		return;
	case LAUNCHER_MAKE:
		answer->fault = place_make(&ground, request, &sys);
		break;
	case LAUNCHER_KEEP:
		answer->fault = place_keep(&ground, request->task, &sys);
		break;
	case LAUNCHER_KILL:
		if (clean_kill(ground_uid(&ground, request->slot)))
			return;
		answer->fault = LAUNCHER_FAULT_KILL;
		sys = errno;
		break;
	case LAUNCHER_NO_VERB:
	case LAUNCHER_VERB_COUNT:
		answer->fault = LAUNCHER_FAULT_REQUEST;
		break;
	}
	answer->sys = (uint32_t)sys;
}

static bool
send_answer(const struct launcher_answer *answer, int pidfd)
{
	const struct iovec piece = {(void *)(uintptr_t)answer, sizeof(*answer)};

	return packet_send(LAUNCHER_FD, &piece, &pidfd, pidfd >= 0 ? 1 : 0, 0) ==
	       (ssize_t)sizeof(*answer);
}

/* False when runnerd is gone. */
static bool
serve_one(void)
{
	struct launcher_answer answer = {.version = LAUNCHER_VERSION};
	struct birth birth = {.pid = 0, .pidfd = -1};
	struct launcher_request request;
	char bytes[sizeof(request) + 1];
	struct packet packet;
	bool good;
	ssize_t n = packet_receive(&packet, LAUNCHER_FD, bytes, sizeof(bytes), 0);

	if (n <= 0)
		return false;
	if (!packet.is_cut &&
	    request_check(&request, bytes, (size_t)n, packet.fd_count, ground.slots))
		do_request(&answer, &birth, &request, packet.fds, packet.fd_count);
	else
		answer.fault = LAUNCHER_FAULT_REQUEST;
	good = send_answer(&answer, birth.pidfd);
	if (birth.pidfd >= 0)
		(void)close(birth.pidfd);
	packet_drop(&packet);
	return good;
}

static int
probe_home(void)
{
	const struct home home = {ground.home, ground_uid(&ground, 0), ground_gid(&ground)};

	return ground.home == NULL ? 0 : home_probe(&home);
}

int
main(int argc, char **argv)
{
	struct launcher_answer ready = {.version = LAUNCHER_VERSION};
	int sys = 0;

	(void)argc;
	parse_arguments(argv);
	check_start();
	(void)umask(0);
	ready.fault = rights_take_users(&ground, &sys);
	if (ready.fault == LAUNCHER_FAULT_NONE && (sys = rights_keep_needed()) != 0)
		ready.fault = LAUNCHER_FAULT_RIGHTS;
	if (ready.fault == LAUNCHER_FAULT_NONE && (sys = probe_home()) != 0)
		ready.fault = LAUNCHER_FAULT_HOME;
	ready.sys = (uint32_t)sys;
	if (!send_answer(&ready, -1) || ready.fault != LAUNCHER_FAULT_NONE)
		return EXIT_REFUSED;
	while (serve_one())
		;
	return EXIT_OK;
}
