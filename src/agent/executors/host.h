/*
 * host.h - the executor that starts runner-init on this host, best isolation first.
 *
 * A PID namespace, as root; a PID namespace in a user namespace; else runner-init is a
 * subreaper. What works is found out by the first start, or by host_executor_probe().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_EXECUTORS_HOST_H
#define AGENT_EXECUTORS_HOST_H

struct err;
struct executor;
struct loop;

/*
 * isolation is "auto", "namespace" (a PID namespace, in a user namespace where the host wants that)
 * or "none" (subreaper). NULL: "auto". read_only, borrowed, is a directory that tasks may not change (where
 * they have mounts of their own); NULL: none. Fails: ERR_INPUT for another word; ERR_HOST when there is no
 * runner-init.
 */
int host_executor_new(struct executor **out, const char *isolation, const char *read_only,
		      struct err *err);

/*
 * Find out now what this host allows: starts runner-init without a task, which ends at once.
 * Fails: ERR_HOST when not even the last kind works.
 */
int host_executor_probe(struct executor *executor, struct loop *loop, struct err *err);

#endif
