/*
 * settings.c - fuzz target: runnerd.yaml, and a file of CircleCI's machine runner in its place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/settings.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static int64_t
no_time(void)
{
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	int fd = memfd_create("settings", MFD_CLOEXEC);
	char name[] = "runnerd", check[] = "--check", config[] = "-c", path[40];
	char *argv[] = {name, check, config, path, NULL};
	struct settings settings;
	struct err err = ERR_INIT;

	log_setup(LOG_ERROR, false, no_time); /* a warning for each key without a counterpart */
	assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (settings_load(&settings, 4, argv, &err) == 0)
		settings_release(&settings);
	else
		assert(err.text[0] != '\0');
	(void)close(fd);
	return 0;
}
