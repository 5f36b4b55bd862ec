/*
 * cpu_list.c - sets of CPUs as the kernel writes them: "0-3,64-67".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/cpu_list.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/err.h"

static bool
take_number(const char **text, unsigned *number)
{
	char *end;
	unsigned long value;

	if (!isdigit((unsigned char)**text))
		return false;
	value = strtoul(*text, &end, 10);
	*number = value < CPU_SETSIZE ? (unsigned)value : CPU_SETSIZE;
	*text = end;
	return true;
}

static bool
take_range(const char **text, unsigned *first, unsigned *last)
{
	if (!take_number(text, first))
		return false;
	*last = *first;
	if (**text != '-')
		return true;
	++*text;
	return take_number(text, last);
}

static int
refuse(const char *text, struct err *err)
{
	return err_set(err, ERR_INPUT, "'%.40s' is not a list of CPUs like 0-3,8", text);
}

int
cpu_list_parse(const char *text, cpu_set_t *cpus, struct err *err)
{
	const char *at = text;
	unsigned first, last;

	CPU_ZERO(cpus);
	while (*at != '\0' && *at != '\n') {
		if (!take_range(&at, &first, &last))
			return refuse(text, err);
		if (last >= CPU_SETSIZE)
			return err_set(err, ERR_LIMIT, "CPU list '%.40s' goes beyond CPU %d", text,
				       CPU_SETSIZE - 1);
		for (; first <= last; first++)
			CPU_SET(first, cpus);
		if (*at == ',' && isdigit((unsigned char)at[1]))
			at++;
		else if (*at != '\0' && *at != '\n')
			return refuse(text, err);
	}
	return 0;
}

void
cpu_list_put(struct buffer *out, const cpu_set_t *cpus)
{
	bool more = false;
	unsigned first, last;

	for (first = 0; first < CPU_SETSIZE; first = last + 1) {
		last = first;
		if (!CPU_ISSET(first, cpus))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, cpus))
			last++;
		buffer_printf(out, "%s%u", more ? "," : "", first);
		if (last > first)
			buffer_printf(out, "-%u", last);
		more = true;
	}
}
