/*
 * dial.h - from a URL to a connected descriptor, without blocking.
 *
 * dial_start() -> done() once, or dial_cancel() and never done(). Numeric addresses
 * and /etc/hosts come first, then DNS (evdns, with /etc/resolv.conf read anew each
 * time). The addresses of a name are tried one after the other; the error is that of
 * the last.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_DIAL_H
#define HTTP_DIAL_H

#include <stdint.h>

struct dial;
struct err;
struct loop;
struct url;

enum { DIAL_ADDRESSES_MAX = 16 };

/* fd is non-blocking, close-on-exec and the callee's; -1 when err is not NULL. The handle is dead.
 */
typedef void dial_done_fn(void *arg, const struct err *err, int fd);

/*
 * bind_address: numeric, or NULL. timeout_ms: for everything together.
 * Calls: done once, from the loop. Fails: ERR_INPUT (bind_address).
 */
int
dial_start(struct dial **out, struct loop *loop, const struct url *url, const char *bind_address,
	   uint64_t timeout_ms, dial_done_fn *done, void *arg, struct err *err);
void dial_cancel(struct dial *dial); /* NULL is fine */

#endif
