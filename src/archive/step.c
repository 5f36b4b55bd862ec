/*
 * step.c - what the steps of runner-archive have in common.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/step.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "archive/unpack.h"
#include "base/err.h"
#include "base/text.h"

enum { THREADS_MOST = 64 };

void
step_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
	(void)fflush(stdout);
}

void
step_warn(const char *fmt, ...)
{
	va_list ap;

	(void)fputs("warning: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

uint64_t
step_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

unsigned
step_threads(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n > THREADS_MOST ? THREADS_MOST : (unsigned)n;
}

enum control_result
step_ask(const char *verb, const char *value, int fd, struct control_answer *answer)
{
	return control_ask(&(struct control_question){verb, value, strlen(value), fd, NULL},
			   answer);
}

int
step_refused(enum control_result result, const struct control_answer *answer, struct err *err)
{
	return err_set(err, result == CONTROL_SILENT ? ERR_AGAIN : ERR_HOST, "%s",
		       answer->text[0] != '\0' ? answer->text : "the agent has it no more");
}

bool
step_read_archive(struct step_archive *archive, const struct control_answer *answer)
{
	char number[24];
	struct err err = ERR_INIT;
	int at = 0;

	if (answer->fd < 0 ||
	    sscanf(answer->text, "%64s %20s %n", archive->digest, number, &at) != 2 || at == 0)
		return false;
	archive->name = answer->text + at;
	return text_parse_u64(number, UINT64_MAX, &archive->size, &err) == 0;
}

/* It is at its beginning again afterwards. */
static int
check_archive(const struct step_archive *archive, int fd, bool *intact, struct err *err)
{
	unsigned char digest[DIGEST_BYTES];
	char text[DIGEST_TEXT_BYTES];
	uint64_t size;
	int rc = unpack_digest(fd, digest, &size, err);

	*intact = rc == 0 && size == archive->size &&
		  strcmp(digest_hex(text, digest), archive->digest) == 0;
	return rc;
}

int
step_take_archive(struct step_archive *archive, const struct control_answer *found,
		  const char *what, const char *lose, bool *intact, struct err *err)
{
	struct control_answer answer;
	int rc;

	if (!step_read_archive(archive, found))
		return err_set(err, ERR_HOST, "the agent's answer cannot be read");
	rc = check_archive(archive, found->fd, intact, err);
	if (rc == 0 && !*intact) {
		step_warn("%s '%s' is damaged: it is removed", what, archive->name);
		(void)step_ask(lose, archive->name, -1, &answer);
	}
	return rc;
}
