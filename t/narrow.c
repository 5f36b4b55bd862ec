/*
 * narrow.c - a line between an HTTP/2 client and its server on which the server seems to read
 * slowly.
 *
 *   narrow LISTEN_PATH CONNECT_PATH WINDOW_BYTES
 *
 * Passes HTTP/2 without TLS between Unix sockets, one connection at a time. The client is told of a
 * window of WINDOW_BYTES for each stream instead of the server's own. Until SIGUSR1 comes nothing
 * is given back of it: a request whose body is larger stands still, as if nobody read it, and
 * smaller ones on the same connection pass. From then on each byte that passes is given back, what
 * passed before too. Says "narrow: stream N is full" once for each stream that has used its window
 * up.
 *
 * A frame is nine bytes and what they say follows: length (3), type, flags, stream (4); RFC
 * 9113, 4.1.
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

enum {
	PREFACE_BYTES = 24, /* what a client begins with, before its frames */
	HEAD_BYTES = 9,
	PAYLOAD_MOST_BYTES = 1 << 16, /* nobody here says that it takes larger frames (http/h2.h) */
	FRAME_DATA = 0,
	FRAME_SETTINGS = 4,
	FRAME_WINDOW_UPDATE = 8,
	SETTINGS_INITIAL_WINDOW_SIZE = 4,
	STREAMS_MOST = 64, /* with bytes not given back */
};

struct frame {
	unsigned char bytes[HEAD_BYTES + PAYLOAD_MOST_BYTES];
	uint32_t len; /* of what follows the head */
	uint32_t stream;
	unsigned type;
};

static struct {
	uint32_t stream, owed; /* bytes that passed and were not given back; stream 0: free */
} streams[STREAMS_MOST];

static volatile sig_atomic_t is_reading;
static uint32_t window;

static void
on_usr1(int signo)
{
	(void)signo;
	is_reading = 1;
}

static _Noreturn void
give_up(const char *why)
{
	(void)fprintf(stderr, "narrow: %s\n", why);
	exit(3);
}

/* --- sockets --- */

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
	    listen(fd, 8) < 0)
		give_up(strerror(errno));
	return fd;
}

/* -1 where nobody listens. */
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
read_all(int fd, unsigned char *bytes, size_t len)
{
	ssize_t n;

	for (; len > 0; bytes += n, len -= (size_t)n) {
		n = read(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return false;
	}
	return true;
}

static bool
write_all(int fd, const unsigned char *bytes, size_t len)
{
	ssize_t n;

	for (; len > 0; bytes += n, len -= (size_t)n) {
		n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return false;
	}
	return true;
}

/* --- frames --- */

static uint32_t
get32(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static void
put32(unsigned char *bytes, uint32_t value)
{
	bytes[0] = (unsigned char)(value >> 24);
	bytes[1] = (unsigned char)(value >> 16);
	bytes[2] = (unsigned char)(value >> 8);
	bytes[3] = (unsigned char)value;
}

/* False when there is no more. */
static bool
read_frame(int fd, struct frame *frame)
{
	if (!read_all(fd, frame->bytes, HEAD_BYTES))
		return false;
	frame->len = get32(frame->bytes) >> 8;
	frame->type = frame->bytes[3];
	frame->stream = get32(frame->bytes + 5) & 0x7fffffff;
	if (frame->len > PAYLOAD_MOST_BYTES)
		give_up("a frame is larger than was agreed");
	return read_all(fd, frame->bytes + HEAD_BYTES, frame->len);
}

/* --- windows --- */

static void
note_data(const struct frame *frame)
{
	unsigned i, free = STREAMS_MOST;

	for (i = 0; i < STREAMS_MOST && streams[i].stream != frame->stream; i++)
		if (streams[i].stream == 0 && free == STREAMS_MOST)
			free = i;
	if (i == STREAMS_MOST)
		i = free;
	if (i == STREAMS_MOST)
		give_up("too many streams at once");
	streams[i].stream = frame->stream;
	streams[i].owed += frame->len;
	if (streams[i].owed >= window && !is_reading)
		(void)fprintf(stderr, "narrow: stream %u is full\n", (unsigned)frame->stream);
	if ((frame->bytes[4] & 1) != 0) /* END_STREAM: nothing is to be given back */
		memset(&streams[i], 0, sizeof(streams[i]));
}

static bool
give_back(int client)
{
	unsigned char update[HEAD_BYTES + 4] = {0, 0, 4, FRAME_WINDOW_UPDATE};
	unsigned i;

	for (i = 0; i < STREAMS_MOST; i++) {
		if (streams[i].owed == 0)
			continue;
		put32(update + 5, streams[i].stream);
		put32(update + HEAD_BYTES, streams[i].owed);
		streams[i].owed = 0;
		if (!write_all(client, update, sizeof(update)))
			return false;
	}
	return true;
}

/* What the server says of its windows is not what the client hears. */
static bool
is_for_client(struct frame *frame)
{
	unsigned char *at;

	if (frame->type == FRAME_WINDOW_UPDATE)
		return frame->stream == 0;
	for (at = frame->bytes + HEAD_BYTES;
	     frame->type == FRAME_SETTINGS && at < frame->bytes + HEAD_BYTES + frame->len; at += 6)
		if (at[0] == 0 && at[1] == SETTINGS_INITIAL_WINDOW_SIZE)
			put32(at + 2, window);
	return true;
}

static bool
pass_to_server(int client, int server)
{
	struct frame frame;

	if (!read_frame(client, &frame))
		return false;
	if (frame.type == FRAME_DATA)
		note_data(&frame);
	return write_all(server, frame.bytes, HEAD_BYTES + frame.len);
}

static bool
pass_to_client(int server, int client)
{
	struct frame frame;

	if (!read_frame(server, &frame))
		return false;
	return !is_for_client(&frame) || write_all(client, frame.bytes, HEAD_BYTES + frame.len);
}

static void
serve(int client, int server)
{
	struct pollfd fds[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
	unsigned char preface[PREFACE_BYTES];
	bool open = read_all(client, preface, sizeof(preface)) &&
		    write_all(server, preface, sizeof(preface));

	memset(streams, 0, sizeof(streams));
	while (open) {
		if (is_reading)
			open = give_back(client);
		/* With an end: a signal may come before the call and not within it. */
		if (!open || poll(fds, 2, 100) <= 0)
			continue;
		if (fds[0].revents != 0)
			open = pass_to_server(client, server);
		if (open && fds[1].revents != 0)
			open = pass_to_client(server, client);
	}
}

int
main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_usr1};
	int listener, client, server;

	if (argc != 4 || (window = (uint32_t)strtoul(argv[3], NULL, 10)) == 0) {
		(void)fprintf(stderr, "usage: narrow LISTEN_PATH CONNECT_PATH WINDOW_BYTES\n");
		return 2;
	}
	(void)sigaction(SIGUSR1, &action, NULL);
	listener = listen_at(argv[1]);
	(void)fprintf(stderr, "narrow: ready\n");
	for (;;) {
		client = accept(listener, NULL, NULL);
		if (client < 0)
			continue;
		server = connect_to(argv[2]);
		if (server >= 0) {
			serve(client, server);
			(void)close(server);
		}
		(void)close(client);
	}
}
