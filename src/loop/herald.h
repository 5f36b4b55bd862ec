/*
 * herald.h - tells the service manager how this program is: systemd's, by sd_notify(3).
 *
 * herald_new() first -> herald_ready() when everything works -> herald_free(). A manager that starts a unit of
 * Type=notify names a socket in $NOTIFY_SOCKET: a path, or "@" and an abstract name; what is told are datagrams of
 * lines NAME=VALUE. Where none is named there is no herald, and every call is fine with NULL.
 *
 * With WatchdogSec= in the unit ($WATCHDOG_USEC) a turn of the loop says that it turns, at half of that
 * time: a loop that hangs is told by silence.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_HERALD_H
#define LOOP_HERALD_H

struct herald;
struct loop;

enum {
	HERALD_STATUS_BYTES = 256,
	HERALD_STATUS_MS = 1000, /* at least, from one sentence to the next */
};

/* One line on how things are, for people ("systemctl status"); asked when it is about to be told. */
typedef void herald_status_fn(void *arg, char room[HERALD_STATUS_BYTES]);

/*
 * NULL when nobody wants to hear of us, also where the socket has a name that cannot be (the log says so). Takes the
 * variables out of the environment: no child of ours speaks for us.
 */
struct herald *herald_new(struct loop *loop, herald_status_fn *status, void *arg);
void herald_free(struct herald *herald);

/* Started, or done with what herald_reloading() began; with the first sentence. */
void herald_ready(struct herald *herald);
void herald_reloading(struct herald *herald);
/* The loop has ended: what is left takes no time. */
void herald_stopping(struct herald *herald);
/* The sentence may be another now: it is asked for soon, and told if it is. */
void herald_want_status(struct herald *herald);

#endif
