/*
 * relay.c - a line between two programs that a test can cut at any byte.
 *
 *   relay LISTEN_PATH CONNECT_PATH SEED [MOST_BYTES]
 *
 * Passes bytes both ways between Unix sockets, one connection at a time. Each
 * connection is cut, both ends at once, when a random number of bytes (1 to MOST_BYTES, as
 * often below as above an eighth of it; from SEED: the same seed cuts at the same places) has
 * passed in both directions together. Without MOST_BYTES none is cut. SIGUSR1 ends the cutting:
 * from then on connections last. Says "relay: cut after N bytes" for each cut, and "relay: N bytes
 * in all" of all connections so far when one has ended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PIECE_BYTES = 4096 };

static volatile sig_atomic_t is_lasting;
static uint64_t state;
static unsigned long most;
static unsigned long long passed;

static void
on_usr1(int signo)
{
	(void)signo;
	is_lasting = 1;
}

/* xorshift64*: what matters is that a seed repeats. */
static uint64_t
draw(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 2685821657736338717ULL;
}

/* Early ones, while the two greet each other, are as likely as late ones. */
static unsigned long
draw_limit(void)
{
	unsigned long range = most >> draw() % 7;

	return draw() % (range > 0 ? range : 1) + 1;
}

static struct sockaddr_un
address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

static int
listen_at(const char *path)
{
	struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 8) < 0) {
		perror("relay: listen");
		exit(3);
	}
	return fd;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static bool
write_all(int fd, const char *bytes, size_t len)
{
	ssize_t n;

	for (; len > 0; bytes += n, len -= (size_t)n) {
		n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			n = 0;
		if (n < 0)
			return false;
	}
	return true;
}

/* Pass at most *left bytes from one end to the other. False when the connection is over. */
static bool
pass(int from, int to, unsigned long *left)
{
	char bytes[PIECE_BYTES];
	size_t room = *left < sizeof(bytes) ? (size_t)*left : sizeof(bytes);
	ssize_t n = read(from, bytes, room);

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0 || !write_all(to, bytes, (size_t)n))
		return false;
	passed += (unsigned long long)n;
	if (!is_lasting)
		*left -= (unsigned long)n;
	return true;
}

static void
relay(int client, int server)
{
	unsigned long limit = most > 0 && !is_lasting ? draw_limit() : ~0UL, left = limit;
	struct pollfd fds[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
	bool open = true;

	while (open && left > 0) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents != 0)
			open = pass(client, server, &left);
		if (open && left > 0 && fds[1].revents != 0)
			open = pass(server, client, &left);
	}
	if (left == 0)
		fprintf(stderr, "relay: cut after %lu bytes\n", limit);
	fprintf(stderr, "relay: %llu bytes in all\n", passed);
}

int
main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_usr1};
	int listener, client, server;

	if (argc < 4) {
		fprintf(stderr, "usage: relay LISTEN_PATH CONNECT_PATH SEED [MOST_BYTES]\n");
		return 2;
	}
	state = strtoull(argv[3], NULL, 10) * 2654435761U + 88172645463325252ULL;
	most = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
	(void)sigaction(SIGUSR1, &action, NULL);
	listener = listen_at(argv[1]);
	fprintf(stderr, "relay: ready\n");
	for (;;) {
		client = accept(listener, NULL, NULL);
		if (client < 0)
			continue;
		server = connect_to(argv[2]);
		if (server >= 0) {
			relay(client, server);
			(void)close(server);
		}
		(void)close(client);
	}
}
