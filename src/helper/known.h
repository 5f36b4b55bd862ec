/*
 * known.h - what the hub knows of the tests of this job, asked for through the agent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HELPER_KNOWN_H
#define HELPER_KNOWN_H

#include "helper/timings.h"

enum known {
	KNOWN_YES,
	KNOWN_NONE,   /* there are none; of failed tests: the job does not run for these alone */
	KNOWN_FAILED, /* nobody could be asked: it was said */
};

/* How long each took in the latest run that succeeded. timings_settle() is the caller's. */
enum known known_timings(struct timings *timings);

/* Those that failed in the attempt before, where the job runs again for these alone. */
enum known known_failed(struct timings *failed);

#endif
