/*
 * cgroup_file.c - one file of a control group: a number or a word in, numbers out.
 *
 * They are no files of a disk: the kernel answers from memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/cgroup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

int
cgroup_file_write(int dir_fd, const char *name, const char *text)
{
	LOCAL_FD fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return errno;
	return 0;
}

int
cgroup_file_write_number(int dir_fd, const char *name, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	return cgroup_file_write(dir_fd, name, text);
}

bool
cgroup_file_read(int dir_fd, const char *name, char *room, size_t size)
{
	LOCAL_FD fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, room, size - 1) : -1;

	room[n > 0 ? n : 0] = '\0';
	return n >= 0;
}

uint64_t
cgroup_file_number(int dir_fd, const char *name)
{
	char text[32];

	if (!cgroup_file_read(dir_fd, name, text, sizeof(text)))
		return 0;
	return strncmp(text, "max", 3) == 0 ? UINT64_MAX : strtoull(text, NULL, 10);
}

uint64_t
cgroup_text_number(const char *text, const char *key)
{
	size_t len = strlen(key);
	const char *line;

	for (line = text; line != NULL; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return strtoull(line + len + 1, NULL, 10);
	}
	return 0;
}

uint64_t
cgroup_text_sum(const char *text, const char *key)
{
	size_t len = strlen(key);
	uint64_t sum = 0;
	const char *at;

	for (at = strchr(text, ' '); at != NULL; at = strchr(at + 1, ' '))
		if (strncmp(at + 1, key, len) == 0 && at[1 + len] == '=')
			sum += strtoull(at + 1 + len + 1, NULL, 10);
	return sum;
}
