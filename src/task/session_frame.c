/*
 * session_frame.c - frames of a session: written, and read from any bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/session_frame.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"

enum { OPEN_HEAD_BYTES = 8, RESIZE_BYTES = 4, EXIT_HEAD_BYTES = 5 };

static const struct {
	const char *name;
	enum session_type type;
	enum session_sender sender;
} kinds[] = {
#define X(NAME, name, number, sender) {#NAME, SESSION_##NAME, SESSION_FROM_##sender},
	SESSION_FRAMES(X)
#undef X
};
enum { KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]) };

const char *
session_type_name(unsigned type)
{
	size_t i;

	for (i = 0; i < KIND_COUNT; i++)
		if (kinds[i].type == type)
			return kinds[i].name;
	return "unknown";
}

static bool
is_sent_by(unsigned type, enum session_sender sender)
{
	size_t i;

	for (i = 0; i < KIND_COUNT; i++)
		if (kinds[i].type == type)
			return kinds[i].sender == sender;
	return false;
}

/* --- numbers ------------------------------------------------------------------------------- */

static void
put(uint8_t *to, uint32_t value, unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t
get(const uint8_t *from, unsigned count)
{
	uint32_t value = 0;
	unsigned i;

	for (i = 0; i < count; i++)
		value |= (uint32_t)from[i] << 8 * i;
	return value;
}

/* --- frames -------------------------------------------------------------------------------- */

int
session_frame_next(struct session_frame *frame, size_t *used, enum session_sender sender,
		   const uint8_t *bytes, size_t len, struct err *err)
{
	size_t size;

	if (len == 0)
		return 0;
	if (!is_sent_by(bytes[0], sender))
		return err_set(err, ERR_INPUT, "a frame of type %u (%s) is not for this direction",
			       bytes[0], session_type_name(bytes[0]));
	if (len < SESSION_HEAD_BYTES)
		return 0;
	size = get(bytes + 1, 3);
	if (size > SESSION_FRAME_MOST_BYTES)
		return err_set(err, ERR_INPUT, "a frame of %zu bytes: %d are allowed", size,
			       SESSION_FRAME_MOST_BYTES);
	if (len < SESSION_HEAD_BYTES + size)
		return 0;
	*frame = (struct session_frame){(enum session_type)bytes[0], bytes + SESSION_HEAD_BYTES, size};
	*used = SESSION_HEAD_BYTES + size;
	return 1;
}

static void
put_head(struct buffer *out, enum session_type type, size_t len)
{
	uint8_t head[SESSION_HEAD_BYTES];

	assert(len <= SESSION_FRAME_MOST_BYTES);
	head[0] = (uint8_t)type;
	put(head + 1, (uint32_t)len, 3);
	buffer_putn(out, head, sizeof(head));
}

void
session_frame_put(struct buffer *out, enum session_type type, const void *bytes, size_t len)
{
	put_head(out, type, len);
	buffer_putn(out, bytes, len);
}

/* --- OPEN ---------------------------------------------------------------------------------- */

int
session_put_open(struct buffer *out, const struct session_open *open, const char *const *argv,
		 struct err *err)
{
	uint8_t head[OPEN_HEAD_BYTES];
	size_t argc = 0, size = sizeof(head) + strlen(open->term) + 1, i;

	for (; argv != NULL && argv[argc] != NULL; argc++)
		size += strlen(argv[argc]) + 1;
	if (size > SESSION_FRAME_MOST_BYTES || argc > SESSION_ARGS_MOST)
		return err_set(err, ERR_LIMIT, "the command is too long: %d words of %d bytes together",
			       SESSION_ARGS_MOST, SESSION_FRAME_MOST_BYTES / 2);
	head[0] = SESSION_VERSION;
	head[1] = open->is_terminal ? SESSION_TERMINAL : 0;
	put(head + 2, open->rows, 2);
	put(head + 4, open->cols, 2);
	put(head + 6, (uint32_t)argc, 2);
	put_head(out, SESSION_OPEN, size);
	buffer_putn(out, head, sizeof(head));
	buffer_putn(out, open->term, strlen(open->term) + 1);
	for (i = 0; i < argc; i++)
		buffer_putn(out, argv[i], strlen(argv[i]) + 1);
	return 0;
}

static bool
is_term(const char *text)
{
	size_t len = strlen(text);

	return len <= SESSION_TERM_MOST_BYTES &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._") == len;
}

int
session_read_open(struct session_open *open, const struct session_frame *frame, struct err *err)
{
	const uint8_t *bytes = frame->bytes;
	size_t texts = 0, i;

	if (frame->type != SESSION_OPEN)
		return err_set(err, ERR_INPUT, "a session begins with OPEN, and not with %s",
			       session_type_name(frame->type));
	if (frame->len >= 1 && bytes[0] != SESSION_VERSION)
		return err_set(err, ERR_INPUT, "version %u of sessions is spoken, the agent knows %d",
			       bytes[0], SESSION_VERSION);
	if (frame->len < OPEN_HEAD_BYTES + 1 || (bytes[1] & ~SESSION_OPEN_FLAGS_ALL) != 0 ||
	    bytes[frame->len - 1] != '\0')
		return err_set(err, ERR_INPUT, "OPEN is cut short, or has flags that are not known");
	for (i = OPEN_HEAD_BYTES; i < frame->len; i++)
		texts += bytes[i] == '\0';
	*open = (struct session_open){.is_terminal = (bytes[1] & SESSION_TERMINAL) != 0,
				      .rows = (uint16_t)get(bytes + 2, 2),
				      .cols = (uint16_t)get(bytes + 4, 2),
				      .argc = get(bytes + 6, 2),
				      .term = (const char *)bytes + OPEN_HEAD_BYTES};
	if (open->argc > SESSION_ARGS_MOST || texts != open->argc + 1 ||
	    open->rows > SESSION_SIDE_MOST || open->cols > SESSION_SIDE_MOST || !is_term(open->term))
		return err_set(err, ERR_INPUT, "OPEN holds another number of words than it says, or a "
					       "terminal that cannot be");
	open->args = open->term + strlen(open->term) + 1;
	return 0;
}

/* --- the small ones ------------------------------------------------------------------------ */

void
session_put_resize(struct buffer *out, uint16_t rows, uint16_t cols)
{
	uint8_t bytes[RESIZE_BYTES];

	put(bytes, rows, 2);
	put(bytes + 2, cols, 2);
	session_frame_put(out, SESSION_RESIZE, bytes, sizeof(bytes));
}

int
session_read_resize(uint16_t *rows, uint16_t *cols, const struct session_frame *frame,
		    struct err *err)
{
	if (frame->len != RESIZE_BYTES || get(frame->bytes, 2) > SESSION_SIDE_MOST ||
	    get(frame->bytes + 2, 2) > SESSION_SIDE_MOST)
		return err_set(err, ERR_INPUT, "RESIZE is two numbers up to %d", SESSION_SIDE_MOST);
	*rows = (uint16_t)get(frame->bytes, 2);
	*cols = (uint16_t)get(frame->bytes + 2, 2);
	return 0;
}

void
session_put_signal(struct buffer *out, int signo)
{
	uint8_t byte = (uint8_t)signo;

	session_frame_put(out, SESSION_SIGNAL, &byte, 1);
}

int
session_read_signal(int *signo, const struct session_frame *frame, struct err *err)
{
	static const int allowed[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
	size_t i;

	for (i = 0; frame->len == 1 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (frame->bytes[0] == allowed[i]) {
			*signo = allowed[i];
			return 0;
		}
	return err_set(err, ERR_INPUT, "SIGNAL is one of HUP, INT, QUIT, TERM, USR1, USR2");
}

/* --- how it ended -------------------------------------------------------------------------- */

static void
read_text(char room[SESSION_TEXT_MOST_BYTES + 1], const uint8_t *bytes, size_t len)
{
	size_t i;

	if (len > SESSION_TEXT_MOST_BYTES)
		len = SESSION_TEXT_MOST_BYTES;
	for (i = 0; i < len; i++)
		room[i] = (char)(bytes[i] < 0x20 || bytes[i] == 0x7f ? ' ' : bytes[i]);
	room[len] = '\0';
}

void
session_put_exit(struct buffer *out, const struct session_exit *exit)
{
	uint8_t bytes[EXIT_HEAD_BYTES + SESSION_TEXT_MOST_BYTES];
	size_t len = strlen(exit->text);

	bytes[0] = (uint8_t)exit->end;
	put(bytes + 1, exit->number, 4);
	memcpy(bytes + EXIT_HEAD_BYTES, exit->text, len);
	session_frame_put(out, SESSION_EXITED, bytes, EXIT_HEAD_BYTES + len);
}

int
session_read_exit(struct session_exit *exit, const struct session_frame *frame, struct err *err)
{
	if (frame->type != SESSION_EXITED || frame->len < EXIT_HEAD_BYTES ||
	    frame->bytes[0] > SESSION_ENDED_UNKNOWN)
		return err_set(err, ERR_INPUT, "EXITED does not say how the session ended");
	exit->end = (enum session_end)frame->bytes[0];
	exit->number = get(frame->bytes + 1, 4);
	read_text(exit->text, frame->bytes + EXIT_HEAD_BYTES, frame->len - EXIT_HEAD_BYTES);
	return 0;
}

void
session_put_refusal(struct buffer *out, const char *sentence)
{
	size_t len = strlen(sentence);

	session_frame_put(out, SESSION_REFUSED, sentence,
			  len < SESSION_TEXT_MOST_BYTES ? len : SESSION_TEXT_MOST_BYTES);
}

void
session_read_refusal(char room[SESSION_TEXT_MOST_BYTES + 1], const struct session_frame *frame)
{
	read_text(room, frame->bytes, frame->len);
}

const char *
session_exit_text(char room[SESSION_TEXT_MOST_BYTES + 32], const struct session_exit *exit)
{
	const char *colon = exit->text[0] != '\0' ? ": " : "";
	size_t size = SESSION_TEXT_MOST_BYTES + 32;

	switch (exit->end) {
	case SESSION_ENDED_BY_EXIT:
		(void)snprintf(room, size, "exit %u%s%s", exit->number, colon, exit->text);
		break;
	case SESSION_ENDED_BY_SIGNAL:
		(void)snprintf(room, size, "signal %u%s%s", exit->number, colon, exit->text);
		break;
	case SESSION_ENDED_UNKNOWN:
		(void)snprintf(room, size, "%s", exit->text[0] != '\0' ? exit->text : "not known how");
		break;
	}
	return room;
}
