/*
 * control.h - the socket at which processes of jobs ask for something (runner/control.h).
 *
 * One for all tasks of the host, so that a task costs nothing that never asks: the kernel says
 * which process has connected. A connection is one request and one answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CONTROL_H
#define AGENT_CONTROL_H

#include <stddef.h>
#include <sys/types.h>

#include "loop/loop.h"
#include "runner/control.h"

struct control;
struct err;

/* Write the answer to reply. value is not terminated, and may hold any bytes. */
typedef void control_fn(void *arg, pid_t pid, const char *verb, const unsigned char *value,
			size_t len, char reply[CONTROL_REPLY_MOST_BYTES]);

/* Bind in dir (absolute, of descriptor dir_fd), in the place of what lies there. Fails: ERR_HOST.
 */
int control_new(struct control **out, struct loop *loop, const char *dir, int dir_fd,
		control_fn *fn, void *arg, struct err *err);
void control_free(struct control *control); /* NULL is fine */

const char *control_path(const struct control *control);

#endif
