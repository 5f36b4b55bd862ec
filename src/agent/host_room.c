/*
 * host_room.c - what this host has for tasks, as the kernel tells.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/host_room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>

#include "agent/slots.h"
#include "base/mem.h"
#include "base/text.h"

enum { LINE_BYTES = 4096 };

void
host_room_cpus(cpu_set_t *cpus)
{
	if (sched_getaffinity(0, sizeof(*cpus), cpus) != 0)
		memset(cpus, 0xff, sizeof(*cpus));
}

/* --- the cgroup that we were put in ----------------------------------------------------------- */

/* The first line that begins so, without that. False: there is none. */
static bool
read_line(const char *path, const char *begins, char line[LINE_BYTES])
{
	FILE *stream = fopen(path, "re");
	bool found = false;

	while (stream != NULL && !found && fgets(line, LINE_BYTES, stream) != NULL)
		found = text_starts(line, begins);
	if (stream != NULL)
		(void)fclose(stream);
	if (found) {
		memmove(line, line + strlen(begins), strlen(line) - strlen(begins) + 1);
		line[strcspn(line, "\n")] = '\0';
	}
	return found;
}

static void
bound_cpus(struct room *room, const char *line)
{
	unsigned long long quota, period;

	if (sscanf(line, "%llu %llu", &quota, &period) != 2 || period == 0)
		return; /* "max" */
	quota = (quota + period - 1) / period;
	if (quota < room->cpus)
		room->cpus = quota > 0 ? (uint32_t)quota : 1;
}

static void
bound_memory(struct room *room, const char *line)
{
	char *end;
	unsigned long long most = strtoull(line, &end, 10);

	if (end != line && most < room->memory_bytes)
		room->memory_bytes = most;
}

/* Each one above us bounds, too. */
static void
bound_by_cgroups(struct room *room, const char *root)
{
	char path[LINE_BYTES + 256], at[LINE_BYTES], line[LINE_BYTES], *slash;

	(void)snprintf(path, sizeof(path), "%.200s/proc/self/cgroup", root);
	if (!read_line(path, "0::/", at))
		return;
	for (;;) {
		(void)snprintf(path, sizeof(path), "%.200s/sys/fs/cgroup/%.3800s/cpu.max", root,
			       at);
		if (read_line(path, "", line))
			bound_cpus(room, line);
		(void)snprintf(path, sizeof(path), "%.200s/sys/fs/cgroup/%.3800s/memory.max", root,
			       at);
		if (read_line(path, "", line))
			bound_memory(room, line);
		if (at[0] == '\0')
			return;
		slash = strrchr(at, '/');
		*(slash != NULL ? slash : at) = '\0';
	}
}

/* --- the host ------------------------------------------------------------------------------------
 */

static uint64_t
reserve_of(uint64_t memory_bytes)
{
	uint64_t reserve = memory_bytes / HOST_ROOM_RESERVE_PART;

	if (reserve < HOST_ROOM_RESERVE_LEAST_BYTES)
		reserve = HOST_ROOM_RESERVE_LEAST_BYTES;
	if (reserve > HOST_ROOM_RESERVE_MOST_BYTES)
		reserve = HOST_ROOM_RESERVE_MOST_BYTES;
	return reserve < memory_bytes / 2 ? reserve : memory_bytes / 2;
}

void
host_room_read(struct room *room, const char *root)
{
	struct sysinfo host;
	cpu_set_t cpus;

	memset(room, 0, sizeof(*room));
	host_room_cpus(&cpus);
	room->cpus = (uint32_t)CPU_COUNT(&cpus);
	room->memory_bytes = sysinfo(&host) == 0 ? (uint64_t)host.totalram * host.mem_unit : 0;
	bound_by_cgroups(room, root);
	room->memory_bytes -= reserve_of(room->memory_bytes);
}

uint64_t
host_room_disk(const char *dir, uint64_t keep_bytes)
{
	char *path = mem_strdup(dir), *slash;
	struct statvfs disk;
	uint64_t size;
	int rc;

	while ((rc = statvfs(path, &disk)) != 0 && (slash = strrchr(path, '/')) != NULL &&
	       path[1] != '\0')
		slash[slash == path] = '\0';
	free(path);
	if (rc != 0)
		return 0;
	size = (uint64_t)(disk.f_blocks - (disk.f_bfree - disk.f_bavail)) * disk.f_frsize;
	return size > keep_bytes ? size - keep_bytes : 0;
}
