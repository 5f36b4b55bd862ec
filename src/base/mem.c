/*
 * mem.c - small fixed memory; out of memory ends the program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void
out_of_memory(void)
{
	static const char text[] = "out of memory\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(70);
	_exit(70);
}

void *
mem_zalloc(size_t n, size_t size)
{
	void *ptr = calloc(n != 0 ? n : 1, size != 0 ? size : 1);

	if (ptr == NULL)
		out_of_memory();
	return ptr;
}

void *
mem_resize(void *ptr, size_t n, size_t size)
{
	void *grown = reallocarray(ptr, n != 0 ? n : 1, size != 0 ? size : 1);

	if (grown == NULL)
		out_of_memory();
	return grown;
}

char *
mem_strdup(const char *text)
{
	return mem_strndup(text, strlen(text));
}

char *
mem_strndup(const char *text, size_t len)
{
	char *copy = mem_zalloc(len + 1, 1);

	memcpy(copy, text, len);
	return copy;
}

char *
mem_printf(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory();
	return text;
}

void *
mem_try(size_t size)
{
	return size <= PTRDIFF_MAX ? calloc(1, size != 0 ? size : 1) : NULL;
}
