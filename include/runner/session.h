/*
 * session.h - what a person's terminal in a task is made of, between runnerctl, hub and agent.
 *
 * A session is two requests that the hub joins: runnerctl's and the agent's, each with a body that
 * goes on as long as the session does, both ways. In each direction lie frames: type (1 byte),
 * length of what follows (3 bytes, little endian), and that. The first from the person is OPEN;
 * what ends a session is EXITED or REFUSED, and the last frame. doc/sessions.md has the whole.
 *
 * Changing a frame: raise SESSION_VERSION, keep the old reader.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUNNER_SESSION_H
#define RUNNER_SESSION_H

enum {
	SESSION_VERSION = 1, /* first byte of OPEN */
	SESSION_HEAD_BYTES = 4,
	SESSION_FRAME_MOST_BYTES = 32 * 1024, /* without its head */
	SESSION_ARGS_MOST = 1024,
	SESSION_TEXT_MOST_BYTES = 512, /* of EXITED and REFUSED */
	SESSION_TERM_MOST_BYTES = 64,
	SESSION_SIDE_MOST = 4096, /* rows, columns */
	SESSION_BEAT_MS = 15000,  /* each end says BEAT as often, */
	SESSION_SILENT_MS = 60000, /* and is gone when nothing has come of it for so long */
	SESSION_KEEP_MOST_S = 7 * 24 * 3600, /* of a failed task that is kept */
};

/* X(NAME, name, number, who sends: PERSON, AGENT) */
#define SESSION_FRAMES(X)              \
	X(OPEN, open, 1, PERSON)       \
	X(INPUT, input, 2, PERSON)     \
	X(CLOSE, close, 3, PERSON)     \
	X(RESIZE, resize, 4, PERSON)   \
	X(SIGNAL, signal, 5, PERSON)   \
	X(ALIVE, alive, 6, PERSON)     \
	X(STARTED, started, 16, AGENT) \
	X(OUTPUT, output, 17, AGENT)   \
	X(ERRORS, errors, 18, AGENT)   \
	X(EXITED, exited, 19, AGENT)   \
	X(REFUSED, refused, 20, AGENT) \
	X(BEAT, beat, 21, AGENT)

enum session_type {
#define X(NAME, name, number, sender) SESSION_##NAME = (number),
	SESSION_FRAMES(X)
#undef X
};

enum session_open_flag { SESSION_TERMINAL = 1 << 0, SESSION_OPEN_FLAGS_ALL = (1 << 1) - 1 };

/* How it ended: first byte of EXITED; a number of 4 bytes follows, then a sentence, which may be empty. */
enum session_end {
	SESSION_ENDED_BY_EXIT = 0,   /* the number is its exit status */
	SESSION_ENDED_BY_SIGNAL = 1, /* the number is the signal */
	SESSION_ENDED_UNKNOWN = 2,   /* nobody knows: the sentence says why */
};

#endif
