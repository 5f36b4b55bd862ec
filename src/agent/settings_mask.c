/*
 * settings_mask.c - values that no task's output shows, from a file.
 *
 * A value a line, as it is but for the line's end; empty lines are passed over. What is read
 * never reaches the log.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/settings.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"

static int
read_file(struct settings *settings, struct err *err)
{
	const char *path = settings->mask_file;
	LOCAL_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return err_sys(err, "cannot open mask file '%s'", path);
	settings->mask_text = MEM_NEW_ARRAY(char, SETTINGS_MASK_FILE_BYTES + 1);
	while ((n = read(fd, settings->mask_text + len, SETTINGS_MASK_FILE_BYTES - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return err_sys(err, "cannot read mask file '%s'", path);
	if (len == SETTINGS_MASK_FILE_BYTES)
		return err_set(err, ERR_LIMIT, "mask file '%s' has %zu bytes or more", path, len);
	if (memchr(settings->mask_text, '\0', len) != NULL)
		return err_set(err, ERR_INPUT, "mask file '%s' has a NUL byte in it", path);
	return 0;
}

int
settings_read_mask(struct settings *settings, struct err *err)
{
	size_t count = 0, room = 16;
	char *line, *rest = NULL;

	if (settings->mask_file == NULL)
		return 0;
	if (read_file(settings, err) < 0)
		return err->code;
	settings->mask = MEM_NEW_ARRAY(const char *, room);
	for (line = strtok_r(settings->mask_text, "\r\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\r\n", &rest)) {
		if (count + 1 == room)
			settings->mask = mem_resize(settings->mask, room *= 2, sizeof(char *));
		settings->mask[count++] = line;
		settings->mask[count] = NULL;
	}
	return 0;
}

void
settings_forget_mask(struct settings *settings)
{
	if (settings->mask_text != NULL)
		explicit_bzero(settings->mask_text, SETTINGS_MASK_FILE_BYTES);
	free(settings->mask_text);
	free(settings->mask);
	settings->mask_text = NULL;
	settings->mask = NULL;
}
