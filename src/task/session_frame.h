/*
 * session_frame.h - frames of a session (include/runner/session.h): written, and read from any bytes.
 *
 * session_frame_next() again and again over what has come; nothing is copied. Sizes are
 * checked before anything is waited for, so a reader needs room for one frame.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_SESSION_FRAME_H
#define TASK_SESSION_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/session.h"

struct buffer;
struct err;

enum session_sender { SESSION_FROM_PERSON, SESSION_FROM_AGENT };

struct session_frame {
	enum session_type type;
	const uint8_t *bytes; /* borrowed of what it was read from */
	size_t len;
};

/* OPEN, as it is read; texts are borrowed of the frame. */
struct session_open {
	bool is_terminal;
	uint16_t rows, cols;
	const char *term;
	size_t argc;	  /* 0: a shell */
	const char *args; /* argc texts one behind another, each with its NUL */
};

struct session_exit {
	enum session_end end;
	uint32_t number;
	char text[SESSION_TEXT_MOST_BYTES + 1]; /* "" when there is none */
};

/* "OPEN"; "unknown" for what is none. */
const char *session_type_name(unsigned type);

/*
 * The frame that bytes begin with; it takes *used of them. 1; 0 when it is not whole yet.
 * Fails: ERR_INPUT for a type that sender does not send, or a length that no frame of it has.
 */
int session_frame_next(struct session_frame *frame, size_t *used, enum session_sender sender,
		       const uint8_t *bytes, size_t len, struct err *err);

/* Appended to out, which has no limit. len at most SESSION_FRAME_MOST_BYTES. */
void session_frame_put(struct buffer *out, enum session_type type, const void *bytes, size_t len);

/* Fails: ERR_LIMIT when the command is too long for a frame. argv NULL: a shell. */
int session_put_open(struct buffer *out, const struct session_open *open, const char *const *argv,
		     struct err *err);
void session_put_resize(struct buffer *out, uint16_t rows, uint16_t cols);
void session_put_signal(struct buffer *out, int signo);
void session_put_exit(struct buffer *out, const struct session_exit *exit);
void session_put_refusal(struct buffer *out, const char *sentence);

/* Each fails with ERR_INPUT when the frame is not what its type is to be. */
int session_read_open(struct session_open *open, const struct session_frame *frame, struct err *err);
int session_read_resize(uint16_t *rows, uint16_t *cols, const struct session_frame *frame,
			struct err *err);
/* One of those that may be sent: HUP, INT, QUIT, TERM, USR1, USR2. */
int session_read_signal(int *signo, const struct session_frame *frame, struct err *err);
int session_read_exit(struct session_exit *exit, const struct session_frame *frame, struct err *err);
/* Control characters become blanks: it is shown on a terminal. */
void session_read_refusal(char room[SESSION_TEXT_MOST_BYTES + 1], const struct session_frame *frame);

/* "exit 3", "signal 9", or its sentence: for an audit line. Returns room. */
const char *session_exit_text(char room[SESSION_TEXT_MOST_BYTES + 32], const struct session_exit *exit);

#endif
