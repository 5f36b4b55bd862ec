/*
 * points.h - the named points at which a program may be struck: its system calls, by what they do.
 *
 * A point is a call and the file, socket or kind of memory that it is made on; of the journal also
 * the record: that is a transition of a task. One table is all there is to a point: the programs
 * are those that are installed, and no call can be forgotten in them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FAULT_POINTS_H
#define FAULT_POINTS_H

#include <stdint.h>
#include <sys/types.h>

struct point {
	const char *program; /* that passes it: runnerd or runner-hub */
	const char *name;    /* several rows may have the same */
	long call;
	enum { ON_ANY, ON_FD, ON_PATH, ON_NEW_PATH } on; /* what target is compared with */
	const char *target; /* fnmatch(3) of the descriptor's link in /proc, or of the path */
	int record;	    /* of the journal; 0: any */
	const char *errors; /* that the call may return, at this point; comma separated */
};

extern const struct point points[];
extern const unsigned point_count;

/* The point that thread tid of the program passes with this call, or NULL; at its entry. */
const struct point *point_find(const char *program, pid_t tid, long call, const uint64_t args[6]);

/* Print program, name and errors of each, a line each. */
void points_print(void);

#endif
