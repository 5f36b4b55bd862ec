/*
 * place.h - the work directory of a task, named by its id below LAUNCHER_WORK_FD.
 *
 * It belongs to the slot's user and to runnerd's group, and nobody else gets in; what it begins with
 * is the same as agent/skeleton.h makes where there is no launcher. No name in it is followed: each
 * is made, or opened, below the descriptor of its parent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LAUNCHER_PLACE_H
#define LAUNCHER_PLACE_H

#include <stdint.h>
#include <sys/types.h>

#include "launcher/ground.h"
#include "runner/launcher.h"

/*
 * What the request names, held to its disk where it says one. *sys: errno of what failed. One that is there
 * already, and the slot's, is no error.
 */
enum launcher_fault place_make(const struct ground *ground, const struct launcher_request *request,
			       int *sys);

/* From its slot to runnerd's user. One that is not there is no error. */
enum launcher_fault place_keep(const struct ground *ground,
			       const uint8_t task[LAUNCHER_TASK_BYTES], int *sys);

/* Closed to its slot, then executes rm(1): for a process that ends with it. */
_Noreturn void place_remove(const uint8_t task[LAUNCHER_TASK_BYTES]);

/*
 * In a mount namespace of its own, before the exec: /etc/passwd has a line for the task's user there,
 * since ssh(1) and others do nothing for a user without one. A wish.
 */
void place_name(const struct ground *ground, const uint8_t task[LAUNCHER_TASK_BYTES]);

#endif
