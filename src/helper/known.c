/*
 * known.c - what the hub knows of the tests of this job, asked for through the agent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "helper/known.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/control_client.h"
#include "helper/helper.h"

enum { PAGE_MOST_BYTES = 64 << 20, PAGES_MOST = 10000 };

/* The file of a page. */
static bool
read_page(struct timings *timings, int fd)
{
	size_t len;
	char *text =
		fd >= 0 ? helper_read(fd, "what the hub knows of the tests", PAGE_MOST_BYTES, &len)
			: NULL;

	if (text == NULL)
		return false;
	timings_read_table(timings, text);
	free(text);
	return true;
}

/* Each answer says how the next page is asked for. */
static enum known
ask(struct timings *timings, const char *verb)
{
	struct control_question question = {.verb = verb, .fd = -1};
	struct control_answer answer;
	char page[CONTROL_REPLY_MOST_BYTES] = "";
	enum control_result result;
	bool is_read;
	int i;

	for (i = 0; i < PAGES_MOST; i++) {
		question.value = page;
		question.len = strlen(page);
		result = control_ask(&question, &answer);
		if (result == CONTROL_NONE)
			return KNOWN_NONE;
		is_read = result == CONTROL_OK && read_page(timings, answer.fd);
		if (answer.fd >= 0)
			(void)close(answer.fd);
		if (result != CONTROL_OK)
			(void)helper_fail(0, "%s", answer.text);
		if (!is_read)
			return KNOWN_FAILED;
		if (answer.text[0] == '\0')
			return KNOWN_YES;
		(void)strcpy(page, answer.text);
	}
	return KNOWN_YES;
}

enum known
known_timings(struct timings *timings)
{
	return getenv(CONTROL_VARIABLE) != NULL ? ask(timings, CONTROL_VERB_TESTS_TIMINGS)
						: KNOWN_NONE;
}

enum known
known_failed(struct timings *failed)
{
	return getenv(CONTROL_VARIABLE) != NULL ? ask(failed, CONTROL_VERB_TESTS_FAILED)
						: KNOWN_NONE;
}
