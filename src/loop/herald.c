/*
 * herald.c - tells the service manager how this program is: systemd's, by sd_notify(3).
 *
 * A datagram that finds the manager's queue full is sent again a little later. What it says is made anew
 * then: the last word counts, not each one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop/herald.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/clock.h"
#include "loop/loop.h"

enum { HERALD_MAGIC = 0x4e7a1d05, AGAIN_MS = 50, LINES_BYTES = HERALD_STATUS_BYTES + 128 };

struct herald {
	uint32_t magic;
	struct loop *loop;
	herald_status_fn *status;
	void *arg;
	struct sockaddr_un to;
	socklen_t to_len;
	int fd;
	bool ready;
	const char *owed; /* "READY=1": what the manager does not know yet; NULL: nothing */
	struct timer tell, watchdog;
	uint64_t watchdog_us; /* 0: nobody waits for it */
	uint64_t told_us; /* when the sentence was told */
	char told[HERALD_STATUS_BYTES];
};

/* --- telling ------------------------------------------------------------------------------------ */

/* False when there is no room now. Any other failure is the manager's, who is not there. */
static bool
send_lines(struct herald *herald, const char *lines, size_t len)
{
	ssize_t n;

	do
		n = sendto(herald->fd, lines, len, MSG_NOSIGNAL | MSG_DONTWAIT,
			   (const struct sockaddr *)&herald->to, herald->to_len);
	while (n < 0 && errno == EINTR);
	if (n >= 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
		return n >= 0;
	log_debug("the service manager does not hear: %s", strerror(errno));
	return true;
}

/* The sentence, where it is another, and what is owed. */
static void
tell(struct herald *herald)
{
	char status[HERALD_STATUS_BYTES] = "", lines[LINES_BYTES];
	size_t used = 0;
	char *line_end;

	herald->status(herald->arg, status);
	status[text_utf8_prefix(status, strlen(status))] = '\0'; /* or the manager takes none of it */
	while ((line_end = strchr(status, '\n')) != NULL)
		*line_end = ' ';
	if (herald->owed == NULL && text_eq(status, herald->told))
		return;
	if (herald->owed != NULL)
		used += (size_t)snprintf(lines, sizeof(lines), "%s\n", herald->owed);
	if (herald->owed != NULL && text_eq(herald->owed, "RELOADING=1"))
		used += (size_t)snprintf(lines + used, sizeof(lines) - used, "MONOTONIC_USEC=%" PRIu64 "\n", clock_monotonic_us());
	used += (size_t)snprintf(lines + used, sizeof(lines) - used, "STATUS=%s\n", status);
	if (!send_lines(herald, lines, used)) {
		timer_start_ms(&herald->tell, AGAIN_MS);
		return;
	}
	herald->owed = NULL;
	herald->told_us = loop_now_us(herald->loop);
	memcpy(herald->told, status, sizeof(status));
}

static void
on_tell(void *arg)
{
	struct herald *herald = arg;

	OBJ_CHECK(herald, HERALD_MAGIC);
	tell(herald);
}

static void
on_watchdog(void *arg)
{
	static const char word[] = "WATCHDOG=1\n";
	struct herald *herald = arg;
	bool sent;

	OBJ_CHECK(herald, HERALD_MAGIC);
	sent = send_lines(herald, word, sizeof(word) - 1);
	timer_start_us(&herald->watchdog, sent ? herald->watchdog_us / 2 : AGAIN_MS * 1000);
}

static void
owe(struct herald *herald, const char *what)
{
	herald->owed = what;
	timer_stop(&herald->tell);
	tell(herald);
}

/* --- life --------------------------------------------------------------------------------------- */

/* A variable that is ours alone; the caller frees it. */
static char *
take_variable(const char *name)
{
	const char *value = getenv(name);
	char *copy = value != NULL ? mem_strdup(value) : NULL;

	(void)unsetenv(name);
	return copy;
}

/* False when it is no name of a socket. */
static bool
set_address(struct herald *herald, const char *name)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(herald->to.sun_path))
		return false;
	herald->to.sun_family = AF_UNIX;
	memcpy(herald->to.sun_path, name, len);
	if (name[0] == '@')
		herald->to.sun_path[0] = '\0';
	/* Every byte of an abstract name counts; a path has an end. */
	herald->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
	return true;
}

/* Half of it is ours to come; $WATCHDOG_PID says whom it is meant for. */
static void
set_watchdog(struct herald *herald)
{
	char *usec = take_variable("WATCHDOG_USEC"), *pid = take_variable("WATCHDOG_PID");
	struct err err = ERR_INIT;
	uint64_t us = 0, who = (uint64_t)getpid();

	if (usec != NULL && text_parse_u64(usec, UINT64_MAX / 2, &us, &err) < 0)
		log_warn("$WATCHDOG_USEC: %s", err.text);
	else if (pid != NULL && text_parse_u64(pid, UINT32_MAX, &who, &err) < 0)
		log_warn("$WATCHDOG_PID: %s", err.text);
	else if (who == (uint64_t)getpid())
		herald->watchdog_us = us;
	free(usec);
	free(pid);
	if (herald->watchdog_us > 0)
		timer_start_us(&herald->watchdog, herald->watchdog_us / 2);
}

struct herald *
herald_new(struct loop *loop, herald_status_fn *status, void *arg)
{
	char *name = take_variable("NOTIFY_SOCKET");
	struct herald *herald;

	if (name == NULL || name[0] == '\0') {
		free(name);
		return NULL;
	}
	herald = MEM_NEW(struct herald);
	*herald = (struct herald){.magic = HERALD_MAGIC, .loop = loop, .status = status, .arg = arg};
	herald->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (herald->fd < 0 || !set_address(herald, name)) {
		log_warn("the service manager is told nothing: $NOTIFY_SOCKET is '%s'", name);
		herald_free(herald);
		herald = NULL;
	} else {
		timer_init(&herald->tell, loop, on_tell, herald);
		timer_init(&herald->watchdog, loop, on_watchdog, herald);
		set_watchdog(herald);
	}
	free(name);
	return herald;
}

void
herald_free(struct herald *herald)
{
	if (herald == NULL)
		return;
	OBJ_CHECK(herald, HERALD_MAGIC);
	timer_release(&herald->tell);
	timer_release(&herald->watchdog);
	if (herald->fd >= 0)
		(void)close(herald->fd);
	OBJ_WIPE(herald);
	free(herald);
}

/* --- verbs -------------------------------------------------------------------------------------- */

void
herald_ready(struct herald *herald)
{
	if (herald == NULL)
		return;
	OBJ_CHECK(herald, HERALD_MAGIC);
	herald->ready = true;
	owe(herald, "READY=1");
}

void
herald_reloading(struct herald *herald)
{
	if (herald == NULL)
		return;
	OBJ_CHECK(herald, HERALD_MAGIC);
	owe(herald, "RELOADING=1");
}

void
herald_stopping(struct herald *herald)
{
	if (herald == NULL)
		return;
	OBJ_CHECK(herald, HERALD_MAGIC);
	herald->ready = false;
	owe(herald, "STOPPING=1");
}

void
herald_want_status(struct herald *herald)
{
	uint64_t now_us, next_us;

	if (herald == NULL || !herald->ready || timer_is_on(&herald->tell))
		return;
	OBJ_CHECK(herald, HERALD_MAGIC);
	now_us = loop_now_us(herald->loop);
	next_us = herald->told_us + HERALD_STATUS_MS * 1000ull;
	timer_start_us(&herald->tell, next_us > now_us ? next_us - now_us : 0);
}
