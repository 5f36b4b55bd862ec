/*
 * aftermath.c - what tasks have left on this host that ended with it: cleared away at the next start.
 *
 * Which tasks there were is not known any more. A directory that nobody has changed since the host was started is
 * none of now's; the users of slots are nobody else's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/aftermath.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "agent/launcher.h"
#include "agent/task_struct.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/child.h"
#include "runner/launcher.h"

enum { LINE_BYTES = 4096, CLEAN_MS = 60000 };

/* Unix time in ms, by the line "btime" of proc(5)'s stat; 0: not known. */
static int64_t
boot_ms(const char *proc_dir)
{
	char *path = mem_printf("%s/stat", proc_dir), line[LINE_BYTES];
	FILE *file = fopen(path, "re");
	long long seconds = 0;

	while (file != NULL && seconds == 0 && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "btime %lld", &seconds) != 1)
			seconds = 0;
	if (file != NULL)
		(void)fclose(file);
	free(path);
	return seconds * 1000;
}

static void
clean_slot(struct launcher *launcher, uint32_t slot)
{
	struct child cleaner = CHILD_INIT;
	const struct launcher_child child = {&cleaner, NULL, NULL};
	struct err err = ERR_INIT;
	int status = 0, rc;

	rc = launcher_clean_slot(launcher, slot, &child, &err);
	if (rc == 0)
		rc = child_wait(&cleaner, CLEAN_MS, &status, &err);
	if (rc < 0)
		log_warn("what tasks of user %u have left is not cleaned away: %s",
			 (unsigned)launcher_uid(launcher, slot), err.text);
	else if (status != 0)
		log_warn("what tasks of user %u have left could not be cleaned away",
			 (unsigned)launcher_uid(launcher, slot));
}

void
aftermath_clear(struct tasks *tasks)
{
	struct launcher *launcher = tasks->settings.launcher;
	unsigned count = 0;
	uint32_t i;

	if (!tasks->settings.keep_work)
		count = work_dirs_sweep(&tasks->work_dirs, boot_ms(tasks->settings.proc_dir));
	if (count > 0)
		log_info("removing the work directories of %u tasks that ended with the host", count);
	for (i = 0; launcher != NULL && i < launcher_slots(launcher); i++)
		clean_slot(launcher, i);
}
