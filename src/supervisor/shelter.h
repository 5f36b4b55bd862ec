/*
 * shelter.h - what runner-init makes of the place it was started in, before any step runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_SHELTER_H
#define SUPERVISOR_SHELTER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * As PID 1: mounts of its own and a /proc of its own; read_only (NULL: none) cannot be written in
 * them, where the kernel allows that. Else: a subreaper. Then the out-of-memory
 * score, no dumps, default signals, no capability that a step could inherit. stays: we are the same
 * user from here on; who becomes another could not take protection from a step any more, and has none.
 * Returns enum hello_flag bits of what could be had; what the kernel refused is a missing bit.
 */
uint32_t shelter_make(const char *read_only, bool stays);

#endif
