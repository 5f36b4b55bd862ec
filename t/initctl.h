/*
 * initctl.h - the parts of initctl: its connection, and how it starts a step.
 *
 * A test driver: whatever goes wrong ends it with a line on standard output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef T_INITCTL_H
#define T_INITCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/child.h"
#include "wire/message.h"

enum { WORDS_MOST = 256, STEPS_MOST = 2048, WAIT_MS = 60000 };

/* What we hold of a step; 0: nothing. */
struct held {
	int pipe_fd, memfd;
};

/* All there is. */
struct initctl {
	const char *dir;
	struct loop *loop;
	struct child child;
	int fd; /* connection, or -1 */
	struct held held[STEPS_MOST];
	unsigned seen[32][STEPS_MOST]; /* messages not yet waited for, by type and step */
};

extern struct initctl ctl;

/* --- initctl_link.c ---------------------------------------------------------------- */

_Noreturn void fail(const char *what); /* with errno; exit status 3 */
uint64_t number(const char *text);
unsigned step_number(const char *text);
const struct message_kind *kind_named(const char *name);

/* Take and print (not when quiet) one message, or the end; false when nothing came in time. */
bool receive(int timeout_ms, bool quiet);
/* Until so many of these have come that nobody has waited for; else exit status 1. */
void wait_seen(enum message_type type, unsigned step, unsigned times, bool quiet);
void send_bytes(const void *bytes, size_t len, const int *fds, size_t count);
void send_message(const struct message *message, const int *fds, size_t count);

/* --- initctl_start.c --------------------------------------------------------------- */

/* words: [KEY=VALUE...] -- PROGRAM [ARG...] */
void start_step(unsigned step, char **words);

#endif
