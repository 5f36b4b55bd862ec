/*
 * session.c - fuzz target: the frames of a session, from either side.
 *
 * The first byte chooses the side. What is read is written again, and must come to the same bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "task/session_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
write_open(struct buffer *out, const struct session_open *open)
{
	const char **argv = calloc(open->argc + 1, sizeof(*argv));
	const char *at = open->args;
	struct err err = ERR_INIT;
	size_t i;
	int rc;

	if (argv == NULL)
		abort();
	for (i = 0; i < open->argc; i++, at += strlen(at) + 1)
		argv[i] = at;
	rc = session_put_open(out, open, argv, &err);
	assert(rc == 0);
	free(argv);
}

static void
read_frame(const struct session_frame *frame)
{
	struct buffer out = BUFFER_INIT;
	struct err err = ERR_INIT;
	struct session_open open;
	struct session_exit exit;
	uint16_t rows, cols;
	char room[SESSION_TEXT_MOST_BYTES + 32], text[SESSION_TEXT_MOST_BYTES + 1];
	int signo;

	if (frame->type == SESSION_OPEN && session_read_open(&open, frame, &err) == 0)
		write_open(&out, &open);
	else if (frame->type == SESSION_RESIZE && session_read_resize(&rows, &cols, frame, &err) == 0)
		session_put_resize(&out, rows, cols);
	else if (frame->type == SESSION_SIGNAL && session_read_signal(&signo, frame, &err) == 0)
		session_put_signal(&out, signo);
	if (out.len > 0) {
		assert(out.len == SESSION_HEAD_BYTES + frame->len);
		assert(memcmp(out.data + SESSION_HEAD_BYTES, frame->bytes, frame->len) == 0);
	}
	if (frame->type == SESSION_EXITED && session_read_exit(&exit, frame, &err) == 0) {
		(void)session_exit_text(room, &exit);
		session_put_exit(&out, &exit);
	}
	session_read_refusal(text, frame);
	session_put_refusal(&out, text);
	buffer_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	enum session_sender sender;
	struct session_frame frame;
	struct err err = ERR_INIT;
	size_t used, at = 1;

	if (len < 1)
		return 0;
	sender = bytes[0] & 1 ? SESSION_FROM_AGENT : SESSION_FROM_PERSON;
	while (session_frame_next(&frame, &used, sender, bytes + at, len - at, &err) > 0) {
		read_frame(&frame);
		at += used;
	}
	return 0;
}
