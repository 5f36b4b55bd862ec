/*
 * timings_file.c - how long the tests of a job took, kept between runs on one machine.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/timings_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
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

int
timings_file_sweep(const char *cache_dir, time_t before, size_t *count, struct err *err)
{
	LOCAL_FREE char *path = mem_printf("%s/" TIMINGS_FILE_DIR, cache_dir);
	DIR *dir = opendir(path);
	struct dirent *entry;
	struct stat st;
	int rc = 0;

	*count = 0;
	if (dir == NULL)
		return errno == ENOENT ? 0 : err_sys(err, "cannot read '%s'", path);
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode) || st.st_mtime >= before)
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			++*count;
		else if (errno != ENOENT)
			rc = err_sys(err, "cannot remove '%s/%s'", path, entry->d_name);
	}
	(void)closedir(dir);
	return rc;
}
