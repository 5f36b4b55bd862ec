/*
 * exit.h - exit statuses of all four programs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUNNER_EXIT_H
#define RUNNER_EXIT_H

enum {
	EXIT_OK = 0,
	EXIT_NO = 1,	      /* the thing asked about failed: a job is red, a config is wrong */
	EXIT_USAGE = 2,	      /* wrong usage */
	EXIT_REFUSED = 3,     /* could not ask: hub, network, permission, host */
	EXIT_BUG = 70,	      /* our own bug */
	EXIT_INTERRUPTED = 130, /* by SIGINT */
	EXIT_TERMINATED = 143,	/* by SIGTERM */
};

#endif
