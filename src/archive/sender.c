/*
 * sender.c - blobs on their way out of a job.
 *
 * One thread and poll(2). A parcel is a file, or many small ones as records in memory; each has its
 * number on the channel. It keeps what it sends until its end is told, since it may have to be
 * written again.
 *
 * A file's bytes are read to be hashed, and go into the pipe from where the kernel has them. Who
 * writes to the file meanwhile may have others sent than were hashed: the hub sees that, and then
 * they are sent again, copied from what was hashed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/sender.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "archive/step.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/digest.h"
#include "runner/carrier.h"
#include "task/blob.h"
#include "wire/packet.h"

enum { CHUNK_BYTES = 64 << 10, STILL_MS = 1000 };

struct parcel {
	bool is_used;
	unsigned number;
	char *name; /* NULL: records */
	int fd;	    /* of the file; -1: of records */
	off_t base; /* where in the file its bytes begin */
	uint64_t size;
	struct buffer records; /* and their bytes */
	int pipe;	       /* -1: none is open */
	uint64_t at;	       /* in it: what is written into the pipe next */
	bool is_told;	       /* "from" has come, and the end was not said since */
	struct digest *digest; /* of the first hashed bytes; NULL: complete */
	uint64_t hashed;
	char digest_text[DIGEST_TEXT_BYTES];
	unsigned char *chunk; /* of the file */
	uint64_t chunk_at;
	size_t chunk_len;
	bool is_copied; /* what is hashed is what is written, not the file itself */
	char *wrong;	/* it was dropped, and why; NULL: it was not */
};

struct sender {
	enum blob_kind kind;
	struct sender_hooks hooks;
	int channel;
	struct parcel parcels[CARRIER_AT_ONCE];
	unsigned used;
	struct buffer together; /* records that wait for more */
	unsigned together_count;
	uint64_t read_bytes, still_ms;
};

/* --- the channel ----------------------------------------------------------------------------- */

static void
say(struct sender *sender, const char *text, size_t len)
{
	(void)send(sender->channel, text, len, MSG_NOSIGNAL);
}

/* Where the channel is gone that is noticed where it is read. */
static void
announce(struct sender *sender, const struct parcel *parcel)
{
	struct buffer text = BUFFER_INIT;

	buffer_printf(&text, "%s %u %s %llu", parcel->name != NULL ? CARRIER_OPEN : CARRIER_RECORDS,
		      parcel->number, blob_kind_name(sender->kind),
		      (unsigned long long)parcel->size);
	if (parcel->name != NULL)
		buffer_printf(&text, "\n%s", parcel->name);
	say(sender, (const char *)text.data, text.len);
	buffer_release(&text);
}

static void
close_pipe(struct parcel *parcel)
{
	if (parcel->pipe >= 0)
		(void)close(parcel->pipe);
	parcel->pipe = -1;
}

/* --- a parcel's end -------------------------------------------------------------------------- */

static void
parcel_end(struct sender *sender, struct parcel *parcel)
{
	unsigned char digest[DIGEST_BYTES];

	close_pipe(parcel);
	if (parcel->fd >= 0)
		(void)close(parcel->fd);
	if (parcel->digest != NULL)
		digest_end(parcel->digest, digest);
	buffer_release(&parcel->records);
	free(parcel->name);
	free(parcel->chunk);
	free(parcel->wrong);
	*parcel = (struct parcel){.number = parcel->number, .fd = -1, .pipe = -1};
	sender->used--;
}

static void
tell_records(struct sender *sender, const struct parcel *parcel, enum sender_end end,
	     const char *why)
{
	struct blob_record record;
	struct err err = ERR_INIT;
	size_t at = 0;

	while (at < parcel->records.len &&
	       blob_record_unpack(&record, parcel->records.data + at, parcel->records.len - at,
				  &err) == 0) {
		char *name = mem_strndup(record.name, record.name_len);

		sender->hooks.done(sender->hooks.arg, name, end, why);
		free(name);
		at += blob_record_bytes(&record);
	}
}

static void
tell_end(struct sender *sender, struct parcel *parcel, enum sender_end end, const char *why)
{
	if (parcel->wrong != NULL) {
		end = SENDER_REFUSED;
		why = parcel->wrong;
	}
	if (parcel->name != NULL)
		sender->hooks.done(sender->hooks.arg, parcel->name, end, why);
	else
		tell_records(sender, parcel, end, why);
	parcel_end(sender, parcel);
}

/* A new one; what was on its way is begun anew, and the hub says where. */
static int
connect_channel(struct sender *sender, struct err *err)
{
	struct control_answer answer;
	enum control_result result;
	int ends[2];
	size_t i;

	if (sender->channel >= 0)
		(void)close(sender->channel);
	sender->channel = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return err_sys(err, "cannot make a channel to the agent");
	result = step_ask(CONTROL_VERB_CARRY, "", ends[1], &answer);
	(void)close(ends[1]);
	if (result != CONTROL_OK) {
		(void)close(ends[0]);
		return step_refused(result, &answer, err);
	}
	sender->channel = ends[0];
	for (i = 0; i < CARRIER_AT_ONCE; i++) {
		struct parcel *parcel = &sender->parcels[i];

		close_pipe(parcel);
		parcel->is_told = false;
		if (parcel->wrong != NULL)
			tell_end(sender, parcel, SENDER_REFUSED, NULL);
		else if (parcel->is_used)
			announce(sender, parcel);
	}
	return 0;
}

/* The agent answers "no", and that is its end. */
static void
drop(struct sender *sender, struct parcel *parcel, char *wrong)
{
	char text[32];
	int len = snprintf(text, sizeof(text), CARRIER_DROP " %u", parcel->number);

	close_pipe(parcel);
	free(parcel->wrong);
	parcel->wrong = wrong;
	parcel->is_told = false;
	say(sender, text, (size_t)len);
}

/* --- bytes ----------------------------------------------------------------------------------- */

/* What is read the first time is hashed; read again, it is what it was, or the hub finds another
 * digest. */
static void
hash(struct sender *sender, struct parcel *parcel, uint64_t at, const unsigned char *bytes,
     size_t len)
{
	unsigned char digest[DIGEST_BYTES];
	size_t skip;

	if (parcel->digest == NULL || at + len <= parcel->hashed)
		return;
	skip = (size_t)(parcel->hashed - at);
	digest_add(parcel->digest, bytes + skip, len - skip);
	sender->read_bytes += len - skip;
	parcel->hashed = at + len;
	if (parcel->hashed < parcel->size)
		return;
	digest_end(parcel->digest, digest);
	parcel->digest = NULL;
	(void)digest_hex(parcel->digest_text, digest);
}

/* A chunk of the file from at on. False: it is dropped. */
static bool
read_chunk(struct sender *sender, struct parcel *parcel, uint64_t at)
{
	uint64_t left = parcel->size - at;
	ssize_t n;

	if (parcel->chunk == NULL)
		parcel->chunk = mem_resize(NULL, 1, CHUNK_BYTES);
	do
		n = pread(parcel->fd, parcel->chunk,
			  left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES,
			  parcel->base + (off_t)at);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		drop(sender, parcel, mem_printf("cannot read it: %s", strerror(errno)));
		return false;
	}
	if (n == 0) {
		drop(sender, parcel,
		     mem_printf("it became shorter while it was uploaded: %llu bytes of %llu are "
				"there",
				(unsigned long long)at, (unsigned long long)parcel->size));
		return false;
	}
	parcel->chunk_at = at;
	parcel->chunk_len = (size_t)n;
	hash(sender, parcel, at, parcel->chunk, (size_t)n);
	return true;
}

/* A new program that goes on in the middle hashes what is before, too. False: it is dropped. */
static bool
hash_next(struct sender *sender, struct parcel *parcel)
{
	while (parcel->digest != NULL && parcel->hashed <= parcel->at)
		if (!read_chunk(sender, parcel, parcel->hashed))
			return false;
	return true;
}

/* The result of write(2); 0: it is dropped. */
static ssize_t
copy_next(struct sender *sender, struct parcel *parcel)
{
	if (!hash_next(sender, parcel) || ((parcel->at < parcel->chunk_at ||
					    parcel->at >= parcel->chunk_at + parcel->chunk_len) &&
					   !read_chunk(sender, parcel, parcel->at)))
		return 0;
	return write(parcel->pipe, parcel->chunk + (parcel->at - parcel->chunk_at),
		     parcel->chunk_len - (size_t)(parcel->at - parcel->chunk_at));
}

/* Likewise, with no copy; what a file or its file system has against that is said by read(2). */
static ssize_t
move_next(struct sender *sender, struct parcel *parcel)
{
	loff_t from = parcel->base + (loff_t)parcel->at;
	ssize_t n;

	if (!hash_next(sender, parcel))
		return 0;
	n = splice(parcel->fd, &from, parcel->pipe, NULL, (size_t)(parcel->hashed - parcel->at),
		   SPLICE_F_NONBLOCK);
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR || errno == EPIPE)))
		return n;
	parcel->is_copied = true;
	return copy_next(sender, parcel);
}

static ssize_t
put_next(struct sender *sender, struct parcel *parcel)
{
	if (parcel->name == NULL)
		return write(parcel->pipe, parcel->records.data + parcel->at,
			     parcel->records.len - (size_t)parcel->at);
	return parcel->is_copied ? copy_next(sender, parcel) : move_next(sender, parcel);
}

static void
say_done(struct sender *sender, struct parcel *parcel)
{
	char text[32 + DIGEST_TEXT_BYTES];
	int len = snprintf(text, sizeof(text), CARRIER_DONE " %u %s", parcel->number,
			   parcel->digest_text);

	parcel->is_told = false;
	if (parcel->name != NULL)
		say(sender, text, (size_t)len);
}

/* Nothing is left to write; of what the hub has already the digest may be to make. */
static void
settle(struct sender *sender, struct parcel *parcel)
{
	if (!parcel->is_told || parcel->at < parcel->size)
		return;
	while (parcel->name != NULL && parcel->digest != NULL && parcel->hashed < parcel->size)
		if (!read_chunk(sender, parcel, parcel->hashed))
			return;
	close_pipe(parcel);
	say_done(sender, parcel);
}

/* As much as the pipe takes. */
static void
write_some(struct sender *sender, struct parcel *parcel)
{
	while (parcel->pipe >= 0 && parcel->at < parcel->size) {
		ssize_t n = put_next(sender, parcel);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || (n < 0 && errno == EAGAIN))
			return;
		if (n < 0)
			close_pipe(parcel); /* the connection broke: another comes */
		else
			parcel->at += (uint64_t)n;
	}
	settle(sender, parcel);
}

/* --- what the agent says --------------------------------------------------------------------- */

static void
handle_from(struct sender *sender, struct parcel *parcel, uint64_t offset, int pipe)
{
	close_pipe(parcel);
	parcel->pipe = pipe;
	parcel->at = offset < parcel->size ? offset : parcel->size;
	parcel->is_told = true;
	(void)fcntl(pipe, F_SETFL, O_NONBLOCK);
	write_some(sender, parcel);
}

/* As if nothing of it had been read. */
static void
send_again(struct sender *sender, struct parcel *parcel)
{
	close_pipe(parcel);
	parcel->is_copied = true;
	parcel->is_told = false;
	parcel->digest = digest_new();
	parcel->hashed = parcel->chunk_len = 0;
	sender->read_bytes -= parcel->size;
	announce(sender, parcel);
}

static void
handle_no(struct sender *sender, struct parcel *parcel, bool is_other, const char *sentence)
{
	if (is_other && parcel->wrong == NULL && parcel->name != NULL && parcel->digest == NULL &&
	    !parcel->is_copied)
		send_again(sender, parcel);
	else
		tell_end(sender, parcel, SENDER_REFUSED,
			 sentence != NULL ? sentence : "the agent does not say why");
}

/* "WORD N [OFFSET|WHY]" and perhaps a sentence. False: it is no message. Owns: fd. */
static bool
handle(struct sender *sender, char *text, int fd)
{
	char *sentence = strchr(text, '\n');
	struct parcel *parcel;
	char word[16], more[24] = "";
	unsigned number;
	int count;

	if (sentence != NULL)
		*sentence++ = '\0';
	count = sscanf(text, "%15s %u %23s", word, &number, more);
	parcel = count >= 2 && number < CARRIER_AT_ONCE && sender->parcels[number].is_used
			 ? &sender->parcels[number]
			 : NULL;
	if (parcel != NULL && text_eq(word, CARRIER_FROM) && count == 3 && fd >= 0) {
		if (parcel->wrong == NULL) {
			handle_from(sender, parcel, strtoull(more, NULL, 10), fd);
			return true;
		}
	} else if (parcel != NULL && text_eq(word, CARRIER_OK)) {
		tell_end(sender, parcel, SENDER_STORED, NULL);
	} else if (parcel != NULL && text_eq(word, CARRIER_NONE)) {
		tell_end(sender, parcel, SENDER_TAKEN, NULL);
	} else if (parcel != NULL && text_eq(word, CARRIER_NO)) {
		handle_no(sender, parcel, text_eq(more, CARRIER_OTHER), sentence);
	} else {
		return false;
	}
	if (fd >= 0)
		(void)close(fd);
	return true;
}

/* Fails where the channel has ended and there is no other. */
static int
receive(struct sender *sender, struct err *err)
{
	char text[CARRIER_PACKET_MOST_BYTES + 1];
	struct packet packet;
	ssize_t n = packet_receive(&packet, sender->channel, text, sizeof(text) - 1, MSG_DONTWAIT);
	int fd = packet_take_only(&packet);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return connect_channel(sender, err);
	text[n] = '\0';
	return handle(sender, text, fd)
		       ? 0
		       : err_set(err, ERR_HOST, "the agent speaks another language");
}

/* --- turns ----------------------------------------------------------------------------------- */

static void
tell_still(struct sender *sender)
{
	uint64_t now = step_now_ms();

	if (sender->hooks.still == NULL || now - sender->still_ms < STILL_MS)
		return;
	sender->still_ms = now;
	sender->hooks.still(sender->hooks.arg, sender->read_bytes);
}

/* Wait for something, and do it. */
static int
turn(struct sender *sender, struct err *err)
{
	struct pollfd fds[CARRIER_AT_ONCE + 1];
	struct parcel *parcels[CARRIER_AT_ONCE];
	nfds_t count = 0, i;

	for (i = 0; i < CARRIER_AT_ONCE; i++) {
		if (sender->parcels[i].pipe < 0)
			continue;
		parcels[count] = &sender->parcels[i];
		fds[count++] = (struct pollfd){sender->parcels[i].pipe, POLLOUT, 0};
	}
	fds[count] = (struct pollfd){sender->channel, POLLIN, 0};
	if (poll(fds, count + 1, STILL_MS) < 0 && errno != EINTR)
		return err_sys(err, "cannot wait for the agent");
	tell_still(sender);
	for (i = 0; i < count; i++)
		if (fds[i].revents != 0)
			write_some(sender, parcels[i]);
	return fds[count].revents != 0 ? receive(sender, err) : 0;
}

/* --- what is sent ---------------------------------------------------------------------------- */

static struct parcel *
find_free(struct sender *sender)
{
	size_t i;

	for (i = 0; i < CARRIER_AT_ONCE; i++)
		if (!sender->parcels[i].is_used)
			return &sender->parcels[i];
	return NULL;
}

/* A free parcel, waited for. */
static int
take_parcel(struct sender *sender, struct parcel **out, struct err *err)
{
	int rc = 0;

	while (rc == 0 && (*out = find_free(sender)) == NULL)
		rc = turn(sender, err);
	return rc;
}

static void
send_parcel(struct sender *sender, struct parcel *parcel)
{
	parcel->is_used = true;
	sender->used++;
	announce(sender, parcel);
}

static int
send_together(struct sender *sender, struct err *err)
{
	struct parcel *parcel;
	int rc;

	if (sender->together_count == 0)
		return 0;
	rc = take_parcel(sender, &parcel, err);
	if (rc < 0)
		return rc;
	parcel->records = sender->together;
	parcel->size = parcel->records.len;
	sender->together = (struct buffer)BUFFER_INIT;
	sender->together_count = 0;
	send_parcel(sender, parcel);
	return 0;
}

/* All of a small file behind the others; false, and told, when it is not what was announced. */
static bool
append_record(struct sender *sender, int fd, const char *name, size_t size)
{
	unsigned char head[BLOB_RECORD_HEAD_BYTES] = {0}; /* written when the digest is known */
	struct blob_record record = {
		.name = name, .name_len = (uint32_t)strlen(name), .size = size};
	struct buffer *to = &sender->together;
	struct err err = ERR_INIT;
	size_t begin = to->len, got = 0;
	ssize_t n = 1;
	void *room;

	buffer_putn(to, head, sizeof(head));
	buffer_puts(to, name);
	(void)!buffer_reserve(to, size + 1, &room, &err);
	while (got < size && n > 0) {
		n = pread(fd, (char *)room + got, size - got, (off_t)got);
		got += n > 0 ? (size_t)n : 0;
	}
	if (got < size) {
		to->len = begin;
		sender->hooks.done(sender->hooks.arg, name, SENDER_REFUSED,
				   n < 0 ? strerror(errno)
					 : "it became shorter while it was uploaded");
		return false;
	}
	digest_sha256(record.digest, room, size);
	buffer_grew(to, size);
	blob_record_pack(to->data + begin, &record);
	sender->read_bytes += size;
	return true;
}

static int
add_small(struct sender *sender, int fd, const char *name, size_t size, struct err *err)
{
	bool is_there = append_record(sender, fd, name, size);

	(void)close(fd);
	if (is_there && (++sender->together_count == SENDER_TOGETHER_FILES ||
			 sender->together.len >= SENDER_TOGETHER_BYTES))
		return send_together(sender, err);
	return 0;
}

int
sender_add(struct sender *sender, int fd, const char *name, uint64_t size, struct err *err)
{
	struct parcel *parcel;
	int rc;

	if (size <= SENDER_SMALL_BYTES && sender->kind == BLOB_ARTIFACT)
		return add_small(sender, fd, name, (size_t)size, err);
	rc = take_parcel(sender, &parcel, err);
	if (rc < 0) {
		(void)close(fd);
		return rc;
	}
	parcel->name = mem_strdup(name);
	parcel->fd = fd;
	parcel->base = lseek(fd, 0, SEEK_CUR);
	parcel->size = size;
	parcel->digest = digest_new();
	send_parcel(sender, parcel);
	return 0;
}

int
sender_finish(struct sender *sender, struct err *err)
{
	int rc = send_together(sender, err);

	while (rc == 0 && sender->used > 0)
		rc = turn(sender, err);
	return rc;
}

/* --- life ------------------------------------------------------------------------------------ */

int
sender_new(struct sender **out, enum blob_kind kind, const struct sender_hooks *hooks,
	   struct err *err)
{
	struct sender *sender = MEM_NEW(struct sender);
	unsigned i;

	/* A pipe whose reader has gone is an error of write(2). */
	(void)signal(SIGPIPE, SIG_IGN);
	sender->kind = kind;
	sender->hooks = *hooks;
	sender->channel = -1;
	sender->still_ms = step_now_ms();
	for (i = 0; i < CARRIER_AT_ONCE; i++)
		sender->parcels[i] = (struct parcel){.number = i, .fd = -1, .pipe = -1};
	if (connect_channel(sender, err) < 0) {
		sender_free(sender);
		return err->code;
	}
	*out = sender;
	return 0;
}

void
sender_free(struct sender *sender)
{
	size_t i;

	if (sender == NULL)
		return;
	for (i = 0; i < CARRIER_AT_ONCE; i++)
		if (sender->parcels[i].is_used)
			parcel_end(sender, &sender->parcels[i]);
	buffer_release(&sender->together);
	if (sender->channel >= 0)
		(void)close(sender->channel);
	free(sender);
}
