/*
 * test_results.h - the step store_test_results, from within the job.
 *
 * JUnit files are read here, with the job's rights and not the agent's: what is wrong with one, or
 * made to be wrong, is this process's alone. What is found goes to the agent as lines of
 * task/test_case.h, in sealed memfds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_TEST_RESULTS_H
#define ARCHIVE_TEST_RESULTS_H

struct err;

enum {
	RESULT_FILES_MOST = 20000,
	RESULT_BYTES_MOST = 1 << 30, /* of all files */
	RESULT_DIRS_MOST = 64,	     /* deep */
};

/*
 * path is a file, or a directory of which every *.xml below is taken; no link is followed and no
 * hidden directory entered. What cannot be read is told to standard error, and the rest goes on; so
 * is, to standard output, how it went. Fails: ERR_AGAIN, ERR_HOST when the agent or the hub does
 * not take it; ERR_INPUT (path).
 */
int test_results_store(const char *path, struct err *err);

#endif
