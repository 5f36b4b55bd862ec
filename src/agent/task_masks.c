/*
 * task_masks.c - values that a task's own processes want masked, kept over a restart of runnerd.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/task_masks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "agent/state_dir.h"
#include "agent/state_version.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "runner/control.h"
#include "runner/state_dir.h"
#include "task/mask.h"
#include "wire/bytes.h"

enum { FILE_MOST_BYTES = 2 * CONTROL_VALUE_MOST_BYTES };

static void
put32(struct buffer *out, uint32_t value)
{
	uint8_t room[4];

	bytes_put(room, value, 4);
	buffer_putn(out, room, sizeof(room));
}

int
task_masks_append(int dir_fd, const void *value, size_t len, size_t *total, struct err *err)
{
	LOCAL_FD fd =
		openat(dir_fd, STATE_MASKS_NAME, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct buffer record = BUFFER_INIT;
	ssize_t n;
	int rc = 0;

	if (fd < 0)
		return err_sys(err, "cannot open the task's masks");
	if (*total + len + MASKS_RECORD_BYTES > FILE_MOST_BYTES - MASKS_HEAD_BYTES)
		return err_set(err, ERR_LIMIT, "the task has added more than %d bytes to mask",
			       CONTROL_VALUE_MOST_BYTES);
	if (*total == 0) {
		put32(&record, MASKS_MAGIC);
		put32(&record, MASKS_VERSION);
	}
	put32(&record, (uint32_t)len);
	put32(&record, crc32c(0, value, len));
	buffer_putn(&record, value, len);
	n = write(fd, record.data, record.len);
	if (n == (ssize_t)record.len) {
		*total += record.len;
	} else {
		if (n >= 0)
			errno = ENOSPC; /* a part was written: errno says nothing */
		rc = err_sys(err, "cannot write the task's masks");
		if (n > 0 && ftruncate(fd, (off_t)*total) != 0)
			rc = err_wrap(err, "and cannot cut off what was written");
	}
	buffer_release(&record);
	return rc;
}

/* Length of the whole records. */
static size_t
add_records(struct mask *mask, const struct buffer *bytes, struct err *err)
{
	size_t at = MASKS_HEAD_BYTES, len;

	for (; at + MASKS_RECORD_BYTES <= bytes->len; at += MASKS_RECORD_BYTES + len) {
		const uint8_t *record = bytes->data + at;

		len = (size_t)bytes_get(record, 4);
		if (len > bytes->len - at - MASKS_RECORD_BYTES ||
		    bytes_get(record + 4, 4) != crc32c(0, record + MASKS_RECORD_BYTES, len))
			break;
		/* One that was refused for its size is here too, and is refused again. */
		(void)mask_add(mask, record + MASKS_RECORD_BYTES, len, err);
	}
	return at;
}

static int
recover(int dir_fd, struct mask *mask, const struct buffer *bytes, size_t *total, struct err *err)
{
	struct err refused = ERR_INIT;
	LOCAL_FD fd = -1;

	if (bytes->len >= MASKS_HEAD_BYTES) {
		if (bytes_get(bytes->data, 4) != MASKS_MAGIC)
			return err_set(err, ERR_INPUT, "the task's masks cannot be read");
		if (state_version_check(STATE_MASKS_NAME, bytes_get(bytes->data + 4, 4), MASKS_VERSION, err) < 0)
			return err->code;
		*total = add_records(mask, bytes, &refused);
	}
	if (*total == bytes->len)
		return 0;
	fd = openat(dir_fd, STATE_MASKS_NAME, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)*total) != 0)
		return err_sys(err, "cannot cut off what was written of the task's masks");
	return 0;
}

int
task_masks_recover(int dir_fd, struct mask *mask, size_t *total, struct err *err)
{
	struct buffer bytes = BUFFER_INIT;
	int rc;

	*total = 0;
	if (faccessat(dir_fd, STATE_MASKS_NAME, F_OK, 0) != 0)
		return 0;
	rc = state_dir_read(dir_fd, STATE_MASKS_NAME, FILE_MOST_BYTES, &bytes, err);
	if (rc == 0)
		rc = recover(dir_fd, mask, &bytes, total, err);
	buffer_release(&bytes);
	return rc;
}
