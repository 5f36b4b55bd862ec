/*
 * ask.c - a command of the helper asks the agent, and says what it is told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <unistd.h>

#include "helper/control_client.h"
#include "helper/helper.h"
#include "runner/exit.h"

static void
on_still(void)
{
	(void)helper_fail(0, "the agent is still at it");
}

int
helper_ask(const char *verb, const void *value, size_t len)
{
	return helper_ask_with(verb, value, len, -1);
}

int
helper_ask_with(const char *verb, const void *value, size_t len, int fd)
{
	const struct control_question question = {verb, value, len, fd, on_still};
	struct control_answer answer;
	enum control_result result = control_ask(&question, &answer);

	if (answer.fd >= 0)
		(void)close(answer.fd);
	if (result == CONTROL_OK)
		return EXIT_OK;
	return helper_fail(result == CONTROL_SILENT ? EXIT_REFUSED : EXIT_NO, "%s", answer.text);
}
