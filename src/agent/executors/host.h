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

#include <stdbool.h>

struct err;
struct executor;
struct loop;

/*
 * isolation is "auto", "namespace" (PID, mount, IPC and UTS namespaces, in a user namespace where the host wants
 * that) or "none" (subreaper). NULL: "auto". Fails: ERR_INPUT for another word; ERR_HOST when there
 * is no runner-init.
 */
int host_executor_new(struct executor **out, const char *isolation, struct err *err);

/*
 * Find out now what this host allows: runner-init tries the shelter (borrowed; -1: only namespaces) and ends. Waits
 * for it. Fails: ERR_HOST when not even the last kind works, with what is missing and a hint.
 */
int host_executor_probe(struct executor *executor, struct loop *loop, int shelter_fd,
			bool has_network, struct err *err);

#endif
