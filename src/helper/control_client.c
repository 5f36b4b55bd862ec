/*
 * control_client.c - the job's end of the task's control socket.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "helper/control_client.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "wire/packet.h"

enum { PAUSE_MS = 50, WAIT_LEAST_MS = 5, WAIT_MOST_MS = 200, STILL_MS = 30000 };

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

struct request {
	const char *bytes;
	size_t len;
	int fd; /* -1: none */
};

static bool
send_request(int socket, const struct request *request)
{
	const struct iovec piece = {(void *)(uintptr_t)request->bytes, request->len};

	return packet_send(socket, &piece, &request->fd, request->fd >= 0 ? 1 : 0, 0) ==
	       (ssize_t)request->len;
}

/* Length of the answer; 0 when there was none. */
static size_t
receive(int socket, struct control_answer *answer)
{
	struct packet packet;
	ssize_t n = packet_receive(&packet, socket, answer->text, sizeof(answer->text) - 1, 0);

	answer->fd = packet_take_only(&packet);
	return n > 0 ? (size_t)n : 0;
}

static size_t
ask_once(const char *path, const struct request *request, struct control_answer *answer)
{
	int fd = connect_to(path);
	size_t n = 0;

	answer->fd = -1;
	if (fd >= 0 && send_request(fd, request))
		n = receive(fd, answer);
	if (fd >= 0)
		(void)close(fd);
	answer->text[n] = '\0';
	return n;
}

/* The answer's first word goes. */
static enum control_result
read_answer(struct control_answer *answer, enum control_result result, size_t word)
{
	(void)memmove(answer->text, answer->text + word, strlen(answer->text + word) + 1);
	return result;
}

/* What an answer is; false: none, ask again. */
static bool
read_final(struct control_answer *answer, enum control_result *result)
{
	if (strcmp(answer->text, "ok") == 0)
		*result = read_answer(answer, CONTROL_OK, 2);
	else if (strncmp(answer->text, "ok ", 3) == 0)
		*result = read_answer(answer, CONTROL_OK, 3);
	else if (strcmp(answer->text, "none") == 0)
		*result = read_answer(answer, CONTROL_NONE, 4);
	else if (strncmp(answer->text, "none ", 5) == 0)
		*result = read_answer(answer, CONTROL_NONE, 5);
	else if (strncmp(answer->text, "no ", 3) == 0)
		*result = read_answer(answer, CONTROL_REFUSED, 3);
	else
		return false;
	return true;
}

static enum control_result
say(struct control_answer *answer, enum control_result result, const char *text)
{
	answer->fd = -1;
	(void)strcpy(answer->text, text);
	return result;
}

static enum control_result
ask_until(const char *path, const struct request *request, void (*on_still)(void),
	  struct control_answer *answer)
{
	long until = now_ms() + CONTROL_RETRY_MS, still = now_ms() + STILL_MS;
	long pause_ms = PAUSE_MS, wait_ms = WAIT_LEAST_MS;
	enum control_result result;
	struct timespec pause = {0, 0};

	for (;;) {
		(void)ask_once(path, request, answer);
		if (read_final(answer, &result))
			return result;
		if (answer->fd >= 0)
			(void)close(answer->fd);
		if (strcmp(answer->text, "again") == 0) {
			until = now_ms() + CONTROL_RETRY_MS;
			continue;
		}
		if (strcmp(answer->text, "wait") == 0) {
			until = now_ms() + CONTROL_RETRY_MS;
			wait_ms = wait_ms * 2 < WAIT_MOST_MS ? wait_ms * 2 : WAIT_MOST_MS;
			pause_ms = wait_ms;
		}
		if (now_ms() > still && on_still != NULL) {
			on_still();
			still = now_ms() + STILL_MS;
		}
		if (now_ms() > until)
			return say(answer, CONTROL_SILENT, "the agent does not answer");
		pause.tv_nsec = pause_ms * 1000000;
		(void)nanosleep(&pause, NULL);
	}
}

enum control_result
control_ask(const struct control_question *question, struct control_answer *answer)
{
	const char *path = getenv(CONTROL_VARIABLE);
	size_t head = strlen(question->verb) + 1, len = question->len;
	struct request request;
	enum control_result result;
	char *bytes;

	if (path == NULL || *path == '\0')
		return say(answer, CONTROL_SILENT,
			   "this is no step of a job: " CONTROL_VARIABLE " is not set");
	if (len > CONTROL_VALUE_MOST_BYTES)
		return say(answer, CONTROL_REFUSED, "the value is too long");
	bytes = malloc(head + len);
	if (bytes == NULL)
		return say(answer, CONTROL_SILENT, "there is no memory");
	(void)memcpy(bytes, question->verb, head - 1);
	bytes[head - 1] = '\n';
	if (len > 0)
		(void)memcpy(bytes + head, question->value, len);
	request = (struct request){bytes, head + len, question->fd};
	result = ask_until(path, &request, question->on_still, answer);
	free(bytes);
	return result;
}
