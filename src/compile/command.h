/*
 * command.h - lists of steps: commands, when/unless, splices, built-in steps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_COMMAND_H
#define COMPILE_COMMAND_H

#include "compile/job.h"

/*
 * Append to build->job->steps what a list of steps (filled in) comes to. Names are looked
 * up in the list's own home where it has one (it came through a parameter), in home
 * otherwise.
 */
void steps_expand(struct compilation *c, struct job_build *build, const struct node *list,
		  const struct home *home);

#endif
