/*
 * tunnel.h - through an HTTP proxy to a server (CONNECT, RFC 9110, 9.3.6).
 *
 * tunnel_start() with a descriptor connected to the proxy -> done() once with the
 * descriptor, now connected to the server; or tunnel_cancel() and never done().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_TUNNEL_H
#define HTTP_TUNNEL_H

#include <stdint.h>

struct err;
struct loop;
struct tunnel;
struct url;

enum { TUNNEL_REPLY_MAX_BYTES = 8 * 1024 };

/* fd is the callee's; -1 when err is not NULL. The handle is dead. */
typedef void tunnel_done_fn(void *arg, const struct err *err, int fd);

/*
 * Owns: fd, also on failure. Calls: done once, from the loop.
 * Fails: ERR_HOST when fd cannot be watched.
 */
int tunnel_start(struct tunnel **out, struct loop *loop, int fd, const struct url *server,
		 uint64_t timeout_ms, tunnel_done_fn *done, void *arg, struct err *err);
void tunnel_cancel(struct tunnel *tunnel); /* NULL is fine */

#endif
