/*
 * network.h - the network of a task that has one of its own, alone or with a way outside.
 *
 * Done before any step runs; no step has a capability over that network.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_NETWORK_H
#define SUPERVISOR_NETWORK_H

#include <stdbool.h>
#include <sys/types.h>

struct home;
struct shelter_row;

/* The loopback interface of the network that we are in is up. Returns 0 or an errno. */
int network_loopback(void);

/*
 * Leave the host's network for a new one that pasta(1) joins to it: what is sent there to other
 * hosts pasta sends for the task, as a process of the task's user outside. It is there when this
 * returns. row: an OUTSIDE one. user->uid: whom pasta is to be, where we are root. Its path is not
 * looked at. Returns 0 or an errno; ENETUNREACH: see network_said().
 */
int network_outside(const struct shelter_row *row, const struct home *user);

/* Why pasta did not begin: its last line, or "". */
const char *network_said(void);

/*
 * Behind network_outside(): the addresses where clouds hand out credentials are the task's own,
 * where nobody listens. A route that refuses them would not hold a socket that is bound to a
 * device. Returns 0 or an errno.
 */
int network_close_metadata(void);

/* Was it the way outside that has ended? Of a child that was waited for. */
bool network_lost(pid_t pid);

#endif
