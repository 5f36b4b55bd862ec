/*
 * journal.c - init.log: what ended.
 *
 * Each record has its place by number, so a write that the disk cut short is
 * overwritten by the next one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/record.h"

int
journal_open(struct journal *journal, int dir_fd)
{
	struct stat status;

	journal->fd = openat(dir_fd, SUPERVISOR_LOG_NAME,
			     O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (journal->fd < 0 || fstat(journal->fd, &status) != 0)
		return errno;
	journal->sequence = (uint32_t)(status.st_size / RECORD_BYTES);
	return 0;
}

int
journal_append(struct journal *journal, struct record *record)
{
	uint8_t bytes[RECORD_BYTES];
	ssize_t n;

	record->sequence = journal->sequence;
	record_pack(bytes, record);
	n = pwrite(journal->fd, bytes, sizeof(bytes), (off_t)journal->sequence * RECORD_BYTES);
	if (n < 0)
		return errno;
	if (n != RECORD_BYTES)
		return ENOSPC;
	journal->sequence++;
	return 0;
}
