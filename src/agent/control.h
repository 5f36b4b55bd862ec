/*
 * control.h - the socket at which processes of jobs ask for something (runner/control.h).
 *
 * One for all tasks of the host, so that a task costs nothing that never asks: the kernel says
 * which process has connected. A connection is one request and one answer. The answer may be held:
 * the process is told by control_answer(), or "wait" after CONTROL_HOLD_MS, and then asks again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CONTROL_H
#define AGENT_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "loop/loop.h"
#include "runner/control.h"

struct control;
struct err;

enum { CONTROL_HOLD_MS = 5000 };

/* Who waits for an answer. All zero: nobody. */
struct control_ticket {
	struct control *control;
	uint64_t peer;
};

/* What a process asks. value is not terminated, and may hold any bytes. */
struct control_request {
	pid_t pid;
	uid_t uid;
	const char *verb;
	const unsigned char *value;
	size_t len;
	int fd; /* that came along; borrowed; -1: none */
	struct control_ticket ticket; /* all zero where the answer cannot be held */
};

/* What it is told. */
struct control_reply {
	char text[CONTROL_REPLY_MOST_BYTES];
	int fd; /* goes along, and is closed then; -1: none */
	bool is_held; /* nothing is told yet: the request's ticket says whom later */
};

/* "no SENTENCE", cut where it is too long. */
void control_refuse(struct control_reply *reply, const char *sentence);

typedef void
control_fn(void *arg, const struct control_request *request, struct control_reply *reply);

/* Bind below dir (absolute, of descriptor dir_fd), in the place of what lies there. Fails: ERR_HOST.
 */
int control_new(struct control **out, struct loop *loop, const char *dir, int dir_fd,
		control_fn *fn, void *arg, struct err *err);
void control_free(struct control *control); /* NULL is fine */

/* Answer one whose answer was held, once. False, and the reply stays the caller's: it waits no longer. */
bool control_answer(const struct control_ticket *ticket, const struct control_reply *reply);

/*
 * One message at once, to a process of a job: its text, and fd along with it, which stays the caller's (-1: none). -1 with
 * errno where it does not take it.
 */
int control_send(int socket, const char *text, int fd);

const char *control_dir(const struct control *control); /* of nothing but the socket */
const char *control_path(const struct control *control);

/*
 * What came along with a request, if it cannot change and nothing has to wait for it: all of it, for munmap(); NULL of
 * nothing. Fails: ERR_INPUT, ERR_LIMIT (above most), ERR_HOST.
 */
int control_map_sealed(const struct control_request *request, size_t most, void **out, size_t *len,
		       struct err *err);

#endif
