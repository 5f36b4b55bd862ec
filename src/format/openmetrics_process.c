/*
 * openmetrics_process.c - what every program of ours says of itself: its process, its log.
 *
 * /proc is memory: reading it does not wait.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "format/openmetrics.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

/* Resident pages are the second number there: proc_pid_statm(5). */
static uint64_t
resident_bytes(void)
{
	unsigned long long size, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file == NULL)
		return 0;
	if (fscanf(file, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	(void)fclose(file);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t
open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t count = 0;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	(void)closedir(dir);
	return count - 1; /* that of the directory itself */
}

static double
seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

void
openmetrics_put_process(struct openmetrics *to, int64_t started_ms)
{
	struct rusage usage;
	struct rlimit limit;

	openmetrics_begin(to, "process_cpu_seconds", OPENMETRICS_COUNTER, "seconds",
			  "CPU time of this process.");
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		openmetrics_put_real(to, seconds(usage.ru_utime) + seconds(usage.ru_stime), NULL);
	openmetrics_begin(to, "process_resident_memory_bytes", OPENMETRICS_GAUGE, "bytes",
			  "Resident memory of this process.");
	openmetrics_put(to, resident_bytes(), NULL);
	openmetrics_begin(to, "process_open_fds", OPENMETRICS_GAUGE, NULL, "Open file descriptors.");
	openmetrics_put(to, open_fds(), NULL);
	openmetrics_begin(to, "process_max_fds", OPENMETRICS_GAUGE, NULL, "As many as are allowed.");
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		openmetrics_put(to, limit.rlim_cur, NULL);
	openmetrics_begin(to, "process_start_time_seconds", OPENMETRICS_GAUGE, "seconds",
			  "When this process was started, as Unix time.");
	openmetrics_put_real(to, (double)started_ms / 1e3, NULL);
}

void
openmetrics_put_log(struct openmetrics *to, const char *name)
{
	unsigned i;

	openmetrics_begin(to, name, OPENMETRICS_COUNTER, NULL, "Lines of the log, by level.");
	for (i = 0; i < LOG_LEVEL_COUNT; i++)
		openmetrics_put(to, log_count((enum log_level)i), "level",
				log_level_name((enum log_level)i), NULL);
}
