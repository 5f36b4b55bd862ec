/*
 * usage.c - what trees of processes on this host use, from one walk through /proc.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/usage.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { STAT_BYTES = 1024, DEPTH_MOST = 256, PROCESSES_MOST = 1 << 20 };

struct process {
	pid_t pid, parent;
	uint64_t ticks, pages;
};

struct processes {
	struct process *list;
	size_t count, room;
};

/* Fields behind the name, which may hold blanks and parentheses: proc_pid_stat(5). */
static bool
read_process(struct process *process, const char *pid)
{
	char path[64], text[STAT_BYTES], *at;
	unsigned long long times[4];
	FILE *file;
	size_t len;
	long pages;
	int parent;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	len = fread(text, 1, sizeof(text) - 1, file);
	(void)fclose(file);
	text[len] = '\0';
	at = strrchr(text, ')');
	if (at == NULL || sscanf(at + 1,
				 " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu"
				 " %*d %*d %*d %*d %*u %*u %ld",
				 &parent, &times[0], &times[1], &times[2], &times[3], &pages) != 6)
		return false;
	*process = (struct process){(pid_t)strtol(pid, NULL, 10), parent,
				    times[0] + times[1] + times[2] + times[3],
				    pages > 0 ? (uint64_t)pages : 0};
	return true;
}

/* What proc_pid_io(5) says of disks, and leaves to those who might trace the process. */
static void
add_disks(struct usage_sum *sum, pid_t pid)
{
	char path[64], text[STAT_BYTES];
	unsigned long long read_bytes, write_bytes;
	const char *at;
	FILE *file;
	size_t len;

	(void)snprintf(path, sizeof(path), "/proc/%d/io", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return;
	len = fread(text, 1, sizeof(text) - 1, file);
	(void)fclose(file);
	text[len] = '\0';
	at = strstr(text, "\nread_bytes:");
	if (at == NULL || sscanf(at, " read_bytes: %llu write_bytes: %llu", &read_bytes, &write_bytes) != 2)
		return;
	sum->knows_disks = true;
	sum->read_bytes += read_bytes;
	sum->write_bytes += write_bytes;
}

static int
by_pid(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static int
by_root(const void *a, const void *b)
{
	const struct usage_sum *x = a, *y = b;

	return x->root < y->root ? -1 : x->root > y->root;
}

static void
read_all(struct processes *all)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL && all->count < PROCESSES_MOST) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		if (all->count == all->room) {
			all->room = all->room == 0 ? 512 : 2 * all->room;
			all->list = mem_resize(all->list, all->room, sizeof(*all->list));
		}
		if (read_process(&all->list[all->count], entry->d_name))
			all->count++;
	}
	(void)closedir(dir);
	if (all->count > 0)
		qsort(all->list, all->count, sizeof(*all->list), by_pid);
}

/* From a process up to the root of a tree; NULL when it is in none. */
static struct usage_sum *
find_root(const struct processes *all, const struct process *process, struct usage_sum *sums,
	  size_t count)
{
	struct usage_sum key = {0}, *found;
	struct process parent = {0};
	unsigned depth;

	for (depth = 0; process != NULL && depth < DEPTH_MOST; depth++) {
		key.root = process->pid;
		found = bsearch(&key, sums, count, sizeof(*sums), by_root);
		if (found != NULL)
			return found;
		parent.pid = process->parent;
		process = bsearch(&parent, all->list, all->count, sizeof(parent), by_pid);
	}
	return NULL;
}

void
usage_measure(struct usage_sum *sums, size_t count)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), tick = (uint64_t)sysconf(_SC_CLK_TCK);
	struct processes all = {NULL, 0, 0};
	struct usage_sum *sum;
	size_t i;

	if (count == 0)
		return;
	read_all(&all);
	qsort(sums, count, sizeof(*sums), by_root);
	for (i = 0; i < all.count; i++) {
		sum = find_root(&all, &all.list[i], sums, count);
		if (sum == NULL)
			continue;
		sum->cpu_ms += all.list[i].ticks * 1000 / tick;
		sum->memory_bytes += all.list[i].pages * page;
		sum->processes++;
		add_disks(sum, all.list[i].pid);
	}
	free(all.list);
}
