/*
 * checkout.h - the steps "checkout" and "add_ssh_keys": shell scripts that run inside the task.
 *
 * They are steps like any other: supervised, with output. What they are to do comes in
 * environment variables; nothing is spliced into their text (scripts/).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CHECKOUT_H
#define AGENT_CHECKOUT_H

struct arena;
struct env_layer;
struct err;
struct task_doc;
struct task_step;

/* /bin/sh -c SCRIPT NAME */
extern const char *const checkout_argv[], *const ssh_keys_argv[];

struct checkout_need {
	const struct task_doc *doc;
	const struct task_step *step; /* NULL: a mirror's update */
	const char *target;	      /* absolute; NULL where nothing is checked out */
	const char *mirror;	      /* NULL: none */
	const char *helper;	      /* path of circleci-agent; NULL: none */
	const char *known_hosts;      /* a file instead of the forges' keys we know; NULL: none */
};

/*
 * What the scripts read: RUNNER_CHECKOUT_*, and the keys for the repository's host; for
 * add_ssh_keys those with its fingerprints. Fails: ERR_LIMIT when the arena is full.
 */
int checkout_environment(struct env_layer *out, struct arena *arena,
			 const struct checkout_need *need, struct err *err);

/* RUNNER_GIT_TOKEN and RUNNER_GIT_USER of the document's variables, for git outside of the task. */
int checkout_token(struct env_layer *out, struct arena *arena, const struct task_doc *doc,
		   struct err *err);

#endif
