/*
 * artifacts.h - the step store_artifacts, from within the job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_ARTIFACTS_H
#define ARCHIVE_ARTIFACTS_H

struct err;

/*
 * Send the file, or all files below the directory, to the hub; where there is nothing that is a
 * warning. Their names begin with destination, or with the absolute path without its first slash
 * where that is "". Fails when one of them could not be kept, all others are; ERR_AGAIN when the
 * agent does not answer.
 */
int artifacts_store(const char *path, const char *destination, struct err *err);

#endif
