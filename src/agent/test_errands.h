/*
 * test_errands.h - tests on their way between a job's steps and the hub.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_TEST_ERRANDS_H
#define AGENT_TEST_ERRANDS_H

struct errand_kind;

/* CONTROL_VERB_TESTS_STORE, _TIMINGS and _FAILED. The task's token proves whose they are. */
extern const struct errand_kind tests_store_errand, tests_timings_errand, tests_failed_errand;

#endif
