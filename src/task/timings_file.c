/*
 * timings_file.c - how long the tests of a job took, kept between runs on one machine.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/timings_file.h"

#include <stdio.h>

#include "base/buffer.h"
#include "format/digest.h"

enum { NAME_DIGITS = 40 };

const char *
timings_file_name(char room[TIMINGS_FILE_NAME_BYTES], const char *project, const char *job)
{
	struct buffer both = BUFFER_INIT;
	char digest[DIGEST_TEXT_BYTES];

	buffer_printf(&both, "%s\n%s", project, job);
	(void)digest_sha256_hex(digest, both.data, both.len);
	buffer_release(&both);
	(void)snprintf(room, TIMINGS_FILE_NAME_BYTES, "%.*s.tsv", NAME_DIGITS, digest);
	return room;
}
