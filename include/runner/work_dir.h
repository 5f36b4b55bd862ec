/*
 * work_dir.h - what every task's work directory begins with, whoever makes it.
 *
 * Below <work>/<task id>, in the order of their making: what is in a directory comes after it.
 * runnerd makes it for tasks that have its user (agent/skeleton.c), runner-launcher for those that have their
 * slot's (launcher/place.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUNNER_WORK_DIR_H
#define RUNNER_WORK_DIR_H

#include <sys/stat.h>

/* X(path, type and mode, entries that a directory begins with) */
#define WORK_DIR_PARTS(X)                                                                          \
	X("home", S_IFDIR | 0755, 1)                                                               \
	X("home/project", S_IFDIR | 0755, 0)                                                       \
	X("tmp", S_IFDIR | S_ISVTX | 0777, 0) /* what an isolated task sees as /tmp */             \
	X("bash_env", S_IFREG | 0644, 0)

#endif
