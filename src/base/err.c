/*
 * err.c - what went wrong, as a sentence a person can act on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"

int
err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	assert(code < 0);
	err->code = code;
	err->sys = 0;
	err->hint = NULL;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}

static int
code_of_errno(int sys)
{
	switch (sys) {
	case EAGAIN:
	case EINTR:
	case EBUSY:
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ETIMEDOUT:
	case EPIPE:
		return ERR_AGAIN;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOSPC:
	case EDQUOT:
	case E2BIG:
	case EFBIG:
		return ERR_LIMIT;
	case ESRCH:
		return ERR_GONE;
	default:
		return ERR_HOST;
	}
}

int
err_sys(struct err *err, const char *fmt, ...)
{
	int sys = errno;
	va_list ap;
	size_t used;

	err->sys = sys;
	err->hint = NULL;
	err->code = code_of_errno(sys);
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	used = strlen(err->text);
	(void)snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(sys));
	return err->code;
}

int
err_wrap(struct err *err, const char *fmt, ...)
{
	char inner[sizeof(err->text)];
	va_list ap;
	size_t used;

	assert(err->code < 0);
	memcpy(inner, err->text, sizeof(inner));
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	used = strlen(err->text);
	(void)snprintf(err->text + used, sizeof(err->text) - used, ": %s", inner);
	return err->code;
}

int
err_hint(struct err *err, const char *hint)
{
	err->hint = hint;
	return err->code;
}

const char *
err_code_name(int code)
{
	switch ((enum err_code)code) {
	case ERR_AGAIN:
		return "again";
	case ERR_INPUT:
		return "input";
	case ERR_HOST:
		return "host";
	case ERR_LIMIT:
		return "limit";
	case ERR_GONE:
		return "gone";
	}
	return "none";
}
