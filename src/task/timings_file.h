/*
 * timings_file.h - how long the tests of a job took, kept between runs on one machine.
 *
 * In the cache directory, a file a project and job: the lines that the hub gives of tests
 * (microseconds, file, classname and name with tabs between). It is replaced as a whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_TIMINGS_FILE_H
#define TASK_TIMINGS_FILE_H

#include <stddef.h>
#include <time.h>

struct err;

#define TIMINGS_FILE_DIR "timings" /* in the cache directory */

enum {
	TIMINGS_FILE_NAME_BYTES = 48,
	TIMINGS_FILE_KEEP_DAYS = 90, /* one that no run has replaced for so long goes */
};

/* What it is called. Returns room. */
const char *
timings_file_name(char room[TIMINGS_FILE_NAME_BYTES], const char *project, const char *job);

/*
 * Remove those of the cache directory that were written before a time, and what was left half
 * written; *count says how many. A directory that is not there has none. Fails: ERR_HOST.
 */
int timings_file_sweep(const char *cache_dir, time_t before, size_t *count, struct err *err);

#endif
