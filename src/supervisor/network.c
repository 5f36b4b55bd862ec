/*
 * network.c - the network of a task that has one of its own, alone or with a way outside.
 *
 * pasta(1) is a process in two networks: its sockets are in the host's, a tap device that it reads
 * and writes is in the task's. So it begins as our child in the host's network and in our PID
 * namespace, goes into the background when all is there, and ends with the last of us, however
 * that comes.
 *
 * It needs two capabilities over the task's network, which no step may have. Without root both
 * belong to the user namespace that we are in, and steps have no capability there. As root the
 * network belongs to a user namespace that root has made for it, in which the slot's user is
 * mapped: that user's processes outside have no right to it, since they are not its owner.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/network.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sanitize.h"
#include "supervisor/home.h"
#include "supervisor/id_map.h"
#include "supervisor/kernel.h"
#include "supervisor/number.h"
#include "supervisor/user.h"
#include "wire/shelter.h"

#define INTERFACE "eth0"

enum { STACK_BYTES = 16 * 1024, SAID_BYTES = 4096, FD_PATH_BYTES = 32 };
enum { CAPABILITY_NET_ADMIN = 12, CAPABILITY_SYS_ADMIN = 21 };

/* What the children that share our memory are given, and what they leave. */
struct way {
	const struct home *user;
	int map;     /* the user namespace that the network is to belong to; -1: ours */
	int network; /* the new one */
	int said[2]; /* pasta's standard error, and its pid when it has begun */
	const char **argv;
	int sys;
};

static pid_t pasta_pid; /* 0: none */
static const char *said = "";

int
network_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), sys = 0;

	if (fd < 0)
		return errno;
	if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
		sys = errno;
	(void)close(fd);
	return sys;
}

/* --- children ----------------------------------------------------------------------------- */

static _Noreturn void
failed(struct way *way)
{
	way->sys = errno;
	_exit(127);
}

static void
become_user(struct way *way)
{
	if (way->map >= 0 &&
	    (setns(way->map, CLONE_NEWUSER) != 0 || syscall(KERNEL_SETGROUPS, 0L, NULL) != 0 ||
	     syscall(KERNEL_SETRESGID, way->user->gid, way->user->gid, way->user->gid) != 0 ||
	     syscall(KERNEL_SETRESUID, way->user->uid, way->user->uid, way->user->uid) != 0))
		failed(way);
}

/* Descriptors are ours, too. A pipe is made by its user, or pasta could not open it anew. */
static int
network_main(void *arg)
{
	struct way *way = arg;

	become_user(way);
	if (unshare(CLONE_NEWNET) != 0 || pipe2(way->said, O_CLOEXEC | O_NONBLOCK) != 0)
		failed(way);
	way->network = open("/proc/self/ns/net", O_RDONLY); /* for pasta, too */
	if (way->network < 0)
		failed(way);
	_exit(0);
}

/* Through the exec of a program that is not root's. */
static void
hand_down_capabilities(struct way *way)
{
	struct kernel_capability_head head = {KERNEL_CAPABILITY_VERSION, 0};
	struct kernel_capability_word words[KERNEL_CAPABILITY_WORDS];

	if (syscall(SYS_capget, &head, words) != 0)
		failed(way);
	words[0].inheritable = 1u << CAPABILITY_NET_ADMIN | 1u << CAPABILITY_SYS_ADMIN;
	words[1].inheritable = 0;
	if (syscall(SYS_capset, &head, words) != 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAPABILITY_NET_ADMIN, 0, 0) != 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAPABILITY_SYS_ADMIN, 0, 0) != 0)
		failed(way);
}

static int
pasta_main(void *arg)
{
	static char *const no_environment[] = {NULL};
	struct way *way = arg;
	sigset_t none;
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	(void)!write(fd, "0", 1); /* a service's protection is not for it */
	become_user(way);
	hand_down_capabilities(way);
	if (dup2(way->said[1], STDERR_FILENO) < 0)
		failed(way);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execve(way->argv[0], (char *const *)(uintptr_t)way->argv, no_environment);
	failed(way);
}

/* Until it has ended, or has become another program. */
static pid_t
run(int (*main)(void *), int flags, struct way *way)
{
	static char stack[STACK_BYTES] __attribute__((aligned(16)));
	pid_t pid;

	sanitize_forget_stack(stack, sizeof(stack));
	pid = clone(main, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD | flags, way);
	if (pid < 0)
		way->sys = errno;
	return pid;
}

static int
wait_for(pid_t pid)
{
	int status = 0;

	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* --- the way outside ---------------------------------------------------------------------- */

static void
make_network(struct way *way)
{
	(void)wait_for(run(network_main, CLONE_FILES, way));
}

/*
 * The last line is why it could not begin, or the pid of what goes on in the background. Before
 * it are warnings, one that there is no system logger among them.
 */
static void
read_said(struct way *way, int status)
{
	static char text[SAID_BYTES];
	const char *line;
	ssize_t n = read(way->said[0], text, sizeof(text) - 1);
	uint32_t pid;

	text[n > 0 ? n : 0] = '\0';
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	line = strrchr(text, '\n');
	line = line != NULL ? line + 1 : text;
	if (status == 0 && number_parse(line, &pid)) {
		pasta_pid = (pid_t)pid;
		return;
	}
	said = line;
	way->sys = ENETUNREACH;
}

static void
start_pasta(struct way *way, const struct shelter_row *row)
{
	const char *resolver = row->paths[1] + 1;
	const bool resolves = resolver[0] != '\0';
	char path[FD_PATH_BYTES] = "/proc/self/fd/";
	const char *argv[] = {row->paths[0], "--quiet", "--config-net", "--netns-only", "--netns",
			      path, "--no-netns-quit", "--pid", "/proc/self/fd/2", "--ns-ifname",
			      INTERFACE,
			      /* Nobody outside reaches the task, and it reaches nothing on the
				 host's loopback. */
			      "--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none",
			      "--udp-ns", "none", "--no-map-gw",
			      /* It may not read the file itself: AppArmor. */
			      "--search", "none", "--dns", resolves ? resolver : "none",
			      resolves ? "--dns-forward" : NULL, row->paths[2] + 1, NULL};
	int status;

	(void)number_write(path + strlen(path), (uint32_t)way->network);
	way->argv = argv;
	status = wait_for(run(pasta_main, 0, way));
	if (way->sys == 0)
		read_said(way, status);
}

static void
open_way(struct way *way, const struct shelter_row *row)
{
	size_t i;

	make_network(way);
	if (way->sys == 0)
		start_pasta(way, row);
	if (way->sys == 0 && setns(way->network, CLONE_NEWNET) != 0)
		way->sys = errno;
	for (i = 0; i < 2; i++)
		if (way->said[i] >= 0)
			(void)close(way->said[i]);
	if (way->network >= 0)
		(void)close(way->network);
}

int
network_outside(const struct shelter_row *row, const struct home *user)
{
	struct way way = {.user = user, .map = -1, .network = -1, .said = {-1, -1}};
	const struct id_map map = {user->uid, user->uid, user->gid, user->gid};

	if (user->uid == 0) {
		open_way(&way, row);
		return way.sys;
	}
	user_for_files(0, 0);
	way.map = id_map_open(&map);
	if (way.map < 0)
		way.sys = errno;
	else
		open_way(&way, row);
	user_for_files(user->uid, user->gid);
	if (way.map >= 0)
		(void)close(way.map);
	return way.sys;
}

const char *
network_said(void)
{
	return said;
}

bool
network_lost(pid_t pid)
{
	if (pasta_pid == 0 || pid != pasta_pid)
		return false;
	pasta_pid = 0;
	return true;
}

/* --- the metadata address ----------------------------------------------------------------- */

static int
ask_kernel(const struct kernel_new_address *request)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, KERNEL_NETLINK_ROUTE), sys = 0;
	struct kernel_netlink_answer answer;
	ssize_t n;

	if (fd < 0)
		return errno;
	if (send(fd, request, request->head.size, 0) < 0)
		sys = errno;
	n = sys == 0 ? recv(fd, &answer, sizeof(answer), MSG_TRUNC) : 0;
	if (sys == 0)
		sys = n < (ssize_t)sizeof(answer) || answer.head.type != KERNEL_NETLINK_ERROR
			      ? EPROTO
			      : -answer.error;
	(void)close(fd);
	return sys;
}

/* Never chosen as the address that something is sent from: it is of this host, and not preferred.
 */
static int
take_address(unsigned interface, uint8_t family, const uint8_t *address, uint16_t size)
{
	struct kernel_new_address request = {
		.head = {.type = KERNEL_NEW_ADDRESS,
			 .flags = KERNEL_REQUEST_ACK | KERNEL_REQUEST_CREATE},
		.family = family,
		.prefix = (uint8_t)(size * 8),
		.flags = KERNEL_ADDRESS_NO_DAD,
		.scope = KERNEL_SCOPE_HOST,
		.interface = interface,
		.lifetime_is = {sizeof(request.lifetime_is) + 16, KERNEL_ADDRESS_LIFETIME},
		.valid_s = UINT32_MAX,
		.local_is = {(uint16_t)(sizeof(request.local_is) + size), KERNEL_ADDRESS_LOCAL}};

	memcpy(request.local, address, size);
	request.head.size = (uint32_t)(sizeof(request) - sizeof(request.local) + size);
	return ask_kernel(&request);
}

int
network_close_metadata(void)
{
	static const uint8_t four[4] = {169, 254, 169, 254};
	static const uint8_t six[16] = {0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54};
	const unsigned interface = if_nametoindex(INTERFACE);
	int sys;

	if (interface == 0)
		return errno;
	sys = take_address(interface, AF_INET, four, sizeof(four));
	if (sys != 0)
		return sys;
	sys = take_address(interface, AF_INET6, six, sizeof(six));
	return sys == EOPNOTSUPP || sys == EACCES ? 0 : sys; /* a host without IPv6 */
}
