/*
 * depot_child.c - the process that touches the spool's disk, and the orders it is given.
 *
 * A segment is written beside its place, synced and renamed: under its name it is whole. The
 * directory is not synced: after the host's restart all of it is deleted anyway, and a rename that
 * has returned is seen by the next runnerd. The sync is what tells of a disk that cannot hold it
 * before the copy in tmpfs goes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/depot_child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/cleanup.h"
#include "runner/exit.h"
#include "runner/state_dir.h"
#include "wire/packet.h"

enum { PATH_BYTES = ID_TEXT_BYTES + 32, PIECE_BYTES = 1 << 20 };

/* "<task>/spool.00000001" and what may follow. */
static const char *
path_of(char room[PATH_BYTES], const struct depot_order *order, uint32_t number, const char *tail)
{
	char task[ID_TEXT_BYTES];

	(void)snprintf(room, PATH_BYTES, "%s/" STATE_SPOOL_PREFIX "%08u%s",
		       id_text(task, &order->task), number, tail);
	return room;
}

/* From the beginning of one file to the end of another; false with errno. */
static bool
copy(int from, int to, uint64_t *bytes)
{
	ssize_t n;

	while ((n = sendfile(to, from, NULL, PIECE_BYTES)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		*bytes += (uint64_t)n;
	}
	return true;
}

static int
store(const struct depot_order *order, struct depot_answer *answer)
{
	char task[ID_TEXT_BYTES], name[PATH_BYTES], part[PATH_BYTES];
	LOCAL_FD from = openat(DEPOT_TASKS_FD, path_of(name, order, order->number, ""),
			       O_RDONLY | O_CLOEXEC);
	LOCAL_FD to = -1;
	int sys;

	if (from < 0)
		return errno;
	if (mkdirat(DEPOT_AGENT_FD, id_text(task, &order->task), 0700) != 0 && errno != EEXIST)
		return errno;
	to = openat(DEPOT_AGENT_FD, path_of(part, order, order->number, ".part"),
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (to < 0)
		return errno;
	if (copy(from, to, &answer->bytes) && fdatasync(to) == 0 &&
	    renameat(DEPOT_AGENT_FD, part, DEPOT_AGENT_FD, name) == 0)
		return 0;
	sys = errno;
	(void)unlinkat(DEPOT_AGENT_FD, part, 0);
	return sys;
}

static int
fetch(const struct depot_order *order, int memfd, struct depot_answer *answer)
{
	char name[PATH_BYTES];
	LOCAL_FD from = openat(DEPOT_AGENT_FD, path_of(name, order, order->number, ""),
			       O_RDONLY | O_CLOEXEC);

	if (from < 0 || !copy(from, memfd, &answer->bytes))
		return errno;
	return 0;
}

static int
drop(const struct depot_order *order, struct depot_answer *answer)
{
	char name[PATH_BYTES];
	uint32_t number;

	for (number = order->number; number < order->end; number++) {
		if (unlinkat(DEPOT_AGENT_FD, path_of(name, order, number, ""), 0) == 0)
			answer->count++;
		else if (errno != ENOENT)
			return errno;
	}
	return 0;
}

/* Everything below a directory, depth levels of it, and it. What is not there is gone. */
static int
remove_tree(int at_fd, const char *name, unsigned depth, struct depot_answer *answer)
{
	int fd = openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), sys = 0;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	struct stat st;

	if (dir == NULL)
		return errno == ENOENT ? 0 : errno;
	while (sys == 0 && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth > 0) {
			sys = remove_tree(fd, entry->d_name, depth - 1, answer);
		} else if (unlinkat(fd, entry->d_name, 0) == 0) {
			answer->count++;
			answer->bytes += (uint64_t)st.st_size;
		} else {
			sys = errno;
		}
	}
	(void)closedir(dir);
	if (sys == 0 && unlinkat(at_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
		sys = errno;
	return sys;
}

static int
obey(const struct depot_order *order, int memfd, struct depot_answer *answer)
{
	char id[ID_TEXT_BYTES];

	switch (order->verb) {
	case DEPOT_STORE:
		return store(order, answer);
	case DEPOT_FETCH:
		return fetch(order, memfd, answer);
	case DEPOT_DROP:
		return drop(order, answer);
	case DEPOT_CLEAR:
		return remove_tree(DEPOT_AGENT_FD, id_text(id, &order->task), 0, answer);
	case DEPOT_REMOVE:
		return remove_tree(DEPOT_DIR_FD, id_text(id, &order->task), 1, answer);
	}
	UNREACHABLE();
}

/* False when nobody gives orders any more. *memfd is -1 where none came along. */
static bool
receive(struct depot_order *order, int *memfd)
{
	struct packet packet;
	ssize_t n = packet_receive(&packet, DEPOT_SOCKET_FD, order, sizeof(*order), 0);

	*memfd = packet_take_only(&packet);
	return n == (ssize_t)sizeof(*order);
}

int
depot_child_main(void)
{
	struct depot_order order;
	int memfd;

	while (receive(&order, &memfd)) {
		struct depot_answer answer = {0};

		answer.sys = obey(&order, memfd, &answer);
		if (memfd >= 0)
			(void)close(memfd);
		if (send(DEPOT_SOCKET_FD, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			break;
	}
	return EXIT_OK;
}
