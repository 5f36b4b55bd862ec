/*
 * shelter.h - what a task may see of its host: a list that runnerd writes and runner-init makes true.
 *
 * A sealed memfd, SHELTER_FD, with --shelter (doc/supervisor-messages.md, "Shelter of a
 * task"). runner-init knows no users, classes or settings: it is given paths and does row by row
 * what is said of them, before any step runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUNNER_SHELTER_H
#define RUNNER_SHELTER_H

enum {
	SHELTER_FD = 5,
	SHELTER_VERSION = 3, /* 2 has nothing behind LOOPBACK */
	SHELTER_VERSION_OLDEST = 1, /* without a row's size */
	SHELTER_MOST_BYTES = 256 * 1024,
	SHELTER_ROWS_MOST = 128,
	SHELTER_PATH_BYTES = 4096, /* PATH_MAX, with its NUL */
	SHELTER_PATHS_MOST = 3,	   /* of one row */
};

/* X(NAME, name, number of paths) */
#define SHELTER_KINDS(X)                                                                           \
	X(HIDE, hide, 1)		  /* nothing is there any more */                          \
	X(SHOW, show, 1)		  /* it is there all the same: what lay there before row 0 */ \
	X(READ_ONLY, read_only, 1)	  /* it cannot be written */                               \
	X(BIND, bind, 2)		  /* what lies at the second path is seen at the first */  \
	X(MEMORY, memory, 1)		  /* an empty tmpfs that everybody may write to, of its size */ \
	X(TERMINALS, terminals, 1)	  /* a devpts of its own */                                \
	X(QUEUES, queues, 1)		  /* the message queues of its own IPC namespace */        \
	X(OVERLAY, overlay, 3)		  /* the first as it is; changes go to the second; third: work */ \
	X(LOOPBACK, loopback, 0)	  /* the loopback interface is up */                       \
	X(OUTSIDE, outside, 3)		  /* a network that pasta, the first, joins to the host's; */ \
					  /* the second is "/" and a resolver's address, or "/", */ \
					  /* who is found at that of the third */                  \
	X(NO_METADATA, no_metadata, 0)	  /* no way to where clouds hand out credentials */

enum shelter_kind {
#define X(NAME, name, paths) SHELTER_##NAME,
	SHELTER_KINDS(X)
#undef X
		SHELTER_KIND_COUNT,
};

/* Of a row. */
enum shelter_row_flag {
	SHELTER_ROW_READ_ONLY = 1 << 0, /* SHOW: and cannot be written */
	SHELTER_ROW_OPTIONAL = 1 << 1,	/* where it cannot be done the task runs all the same */
	SHELTER_ROW_FLAGS_ALL = (1 << 2) - 1,
};

/* Of the whole. */
enum shelter_flag {
	SHELTER_BOUNDS_ROOT = 1 << 0, /* what a step that is root can gain is bounded, too */
	SHELTER_FLAGS_ALL = (1 << 1) - 1,
};

#endif
