/*
 * request.h - is what runnerd asks something that the launcher does?
 *
 * Nothing of a request is used before request_check() has found it good: every number is in its
 * range, and what the verb does not use is 0.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LAUNCHER_REQUEST_H
#define LAUNCHER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/launcher.h"

/* bytes[0..len) came with fd_count descriptors. False: *out means nothing. */
bool request_check(struct launcher_request *out, const void *bytes, size_t len, size_t fd_count,
		    uint32_t slots);

#endif
