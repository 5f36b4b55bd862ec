/*
 * ask.c - the helper's end of the task's control socket.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "helper/helper.h"
#include "runner/control.h"
#include "runner/exit.h"

enum { PAUSE_MS = 50, WAIT_MOST_MS = 200, STILL_MS = 30000 };

static long
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* However long the path is: by its directory's descriptor. */
static int
connect_to(const char *path)
{
	struct timeval limit = {CONTROL_RETRY_MS / 1000, 0};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char *copy = strdup(path);
	int dir = copy != NULL ? open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	int fd = dir >= 0 ? socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0) : -1;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir,
		       CONTROL_SOCKET_NAME);
	if (strlen(path) < sizeof(address.sun_path))
		(void)strcpy(address.sun_path, path);
	if (fd >= 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
			(void)close(fd);
			fd = -1;
		}
	}
	if (dir >= 0)
		(void)close(dir);
	free(copy);
	return fd;
}

/* Length of the answer; 0 when there was none. */
static size_t
ask_once(const char *path, const char *request, size_t len, char reply[CONTROL_REPLY_MOST_BYTES])
{
	int fd = connect_to(path);
	ssize_t n = -1;

	if (fd < 0)
		return 0;
	if (send(fd, request, len, MSG_NOSIGNAL) == (ssize_t)len)
		n = recv(fd, reply, CONTROL_REPLY_MOST_BYTES - 1, 0);
	(void)close(fd);
	return n > 0 ? (size_t)n : 0;
}

static int
ask_until(const char *path, const char *request, size_t len)
{
	struct timespec pause = {0, PAUSE_MS * 1000000};
	char reply[CONTROL_REPLY_MOST_BYTES];
	long until = now_ms() + CONTROL_RETRY_MS, still = now_ms() + STILL_MS;
	long wait = 5;
	size_t n;

	for (;;) {
		n = ask_once(path, request, len, reply);
		reply[n] = '\0';
		if (strcmp(reply, "ok") == 0)
			return EXIT_OK;
		if (strncmp(reply, "no ", 3) == 0)
			return helper_fail(EXIT_NO, "%s", reply + 3);
		if (strcmp(reply, "wait") == 0) {
			until = now_ms() + CONTROL_RETRY_MS;
			wait = wait * 2 < WAIT_MOST_MS ? wait * 2 : WAIT_MOST_MS;
			pause.tv_nsec = wait * 1000000;
		}
		if (now_ms() > still) {
			(void)helper_fail(0, "the agent is still at it");
			still = now_ms() + STILL_MS;
		}
		if (now_ms() > until)
			return helper_fail(EXIT_REFUSED, "the agent does not answer");
		(void)nanosleep(&pause, NULL);
	}
}

int
helper_ask(const char *verb, const void *value, size_t len)
{
	const char *path = getenv(CONTROL_VARIABLE);
	size_t head = strlen(verb) + 1;
	char *request;
	int status;

	if (path == NULL || *path == '\0')
		return helper_fail(EXIT_REFUSED, "this is no step of a job: %s is not set",
				   CONTROL_VARIABLE);
	if (len > CONTROL_VALUE_MOST_BYTES)
		return helper_fail(EXIT_NO, "the value is longer than %d bytes",
				   CONTROL_VALUE_MOST_BYTES);
	request = malloc(head + len);
	if (request == NULL)
		return helper_fail(EXIT_REFUSED, "there is no memory");
	(void)memcpy(request, verb, head - 1);
	request[head - 1] = '\n';
	if (len > 0)
		(void)memcpy(request + head, value, len);
	status = ask_until(path, request, head + len);
	free(request);
	return status;
}
