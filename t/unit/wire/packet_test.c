/*
 * packet_test.c - descriptors beside a message: all arrive, none stays open that nobody sees.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/packet.h"

enum { TOO_MANY = 8 };

static int pair[2];

static int
setup(void **state)
{
	int on = 1;

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	return setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
}

static int
teardown(void **state)
{
	(void)state;
	(void)close(pair[0]);
	return close(pair[1]);
}

/* Of the first hundred numbers, how many are open. */
static int
count_open(void)
{
	int fd, open = 0;

	for (fd = 0; fd < 100; fd++)
		open += fcntl(fd, F_GETFD) >= 0;
	return open;
}

static bool
is_the_same(int a, int b)
{
	struct stat at, bt;

	assert_int_equal(fstat(a, &at), 0);
	assert_int_equal(fstat(b, &bt), 0);
	return at.st_ino == bt.st_ino && at.st_dev == bt.st_dev;
}

/* What packet_send() never would. */
static void
send_many(const int *fds, size_t count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(TOO_MANY * sizeof(int))];
	} control = {.bytes = {0}};
	struct iovec piece = {(char[]){"x"}, 1};
	struct msghdr message = {.msg_iov = &piece,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = CMSG_SPACE(count * sizeof(int))};
	struct cmsghdr *item = CMSG_FIRSTHDR(&message);

	item->cmsg_level = SOL_SOCKET;
	item->cmsg_type = SCM_RIGHTS;
	item->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(item), fds, count * sizeof(int));
	assert_int_equal(sendmsg(pair[1], &message, MSG_DONTWAIT), 1);
}

/*
 * qemu-user asks the kernel with more room than it was given, and what then has none in ours stays
 * open: nobody there can count what is.
 */
static bool
host_can_be_counted(const int *fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char room[1];
	struct iovec piece = {room, sizeof(room)};
	struct msghdr message = {.msg_iov = &piece,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	const struct cmsghdr *item = &control.align;
	int open = count_open(), fd, off = 0;
	size_t at;

	assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &off, sizeof(off)), 0);
	send_many(fds, TOO_MANY);
	assert_int_equal(recvmsg(pair[0], &message, MSG_DONTWAIT), 1);
	for (at = 0; CMSG_LEN(at) < item->cmsg_len; at += sizeof(fd)) {
		memcpy(&fd, CMSG_DATA(item) + at, sizeof(fd));
		(void)close(fd);
	}
	return count_open() == open;
}

static void
test_packet_carries_bytes_and_descriptors(void **state)
{
	const struct iovec piece = {(char[]){"words"}, 5};
	char room[16];
	int fds[PACKET_FDS_MOST];
	struct packet packet;
	size_t count, i;

	(void)state;
	fds[0] = pair[0];
	fds[1] = pair[1];
	fds[2] = open("/", O_PATH | O_CLOEXEC);
	for (count = 0; count <= PACKET_FDS_MOST; count++) {
		assert_int_equal(packet_send(pair[1], &piece, fds, count, MSG_DONTWAIT), 5);
		assert_int_equal(packet_receive(&packet, pair[0], room, sizeof(room), MSG_DONTWAIT),
				 5);
		assert_memory_equal(room, "words", 5);
		assert_int_equal(packet.fd_count, count);
		assert_int_equal(packet.sender, getpid());
		assert_false(packet.is_cut);
		for (i = 0; i < count; i++) {
			assert_true(is_the_same(packet.fds[i], fds[i]));
			assert_int_equal(fcntl(packet.fds[i], F_GETFD), FD_CLOEXEC);
		}
		packet_drop(&packet);
		assert_int_equal(packet.fd_count, 0);
	}
	(void)close(fds[2]);
}

static void
test_packet_is_empty_where_nothing_came(void **state)
{
	char room[4];
	struct packet packet;

	(void)state;
	assert_int_equal(packet_receive(&packet, pair[0], room, sizeof(room), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(packet.fd_count, 0);
	assert_int_equal(packet_take_only(&packet), -1);
	(void)shutdown(pair[1], SHUT_RDWR);
	assert_int_equal(packet_receive(&packet, pair[0], room, sizeof(room), MSG_DONTWAIT), 0);
	assert_int_equal(packet.fd_count, 0);
}

static void
test_packet_says_when_more_came_and_closes_it(void **state)
{
	const int fds[TOO_MANY] = {pair[0], pair[1], pair[0], pair[1],
				   pair[0], pair[1], pair[0], pair[1]};
	const struct iovec piece = {(char[]){"words"}, 5};
	const bool counts = host_can_be_counted(fds);
	const int open = count_open();
	size_t count;
	char room[4];
	struct packet packet;
	int on, taken;

	(void)state;
	/* Without credentials there is more room for descriptors than with them. */
	for (on = 0; on < 2; on++) {
		assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
		for (count = PACKET_FDS_MOST + 1; count <= TOO_MANY; count++) {
			send_many(fds, count);
			assert_int_equal(packet_receive(&packet, pair[0], room, sizeof(room),
							MSG_DONTWAIT),
					 1);
			assert_int_equal(packet.fd_count, PACKET_FDS_MOST);
			assert_true(packet.is_cut);
			assert_true(!counts || count_open() == open + PACKET_FDS_MOST);
			taken = packet_take_only(&packet);
			assert_true(!counts || count_open() == open + 1);
			assert_true(is_the_same(taken, fds[0]));
			(void)close(taken);
		}
	}
	assert_int_equal(packet_send(pair[1], &piece, NULL, 0, MSG_DONTWAIT), 5);
	assert_int_equal(packet_receive(&packet, pair[0], room, sizeof(room), MSG_DONTWAIT), 4);
	assert_true(packet.is_cut);
	assert_int_equal(packet_send(pair[1], &piece, fds, PACKET_FDS_MOST + 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EINVAL);
	assert_true(!counts || count_open() == open);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_packet_carries_bytes_and_descriptors),
		TEST(test_packet_is_empty_where_nothing_came),
		TEST(test_packet_says_when_more_came_and_closes_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
