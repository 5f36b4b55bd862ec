/*
 * pressure.c - how hard the host is pressed: memory that is free, and time lost waiting.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"

enum { FILE_BYTES = 4096, SAID_BYTES = 512 };

const char *
pressure_name(enum pressure_kind kind)
{
#define X(upper, name) [PRESSURE_##upper] = #name,
	static const char *const names[PRESSURE_COUNT] = {PRESSURES(X)};
#undef X

	return names[kind];
}

void
pressure_init(struct pressure *pressure, const char *proc)
{
	memset(pressure, 0, sizeof(*pressure));
	pressure->proc = proc;
}

/* --- reading ------------------------------------------------------------------------------------
 */

/* errno says why not. */
static bool
read_file(const char *proc, const char *dir, const char *name, char text[FILE_BYTES])
{
	char path[512];
	LOCAL_FD fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%.400s/%s%s", proc, dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, text, FILE_BYTES - 1) : -1;
	if (n < 0)
		return false;
	text[n] = '\0';
	return true;
}

/* "some avg10=1.53 avg60=0.90 ..." */
bool
pressure_read(const struct pressure *pressure, enum pressure_kind kind, double *percent)
{
	char text[FILE_BYTES], *at, *end;

	if (!read_file(pressure->proc, "pressure/", pressure_name(kind), text))
		return false;
	at = text_starts(text, "some ") ? strstr(text, "avg10=") : NULL;
	if (at == NULL) {
		errno = EPROTO;
		return false;
	}
	at += sizeof("avg10=") - 1;
	*percent = strtod(at, &end);
	if (end == at)
		errno = EPROTO;
	return end != at;
}

bool
pressure_read_memory(const struct pressure *pressure, uint64_t *free_bytes)
{
	static const char key[] = "\nMemAvailable:";
	char text[FILE_BYTES], *at;
	unsigned long long kib;

	if (!read_file(pressure->proc, "", "meminfo", text) || (at = strstr(text, key)) == NULL ||
	    sscanf(at + sizeof(key) - 1, "%llu kB", &kib) != 1)
		return false;
	*free_bytes = kib * 1024;
	return true;
}

/* --- what is too much ---------------------------------------------------------------------------
 */

static double
relieved(double most)
{
	return most * 3 / 4;
}

static uint64_t
enough(const struct pressure *pressure)
{
	return pressure->least_bytes + pressure->least_bytes / 8;
}

static void
say_kind(const struct pressure *pressure, enum pressure_kind kind, char *room, size_t size)
{
	static const char *const of[PRESSURE_COUNT] = {
		[PRESSURE_CPU] = "CPUs", [PRESSURE_MEMORY] = "memory", [PRESSURE_IO] = "disks"};

	(void)snprintf(room, size,
		       "processes have waited for %s in %.1f %% of the last ten seconds, more than "
		       "the %.0f %% of "
		       "--max-%s-pressure: nothing is claimed until it is %.0f %%",
		       of[kind], pressure->now[kind], pressure->most[kind], pressure_name(kind),
		       relieved(pressure->most[kind]));
}

static void
say_memory(const struct pressure *pressure, char *room, size_t size)
{
	char left[24], least[24], more[24];

	(void)snprintf(room, size,
		       "%s of memory can be had, less than the %s of --min-free-memory: nothing is "
		       "claimed until it is %s",
		       text_bytes(left, pressure->free_bytes),
		       text_bytes(least, pressure->least_bytes),
		       text_bytes(more, enough(pressure)));
}

void
pressure_say(const struct pressure *pressure, char *room, size_t size)
{
	unsigned i;

	if (pressure->low_memory) {
		say_memory(pressure, room, size);
		return;
	}
	for (i = 0; i < PRESSURE_COUNT; i++)
		if (pressure->high[i]) {
			say_kind(pressure, (enum pressure_kind)i, room, size);
			return;
		}
}

static void
look_at_kind(struct pressure *pressure, enum pressure_kind kind)
{
	double most = pressure->most[kind];
	char said[SAID_BYTES];
	bool high;

	if (most == 0)
		return;
	if (!pressure_read(pressure, kind, &pressure->now[kind])) {
		if (!pressure->missing[kind])
			log_warn("this kernel does not tell how long processes wait "
				 "(%s/pressure/%s: %s): "
				 "--max-%s-pressure holds nothing back",
				 pressure->proc, pressure_name(kind), strerror(errno),
				 pressure_name(kind));
		pressure->missing[kind] = true;
		return;
	}
	high = pressure->now[kind] > (pressure->high[kind] ? relieved(most) : most);
	if (high && !pressure->high[kind]) {
		say_kind(pressure, kind, said, sizeof(said));
		log_warn("%s", said);
	} else if (!high && pressure->high[kind]) {
		log_info("pressure on %s is %.1f %%: tasks are claimed again", pressure_name(kind),
			 pressure->now[kind]);
	}
	pressure->high[kind] = high;
}

static void
look_at_memory(struct pressure *pressure)
{
	char said[SAID_BYTES];
	bool low;

	if (pressure->least_bytes == 0 || !pressure_read_memory(pressure, &pressure->free_bytes))
		return;
	low = pressure->free_bytes <
	      (pressure->low_memory ? enough(pressure) : pressure->least_bytes);
	if (low && !pressure->low_memory) {
		say_memory(pressure, said, sizeof(said));
		log_warn("%s", said);
	} else if (!low && pressure->low_memory) {
		log_info("%s of memory can be had: tasks are claimed again",
			 text_bytes(said, pressure->free_bytes));
	}
	pressure->low_memory = low;
}

bool
pressure_is_high(const struct pressure *pressure)
{
	bool any = pressure->low_memory;
	unsigned i;

	for (i = 0; i < PRESSURE_COUNT; i++)
		any |= pressure->high[i];
	return any;
}

bool
pressure_look(struct pressure *pressure, uint64_t now_us)
{
	unsigned i;

	if (now_us >= pressure->next_us) {
		pressure->next_us = now_us + PRESSURE_GAP_MS * 1000ull;
		look_at_memory(pressure);
		for (i = 0; i < PRESSURE_COUNT; i++)
			look_at_kind(pressure, (enum pressure_kind)i);
	}
	return pressure_is_high(pressure);
}
