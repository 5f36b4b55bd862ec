/*
 * descent.h - which processes of the host come from runner-init, by /proc.
 *
 * For tasks without a PID namespace. A process whose parent ends becomes a child of
 * runner-init (a subreaper), so the chain of parents always leads here; it is cut
 * only while it is being looked at, and the next look finds it whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_DESCENT_H
#define SUPERVISOR_DESCENT_H

#include <stdbool.h>
#include <sys/types.h>

enum descent { DESCENT_NO, DESCENT_YES, DESCENT_UNKNOWN /* it or an ancestor ended meanwhile */ };

enum descent descent_of(pid_t pid);

/* What descent_signal() met. */
struct descent_count {
	unsigned signaled;
	unsigned refused; /* they belong to another user now */
};

/* Signal every descendant, by pidfd; TERM is followed by CONT, as a stopped process takes none. Returns 0, or the errno of reading /proc. */
int descent_signal(int signo, struct descent_count *count);

#endif
