/*
 * task_timings.c - the times of a job's tests that an earlier run on this machine has left.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdlib.h>

#include "agent/task_struct.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "task/task_doc.h"
#include "task/timings_file.h"

int
task_open_timings(const struct task *task)
{
	char name[TIMINGS_FILE_NAME_BYTES];
	const char *dir = task->tasks->settings.cache_dir;
	LOCAL_FREE char *path = NULL;

	if (dir == NULL || task->doc == NULL)
		return -1;
	path = mem_printf("%s/" TIMINGS_FILE_DIR "/%s", dir,
			  timings_file_name(name, task->doc->project_slug, task->doc->job_name));
	return open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}
