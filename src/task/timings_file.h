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

#define TIMINGS_FILE_DIR "timings" /* in the cache directory */

enum { TIMINGS_FILE_NAME_BYTES = 48 };

/* What it is called. Returns room. */
const char *
timings_file_name(char room[TIMINGS_FILE_NAME_BYTES], const char *project, const char *job);

#endif
