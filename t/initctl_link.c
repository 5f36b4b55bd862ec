/*
 * initctl_link.c - initctl's connection: what comes, what is sent, what is waited for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "initctl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/clock.h"
#include "wire/packet.h"

_Noreturn void
fail(const char *what)
{
	(void)printf("initctl: %s: %s\n", what, strerror(errno));
	(void)fflush(stdout);
	exit(3);
}

uint64_t
number(const char *text)
{
	char *end;
	uint64_t value;

	errno = EINVAL;
	value = strtoull(text == NULL ? "" : text, &end, 0);
	if (text == NULL || *text == '\0' || *end != '\0')
		fail(text == NULL ? "a number is missing" : text);
	return value;
}

unsigned
step_number(const char *text)
{
	uint64_t value = number(text);

	if (value >= STEPS_MOST) {
		errno = ERANGE;
		fail("step");
	}
	return (unsigned)value;
}

/* --- what comes ------------------------------------------------------------------------- */

static unsigned
step_of(const struct message *message)
{
	unsigned step;

	switch (message->type) {
	case MESSAGE_STEP_STATE:
	case MESSAGE_STEP_STARTED:
	case MESSAGE_STEP_FAILED_TO_START:
	case MESSAGE_STEP_EXITED: /* the step is each one's first field */
		step = message->step_started.step;
		return step < STEPS_MOST ? step : 0;
	default:
		return 0;
	}
}

static bool
is_fault(const struct message *message, const char *field)
{
	return strcmp(field, "what") == 0 &&
	       (message->type == MESSAGE_ERROR || message->type == MESSAGE_STEP_FAILED_TO_START);
}

static void
print_message(const struct message *message)
{
	const struct message_kind *kind = message_kind(message->type);
	size_t i;

	(void)printf("%s", kind->name);
	for (i = 0; i < kind->field_count; i++) {
		const char *at = (const char *)message + kind->fields[i].at;
		uint64_t value = 0;

		memcpy(&value, at, kind->fields[i].bytes);
		(void)printf(" %s=", kind->fields[i].name);
		if (is_fault(message, kind->fields[i].name))
			(void)printf("%s", message_fault_name((unsigned)value));
		else if (strcmp(kind->fields[i].name, "why") == 0)
			(void)printf("%s", message_why_name((unsigned)value));
		else if (strcmp(kind->fields[i].name, "state") == 0)
			(void)printf("%s", message_step_state_name((unsigned)value));
		else
			(void)printf("%llu", (unsigned long long)value);
	}
	(void)printf("\n");
	(void)fflush(stdout);
}

static void
keep_fds(const struct message *message, const int *fds, size_t count)
{
	struct held *held = &ctl.held[step_of(message)];

	if (count > 0) {
		if (held->pipe_fd > 0)
			(void)close(held->pipe_fd);
		held->pipe_fd = fds[0];
	}
	if (count > 1) {
		if (held->memfd > 0)
			(void)close(held->memfd);
		held->memfd = fds[1];
	}
}

static void
handle(const uint8_t *bytes, size_t len, const int *fds, size_t count, bool quiet)
{
	struct message message;
	const char *wrong = message_unpack(&message, MESSAGE_FROM_INIT, bytes, len, count);

	if (wrong != NULL) {
		(void)printf("WRONG %s\n", wrong);
		return;
	}
	keep_fds(&message, fds, count);
	ctl.seen[message.type][step_of(&message)]++;
	if (!quiet)
		print_message(&message);
}

/* One message, or the end of the connection; false when nothing came in time. */
bool
receive(int timeout_ms, bool quiet)
{
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES];
	struct pollfd polled = {.fd = ctl.fd, .events = POLLIN};
	struct packet packet;
	ssize_t n;

	if (ctl.fd < 0 || poll(&polled, 1, timeout_ms) <= 0)
		return false;
	n = packet_receive(&packet, ctl.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n <= 0) {
		(void)printf("DISCONNECTED\n");
		(void)close(ctl.fd);
		ctl.fd = -1;
		return true;
	}
	handle(bytes, (size_t)n, packet.fds, packet.fd_count, quiet);
	return true;
}

const struct message_kind *
kind_named(const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < message_kind_count; i++)
		if (strcmp(message_kinds[i].name, name) == 0)
			return &message_kinds[i];
	errno = EINVAL;
	fail("no such message");
}

void
wait_seen(enum message_type type, unsigned step, unsigned times, bool quiet)
{
	uint64_t until_us = clock_monotonic_us() + WAIT_MS * 1000ull;

	while (ctl.seen[type][step] < times) {
		uint64_t now_us = clock_monotonic_us();

		if (now_us > until_us || !receive((int)((until_us - now_us) / 1000) + 1, quiet) ||
		    ctl.fd < 0) {
			(void)printf("NEVER CAME %s\n", message_name(type));
			(void)fflush(stdout);
			exit(1);
		}
	}
	ctl.seen[type][step] -= times;
}

/* --- what is sent ------------------------------------------------------------------------ */

void
send_bytes(const void *bytes, size_t len, const int *fds, size_t count)
{
	union {
		char room[CMSG_SPACE(sizeof(int) * 8)];
		struct cmsghdr align;
	} control = {.room = {0}};
	struct iovec part = {(void *)(uintptr_t)bytes, len};
	struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1};
	struct pollfd polled = {.fd = ctl.fd, .events = POLLIN | POLLOUT};
	struct cmsghdr *item;

	if (count > 0) {
		head.msg_control = control.room;
		head.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		item = CMSG_FIRSTHDR(&head);
		item->cmsg_level = SOL_SOCKET;
		item->cmsg_type = SCM_RIGHTS;
		item->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(item), fds, sizeof(int) * count);
	}
	/* Where there is no room runner-init may be waiting for us to read. */
	while (sendmsg(ctl.fd, &head, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno != EAGAIN || poll(&polled, 1, WAIT_MS) != 1)
			fail("send");
		if (polled.revents & POLLIN)
			(void)receive(0, false);
	}
}

void
send_message(const struct message *message, const int *fds, size_t count)
{
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES];

	send_bytes(bytes, message_pack(bytes, message), fds, count);
}
