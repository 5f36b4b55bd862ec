/*
 * listener.h - a socket that waits for clients.
 *
 * listener_open() binds and listens at once, before there is a loop, so that a program
 * can say "ready" or fork with the address already taken. http_server_listen() takes
 * it over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_LISTENER_H
#define HTTP_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct listener;
struct loop;

enum { LISTENER_TEXT_BYTES = 128, LISTENER_BACKLOG = 1024 };

/*
 * address: "unix:PATH" (mode 0600; a socket file that nobody listens on is replaced),
 * "ADDRESS:PORT", "[IPV6]:PORT", "localhost:PORT", "*:PORT" (every address). Port 0 picks a free
 * one. Fails: ERR_INPUT (not such a form), ERR_HOST (address in use, permission).
 */
int listener_open(struct listener **out, const char *address, struct err *err);

/* Closes; removes the socket file if it is still ours. NULL is fine. */
void listener_free(struct listener *listener);

bool listener_is_unix(const struct listener *listener);
/* Not a loopback address and not a Unix socket. */
bool listener_is_public(const struct listener *listener);
/* The port bound, 0 for a Unix socket. */
uint16_t listener_port(const struct listener *listener);
/* "unix:/run/hub.sock", "127.0.0.1:8080": as bound. */
const char *listener_text(const struct listener *listener);

/* fd is non-blocking, close-on-exec and the callee's. */
typedef void listener_accept_fn(void *arg, int fd);

/* The listening descriptor: for who accepts by other means than listener_start(). Borrowed. */
int listener_fd(const struct listener *listener);

/* Accept in the loop; when descriptors run out it pauses and says so in the log. Fails: ERR_HOST.
 */
int listener_start(struct listener *listener, struct loop *loop, listener_accept_fn *fn, void *arg,
		   struct err *err);
void listener_stop(struct listener *listener);

#endif
