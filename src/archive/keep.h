/*
 * keep.h - an archive that comes from the hub, into its file: for the agent, outside of any job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_KEEP_H
#define ARCHIVE_KEEP_H

struct err;

/*
 * Write what standard input brings to standard output, from where it is on: size bytes (in digits)
 * with that digest. Fails: ERR_INPUT when it is something else; ERR_HOST, ERR_LIMIT (the disk is
 * full).
 */
int keep(const char *digest, const char *size, struct err *err);

#endif
