/*
 * carrier.c - the channel on which a program in a job sends blobs: the agent's end.
 *
 * What is said on it is a job's word: a message that is none ends the channel. A program that does
 * not read its answers has its channel ended, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/carrier.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/control.h"
#include "agent/upload.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/digest.h"
#include "loop/loop.h"
#include "runner/carrier.h"
#include "task/blob.h"

enum { MESSAGES_A_TURN = 32 };

struct cargo {
	struct carrier *carrier;
	unsigned number;
	struct upload *upload; /* NULL: the number is free */
	bool is_records;
};

struct carrier {
	struct carriers *carriers;
	struct carrier *next;
	struct loop *loop;
	struct uploads *uploads;
	char *token;
	int fd;
	struct watch watch;
	struct cargo cargo[CARRIER_AT_ONCE];
};

static void
carrier_free(struct carrier *carrier)
{
	struct carrier **at = &carrier->carriers->first;
	size_t i;

	while (*at != carrier)
		at = &(*at)->next;
	*at = carrier->next;
	carrier->carriers->count--;
	watch_stop(&carrier->watch);
	for (i = 0; i < CARRIER_AT_ONCE; i++)
		upload_cancel(carrier->cargo[i].upload);
	(void)close(carrier->fd);
	free(carrier->token);
	free(carrier);
}

/* --- answers --------------------------------------------------------------------------------- */

/* With a descriptor, which is closed then; -1: none. A program that does not read it has no room:
 * it hears an end. */
static void
tell(struct carrier *carrier, const char *text, int fd)
{
	if (control_send(carrier->fd, text, fd) < 0)
		(void)shutdown(carrier->fd, SHUT_RDWR);
	if (fd >= 0)
		(void)close(fd);
}

static void
on_from(void *arg, uint64_t offset, int pipe)
{
	struct cargo *cargo = arg;
	char text[64];

	(void)snprintf(text, sizeof(text), CARRIER_FROM " %u %llu", cargo->number,
		       (unsigned long long)offset);
	tell(cargo->carrier, text, pipe);
}

static void
on_end(void *arg, enum upload_end end, const char *why)
{
	struct cargo *cargo = arg;
	char text[640];

	cargo->upload = NULL;
	if (end == UPLOAD_REFUSED || end == UPLOAD_OTHER)
		(void)snprintf(text, sizeof(text), CARRIER_NO " %u%s\n%s", cargo->number,
			       end == UPLOAD_OTHER ? " " CARRIER_OTHER : "", why);
	else
		(void)snprintf(text, sizeof(text), "%s %u",
			       end == UPLOAD_STORED ? CARRIER_OK : CARRIER_NONE, cargo->number);
	tell(cargo->carrier, text, -1);
}

/* --- messages -------------------------------------------------------------------------------- */

/* The next blank-separated word; NULL: there is none. */
static char *
next_word(char **at)
{
	char *word = strsep(at, " ");

	return word != NULL && *word != '\0' ? word : NULL;
}

static struct cargo *
read_number(struct carrier *carrier, char **at)
{
	const char *word = next_word(at);
	struct err err = ERR_INIT;
	uint64_t number;

	if (word == NULL || text_parse_u64(word, CARRIER_AT_ONCE - 1, &number, &err) < 0)
		return NULL;
	return &carrier->cargo[number];
}

static bool
handle_begin(struct cargo *cargo, char *rest, const char *name, bool is_records)
{
	const struct upload_hooks hooks = {cargo, on_from, on_end};
	struct upload_spec spec = {.token = cargo->carrier->token,
				   .name = is_records ? NULL : name,
				   .turns = &cargo->carrier->carriers->turns};
	const char *kind = next_word(&rest), *size = next_word(&rest);
	uint64_t most = is_records ? BLOB_RECORDS_MOST_BYTES : BLOB_MOST_BYTES;
	struct err err = ERR_INIT;

	if (cargo->upload != NULL || !blob_kind_parse(&spec.kind, kind) || size == NULL ||
	    text_parse_u64(size, most, &spec.size, &err) < 0)
		return false;
	if (is_records ? spec.size == 0
		       : name == NULL || blob_check_name(name, strlen(name), &err) < 0)
		return false;
	cargo->is_records = is_records;
	upload_start(&cargo->upload, cargo->carrier->uploads, &spec, &hooks);
	return true;
}

static bool
handle_done(struct cargo *cargo, char *rest)
{
	const char *digest = next_word(&rest);

	if (cargo->is_records || digest == NULL || strlen(digest) != DIGEST_TEXT_BYTES - 1 ||
	    strspn(digest, "0123456789abcdef") != DIGEST_TEXT_BYTES - 1)
		return false;
	/* It may have ended while this was said. */
	if (cargo->upload != NULL)
		upload_finish(cargo->upload, digest);
	return true;
}

static bool
handle_drop(struct cargo *cargo)
{
	struct upload *upload = cargo->upload;

	if (upload == NULL)
		return true;
	cargo->upload = NULL;
	upload_cancel(upload);
	on_end(cargo, UPLOAD_REFUSED, "it was given up");
	return true;
}

/* False: it is no message. text ends with a NUL, and has none before unless it is none. */
static bool
handle(struct carrier *carrier, char *text)
{
	char *name = strchr(text, '\n'), *rest = text;
	const char *verb;
	struct cargo *cargo;

	if (name != NULL)
		*name++ = '\0';
	verb = next_word(&rest);
	cargo = read_number(carrier, &rest);
	if (verb == NULL || cargo == NULL)
		return false;
	if (text_eq(verb, CARRIER_OPEN))
		return handle_begin(cargo, rest, name, false);
	if (text_eq(verb, CARRIER_RECORDS))
		return handle_begin(cargo, rest, NULL, true);
	if (text_eq(verb, CARRIER_DONE))
		return handle_done(cargo, rest);
	return text_eq(verb, CARRIER_DROP) && handle_drop(cargo);
}

static void
on_channel(void *arg, unsigned events)
{
	struct carrier *carrier = arg;
	char text[CARRIER_PACKET_MOST_BYTES + 1];
	ssize_t n = 1;
	int i;

	(void)events;
	for (i = 0; i < MESSAGES_A_TURN; i++) {
		n = recv(carrier->fd, text, sizeof(text), MSG_DONTWAIT);
		if (n <= 0)
			break;
		/* Longer than any is cut to one byte more. */
		if (n == (ssize_t)sizeof(text))
			n = 0;
		text[n] = '\0';
		if (n == 0 || strlen(text) != (size_t)n || !handle(carrier, text)) {
			log_warn("a program of a job sends its blobs in words that are none: its "
				 "channel is closed");
			n = 0;
			break;
		}
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		carrier_free(carrier);
}

/* --- life ------------------------------------------------------------------------------------ */

static bool
is_channel(int fd)
{
	int type = 0, domain = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0)
		return false;
	len = sizeof(domain);
	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       type == SOCK_SEQPACKET && domain == AF_UNIX;
}

int
carriers_take(struct carriers *carriers, struct loop *loop, struct uploads *uploads,
	      const char *token, int fd, struct err *err)
{
	struct carrier *carrier;
	unsigned i;

	if (carriers->count == CARRIERS_MOST || !is_channel(fd)) {
		(void)close(fd);
		if (carriers->count == CARRIERS_MOST)
			return err_set(err, ERR_LIMIT, "%d programs of the task send blobs already",
				       CARRIERS_MOST);
		return err_set(err, ERR_INPUT, "this is no channel to send blobs on");
	}
	carrier = MEM_NEW(struct carrier);
	carrier->carriers = carriers;
	carrier->next = carriers->first;
	carriers->first = carrier;
	carriers->count++;
	carrier->loop = loop;
	carrier->uploads = uploads;
	carrier->token = mem_strdup(token);
	carrier->fd = fd;
	for (i = 0; i < CARRIER_AT_ONCE; i++)
		carrier->cargo[i] = (struct cargo){.carrier = carrier, .number = i};
	if (watch_start(&carrier->watch, loop, fd, WATCH_READ, on_channel, carrier, err) == 0)
		return 0;
	carrier_free(carrier);
	return err->code;
}

void
carriers_release(struct carriers *carriers)
{
	while (carriers->first != NULL)
		carrier_free(carriers->first);
}
