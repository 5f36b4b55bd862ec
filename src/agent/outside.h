/*
 * outside.h - what a task with a network of its own needs of this host to reach the outside.
 *
 * runner-init does it (supervisor/network.h); here is what it is told: where pasta(1) is, and which
 * resolver the task asks, since one on this host's loopback is not there for it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_OUTSIDE_H
#define AGENT_OUTSIDE_H

#include <arpa/inet.h>
#include <stdbool.h>

struct buffer;
struct err;

/* Where it is, or NULL. Static. */
const char *outside_pasta(void);

struct resolver {
	char address[INET_ADDRSTRLEN]; /* of this host; "": none that the task could not reach */
	char gateway[INET_ADDRSTRLEN]; /* who stands in for it: pasta answers in no other's name */
	char *path; /* what the task has as /etc/resolv.conf; NULL: the host's own */
};

/*
 * text is a resolv.conf(5). Where it names addresses of this host write to out what a task can use
 * instead: resolver->gateway for the first that is of IPv4, which is put into resolver->address.
 * False when it names none, and out is of no use.
 */
bool resolver_translate(struct resolver *resolver, const char *text, struct buffer *out);

/* Of the first default route in text, which is a /proc/net/route (proc(5)). False: it has none. */
bool resolver_read_gateway(struct resolver *resolver, const char *text);

/*
 * What a task in this directory, which is made, uses. resolver->path is freed by
 * resolver_release(). Fails: ERR_HOST.
 */
int resolver_find(struct resolver *resolver, const char *dir, struct err *err);
void resolver_release(struct resolver *resolver);

#endif
