/*
 * err.h - what went wrong, as a sentence a person can act on.
 *
 * A function that can fail takes "struct err *err" last, returns 0 or a negative
 * enum err_code, and fills err where it fails; on success err is untouched.
 * Callers add context with err_wrap() and pass the code on. A callback gets
 * "const struct err *err", NULL on success.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_code {		   /* negative; named after what the caller may do next */
	ERR_AGAIN = -1,	   /* later it may work: network, busy peer, slow disk */
	ERR_INPUT = -2,	   /* what we were given is wrong; the giver must change it */
	ERR_HOST = -3,	   /* this machine refuses: permission, missing program, I/O error */
	ERR_LIMIT = -4,	   /* a configured or system ceiling is reached */
	ERR_GONE = -5,	   /* it no longer exists: canceled, lease lost, process ended */
};

struct err {
	int code;	  /* enum err_code, 0 when empty */
	int sys;	  /* errno where it happened, or 0 */
	const char *hint; /* what the user can do; static text or NULL */
	char text[512];	  /* what failed; fixed room, so reporting never allocates */
};

#define ERR_INIT {0, 0, NULL, ""}

/* Fill err; returns code. */
int err_set(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), warn_unused_result));

/* Fill err from errno, adding ": strerror"; maps errno to a code and returns it. */
int err_sys(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));

/* Put "fmt: " in front of the text; the code stays and is returned. */
int err_wrap(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));

/* Say what the user can do (static text); returns the code. */
int err_hint(struct err *err, const char *hint);

/* "again", "input", ...: the code's word, for logs and JSON. */
const char *err_code_name(int code);

#endif
