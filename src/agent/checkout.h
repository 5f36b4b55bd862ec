/*
 * checkout.h - the checkout step: a shell script that runs inside the task.
 *
 * It is a step like any other: supervised, with output. What it is to do comes in
 * environment variables; nothing is spliced into its text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CHECKOUT_H
#define AGENT_CHECKOUT_H

struct arena;
struct env_layer;
struct err;
struct task_source;

/* /bin/sh -c SCRIPT checkout */
extern const char *const checkout_argv[];

/*
 * What the script reads: RUNNER_CHECKOUT_*. target is absolute.
 * Fails: ERR_LIMIT when the arena is full.
 */
int checkout_environment(struct env_layer *out, struct arena *arena,
			 const struct task_source *source, const char *target, struct err *err);

#endif
